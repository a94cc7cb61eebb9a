"""Outlines along voxel edges, and which slice is shown."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement, SharedInstance
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.reporting.html import fragment, tag
from AnnotationQACore.reporting.pictures import pictures_of
from AnnotationQACore.reporting.plots_outlines import voxel_outline
from AnnotationQACore.reporting.svg import Scale
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((5, 20, 30), (2.5, 0.5, 1.0), (-5.0, 7.0, 100.0))


def drawn(*boxes: tuple[slice, slice, slice]) -> Segmentation:
    layers = np.zeros((1, *GRID.shape), np.uint8)
    for number, box in enumerate(boxes, start=1):
        layers[(0, *box)] = number
    segments = tuple(Segment(f"nodule#{number}", "Nodule", number) for number in range(1, len(boxes) + 1))
    return Segmentation(layers, GRID, segments)


def item(*, instances: bool) -> SegmentationItem:
    return SegmentationItem(id="nodule", title="Nodule", definition="A nodule.", label_value=1, instances=instances)


def test_the_slice_that_differs_most_is_shown() -> None:
    first = drawn((slice(0, 4), slice(4, 10), slice(5, 15)))
    second = first.layers.copy()
    second[0, 2, 4:10, 15:18] = 1
    second[0, 3, 4:10, 15:16] = 1
    case = CaseReadings("c", {}, {"a": first, "b": Segmentation(second, GRID, first.segments)})
    lesion = SharedInstance(1, {"a": 1, "b": 1}, ())
    (picture,) = pictures_of(item(instances=True), ItemAgreement("nodule", ("a", "b"), instances=(lesion,)), case)
    assert (picture.lesion, picture.axis, picture.position) == (1, "S", 105.0)
    assert picture.differing_mm2 == pytest.approx(6 * 3 * 0.5 * 1.0)
    assert picture.masks["b"].sum() - picture.masks["a"].sum() == 18
    assert picture.spacing == (0.5, 1.0)
    assert picture.sides == ("R", "L", "A", "P")


def test_who_drew_nothing_differs_everywhere() -> None:
    case = CaseReadings("c", {}, {"a": drawn((slice(1, 2), slice(2, 6), slice(2, 6)))})
    lesion = SharedInstance(1, {"a": 1}, ())
    (picture,) = pictures_of(item(instances=True), ItemAgreement("nodule", ("a", "b"), instances=(lesion,)), case)
    assert not picture.masks["b"].any()
    assert picture.differing_mm2 == pytest.approx(8.0)


def test_a_structure_without_instances_has_one_picture_and_an_absent_one_has_none() -> None:
    case = CaseReadings("c", {}, {"a": drawn((slice(0, 5), slice(2, 6), slice(2, 6))), "b": drawn()})
    one = ItemAgreement("nodule", ("a", "b"))
    assert [picture.lesion for picture in pictures_of(item(instances=False), one, case)] == [None]
    empty = CaseReadings("c", {}, {"a": drawn(), "b": drawn()})
    assert not list(pictures_of(item(instances=False), one, empty))
    assert not list(pictures_of(item(instances=False), one, CaseReadings("c", {}, {})))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=6))
def test_outlines_have_the_length_of_all_edges(rows: list[list[bool]]) -> None:
    mask = np.array(rows)
    path = voxel_outline(mask, (3.0, 2.0), 10.0)
    horizontal = sum(float(stop) - float(x) for x, _, stop in re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)", path))
    vertical = sum(float(stop) - float(y) for _, y, stop in re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", path))
    padded = np.pad(mask, 1).astype(int)
    assert horizontal == pytest.approx(2.0 * np.abs(np.diff(padded, axis=0)).sum())
    assert vertical == pytest.approx(3.0 * np.abs(np.diff(padded, axis=1)).sum())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_few_and_within(low: float, length: float, about: int) -> None:
    scale = Scale(low, low + length, 0.0, 100.0)
    ticks = scale.ticks(about)
    assert len(ticks) <= about + 1
    assert all(low - 1e-6 * length <= tick <= low + length * (1 + 1e-6) for tick in ticks)
    assert scale(low - 1) == 0.0
    assert scale(low + length + 1) == pytest.approx(100.0)


def test_logarithmic_scale() -> None:
    scale = Scale(1.0, 1000.0, 0.0, 300.0, logarithmic=True)
    assert scale(10.0) == pytest.approx(100.0)
    assert scale.ticks(4) == [1.0, 10.0, 100.0, 1000.0]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.text())
def test_text_never_becomes_markup(text: str) -> None:
    written = str(fragment(text)) + tag("a", text, title=text)
    assert written.count("<") == 2
    assert written.count(">") == 2

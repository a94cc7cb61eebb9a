"""Readings of one case, compared item by item."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.model import Protocol

WriteCase = Callable[..., CaseFiles]

LEFT = (slice(2, 6), slice(2, 8), slice(2, 8))
RIGHT = (slice(2, 6), slice(12, 18), slice(12, 18))
SHIFTED = (slice(2, 6), slice(2, 8), slice(3, 9))  # LEFT moved by one voxel of six: Dice 5/6


def test_overlap_and_volumes_of_all_instances_together(write_case: WriteCase, lung: Protocol) -> None:
    result = case_agreement(write_case("c1", {"a": [(LEFT, 3)], "b": [(SHIFTED, 4)]}), lung)
    nodule = result.item("nodule")
    assert nodule is not None
    (pair,) = nodule.pairs
    assert pair.state == "both present"
    assert pair.figures["dice"] == pytest.approx(5 / 6)
    assert pair.figures["detection_f1"] == 1
    assert nodule.values[0].values == {"a": 4 * 6 * 6 * 2.0, "b": 4 * 6 * 6 * 2.0}
    assert nodule.judged == pytest.approx(5 / 6)
    assert nodule.agreed is True  # the protocol asks for 0.7


def test_ratings_are_compared_lesion_by_lesion_whatever_their_numbers(write_case: WriteCase, lung: Protocol) -> None:
    files = write_case("c1", {"a": [(LEFT, 1), (RIGHT, 5)], "b": [(RIGHT, 4), (SHIFTED, 2)], "c": [(RIGHT, 5)]})
    result = case_agreement(files, lung)
    nodule, malignancy = result.item("nodule"), result.item("malignancy")
    assert nodule is not None
    assert malignancy is not None
    members = {frozenset(lesion.members.items()) for lesion in nodule.instances}
    assert members == {frozenset({("a", 2), ("b", 1), ("c", 1)}), frozenset({("a", 1), ("b", 2)})}
    assert [row.values for row in malignancy.values] == [{"a": 5, "b": 4, "c": 5}, {"a": 1, "b": 2}]
    assert malignancy.agreed is True  # that reader c did not see one of the nodules is judged where it is drawn
    assert nodule.agreed is False


def test_absent_is_an_answer_and_not_read_is_none(write_case: WriteCase, lung: Protocol) -> None:
    result = case_agreement(write_case("c1", {"a": [(LEFT, 3)], "b": [], "c": []}), lung)
    nodule = result.item("nodule")
    assert nodule is not None
    figures = {(pair.a, pair.b): (pair.state, pair.figures["dice"], pair.figures["hd95"]) for pair in nodule.pairs}
    assert figures["a", "b"] == ("only a", 0.0, math.inf)
    assert figures["b", "c"][0] == "both absent"
    assert math.isnan(figures["b", "c"][1])
    assert nodule.agreed is False
    assert result.item("sphericity") is None


def test_a_case_that_all_find_empty_is_agreed(write_case: WriteCase, lung: Protocol) -> None:
    nodule = case_agreement(write_case("c1", {"a": [], "b": []}), lung).item("nodule")
    assert nodule is not None
    assert nodule.agreed is True
    assert math.isnan(nodule.judged)


def test_cropped_segmentations_of_one_lattice_are_put_together(write_case: WriteCase, lung: Protocol) -> None:
    whole = write_case("c1", {"a": [(LEFT, 3)]})
    part = Grid((8, 20, 20), (2.0, 1.0, 1.0)).cropped((slice(1, 8), slice(1, 20), slice(2, 19)))
    inside = (slice(1, 5), slice(1, 7), slice(0, 6))  # LEFT, counted from the corner of the part
    cropped = write_case("c2", {"b": [(inside, 3)]}, grid=part)
    nodule = case_agreement(replace(whole, readings=whole.readings + cropped.readings), lung).item("nodule")
    assert nodule is not None
    assert nodule.pairs[0].figures["dice"] == 1.0


def test_another_lattice_is_refused_and_both_readers_are_named(write_case: WriteCase, lung: Protocol) -> None:
    first = write_case("c1", {"anna": [(LEFT, 3)]})
    second = write_case("c2", {"ben": [(LEFT, 3)]}, grid=Grid((8, 20, 20), (2.5, 1.0, 1.0)))
    with pytest.raises(GridMismatch, match=r"segmentation of anna and the segmentation of ben differ in spacing"):
        case_agreement(replace(first, readings=first.readings + second.readings), lung)


def test_a_changed_file_is_refused(write_case: WriteCase, lung: Protocol) -> None:
    files = write_case("c1", {"a": [(LEFT, 3)], "b": [(LEFT, 3)]})
    segmentation = files.readings[0].segmentation
    assert segmentation is not None
    segmentation.write_bytes(segmentation.read_bytes() + b" ")
    with pytest.raises(InputError, match="was changed after it was submitted"):
        case_agreement(files, lung)


def test_results_survive_json(write_case: WriteCase, lung: Protocol) -> None:
    files = write_case("c1", {"a": [(LEFT, 3)], "b": [], "c": [(RIGHT, 2)]})
    result = case_agreement(files, lung)
    document = json.loads(json.dumps(result.to_json(), allow_nan=False))
    again = CaseAgreement.from_json(document)
    assert again.to_json() == result.to_json()

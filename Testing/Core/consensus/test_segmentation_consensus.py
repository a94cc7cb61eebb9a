"""Consensus of segmentations: matching, metadata, overlaps."""

import functools

import numpy as np
import pytest

from AnnotationQACore.consensus.segmentations import segmentation_consensus
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

SHAPE = (4, 8, 8)
GRID = Grid(SHAPE, (2.0, 0.5, 0.5), (3.0, 4.0, 5.0))
LIVER = Segment("liver", "Liver", 1, color=(0.9, 0.1, 0.2), type=Code("10200004", "SCT", "Liver"))
LESION = Segment("lesion", "Lesion", 5, color=(0.1, 0.9, 0.2))


def reading(*boxes, segments=(LIVER, LESION), grid=GRID):
    """Segmentation with one box of columns for each segment."""
    layers = np.zeros((1 + max((segment.layer for segment in segments), default=0), *grid.shape), np.uint8)
    for segment, (start, stop) in zip(segments, boxes, strict=True):
        layers[segment.layer, 1:3, 2:6, start:stop] = segment.value
    return Segmentation(layers, grid, segments)


def columns(segmentation, ident):
    return np.flatnonzero(segmentation.mask(ident).voxels[1, 3]).tolist()


def test_segments_are_matched_by_id_and_keep_what_they_are():
    swapped = (Segment("lesion", "Lesion", 1), Segment("liver", "Liver", 2))
    readings = {
        "a": reading((0, 4), (4, 6)),
        "b": reading((0, 5), (5, 6)),
        "c": reading((4, 7), (0, 4), segments=swapped),
    }
    result = segmentation_consensus(readings, majority)
    assert result.segmentation.grid == GRID
    assert result.segmentation.layers.shape == (1, *SHAPE)
    assert result.segmentation.segments == (LIVER, LESION)
    assert columns(result.segmentation, "liver") == [0, 1, 2, 3]
    assert columns(result.segmentation, "lesion") == [4, 5]
    performance = {(segment.id, row.reader): row for segment, row in result.structures[0].performance()}
    assert performance["lesion", "a"].dice == 1.0
    assert performance["lesion", "b"].sensitivity == 0.5
    assert result.warnings == ()


@pytest.mark.parametrize("method", [majority, staple, functools.partial(simple, alpha=1.0), shape_based_average])
def test_all_methods_keep_what_all_agree_on(method):
    result = segmentation_consensus({name: reading((0, 4), (4, 6)) for name in "abc"}, method)
    assert (columns(result.segmentation, "liver"), columns(result.segmentation, "lesion")) == ([0, 1, 2, 3], [4, 5])


def test_overlapping_segments_stay_overlapping_in_layers():
    inside = (LIVER, Segment("lesion", "Lesion", 5, layer=1))
    readings = {"a": reading((0, 6), (2, 4), segments=inside), "b": reading((0, 6), (2, 5), segments=inside)}
    result = segmentation_consensus(readings, majority)
    assert columns(result.segmentation, "liver") == [0, 1, 2, 3, 4, 5]
    assert columns(result.segmentation, "lesion") == [2, 3]
    assert len(result.segmentation.layers) == 2
    assert len(result.structures) == 2
    assert {segment.name for segment in result.segmentation.segments} == {"Liver", "Lesion"}


def test_layers_that_do_not_overlap_are_decided_together():
    apart = (LIVER, Segment("lesion", "Lesion", 1, layer=1))
    result = segmentation_consensus(
        {"a": reading((0, 4), (4, 6), segments=apart), "b": reading((0, 4), (4, 6))}, majority
    )
    assert len(result.structures) == 1
    assert len(result.segmentation.layers) == 1
    assert columns(result.segmentation, "lesion") == [4, 5]


def test_a_missing_segment_is_empty_or_unread_as_told():
    readings = {"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6)), "c": reading((0, 4), segments=(LIVER,))}
    readings["d"] = reading((0, 4), segments=(LIVER,))
    empty = segmentation_consensus(readings, majority)
    assert columns(empty.segmentation, "lesion") == []
    assert any("'lesion' is not there for c, d; taken as empty" in warning for warning in empty.warnings)
    unread = segmentation_consensus(readings, majority, missing="unread")
    assert columns(unread.segmentation, "lesion") == [4, 5]
    assert [row.reader for segment, row in unread.structures[1].performance() if segment.id == "lesion"] == ["a", "b"]


def test_many_missing_segments_are_told_in_one_line():
    many = tuple(Segment(f"s{number}", f"S {number}", number) for number in range(1, 9))
    voxels = np.zeros((1, 3, 4, 12), np.uint8)
    voxels[0, 1, 1, 1:9] = range(1, 9)
    full = Segmentation(voxels, Grid(voxels.shape[1:]), many)
    none = Segmentation(np.zeros_like(voxels), full.grid, many[:1])
    result = segmentation_consensus({"a": full, "b": full, "c": none}, majority)
    (told,) = (warning for warning in result.warnings if "not there" in warning)
    assert told == "segments 's2', 's3', 's4', 's5', 's6' and 2 more are not there for c; taken as empty."


def test_a_segment_of_one_reader_only_is_refused_when_the_others_did_not_read_it():
    readings = {"a": reading((0, 4), (4, 6)), "b": reading((0, 4), segments=(LIVER,))}
    with pytest.raises(InputError, match="'lesion': read by one reader only"):
        segmentation_consensus(readings, majority, missing="unread")


def test_only_the_wanted_segments_are_in_the_result():
    result = segmentation_consensus({name: reading((0, 4), (4, 6)) for name in "ab"}, majority, only=["lesion"])
    assert [segment.id for segment in result.segmentation.segments] == ["lesion"]
    assert columns(result.segmentation, "lesion") == [4, 5]
    assert set(np.unique(result.segmentation.layers)) == {0, 5}


def test_matching_by_name_and_value():
    other = (Segment("s1", "Liver", 9), Segment("s2", "Lesion", 3))
    readings = {"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6), segments=other)}
    by_name = segmentation_consensus(readings, majority, match="name")
    assert columns(by_name.segmentation, "liver") == [0, 1, 2, 3]
    assert len(segmentation_consensus(readings, majority, match="value").segmentation.segments) == 4


def test_names_that_differ_are_told():
    other = (Segment("liver", "Leber", 1), LESION)
    result = segmentation_consensus(
        {"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6), segments=other)}, majority
    )
    assert any("several names (Leber, Liver)" in warning for warning in result.warnings)


def test_many_segments_and_large_values():
    segments = tuple(Segment(f"s{n}", f"S{n}", 70000 + n) for n in range(300))
    layers = np.zeros((1, 3, 10, 20), np.uint32)
    layers[0].reshape(-1)[:300] = 70000 + np.arange(300)
    one = Segmentation(layers, Grid((3, 10, 20)), segments)
    result = segmentation_consensus({"a": one, "b": one}, majority)
    assert np.array_equal(result.segmentation.layers, layers)
    assert result.segmentation.segments == segments


def test_different_geometry_is_refused_by_name():
    moved = Grid(SHAPE, (2.0, 0.5, 0.5), (3.0, 4.0, 6.0))
    with pytest.raises(GridMismatch, match="a and b differ in origin"):
        segmentation_consensus({"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6), grid=moved)}, majority)


@pytest.mark.parametrize(
    ("readings", "options", "message"),
    [
        ({"a": reading((0, 4), (4, 6))}, {}, "at least two"),
        (
            {"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6))},
            {"only": ["spleen"]},
            "no reader has a segment 'spleen'",
        ),
        ({"a": reading((0, 4), (4, 6)), "b": reading((0, 4), (4, 6))}, {"match": "colour"}, "match by id, name, value"),
        (dict.fromkeys("ab", Segmentation(np.zeros((1, *SHAPE), np.uint8), GRID, ())), {}, "no reader has a segment"),
    ],
)
def test_what_cannot_be_combined_is_refused(readings, options, message):
    with pytest.raises(InputError, match=message):
        segmentation_consensus(readings, majority, **options)


def test_two_segments_of_one_name_cannot_be_matched_by_it():
    twins = (Segment("x", "Node", 1), Segment("y", "Node", 2))
    readings = {name: reading((0, 4), (4, 6), segments=twins) for name in "ab"}
    with pytest.raises(InputError, match="a: two segments have the name 'Node'"):
        segmentation_consensus(readings, majority, match="name")

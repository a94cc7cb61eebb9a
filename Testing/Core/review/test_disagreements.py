"""Regions of disagreement: they hold exactly what is in dispute, and say what it is."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from AnnotationQACore.geometry import Grid
from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoices
from AnnotationQACore.review.depths import depth_image, region_distances
from AnnotationQACore.review.disagreements import Disagreements, find_disagreements
from AnnotationQACore.review.heat_maps import differing_readers
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.labels import ReviewLabels, review_labels
from AnnotationQACore.review.painting import CONSENSUS, Painting
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((10, 16, 16), (2.0, 1.0, 1.0), (5.0, -7.0, 30.0))
SEGMENTS = (
    Segment("liver", "Liver", 1),
    Segment("kidney_left", "Left kidney", 2),
    Segment("kidney_right", "Right kidney", 3),
)

Box = tuple[slice, slice, slice]


def drawn(*boxes: tuple[int, Box], segments: Sequence[Segment] = SEGMENTS, grid: Grid = GRID) -> Segmentation:
    """A reader who filled boxes with label values."""
    layer = np.zeros((1, *grid.shape), np.uint8)
    for value, where in boxes:
        layer[(0, *where)] = value
    return Segmentation(layer, grid, tuple(segments))


def box(k: tuple[int, int], j: tuple[int, int], i: tuple[int, int]) -> Box:
    return slice(*k), slice(*j), slice(*i)


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Segmentation]:
    """Two to six readers who draw boxes in one or two layers, so that structures may overlap."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from([(1, 5, 7), (4, 5, 6), (6, 3, 3)]))
    layers = draw(st.integers(1, 2))
    grid = Grid(shape, (2.5, 0.8, 1.1))
    segments = tuple(
        Segment(f"s{layer}{value}", f"S {layer} {value}", value, layer) for layer in range(layers) for value in (1, 2)
    )
    found = {}
    for reader in range(draw(st.integers(2, 6))):
        voxels = np.zeros((layers, *shape), np.uint8)
        for layer in range(layers):
            for value in rng.permutation([1, 2])[: rng.integers(0, 3)]:
                low = [int(rng.integers(0, n)) for n in shape]
                high = [int(rng.integers(a + 1, n + 1)) for a, n in zip(low, shape, strict=True)]
                voxels[(layer, *map(slice, low, high))] = value
        if rng.random() < 0.3:
            voxels ^= (rng.random(voxels.shape) < 0.1).astype(np.uint8)
            voxels[voxels > 2] = 0
        found[f"reader-{reader}"] = Segmentation(voxels, grid, segments)
    return found


SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def differing_voxels(labels: ReviewLabels) -> np.ndarray:
    """Voxels in which not all readers have the same layers, by numpy alone."""
    stack = np.stack([labels.of(reader) for reader in labels.readers])
    return np.any(stack != stack[:1], axis=(0, 1))


@SETTINGS
@given(readings())
def test_regions_partition_exactly_the_voxels_in_which_readers_differ(found: dict[str, Segmentation]) -> None:
    labels = review_labels(found)
    regions = find_disagreements(labels)
    image = regions.image()
    np.testing.assert_array_equal(image > 0, differing_voxels(labels))
    counts = np.bincount(image.ravel(), minlength=len(regions) + 1)[1:]
    np.testing.assert_array_equal(counts, regions.voxels)
    seen = np.concatenate([regions.voxels_of(n) for n in range(len(regions))] or [np.zeros(0, int)])
    assert len(np.unique(seen)) == len(seen) == differing_voxels(labels).sum()


@SETTINGS
@given(readings())
def test_each_region_is_connected_and_has_one_set_of_structures_in_dispute(found: dict[str, Segmentation]) -> None:
    labels = review_labels(found)
    regions = find_disagreements(labels)
    image = regions.image()
    masks = np.stack([[labels.mask(reader, s.id) for s in labels.segments] for reader in labels.readers])
    disputed = masks.any(axis=0) & ~masks.all(axis=0)
    for region in regions:
        inside = image == region.number + 1
        assert ndimage.label(inside, np.ones((3, 3, 3)))[1] == 1
        assert inside[region.center_index]
        where = np.argwhere(inside)
        assert [(part.start, part.stop) for part in region.box] == [
            (low, high + 1) for low, high in zip(where.min(axis=0), where.max(axis=0), strict=True)
        ]
        for place, segment in enumerate(labels.segments):
            assert np.all(disputed[place][inside] == (segment.id in region.structures))
            for number, reader in enumerate(labels.readers):
                if segment.id in region.structures:
                    had = region.who_has[reader].get(segment.id, 0)
                    assert had == masks[number, place][inside].sum()


@SETTINGS
@given(readings(), st.data())
def test_taking_one_source_everywhere_gives_that_source(found: dict[str, Segmentation], data: st.DataObject) -> None:
    labels = review_labels(found)
    regions = find_disagreements(labels)
    choices = ConsensusChoices(labels)
    source = data.draw(st.sampled_from([*labels.readers, CONSENSUS + "majority"]))
    expected = choices.choice("majority").layers if source.startswith(CONSENSUS) else labels.of(source)
    painting = Painting(regions, choices)
    before = {reader: labels.of(reader).copy() for reader in labels.readers}
    for number in data.draw(st.permutations(range(len(regions)))):
        painting.take_region(number, source)
    np.testing.assert_array_equal(painting.layers, expected)
    assert not painting.undecided()
    by_structure = Painting(regions, choices)
    for segment in labels.segments:
        by_structure.take_structure(segment.id, source)
    np.testing.assert_array_equal(by_structure.layers, expected)
    for reader in labels.readers:
        np.testing.assert_array_equal(labels.of(reader), before[reader])


@SETTINGS
@given(readings())
def test_heat_map_counts_readers_apart_from_most(found: dict[str, Segmentation]) -> None:
    labels = review_labels(found)
    stack = np.stack([labels.of(reader) for reader in labels.readers])
    alike = np.stack([np.all(stack == stack[r], axis=1).sum(axis=0) for r in range(len(stack))])
    np.testing.assert_array_equal(differing_readers(find_disagreements(labels)), len(stack) - alike.max(axis=0))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(readings())
def test_depths_are_distances_to_the_other_readers_structure(found: dict[str, Segmentation]) -> None:
    labels = review_labels(found)
    regions = find_disagreements(labels)
    image = depth_image(regions)
    assert np.all((image > 0) == differing_voxels(labels))
    expected = np.zeros(labels.grid.shape)
    for segment in labels.segments:
        masks = [labels.mask(reader, segment.id) for reader in labels.readers]
        union = np.any(masks, axis=0)
        for mask in masks:
            lacking = union & ~mask
            if mask.any():
                to_it = ndimage.distance_transform_edt(~mask, sampling=labels.grid.spacing)
                expected[lacking] = np.maximum(expected[lacking], to_it[lacking])
            else:
                expected[lacking] = np.inf
    largest = np.full(len(regions), 0.0)
    for _, numbers, distances in region_distances(regions):
        largest[numbers] = np.maximum(largest[numbers], distances)
    for region in range(len(regions)):
        assert largest[region] == pytest.approx(expected[regions.image() == region + 1].max())
    finite = np.isfinite(expected)
    np.testing.assert_allclose(image[finite], expected[finite], rtol=1e-6)
    assert np.isfinite(image).all()


def _only(labels: ReviewLabels) -> Disagreements:
    found = find_disagreements(labels)
    assert len(found) == 1
    return found


def test_kinds() -> None:
    liver = (1, box((2, 8), (2, 10), (2, 10)))
    common = drawn(liver)
    extra = drawn(liver, (1, box((0, 2), (13, 15), (13, 15))))
    assert _only(review_labels({"a": common, "b": extra, "c": common})).region(0).kind is Kind.EXTRA_STRUCTURE
    assert _only(review_labels({"a": common, "b": extra, "c": extra})).region(0).kind is Kind.MISSED_STRUCTURE
    # half and half: the first reader decides
    assert _only(review_labels({"a": common, "b": extra})).region(0).kind is Kind.EXTRA_STRUCTURE
    assert _only(review_labels({"a": extra, "b": common})).region(0).kind is Kind.MISSED_STRUCTURE
    wider = drawn((1, box((2, 8), (2, 11), (2, 10))))
    assert _only(review_labels({"a": common, "b": wider})).region(0).kind is Kind.BOUNDARY
    longer = drawn((1, box((2, 9), (2, 10), (2, 10))))
    ends = _only(review_labels({"a": common, "b": longer})).region(0)
    assert (ends.kind, ends.box[0]) == (Kind.SLICE_EXTENT, slice(8, 9))
    assert ends.volume_mm3 == 8 * 8 * 2.0
    assert dict(ends.who_has) == {"a": {}, "b": {"liver": 64}}


def test_sides_exchanged_are_a_laterality_swap_and_not_two_boundaries() -> None:
    left, right = box((2, 6), (2, 6), (1, 5)), box((2, 6), (2, 6), (10, 14))
    good = drawn((2, left), (3, right))
    exchanged = drawn((3, left), (2, right))
    found = find_disagreements(review_labels({"a": good, "b": good, "c": exchanged}))
    assert [region.kind for region in found] == [Kind.LATERALITY_SWAP] * 2
    assert found.region(0).who_has["a"] == {"kidney_left": 64}
    assert found.region(0).who_has["c"] == {"kidney_right": 64}


def test_another_structure_in_the_same_place() -> None:
    place = box((2, 6), (2, 6), (2, 6))
    found = find_disagreements(review_labels({"a": drawn((1, place)), "b": drawn((2, place))}))
    assert [region.kind for region in found] == [Kind.OTHER_STRUCTURE]


def test_a_shared_border_that_moved_is_a_boundary() -> None:
    a = drawn((1, box((2, 6), (2, 8), (2, 6))), (2, box((2, 6), (2, 8), (6, 12))))
    b = drawn((1, box((2, 6), (2, 8), (2, 7))), (2, box((2, 6), (2, 8), (7, 12))))
    found = find_disagreements(review_labels({"a": a, "b": b}))
    assert [(region.kind, region.structures) for region in found] == [(Kind.BOUNDARY, ("liver", "kidney_left"))]


def test_center_is_in_lps_in_the_thickest_place() -> None:
    a = drawn((1, box((2, 8), (2, 10), (2, 10))), (1, box((2, 8), (2, 14), (4, 8))))
    b = drawn((1, box((2, 8), (2, 10), (2, 10))))
    region = find_disagreements(review_labels({"a": a, "b": b})).region(0)
    np.testing.assert_allclose(region.center, GRID.to_world(region.center_index))
    assert region.center_index[1] in (11, 12)


def test_nothing_differs_and_one_reader_has_no_regions() -> None:
    same = drawn((1, box((2, 8), (2, 10), (2, 10))))
    assert len(find_disagreements(review_labels({"a": same, "b": same}))) == 0
    alone = review_labels({"a": same})
    assert len(find_disagreements(alone)) == 0
    assert any("only reading" in message for message in alone.messages)
    painting = Painting(find_disagreements(alone))
    np.testing.assert_array_equal(painting.layers, same.layers)


def test_an_empty_reading_is_compared_and_said() -> None:
    labels = review_labels({"a": drawn((1, box((2, 8), (2, 10), (2, 10)))), "b": drawn(segments=())})
    assert [region.kind for region in find_disagreements(labels)] == [Kind.MISSED_STRUCTURE]
    assert any(message.startswith("b: drew nothing") for message in labels.messages)


def test_a_missing_structure_is_named() -> None:
    full = drawn((1, box((2, 8), (2, 10), (2, 10))), (2, box((2, 4), (12, 14), (12, 14))))
    part = drawn((1, box((2, 8), (2, 10), (2, 10))), segments=SEGMENTS[:1])
    labels = review_labels({"a": full, "b": part, "c": full})
    assert labels.missing["b"] == ("kidney_left", "kidney_right")
    assert any("b: does not list kidney_left" in message for message in labels.messages)
    assert _only(labels).region(0).kind is Kind.MISSED_STRUCTURE


def test_six_readers() -> None:
    readers = {f"r{n}": drawn((1, box((2, 8), (2, 10), (2, 9 + n)))) for n in range(6)}
    found = _only(review_labels(readers))
    assert found.dissenting("r5").tolist() == [0]
    assert differing_readers(found).max() == 3
    choices = ConsensusChoices(found.labels)
    for method in METHODS:
        rows = choices.choice(method).of("liver")
        assert [row.reader for row in rows] == list(readers)
        assert all(0 <= row.dice <= 1 and 0 <= row.sensitivity <= 1 and 0 <= row.specificity <= 1 for row in rows)
    assert choices.choice("majority").of("liver")[2].dice > 0.95


def test_segments_with_random_ids_are_matched_by_name() -> None:
    def named(identifier: str) -> Segmentation:
        return drawn((1, box((2, 8), (2, 10), (2, 10))), segments=[Segment(identifier, "Liver", 1)])

    labels = review_labels({"a": named("Segment_1"), "b": named("Segment_7")})
    assert len(labels.segments) == 1
    assert any("by name" in message for message in labels.messages)
    assert len(find_disagreements(labels)) == 0


def test_readers_on_different_grids_are_resampled_and_it_is_said() -> None:
    fine = Grid((20, 16, 16), (1.0, 1.0, 1.0), (5.0, -7.0, 29.5))
    coarse = drawn((1, box((2, 8), (2, 10), (2, 10))))
    other = drawn((1, box((4, 16), (2, 10), (2, 10))), grid=fine)
    labels = review_labels({"a": coarse, "b": other}, GRID)
    assert labels.grid == GRID
    assert any(message.startswith("b: was drawn on another grid (spacing 1 x 1 x 1 mm)") for message in labels.messages)
    assert len(find_disagreements(labels)) == 0
    assert review_labels({"a": coarse, "b": other}).grid == fine


def test_structures_that_overlap_for_one_reader_keep_their_overlap() -> None:
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[(0, *box((2, 8), (2, 10), (2, 10)))] = 1
    layers[(1, *box((3, 5), (3, 6), (3, 6)))] = 1
    nested = Segmentation(layers, GRID, (Segment("whole", "Whole", 1, 0), Segment("core", "Core", 1, 1)))
    flat = drawn((1, box((2, 8), (2, 10), (2, 10))), (2, box((3, 5), (3, 6), (3, 6))),
                 segments=[Segment("whole", "Whole", 1), Segment("core", "Core", 2)])  # fmt: skip
    labels = review_labels({"a": nested, "b": flat})
    np.testing.assert_array_equal(labels.mask("a", "core"), nested.mask("core").voxels)
    np.testing.assert_array_equal(labels.mask("b", "whole"), flat.mask("whole").voxels)
    assert [(region.structures, region.voxels) for region in find_disagreements(labels)] == [(("whole",), 18)]

"""Comparison of several readers, structures and layers, its policies, and the JSON it is written as."""

from __future__ import annotations

import json
import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.agreement.segmentations.overlap import dice
from AnnotationQACore.agreement.segmentations.segmentations import (
    CONSENSUS,
    REFERENCE,
    compare_masks,
    compare_segmentations,
)
from AnnotationQACore.errors import Cancelled, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Segment, Segmentation

FEW = settings(max_examples=15, deadline=None, derandomize=True)

GRID = Grid((6, 7, 8), (2.0, 0.8, 0.9))


def random_readers(seed, n_readers=3, n_labels=3, grid=GRID):
    """Readers who agree on most voxels."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, n_labels + 1, grid.shape)
    readers = {}
    for name in "ABCDEFGH"[:n_readers]:
        other = generator.integers(0, n_labels + 1, grid.shape)
        readers[name] = np.where(generator.random(grid.shape) < 0.8, truth, other).astype(np.uint8)
    return readers


def segmentation(layers, segments, grid=GRID):
    return Segmentation(np.stack(layers), grid, tuple(segments))


def assert_same_pair(found, expected):
    assert found.confusion == expected.confusion
    assert found.state == expected.state
    assert found.dice == expected.dice
    if expected.surface is None:
        assert found.surface is None
        return
    for name in ("hd", "hd95", "assd", "masd"):
        assert getattr(found.surface, name) == pytest.approx(getattr(expected.surface, name), abs=1e-9)
    assert found.surface.nsd == pytest.approx(expected.surface.nsd, abs=1e-9)
    if expected.surface.boundary_shift_mm is not None:
        assert found.surface.boundary_shift_mm == pytest.approx(expected.surface.boundary_shift_mm, abs=1e-9)


@FEW
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_all_readers_at_once_are_as_every_two_masks(seed, n_readers):
    readers = random_readers(seed, n_readers)
    result = compare_segmentations(readers, GRID)
    assert list(result.labels) == ["1", "2", "3"]
    for key, label in result.labels.items():
        assert [(pair.a, pair.b) for pair in label.pairs] == list(combinations(readers, 2))
        for pair in label.pairs:
            a, b = readers[pair.a] == int(key), readers[pair.b] == int(key)
            assert_same_pair(pair, compare_masks(a, b, GRID))
            assert pair.confusion == Confusion.of_masks(a, b)
            assert pair.volume_a_mm3 == pytest.approx(np.count_nonzero(a) * 2.0 * 0.8 * 0.9)
            assert pair.volume_difference_mm3 == pytest.approx(pair.volume_a_mm3 - pair.volume_b_mm3)


@FEW
@given(st.integers(0, 10**6), st.permutations([1, 2, 3]))
def test_relabelling(seed, order):
    readers = random_readers(seed)
    renamed = {name: np.array([0, *order], dtype=np.uint16)[array] for name, array in readers.items()}
    before, after = compare_segmentations(readers, GRID), compare_segmentations(renamed, GRID)
    for old, new in enumerate(order, start=1):
        for pair, same in zip(before.labels[str(old)].pairs, after.labels[str(new)].pairs, strict=True):
            assert_same_pair(same, pair)
    assert [pair.kappa for pair in after.kappas] == pytest.approx([pair.kappa for pair in before.kappas], abs=1e-12)
    assert after.fleiss_kappa == pytest.approx(before.fleiss_kappa, abs=1e-12)


@FEW
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_leave_one_out_consensus_is_the_strict_majority_of_the_others(seed, n_readers):
    readers = random_readers(seed, n_readers)
    result = compare_segmentations(readers, GRID, against_consensus=True)
    for key, label in result.labels.items():
        assert [pair.a for pair in label.against_consensus] == list(readers)
        for pair in label.against_consensus:
            others = [array == int(key) for name, array in readers.items() if name != pair.a]
            majority = 2 * np.sum(others, axis=0) > len(others)
            assert pair.b == CONSENSUS
            assert_same_pair(pair, compare_masks(readers[pair.a] == int(key), majority, GRID))


def test_against_a_reference():
    readers = random_readers(5, 3)
    truth = readers.pop("C")
    result = compare_segmentations(readers, GRID, reference=truth)
    assert result.reference == REFERENCE
    for key, label in result.labels.items():
        assert [(pair.a, pair.b) for pair in label.pairs] == [("A", "B")]
        for pair in label.against_reference:
            assert pair.b == REFERENCE
            a, b = readers[pair.a] == int(key), truth == int(key)
            assert_same_pair(pair, compare_masks(a, b, GRID))
            assert pair.sensitivity == np.count_nonzero(a & b) / np.count_nonzero(b)
            assert pair.precision == np.count_nonzero(a & b) / np.count_nonzero(a)
    assert len(result.kappas) == 1


def test_one_reader_and_a_reference():
    readers = random_readers(6, 2)
    result = compare_segmentations({"A": readers["A"]}, GRID, reference=readers["B"], against_consensus=True)
    label = result.labels["2"]
    assert label.pairs == label.against_consensus == ()
    assert label.fleiss_kappa is result.fleiss_kappa is None
    assert_same_pair(label.against_reference[0], compare_masks(readers["A"] == 2, readers["B"] == 2, GRID))
    assert label.summary.n_pairs == 0
    assert label.summary.dice is None


def test_voxelwise_kappas_over_all_labels():
    readers = random_readers(7, 3)
    result = compare_segmentations(readers, GRID, distances=False)
    flat = {name: array.reshape(-1) for name, array in readers.items()}
    for pair in result.kappas:
        a, b = flat[pair.a], flat[pair.b]
        chance = sum(np.mean(a == label) * np.mean(b == label) for label in range(4))
        assert pair.kappa == pytest.approx((np.mean(a == b) - chance) / (1 - chance), abs=1e-12)
    table = np.stack([np.sum([a == label for a in flat.values()], axis=0) for label in range(4)], axis=1)
    agreement = ((table**2).sum(axis=1) - 3).mean() / 6
    chance = ((table.sum(axis=0) / table.sum()) ** 2).sum()
    assert result.fleiss_kappa == pytest.approx((agreement - chance) / (1 - chance), abs=1e-12)


def test_overlap_alone_has_no_surfaces():
    result = compare_segmentations(random_readers(8), GRID, distances=False)
    pair = result.labels["1"].pairs[0]
    assert pair.dice is not None
    assert pair.surface is None
    assert pair.to_json()["hd"] is None
    assert result.labels["1"].summary.hd95 is None


# --- lung nodules outlined by radiologists


def test_overlap_of_forty_lung_nodules(shared_data):
    expected = json.loads((shared_data / "lidc/expected_overlap.json").read_text())
    assert len(expected) == 40
    for nodule, figures in expected.items():
        with np.load(shared_data / f"lidc/masks/{nodule}.npz") as stored:
            masks, spacing = stored["masks"], stored["spacing_zyx"]
        if len(masks) < 2:
            assert figures["pairs"] == []
            continue
        readers = {str(reader): mask for reader, mask in enumerate(masks)}
        result = compare_segmentations(
            readers, Grid(masks.shape[1:], tuple(spacing)), labels=[1], against_consensus=True
        )
        pairs = result.labels["1"].pairs
        assert [[int(pair.a), int(pair.b)] for pair in pairs] == figures["pairs"]
        assert [pair.dice for pair in pairs] == pytest.approx(figures["dice"], abs=1e-12)
        assert [pair.jaccard for pair in pairs] == pytest.approx(figures["iou"], abs=1e-12)
        assert np.count_nonzero(masks.any(axis=0)) == figures["union_vox"]
        assert all(math.isfinite(pair.surface.hd) for pair in pairs)


# --- nothing to measure


def test_empty_policy():
    a, b = np.zeros((2, *GRID.shape), dtype=np.uint8)
    a[2:4, 2:5, 2:5] = 1
    b[1:3, 1:3, 1:3] = 2
    result = compare_segmentations({"A": a, "B": b}, GRID, labels=[1, 2, 3])
    only_a, only_b, neither = (result.labels[key].pairs[0] for key in "123")
    assert (only_a.state, only_b.state, neither.state) == ("only a", "only b", "both absent")
    for missed in (only_a, only_b):
        assert missed.dice == missed.jaccard == missed.volume_similarity == 0
        assert missed.surface.hd == missed.surface.hd95 == missed.surface.assd == missed.surface.masd == math.inf
        assert set(missed.surface.nsd.values()) == {0.0}
        assert missed.surface.boundary_shift_mm is None
    assert only_a.surface.b_to_a is None
    assert only_b.surface.a_to_b is None
    assert neither.dice is neither.kappa is neither.surface is None
    summary = result.labels["3"].summary
    assert (summary.n_pairs, summary.n_both_absent, summary.dice, summary.hd95) == (1, 1, None, None)
    assert result.labels["1"].summary.hd95 == math.inf
    assert result.labels["1"].summary.nsd == {1.0: 0.0, 2.0: 0.0}


def test_missed_structures_rank_worst():
    grid = Grid((4, 20, 20))
    a, b, c = np.zeros((3, *grid.shape), dtype=np.uint8)
    for reader, width in ((a, 8), (b, 7), (c, 0)):
        reader[1:3, 2:9, 2 : 2 + width] = 1
        reader[1:3, 12:18, 2:9] = 2
    result = compare_segmentations({"A": a, "B": b, "C": c}, grid, labels=[1, 2, 3])
    worst = result.worst(4)
    assert {(pair.a, pair.b) for label, pair in worst[:2]} == {("A", "C"), ("B", "C")}
    assert [label for label, _ in worst] == ["1", "1", "1", "2"]
    assert len(result.worst(100)) == 6


def test_absent_and_not_read_are_different():
    voxels = np.zeros(GRID.shape, dtype=np.uint8)
    voxels[1:4, 1:4, 1:4] = 1
    liver, tumour = Segment("liver", "Liver", 1), Segment("tumour", "Tumour", 2)
    readers = {
        "looked": segmentation([voxels], [liver, tumour]),
        "also": segmentation([voxels], [liver, tumour]),
        "not asked": segmentation([voxels], [liver]),
    }
    result = compare_segmentations(readers)
    assert list(result.labels) == ["liver", "tumour"]
    assert len(result.labels["liver"].pairs) == 3
    tumours = result.labels["tumour"]
    assert [(pair.a, pair.b, str(pair.state)) for pair in tumours.pairs] == [("looked", "also", "both absent")]
    assert tumours.not_read == ("not asked",)
    assert tumours.name == "Tumour"
    assert result.fleiss_kappa is None
    assert [(pair.a, pair.b) for pair in result.kappas] == [("looked", "also")]


def test_nobody_labelled_anything():
    empty = np.zeros(GRID.shape, dtype=np.uint8)
    result = compare_segmentations({"A": empty, "B": empty}, GRID)
    assert result.labels == {}
    assert result.fleiss_kappa is None
    assert result.worst() == []


# --- layers


def test_overlapping_segments_are_layers_of_their_own():
    generator = np.random.default_rng(11)
    masks = {name: generator.random((2, *GRID.shape)) < 0.4 for name in "AB"}
    readers = {
        "A": segmentation(
            masks["A"].astype(np.uint8), [Segment("organ", "Organ", 1, 0), Segment("lesion", "Lesion", 1, 1)]
        ),
        "B": segmentation(
            masks["B"].astype(np.int16) * [[[[7]]], [[[9]]]],
            [Segment("lesion", "Lesion", 9, 1), Segment("organ", "Organ", 7, 0)],
        ),
    }
    result = compare_segmentations(readers)
    for layer, key in enumerate(("organ", "lesion")):
        assert_same_pair(result.labels[key].pairs[0], compare_masks(masks["A"][layer], masks["B"][layer], GRID))
    assert result.kappas == ()
    assert result.fleiss_kappa is None


def test_segmentation_and_label_map_are_matched_by_value():
    voxels = random_readers(12, 2)
    named = segmentation([voxels["A"]], [Segment(f"s{value}", f"S{value}", value) for value in (1, 2, 3)])
    result = compare_segmentations({"A": named, "B": voxels["B"]}, GRID)
    expected = compare_segmentations(voxels, GRID)
    assert list(result.labels) == ["1", "2", "3"]
    for key in result.labels:
        assert_same_pair(result.labels[key].pairs[0], expected.labels[key].pairs[0])
    assert result.labels["1"].name == "S1"


def test_layers_that_share_a_value_cannot_be_matched_by_value():
    layered = segmentation(
        np.zeros((2, *GRID.shape), dtype=np.uint8), [Segment("a", "A", 1, 0), Segment("b", "B", 1, 1)]
    )
    with pytest.raises(InputError, match="value 1"):
        compare_segmentations({"A": layered, "B": np.zeros(GRID.shape, dtype=np.uint8)}, GRID)


# --- kinds of input


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.uint32, np.int64, np.float32, np.float64])
def test_whole_numbers_of_any_type(kind):
    readers = {name: (array > 1).astype(np.uint8) for name, array in random_readers(13, 2).items()}
    expected = compare_segmentations(readers, GRID).labels["1"].pairs[0]
    found = compare_segmentations({"A": readers["A"].astype(kind), "B": readers["B"]}, GRID).labels["1"].pairs[0]
    assert_same_pair(found, expected)


def test_input_is_not_changed_and_may_be_read_only():
    readers = random_readers(14, 2)
    copies = {name: array.copy() for name, array in readers.items()}
    for array in readers.values():
        array.flags.writeable = False
    compare_segmentations(readers, GRID, against_consensus=True)
    for name, array in readers.items():
        np.testing.assert_array_equal(array, copies[name])


def test_three_hundred_labels():
    grid = Grid((30, 10, 10))
    a = np.arange(1, 301, dtype=np.uint16).repeat(10).reshape(grid.shape)
    b = a.copy()
    b[:, :, -1] = 0
    result = compare_segmentations({"A": a, "B": b}, grid)
    assert len(result.labels) == 300
    assert {label.pairs[0].dice for label in result.labels.values()} == {18 / 19}


def test_a_value_that_the_type_of_another_reader_cannot_hold():
    a = np.zeros(GRID.shape, dtype=np.uint16)
    a[1:3, 1:3, 1:3] = 300
    result = compare_segmentations({"A": a, "B": np.zeros(GRID.shape, dtype=np.uint8)}, GRID)
    assert result.labels["300"].pairs[0].state == "only a"


@pytest.mark.parametrize(
    ("readers", "options", "said"),
    [
        ({}, {}, "two or more"),
        ({"A": np.zeros(GRID.shape)}, {}, "two or more"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros((6, 7, 9))}, {}, "shape"),
        ({"A": np.zeros(GRID.shape), "B": np.full(GRID.shape, 0.3)}, {}, "fractions"),
        ({"A": np.zeros(GRID.shape), "B": np.full(GRID.shape, np.nan)}, {}, "NaN"),
        ({"A": np.zeros(GRID.shape), "B": np.full(GRID.shape, -2)}, {}, "negative"),
        ({"A": np.zeros(GRID.shape), REFERENCE: np.zeros(GRID.shape)}, {}, "another name"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)}, {"definition": "voxel"}, "'surfel', 'subvoxel'"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)}, {"tolerances_mm": [-1]}, "tolerances"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)}, {"tolerances_mm": [math.nan]}, "tolerances"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)}, {"labels": ["liver"]}, "'liver'"),
        ({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)}, {"labels": [0]}, "'0'"),
    ],
)
def test_bad_input_is_refused_in_one_line(readers, options, said):
    with pytest.raises(InputError, match=said) as refused:
        compare_segmentations(readers, GRID, **options)
    assert "\n" not in str(refused.value)


def test_a_label_map_needs_a_grid():
    with pytest.raises(InputError, match="grid"):
        compare_segmentations({"A": np.zeros(GRID.shape), "B": np.zeros(GRID.shape)})


def test_progress_counts_structures_and_can_cancel():
    calls = []
    compare_segmentations(random_readers(15), GRID, progress=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def cancel(done, total, message=""):
        if done == 1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        compare_segmentations(random_readers(15), GRID, progress=cancel)


# --- JSON


def test_json_has_the_stable_shape_and_no_nan():
    a, b = np.zeros((2, *GRID.shape), dtype=np.uint8)
    a[1:4, 1:5, 1:5] = 1
    b[1:4, 1:5, 2:5] = 1
    a[4:, 6:, 6:] = 2
    result = compare_segmentations({"A": a, "B": b}, GRID, labels=[1, 2, 3], tolerances_mm=(1, 2.5))
    document = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert document["definition"] == "surfel"
    assert "Nikolov" in document["definition_text"]
    assert document["readers"] == ["A", "B"]
    present, missed, absent = (document["labels"][key]["pairs"][0] for key in "123")
    stable = {"a", "b", "dice", "jaccard", "volume_similarity", "hd", "hd95", "assd", "masd", "nsd", "state"}
    for pair in (present, missed, absent):
        assert stable | {"volume_a_mm3", "volume_b_mm3"} <= pair.keys()
        assert (pair["a"], pair["b"]) == ("A", "B")
    assert present["dice"] == dice(Confusion.of_masks(a == 1, b == 1))
    assert present["nsd"].keys() == {"1.0", "2.5"}
    assert present["surface_definition"] == "surfel"
    assert (missed["hd"], missed["hd95"], missed["assd"], missed["masd"]) == ("inf",) * 4
    assert missed["nsd"] == {"1.0": 0.0, "2.5": 0.0}
    assert missed["a_to_b"]["mean"] == "inf"
    assert (absent["state"], absent["dice"], absent["hd"], absent["volume_a_mm3"]) == ("both absent", None, None, 0.0)
    assert document["labels"]["2"]["summary"]["hd95"] == "inf"
    assert document["labels"]["3"]["summary"]["n_both_absent"] == 1

"""Joint runs give the same counts as the voxels themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as hypothesis_arrays

from AnnotationQACore.agreement.segmentations import runs as runs_module
from AnnotationQACore.agreement.segmentations.runs import grouped, joint_runs, ranked
from AnnotationQACore.errors import InputError

FEW = settings(max_examples=30, deadline=None, derandomize=True)

shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 9))


@st.composite
def label_maps(draw):
    """One to four label maps of one shape, of different types."""
    shape = draw(shapes)
    types = draw(
        st.lists(
            st.sampled_from([np.uint8, np.int16, np.uint16, np.int64, np.uint64, np.float32, np.bool_]),
            min_size=1,
            max_size=4,
        )
    )
    return [draw(hypothesis_arrays(np.uint8, shape, elements=st.integers(0, 3))).astype(kind) for kind in types]


@FEW
@given(label_maps())
def test_painting_the_values_of_the_runs_gives_the_label_maps_back(maps):
    runs = joint_runs(maps)
    assert runs.lengths.sum() == maps[0].size
    for values, array in zip(runs.values, maps, strict=True):
        np.testing.assert_array_equal(runs.paint(values), array)


@FEW
@given(label_maps())
def test_runs_are_maximal(maps):
    runs = joint_runs(maps)
    values = np.stack(runs.values)
    assert np.all(np.any(values[:, 1:] != values[:, :-1], axis=0))


@pytest.mark.parametrize("combinations", [0, 1 << 18])
@FEW
@given(maps=label_maps())
def test_patterns_count_what_occurs_together(combinations, maps):
    runs = joint_runs(maps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "_COMBINATIONS", combinations)
        patterns, counts, of_run = runs.patterns()
    voxels = np.stack([array.reshape(-1).astype(np.int64) for array in maps], axis=1)
    expected, expected_counts = np.unique(voxels, axis=0, return_counts=True)
    np.testing.assert_array_equal(patterns, expected)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_array_equal(patterns[runs.paint(of_run).reshape(-1)], voxels)


@FEW
@given(label_maps())
def test_extents_of_a_label_are_its_bounding_box(maps):
    runs = joint_runs(maps)
    for source, array in enumerate(maps):
        labels = runs.labels(source).tolist()
        assert labels == [v for v in np.unique(array) if v > 0]
        for label in labels:
            extents = runs.extents(np.flatnonzero(runs.values[source] == label))
            inside = np.zeros(array.shape, dtype=bool)
            for (k0, k1), (j0, j1), (i0, i1) in extents.transpose(2, 0, 1):
                inside[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = True
            assert np.all(inside[array == label])
            places = np.argwhere(array == label)
            np.testing.assert_array_equal(extents[0, 0].min(), places[:, 0].min())
            np.testing.assert_array_equal(extents[0, 1].max(), places[:, 0].max())


def test_extents_of_runs_within_rows_are_exact():
    array = np.zeros((3, 4, 6), dtype=np.uint8)
    array[1:3, 1:3, 2:5] = 1
    runs = joint_runs([array])
    extents = runs.extents(np.flatnonzero(runs.values[0]))
    assert extents[:, 0].min(axis=1).tolist() == [1, 1, 2]
    assert extents[:, 1].max(axis=1).tolist() == [2, 2, 4]


@pytest.mark.parametrize("part", [1, 72, 120, 3000])
@pytest.mark.parametrize("block", [1, 7, 24, 1000])
def test_parts_and_blocks_do_not_show_in_the_result(monkeypatch, part, block):
    generator = np.random.default_rng(4)
    maps = [generator.integers(0, 2, (7, 3, 4), dtype=np.uint8) for _ in range(3)]
    expected = joint_runs(maps)
    monkeypatch.setattr(runs_module, "_SMALL", 0)
    monkeypatch.setattr(runs_module, "_PART", part)
    monkeypatch.setattr(runs_module, "_BLOCK", block)
    runs = joint_runs(maps)
    np.testing.assert_array_equal(runs.starts, expected.starts)
    for values, array in zip(runs.values, maps, strict=True):
        np.testing.assert_array_equal(runs.paint(values), array)


@pytest.mark.parametrize("block", [5, 20, 1 << 19])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 7, 9)])
def test_what_is_background_to_all_is_passed_over_and_nothing_else(monkeypatch, kind, shape, block):
    monkeypatch.setattr(runs_module, "_SMALL", 0)
    monkeypatch.setattr(runs_module, "_BLOCK", block)
    monkeypatch.setattr(runs_module, "_PIECE", 8)
    generator = np.random.default_rng(9)
    size = int(np.prod(shape))
    labeled = [{0}, {size - 1}, {7, 8}, {8}, {15, 16, 17}, set(range(64, 80)), set(range(size)), set()]
    labeled += [set(generator.choice(size, 6).tolist()) for _ in range(20)]
    for first in labeled:
        maps = [np.zeros(shape, dtype=kind) for _ in range(2)]
        maps[0].reshape(-1)[list(first)] = 1
        maps[1].reshape(-1)[list(labeled[generator.integers(len(labeled))])] = 2
        runs = joint_runs(maps)
        both = np.stack([array.reshape(-1) for array in maps])
        expected = np.flatnonzero(np.any(both[:, 1:] != both[:, :-1], axis=0)) + 1
        assert runs.starts.tolist() == [0, *expected.tolist()]
        for values, array in zip(runs.values, maps, strict=True):
            np.testing.assert_array_equal(runs.paint(values), array)


def test_memory_layout_does_not_matter():
    array = np.random.default_rng(1).integers(0, 3, (4, 5, 6), dtype=np.int16)
    expected = joint_runs([array])
    for view in (np.asfortranarray(array), array[:, ::-1][:, ::-1], np.repeat(array, 2, axis=2)[:, :, ::2]):
        np.testing.assert_array_equal(joint_runs([view]).starts, expected.starts)


def test_large_label_values_are_kept_apart():
    array = np.zeros((2, 3, 4), dtype=np.int64)
    array[0, 0, :2] = 5_000_000
    array[1, 2, 1:] = 2_000_000_000
    runs = joint_runs([array, array.astype(np.float64)])
    assert runs.labels(0).tolist() == runs.labels(1).tolist() == [5_000_000, 2_000_000_000]
    patterns, counts, _ = runs.patterns()
    assert patterns.tolist() == [[0, 0], [5_000_000] * 2, [2_000_000_000] * 2]
    assert counts.tolist() == [19, 2, 3]


@pytest.mark.parametrize("n", [4, 300, 70_000])
def test_grouped_gives_the_places_of_each_category(n):
    categories = np.random.default_rng(2).choice([0, 1, n - 1], 40)
    groups = grouped(categories, n)
    assert len(groups) == n
    for category in (0, 1, 2, n - 1):
        np.testing.assert_array_equal(groups[category], np.flatnonzero(categories == category))


def test_ranked_of_nothing():
    distinct, rank = ranked(np.zeros(0, dtype=np.uint8))
    assert len(distinct) == len(rank) == 0


@pytest.mark.parametrize(
    ("voxels", "said"),
    [
        (np.full((2, 2, 2), 0.5), "fractions"),
        (np.full((2, 2, 2), np.nan), "NaN"),
        (np.full((2, 2, 2), np.inf), "NaN or infinite"),
        (np.full((2, 2, 2), 1e12), "beyond"),
        (np.full((2, 2, 2), -1), "negative"),
        (np.full((2, 2, 2), -1.0), "negative"),
        (np.full((2, 2, 2), 1j), "complex"),
        (np.full((2, 2, 2), "a"), "whole numbers"),
        (np.zeros((2, 2)), "three axes"),
        (np.zeros((2, 0, 2)), "three axes"),
        (np.zeros((2, 2, 3)), "shapes"),
    ],
)
def test_what_is_no_label_map_is_refused_by_name(voxels, said):
    with pytest.raises(InputError, match=said) as refused:
        joint_runs([np.zeros((2, 2, 2), dtype=np.uint8), voxels], ["Ann", "Bob"])
    assert "Bob" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_label_map_at_all_is_refused():
    with pytest.raises(InputError, match="no label map"):
        joint_runs([])

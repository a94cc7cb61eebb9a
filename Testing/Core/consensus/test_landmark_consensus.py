"""Geometric medians and the vote on visibility."""

import csv
import json

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from AnnotationQACore.consensus.landmarks import geometric_median, landmark_consensus
from AnnotationQACore.errors import InputError

FEW = settings(max_examples=50, deadline=None, derandomize=True)
POINTS = arrays.arrays(np.float64, st.tuples(st.integers(1, 7), st.just(3)), elements=st.integers(-20, 20).map(float))


def total(place, points):
    return np.linalg.norm(points - place, axis=1).sum()


@FEW
@given(POINTS)
def test_no_other_place_has_a_smaller_sum_of_distances(points):
    median = geometric_median(points)
    best = total(median, points)
    starts = [points.mean(axis=0), *points]
    others = [total(place, points) for place in starts]
    others += [minimize(total, start + 0.01, args=(points,), method="Nelder-Mead").fun for start in starts[:2]]
    assert best <= min(others) + 1e-6 * (1 + best)


@FEW
@given(POINTS, st.permutations([0, 1, 2]))
def test_moving_turning_and_scaling_carry_the_median_along(points, axes):
    median = geometric_median(points)
    moved = geometric_median(3.0 * points[::-1, axes] + (5.0, -7.0, 11.0))
    expected = 3.0 * median[axes] + (5.0, -7.0, 11.0)
    # where two medians are equally good, as of four points on a plane's corners, both sums are the same
    assert total(moved, 3.0 * points[:, axes] + (5.0, -7.0, 11.0)) == pytest.approx(
        total(expected, 3.0 * points[:, axes] + (5.0, -7.0, 11.0)), abs=1e-6
    )


def test_a_median_at_a_given_point_is_that_point():
    corners = np.array([[1.0, 1, 0], [-1, 1, 0], [1, -1, 0], [-1, -1, 0], [0, 0, 0]])
    assert geometric_median(corners).tolist() == [0, 0, 0]
    # the angle at the vertex is above 120 degrees
    assert geometric_median([[0.0, 0, 0], [10, 1, 0], [-10, 1, 0]]).tolist() == [0, 0, 0]


def test_three_points_below_120_degrees_have_the_fermat_point():
    triangle = np.array([[0.0, 0, 0], [2, 0, 0], [1, np.sqrt(3), 0]])
    assert geometric_median(triangle) == pytest.approx([1, 1 / np.sqrt(3), 0], abs=1e-8)


def test_points_on_a_line_and_pairs_take_the_middle():
    assert geometric_median([[0.0, 0, 0], [4, 4, 4]]).tolist() == pytest.approx([2, 2, 2])
    assert geometric_median([[0.0, 0, 0], [1, 1, 1], [3, 3, 3], [9, 9, 9]]).tolist() == pytest.approx([2, 2, 2])
    assert geometric_median([[5.0, 6, 7]]).tolist() == [5, 6, 7]
    assert geometric_median([[5.0, 6, 7]] * 3).tolist() == [5, 6, 7]


def test_one_far_reader_hardly_moves_it():
    near = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert np.linalg.norm(geometric_median([*near, [1000.0, 0, 0]]) - geometric_median(near)) < 0.5


@pytest.mark.parametrize("points", [np.zeros((0, 3)), [[0.0, np.nan, 1]], [1.0, 2.0, 3.0]])
def test_what_are_no_points_is_refused(points):
    with pytest.raises(InputError, match="geometric median"):
        geometric_median(points)


def test_visibility_is_voted_and_unread_is_no_vote():
    readings = {
        "a": {"apex": (0.0, 0.0, 0.0), "valve": (1.0, 1.0, 1.0), "cusp": None},
        "b": {"apex": (2.0, 0.0, 0.0), "valve": None, "cusp": None},
        "c": {"apex": (1.0, 0.5, 0.0), "valve": None},
        "d": {"apex": (1.0, 0.4, 0.0), "valve": (3.0, 1.0, 1.0), "cusp": (9.0, 9.0, 9.0)},
    }
    apex, valve, cusp = landmark_consensus(readings).points
    assert apex.visible == ("a", "b", "c", "d")
    assert apex.uncertainty == pytest.approx(np.mean(list(apex.distances.values())))
    assert valve.position == pytest.approx((2.0, 1.0, 1.0))
    assert cusp.position is None
    assert cusp.not_read == ("c",)
    assert landmark_consensus(readings, ties="not visible").points[1].position is None
    assert any("as many readers saw" in warning for warning in landmark_consensus(readings).warnings)


def test_readers_are_compared_with_it():
    readings = {name: {"p": (x, 0.0, 0.0), "q": (x, 1.0, 0.0)} for name, x in zip("abc", (0.0, 1.0, 5.0), strict=True)}
    assert landmark_consensus(readings).performance == {"a": 1.0, "b": 0.0, "c": 4.0}


@pytest.mark.parametrize(
    ("readings", "ties"),
    [({"a": {"p": None}}, "visible"), ({"a": {}, "b": {}}, "visible"), ({"a": {}, "b": {}}, "?")],
)
def test_bad_readings_are_refused(readings, ties):
    with pytest.raises(InputError, match="consensus"):
        landmark_consensus(readings, ties)


def test_a_point_that_is_nowhere_is_refused():
    with pytest.raises(InputError, match="landmark 'p'"):
        landmark_consensus({"a": {"p": (0.0, np.nan, 0.0)}, "b": {"p": (0.0, 0.0, 0.0)}})


def real_readings(folder):
    readings = {}
    for path in sorted(folder.iterdir()):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        readings[path.name] = {row[11]: tuple(float(value) for value in row[1:4]) for row in csv.reader(lines)}
    return readings


def test_real_readers_are_nearer_to_the_median_than_to_the_mean(shared_data):
    compared = 0
    for case in json.loads((shared_data / "agreement/landmarks.json").read_text())["cases"]:
        readings = real_readings(shared_data / "agreement/landmarks" / case["subject"])
        names = [str(number) for number in range(1, case["n_landmarks"] + 1)]
        if any(sorted(reading) != sorted(names) for reading in readings.values()):
            continue  # a reader left one out, or gave two of them one name
        points = {point.name: point for point in landmark_consensus(readings).points}
        for name, to_mean in zip(names, case["per_landmark_mean_to_centroid"], strict=True):
            assert points[name].uncertainty <= to_mean + 1e-6
            assert points[name].uncertainty > 0.5 * to_mean
        compared += 1
    assert compared >= 5

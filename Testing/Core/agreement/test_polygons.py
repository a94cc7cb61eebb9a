"""Lines, angles and polygons against geometry that is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.drawn.polygons import (
    angle_at,
    compare_angles,
    compare_lines,
    compare_polygons,
    line_angle,
    path_length,
    polygon_area,
)
from AnnotationQACore.errors import InputError

bounded = settings(max_examples=40, deadline=None, derandomize=True)
SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)


def ellipse(a, b, count=720):
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([a * np.cos(t), b * np.sin(t)])


@bounded
@given(st.integers(0, 10**6), st.floats(0.1, 50), st.floats(0.1, 50))
def test_area_and_length_in_any_plane(seed, width, height):
    generator = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    corners = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]]) @ turn + generator.normal(size=3)
    assert polygon_area(corners) == pytest.approx(width * height)
    assert polygon_area(corners[::-1]) == pytest.approx(width * height)
    assert path_length(corners, closed=True) == pytest.approx(2 * (width + height))
    assert path_length(corners) == pytest.approx(2 * width + height)


def test_area_of_a_concave_polygon_and_of_an_ellipse():
    assert polygon_area([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]]) == pytest.approx(10.0)
    assert polygon_area(ellipse(7, 3)) == pytest.approx(math.pi * 21, rel=1e-4)


@pytest.mark.parametrize("degrees", [0, 1e-6, 30, 90, 179.999999, 180])
def test_angles_keep_their_digits(degrees):
    radians = math.radians(degrees)
    arms = [[1, 0], [0, 0], [math.cos(radians), math.sin(radians)]]
    assert angle_at(arms) == pytest.approx(degrees, abs=1e-9)
    folded = min(degrees, 180 - degrees)
    assert line_angle([[0, 0], [1, 0]], [[0, 0], arms[2]]) == pytest.approx(folded, abs=1e-9)


def test_lines_have_no_direction():
    a, b = [[0, 0, 0], [10, 0, 0]], [[12, 1, 0], [0, 1, 0]]
    found = compare_lines(a, b)
    assert found.reversed
    assert found.end_point_errors_mm == pytest.approx((1.0, math.sqrt(5)))
    assert found.end_point_error_mm == pytest.approx((1 + math.sqrt(5)) / 2)
    assert found.length_difference_mm == pytest.approx(2.0)
    assert found.angle_deg == pytest.approx(0.0)


def test_angles_of_two_readers():
    found = compare_angles([[1, 0], [0, 0], [0, 1]], [[1, 0], [0, 0.5], [0, 1]])
    assert found.angle_a_deg == pytest.approx(90)
    assert found.difference_deg == pytest.approx(math.degrees(math.atan2(1, -0.5)) - 90)
    assert found.vertex_error_mm == pytest.approx(0.5)


def test_polygons_of_two_readers():
    found = compare_polygons(SQUARE, SQUARE + np.array([2, 0]))
    assert found.area_difference_mm2 == 0
    assert found.hausdorff_mm == pytest.approx(2.0, abs=0.01)
    assert found.centre_distance_mm == pytest.approx(2.0)
    # In mm² of distance along one square: the left side 10 x 2, the ends of top and bottom 2 x 2 x 1, the right side
    # 6 x 2 but near its corners, where top and bottom of the other are nearer, 4 x 1.
    assert found.mean_distance_mm == pytest.approx((20 + 4 + 12 + 4) / 40, abs=0.01)
    rings = compare_polygons(ellipse(10, 10), ellipse(12, 12))
    assert rings.mean_distance_mm == pytest.approx(2.0, abs=0.01)
    assert rings.area_difference_relative == pytest.approx(0.44, abs=1e-3)
    assert rings.perimeter_difference_mm == pytest.approx(4 * math.pi, rel=1e-3)


def test_where_a_polygon_starts_and_which_way_it_runs_does_not_matter():
    again = compare_polygons(SQUARE, np.roll(SQUARE, 1, axis=0)[::-1])
    assert again.area_difference_mm2 == 0
    assert again.hausdorff_mm == pytest.approx(0.0, abs=1e-9)


def test_degenerate_markups():
    assert math.isnan(line_angle([[0, 0], [0, 0]], [[0, 0], [1, 0]]))
    assert math.isnan(angle_at([[0, 0], [0, 0], [1, 0]]))
    flat = compare_polygons([[0, 0], [1, 0], [2, 0]], SQUARE)
    assert flat.area_a_mm2 == 0
    assert flat.to_json()["area_difference_relative"] is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: polygon_area([[0, 0], [1, 1]]), "at least 3 points"),
        (lambda: compare_lines([[0, 0], [1, 1], [2, 2]], [[0, 0], [1, 1]]), "exactly two points"),
        (lambda: compare_lines([[0, 0], [1, 1]], [[0, 0, 0], [1, 1, 1]]), "2D and the other's 3D"),
        (lambda: path_length([[0, math.nan]]), "not finite"),
    ],
)
def test_bad_markups_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()

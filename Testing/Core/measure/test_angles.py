"""Angles, and the Cobb angle."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.angles import angle_at, angle_between, cobb_angle

FEW = settings(max_examples=50, deadline=None, derandomize=True)
NUMBERS = st.integers(-20, 20).map(float)
POINTS = st.tuples(NUMBERS, NUMBERS, NUMBERS)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 135.0, 179.999999, 180.0])
def test_an_angle_is_exact_from_end_to_end(degrees):
    turned = np.radians(degrees)
    assert angle_at((2, 0, 0), (0, 0, 0), (5 * np.cos(turned), 5 * np.sin(turned), 0)) == pytest.approx(
        degrees, abs=1e-9
    )


def test_lines_have_the_smaller_angle_whatever_their_direction():
    line, steep = ((0, 0, 0), (1, 0, 0)), ((5, 5, 9), (4, 5 + np.sqrt(3), 9))
    assert angle_between(line, steep) == pytest.approx(60)
    assert angle_between(line[::-1], steep) == pytest.approx(60)


@FEW
@given(POINTS, POINTS, POINTS)
def test_the_angles_of_a_triangle_are_180_degrees(a, b, c):
    assume(len({a, b, c}) == 3)
    assert angle_at(a, b, c) + angle_at(b, c, a) + angle_at(c, a, b) == pytest.approx(180.0, abs=1e-6)


def plate(degrees, y=0.0):
    return (0.0, y, 0.0), (30 * np.cos(np.radians(degrees)), y + 7.0, 30 * np.sin(np.radians(degrees)))


def test_the_cobb_angle_is_that_in_the_coronal_plane():
    assert cobb_angle(plate(20), plate(-25)) == pytest.approx(45)
    assert cobb_angle(plate(60), plate(-50)) == pytest.approx(110)
    assert cobb_angle(plate(20), plate(-25, y=40.0), None) < 45
    assert cobb_angle(plate(20)[::-1], plate(-25)[::-1]) == pytest.approx(45)


@pytest.mark.parametrize("points", [((0, 0, 0), (0, 0, 0)), ((0, 0, 0), (1, np.nan, 0)), ((0, 0), (1, 1))])
def test_points_that_make_no_line_are_refused(points):
    with pytest.raises(InputError, match="angle"):
        angle_between(points, ((0, 0, 0), (1, 0, 0)))


def test_an_end_plate_seen_end_on_is_refused():
    with pytest.raises(InputError, match="end-on"):
        cobb_angle(((0, 0, 0), (0, 1, 0)), plate(10))

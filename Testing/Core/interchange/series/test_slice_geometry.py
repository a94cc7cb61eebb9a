"""Slices lie where their headers say, or the loader says that they are no volume."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.headers import FrameHeader
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind, slice_geometry

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slices(positions, orientation=AXIAL, **values):
    return [
        FrameHeader(position=tuple(map(float, p)), orientation=orientation, pixel_spacing=(0.7, 0.6), **values)
        for p in positions
    ]


def codes(geometry):
    return [finding.code for finding in geometry.findings]


def test_straight_stack_is_regular_with_the_affine_of_the_standard():
    geometry = slice_geometry(slices([(-1, -2, z) for z in (3, 5.5, 8)]), 6, 5, None)
    assert geometry.kind is GeometryKind.REGULAR
    assert geometry.findings == ()
    # PS3.3 C.7.6.2.1.1: row spacing goes with the column direction, and the reverse
    expected = [[0, 0, 0.6, -1], [0, 0.7, 0, -2], [2.5, 0, 0, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(geometry.grid.affine, expected, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    tilt=st.floats(-30, 30),
    turn=st.floats(-180, 180),
    distance=st.floats(0.3, 10),
    count=st.integers(2, 60),
)
def test_every_slice_of_a_tilted_series_is_where_its_header_says(tilt, turn, distance, count):
    a, b = math.radians(tilt), math.radians(turn)
    orientation = (math.cos(b), math.sin(b), 0.0, -math.sin(b) * math.cos(a), math.cos(b) * math.cos(a), math.sin(a))
    positions = np.array([12.3, -45.6, 78.9]) + np.arange(count)[:, None] * np.array([0, 0, distance])
    geometry = slice_geometry(slices(positions, orientation), 6, 5, tilt)
    assert geometry.grid is not None
    corners = geometry.grid.to_world([(k, 0, 0) for k in range(count)])
    assert np.abs(corners - positions).max() < 1e-4
    assert (geometry.kind is GeometryKind.SHEARED) == geometry.grid.is_sheared
    assert (FindingCode.GANTRY_TILT in codes(geometry)) == (abs(math.radians(tilt)) > 1e-3)


def test_tilt_is_named_with_its_angle_and_compared_with_the_header():
    a = math.radians(15)
    orientation = (1.0, 0.0, 0.0, 0.0, math.cos(a), -math.sin(a))
    frames = slices([(0, 0, 2.0 * k) for k in range(5)], orientation)
    assert codes(slice_geometry(frames, 6, 5, -15.0)) == [FindingCode.GANTRY_TILT]
    assert "15.00°" in slice_geometry(frames, 6, 5, -15.0).findings[0].message
    assert codes(slice_geometry(frames, 6, 5, 10.0)) == [FindingCode.GANTRY_TILT, FindingCode.TILT_MISMATCH]
    assert codes(slice_geometry(frames, 6, 5, None)) == [FindingCode.SHEARED]
    straight = slices([(0, 0, 2.0 * k) for k in range(5)])
    assert codes(slice_geometry(straight, 6, 5, 15.0)) == [FindingCode.TILT_MISMATCH]


def test_missing_slices_are_counted_and_placed():
    geometry = slice_geometry(slices([(0, 0, z) for z in (0, 2, 4, 10, 12, 16)]), 6, 5, None)
    assert (geometry.kind, geometry.grid) == (GeometryKind.IRREGULAR, None)
    (finding,) = geometry.findings
    assert finding.code is FindingCode.MISSING_SLICES
    assert finding.message.startswith("3 slices are missing (2 after slice 3 of 6, 1 after slice 5 of 6;")


def test_variable_spacing():
    geometry = slice_geometry(slices([(0, 0, z) for z in (0, 2, 4, 6, 9, 12.3)]), 6, 5, None)
    assert geometry.grid is None
    assert codes(geometry) == [FindingCode.VARIABLE_SPACING]


def test_slices_shifted_in_their_plane():
    geometry = slice_geometry(slices([(0, 0, 0), (0, 0, 2), (5, 0, 4), (0, 0, 6)]), 6, 5, None)
    assert geometry.grid is None
    assert codes(geometry) == [FindingCode.SHIFTED_SLICES]


def test_slices_side_by_side():
    geometry = slice_geometry(slices([(0, 0, 0), (9, 0, 0), (0, 0, 2)]), 6, 5, None)
    assert codes(geometry) == [FindingCode.SHIFTED_SLICES]


def test_rounded_positions_are_tolerated_and_said():
    geometry = slice_geometry(slices([(0, 0, round(k * 1.25, 1)) for k in range(9)]), 6, 5, None)
    assert geometry.kind is GeometryKind.IRREGULAR  # 0.05 mm of 1.25 mm is no rounding
    geometry = slice_geometry(slices([(0, 0, k * 5 + 0.03 * (k == 2)) for k in range(5)]), 6, 5, None)
    assert geometry.kind is GeometryKind.REGULAR
    assert codes(geometry) == [FindingCode.UNEVEN_POSITIONS]


def test_positions_win_over_the_stated_spacing():
    frames = slices([(0, 0, 2.0 * k) for k in range(3)], slice_spacing=5.0, thickness=5.0)
    geometry = slice_geometry(frames, 6, 5, None)
    assert geometry.grid.spacing[0] == pytest.approx(2.0)
    assert codes(geometry) == [FindingCode.SPACING_MISMATCH]


def test_one_slice_is_as_thick_as_it_says_or_said_to_be_assumed():
    assert slice_geometry(slices([(0, 0, 0)], thickness=3.0), 6, 5, None).grid.spacing[0] == 3.0
    assert codes(slice_geometry(slices([(0, 0, 0)]), 6, 5, None)) == [FindingCode.SLICE_SPACING_ASSUMED]

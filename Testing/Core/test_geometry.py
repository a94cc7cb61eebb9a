"""Grids: conversions, comparison, shear."""

import math

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid, require_same_grid

OBLIQUE = Grid(
    shape=(5, 6, 7),
    spacing=(3.0, 0.5, 0.7),
    origin=(10.0, -20.0, 30.0),
    directions=((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)),
)


def rotated(angles: tuple[float, float, float]) -> Grid:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        a, b = [(1, 2), (0, 2), (0, 1)][axis]
        turn[a, a] = turn[b, b] = math.cos(angle)
        turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
        matrix = turn @ matrix
    return Grid((5, 6, 7), (3.0, 0.5, 0.7), (1.0, 2.0, 3.0), tuple(tuple(map(float, row)) for row in matrix))  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_affines_round_trip(angles: tuple[float, float, float]) -> None:
    grid = rotated(angles)
    assert not Grid.from_affine(grid.shape, grid.affine).differences(grid)
    assert not Grid.from_ras_affine(grid.shape, grid.ras_affine).differences(grid)
    index = np.array([[1.5, 2.0, 3.0], [0, 0, 0]])
    np.testing.assert_allclose(grid.to_index(grid.to_world(index)), index, atol=1e-9)


def test_world_positions_are_those_of_simpleitk() -> None:
    image = sitk.Image(7, 6, 5, sitk.sitkUInt8)
    image.SetSpacing(OBLIQUE.spacing[::-1])
    image.SetOrigin(OBLIQUE.origin)
    image.SetDirection(np.array(OBLIQUE.directions[::-1]).T.ravel().tolist())
    expected = image.TransformIndexToPhysicalPoint((4, 3, 2))
    np.testing.assert_allclose(OBLIQUE.to_world([2, 3, 4]), expected, atol=1e-12)


def test_ras_affine_is_that_of_nifti() -> None:
    image = nib.Nifti1Image(np.zeros(OBLIQUE.shape[::-1], np.uint8), OBLIQUE.ras_affine)
    ras = image.affine @ [4, 3, 2, 1]
    np.testing.assert_allclose(OBLIQUE.to_world([2, 3, 4]), ras[:3] * [-1, -1, 1], atol=1e-6)


def test_cropped_grid_keeps_world_positions() -> None:
    part = OBLIQUE.cropped((slice(1, 4), slice(2, 6), slice(3, 5)))
    assert part.shape == (3, 4, 2)
    np.testing.assert_allclose(part.to_world([1, 1, 1]), OBLIQUE.to_world([2, 3, 4]), atol=1e-12)


def test_sheared_grid_has_the_volume_of_its_cells() -> None:
    tilt = math.radians(18)
    sheared = Grid((4, 4, 4), (5.0, 1.0, 1.0), directions=((0.0, math.sin(tilt), math.cos(tilt)), (0, 1, 0), (1, 0, 0)))
    assert sheared.is_sheared
    assert not OBLIQUE.is_sheared
    assert sheared.voxel_volume == pytest.approx(5 * math.cos(tilt))
    assert OBLIQUE.voxel_volume == pytest.approx(3 * 0.5 * 0.7)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shape": (5, 6, 8)}, ("size",)),
        ({"spacing": (3.01, 0.5, 0.7)}, ("spacing",)),
        ({"origin": (10.01, -20.0, 30.0)}, ("origin",)),
        ({"directions": ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (-1.0, 0.0, 0.0))}, ("direction",)),
        ({"origin": (10.0001, -20.0, 30.0), "spacing": (3.00001, 0.5, 0.7)}, ()),
    ],
)
def test_differences_are_named(change: dict[str, tuple[float, ...]], expected: tuple[str, ...]) -> None:
    fields = {name: getattr(OBLIQUE, name) for name in ("shape", "spacing", "origin", "directions")}
    other = Grid(**(fields | change))
    assert OBLIQUE.differences(other) == expected
    assert other.differences(OBLIQUE) == expected


def test_mismatch_names_both_images() -> None:
    with pytest.raises(GridMismatch, match=r"a\.nrrd and b\.nrrd differ in size"):
        require_same_grid(
            OBLIQUE, Grid((1, 1, 1), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.directions), ("a.nrrd", "b.nrrd")
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": (0, 1, 1)},
        {"shape": (1, 1, 1), "spacing": (0.0, 1.0, 1.0)},
        {"shape": (1, 1, 1), "spacing": (math.nan, 1.0, 1.0)},
        {"shape": (1, 1, 1), "directions": ((0, 0, 1), (0, 0, 1), (1, 0, 0))},
        {"shape": (1, 1, 1), "directions": ((0, 0, 2), (0, 1, 0), (1, 0, 0))},
    ],
)
def test_impossible_grids_are_refused(fields: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="image geometry"):
        Grid(**fields)  # type: ignore[arg-type]

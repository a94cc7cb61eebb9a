"""Statistics of image values in a mask."""

import numpy as np
import pytest

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.measure.intensity import eroded, intensity_statistics
from AnnotationQACore.segmentation import Mask, Volume

TILTED = ((0.0, np.sin(0.35), np.cos(0.35)), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))

# first-order features of pyradiomics (data/baseline/baseline_firstorder.csv):
# mean, variance, median, 10th and 90th percentile, minimum, maximum
PYRADIOMICS = {
    "brain1": (825.2354363065023, 24527.07920837261, 812.0, 632.0, 1044.4, 468.0, 1266.0),
    "brain2": (390.7858719646799, 10429.38240525513, 375.0, 305.2, 532.6, 8.0, 729.0),
    "breast1": (131.12587412587413, 257.35478507506485, 130.0, 110.2, 151.8, 102.0, 162.0),
}


@pytest.mark.parametrize("name", PYRADIOMICS)
def test_pyradiomics_agrees(label_of, image_of, name):
    found = intensity_statistics(image_of(name), label_of(name))
    mean, variance, median, tenth, ninetieth, minimum, maximum = PYRADIOMICS[name]
    assert (found.mean, found.sd**2) == (pytest.approx(mean, rel=1e-12), pytest.approx(variance, rel=1e-12))
    assert (found.median, found.minimum, found.maximum) == (median, minimum, maximum)
    assert found.percentiles[10.0] == pytest.approx(tenth)
    assert found.percentiles[90.0] == pytest.approx(ninetieth)


def cube(spacing=(1.0, 1.0, 1.0), directions=Grid((1, 1, 1)).directions):  # noqa: B008  immutable
    grid = Grid((11, 11, 11), spacing, directions=directions)
    voxels = np.zeros(grid.shape, bool)
    voxels[2:9, 2:9, 2:9] = True
    return Mask(voxels, grid)


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = np.arange(8.0).reshape(2, 2, 2)
    values[0, 0, 0], values[1, 1, 1] = np.nan, np.inf
    grid = Grid((2, 2, 2))
    found = intensity_statistics(Volume(values, grid), Mask(np.ones((2, 2, 2), bool), grid))
    assert (found.voxels, found.not_finite, found.mean, found.maximum) == (6, 2, 3.5, 6.0)


def test_an_empty_mask_has_no_statistics():
    grid = Grid((2, 2, 2))
    found = intensity_statistics(Volume(np.ones((2, 2, 2)), grid), Mask(np.zeros((2, 2, 2), bool), grid))
    assert found.voxels == 0
    assert np.isnan([found.mean, found.sd, found.median, found.percentiles[5.0]]).all()


def test_the_factor_scales_every_value():
    mask = cube()
    image = Volume(np.random.default_rng(1).normal(100, 10, mask.grid.shape), mask.grid)
    one, suv = intensity_statistics(image, mask), intensity_statistics(image, mask, factor=0.02)
    assert (suv.mean, suv.sd, suv.percentiles[95.0]) == pytest.approx(
        (one.mean * 0.02, one.sd * 0.02, one.percentiles[95.0] * 0.02)
    )


@pytest.mark.parametrize(
    ("spacing", "shell", "left"),
    [
        ((1, 1, 1), 0.5, 7**3),
        ((1, 1, 1), 1.0, 5**3),
        ((1, 1, 1), 2.0, 3**3),
        ((3, 1, 1), 1.0, 7 * 25),
        ((1, 1, 1), 9, 0),
    ],
)
def test_the_shell_is_measured_in_mm(spacing, shell, left):
    mask = cube(tuple(map(float, spacing)))
    assert eroded(mask.voxels, mask.grid, shell).sum() == left
    image = Volume(np.where(mask.voxels, 50, -1000), mask.grid)
    assert intensity_statistics(image, mask, shell_mm=shell).voxels == left


@pytest.mark.parametrize("directions", [Grid((1, 1, 1)).directions, TILTED])
def test_no_voxel_of_the_core_has_one_outside_within_the_shell(directions):
    grid = Grid((5, 8, 9), (2.0, 0.7, 0.9), directions=directions)
    voxels = np.random.default_rng(3).random(grid.shape) < 0.95
    world = grid.to_world(np.argwhere(np.ones(grid.shape, bool))).reshape(*grid.shape, 3)
    outside = world[~voxels]
    nearest = np.linalg.norm(world[..., None, :] - outside, axis=-1).min(axis=-1)
    for shell in (0.7, 1.3, 2.1):
        assert np.array_equal(eroded(voxels, grid, shell), voxels & (nearest > shell + 1e-9))


def test_the_image_border_is_no_border_of_the_mask():
    full = np.ones((3, 3, 3), bool)
    assert eroded(full, Grid((3, 3, 3)), 5.0).all()
    half = full.copy()
    half[:, :, 0] = False
    assert eroded(half, Grid((3, 3, 3)), 1.0).sum() == 9


@pytest.mark.parametrize("options", [{"factor": 0.0}, {"factor": np.nan}, {"percentiles": [101]}, {"shell_mm": -1.0}])
def test_parameters_that_cannot_be_are_refused(options):
    mask = cube()
    with pytest.raises(InputError, match="measure"):
        intensity_statistics(Volume(np.zeros(mask.grid.shape), mask.grid), mask, **options)


def test_colours_and_other_grids_are_refused():
    mask = cube()
    with pytest.raises(InputError, match="scalar image"):
        intensity_statistics(Volume(np.zeros(mask.grid.shape, complex), mask.grid), mask)
    with pytest.raises(GridMismatch, match="image and mask differ in spacing"):
        intensity_statistics(Volume(np.zeros((11, 11, 11)), Grid((11, 11, 11), (2.0, 1.0, 1.0))), mask)

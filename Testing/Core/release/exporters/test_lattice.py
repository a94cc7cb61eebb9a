"""Turning, resampling and cropping: nibabel and SimpleITK are the judges."""

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from AnnotationQACore.geometry import Grid
from AnnotationQACore.release.lattice import Turn, oriented, resample_image, resample_labels, resampled_grid
from AnnotationQACore.release.options import Resampling

ROTATED = np.eye(4)
ROTATED[:3, :3] = Rotation.from_euler("xyz", (20, -15, 30), degrees=True).as_matrix() * (2.5, 0.8, 0.7)
ROTATED[:3, 3] = (3.0, -4.0, 9.0)
OBLIQUE = Grid.from_affine((5, 6, 7), ROTATED)
bounded = settings(max_examples=25, deadline=None, derandomize=True)


def orientations() -> st.SearchStrategy[str]:
    return st.permutations(["LR", "PA", "IS"]).flatmap(
        lambda pairs: st.tuples(*(st.sampled_from(pair) for pair in pairs)).map("".join)
    )


@bounded
@given(orientations())
def test_turning_is_what_nibabel_does(orientation: str) -> None:
    voxels = np.arange(5 * 6 * 7, dtype=np.int16).reshape(OBLIQUE.shape)
    turn = Turn(OBLIQUE, orientation)
    image = nibabel.Nifti1Image(voxels.T, OBLIQUE.ras_affine)
    start = nibabel.orientations.io_orientation(image.affine)
    target = nibabel.orientations.axcodes2ornt(orientation)
    judged = image.as_reoriented(nibabel.orientations.ornt_transform(start, target))
    np.testing.assert_array_equal(turn.apply(voxels).T, np.asarray(judged.dataobj))
    np.testing.assert_allclose(turn.grid.ras_affine, judged.affine, atol=1e-9)
    assert oriented(turn.grid) == orientation == "".join(nibabel.aff2axcodes(turn.grid.ras_affine))


def test_no_orientation_leaves_everything_as_it_is() -> None:
    turn = Turn(OBLIQUE, "")
    voxels = np.zeros(OBLIQUE.shape)
    assert not turn.grid.differences(OBLIQUE)
    assert turn.apply(voxels).shape == voxels.shape


def borders(grid: Grid) -> np.ndarray:
    """LPS mm of the two opposite corners of the field of view."""
    return grid.to_world([[-0.5] * 3, np.array(grid.shape) - 0.5])


@bounded
@given(st.tuples(*[st.integers(1, 12)] * 3))
def test_a_size_keeps_the_field_of_view(size: tuple[int, int, int]) -> None:
    target = resampled_grid(OBLIQUE, Resampling(size=size))
    assert target.shape == size
    np.testing.assert_allclose(borders(target), borders(OBLIQUE), atol=1e-9)


def test_spacing_and_scale_give_the_grids_asked_for() -> None:
    target = resampled_grid(OBLIQUE, Resampling(spacing_mm=(1.25, 0, 1.4)))
    assert target.shape == (10, 6, 4)  # 7 * 0.7 / 1.4 = 3.5, rounded to even
    np.testing.assert_allclose(target.spacing, (1.25, 0.8, 1.4))
    np.testing.assert_allclose(borders(target).mean(axis=0), borders(OBLIQUE).mean(axis=0), atol=1e-9)
    assert resampled_grid(OBLIQUE, Resampling(scale=2)).shape == (10, 12, 14)


def test_a_tilted_grid_is_straightened() -> None:
    affine = np.diag([2.5, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
    affine[1, 0] = 0.8
    sheared = Grid.from_affine((6, 8, 8), affine)
    assert sheared.is_sheared
    assert not resampled_grid(sheared, Resampling(scale=1)).is_sheared


def to_itk(voxels: np.ndarray, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing[::-1])
    image.SetDirection(np.array(grid.directions[::-1]).T.ravel().tolist())
    return image


@pytest.mark.parametrize(("ours", "theirs"), [("nearest", sitk.sitkNearestNeighbor), ("linear", sitk.sitkLinear)])
def test_images_are_resampled_as_simpleitk_does(ours: str, theirs: int) -> None:
    voxels = np.random.default_rng(1).normal(0, 100, OBLIQUE.shape).astype(np.float32)
    target = resampled_grid(OBLIQUE.cropped((slice(1, 4), slice(1, 5), slice(1, 6))), Resampling(size=(7, 8, 11)))
    judged = sitk.Resample(
        to_itk(voxels, OBLIQUE), to_itk(np.zeros(target.shape, np.float32), target), sitk.Transform(), theirs
    )
    np.testing.assert_allclose(resample_image(voxels, OBLIQUE, target, ours), sitk.GetArrayFromImage(judged), atol=2e-3)


def test_a_spline_reproduces_a_smooth_image_better_than_lines() -> None:
    grid = Grid((16, 16, 16))
    k, j, i = np.indices(grid.shape)
    smooth = (100 * np.sin(k / 2.5) * np.cos(j / 3) * np.sin(i / 3.5)).astype(np.float32)
    target = grid.cropped((slice(4, 12),) * 3)
    fine = resampled_grid(target, Resampling(scale=2))
    place = fine.to_world(np.stack(np.indices(fine.shape), -1))
    z, y, x = place[..., 2], place[..., 1], place[..., 0]
    truth = 100 * np.sin(z / 2.5) * np.cos(y / 3) * np.sin(x / 3.5)
    errors = {how: np.abs(resample_image(smooth, grid, fine, how) - truth).max() for how in ("linear", "bspline")}
    assert errors["bspline"] < 0.25 * errors["linear"]


def test_whole_numbers_stay_whole_and_within_their_range() -> None:
    voxels = np.zeros((4, 8, 8), np.int16)
    voxels[:, 4:] = 1000
    resampled = resample_image(voxels, Grid((4, 8, 8)), Grid((4, 32, 32), (1, 0.25, 0.25)), "bspline")
    assert resampled.dtype == np.int16
    assert resampled.min() == 0
    assert resampled.max() == 1000  # the spline overshoots


def test_outside_the_image_is_its_lowest_value_and_no_label() -> None:
    grid, beyond = Grid((2, 4, 4)), Grid((2, 4, 8))
    image = np.full(grid.shape, 7, np.int16)
    image[0, 0, 0] = -1000
    found = resample_image(image, grid, beyond, "linear")
    assert (found[..., 4:] == -1000).all()
    assert (found[1, :, :4] == 7).all()
    assert not resample_labels(np.ones(grid.shape, np.uint8), grid, beyond, "nearest")[..., 4:].any()


def test_linear_labels_keep_the_volume_of_a_ball_better_than_nearest() -> None:
    grid = Grid((24, 24, 24))
    centre = np.array([11.5] * 3)
    ball = (np.linalg.norm(np.stack(np.indices(grid.shape), -1) - centre, axis=-1) <= 8).astype(np.uint8) * 3
    target = resampled_grid(grid, Resampling(scale=2))
    linear, nearest = (resample_labels(ball, grid, target, how) for how in ("linear", "nearest"))
    assert set(np.unique(linear)) == {0, 3}
    volume = ball.astype(bool).sum()
    assert abs((linear > 0).sum() / 8 / volume - 1) < 0.03
    # a smoother surface: fewer faces between inside and outside
    faces = [
        sum(np.count_nonzero(np.diff((one > 0).astype(np.int8), axis=axis)) for axis in range(3))
        for one in (linear, nearest)
    ]
    assert faces[0] <= faces[1]


def test_linear_labels_give_a_voxel_to_the_largest_share() -> None:
    labels = np.array([[[1, 2, 0, 0]]], np.uint8)
    grid, half = Grid((1, 1, 4)), Grid((1, 1, 3), (1, 1, 1), (0.4, 0.0, 0.0))
    assert resample_labels(labels, grid, half, "linear").ravel().tolist() == [1, 2, 0]
    shifted = Grid((1, 1, 3), (1, 1, 1), (0.6, 0.0, 0.0))
    assert resample_labels(labels, grid, shifted, "linear").ravel().tolist() == [2, 0, 0]

"""MR: the project's own template is registered to the image (affine, mutual information, coarse to fine, seeded)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from DeidentifyStudyCore.faces.anatomy import ball
from DeidentifyStudyCore.faces.head_model import template
from DeidentifyStudyCore.faces.symmetry import turned_and_inclined
from DeidentifyStudyCore.faces.volume import STEP, BoolVoxels, Floats, Volume, sampled, world_of, world_points

__all__ = ["Registration", "register_template"]

_SEED = 20260101
_BINS = 32
_LOWEST = -105.0
"""Template below this (in mm of the model) is neck, which images show or do not."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the template lies in the image.

    Attributes
    ----------
    affine : array
        4x4, from LPS mm of the model to LPS mm of the image.
    overlap : float
        Dice coefficient of the two heads above the chin, in the field of view.
    scales : array
        The three factors by which the template was stretched.
    brain : array of bool
        The template's brain on the working lattice.
    seen : float
        Share of the brain that lies in the field of view.
    """

    affine: Floats
    overlap: float
    scales: Floats
    brain: BoolVoxels
    seen: float


def register_template(volume: Volume, head: BoolVoxels) -> Registration:
    """Register the template to a working volume whose head mask is `head` (not empty)."""
    model, model_head, model_brain = template()
    start = _first_guess(volume, head, model, model_head)
    fixed, moving = _image(model, model.voxels), _image(volume, _levelled(volume, head))
    where = ndimage.binary_dilation(model_head, ball(10.0))
    heights = model.affine[2, 3] + STEP * np.arange(where.shape[0])
    where[heights < _LOWEST] = False
    mask = _image(model, where.astype(np.uint8))
    similar = sitk.Similarity3DTransform()
    similar.SetCenter((0.0, 0.0, 0.0))
    similar.SetMatrix([float(value) for value in turned_and_inclined(volume, head).ravel()])
    similar.SetTranslation([float(value) for value in start])
    _run(fixed, moving, mask, similar, shrink=(8, 4, 2), iterations=60)
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(similar.GetMatrix())
    affine.SetTranslation(similar.GetTranslation())
    affine.SetCenter(similar.GetCenter())
    _run(fixed, moving, mask, affine, shrink=(4, 2), iterations=80)
    matrix = _matrix_of(affine)
    brain = _carried(model_brain, model, matrix, volume) & volume.measured
    overlap = _overlap(_carried(model_head & where, model, matrix, volume), head, matrix, volume)
    scales = np.asarray(np.linalg.svd(matrix[:3, :3], compute_uv=False), np.float64)
    whole = float(model_brain.sum()) * float(scales.prod())
    return Registration(matrix, overlap, scales, brain, float(brain.sum()) / whole)


def _levelled(volume: Volume, head: BoolVoxels) -> Floats:
    """Bring the signal into [0, 1], flat where coils make it too bright, so that histograms use their bins."""
    values = np.nan_to_num(volume.voxels, nan=0.0).astype(np.float64)
    top = float(np.percentile(values[head], 98))
    return np.asarray(np.clip(values / max(top, 1e-6), 0, 1))


def _first_guess(volume: Volume, head: BoolVoxels, model: Volume, model_head: BoolVoxels) -> Floats:
    """Translation that lays vertex on vertex, and the middle of the heads' upper parts on each other."""
    points = []
    for affine, mask in ((model.affine, model_head), (volume.affine, head)):
        filled = np.argwhere(mask)
        top = int(np.percentile(filled[:, 0], 99.8))
        upper = filled[filled[:, 0] > top - 100 / STEP]
        low, high = upper.min(axis=0), upper.max(axis=0)
        middle = (low + high) / 2
        points.append(world_of(affine, np.array([top, upper[:, 1].mean(), middle[2]], np.float64)))
    return points[1] - points[0]


def _image(volume: Volume, values: object) -> sitk.Image:
    array = np.asarray(values)
    image = sitk.GetImageFromArray(array if array.dtype == np.uint8 else array.astype(np.float32))
    image.SetSpacing((STEP, STEP, STEP))
    image.SetOrigin([float(value) for value in volume.affine[:3, 3]])
    return image


def _run(
    fixed: sitk.Image,
    moving: sitk.Image,
    mask: sitk.Image,
    transform: sitk.Transform,
    shrink: tuple[int, ...],
    iterations: int,
) -> float:
    """Optimize `transform` in place; returns the metric (less is better)."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.3, _SEED)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.02, iterations, 0.6, 1e-5)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(shrink))
    method.SetSmoothingSigmasPerLevel([factor / 2 for factor in shrink])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransform(transform, inPlace=True)
    method.SetNumberOfThreads(1)
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    # the metric takes the global number: sums of several threads differ in their last digits, and so do results
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # the samples left the image
        return float("inf")
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return float(method.GetMetricValue())


def _matrix_of(transform: sitk.AffineTransform) -> Floats:
    result = np.eye(4)
    result[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    result[:3, 3] = np.array(transform.GetTranslation()) + centre - result[:3, :3] @ centre
    return result


def _carried(mask: BoolVoxels, model: Volume, matrix: Floats, volume: Volume) -> BoolVoxels:
    """Carry a mask of the template to the working lattice."""
    points = world_of(np.linalg.inv(matrix).astype(np.float64), world_points(volume))
    result: BoolVoxels = sampled(mask.astype(np.float32), model.affine, points) >= 0.5
    return result


def _overlap(carried: BoolVoxels, head: BoolVoxels, matrix: Floats, volume: Volume) -> float:
    heights = world_of(np.linalg.inv(matrix).astype(np.float64), world_points(volume))[..., 2]
    seen = volume.measured & (heights > _LOWEST)
    total = int((carried & seen).sum() + (head & seen).sum())
    return 2 * int((carried & head & seen).sum()) / total if total else 0.0

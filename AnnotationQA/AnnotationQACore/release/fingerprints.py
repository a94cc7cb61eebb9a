"""Fingerprints of images, by which the same image is known again under another name, format, size or crop.

- `Fingerprint.pixels`: SHA-256 of the voxel values in patient orientation: equal for the same image in another format.
- `Fingerprint.slices`: hashes of the values of each slice, whatever their order: shared by a part of the same series.
- `Fingerprint.looks`: small band-passed pictures of central slices: alike for the same image rescaled, cropped,
  windowed or compressed with losses.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.project.fields import Fields

__all__ = ["LOOK_SIZE", "Fingerprint", "fingerprint_of", "fingerprint_of_voxels"]

FORMAT = "AnnotationQA fingerprint 1"
"""Part of the key of kept fingerprints: raise it when they are computed in another way."""

LOOK_SIZE = 48
"""Rows and columns of a look."""

_PLACES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Where slices are looked at, as parts of the stack."""

_FEWEST_VALUES = 16

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of an image to find its like.

    Attributes
    ----------
    pixels : str
        SHA-256 in hexadecimal.
    slices : frozenset of str
        Of slices of more than a few values.
    looks : int8 array, shape (place, row, column)
        Zero mean, scaled to the full range.
    study_uid, frame_of_reference : str
        Empty for formats without them.
    """

    pixels: str
    slices: frozenset[str]
    looks: NDArray[np.int8]
    study_uid: str = ""
    frame_of_reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON object; `from_json` gives an equal fingerprint."""
        return {
            "format": FORMAT,
            "pixels": self.pixels,
            "slices": sorted(self.slices),
            "looks": base64.b64encode(self.looks.tobytes()).decode(),
            "study": self.study_uid,
            "frame of reference": self.frame_of_reference,
        }

    @classmethod
    def from_json(cls, value: object, path: str = "fingerprint") -> Fingerprint:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        if fields.text("format") != FORMAT:
            raise fields.error("format", f"is not '{FORMAT}'; compute the fingerprint again")
        pixels, slices = fields.text("pixels"), frozenset(fields.texts("slices"))
        encoded = fields.text("looks")
        study, frame = fields.text("study"), fields.text("frame of reference")
        fields.finish()
        try:
            looks = np.frombuffer(base64.b64decode(encoded, validate=True), np.int8)
            return cls(pixels, slices, looks.reshape(-1, LOOK_SIZE, LOOK_SIZE), study, frame)
        except ValueError:
            raise InputError(f"{path}.looks: are no pictures; compute the fingerprint again.") from None


def fingerprint_of(series: ImageSeries) -> Fingerprint:
    """Fingerprint of a loaded series; of colours the brightness, of several volumes the first."""
    voxels = series.voxels
    if series.is_color:
        voxels = voxels[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    if series.dimension is not None:
        voxels = voxels[0]
    print_ = fingerprint_of_voxels(voxels, series.grid)
    return Fingerprint(print_.pixels, print_.slices, print_.looks, series.study_uid, series.frame_of_reference)


def fingerprint_of_voxels(voxels: NDArray[Any], grid: Grid | None = None) -> Fingerprint:
    """Fingerprint of an array, shape (k, j, i) or (j, i); with a grid its axes are turned to those of the patient."""
    stack = np.asarray(voxels)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or stack.size == 0:
        raise InputError(f"image: shape {voxels.shape} has no slices; give two or three dimensions.")
    slices = frozenset(filter(None, map(_slice_hash, stack)))
    if grid is not None:
        stack = _in_patient_axes(stack, grid)
    values = np.ascontiguousarray(stack, "<f4") + np.float32(0)  # -0 is 0
    digest = hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()
    return Fingerprint(digest, slices, _looks(values))


def _slice_hash(one: NDArray[Any]) -> str:
    """Empty for a slice of few different values, which others may have by chance."""
    ordered = np.sort(one, axis=None).astype("<f4") + np.float32(0)
    if np.count_nonzero(np.diff(ordered)) < _FEWEST_VALUES:
        return ""
    return hashlib.blake2b(ordered.tobytes(), digest_size=8).hexdigest()


def _in_patient_axes(stack: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Axes (k, j, i) towards S, P and L, those of an oblique image taken for the nearest ones."""
    directions = np.array(grid.directions)
    order: list[int] = []
    for patient_axis in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in order]
        order.append(max(free, key=lambda axis: abs(directions[axis, patient_axis])))
    turned = stack.transpose(order)
    flips = [
        place for place, (axis, along) in enumerate(zip(order, (2, 1, 0), strict=True)) if directions[axis, along] < 0
    ]
    flipped: NDArray[Any] = np.flip(turned, tuple(flips))
    return flipped


def _looks(values: NDArray[np.float32]) -> NDArray[np.int8]:
    """Band-passed pictures of slices within the foreground; across the thinnest axis, which cuts most finely."""
    box = _foreground(values)
    inside = values[box]
    axis = int(np.argmin(values.shape)) if values.shape[0] > 1 else 0
    inside = np.moveaxis(inside, axis, 0)
    count = inside.shape[0]
    places = sorted({min(round(place * (count - 1)), count - 1) for place in _PLACES})
    return np.stack([_look(inside[place]) for place in places])


def _foreground(values: NDArray[np.float32]) -> tuple[slice, ...]:
    """Smallest box around what is brighter than a quarter of the way from dark to bright."""
    sample = values[
        :: max(1, values.shape[0] // 16), :: max(1, values.shape[1] // 64), :: max(1, values.shape[2] // 64)
    ]
    low, high = np.percentile(sample, (2, 98))
    bright = values > low + 0.25 * (high - low)
    edges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        counts = bright.sum(axis=others)
        found = np.flatnonzero(counts > 0.02 * max(int(counts.max()), 1))
        edges.append(slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(None))
    return tuple(edges)


def _look(picture: NDArray[np.float32]) -> NDArray[np.int8]:
    small = resized(picture.astype(np.float64), (LOOK_SIZE, LOOK_SIZE))
    low, high = np.percentile(small, (2, 98))
    clipped = np.clip((small - low) / max(high - low, 1e-9), 0.0, 1.0)
    band = ndimage.gaussian_filter(clipped, 0.8) - ndimage.gaussian_filter(clipped, 5.0)
    peak = float(np.abs(band).max())
    look: NDArray[np.int8] = np.round(band / peak * 127 if peak > 1e-6 else 0 * band).astype(np.int8)
    return look


def resized(picture: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Picture of another size; smoothed before it shrinks, so that the former size leaves no trace."""
    factors = [old / new for old, new in zip(picture.shape, shape, strict=True)]
    smooth = ndimage.gaussian_filter(picture, [max(0.0, 0.5 * (factor - 1.0)) for factor in factors], mode="nearest")
    rows, columns = ((np.arange(new) + 0.5) * factor - 0.5 for new, factor in zip(shape, factors, strict=True))
    places = np.meshgrid(rows, columns, indexing="ij")
    sampled: FloatArray = ndimage.map_coordinates(smooth, places, order=1, mode="nearest")
    return sampled

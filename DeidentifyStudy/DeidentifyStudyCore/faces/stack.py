"""Reading image series: the plane of every frame, and the regular stack that the frames make, or why they make none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import iter_pixels

from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.faces.volume import Floats, Volume

__all__ = ["DERIVED", "ImageFile", "Plane", "read_header", "read_planes", "rescale_of", "stack_of"]

DERIVED = frozenset({"SEG", "RTSTRUCT", "M3D"})
"""Modalities of objects that may hold the outline of a face without being an image of it."""
_TOLERANCE = 0.02
_LEAST_SLICES = 8


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a frame lies.

    Attributes
    ----------
    position : array
        LPS mm of the centre of pixel [0, 0].
    down, right : array
        Steps in LPS mm to the next row and the next column.
    """

    position: Floats
    down: Floats
    right: Floats

    @property
    def normal(self) -> Floats:
        """Unit normal of the plane."""
        normal = np.cross(self.right, self.down)
        return np.asarray(normal / np.linalg.norm(normal))

    def points(self, rows: int, columns: int) -> Floats:
        """LPS mm of all pixel centres, shape (rows, columns, 3)."""
        j, i = np.arange(rows)[:, None, None], np.arange(columns)[None, :, None]
        return np.asarray(self.position + j * self.down + i * self.right)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file with an image, by its header.

    Attributes
    ----------
    frame_of_reference : str
        UID; empty when the images share no coordinates with others.
    planes : tuple
        Of each frame; None where the header does not say.
    removed : bool
        Patient Identity Removed is YES.
    kind : str
        Image Type from its third value on.
    """

    path: Path
    modality: str
    series: str
    frame_of_reference: str
    rows: int
    columns: int
    planes: tuple[Plane | None, ...]
    removed: bool
    kind: str

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.planes)


def read_header(path: Path) -> ImageFile | None:
    """Read what tells where an image lies; one without frames for contours and surfaces, None for all else.

    Raises
    ------
    Quarantined
        The file cannot be read as DICOM.
    """
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=False)
        modality = str(dataset.get("Modality", ""))
        outlines = modality in DERIVED
        if not outlines and ("Rows" not in dataset or "Columns" not in dataset):
            return None
        frames = 0 if outlines else max(1, int(dataset.get("NumberOfFrames") or 1))
        image_type = dataset.get("ImageType") or []
        return ImageFile(
            path,
            modality,
            str(dataset.get("SeriesInstanceUID", "")),
            _frame_of_reference(dataset),
            int(dataset.get("Rows") or 0),
            int(dataset.get("Columns") or 0),
            tuple(_planes(dataset, frames)),
            str(dataset.get("PatientIdentityRemoved", "")) == "YES",
            "\\".join(str(part) for part in image_type[2:]),
        )
    except InvalidDicomError:
        raise Quarantined("not-dicom") from None
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError, EOFError):
        raise Quarantined("invalid-structure") from None


def _frame_of_reference(dataset: Dataset) -> str:
    referenced = dataset.get("ReferencedFrameOfReferenceSequence") or [Dataset()]
    return str(dataset.get("FrameOfReferenceUID", "") or referenced[0].get("FrameOfReferenceUID", ""))


def _planes(dataset: Dataset, frames: int) -> Iterator[Plane | None]:
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        plane = _plane(dataset, dataset, dataset)
        yield from [plane if frames == 1 else None] * frames
        return
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = dataset.PerFrameFunctionalGroupsSequence
    for number in range(frames):
        own = groups[number] if number < len(groups) else Dataset()
        parts = [
            _group(own, shared, name)
            for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        ]
        yield _plane(*parts)


def _group(own: Dataset, shared: Dataset, name: str) -> Dataset:
    found: Any = own.get(name) or shared.get(name) or [Dataset()]
    return found[0]


def _plane(position: Dataset, orientation: Dataset, measures: Dataset) -> Plane | None:
    where = position.get("ImagePositionPatient")
    cosines = orientation.get("ImageOrientationPatient")
    spacing = measures.get("PixelSpacing")
    if not where or not cosines or not spacing or len(where) != 3 or len(cosines) != 6 or len(spacing) != 2:
        return None
    numbers = np.array([*where, *cosines, *spacing], np.float64)
    right, down = numbers[3:6], numbers[6:9]
    unit = abs(right @ right - 1) < 0.01 and abs(down @ down - 1) < 0.01 and abs(right @ down) < 0.01
    if not np.isfinite(numbers).all() or not unit or numbers[9:].min() <= 0:
        return None
    return Plane(numbers[:3], down * numbers[9], right * numbers[10])


def stack_of(files: Sequence[ImageFile]) -> tuple[list[tuple[ImageFile, int]], Floats]:
    """Order the frames of a series along its normal: the frames (file, number), and the affine of the stack.

    Frames are first sorted; the step may be oblique to their planes (gantry tilt).

    Raises
    ------
    Quarantined
        ``irregular-series``: the frames are too few, lie at uneven distances, repeat, or differ in size or direction.
    """
    frames = [(file, number, plane) for file in files for number, plane in enumerate(file.planes)]
    planes = [plane for _, _, plane in frames if plane is not None]
    if len(frames) < _LEAST_SLICES or len(planes) != len(frames):
        raise Quarantined("irregular-series")
    first = planes[0]
    same = {(file.rows, file.columns) for file in files}
    alike = all(
        np.allclose(p.down, first.down, atol=1e-3) and np.allclose(p.right, first.right, atol=1e-3) for p in planes
    )
    if len(same) != 1 or not alike:
        raise Quarantined("irregular-series")
    heights = np.array([plane.position @ first.normal for plane in planes])
    order = np.argsort(heights, kind="stable")
    positions = np.array([planes[index].position for index in order])
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    off = np.linalg.norm(positions - positions[0] - np.arange(len(positions))[:, None] * step, axis=1)
    gaps = np.diff(heights[order])
    if gaps.min() <= 1e-3 or off.max() > max(_TOLERANCE * float(np.linalg.norm(step)) * 5, 0.05):
        raise Quarantined("irregular-series")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = step, first.down, first.right, positions[0]
    return [frames[index][:2] for index in order], affine


def read_planes(frames: Sequence[tuple[ImageFile, int]], affine: Floats) -> Volume:
    """Read the voxels of a stack, in the modality's units.

    Raises
    ------
    Quarantined
        ``undecodable-pixels``: a frame cannot be decoded, or is in colour.
    """
    file = frames[0][0]
    voxels = np.empty((len(frames), file.rows, file.columns), np.float32)
    places: dict[Path, dict[int, int]] = {}
    for index, (owner, number) in enumerate(frames):
        places.setdefault(owner.path, {})[number] = index
    for path, wanted in places.items():
        for number, values in _decoded(path, sorted(wanted)):
            voxels[wanted[number]] = values
    return Volume(voxels, affine)


def _decoded(path: Path, wanted: list[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    try:
        dataset = pydicom.dcmread(path)
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise Quarantined("undecodable-pixels")
        padding = dataset.get("PixelPaddingValue")
        for number, pixels in zip(wanted, iter_pixels(dataset, indices=wanted), strict=True):
            slope, intercept = rescale_of(dataset, number)
            values = pixels.astype(np.float32) * slope + intercept
            if padding is not None:
                values[pixels == int(padding)] = min(float(values.min()), -1000.0 if dataset.Modality == "CT" else 0.0)
            yield number, values
    except Quarantined:
        raise
    except Exception:
        # decoders raise what they like
        raise Quarantined("undecodable-pixels") from None


def rescale_of(dataset: Dataset, number: int) -> tuple[float, float]:
    """Slope and intercept of a frame, from the file, the shared or the frame's own functional groups."""
    if "RescaleSlope" in dataset:
        return float(dataset.RescaleSlope), float(dataset.get("RescaleIntercept", 0))
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    own = groups[number] if number < len(groups) else Dataset()
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    found = _group(own, shared, "PixelValueTransformationSequence")
    return float(found.get("RescaleSlope", 1)), float(found.get("RescaleIntercept", 0))

"""The images from which an object is derived, as far as the object tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["SourceFrame", "SourceImages", "read_sources"]

_TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns")


@dataclass(frozen=True, slots=True, eq=False)
class SourceFrame:
    """One frame: the header it belongs to, its number from 1 in a multi-frame image, and where it lies.

    `position` and `orientation` (row, column direction) are LPS; `spacing` is (row, column) in mm.
    """

    header: Dataset
    number: int | None
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class SourceImages:
    """Headers of the images of one series, without pixels, and their frames in the order along the slice normal.

    Attributes
    ----------
    headers : tuple of Dataset
        Ordered as the frames are, with the attributes that derived objects need, empty where the source lacked them.
    frames : tuple of SourceFrame
        Empty for images without patient geometry, such as radiographs.
    grid : Grid or None
        Grid on which the frames lie; None when they are irregular or have no patient geometry.
    """

    headers: tuple[Dataset, ...]
    frames: tuple[SourceFrame, ...]
    grid: Grid | None

    @property
    def first(self) -> Dataset:
        """Header of the first image."""
        return self.headers[0]


def read_sources(images: Sequence[Path | Dataset]) -> SourceImages:
    """Read the headers of the images of one series.

    Attributes of type 2 that are missing are filled in empty, and dates, times and sex that DICOM does not allow are
    emptied, so that what is derived is valid. The given datasets are not changed.

    Raises
    ------
    InputError
        There are no images, one is not DICOM or lacks what identifies it, or they belong to several series.
    """
    if not images:
        raise InputError("source images: none are given; name the files of the series that was labeled.")
    headers = [_header(image) for image in images]
    if len({header.SeriesInstanceUID for header in headers}) > 1:
        raise InputError("source images: they belong to several series; give those of one series.")
    frames = [frame for header in headers for frame in _frames(header)]
    if len(frames) < len(headers) or not frames:
        return SourceImages(tuple(headers), (), None)
    normal = np.cross(frames[0].orientation[:3], frames[0].orientation[3:])
    frames.sort(key=lambda frame: float(frame.position @ normal))
    ordered = list({id(frame.header): frame.header for frame in frames}.values())
    return SourceImages(tuple(ordered), tuple(frames), _grid(frames))


def _header(image: Path | Dataset) -> Dataset:
    from pydicom import Dataset, dcmread  # pydicom is loaded with the first DICOM file
    from pydicom.errors import InvalidDicomError

    if isinstance(image, Dataset):
        header, name = Dataset(), "source image"
        header.update(image)
    else:
        name = str(image)
        try:
            header = dcmread(image, stop_before_pixels=True)
        except InvalidDicomError as error:
            raise InputError(f"{image}: is not a DICOM file; name the files of the series that was labeled.") from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"{image}: cannot be read ({reason}); check the path.") from error
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in header:
            del header[keyword]
    missing = [keyword for keyword in _REQUIRED if not header.get(keyword)]
    if missing:
        raise InputError(f"{name}: has no {missing[0]}; an object cannot refer to it, correct the file.")
    for keyword in _TYPE_2:
        if keyword not in header or not _is_valid(keyword, str(header[keyword].value or "")):
            setattr(header, keyword, "")
    return header


def _is_valid(keyword: str, value: str) -> bool:
    from pydicom.valuerep import DA, TM  # see `_header`

    try:
        if keyword == "PatientSex":
            return value in ("M", "F", "O", "")
        if keyword.endswith("Date"):
            DA(value)
        elif keyword.endswith("Time"):
            TM(value)
    except ValueError:
        return False
    return True


def _frames(header: Dataset) -> list[SourceFrame]:
    shared = header.get("SharedFunctionalGroupsSequence")
    if not shared:
        frame = _frame(header, None, [header])
        return [] if frame is None else [frame]
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    found = (_frame(header, number, [groups, shared[0]]) for number, groups in enumerate(per_frame, start=1))
    frames = [frame for frame in found if frame is not None]
    return frames if len(frames) == len(per_frame) else []


def _frame(header: Dataset, number: int | None, places: Sequence[Dataset]) -> SourceFrame | None:
    position = _look_up(places, "PlanePositionSequence", "ImagePositionPatient", number)
    orientation = _look_up(places, "PlaneOrientationSequence", "ImageOrientationPatient", number)
    spacing = _look_up(places, "PixelMeasuresSequence", "PixelSpacing", number)
    if position is None or orientation is None or spacing is None:
        return None
    if position.size != 3 or orientation.size != 6 or spacing.size != 2:
        return None
    return SourceFrame(header, number, position, orientation, (float(spacing[0]), float(spacing[1])))


def _look_up(places: Sequence[Dataset], group: str, keyword: str, number: int | None) -> NDArray[np.float64] | None:
    for place in places:
        items = [place] if number is None else place.get(group) or []
        if items and items[0].get(keyword):
            return np.array([float(value) for value in items[0][keyword].value])
    return None


def _grid(frames: Sequence[SourceFrame]) -> Grid | None:
    """Grid of frames sorted along their normal; None unless they are evenly spaced and alike."""
    first, last = frames[0], frames[-1]
    rows, columns = int(first.header.Rows), int(first.header.Columns)
    across, down = first.orientation[:3], first.orientation[3:]
    count = len(frames) - 1
    if count:
        step = (last.position - first.position) / count
        if np.linalg.norm(step) < 1e-6:
            return None
    else:
        thickness = float(first.header.get("SpacingBetweenSlices") or first.header.get("SliceThickness") or 1.0)
        step = np.cross(across, down) * (thickness if thickness > 0 else 1.0)
    allowed = 0.02 * float(np.linalg.norm(step))
    for n, frame in enumerate(frames):
        alike = np.allclose(frame.orientation, first.orientation, atol=1e-4) and np.allclose(
            frame.spacing, first.spacing, rtol=1e-4
        )
        if not alike or np.linalg.norm(first.position + n * step - frame.position) > allowed:
            return None
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = down * first.spacing[0]
    affine[:3, 2] = across * first.spacing[1]
    affine[:3, 3] = first.position
    try:
        return Grid.from_affine((len(frames), rows, columns), affine)
    except InputError:
        return None

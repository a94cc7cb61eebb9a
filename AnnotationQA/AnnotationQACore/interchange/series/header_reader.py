"""Read the header of one file: fast where it is plain, by pydicom where it is not."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from AnnotationQACore.interchange.series.elements import TEXT_VRS, VRS, Elements, Value, decode_value
from AnnotationQACore.interchange.series.headers import FileHeader, UnreadableFile, file_header
from AnnotationQACore.interchange.series.lean_reader import PixelLocation, Truncated, Unusual, read_elements
from AnnotationQACore.interchange.series.mosaic import BrokenMosaic, is_mosaic, tile_frames
from AnnotationQACore.interchange.series.multiframe import (
    cine_frames,
    dose_frames,
    functional_frames,
    functional_units,
    nuclear_frames,
)
from AnnotationQACore.interchange.series.ultrasound import ultrasound_regions

__all__ = ["read_dataset", "read_elements_with_pydicom", "read_header", "read_headers"]

_DICOMDIR: Final = "1.2.840.10008.1.3.10"
_FRAME_TIME: Final = 0x00181063
_FRAME_TIME_VECTOR: Final = 0x00181065
_GRID_FRAME_OFFSETS: Final = 0x3004000C
_DETECTORS: Final = 0x00540022
_REGIONS: Final = 0x00186011
_FRAME_GROUPS: Final = 0x52009230
_BROKEN: Final = "its DICOM header is broken"
_PIXEL_BYTES: Final = {0x7FE00008: 4, 0x7FE00009: 8}

Job = tuple[str, int, int]
"""Path, bytes and time of modification (ns) of a file."""


def read_headers(jobs: Iterable[Job], key: bytes) -> list[FileHeader | UnreadableFile]:
    """Read several headers: the unit of work of a process."""
    return [read_header(Path(path), size, modified_ns, key) for path, size, modified_ns in jobs]


def read_header(path: Path, size: int, modified_ns: int, key: bytes) -> FileHeader | UnreadableFile:
    """Read what the loader needs of one file; it never raises for what the file holds.

    Parameters
    ----------
    path : Path
    size, modified_ns : int
        Bytes, and time of modification, of the file.
    key : bytes
        Key of the hash that stands for the Patient ID, at most 64 bytes.
    """
    problem = ""
    try:
        elements: Elements
        located = True
        try:
            elements, pixels = read_elements(path, size)
        except Unusual:
            located = False
            elements, pixels = read_elements_with_pydicom(path)
        except Truncated as error:
            problem = f"the file ends inside {error}"
            elements, pixels = read_elements_with_pydicom(path)
    except _NotDicom as error:
        broken = bool(problem) or _has_preamble(path)
        return UnreadableFile(path, problem or (_BROKEN if broken else str(error)), is_dicom=broken)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        return UnreadableFile(path, reason, is_dicom=False, may_change=True)
    try:
        header = file_header(path, size, modified_ns, elements, pixels, key)
        if header.sop_class == _DICOMDIR:
            return UnreadableFile(path, "it is a DICOMDIR, an index of other files", is_dicom=False)
        problem = problem or _missing(header)
        if not header.series_uid:
            return UnreadableFile(path, problem, is_dicom=True)
        lacks_pixels = located and pixels is None if header.is_image else _is_of_images(header.sop_class)
        if not problem and lacks_pixels:
            problem = "it has no pixel data"
        if not problem and header.is_image:
            header = _with_frames(header, elements)
            problem = header.problem or _short_pixel_data(header)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError, NotImplementedError) as error:
        return UnreadableFile(path, f"its header cannot be understood ({type(error).__name__})", is_dicom=True)
    return replace(header, problem=problem) if problem else header


class _NotDicom(Exception):
    pass


def read_dataset(path: Path) -> Any:
    """Read a file without its pixel data by pydicom.

    Raises
    ------
    ValueError
        It is no DICOM file, or is broken.
    """
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, stop_before_pixels=True, force=_may_lack_preamble(path))
        except OSError:
            raise
        except Exception as error:  # pydicom raises whatever its parser stumbles over
            raise ValueError(type(error).__name__) from error


def read_elements_with_pydicom(path: Path) -> tuple[dict[int, Value], PixelLocation | None]:
    """Same result as the lean reader's, by pydicom; the pixel data is not located."""
    try:
        dataset = read_dataset(path)
    except ValueError as error:
        raise _NotDicom("it is not a DICOM file") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            elements = _wanted(dataset)
        except Exception as error:  # pydicom converts values late, and raises whatever it stumbles over
            raise _NotDicom("its DICOM header is broken") from error
    if not elements.get(0x00080016) and not elements.get(0x00020002):
        raise _NotDicom("it is not a DICOM file")
    elements.setdefault(0x00020010, "1.2.840.10008.1.2")
    return elements, None


def _wanted(dataset: Any) -> dict[int, Value]:
    elements: dict[int, Value] = {}
    for tag, vr in VRS.items():
        source = dataset.file_meta if tag >> 16 == 2 else dataset
        if tag in source:
            elements[tag] = _value(source, tag, vr)
    return elements


def _value(dataset: Any, tag: int, vr: str) -> Value:
    from pydicom.dataelem import RawDataElement

    item = dataset.get_item(tag)
    if isinstance(item, RawDataElement) and vr != "SQ":
        with contextlib.suppress(ValueError):
            return decode_value(vr, item.value or b"", little_endian=item.is_little_endian)
    if vr == "SQ":
        return 1
    value = dataset[tag].value
    if value is None:
        return ""
    if isinstance(value, int | float) and vr not in {"DS", "IS"}:
        return value
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return "\\".join(str(part) for part in value)
    return str(value).strip(" \0") if vr in TEXT_VRS else str(value)


def _has_preamble(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _may_lack_preamble(path: Path) -> bool:
    """Whether a file without preamble begins as DICOM data sets do: group 2 or 8, a small element number."""
    with path.open("rb") as file:
        head = file.read(132)
    if head[128:] == b"DICM":
        return False
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    return len(head) == 132 and group in {2, 8} and element <= 0x1100


def _missing(header: FileHeader) -> str:
    if not header.series_uid:
        return "it has no SeriesInstanceUID"
    if not header.instance_uid:
        return "it has no SOPInstanceUID"
    if header.frames[0].slope == 0:
        return "its Rescale Slope is zero, which would wipe out all values"
    return ""


def _is_of_images(sop_class: str) -> bool:
    """Whether objects of the class always have pixels: a file that was cut before them looks like one without."""
    from pydicom import config  # its list of UIDs, for the few files without pixels
    from pydicom.uid import UID

    return "Image Storage" in UID(sop_class, validation_mode=config.IGNORE).name


def _with_frames(header: FileHeader, elements: Elements) -> FileHeader:
    base = header.frames[0]
    if _REGIONS in elements:
        regions = ultrasound_regions(read_dataset(header.path), header.rows, header.columns)
        header = replace(header, regions=regions)
    if is_mosaic(header):
        try:
            frames = tile_frames(read_dataset(header.path), header)
        except BrokenMosaic as error:
            return replace(header, problem=f"it is a mosaic of slices that cannot be taken apart: {error}")
        return replace(header, frames=frames, tiles=len(frames))
    if _FRAME_GROUPS in elements:
        dataset = read_dataset(header.path)
        header = replace(header, units=functional_units(dataset) or header.units)
        frames = functional_frames(dataset, base)
    elif _GRID_FRAME_OFFSETS in elements:
        frames = dose_frames(read_dataset(header.path), base)
    elif _DETECTORS in elements:
        frames = nuclear_frames(read_dataset(header.path), base, header.frame_count)
    else:
        frames = cine_frames(base, header.frame_count, _increments(elements))
    if len(frames) != header.frame_count:
        problem = f"it says {header.frame_count} frames and describes {len(frames)}"
        return replace(header, problem=problem)
    return replace(header, frames=frames)


def _increments(elements: Elements) -> tuple[float, ...]:
    for tag in (_FRAME_TIME_VECTOR, _FRAME_TIME):
        value = elements.get(tag)
        if value:
            return tuple(float(part) for part in str(value).split("\\"))
    return ()


def _short_pixel_data(header: FileHeader) -> str:
    if header.pixels is None or header.pixels.length < 0:
        return ""
    bits = 8 * _PIXEL_BYTES.get(header.pixels.tag, 0) or header.bits_allocated
    pixels = header.frame_count * header.rows * header.columns
    samples = 2 if header.photometric == "YBR_FULL_422" else header.samples
    if header.pixels.length < (pixels * samples * bits + 7) // 8:
        return "its pixel data is shorter than its matrix"
    return ""

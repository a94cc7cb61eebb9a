"""Photographs and scanned slices: PNG, JPEG, TIFF and whatever else Pillow reads, as a stack without geometry.

The resolution that such files may state is that of paper, not of anatomy, so no spacing is taken from it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.images import FrameSource, ImageSeries
from AnnotationQACore.interchange.series.planar import PlanarSpacing, SpacingKind
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.progress import Progress, silent

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PICTURE_SUFFIXES", "natural_order", "picture_series", "read_pictures"]

PICTURE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})

_ORIENTATION: Final = 0x0112
_LOSSY_FORMATS: Final = frozenset({"JPEG", "MPO"})
_GRAY_MODES: Final = frozenset({"L", "I;16", "I;16L", "I;16B", "I", "F"})


def read_pictures(paths: Sequence[Path], progress: Progress = silent) -> ImageSeries:
    """Read pictures of one size as a stack; the pages of a TIFF count as pictures.

    Parameters
    ----------
    paths : sequence of Path
        In natural order of their names: ``slice2`` before ``slice10``.
    progress : Progress

    Returns
    -------
    ImageSeries
        Without geometry; gray voxels (frame, j, i) in the type of the file, color (frame, j, i, 3) in uint8.

    Raises
    ------
    InputError
        There is none, one cannot be read, or they differ in size or type.
    """
    ordered = sorted(paths, key=lambda path: natural_order(path.name))
    if not ordered:
        raise InputError("pictures: none given; choose PNG, JPEG or TIFF files.")
    frames: list[NDArray[Any]] = []
    sources: list[FrameSource] = []
    findings: dict[FindingCode, Finding] = {}
    for done, path in enumerate(ordered, 1):
        for number, (frame, said) in enumerate(_pages(path), 1):
            if frames and (frame.shape, frame.dtype) != (frames[0].shape, frames[0].dtype):
                raise InputError(
                    f"{path}: {_kind(frame)} does not fit the pictures before it, {_kind(frames[0])}; "
                    "give pictures of one size and type."
                )
            frames.append(frame)
            sources.append(FrameSource(path, "", "", number, None, None, None))
            findings.update({finding.code: finding for finding in said})
        progress(done, len(ordered))
    return picture_series(np.stack(frames), tuple(sources), tuple(findings.values()))


def picture_series(
    voxels: NDArray[Any], sources: tuple[FrameSource, ...], findings: tuple[Finding, ...], modality: str = "XC"
) -> ImageSeries:
    """Series of pictures without any geometry, shape (frame, j, i) or (frame, j, i, 3)."""
    unmeasured = Finding.warning(FindingCode.NO_SPACING, "no pixel spacing: lengths can be given in pixels only.")
    return ImageSeries(
        voxels=voxels,
        sources=(sources,),
        kind=GeometryKind.NONE,
        grid=None,
        spacing=PlanarSpacing(SpacingKind.NONE),
        dimension=None,
        modality=modality,
        photometric="RGB" if voxels.ndim == 4 else "MONOCHROME2",
        units="",
        description=sources[0].path.stem,
        series_uid="",
        study_uid="",
        frame_of_reference="",
        findings=(*findings, unmeasured),
    )


def natural_order(name: str) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts names with their numbers by value."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts if part)


def _pages(path: Path) -> Iterator[tuple[NDArray[Any], list[Finding]]]:
    from PIL import Image, ImageSequence, UnidentifiedImageError  # Pillow is loaded with the first picture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                lossy = image.format in _LOSSY_FORMATS
                for page in ImageSequence.Iterator(image):
                    frame, findings = _frame(page)
                    if lossy:
                        message = "the images were compressed with loss; fine detail may be gone."
                        findings.append(Finding.warning(FindingCode.LOSSY, message))
                    yield frame, findings
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{path}: is no picture that can be read ({type(error).__name__}); check it.") from error


def _frame(page: Image.Image) -> tuple[NDArray[Any], list[Finding]]:
    findings = []
    if page.getexif().get(_ORIENTATION, 1) != 1:
        from PIL import ImageOps  # see `_pages`

        page = ImageOps.exif_transpose(page)
        findings.append(Finding.info(FindingCode.TURNED, "turned as the camera's orientation tag asks."))
    if page.mode in _GRAY_MODES:
        array = np.asarray(page)
        return (array.astype(np.uint16) if page.mode.startswith("I;16") else array), findings
    if page.mode == "1":
        return np.asarray(page).astype(np.uint8), findings
    if page.mode != "RGB":
        findings.append(Finding.info(FindingCode.COLOR_CONVERTED, f"{page.mode}: converted to RGB."))
    return np.asarray(page.convert("RGB")), findings


def _kind(frame: NDArray[Any]) -> str:
    color = "color" if frame.ndim == 3 else "gray"
    return f"{frame.shape[1]}x{frame.shape[0]} {color} {frame.dtype}"

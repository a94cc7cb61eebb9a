"""Images that are no DICOM, listed by what their headers say: NIfTI, NRRD, MetaImage, pictures, video."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.itk import simpleitk
from AnnotationQACore.interchange.nifti import is_nifti, nifti_header
from AnnotationQACore.interchange.nrrd import is_nrrd, nrrd_grid, nrrd_header
from AnnotationQACore.interchange.picture_stack import PICTURE_SUFFIXES, natural_order
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.video import VIDEO_SUFFIXES

__all__ = ["OtherImage", "is_other_image", "list_other_images"]

_META: Final = (".mha", ".mhd")
_NO_PLACE: Final = "does not say where its voxels lie in the patient; nothing drawn on it can be placed."


@dataclass(frozen=True, slots=True)
class OtherImage:
    """One image of another format than DICOM, by its header.

    Attributes
    ----------
    path : Path
        The file, or the folder of a stack of pictures.
    format : str
    files : int
    columns, rows, slices, volumes : int
        Zero where unknown.
    spacing : tuple of 3 float or None
        (slice, row, column) in mm.
    geometry : str
        ``regular``, ``sheared`` or ``none``.
    voxel_type : str
    findings : tuple of Finding
    """

    path: Path
    format: str
    files: int
    columns: int = 0
    rows: int = 0
    slices: int = 0
    volumes: int = 0
    spacing: tuple[float, float, float] | None = None
    geometry: str = "none"
    voxel_type: str = ""
    findings: tuple[Finding, ...] = ()


def is_other_image(path: Path) -> bool:
    """Whether the name is that of an image that is listed here."""
    suffix = path.suffix.lower()
    return is_nifti(path) or is_nrrd(path) or suffix in _META or suffix in PICTURE_SUFFIXES or suffix in VIDEO_SUFFIXES


def list_other_images(paths: Iterable[Path]) -> tuple[OtherImage, ...]:
    """List images, pictures of one folder as one stack; a file that cannot be read is listed with the reason."""
    found: list[OtherImage] = []
    pictures: dict[Path, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in PICTURE_SUFFIXES:
            pictures.setdefault(path.parent, []).append(path)
        elif is_other_image(path):
            found.append(_image(path))
    found += [_stack(folder, sorted(files, key=lambda p: natural_order(p.name))) for folder, files in pictures.items()]
    return tuple(sorted(found, key=lambda image: image.path))


def _image(path: Path) -> OtherImage:
    name = _format(path)
    try:
        if is_nifti(path):
            header = nifti_header(path)
            return _volume(path, name, header.shape, header.volumes, header.voxel_type, header.grid)
        if is_nrrd(path):
            return _nrrd(path, name)
        return _meta(path, name) if path.suffix.lower() in _META else _video(path, name)
    except AnnotationQAError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return OtherImage(path, name, 1, findings=(Finding.error(FindingCode.BROKEN_FILE, reason),))


def _format(path: Path) -> str:
    if is_nifti(path):
        return "NIfTI"
    if is_nrrd(path):
        return "NRRD segmentation" if path.name.lower().endswith(".seg.nrrd") else "NRRD"
    return "MetaImage" if path.suffix.lower() in _META else "video"


def _volume(
    path: Path, name: str, shape: tuple[int, ...], volumes: int, voxel_type: str, grid: Grid | None
) -> OtherImage:
    slices, rows, columns = shape
    findings: tuple[Finding, ...] = ()
    geometry, spacing = "none", None
    if grid is None:
        findings = (Finding.error(FindingCode.NO_PATIENT_GEOMETRY, _NO_PLACE),)
    else:
        spacing = grid.spacing
        geometry = "sheared" if grid.is_sheared else "regular"
    if geometry == "sheared":
        said = "its axes are not orthogonal, which ITK and 3D Slicer straighten or refuse."
        findings = (Finding.warning(FindingCode.SHEARED, said),)
    return OtherImage(path, name, 1, columns, rows, slices, volumes, spacing, geometry, voxel_type, findings)


def _nrrd(path: Path, name: str) -> OtherImage:
    nrrd = nrrd_header(path)
    voxel_type = nrrd.voxels.dtype.name
    try:
        grid, list_axis = nrrd_grid(nrrd, path)
    except InputError:
        shape = (1, 1, 1, *nrrd.voxels.shape)[-3:]
        return _volume(path, name, shape, 1, voxel_type, None)
    volumes = 1 if list_axis is None else nrrd.voxels.shape[list_axis]
    return _volume(path, name, grid.shape, volumes, voxel_type, grid)


def _meta(path: Path, name: str) -> OtherImage:
    sitk = simpleitk()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{path}: is not a readable MetaImage, or is truncated; copy it again.") from error
    size = (*reader.GetSize(), 1, 1)[:4]
    dimension = reader.GetDimension()
    spacing = tuple(reader.GetSpacing())[:3]
    voxel_type = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    three = len(spacing) == 3
    return OtherImage(
        path,
        name,
        1,
        size[0],
        size[1],
        size[2],
        (size[3] if dimension > 3 else 1) * reader.GetNumberOfComponents(),
        (spacing[2], spacing[1], spacing[0]) if three else None,
        "regular" if three else "none",
        voxel_type,
    )


def _stack(folder: Path, files: list[Path]) -> OtherImage:
    from PIL import Image, UnidentifiedImageError  # Pillow is loaded with the first picture

    sizes: dict[tuple[int, int, str], int] = {}
    findings: list[Finding] = []
    pages = 0
    for path in files:
        try:
            size, count = _picture(path)
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
            findings.append(Finding.error(FindingCode.BROKEN_FILE, f"{path.name} cannot be read as a picture."))
            continue
        sizes[size] = sizes.get(size, 0) + 1
        pages += count
    place = files[0] if len(files) == 1 else folder
    if not sizes:
        return OtherImage(place, "pictures", len(files), findings=tuple(findings))
    if len(sizes) > 1:
        kinds = ", ".join(f"{n} of {w} x {h} {mode}" for (w, h, mode), n in sizes.items())
        findings.append(Finding.error(FindingCode.MIXED_MATRIX, f"pictures that make no stack: {kinds}."))
    (columns, rows, mode), _ = max(sizes.items(), key=lambda one: one[1])
    findings.append(Finding.info(FindingCode.NO_SPACING, "pictures have no spacing: lengths in pixels only."))
    return OtherImage(place, "pictures", len(files), columns, rows, pages, 1, None, "none", mode, tuple(findings))


def _picture(path: Path) -> tuple[tuple[int, int, str], int]:
    from PIL import Image  # see `_stack`

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            return (*picture.size, picture.mode), int(getattr(picture, "n_frames", 1))


def _video(path: Path, name: str) -> OtherImage:
    for package, describe in (("cv2", _by_opencv), ("imageio", _by_imageio)):
        if importlib.util.find_spec(package) is not None:
            columns, rows, frames = describe(path)
            return OtherImage(path, name, 1, columns, rows, frames, 1, voxel_type="RGB")
    missing = 'needs OpenCV or imageio; run pip install "annotation-qa[video]".'
    return OtherImage(path, name, 1, findings=(Finding.error(FindingCode.CODEC_MISSING, missing),))


def _by_opencv(path: Path) -> tuple[int, int, int]:
    cv2: Any = importlib.import_module("cv2")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InputError(f"{path}: cannot be read as a video; check it.")
        properties = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT)
        columns, rows, frames = (max(int(capture.get(one)), 0) for one in properties)
    finally:
        capture.release()
    return columns, rows, frames


def _by_imageio(path: Path) -> tuple[int, int, int]:
    imageio: Any = importlib.import_module("imageio.v3")
    try:
        properties = imageio.improps(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as a video ({type(error).__name__}); check it.") from error
    frames, rows, columns = (int(size) for size in properties.shape[:3])
    return columns, rows, frames

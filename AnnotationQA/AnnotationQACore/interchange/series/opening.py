"""One door for all images: DICOM, NIfTI, NRRD, MetaImage, pictures and video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.itk import simpleitk
from AnnotationQACore.interchange.nifti import is_nifti, read_nifti
from AnnotationQACore.interchange.nrrd import is_nrrd, nrrd_grid, read_nrrd
from AnnotationQACore.interchange.picture_stack import PICTURE_SUFFIXES, read_pictures
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.planar import PlanarSpacing, SpacingKind
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.interchange.video import VIDEO_SUFFIXES, read_video
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.segmentation import Volume

__all__ = ["open_series"]

_META_IMAGE: Final = frozenset({".mha", ".mhd"})


def open_series(source: Path | Sequence[Path], progress: Progress = silent) -> ImageSeries:
    """Read an image, whatever its format.

    Parameters
    ----------
    source : Path or sequence of Path
        A file; the files of one DICOM series or of one stack of pictures; or a folder that holds either.
    progress : Progress

    Raises
    ------
    InputError
        It cannot be read; the message says why.
    MissingExtra
        An optional package is needed; the message names it.
    """
    if not isinstance(source, Path):
        paths = list(source)
        if paths and all(_is_picture(path) for path in paths):
            return read_pictures(paths, progress)
        return load_series(paths, progress=progress)
    if source.is_dir():
        files = [path for path in source.iterdir() if path.is_file() and not path.name.startswith(".")]
        pictures = [path for path in files if _is_picture(path)]
        if pictures and len(pictures) == len(files):
            return read_pictures(pictures, progress)
        return load_series(source, progress=progress)
    if not source.is_file():
        raise InputError(f"{source}: there is no such file; check the path.")
    if _is_picture(source):
        return read_pictures([source], progress)
    if source.suffix.lower() in VIDEO_SUFFIXES:
        return read_video(source, progress=progress)
    volume = _volume(source)
    return load_series(source, progress=progress) if volume is None else _series_of(volume, source)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def _volume(path: Path) -> Volume | None:
    if is_nifti(path):
        return read_nifti(path)
    if is_nrrd(path):
        nrrd = read_nrrd(path)
        grid, layers = nrrd_grid(nrrd, path)
        if layers is not None or nrrd.voxels.shape != grid.shape:
            raise InputError(f"{path}: is no image of single values; read segmentations as readings.")
        return Volume(nrrd.voxels, grid)
    if path.suffix.lower() in _META_IMAGE:
        return _meta_image(path)
    return None


def _meta_image(path: Path) -> Volume:
    sitk = simpleitk()
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be read as a MetaImage; check the file.") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: is no 3D image of single values; convert it first.")
    columns, rows, slices = image.GetSize()
    direction, spacing, origin = image.GetDirection(), image.GetSpacing(), image.GetOrigin()
    grid = Grid(
        shape=(slices, rows, columns),
        spacing=(spacing[2], spacing[1], spacing[0]),
        origin=(origin[0], origin[1], origin[2]),
        directions=(direction[2::3], direction[1::3], direction[0::3]),
    )
    return Volume(sitk.GetArrayFromImage(image), grid)


def _series_of(volume: Volume, path: Path) -> ImageSeries:
    grid = volume.grid
    return ImageSeries(
        voxels=volume.voxels,
        sources=((),),
        kind=GeometryKind.SHEARED if grid.is_sheared else GeometryKind.REGULAR,
        grid=grid,
        spacing=PlanarSpacing(SpacingKind.PATIENT, (grid.spacing[1], grid.spacing[2])),
        dimension=None,
        modality="",
        photometric="MONOCHROME2",
        units="",
        description=path.name.split(".")[0],
        series_uid="",
        study_uid="",
        frame_of_reference="",
    )

"""Images and segmentations that commands take, in any format that is read."""

from __future__ import annotations

from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.label_images import is_label_image, read_segmentation
from AnnotationQACore.progress import silent
from AnnotationQACore.segmentation import Segmentation, Volume

__all__ = ["images_below", "open_image", "open_segmentation"]


def open_image(path: Path) -> Volume:
    """Read one three-dimensional image of single values: a file, or the folder of a DICOM series.

    Raises
    ------
    InputError
        It cannot be read, or is not one regular image of single values.
    """
    from AnnotationQACore.interchange.series.opening import open_series  # loads the readers of all images

    series = open_series(path)
    if series.grid is None:
        raise InputError(f"{path}: its slices make no regular volume; choose a series with even spacing.")
    if series.voxels.ndim != 3:
        raise InputError(f"{path}: has several volumes or colours; choose one volume of single values.")
    return Volume(series.voxels, series.grid)


def open_segmentation(path: Path) -> Segmentation:
    """Read a segmentation: a label image, .seg.nrrd, or DICOM SEG; raises `InputError` when it is none."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name the file of the segmentation.")
    if is_label_image(path):
        return read_segmentation(path)
    from AnnotationQACore.interchange.dicom_seg import read_dicom_seg  # loads pydicom

    return read_dicom_seg(path).segmentation


def images_below(folder: Path, *, quiet: bool = False) -> dict[str, list[Path]]:
    """Files of every DICOM series below a folder, by Series Instance UID."""
    from AnnotationQACore.interchange.series.scanning import files_by_series  # see `open_image`

    return files_by_series(folder, silent if quiet else ConsoleProgress("looking at images"))

"""Volumes and label maps in the image formats of research: NIfTI, NRRD, `.seg.nrrd`, MetaImage.

The format is chosen by the file name. Only `.seg.nrrd` keeps all of a segmentation; the others keep label values,
and what is lost is told to the caller.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.itk import simpleitk
from AnnotationQACore.interchange.labels import default_segment, label_map, label_values, to_labels, with_unnamed_labels
from AnnotationQACore.interchange.nifti import is_nifti, read_nifti, write_nifti
from AnnotationQACore.interchange.nrrd import Nrrd, grid_fields, is_nrrd, nrrd_grid, read_nrrd, write_nrrd
from AnnotationQACore.interchange.seg_nrrd import to_segmentation, write_seg_nrrd
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation, Volume

__all__ = [
    "SUFFIXES",
    "is_label_image",
    "read_segmentation",
    "read_volume",
    "require_written_format",
    "write_segmentation",
    "write_volume",
]

SUFFIXES = (".seg.nrrd", ".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd")
_META = (".mha", ".mhd")


def is_label_image(path: Path) -> bool:
    """Whether the name is that of a format read here."""
    return path.name.lower().endswith(SUFFIXES)


def read_volume(path: Path) -> Volume:
    """Read one three-dimensional image of scalars.

    Raises
    ------
    InputError
        The file is missing, damaged, of another format, has no orientation, or is not one 3D image of scalars.
    """
    if is_nifti(path):
        return read_nifti(path)
    if is_nrrd(path):
        nrrd = read_nrrd(path)
        grid, list_axis = nrrd_grid(nrrd, path)
        if list_axis is not None and nrrd.voxels.shape[list_axis] > 1:
            raise InputError(f"{path}: holds several volumes or components; save one three-dimensional image per file.")
        return Volume(nrrd.voxels.reshape(grid.shape), grid)
    if path.name.lower().endswith(_META):
        return _read_meta(path)
    raise InputError(f"{path}: is of a format that is not read here; convert it to one of {', '.join(SUFFIXES)}.")


def read_segmentation(path: Path) -> Segmentation:
    """Read label layers; a format without names yields segments ``label-<value>``, one for each value that occurs.

    Raises
    ------
    InputError
        As for `read_volume`, or the voxels are no label values.
    """
    if is_nrrd(path):
        return to_segmentation(read_nrrd(path), path)
    volume = read_volume(path)
    layers = to_labels(volume.voxels, path)[np.newaxis]
    return Segmentation(layers, volume.grid, with_unnamed_labels(layers, (), path))


def require_written_format(path: Path) -> None:
    """Raise `InputError` when the name has no suffix of a format that is written here."""
    if not (is_nifti(path) or path.name.lower().endswith((".nrrd", ".mha"))):
        raise InputError(f"{path.name}: is of a format that is not written; use .nii.gz, .nrrd, .seg.nrrd or .mha.")


def write_volume(path: Path, volume: Volume) -> None:
    """Write an image, whole or not at all.

    Raises
    ------
    InputError
        The name has no suffix of a format written here, or the format has no such voxel type.
    DestinationError
        The folder cannot be written to.
    """
    require_written_format(path)
    if is_nifti(path):
        write_nifti(path, volume)
    elif path.name.lower().endswith(".nrrd"):
        write_nrrd(path, Nrrd(volume.voxels, grid_fields(volume.grid)))
    else:
        _write_meta(path, volume)


def write_segmentation(path: Path, segmentation: Segmentation) -> tuple[str, ...]:
    """Write label layers, whole or not at all, and return one line for each thing that the format cannot hold.

    Raises
    ------
    InputError
        Segments overlap and the format is not `.seg.nrrd`, or the name has no suffix of a format written here.
    DestinationError
        The folder cannot be written to.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        write_seg_nrrd(path, segmentation)
        return ()
    labels, segments = label_map(segmentation, path.name)
    write_volume(path, Volume(labels, segmentation.grid))
    return _losses(path.name, segmentation, labels, segments)


def _losses(name: str, before: Segmentation, labels: LabelArray, after: tuple[Segment, ...]) -> tuple[str, ...]:
    renumbered = [
        f"{name}: segment '{new.id}' has the label value {new.value} instead of {old.value}."
        for old, new in zip(before.segments, after, strict=True)
        if old.value != new.value
    ]
    present = set(label_values(labels))
    absent = [
        f"{name}: segment '{segment.id}' has no voxels and so is not in it."
        for segment in after
        if segment.value not in present
    ]
    described = [segment for segment in after if segment.value in present and segment != default_segment(segment.value)]
    legend = ", ".join(f"{segment.value} = {segment.id}" for segment in described)
    undescribed = [f"{name}: holds no names, colours and codes; its label values are {legend}."] if described else []
    return (*renumbered, *absent, *undescribed)


def _read_meta(path: Path) -> Volume:
    if not path.is_file():
        raise InputError(f"{path}: cannot be read (no such file); check the path.")
    sitk = simpleitk()
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path}: is not a readable MetaImage, or is truncated; copy it again.") from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[..., 0]
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: holds several volumes or components; save one three-dimensional image per file.")
    voxels = sitk.GetArrayFromImage(image)
    affine = np.eye(4)
    columns = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, :3] = columns[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return Volume(voxels, Grid.from_affine(voxels.shape, affine))


def _write_meta(path: Path, volume: Volume) -> None:
    sitk = simpleitk()
    try:
        image = sitk.GetImageFromArray(volume.voxels)
    except TypeError as error:
        raise InputError(
            f"{path.name}: MetaImage has no voxel type '{volume.voxels.dtype}'; convert to an integer or float type."
        ) from error
    grid = volume.grid
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing[::-1])
    image.SetDirection(np.array(grid.directions[::-1]).T.ravel().tolist())
    with atomic.replacing(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True)
        except RuntimeError as error:
            raise DestinationError(
                f"{path}: cannot be written; free space or choose a folder you may write to."
            ) from error

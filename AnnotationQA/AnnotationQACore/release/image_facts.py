"""What the headers of a case's images say, without reading their voxels where that can be avoided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from AnnotationQACore.interchange.series.grouping import SeriesHeader
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.interchange.series.planar import planar_spacing
from AnnotationQACore.interchange.series.scanning import scan_files
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporting import ImageFacts, ReleaseImage

__all__ = ["case_images", "facts_of", "release_image"]


def case_images(
    project: Project, case: Case, protocol: Protocol, images: Mapping[str, Sequence[Path]]
) -> tuple[ReleaseImage, ...]:
    """Images of a case that are at hand, in the order of the protocol's series.

    Parameters
    ----------
    project : Project
        Locations of series are relative to its folder.
    case : Case
    protocol : Protocol
        An image that is no DICOM has the modality of its role, where the role admits one only.
    images : mapping of Series Instance UID to files
        Images that lie elsewhere.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    found = []
    roles = {role.id: role for role in protocol.imaging.series}
    order = {role: place for place, role in enumerate(roles)}
    for series in sorted(case.series, key=lambda one: order.get(one.role, len(order))):
        files: tuple[Path, ...] = ()
        if series.uid in images:
            files = tuple(sorted(images[series.uid]))
        elif series.location:
            files = _files(project.folder / series.location)
        if files:
            role = roles.get(series.role)
            modality = role.modalities[0] if role is not None and len(role.modalities) == 1 else ""
            found.append(release_image(series.role, files, series.uid, modality))
    return tuple(found)


def release_image(role: str, files: Sequence[Path], uid: str = "", modality: str = "") -> ReleaseImage:
    """One series with its facts; segmentations and reports that lie beside its images are left out.

    Parameters
    ----------
    role : str
    files : sequence of Path
    uid : str
        Series Instance UID, where it is known.
    modality : str
        Of what is no DICOM.

    Raises
    ------
    InputError
        It cannot be read.
    """
    scan = scan_files((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    pictured = [series for series in scan.series if series.stacks]
    if len(pictured) == 1:
        own = tuple(sorted(file.path for file in pictured[0].files))
        return ReleaseImage(role, own, uid or pictured[0].series_uid, facts_of(pictured[0]))
    return ReleaseImage(role, tuple(files), uid, _facts_of_opened(files, modality))


def _facts_of_opened(files: Sequence[Path], modality: str) -> ImageFacts:
    opened = open_series(files[0] if len(files) == 1 else files)
    shape = opened.voxels.shape[: -1 if opened.is_color else None]
    volumes = shape[0] if opened.dimension is not None else 1
    spacing = opened.grid.spacing if opened.grid is not None else (None, *(opened.spacing.spacing or (None, None)))
    return ImageFacts(
        modality=modality or opened.modality,
        body_part=opened.body_part,
        sex=opened.sex,
        age_years=opened.age_years,
        slice_thickness_mm=spacing[0],
        geometry=opened.kind.value,
        color=opened.is_color,
        volumes=volumes,
        shape=shape[-3:],
        spacing_mm=spacing,
    )


def facts_of(series: SeriesHeader) -> ImageFacts:
    """Facts of a DICOM series with images, from its headers."""
    file, stack = series.first, series.stacks[0]
    planar = planar_spacing(stack).spacing or (None, None)
    between = stack.grid.spacing[0] if stack.grid is not None else None
    return ImageFacts(
        modality=file.modality,
        manufacturer=file.manufacturer,
        body_part=file.body_part,
        phase=file.phase,
        sex=file.sex,
        age_years=file.age_years,
        slice_thickness_mm=stack.first.frame.thickness or between,
        series_uid=file.series_uid,
        geometry=stack.kind.value,
        color=file.samples > 1,
        volumes=len(stack.volumes),
        shape=(len(stack.volumes[0]), stack.rows, stack.columns),
        spacing_mm=(between, *planar),
    )


def _files(location: Path) -> tuple[Path, ...]:
    if location.is_dir():
        return tuple(sorted(path for path in location.rglob("*") if path.is_file() and not path.name.startswith(".")))
    return (location,) if location.is_file() else ()

"""The DICOM images of a case, where they are at hand: objects are derived from them, and drawn things lie on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.placement import joint_grid, rectified_grid
from AnnotationQACore.interchange.sources import SourceImages, read_sources
from AnnotationQACore.project.cases import Case

__all__ = ["CaseImages", "ImagePlace", "SeriesImages", "case_images"]


@dataclass(frozen=True, slots=True)
class SeriesImages:
    """One series of a case that is at hand."""

    role: str
    images: SourceImages

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return str(self.images.first.SeriesInstanceUID)

    @property
    def single_image(self) -> str | None:
        """SOP Instance UID where the series is one image of one frame."""
        header = self.images.first
        is_single = len(self.images.headers) == 1 and int(header.get("NumberOfFrames") or 1) == 1
        return str(header.SOPInstanceUID) if is_single else None


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """An image of a case: its size in pixels, and in which slice of its series' grid it lies (None where in none)."""

    role: str
    rows: int
    columns: int
    slice: int | None


@dataclass(frozen=True, slots=True)
class CaseImages:
    """Series of a case that are at hand; `reference` is the role of the one on which items are drawn by default."""

    series: tuple[SeriesImages, ...]
    reference: str

    def of_role(self, role: str) -> SeriesImages | None:
        """Series of a role."""
        return next((one for one in self.series if one.role == role), None)

    @property
    def main(self) -> SeriesImages:
        """The reference series, or else the first at hand; raises `InputError` when none is."""
        if not self.series:
            raise InputError("its DICOM images are not at hand; name their folder with --images.")
        return self.of_role(self.reference) or self.series[0]

    def on_lattice(self, grid: Grid) -> SeriesImages:
        """The series with whose voxels those of a grid coincide; the main one where that cannot be told."""
        ordered = [self.main, *(one for one in self.series if one is not self.main)]
        return next((one for one in ordered if _is_on(grid, one.images.grid)), ordered[0])

    def places(self) -> dict[tuple[str, int | None], ImagePlace]:
        """All images by SOP Instance UID, and frame number from 1 where they have several."""
        result: dict[tuple[str, int | None], ImagePlace] = {}
        for one in self.series:
            for header in one.images.headers:
                place = ImagePlace(one.role, int(header.Rows), int(header.Columns), None)
                result[str(header.SOPInstanceUID), None] = place
                frames = int(header.get("NumberOfFrames") or 1)
                if frames > 1:
                    result |= {(str(header.SOPInstanceUID), number): place for number in range(1, frames + 1)}
            if one.images.grid is not None:
                for k, frame in enumerate(one.images.frames):
                    header = frame.header
                    place = ImagePlace(one.role, int(header.Rows), int(header.Columns), k)
                    result[str(header.SOPInstanceUID), frame.number] = place
        return result


def case_images(project: Path, case: Case, images: Mapping[str, Sequence[Path]], reference: str) -> CaseImages:
    """Find the DICOM series of a case and read their headers.

    Parameters
    ----------
    project : Path
        Folder of the project; locations of series are relative to it.
    case : Case
    images : mapping of Series Instance UID to files
        Images that lie elsewhere; they are preferred.
    reference : str
        Role of the reference series in the protocol.

    Raises
    ------
    InputError
        Images of the case are there and cannot be read.
    """
    found = []
    for series in case.series:
        files = list(images.get(series.uid, ())) or _dicom_files(project, series.location)
        if files:
            found.append(SeriesImages(series.role, read_sources(files)))
    roles = [one.role for one in found]
    return CaseImages(tuple(found), reference if reference in roles or not roles else roles[0])


def _dicom_files(project: Path, location: str) -> list[Path]:
    place = project / location if location else None
    if place is None or not place.exists():
        return []
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    return [path for path in files if _is_dicom(path)]


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _is_on(grid: Grid, images: Grid | None) -> bool:
    if images is None:
        return False
    for lattice in (images, rectified_grid(images)) if images.is_sheared else (images,):
        try:
            joint_grid({"segmentation": grid, "images": lattice})
        except GridMismatch:
            continue
        return True
    return False

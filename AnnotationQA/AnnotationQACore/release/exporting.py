"""What is released, and what an exporter is: the contract between choosing cases, splitting them and writing them.

Cases and readings are small records that name files; images and voxels are read when an exporter asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol as TypingProtocol

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.readings import Answer
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.segmentation import Segmentation

__all__ = [
    "Dataset",
    "Exporter",
    "ImageFacts",
    "ReadingKind",
    "ReleaseCase",
    "ReleaseImage",
    "ReleaseReading",
]


class ReadingKind(StrEnum):
    """Whose word a reading is."""

    REFERENCE = "reference standard"
    READER = "reader"
    MODEL = "model"
    CONSENSUS = "consensus"
    PROBABILITY = "probability map"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the headers of a series say of it; empty or None where they say nothing.

    Attributes
    ----------
    modality, manufacturer, body_part, phase : str
    sex : str
        ``M``, ``F`` or ``O``.
    age_years : float or None
    slice_thickness_mm : float or None
    series_uid : str
        Series Instance UID; empty for what is no DICOM.
    geometry : str
        `series.slice_geometry.GeometryKind`: ``regular``, ``sheared`` (gantry tilt), ``irregular`` or ``none``.
    color : bool
    volumes : int
        Number of volumes; more than 1 in a dynamic, diffusion or cine series.
    shape : tuple of int
        Voxels of one volume, (k, j, i).
    spacing_mm : tuple of float or None
        Distance between neighbours, (k, j, i), None along an axis without.
    """

    modality: str = ""
    manufacturer: str = ""
    body_part: str = ""
    phase: str = ""
    sex: str = ""
    age_years: float | None = None
    slice_thickness_mm: float | None = None
    series_uid: str = ""
    geometry: str = ""
    color: bool = False
    volumes: int = 1
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """One image series of a case.

    Attributes
    ----------
    role : str
        Its role in the protocol.
    files : tuple of Path
        One file, or all files of a DICOM series or stack of pictures.
    uid : str
        Series Instance UID; empty for formats without one.
    facts : ImageFacts
    """

    role: str
    files: tuple[Path, ...]
    uid: str = ""
    facts: ImageFacts = field(default_factory=ImageFacts)

    def open(self) -> ImageSeries:
        """Read the voxels; raises `InputError` when they cannot be read."""
        return open_series(self.files[0] if len(self.files) == 1 else self.files)


@dataclass(frozen=True, slots=True)
class ReleaseReading:
    """One reading that is released with a case.

    Attributes
    ----------
    name : str
        As it stands in file names and tables: ``reference``, ``reader1`` or a reader's own name, ``probability``.
    kind : ReadingKind
    id : str
        Reading in the ledger, see `project.readings.reading_id`; empty for a probability map.
    sha256 : str
        Hash of the reading's file.
    protocol : str
        Hash of the protocol under which it was read.
    answers : tuple of Answer
        Classifications, ratings, measurements, landmarks, boxes, polygons; segmentations by their presence.
    segmentation_file : Path or None
        The voxels; None when nothing was drawn.
    sources : tuple of Path
        Of a probability map the segmentations of the readers, of whom each has one vote in a voxel.
    voters : int
        Of a probability map the number of readers, those who drew nothing included.
    time : str
        When it was submitted, UTC, see `project.fields.format_time`.
    flags : tuple of str
    """

    name: str
    kind: ReadingKind
    id: str = ""
    sha256: str = ""
    protocol: str = ""
    answers: tuple[Answer, ...] = ()
    segmentation_file: Path | None = None
    sources: tuple[Path, ...] = ()
    voters: int = 0
    time: str = ""
    flags: tuple[str, ...] = ()

    def segmentation(self) -> Segmentation | None:
        """Read the voxels; None when nothing was drawn. Raises `InputError` when they cannot be read."""
        return None if self.segmentation_file is None else read_segmentation(self.segmentation_file)


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """One case of a release.

    Attributes
    ----------
    id : str
        Pseudonymous; used in file names.
    patient : str
        Pseudonym, the same for all cases of a patient.
    time_point : str
    images : tuple of ReleaseImage
        In the order of the protocol's series.
    readings : tuple of ReleaseReading
    site, scanner, sex : str
        Empty where nobody says.
    age_years : float or None
    """

    id: str
    patient: str
    time_point: str = ""
    images: tuple[ReleaseImage, ...] = ()
    readings: tuple[ReleaseReading, ...] = ()
    site: str = ""
    scanner: str = ""
    sex: str = ""
    age_years: float | None = None

    def image(self, role: str) -> ReleaseImage | None:
        """The image of a role; None when the case has none."""
        return next((image for image in self.images if image.role == role), None)

    def reading(self, name: str) -> ReleaseReading:
        """The reading of a name; raises `InputError` when there is none."""
        for reading in self.readings:
            if reading.name == name:
                return reading
        raise InputError(f"case {self.id}: has no reading '{name}'; choose another, or leave the case out.")


@dataclass(frozen=True, slots=True)
class Dataset:
    """What an exporter writes.

    Attributes
    ----------
    name : str
        Of the release; letters, digits, ``.``, ``_`` and ``-``.
    protocol : Protocol
        In force at the release.
    cases : tuple of ReleaseCase
    splits : mapping of case ID to str
        ``train``, ``validation``, ``test``, or ``fold-0``, ``fold-1``...; a case that is not in it is ``train``.
    version, description, licence : str
    """

    name: str
    protocol: Protocol
    cases: tuple[ReleaseCase, ...]
    splits: Mapping[str, str] = field(default_factory=dict)
    version: str = "1.0.0"
    description: str = ""
    licence: str = ""

    def split_of(self, case: ReleaseCase) -> str:
        """Split of a case; ``train`` where none was given."""
        return self.splits.get(case.id, "train")

    def of_split(self, *splits: str) -> Iterator[ReleaseCase]:
        """Cases of these splits, in order."""
        return (case for case in self.cases if self.split_of(case) in splits)


class Exporter(TypingProtocol):
    """Writes a dataset in one format.

    The same dataset and options give the same bytes. Every file appears whole or not at all, and a file that is there
    from an interrupted run, with the same dataset and options, is not written again.
    """

    @property
    def name(self) -> str:
        """Key in `exporters.registry.EXPORTERS`."""

    def describe(self) -> str:
        """What it writes, in one sentence, for people."""

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """Everything that keeps it from being written, one line each: which case, what is wrong, the remedy.

        It looks at records and headers, and at the voxels of segmentations where they can overlap; nothing is written.
        """

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset into a folder that exists, and return the files, relative, with forward slashes, sorted.

        Raises
        ------
        InputError
            An image or reading cannot be read, or cannot be held by the format (`check` says so before).
        DestinationError
            A file cannot be written.
        Cancelled
            `progress` cancelled; what is written stays for the next run.
        """

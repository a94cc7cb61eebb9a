"""A project with a reading of everything that can be drawn on a CT, and one on radiographs."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.cases import Case, SeriesReference
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import create_identity, load_identity
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    Reading,
    SegmentationValue,
    Subject,
    TextValue,
)
from AnnotationQACore.project.state import Role, SubmittedReading
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.segmentation import Mask, Segment, Segmentation

GRID = Grid((6, 16, 16), (3.0, 1.0, 1.0), (-40.0, 12.5, 100.0))


class Study:
    """A project, its images, and commands on it."""

    def __init__(self, home: Path, name: str, protocol: str) -> None:
        self.home, self.name, self.protocol = home, name, protocol
        self.folder, self.images = home / name, home / f"images-{name}"
        self.images.mkdir()
        self.cases: list[Case] = []
        Project.create(self.folder, create_identity(name), load_shipped(protocol)).close()

    def project(self) -> Project:
        return Project.open(self.folder)

    def run(self, *argv: object) -> int:
        return main([str(argument) for argument in argv])

    def add_cases(self, cases: Sequence[Case]) -> None:
        self.cases = list(cases)
        project = Project.open(self.folder, load_identity(self.name))
        project.add_cases(cases)
        project.close()

    def submit(self, reading: Reading, segmentation: Segmentation | None) -> SubmittedReading:
        project = Project.open(self.folder, load_identity(self.name))
        if reading.reader not in project.state.members:
            project.add_member(reading.reader, reading.reader, [Role.READER])
        path = None
        if segmentation is not None:
            path = self.home / "submitted.seg.nrrd"
            write_segmentation(path, segmentation)
        submitted = project.submit_reading(reading, path)
        project.close()
        return submitted

    def twin(self, name: str) -> "Study":
        """Another project with the same protocol and cases, without readings."""
        other = Study(self.home, name, self.protocol)
        other.images.rmdir()
        other.images = self.images
        other.add_cases(self.cases)
        return other

    def export(self, folder: str, *formats: str, reader: str = "anna") -> int:
        shutil.rmtree(self.home / folder, ignore_errors=True)
        return self.run("export", self.folder, "-o", self.home / folder, "--reader", reader,
                        "--images", self.images, "--format", *formats)  # fmt: skip

    def take(self, folder: str, *more: object) -> int:
        return self.run("import", "folder", self.folder, self.home / folder,
                        "--images", self.images, "--as", self.name, *more)  # fmt: skip

    def only_reading(self) -> tuple[Reading, Path | None]:
        project = self.project()
        (submitted,) = [one for case in self.cases for one in project.state.latest_readings(case.id)]
        return project.load_reading(submitted), project.segmentation_path(submitted)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    return tmp_path


def nodules() -> Segmentation:
    """Two nodules that touch the same slices; one has a hole."""
    voxels = np.zeros((1, *GRID.shape), np.uint8)
    voxels[0, 1:4, 3:8, 3:8] = 1
    voxels[0, 2, 5, 5] = 0
    voxels[0, 3:, 10:14, 10:14] = 2
    segments = (Segment("nodule#1", "Nodule 1", 1), Segment("nodule#2", "Nodule 2", 2))
    return Segmentation(voxels, GRID, segments)


@pytest.fixture
def lung(home: Path) -> Study:
    """One CT, read by anna."""
    study = Study(home, "lung", "lung_nodule_ct")
    files = write_phantom_series(study.images, Mask(nodules().layers[0] > 0, GRID), "c1", "1.2.3.4")
    uid = str(pydicom.dcmread(files[0]).SeriesInstanceUID)
    study.add_cases([Case("c1", "P1", series=(SeriesReference("ct", "", uid),))])
    one, two = Subject(instance=1), Subject(instance=2)
    ends = ((-37.0, 16.0, 103.0), (-32.5, 16.0, 103.0), (-35.0, 14.0, 103.0), (-35.0, 17.25, 103.0))
    answers = (
        Answer("nodule", SegmentationValue(Presence.PRESENT), one),
        Answer("nodule", SegmentationValue(Presence.PRESENT), two),
        Answer("malignancy", RatingValue(4), one),
        Answer("calcification", RatingValue(None), one),
        Answer("texture", RatingValue(2), two),
        Answer("spiculation", NotApplicable(), two),
        Answer("nodule_volume", MeasurementValue(0.2345678901234567, "ml"), one),
        Answer("nodule_diameters", MeasurementValue(4.5, "mm", ends, 3.25), one),
        Answer("nodule_diameters", MeasurementValue(4.0, "mm", (), 2.5), two),
        Answer("comment", TextValue("looks odd")),
    )
    reading = Reading("c1", "anna", 1, 1, load_shipped("lung_nodule_ct").hash, answers, flags=("poor quality",))
    study.submit(reading, nodules())
    return study


@pytest.fixture
def spine(home: Path) -> Study:
    """Landmarks, a box in space and choices on one volume."""
    study = Study(home, "spine", "vertebra_landmarks")
    files = write_phantom_series(study.images, Mask(nodules().layers[0] > 0, GRID), "c1", "1.2.3.5")
    uid = str(pydicom.dcmread(files[0]).SeriesInstanceUID)
    study.add_cases([Case("c1", "P1", series=(SeriesReference("spine", "", uid),))])
    protocol = load_shipped("vertebra_landmarks")
    first, second, third = protocol.item("vertebral_bodies").points[:3]  # type: ignore[union-attr]
    marks = (
        Landmark(first.id, (-38.5, 13.0, 101.0)),
        Landmark(second.id, None),
        Landmark(third.id, (-30.0, 20.0, 109.0)),
    )
    turned = ((0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0))
    variants = protocol.item("variants")
    answers = (
        Answer("vertebral_bodies", LandmarksValue(marks)),
        Answer("variants", ChoiceValue((variants.answers[0].id,))),  # type: ignore[union-attr]
        Answer("fractured_vertebra", BoxValue((-35.0, 18.0, 105.0), (6.0, 4.0, 9.0), turned), Subject(instance=1)),
        Answer("genant_grade", RatingValue(2), Subject(instance=1)),
        Answer("lumbar_lordosis", MeasurementValue(41.5, "deg")),
    )
    study.submit(Reading("c1", "anna", 1, 1, protocol.hash, answers), None)
    return study


@pytest.fixture
def radiograph() -> Callable[..., str]:
    """Write a radiograph without patient geometry; returns its SOP Instance UID."""

    def write(path: Path, number: int) -> str:
        dataset = pydicom.Dataset()
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.SOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
        dataset.SOPInstanceUID = f"1.2.3.9.{number}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.9", f"1.2.3.9.{number}.0"
        dataset.Modality, dataset.Rows, dataset.Columns = "DX", 40, 30
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.PixelData = np.zeros((40, 30), np.uint16).tobytes()
        dataset.save_as(path, enforce_file_format=True)
        return str(dataset.SOPInstanceUID)

    return write


@pytest.fixture
def wrist(home: Path, radiograph: Callable[..., str]) -> Study:
    """Boxes on two radiographs, with what is said of each."""
    study = Study(home, "wrist", "wrist_fracture_xray")
    uids = [radiograph(study.images / f"{n}.dcm", n) for n in (1, 2)]
    roles = ("pa", "lateral")
    references = tuple(SeriesReference(role, "", f"{uid}.0") for role, uid in zip(roles, uids, strict=True))
    study.add_cases([Case("c1", "P1", series=references)])
    protocol = load_shipped("wrist_fracture_xray")
    bone = protocol.item("bone")
    answers = (
        Answer("fracture_present", PresenceValue(Presence.PRESENT)),
        Answer("fracture", BoxValue((12.25, 20.0), (6.5, 9.0)), Subject("pa", uids[0], None, 1)),
        Answer("fracture", BoxValue((8.0, 11.0), (4.0, 4.0)), Subject("lateral", uids[1], None, 2)),
        Answer("bone", ChoiceValue((bone.answers[0].id,)), Subject(instance=1)),  # type: ignore[union-attr]
        Answer("certainty", RatingValue(2), Subject(instance=2)),
    )
    study.submit(Reading("c1", "anna", 1, 1, protocol.hash, answers), None)
    return study

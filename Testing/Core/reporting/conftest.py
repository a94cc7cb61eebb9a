"""A study with an item of every kind, three readers who differ, and text that would break a careless page."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AnnotationQACore.evaluation.project import project_agreement
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    Reading,
    SegmentationValue,
    Subject,
    TextValue,
)
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_protocol
from AnnotationQACore.reporting.contents import Contents, collect
from AnnotationQACore.reporting.writing import write_report
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((6, 30, 40), (2.5, 0.8, 0.8), (-10.0, 5.0, 100.0))
MADE = datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)
SCRIPT = "<script>alert('x')</script> & \"quoted\" </style>"
CREDIT = f"Credit {SCRIPT}"
READERS = ("anna", "ben", "cara")
CASES = 8

PROTOCOL: dict[str, Any] = {
    "id": "every_kind",
    "title": f"Every kind {SCRIPT}",
    "version": "1.2.3",
    "change_note": "First.",
    "purpose": "Tests.",
    "clinical_decision": "None.",
    "imaging": {
        "body_region": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"},
        "reference_series": "ct",
        "series": [{"id": "ct", "title": "CT", "modalities": ["CT"], "description": "Any."}],
    },
    "design": {"readers_per_case": 3, "reader_qualification": "Radiologists."},
    "items": [
        {"kind": "classification", "id": "effusion", "title": f"Effusion {SCRIPT}", "definition": "Fluid.",
         "selection": "presence", "agreement": {"statistic": "gwet_ac1", "threshold": 0.5, "case_tolerance": 0}},
        {"kind": "classification", "id": "signs", "title": "Signs", "definition": "Which.", "selection": "multiple",
         "choices": [{"id": "a", "title": f"A {SCRIPT}"}, {"id": "b", "title": "B"}],
         "agreement": {"statistic": "krippendorff_alpha", "threshold": 0.5}},
        {"kind": "rating", "id": "quality", "title": "Quality", "definition": "How good.",
         "levels": [{"value": value, "title": f"Level {value}"} for value in (1, 2, 3)],
         "agreement": {"statistic": "weighted_kappa_quadratic", "threshold": 0.6, "case_tolerance": 1}},
        {"kind": "segmentation", "id": "lung", "title": "Lung", "definition": "The lung.", "label_value": 1,
         "agreement": {"statistic": "hd95", "threshold": 2.0, "tolerance_mm": 1.0}},
        {"kind": "segmentation", "id": "nodule", "title": "Nodule", "definition": "A nodule.", "label_value": 2,
         "instances": True, "may_overlap": ["lung"], "agreement": {"statistic": "dice", "threshold": 0.7}},
        {"kind": "rating", "id": "malignancy", "title": "Malignancy", "definition": "How likely.",
         "scope": {"level": "instance", "of": "nodule"}, "required": False,
         "levels": [{"value": value, "title": f"Level {value}"} for value in (1, 2, 3, 4, 5)],
         "agreement": {"statistic": "icc_2_1", "threshold": 0.5}},
        {"kind": "box", "id": "fracture", "title": "Fracture", "definition": "Break.", "dimensions": 2,
         "instances": True, "agreement": {"statistic": "box_iou", "threshold": 0.5}},
        {"kind": "polygon", "id": "outline", "title": "Outline", "definition": "Line.", "required": False,
         "agreement": {"statistic": "assd", "threshold": 2.0}},
        {"kind": "landmarks", "id": "points", "title": "Points", "definition": "Points.",
         "points": [{"id": "p1", "title": "P1"}, {"id": "p2", "title": "P2"}],
         "agreement": {"statistic": "landmark_distance", "threshold": 3.0}},
        {"kind": "measurement", "id": "diameter", "title": "Diameter", "definition": "Longest.", "quantity": "length",
         "agreement": {"statistic": "limits_of_agreement", "threshold": 5.0, "case_tolerance": 2.0}},
        {"kind": "text", "id": "comment", "title": "Comment", "definition": "Words.", "required": False},
    ],
}  # fmt: skip


@dataclass
class Clock:
    """Goes on a day at every look."""

    time: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(days=1)
        return self.time


@dataclass(frozen=True)
class Study:
    """The project and its files' folder."""

    folder: Path
    project: Project


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("study")
        patch.setenv(USER_FOLDER_VARIABLE, str(base / "user"))
        yield Study(base / "project", make_project(base))


@pytest.fixture(scope="session")
def contents(study: Study) -> Contents:
    agreement = project_agreement(study.project, resamples=200, seed=3)
    return collect(study.project, agreement, made=MADE)


@pytest.fixture(scope="session")
def report(study: Study, contents: Contents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    write_report(folder, study.project, contents)
    return folder


@pytest.fixture(scope="session")
def new_project() -> Callable[[Path], Project]:
    return make_project


def make_project(base: Path) -> Project:
    """Anna and Ben sign their readings, Cara's are imported; ``one-reader`` was read by one, ``broken`` was changed."""
    source = base / "protocol.json"
    source.write_text(json.dumps(PROTOCOL))
    protocol = load_protocol(source)
    clock = Clock()
    people = {name: create_identity(name, base / "keys") for name in ("lead", "anna", "ben")}
    lead = Project.create(base / "project", people["lead"], protocol, name=f"Study {SCRIPT}", clock=clock)
    for name in ("anna", "ben"):
        lead.add_member(name, name, [Role.READER], people[name].public_key)
    lead.add_member("cara", "cara", [Role.READER])
    cases = [f"case-{number}" for number in range(CASES)]
    lead.add_cases([Case(case, f"patient-{place // 2}") for place, case in enumerate([*cases, "broken", "one-reader"])])
    lead.assign([
        Assignment(case, reader, 1, "reading", place)
        for place, case in enumerate([*cases, "broken", "one-reader"])
        for reader in ("anna", "ben")
    ])  # fmt: skip
    for reader in READERS:
        own = lead if reader == "cara" else Project.open(base / "project", people[reader], clock=clock)
        for place, case in enumerate([*cases, "broken"]):
            own.submit_reading(*_reading(base, case, reader, place, protocol.hash))
        if reader == "anna":
            own.submit_reading(*_reading(base, "one-reader", reader, 0, protocol.hash))
    broken = next(reading for reading in lead.refresh().readings["broken"] if reading.reader == "ben")
    (base / "project" / broken.files[0].path).write_text("{}")
    return Project.open(base / "project", people["lead"], clock=clock)


def _reading(base: Path, case: str, reader: str, place: int, protocol: str) -> tuple[Reading, Path]:
    """Cara draws larger and rates higher; Ben misses the nodule of every third case."""
    number = READERS.index(reader)
    extra = 2 * (reader == "cara")
    random = np.random.default_rng([place, number])
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[0, 1:5, 4 : 24 + extra, 4 : 30 + extra + place % 2] = 1
    segments = [Segment("lung", "Lung", 1, 0)]
    answers: list[Answer] = [
        Answer("effusion", PresenceValue([Presence.PRESENT, Presence.ABSENT][(place + number * (place > 5)) % 2])),
        Answer("signs", ChoiceValue(("a", "b")[: 1 + (place + number) % 2])),
        Answer("quality", RatingValue(min(1 + place % 3 + (reader == "cara"), 3))),
        Answer("lung", SegmentationValue(Presence.PRESENT)),
    ]
    found = [] if reader == "ben" and place % 3 == 0 else [(slice(2, 4), slice(6, 12 + extra), slice(6, 12))]
    if place % 4 == 1 and reader != "cara":
        found.append((slice(2, 4), slice(16, 20), slice(20, 26)))
    for instance, region in enumerate(found, start=1):
        layers[(1, *region)] = instance
        segments.append(Segment(f"nodule#{instance}", f"Nodule {instance}", instance, 1))
        subject = Subject(instance=instance)
        answers.append(Answer("nodule", SegmentationValue(Presence.PRESENT), subject))
        answers.append(Answer("malignancy", RatingValue(min(1 + place % 4 + number // 2, 5)), subject))
    if not found:
        answers.append(Answer("nodule", SegmentationValue(Presence.ABSENT)))
    centre = tuple(random.normal(50, 1, 2).tolist())
    square = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]], float) * (1 + 0.1 * number + 0.05 * place)
    answers += [
        Answer("fracture", BoxValue(centre, (20.0 + extra, 10.0)), Subject(series="ct", instance=1)),
        Answer("outline", PolygonValue(tuple(map(tuple, square.tolist())))),
        Answer("points", LandmarksValue((
            Landmark("p1", tuple(random.normal(0, 1, 3).tolist())), Landmark("p2", (5.0, 5.0, 5.0 + number)),
        ))),
        Answer("diameter", MeasurementValue(10.0 + 3 * place + extra + float(random.normal(0, 0.5)), "mm")),
        Answer("comment", TextValue(f"{reader} {SCRIPT}")),
    ]  # fmt: skip
    path = base / f"{case}-{reader}.seg.nrrd"
    write_segmentation(path, Segmentation(layers, GRID, tuple(segments)))
    return Reading(case, reader, 1, 1, protocol, tuple(answers), flags=("edge case",), comment=CREDIT), path

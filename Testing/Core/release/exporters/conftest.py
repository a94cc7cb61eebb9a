"""A study of phantoms: three patients, two readers, a reference standard, items of every kind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.answers import (
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
    SegmentationValue,
    Subject,
    TextValue,
)
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Action, Role
from AnnotationQACore.protocol.loading import load_protocol
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.selection import Selection, select_cases
from AnnotationQACore.segmentation import Mask, Segment, Segmentation

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
CASES = ("case-1", "case-2", "case-3")
SPLITS = {"case-1": "train", "case-2": "validation", "case-3": "test"}
ORGAN = (slice(1, 5), slice(4, 20), slice(3, 16))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))

PROTOCOL: dict[str, Any] = {
    "id": "phantoms",
    "title": "Phantoms",
    "version": "1.2.3",
    "change_note": "First.",
    "purpose": "Tests.",
    "clinical_decision": "None.",
    "imaging": {
        "body_region": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"},
        "reference_series": "ct",
        "series": [{"id": "ct", "title": "CT", "modalities": ["CT"]}],
    },
    "design": {"readers_per_case": 2},
    "windows": [
        {"id": "lung", "title": "Lung", "center": -600, "width": 1500},
        {"id": "soft", "title": "Soft tissue", "center": 40, "width": 400, "inverted": True},
    ],
    "view": {"window": "lung"},
    "items": [
        {"kind": "segmentation", "id": "organ", "title": "Organ", "definition": "All of it.", "label_value": 5,
         "color": "#102030",
         "codes": {"category": {"scheme": "SCT", "value": "123037004", "meaning": "Anatomical Structure"},
                   "type": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}},
         "agreement": {"statistic": "dice", "threshold": 0.9}},
        {"kind": "segmentation", "id": "lesion", "title": "Lesion", "definition": "A lesion.", "label_value": 9,
         "instances": True, "may_overlap": ["organ"], "parent": "organ",
         "codes": {"category": {"scheme": "SCT", "value": "49755003", "meaning": "Morphologically Altered Structure"},
                   "type": {"scheme": "SCT", "value": "27925004", "meaning": "Nodule"}}},
        {"kind": "classification", "id": "effusion", "title": "Effusion", "definition": "Fluid.",
         "selection": "presence"},
        {"kind": "classification", "id": "signs", "title": "Signs", "definition": "Which.", "selection": "multiple",
         "choices": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]},
        {"kind": "rating", "id": "quality", "title": "Quality", "definition": "How good.",
         "levels": [{"value": value, "title": f"Level {value}"} for value in (1, 2, 3)],
         "agreement": {"statistic": "weighted_kappa_quadratic", "threshold": 0.6, "case_tolerance": 0}},
        {"kind": "rating", "id": "malignancy", "title": "Malignancy", "definition": "How likely.",
         "scope": {"level": "instance", "of": "lesion"}, "required": False,
         "levels": [{"value": value, "title": f"Level {value}"} for value in (1, 2, 3)]},
        {"kind": "box", "id": "region", "title": "Region", "definition": "Box.", "dimensions": 3, "required": False},
        {"kind": "polygon", "id": "outline", "title": "Outline", "definition": "Line.", "required": False},
        {"kind": "landmarks", "id": "points", "title": "Points", "definition": "Points.",
         "points": [{"id": "p1", "title": "P1"}, {"id": "p2", "title": "P2"}]},
        {"kind": "measurement", "id": "diameter", "title": "Diameter", "definition": "Longest.", "quantity": "length"},
        {"kind": "text", "id": "comment", "title": "Comment", "definition": "Words.", "required": False},
    ],
}  # fmt: skip


@dataclass
class Clock:
    """Goes on an hour at every look."""

    time: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(hours=1)
        return self.time


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("release")
        patch.setenv(USER_FOLDER_VARIABLE, str(base / "user"))
        yield make_project(base)


def make_project(base: Path) -> Project:
    """Anna and Ben read all cases; the first two are decided for Anna, the last for Ben. Nothing overlaps in case-2."""
    source = base / "protocol.json"
    source.write_text(json.dumps(PROTOCOL))
    protocol = load_protocol(source)
    clock = Clock()
    people = {name: create_identity(name, base / "keys") for name in ("lead", "anna", "ben")}
    lead = Project.create(base / "project", people["lead"], protocol, name="Phantoms", clock=clock)
    lead.change_member("lead", "lead", [Role.LEAD, Role.ADJUDICATOR])
    for name in ("anna", "ben"):
        lead.add_member(name, name, [Role.READER], people[name].public_key)
    cases = []
    for number, case in enumerate(CASES):
        folder = base / "project" / "images" / case
        folder.mkdir(parents=True)
        mask = np.zeros(GRID.shape, bool)
        mask[LESION] = True
        uid = f"1.2.826.0.1.3680043.10.999.{number + 1}"
        files = write_phantom_series(folder, Mask(mask, GRID), case, uid, seed=number)
        location = folder.relative_to(base / "project").as_posix()
        cases.append(
            Case(case, f"patient-{number}", series=(SeriesReference("ct", location, uid, len(files)),)),
        )
    lead.add_cases(cases)
    lead.assign([Assignment(case, reader, 1, "reading", 0) for case in CASES for reader in ("anna", "ben")])
    for reader in ("anna", "ben"):
        own = Project.open(base / "project", people[reader], clock=clock)
        for case in CASES:
            own.submit_reading(*make_reading(base, case, reader, protocol.hash))
    lead.refresh()
    for case, reader in zip(CASES, ("anna", "anna", "ben"), strict=True):
        lead.decide(case, Action.ACCEPT, [f"{case}/{reader}/round-1/revision-1"])
    return Project.open(base / "project", people["lead"], clock=clock)


def make_reading(base: Path, case: str, reader: str, protocol: str) -> tuple[Reading, Path]:
    """Ben draws the organ a column wider and misses the second lesion; in case-2 lesions are no part of the organ."""
    extra = int(reader == "ben")
    layers = np.zeros((2, *GRID.shape), np.uint8)
    k, j, i = ORGAN
    layers[0, k, j, i.start : i.stop + extra] = 1
    regions = [LESION] if extra else [LESION, SECOND]
    for number, region in enumerate(regions, start=1):
        layers[(1, *region)] = number
    if case == "case-2":
        layers[0][layers[1] > 0] = 0
    write_segmentation(
        path := base / f"{case}-{reader}.seg.nrrd",
        Segmentation(
            layers,
            GRID,
            (
                Segment("organ", "Organ", 1, 0),
                *(Segment(f"lesion#{n}", f"Lesion {n}", n, 1) for n in range(1, len(regions) + 1)),
            ),
        ),
    )
    at = [tuple(point) for point in GRID.to_world([[3, 6, 5], [3, 6, 15], [3, 18, 15], [3, 18, 5]]).tolist()]
    answers = [
        Answer("organ", SegmentationValue(Presence.PRESENT)),
        *(Answer("lesion", SegmentationValue(Presence.PRESENT), Subject(instance=n + 1)) for n in range(len(regions))),
        *(Answer("malignancy", RatingValue(n + 1), Subject(instance=n + 1)) for n in range(len(regions))),
        Answer("effusion", PresenceValue(Presence.PRESENT if case == "case-1" else Presence.ABSENT)),
        Answer("signs", ChoiceValue(("a", "b"))),
        Answer("quality", RatingValue(2 + extra * (case == "case-3"))),
        Answer("region", BoxValue(tuple(GRID.to_world([2.5, 10.0, 8.0]).tolist()), (4 * 0.7, 6 * 0.8, 3 * 2.5))),
        Answer("outline", PolygonValue(tuple(at))),
        Answer("points", LandmarksValue((Landmark("p1", at[0]), Landmark("p2", None)))),
        Answer("diameter", MeasurementValue(12.5 + extra, "mm", (at[0], at[1]))),
        Answer("comment", TextValue("=1+1, \"quoted\"")),
    ]  # fmt: skip
    flags = ("poor quality",) if case == "case-3" else ()
    return Reading(case, reader, 1, 1, protocol, tuple(answers), flags=flags), path


@pytest.fixture
def dataset_of(project: Project) -> Callable[..., Dataset]:
    """A dataset of the project with the given readings."""

    def make(*readings: str, **changes: Any) -> Dataset:
        selected = select_cases(project, Selection(readings=readings or ("reference",)))
        assert not selected.problems
        made = Dataset("Phantoms", project.protocol(), selected.cases, SPLITS, description="Tests.", licence="CC0-1.0")
        return replace(made, **changes)

    return make

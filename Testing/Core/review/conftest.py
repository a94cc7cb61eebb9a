"""Readers of small images, and a study in which they submit them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity, create_identity
from AnnotationQACore.project.readings import Answer, Presence, RatingValue, Reading, SegmentationValue, Subject
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((10, 16, 16), (2.0, 1.0, 1.0), (5.0, -7.0, 30.0))
READERS = ("anna", "ben", "cleo")
ROLES = {
    "lead": (Role.LEAD,),
    **dict.fromkeys(READERS, (Role.READER,)),
    "rita": (Role.REVIEWER,),
    "adam": (Role.ADJUDICATOR,),
    "ada": (Role.ADJUDICATOR,),
}
Box = tuple[slice, slice, slice]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the keys and caches of the person who runs it."""
    folder = tmp_path / "user"
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    keys = tmp_path_factory.mktemp("keys")
    return {name: create_identity(name, keys) for name in ROLES}


@pytest.fixture(scope="session")
def lung() -> Protocol:
    """The shipped protocol, but for the reasons it asks for, so that only the test of reasons gives them."""
    protocol = load_shipped("lung_nodule_ct")
    return replace(protocol, design=replace(protocol.design, reason_required=False))


class Study:
    """A project folder in which people act."""

    def __init__(self, folder: Path, people: dict[str, Identity], protocol: Protocol) -> None:
        self.folder, self.people, self.protocol = folder, people, protocol
        lead = Project.create(folder, people["lead"], protocol)
        for name, roles in ROLES.items():
            if name != "lead":
                lead.add_member(name, f"Dr {name.title()}", roles, people[name].public_key)
        lead.add_cases([Case(f"case-{n}", f"patient-{n}") for n in (1, 2)])
        lead.assign([Assignment(f"case-{n}", reader, 1, "reading", n) for n in (1, 2) for reader in READERS])

    def as_(self, name: str) -> Project:
        return Project.open(self.folder, self.people[name])

    def submit(
        self,
        reader: str,
        nodules: Sequence[tuple[Box, int]],
        case: str = "case-1",
        revision: int = 1,
        grid: Grid = GRID,
    ) -> str:
        """A reader draws nodules with a malignancy each; none for "absent"."""
        answers: list[Answer] = []
        for number, (_, malignancy) in enumerate(nodules, start=1):
            subject = Subject(instance=number)
            answers.append(Answer("nodule", SegmentationValue(Presence.PRESENT), subject))
            answers.append(Answer("malignancy", RatingValue(malignancy), subject))
        path = None
        if nodules:
            segments = [Segment(f"nodule#{n}", f"Nodule {n}", n) for n in range(1, len(nodules) + 1)]
            layer = np.zeros((1, *grid.shape), np.uint8)
            for number, (where, _) in enumerate(nodules, start=1):
                layer[(0, *where)] = number
            path = self.folder.parent / f"{reader}.seg.nrrd"
            write_segmentation(path, Segmentation(layer, grid, tuple(segments)))
        else:
            answers.append(Answer("nodule", SegmentationValue(Presence.ABSENT)))
        reading = Reading(case, reader, 1, revision, self.protocol.hash, tuple(answers))
        return self.as_(reader).submit_reading(reading, path).id


@pytest.fixture
def make_study(tmp_path: Path, people: dict[str, Identity]) -> Callable[[Protocol], Study]:
    return lambda protocol: Study(tmp_path / "project", people, protocol)


@pytest.fixture
def study(make_study: Callable[[Protocol], Study], lung: Protocol) -> Study:
    return make_study(lung)

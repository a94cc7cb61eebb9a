"""A small study: a lead, two readers, a reviewer, an adjudicator, three cases."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity, create_identity
from AnnotationQACore.project.readings import Answer, Reading, TextValue
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol


@dataclass
class Clock:
    """Goes on a second at every look."""

    time: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)
    step: timedelta = timedelta(seconds=1)

    def __call__(self) -> datetime:
        self.time += self.step
        return self.time


@dataclass
class Study:
    """People and their common project folder."""

    folder: Path
    people: dict[str, Identity]
    clock: Clock = field(default_factory=Clock)

    def as_(self, name: str) -> Project:
        return Project.open(self.folder, self.people[name], clock=self.clock)

    def reading(self, reader: str, case: str = "case-1", text: str = "", revision: int = 1) -> Reading:
        protocol = Project.open(self.folder).state.protocol
        answer = Answer("comment", TextValue(text or f"{reader} on {case}"))
        return Reading(case, reader, 1, revision, protocol, (answer,))

    def submit(self, reader: str, case: str = "case-1", text: str = "", revision: int = 1) -> str:
        voxels = self.folder.parent / f"{reader}.seg.nrrd"
        voxels.write_bytes(b"NRRD0004\nvoxels of " + reader.encode() + text.encode())
        return self.as_(reader).submit_reading(self.reading(reader, case, text, revision), voxels).id

    def ledger_of(self, name: str) -> Path:
        return self.folder / "ledger" / f"{name}.{self.people[name].fingerprint}.jsonl"


ROLES = {
    "lead": (Role.LEAD,),
    "anna": (Role.READER,),
    "ben": (Role.READER,),
    "rita": (Role.REVIEWER,),
    "adam": (Role.ADJUDICATOR,),
    "ada": (Role.ADJUDICATOR,),
}


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the keys and caches of the person who runs it."""
    folder = tmp_path / "user"
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    keys = tmp_path_factory.mktemp("keys")
    return {name: create_identity(name, keys) for name in [*ROLES, "mallory"]}


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    return load_shipped("lung_nodule_ct")


@pytest.fixture
def study(tmp_path: Path, people: dict[str, Identity], protocol: Protocol) -> Iterator[Study]:
    study = Study(tmp_path / "project", people)
    lead = Project.create(study.folder, people["lead"], protocol, clock=study.clock)
    for name, roles in ROLES.items():
        if name != "lead":
            lead.add_member(name, name.title(), roles, people[name].public_key)
    lead.add_cases([Case(f"case-{n}", f"patient-{n}") for n in (1, 2, 3)])
    readers = ("anna", "ben")
    lead.assign([Assignment(f"case-{n}", reader, 1, "reading", n) for n in (1, 2, 3) for reader in readers])
    return study

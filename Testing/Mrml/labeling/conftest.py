"""The labeling panel's logic on a real scene, on studies of `labeling_study`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from labeling_study import CASES, EVERYTHING, AtOnce, LabelingStudy, make_study

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity, create_identity
from AnnotationQACore.protocol.model import Protocol
from AnnotationQALib.logic.session import LabelingSession


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the keys, caches and kept drafts of the person who runs it."""
    folder = tmp_path / "user"
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    keys = tmp_path_factory.mktemp("keys")
    return {name: create_identity(name, keys) for name in ("lead", "anna", "rita")}


@pytest.fixture
def everything() -> Protocol:
    """A protocol with every kind of item."""
    return EVERYTHING


@pytest.fixture
def studies(tmp_path: Path, people: dict[str, Identity]) -> Callable[..., LabelingStudy]:
    """Makes a study of a protocol."""

    def make(protocol: Protocol | str, cases: Sequence[str] = CASES) -> LabelingStudy:
        return make_study(tmp_path, people, protocol, cases)

    return make


@pytest.fixture
def sessions(scene: Any) -> Iterator[Callable[[LabelingStudy], LabelingSession]]:
    """Opens sessions of the reader Anna, in which background work is done at once."""
    opened = []

    def open_session(study: LabelingStudy, scene: Any = scene) -> LabelingSession:
        session = LabelingSession.open(
            scene,
            study.folder,
            study.people["anna"],
            executor=AtOnce(),
            utc=study.clock.utc,
            seconds=study.clock.seconds,
        )
        opened.append(session)
        return session

    yield open_session
    for session in opened:
        if session.case is not None:
            session.case.discard()

"""Snapshots make opening quick, and are dropped when anything does not match."""

import json
from pathlib import Path

import pytest

from AnnotationQACore.project import ledger, snapshots
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Action


@pytest.fixture
def snapshot(study, user: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a study with records of every kind."""
    readings = [study.submit("anna"), study.submit("ben")]
    study.as_("rita").decide("case-1", Action.SEND_BACK, readings[:1], comments=[{"text": "again"}])
    study.as_("lead").release("1.0", "ab" * 32, {"cases": 1})
    study.as_("lead").add_consensus(study.reading("consensus:vote"), readings)
    study.as_("lead").revoke_key(study.people["ben"].fingerprint, "gone", from_sequence=0)
    project = Project.open(study.folder)
    assert project.state.rejected
    project.close()
    [path] = (user / "snapshots").glob("*.json")
    return path


def opened(study, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, bool]:
    """The project, and whether the snapshot was used, that is, nothing was folded from the start."""
    started_over = []
    real = ledger.Ledger._start_over
    with monkeypatch.context() as patch:
        patch.setattr(
            ledger.Ledger, "_start_over", lambda self, progress: (started_over.append(1), real(self, progress))
        )
        return Project.open(study.folder), not started_over


def test_a_snapshot_gives_the_very_same_state(study, snapshot: Path, monkeypatch) -> None:
    fast, used = opened(study, monkeypatch)
    assert used
    snapshot.unlink()
    slow, used = opened(study, monkeypatch)
    assert used, "a first opening folds from nothing too"
    assert fast.state == slow.state


def test_new_events_are_folded_onto_the_snapshot(study, snapshot: Path, monkeypatch) -> None:
    study.as_("adam").decide("case-1", Action.ACCEPT, ["case-1/consensus:vote/round-1/revision-1"])
    fast, used = opened(study, monkeypatch)
    snapshot.unlink()
    assert used
    assert fast.state == opened(study, monkeypatch)[0].state


@pytest.mark.parametrize("how", ["truncated", "changed", "gone", "replaced"])
def test_a_ledger_that_is_not_what_it_was_is_folded_anew(study, snapshot: Path, monkeypatch, how: str) -> None:
    path = study.ledger_of("rita")
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(b"")
    elif how == "changed":
        path.write_bytes(content.replace(b"again", b"agaim"))
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(study.ledger_of("anna").read_bytes())
    project, used = opened(study, monkeypatch)
    assert not used
    assert not project.state.decisions
    assert bool(project.problems) == (how in ("changed", "replaced"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format":1}', b"null", b"\xff"])
def test_a_broken_snapshot_is_ignored(study, snapshot: Path, content: bytes) -> None:
    whole = Project.open(study.folder).state
    snapshot.write_bytes(content)
    assert Project.open(study.folder).state == whole
    value = json.loads(content) if content.startswith(b"{") and content.endswith(b"}") else {}
    snapshot.write_text(json.dumps(value | {"format": snapshots.FORMAT - 1}))
    assert Project.open(study.folder).state == whole


def test_new_events_are_checked_for_their_signature(study, snapshot: Path) -> None:
    study.as_("rita").decide("case-1", Action.ACCEPT, ["case-1/anna/round-1/revision-1"])
    path = study.ledger_of("rita")
    line = path.read_bytes().splitlines()[-1]
    signature = line[-90:-2]
    forged = study.people["mallory"].sign(b"x").encode()
    path.write_bytes(path.read_bytes().replace(signature, forged))
    project = Project.open(study.folder)
    assert "forged" in project.problems[0]
    assert [d.action for d in project.state.decisions["case-1"]] == ["send back"]

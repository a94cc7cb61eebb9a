"""Every way to tamper with a project is found out, and the first broken entry is named."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.project import verification
from AnnotationQACore.project.chains import read_chain
from AnnotationQACore.project.events import START, Event, Head, Kind, encode, sign
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Action
from AnnotationQACore.project.verification import verify


@pytest.fixture
def read_study(study):
    """All of case-1 is read, reviewed, and decided."""
    readings = [study.submit("anna"), study.submit("ben")]
    study.as_("rita").decide("case-1", Action.SEND_BACK, readings[:1], comments=[{"text": "again"}])
    revised = study.submit("anna", revision=2)
    study.as_("adam").decide("case-1", Action.ADJUDICATE, [revised])
    assert verify(study.folder).is_sound
    return study


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def extend(
    study, name: str, kind: Kind, payload: dict, *, at: int | None = None, by: str | None = None, **fields
) -> Event:
    """Append an event to a person's file (cut before event `at`) as an attacker with the key of `by` would."""
    path = study.ledger_of(name)
    events = read_chain(path).events[:at] if path.exists() else ()
    identity = study.people[by or name]
    values = {
        "sequence": len(events),
        "previous": events[-1].hash if events else START,
        "seen": {},
        "time": "2026-03-02T00:00:00.000000Z",
        "project": Project.open(study.folder).id,
        "protocol": "",
    }
    event = sign(identity, kind=kind, payload=payload, **(values | fields))
    path.write_bytes(b"".join(map(encode, [*events, event])))
    return event


def first(study) -> str:
    found = verify(study.folder, known_heads={}).first
    assert found is not None
    assert "\n" not in str(found)
    return str(found)


def test_a_changed_byte_in_an_event(read_study) -> None:
    path = read_study.ledger_of("anna")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"revision":1', b'"revision":9', 1))
    assert first(read_study).startswith(f"ledger/{path.name}: event 0: it was changed")


def test_a_removed_event(read_study) -> None:
    path = read_study.ledger_of("lead")
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert f"{path.name}: event 3: it is missing (event 4 follows: removed)" in first(read_study)


def test_reordered_events(read_study) -> None:
    path = read_study.ledger_of("lead")
    lines = lines_of(path)
    lines[3], lines[4] = lines[4], lines[3]
    path.write_bytes(b"".join(lines))
    assert f"{path.name}: event 3: event 4 stands here (reordered)" in first(read_study)


def test_a_duplicated_event(read_study) -> None:
    path = read_study.ledger_of("lead")
    lines = lines_of(path)
    path.write_bytes(b"".join([*lines[:4], lines[3], *lines[4:]]))
    assert f"{path.name}: event 4: event 3 stands here a second time" in first(read_study)


@pytest.mark.parametrize("torn", [0, 40])
def test_a_truncated_file_whose_events_others_had_seen(read_study, torn: int) -> None:
    path = read_study.ledger_of("anna")
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:torn])
    assert f"{path.name}: event 1: it is missing, though 'adam' had seen event 1 (truncated)" in first(read_study)


def test_people_who_write_while_it_is_verified_are_no_tampering(read_study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anna's file is read, Anna acts, Ben sees it and acts, Ben's file is read."""
    real = verification.read_bytes
    written: list[str] = []

    def read(path: Path) -> bytes:
        if path == read_study.ledger_of("ben") and not written:
            written.append("now")
            read_study.as_("anna").start_reading("case-2")
            read_study.as_("ben").start_reading("case-2")
        return real(path)

    monkeypatch.setattr(verification, "read_bytes", read)
    result = verify(read_study.folder)
    assert written
    assert result.is_sound, str(result.first)


def test_a_whole_file_removed(read_study) -> None:
    read_study.ledger_of("ben").unlink()
    assert "event 0: it is missing, though 'adam' had seen" in first(read_study)


def test_a_rewritten_chain_whose_head_others_had_seen(read_study) -> None:
    """Rita, who owns her key, tells her story anew: the signatures are good, but others remember."""
    old = read_chain(read_study.ledger_of("rita")).events[0]
    extend(read_study, "rita", Kind.REVIEW_DECIDED, dict(old.payload) | {"action": "accept"}, at=0, seen=dict(old.seen))
    assert "event 0: it is not the one that 'adam' had seen (the chain was rewritten)" in first(read_study)


def test_a_rewrite_that_only_this_computer_had_seen(study) -> None:
    """Nobody acted after Anna: only what this user's programs remember gives it away."""
    study.submit("anna")
    path = study.ledger_of("anna")
    content = path.read_bytes()
    path.write_bytes(b"")
    found = verify(study.folder)
    assert "event 0: it is missing, though this user had seen event 0 (truncated)" in str(found.first)
    assert verify(study.folder, known_heads={}).is_sound
    path.write_bytes(content)
    assert verify(study.folder).is_sound


def test_heads_kept_elsewhere_are_held_against_the_ledger(read_study) -> None:
    heads = verify(read_study.folder).heads
    adam = read_study.people["adam"].fingerprint
    read_study.ledger_of("adam").unlink()
    assert not verify(read_study.folder, known_heads={}, kept_heads=heads).is_sound
    found = str(verify(read_study.folder, known_heads={}, kept_heads={adam: heads[adam]}).first)
    assert f"ledger/*.{adam}.jsonl: event 0: it is missing, though the export had seen" in found


@pytest.mark.parametrize("name", ["round-1.revision-1.*.json", "round-1.revision-1.*.seg.nrrd"])
def test_a_changed_or_missing_annotation_file(read_study, name: str) -> None:
    [path] = (read_study.folder / "readings/case-1/anna").glob(name)
    where = path.relative_to(read_study.folder).as_posix()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert first(read_study) == f"{where}: was changed after it was signed."
    path.unlink()
    assert first(read_study) == f"{where}: is missing or cannot be read."


def test_a_forged_signature(read_study) -> None:
    """An event in Anna's name, well linked, but signed with another key."""
    anna = read_study.people["anna"]
    event = extend(read_study, "anna", Kind.DRAFT_SAVED, {"case": "case-2", "reader": "anna", "round": 1})
    forged = read_study.people["mallory"].sign(b"AnnotationQA event\n" + event.hash.encode())
    path = read_study.ledger_of("anna")
    path.write_bytes(path.read_bytes().replace(event.signature.encode(), forged.encode()))
    assert first(read_study) == f"ledger/anna.{anna.fingerprint}.jsonl: event 2: its signature is forged."
    with ThreadPoolExecutor(2) as executor:
        assert "forged" in str(verify(read_study.folder, executor=executor).first)


def test_an_act_beyond_the_role(read_study) -> None:
    extend(read_study, "anna", Kind.CASE_EXCLUDED, {"case": "case-2", "reason": "I do not like it"})
    assert "event 2: 'case excluded' by 'anna' does not count: no right" in first(read_study)
    assert not Project.open(read_study.folder).state.cases["case-2"].excluded


def test_a_reading_in_the_name_of_another(read_study) -> None:
    event = read_chain(read_study.ledger_of("ben")).events[0]
    payload = dict(event.payload) | {"reader": "ben", "case": "case-2"}
    extend(read_study, "anna", Kind.READING_SUBMITTED, payload)
    assert "'anna' may not read in the name of 'ben'" in first(read_study)


def test_an_unknown_key(read_study) -> None:
    extend(read_study, "mallory", Kind.CASE_EXCLUDED, {"case": "case-2", "reason": "x"})
    assert "by 'mallory' does not count: unknown key" in first(read_study)


def test_another_founder_cannot_take_the_project_over(read_study) -> None:
    mallory = read_study.people["mallory"]
    payload = {
        "nonce": read_chain(read_study.ledger_of("lead")).events[0].payload["nonce"],
        "public key": mallory.public_key,
        "name": "project",
        "member name": "M",
        "roles": ["lead"],
    }
    extend(read_study, "mallory", Kind.PROJECT_CREATED, payload, time="2020-01-01T00:00:00.000000Z")
    assert "created by somebody else" in first(read_study)
    assert Project.open(read_study.folder).state.founder == read_study.people["lead"].fingerprint


def test_an_event_of_another_project(read_study) -> None:
    extend(read_study, "anna", Kind.DRAFT_SAVED, {"case": "case-2", "reader": "anna", "round": 1}, project="0" * 32)
    assert "it belongs to another project" in first(read_study)


def test_a_chain_copied_under_another_name(read_study) -> None:
    path = read_study.ledger_of("anna")
    shutil.copy(path, path.with_name(path.name.replace("anna", "aaa")))
    assert "it is by another writer than the file" in first(read_study) or "has the key of" in first(read_study)
    assert Project.open(read_study.folder).problems


@pytest.mark.parametrize(
    "where", ["ledger/notes.txt", "ledger/sub/x.jsonl", "readings/case-1/anna/evil.json", "protocols/evil.json"]
)
def test_a_foreign_file(read_study, where: str) -> None:
    path = read_study.folder / where
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    assert first(read_study).startswith(f"{where}: is a foreign file")


def test_a_changed_project_file(read_study) -> None:
    path = read_study.folder / "project.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert first(read_study) == "project.json: was changed."


def test_what_crashes_leave_is_noted_and_not_broken(read_study) -> None:
    with read_study.ledger_of("anna").open("ab") as file:
        file.write(b'{"event":{"actor":"anna","key":')
    (read_study.folder / "ledger/.tmp-123-x").write_text("")
    result = verify(read_study.folder)
    assert result.is_sound
    assert {"interrupted" in str(note) for note in result.notes} == {True}


def test_revoked_keys_and_late_acts_are_noted(read_study) -> None:
    anna = read_study.people["anna"].fingerprint
    read_study.as_("lead").revoke_key(anna, "laptop stolen", from_sequence=1)
    result = verify(read_study.folder)
    assert result.is_sound
    assert any("the key is revoked from event 1 on" in str(note) for note in result.notes)
    assert [r.revision for r in result.state.readings["case-1"] if r.reader == "anna"] == [1]
    with pytest.raises(ProjectError, match="revoked"):
        read_study.as_("anna").start_reading("case-2")


def test_malformed_events_break_nothing_but_themselves(read_study) -> None:
    """A member with a good key writes nonsense of every kind: it is rejected and named, and nothing else suffers."""
    before = Project.open(read_study.folder).state
    for kind, payload in [
        (Kind.REVIEW_DECIDED, {}),
        (Kind.REVIEW_DECIDED, {"case": "case-1", "action": "accept", "readings": [[]]}),
        (Kind.REVIEW_DECIDED, {"case": "case-1", "action": "shrug", "readings": ["x"]}),
        (Kind.REVIEW_DECIDED, {"case": ["case-1"], "action": "accept", "readings": 7}),
        (Kind.REVIEW_DECIDED, {"case": "case-9", "action": "accept", "readings": []}),
        (Kind.CONSENSUS_COMPUTED, {"case": "case-1", "reader": "consensus:x", "sources": None}),
    ]:
        extend(read_study, "rita", kind, payload)
    after = Project.open(read_study.folder).state
    assert len(after.rejected) == 6
    assert (after.readings, after.tasks, after.decisions) == (before.readings, before.tasks, before.decisions)


@pytest.mark.parametrize("seen", [{"k": Head(10**9, "x")}, {"k": Head(-1, "x")}])
def test_heads_that_nobody_has(read_study, seen: dict) -> None:
    seen = {read_study.people["ben"].fingerprint: seen["k"]}
    extend(read_study, "anna", Kind.READING_STARTED, {"case": "case-2", "reader": "anna", "round": 1}, seen=seen)
    assert "it is missing, though 'anna' had seen event" in first(read_study)
    Project.open(read_study.folder)


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a project"):
        verify(tmp_path)
    (tmp_path / "project.json").write_bytes(b"\xff{")
    with pytest.raises(InputError, match="is damaged"):
        verify(tmp_path)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_byte_is_found(read_study, data) -> None:
    files = [p for p in sorted(read_study.folder.rglob("*")) if p.is_file()]
    path = data.draw(st.sampled_from(files))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        try:
            assert not verify(read_study.folder).is_sound
        except (InputError, ProjectError):
            assert path.name == "project.json"
    finally:
        path.write_bytes(content)


def test_flipped_line_ends_and_last_bytes_are_found(read_study) -> None:
    """The places where a change could look like an interrupted append."""
    for path in (read_study.folder / "ledger").iterdir():
        content = path.read_bytes()
        for place in [i for i, byte in enumerate(content) if byte == 10] + [len(content) - 2, len(content) - 4]:
            for flip in (1, 2, 4, 32, 128):
                path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
                assert not verify(read_study.folder, known_heads={}).is_sound, (path.name, place, flip)
        path.write_bytes(content)

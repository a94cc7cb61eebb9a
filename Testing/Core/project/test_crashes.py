"""A writer that is killed at any step leaves the state before or after; several writers lose nothing."""

import builtins
import errno
import itertools
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import DestinationError, InputError, ProjectError
from AnnotationQACore.project import locks
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.chains import read_chain
from AnnotationQACore.project.events import Kind
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.folding import fold
from AnnotationQACore.project.state import Action, State, TaskStatus
from AnnotationQACore.project.verification import verify
from AnnotationQACore.protocol.loading import load_shipped

STEPS = ("open", "write", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir", "chmod", "close")


class Killed(BaseException):
    """The process ends here; not even cleaning up runs, for every further step fails too."""


@dataclass
class Faults:
    """Counts steps of the operating system, and kills the writer before step `at`; a killed write is half done."""

    at: int
    done: int = 0
    dead: bool = False

    def step(self, partly: Callable[[], object] | None = None) -> None:
        if self.dead:
            raise Killed
        if self.done == self.at:
            self.dead = True
            if partly is not None:
                partly()
            raise Killed
        self.done += 1


@pytest.fixture
def dead_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The killed writers of these tests share our process number; let their locks look as those of dead processes."""
    monkeypatch.setattr(locks, "_is_running", lambda _: False)
    monkeypatch.setattr(locks, "INCOMPLETE_AFTER", -1.0)


@contextmanager
def faults(at: int) -> Iterator[Faults]:
    """Let the writer die at a step; what Python's files write goes through `open` and the later steps."""
    plan = Faults(at)
    real = {name: getattr(os, name) for name in STEPS}
    real_open = builtins.open

    def wrap(name: str) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if name == "close":  # a dead process's files are closed by the system
                return real[name](*args, **kwargs)
            partly = None
            if name == "write":
                descriptor, content = args
                partly = lambda: real["write"](descriptor, bytes(content)[: len(content) // 2])  # noqa: E731
            plan.step(partly)
            return real[name](*args, **kwargs)

        return call

    import io

    def open_file(file: object, mode: str = "r", *args: object, **kwargs: object) -> object:
        if set(mode) & set("wax+"):
            plan.step()
        return real_open(file, mode, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, wrap(name))
        patch.setattr(io, "open", open_file)
        patch.setattr(builtins, "open", open_file)
        yield plan


def killed_at_every_step(act: Callable[[], object], check: Callable[[int, bool], None]) -> int:
    """Run `act` again and again, killed one step later each time until it completes; `check(step, completed)`."""
    for step in itertools.count():
        completed = False
        with faults(step) as plan:
            try:
                act()
                completed = not plan.dead
            except Killed:
                pass
        check(step, completed)
        if completed:
            return step
    raise AssertionError


def copies(study, tmp_path: Path) -> Callable[[], Path]:
    """Fresh copies of the study's folder."""
    numbers = itertools.count()

    def copy() -> Path:
        target = tmp_path / f"copy-{next(numbers)}"
        shutil.copytree(study.folder, target)
        return target

    return copy


@pytest.mark.usefixtures("dead_processes")
@pytest.mark.parametrize("what", ["submit", "decide", "draft", "cases"])
def test_a_writer_killed_at_every_step_leaves_before_or_after(study, tmp_path: Path, what: str) -> None:
    first = study.submit("ben")
    study.as_("anna").start_reading("case-1")
    voxels = tmp_path / "anna.seg.nrrd"
    voxels.write_bytes(b"voxels")
    reading = study.reading("anna")
    fresh = copies(study, tmp_path)
    acts: dict[str, tuple[str, Callable[[Project], object]]] = {
        "submit": ("anna", lambda p: p.submit_reading(reading, voxels)),
        "decide": ("adam", lambda p: p.decide("case-1", Action.ADJUDICATE, [first])),
        "draft": ("anna", lambda p: p.save_draft(reading, voxels, p.load_draft("case-1"))),
        "cases": ("lead", lambda p: p.add_cases([Case("case-7", "p"), Case("case-8", "p")])),
    }
    name, act = acts[what]
    before = Project.open(study.folder).state
    outcomes: list[bool] = []
    project: list[Project] = []

    def run() -> None:
        act(project[-1])

    def check(step: int, completed: bool) -> None:
        folder = project[-1].folder
        state = Project.open(folder).state
        result = verify(folder)
        assert result.is_sound, (step, [str(f) for f in result.findings])
        assert state.events in (before.events, before.events + 1), step
        assert not completed or state.events == before.events + 1
        if state.events == before.events:
            assert state.cases == before.cases
            assert state.readings == before.readings
        outcomes.append(state.events > before.events)
        again = Project.open(folder, study.people[name], clock=study.clock)
        if not outcomes[-1]:
            act(again)
        elif what == "submit":
            assert again.load_draft("case-1") is None
        assert Project.open(folder).state.events == before.events + 1
        assert verify(folder).is_sound
        shutil.rmtree(folder)
        project.append(Project.open(fresh(), study.people[name], clock=study.clock))

    project.append(Project.open(fresh(), study.people[name], clock=study.clock))
    steps = killed_at_every_step(run, check)
    assert steps > 5
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes)


def test_a_project_is_made_whole_or_not_at_all(study, people, protocol, tmp_path: Path) -> None:
    folder = tmp_path / "new"

    def check(step: int, completed: bool) -> None:
        assert folder.exists() or not completed
        if folder.exists():
            assert verify(folder).is_sound, step
            shutil.rmtree(folder)

    assert killed_at_every_step(lambda: Project.create(folder, people["lead"], protocol), check) > 10


def test_every_byte_at_which_an_append_can_be_cut(study) -> None:
    before = Project.open(study.folder).state
    path = study.ledger_of("anna")
    study.as_("anna").start_reading("case-1")
    line = path.read_bytes()
    for size in [*range(0, len(line), 9), len(line) - 2, len(line) - 1]:
        path.write_bytes(line[:size])
        state = Project.open(study.folder).state
        assert state.tasks == before.tasks
        assert verify(study.folder, known_heads={}).is_sound, size
    study.as_("anna").start_reading("case-2")
    assert [e.payload["case"] for e in read_chain(path).events] == ["case-2"]


def full_disk(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_a_full_disk_records_nothing_and_loses_nothing(study, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    study.submit("anna")
    before = {p: p.read_bytes() for p in (study.folder / "ledger").iterdir()}
    project = study.as_("rita")
    reading = study.reading("anna", "case-2")
    anna = study.as_("anna")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, full_disk)
        with pytest.raises(DestinationError, match="No space left") as caught:
            project.decide("case-1", Action.ACCEPT, ["case-1/anna/round-1/revision-1"])
        assert "\n" not in str(caught.value)
        with pytest.raises(DestinationError):
            anna.submit_reading(reading)
        with pytest.raises(DestinationError):
            anna.save_draft(reading)
    after = {p: p.read_bytes() for p in (study.folder / "ledger").iterdir() if p.stat().st_size}
    assert after == before
    assert verify(study.folder).is_sound
    project.decide("case-1", Action.ACCEPT, ["case-1/anna/round-1/revision-1"])
    anna.submit_reading(reading)
    assert verify(study.folder).is_sound


def test_a_partial_write_before_the_disk_is_full_is_taken_back(study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.submit("anna")
    path = study.ledger_of("anna")
    before = path.read_bytes()
    anna = study.as_("anna")
    real = os.write

    def half(descriptor: int, content: bytes) -> int:
        if len(content) < 500:  # the lock
            return real(descriptor, content)
        real(descriptor, bytes(content)[:300])
        return full_disk()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(DestinationError, match="nothing was recorded"):
            anna.start_reading("case-2")
    assert path.read_bytes() == before


def test_a_read_only_share(study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything can be read, an act says why it cannot be recorded."""
    real = os.open

    def read_only(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        anna = study.as_("anna")
        assert len(anna.worklist("anna")) == 3
        assert verify(study.folder).is_sound
        with pytest.raises(DestinationError, match="Read-only"):
            anna.start_reading("case-1")


def test_a_segmentation_that_cannot_be_read(study, tmp_path: Path) -> None:
    anna = study.as_("anna")
    for act in (anna.submit_reading, anna.save_draft):
        with pytest.raises(InputError, match="cannot be read"):
            act(study.reading("anna"), tmp_path / "gone.seg.nrrd")
    assert not (study.folder / "readings").exists() or not list((study.folder / "readings").rglob("*.*"))


def test_wrong_readings_are_refused_before_anything_is_written(study) -> None:
    from dataclasses import replace

    reading = study.reading("anna")
    cases = [
        ("anna", replace(reading, protocol="0" * 64), "under protocol 000000000000"),
        ("anna", replace(reading, case="case-9"), "is not in the project"),
        ("lead", replace(reading, reader="zoe"), "unknown to the project"),
        ("anna", replace(reading, revision=2), "revision 1 is next"),
        ("anna", replace(reading, round=2), "was not assigned"),
        ("anna", replace(reading, reader="ben"), "in the name of"),
        ("mallory", reading, "no lead has added the key"),
    ]
    for name, wrong, message in cases:
        with pytest.raises(ProjectError, match=message):
            study.as_(name).submit_reading(wrong)
    study.submit("anna")
    with pytest.raises(ProjectError, match="submitted already"):
        study.as_("anna").submit_reading(reading)
    with pytest.raises(ProjectError, match="added before: case-1"):
        study.as_("lead").add_cases([Case("CASE-4", "p"), Case("case-1", "p")])
    with pytest.raises(ProjectError, match="named twice"):
        study.as_("lead").add_cases([Case("new", "p"), Case("NEW", "p")])
    result = verify(study.folder)
    assert result.is_sound
    assert not result.notes
    assert "CASE-4" not in result.state.cases


def test_drafts_are_resumed_and_never_mixed(study, tmp_path: Path) -> None:
    anna, other = study.as_("anna"), study.as_("anna")
    voxels = tmp_path / "x.seg.nrrd"
    voxels.write_bytes(b"one")
    draft = anna.save_draft(study.reading("anna", text="half"), voxels)
    acts = anna.state.events
    voxels.write_bytes(b"two")
    draft = anna.save_draft(study.reading("anna", text="more"), voxels, draft)
    assert anna.state.events == acts, "only the first save is an act"
    found = study.as_("anna").load_draft("case-1")
    assert found == draft
    assert found.segmentation.read_bytes() == b"two"
    assert study.as_("anna").worklist("anna")[0].status == TaskStatus.DRAFT
    with pytest.raises(ProjectError, match="another session"):
        other.save_draft(study.reading("anna", text="mine"))
    study.submit("anna")
    assert study.as_("anna").load_draft("case-1") is None
    with pytest.raises(ProjectError, match="of its own only"):
        anna.save_draft(study.reading("ben"))


def test_a_draft_is_saved_under_a_protocol_that_was_replaced_but_not_submitted(study) -> None:
    reading = study.reading("anna")
    draft = study.as_("anna").save_draft(reading)
    study.as_("lead").adopt_protocol(load_shipped("brain_tumour_mr"))
    anna = study.as_("anna")
    draft = anna.save_draft(reading, None, draft)
    assert anna.load_draft("case-1") == draft
    with pytest.raises(ProjectError, match="read the case again under that one"):
        anna.submit_reading(reading)


def test_a_lock_that_is_held_is_named_and_an_abandoned_one_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "anna.lock"
    with (
        locks.locked(path),
        pytest.raises(ProjectError, match=f"process {os.getpid()} on .* delete this file"),
        locks.locked(path, patience=0),
    ):
        pass
    assert not path.exists()
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    process.join()
    with locks.locked(path):
        content = path.read_text()
    path.write_text(content.replace(f'"process": {os.getpid()}', f'"process": {process.pid}'))
    with locks.locked(path, patience=0):
        pass
    path.write_text(content.replace('"host": "', '"host": "elsewhere-'))
    with pytest.raises(ProjectError, match="elsewhere-"), locks.locked(path, patience=0):
        pass
    old = path.stat().st_mtime - 2 * locks.ABANDONED_AFTER
    os.utime(path, (old, old))
    with locks.locked(path, patience=0):
        pass
    path.write_text("")
    with pytest.raises(ProjectError, match="another process"), locks.locked(path, patience=0):
        pass
    old = path.stat().st_mtime - 2 * locks.INCOMPLETE_AFTER
    os.utime(path, (old, old))
    with locks.locked(path, patience=0):
        pass
    assert not [name for name in tmp_path.iterdir() if name.suffix == ".lock"]


def write_acts(folder: Path, identity_bytes: bytes, member: str, count: int, user: str) -> None:
    """A process of its own that acts `count` times."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity

    os.environ[USER_FOLDER_VARIABLE] = user
    identity = Identity(member, Ed25519PrivateKey.from_private_bytes(identity_bytes))
    project = Project.open(folder, identity)
    for _ in range(count):
        project.append(Kind.CASE_INCLUDED, {"case": "case-1"})


def test_processes_that_write_at_once_lose_nothing_even_with_one_key(study, tmp_path: Path) -> None:
    """Two people, and one of them twice (two Slicers with one key)."""
    lead = study.as_("lead")
    lead.change_member("rita", "Rita", ["lead"])
    before = lead.state.events
    context = multiprocessing.get_context("spawn")
    jobs = []
    for number, name in enumerate(["lead", "lead", "rita"]):
        key = study.people[name].private_key.private_bytes_raw()
        arguments = (study.folder, key, name, 12, str(tmp_path / f"user-{number}"))
        jobs.append(context.Process(target=write_acts, args=arguments))
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
        assert job.exitcode == 0
    result = verify(study.folder)
    assert result.is_sound, [str(f) for f in result.findings]
    assert result.state.events == before + 36
    assert Project.open(study.folder).state == result.state


WRITERS = ("anna", "ben", "rita", "adam", "lead")


@pytest.mark.usefixtures("dead_processes")
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.tuples(st.sampled_from(WRITERS), st.none() | st.integers(0, 12)), min_size=3, max_size=10))
def test_interleaved_and_crashing_writers_always_fold_to_one_state(study, tmp_path_factory, plan) -> None:
    """Everybody keeps the project open, acts in turn, and is killed at times; all see the same in the end."""
    folder = tmp_path_factory.mktemp("interleaved") / "project"
    shutil.copytree(study.folder, folder)
    opened = {name: Project.open(folder, study.people[name], clock=study.clock) for name in WRITERS}
    recorded = opened["lead"].state.events
    for turn, (name, killed_at) in enumerate(plan):
        project = opened[name]
        with faults(10**9 if killed_at is None else killed_at) as plan_of_faults:
            try:
                act_somehow(project, name, turn)
            except (Killed, ProjectError):
                if plan_of_faults.dead:
                    opened[name] = None
        if opened[name] is None:
            opened[name] = Project.open(folder, study.people[name], clock=study.clock)
        events = Project.open(folder).state.events
        assert events >= recorded, "nothing that was recorded is lost"
        recorded = events
    result = verify(folder)
    assert result.is_sound, [str(f) for f in result.findings]
    chains = [read_chain(path).events for path in (folder / "ledger").glob("*.jsonl")]
    for order in (chains, chains[::-1]):
        assert fold(itertools.chain(*order), State(opened["lead"].id)) == result.state
    for project in opened.values():
        assert project.refresh() == result.state


def act_somehow(project: Project, name: str, turn: int) -> None:
    if name == "lead":
        project.add_cases([Case(f"new-{turn}", "p")])
    elif name in ("anna", "ben"):
        project.start_reading(f"case-{turn % 3 + 1}")
    else:
        readings = [reading.id for reading in project.state.all_readings()]
        project.decide("case-1", Action.ACCEPT, readings[:1] or ["case-1/anna/round-1/revision-1"])

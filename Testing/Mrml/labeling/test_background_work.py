"""Reading, saving and signing go on beside the main thread; they can be cancelled, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labeling_study import EVERYTHING, LabelingStudy, WhenTold

from AnnotationQACore.errors import Cancelled, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.state import TaskStatus
from AnnotationQACore.protocol.model import TextAnswer
from AnnotationQACore.segmentation import Mask
from AnnotationQALib.logic.autosave import SaveState
from AnnotationQALib.logic.background import BackgroundTask
from AnnotationQALib.logic.case_contents import Notice
from AnnotationQALib.logic.case_loading import load_case
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.session import LabelingSession

WORDS = replace(
    EVERYTHING,
    items=(TextAnswer(id="note", title="Note", definition="In words."),),
)
NOTE = ItemKey("note")


@pytest.fixture
def worker() -> WhenTold:
    return WhenTold()


@pytest.fixture
def study(studies: Callable[..., LabelingStudy]) -> LabelingStudy:
    return studies(WORDS)


@pytest.fixture
def session(scene: Any, study: LabelingStudy, worker: WhenTold) -> LabelingSession:
    clock = study.clock
    return LabelingSession.open(
        scene, study.folder, study.people["anna"], executor=worker, utc=clock.utc, seconds=clock.seconds
    )


def opened(session: LabelingSession, worker: WhenTold, number: int = 0) -> Any:
    item = session.worklist()[number].item
    task = session.begin_opening(item)
    worker.work()
    return session.finish_opening(item, task.result())


def test_the_open_case_stays_until_the_next_is_read(session: LabelingSession, worker: WhenTold) -> None:
    first = opened(session, worker)
    item = session.worklist()[1].item
    task = session.begin_opening(item)
    assert not task.is_done
    assert session.case is first
    first.editor.write(NOTE, "still at work")
    worker.work()
    assert session.finish_opening(item, task.result()).item.case == item.case
    worker.work()
    assert session.project.load_draft(first.item.case).reading.answer("note").value.text == "still at work"


def test_opening_is_cancelled(session: LabelingSession, worker: WhenTold, scene: Any) -> None:
    first = opened(session, worker)
    nodes = scene.GetNumberOfNodes()
    item = session.worklist()[1].item
    task = session.begin_opening(item)
    task.cancel()
    worker.work()
    with pytest.raises(Cancelled):
        task.result()
    assert session.case is first
    assert scene.GetNumberOfNodes() == nodes
    session.refresh()
    assert session.project.state.task(item.case, "anna", 1).status == TaskStatus.ASSIGNED  # as if never begun


def test_progress_is_told_and_names_no_file(study: LabelingStudy, session: LabelingSession) -> None:
    said: list[tuple[int, int, str]] = []
    case = session.project.state.cases["case-1"].case
    load_case(case, study.protocol, study.folder, progress=lambda *step: said.append((*step, "")[:3]))
    shares = [done / total for done, total, _ in said]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {message for *_, message in said} <= {"", "ct"}


def test_a_case_that_was_left_is_saved_and_opened_again_with_its_draft(
    session: LabelingSession, worker: WhenTold, scene: Any
) -> None:
    case = opened(session, worker)
    case.editor.write(NOTE, "left")
    item = case.item
    session.close_case()
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0  # at once, although nothing is written yet
    assert session.project.load_draft(item.case) is None
    task = session.begin_opening(item)
    worker.work()
    again = session.finish_opening(item, task.result())
    assert again.notices == (Notice.DRAFT_RESUMED,)
    assert again.editor.value(NOTE).text == "left"


def test_changes_during_a_save_are_saved_by_the_last_one(
    session: LabelingSession, worker: WhenTold, study: LabelingStudy
) -> None:
    case = opened(session, worker)
    case.editor.write(NOTE, "one")
    study.clock.go(5)
    session.tick()
    assert case.autosave.state == SaveState.SAVING
    case.editor.write(NOTE, "two")
    session.close_case()
    worker.work()
    session.tick()
    assert session.project.load_draft(case.item.case).reading.answer("note").value.text == "two"
    assert session.take_save_problems() == ()


def test_a_draft_that_could_not_be_saved_after_leaving_is_told(
    session: LabelingSession, worker: WhenTold, study: LabelingStudy
) -> None:
    case = opened(session, worker)
    case.editor.write(NOTE, "kept")
    session.close_case()
    away = study.folder.with_name("away")
    study.folder.rename(away)
    worker.work()
    session.tick()
    (problem,) = session.take_save_problems()
    assert problem.item == case.item
    assert "kept on this computer" in str(problem.message)
    assert session.take_save_problems() == ()  # it is told once
    away.rename(study.folder)
    assert opened(session, worker).notices == (Notice.KEPT_RESUMED,)
    assert session.case.editor.value(NOTE).text == "kept"


def test_submitting_writes_the_draft_first_and_can_be_cancelled(
    session: LabelingSession, worker: WhenTold, study: LabelingStudy
) -> None:
    case = opened(session, worker)
    case.editor.write(NOTE, "done")
    check = case.begin_check()
    worker.work()
    checked = check.result()
    assert case.take_check(checked) == ()
    task = session.begin_submit(checked)
    task.cancel()
    worker.work()
    with pytest.raises(Cancelled):
        session.finish_submit(task)
    assert session.case is case
    assert not case.is_submitting
    assert session.project.load_draft(case.item.case).reading.answer("note").value.text == "done"
    assert session.project.state.latest_readings(case.item.case) == ()
    again = session.begin_submit(checked)
    worker.work()
    submitted = session.finish_submit(again)
    assert session.case is None
    assert session.project.load_reading(submitted).answer("note").value.text == "done"


def test_a_reading_that_is_changed_while_it_is_submitted_is_not_submitted(
    session: LabelingSession, worker: WhenTold
) -> None:
    case = opened(session, worker)
    case.editor.write(NOTE, "before")
    check = case.begin_check()
    worker.work()
    task = session.begin_submit(check.result())
    case.editor.write(NOTE, "after")
    worker.work()
    with pytest.raises(InputError, match="was changed while it was submitted"):
        session.finish_submit(task)
    assert session.case is case
    assert session.project.state.latest_readings(case.item.case) == ()
    with pytest.raises(InputError, match="was changed"):
        session.begin_submit(check.result())


@pytest.fixture
def dicom(tmp_path: Path) -> list[str]:
    """Files of a small DICOM series, as a database names them."""
    folder = tmp_path / "dicom"
    folder.mkdir()
    grid = Grid((3, 8, 8))
    write_phantom_series(folder, Mask(np.ones(grid.shape, dtype=bool), grid), "phantom", "2.25.1", seed=1)
    return [str(path) for path in folder.iterdir()]


def test_files_found_by_uid_are_compared_with_the_ledger(study: LabelingStudy, dicom: list[str]) -> None:
    files, sha256 = hash_series([Path(file) for file in dicom])
    assert (files, sha256) == hash_series(Path(dicom[0]).parent)
    case = Case("case-9", "p", "", (SeriesReference("ct", uid="1.2.3", files=files, sha256=sha256),))
    found = {"1.2.3": dicom}
    loaded = load_case(case, study.protocol, study.folder, locate=lambda uid: found[uid])
    assert loaded.series[0].series.grid is not None
    image = Path(dicom[0])
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="not those that were added"):
        load_case(case, study.protocol, study.folder, locate=lambda uid: found[uid])
    found["1.2.3"] = [str(image.with_name("gone.nrrd"))]
    with pytest.raises(InputError, match="import them into the DICOM database"):
        load_case(case, study.protocol, study.folder, locate=lambda uid: found[uid])


def test_the_dicom_database_is_asked_on_the_thread_that_calls(
    scene: Any, study: LabelingStudy, worker: WhenTold, dicom: list[str]
) -> None:
    files, sha256 = hash_series(Path(dicom[0]).parent)
    lead = study.as_("lead")
    lead.add_cases([Case("case-9", "p", "", (SeriesReference("ct", uid="1.2.3", files=files, sha256=sha256),))])
    asked: list[str] = []
    session = LabelingSession.open(
        scene,
        study.folder,
        study.people["anna"],
        executor=worker,
        locate=lambda uid: asked.append(uid) or dicom,
    )
    lead.assign([Assignment("case-9", "anna", 1, "reading", 0)])
    session.refresh()
    item = next(row.item for row in session.worklist() if row.item.case == "case-9")
    task = session.begin_opening(item)
    assert asked == ["1.2.3"]  # before any other thread has done anything
    worker.work()
    assert session.finish_opening(item, task.result()).images.grid("ct").shape == (3, 8, 8)
    closing = session.begin_close()
    worker.work()
    assert session.finish_close(closing) == ()


class Hung(Executor):
    """Begins work and never ends it, as on a share that does not answer."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        return future


def test_work_that_hangs_is_abandoned_without_waiting() -> None:
    task: BackgroundTask[None] = BackgroundTask(Hung(), lambda _progress: None)
    task.cancel()
    assert not task.is_done  # a cancelled task still ends at its next step
    task.abandon()
    assert task.is_done
    with pytest.raises(Cancelled):
        task.result()

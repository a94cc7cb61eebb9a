"""A project is closed while its last draft is written beside the main thread; whatever comes next, nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import slicer
from labeling_studies import Clock, make_study, pause, shown_panels, sign_in
from labeling_study import EVERYTHING, WhenTold

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, load_identity
from AnnotationQACore.protocol.model import TextAnswer
from AnnotationQALib.logic.autosave import Autosave
from AnnotationQALib.widgets.labeling_panel import LabelingPanel

WORDS = replace(EVERYTHING, items=(TextAnswer(id="note", title="Note", definition="In words."),))


class Killed(BaseException):
    """The process ends in the middle of something."""


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_study(tmp_path / "study", WORDS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker() -> WhenTold:
    return WhenTold(at_once=True)


@pytest.fixture
def panels(clock: Clock, slicer_app: Any) -> Iterator[Callable[..., LabelingPanel]]:
    with shown_panels(clock) as make:
        yield make


@pytest.fixture
def panel(panels: Callable[[WhenTold], LabelingPanel], worker: WhenTold, project: Path) -> LabelingPanel:
    """A panel with a case on which the reader has just written; threads have not had time for it."""
    made = panels(worker)
    sign_in(made, project)
    made.worklist.ui.nextButton.click()
    worker.at_once = False
    made.case.page._written("just written")
    return made


def message(panel: LabelingPanel) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def draft(project: Path, case: str = "case-1") -> str:
    """What the project holds of the reader's note; empty for none."""
    found = Project.open(project, load_identity("anna")).load_draft(case)
    answer = found.reading.answer("note") if found is not None else None
    return answer.value.text if answer is not None else ""


def test_the_reader_goes_on_while_the_draft_is_written(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    panel.projects.close()
    assert draft(project) == ""  # nobody has waited for it
    assert panel.session is None
    assert panel.ui.busyFrame.visible
    assert panel.ui.busyLabel.text == "Saving your work"
    assert not panel.ui.busyCancelButton.visible  # there is nothing to be gained by stopping it
    assert panel.sign_in.ui.signInPage.visible
    assert panel.sign_in.ui.signInPage.enabled
    panel.busy.cancel()
    panel.projects.close()  # once more
    panel.tick()
    assert panel.busy.is_busy
    assert panel.ui.busyFrame.visible
    worker.work()
    panel.tick()
    assert draft(project) == "just written"
    assert not panel.ui.busyFrame.visible
    assert not panel.projects.is_saving
    assert message(panel) == ""


def test_closing_the_application_waits(panel: LabelingPanel, project: Path) -> None:
    panel.projects.close()
    panel.cleanup()
    assert draft(project) == "just written"


def test_closing_the_application_with_an_open_case_waits(panel: LabelingPanel, project: Path) -> None:
    panel.cleanup()
    assert draft(project) == "just written"


def test_closing_the_scene_meanwhile_does_no_harm(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    panel.projects.close()
    panel.scene_closes()
    slicer.mrmlScene.Clear(False)
    assert panel.busy.is_busy
    worker.work()
    panel.tick()
    assert draft(project) == "just written"


def test_the_same_project_is_opened_with_its_last_draft(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    panel.projects.close()
    sign_in(panel, project)  # reading it waits for the draft, and so does the work here
    assert draft(project) == "just written"
    worker.at_once = True
    assert panel.session is not None
    panel.worklist.ui.nextButton.click()
    assert "draft was resumed" in message(panel)
    assert panel.session.case.item.case == "case-1"
    assert panel.case.page._editor.edit.text == "just written"


def test_another_project_does_not_wait(
    panel: LabelingPanel, project: Path, worker: WhenTold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling_studies.create_identity", load_identity)
    other = make_study(tmp_path / "other", WORDS)
    panel.projects.close()
    sign_in(panel, other)
    assert panel.session is not None
    assert panel.session.project.folder == other
    assert draft(project) == ""
    assert panel.projects.is_saving
    worker.work()
    panel.tick()
    assert draft(project) == "just written"
    assert not panel.projects.is_saving
    assert panel.session.project.folder == other


def test_what_cannot_be_saved_is_kept_and_told(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    panel.projects.close()
    away = project.with_name("away")
    project.rename(away)
    worker.work()
    panel.tick()
    assert "The project: cannot be reached" in message(panel)
    assert "Your work is kept on this computer" in message(panel)
    assert str(project) not in message(panel)
    away.rename(project)
    worker.at_once = True
    sign_in(panel, project)
    panel.worklist.ui.nextButton.click()
    assert panel.case.page._editor.edit.text == "just written"


@pytest.mark.parametrize("step", range(2))
def test_a_crash_meanwhile_leaves_the_draft_before_or_the_draft_after(
    panel: LabelingPanel,
    panels: Callable[[WhenTold], LabelingPanel],
    project: Path,
    worker: WhenTold,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    """The process ends at one of the moments in which a file gets its name; nothing else is done any more."""
    pause(panel, clock)
    worker.work()
    pause(panel, clock)
    assert draft(project) == "just written"
    panel.case.page._written("written last")
    panel.projects.close()
    rename, renamed = os.replace, []

    def replace_or_die(*args: Any, **options: Any) -> None:
        if len(renamed) == step:
            raise Killed
        renamed.append(args)
        rename(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_or_die)
        worker.work()
    assert len(renamed) == step
    assert draft(project) == ("just written", "written last")[step]
    panel._context.timer.stop()  # it is dead
    monkeypatch.setattr(panel.projects, "end", lambda: None)
    again = panels(WhenTold(at_once=True))
    sign_in(again, project)
    assert again.session is not None, message(again)
    assert again.session.header.health.is_healthy
    again.worklist.ui.nextButton.click()
    assert again.case.page._editor.edit.text == draft(project)


def test_work_that_no_file_could_take_is_tried_again_on_leaving(
    panel: LabelingPanel, project: Path, worker: WhenTold, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Autosave, "_write", full)
        worker.at_once = True
        pause(panel, clock)
    assert "No space left on device" in message(panel)
    worker.at_once = False
    panel.projects.close()
    worker.work()
    panel.tick()
    assert draft(project) == "just written"

"""A project is read beside the main thread: the panel says so, and what hinders it."""

from __future__ import annotations

from pathlib import Path

import pytest
from labeling_studies import Clock, make_panel, make_study, sign_in
from labeling_study import EVERYTHING, WhenTold

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQALib.widgets.labeling_panel import LabelingPanel


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    return make_study(tmp_path / "study", EVERYTHING)


@pytest.fixture
def worker() -> WhenTold:
    return WhenTold()


@pytest.fixture
def panel(worker: WhenTold) -> LabelingPanel:
    made = make_panel(Clock(), executor=worker)
    made.widget.show()
    made.enter()
    yield made
    made.cleanup()


def message(panel: LabelingPanel) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def test_the_panel_says_that_it_opens_and_takes_no_second_click(
    panel: LabelingPanel, project: Path, worker: WhenTold
) -> None:
    sign_in(panel, project)
    assert panel.session is None
    assert panel.ui.busyFrame.visible
    assert panel.ui.busyLabel.text == "Opening the project"
    assert not panel.sign_in.ui.signInPage.enabled
    assert not panel.ui.worklistButton.visible
    worker.work()
    panel.tick()
    assert panel.session is not None
    assert not panel.ui.busyFrame.visible
    assert panel.worklist.ui.table.rowCount == 3
    panel.projects.close()
    assert panel.sign_in.ui.signInPage.enabled


def test_cancelling_does_not_wait_for_a_share_out_of_reach(
    panel: LabelingPanel, project: Path, worker: WhenTold
) -> None:
    sign_in(panel, project)
    panel.ui.busyCancelButton.click()  # nothing has answered yet
    assert not panel.busy.is_busy
    assert panel.sign_in.ui.signInPage.enabled
    assert message(panel) == ""
    worker.work()
    panel.tick()
    assert panel.session is None
    sign_in(panel, project)
    worker.work()
    panel.tick()
    assert panel.session is not None


def test_what_hinders_it_is_told_and_the_next_try_works(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    create_identity("stranger")
    sign_in(panel, project, "stranger")
    worker.work()
    panel.tick()
    assert "is unknown to the project; give the lead your public key." in message(panel)
    assert panel.session is None
    assert panel.sign_in.ui.signInPage.enabled
    panel.sign_in.ui.identityCombo.currentIndex = panel.sign_in.ui.identityCombo.findText("anna")
    panel.sign_in.ui.openButton.click()
    assert message(panel) == ""
    worker.work()
    panel.tick()
    assert panel.session.reader == "anna"


def test_leaving_slicer_while_a_project_is_opened(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    sign_in(panel, project)
    panel.exit()
    panel.scene_closes()
    assert panel.busy.is_busy  # a scene has nothing to do with it
    panel.projects.close()
    worker.work()
    panel.tick()
    assert panel.session is None


def test_a_passphrase_is_kept_until_the_project_is_open(panel: LabelingPanel, project: Path, worker: WhenTold) -> None:
    create_identity("locked", passphrase="between us")
    sign_in(panel, project, "locked")
    assert "passphrase" in message(panel)
    panel.sign_in.ui.passphraseEdit.text = "between us"
    panel.sign_in.ui.openButton.click()
    worker.work()
    panel.tick()
    assert "unknown to the project" in message(panel)
    assert panel.sign_in.ui.passphraseEdit.text == "between us"

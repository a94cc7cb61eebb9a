"""The lead's corner by clicks: from a protocol to a reader's worklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer
from labeling_studies import Clock, make_panel, sign_in

from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.segmentation import Volume
from AnnotationQALib.widgets.labeling_panel import LabelingPanel


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slicer_app: Any) -> Iterator[LabelingPanel]:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    made = make_panel(Clock())
    made.widget.show()
    made.enter()
    yield made
    made.cleanup()


def message(panel: LabelingPanel) -> str:
    return str(panel.ui.messageLabel.text) if panel.ui.messageFrame.visible else ""


def write_images(folder: Path, *cases: str) -> Path:
    import numpy as np
    from labeling_studies import GRID

    for number, case in enumerate(cases):
        (folder / case).mkdir(parents=True)
        write_volume(folder / case / "ct.nrrd", Volume(np.full(GRID.shape, number, np.int16), GRID))
    return folder


def create(panel: LabelingPanel, folder: Path) -> None:
    ui = panel.lead.ui
    panel.sign_in.show_identities("lead")
    ui.protocolCombo.currentIndex = ui.protocolCombo.findData("lung_nodule_ct")
    ui.folderPathEdit.currentPath = str(folder)
    ui.nameEdit.text = "Lungs"
    ui.alsoReaderCheck.checked = True
    ui.createButton.click()


def test_from_a_protocol_to_a_worklist(panel: LabelingPanel, tmp_path: Path) -> None:
    create_identity("lead")
    anna = create_identity("anna")
    create(panel, tmp_path / "study")
    assert panel.session is not None, message(panel)
    assert panel.ui.projectButton.text == "Project: Lungs"
    ui = panel.lead.ui
    assert ui.leadTabs.isVisibleTo(panel.lead.widget)
    assert ui.perCaseSpin.value == 4  # as the protocol says
    ui.keyEdit.text = f"anna {anna.public_key}"
    ui.addPersonButton.click()
    assert message(panel) == "anna was added."
    ui.casesPathEdit.currentPath = str(write_images(tmp_path / "images", "c-1", "c-2", "c-3"))
    ui.addCasesButton.click()
    assert ui.casesLabel.text == "3 cases in the project"
    ui.perCaseSpin.value = 2
    ui.repeatsSpin.value = 0
    ui.planButton.click()
    assert ui.planLabel.text == "anna: 3, lead: 3"
    assert panel.worklist.ui.table.rowCount == 0
    ui.assignButton.click()
    assert panel.worklist.ui.table.rowCount == 3
    assert ui.readersTable.item(0, 2).text() == "3"
    assert Project.open(tmp_path / "study").worklist("anna")


@pytest.mark.parametrize(
    ("prepare", "click", "line"),
    [
        (lambda ui, tmp: None, "assignButton", "has none yet"),
        (lambda ui, tmp: None, "addCasesButton", "choose the folder or table"),
        (lambda ui, tmp: setattr(ui.casesPathEdit, "currentPath", str(tmp / "no")), "addCasesButton", "cannot be read"),
        (lambda ui, tmp: setattr(ui.keyEdit, "text", "bert"), "addPersonButton", "paste the whole line"),
        (lambda ui, tmp: setattr(ui.keyEdit, "text", "bert xx"), "addPersonButton", "public key"),
    ],
)
def test_wrong_input_is_one_clear_line(
    panel: LabelingPanel, tmp_path: Path, prepare: Any, click: str, line: str
) -> None:
    create_identity("lead")
    create(panel, tmp_path / "study")
    panel._context.messages.hide()
    prepare(panel.lead.ui, tmp_path)
    getattr(panel.lead.ui, click).click()
    assert line in message(panel)
    assert "\n" not in message(panel)


def test_a_folder_in_use_is_refused(panel: LabelingPanel, tmp_path: Path) -> None:
    create_identity("lead")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "letter.txt").write_text("mine")
    create(panel, tmp_path / "study")
    assert "is not empty" in message(panel)
    assert panel.session is None


def test_readers_do_not_see_the_lead_corner(panel: LabelingPanel, tmp_path: Path) -> None:
    from labeling_studies import make_study

    project = make_study(tmp_path, "lung_nodule_ct", ("case-1",))
    sign_in(panel, project, "anna")
    assert not panel.ui.leadButton.visible
    panel.sign_in.ui.closeButton.click()
    assert panel.ui.leadButton.visible  # to create a project
    sign_in(panel, project, "lead")
    assert panel.ui.leadButton.visible
    panel.worklist.ui.filterCombo.currentIndex = 3
    assert panel.worklist.ui.table.rowCount == 0


def test_the_practice_project_has_cases_until_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slicer_app: Any
) -> None:
    from AnnotationQALib.widgets.practice import practice_folder
    from AnnotationQALib.widgets.practice_project import practice_identity

    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    identity = practice_identity()
    folder = practice_folder(identity)
    assert practice_folder(practice_identity()) == folder
    assert [row.case for row in Project.open(folder).worklist("practice")] == ["practice-1", "practice-2", "practice-3"]
    panel = make_panel(Clock())
    panel.projects.open(str(folder), identity)
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None
    assert panel.session.case is not None
    volume = panel.session.case.images.node("ct")
    assert slicer.util.arrayFromVolume(volume).shape == (40, 128, 128)
    panel.cleanup()


def test_studies_of_the_dicom_database_become_cases(panel: LabelingPanel, tmp_path: Path) -> None:
    import numpy as np

    from AnnotationQACore.geometry import Grid
    from AnnotationQACore.interchange.phantom import write_phantom_series
    from AnnotationQACore.segmentation import Mask
    from pythonqt.wrapping import native_of

    folder = tmp_path / "dicom"
    folder.mkdir()
    grid = Grid((4, 16, 16))
    write_phantom_series(folder, Mask(np.ones(grid.shape, dtype=bool), grid), "phantom", "2.25.7", seed=1)
    files = [str(path) for path in folder.iterdir()]
    database = native_of(slicer.dicomDatabase)
    database.content = {"7": {"1.7": {"2.25.7": files}, "1.8": {"2.25.8": []}}}
    database.descriptions = {"7": "Zyxwarth^Quillon"}
    database.values = {
        ("PatientID", "7"): "MRN-7391846",
        ("StudyDate", "1.7"): "20240101",
        ("StudyDate", "1.8"): "20240201",
        ("StudyDescription", "1.7"): "Chest",
        ("Modality", "2.25.7"): "CT",
        ("Modality", "2.25.8"): "CT",
    }
    create_identity("lead")
    create(panel, tmp_path / "study")
    ui = panel.lead.ui
    ui.databaseButton.click()
    tree = ui.studiesTree
    texts = [[tree.topLevelItem(row).text(column) for column in range(3)] for row in range(tree.topLevelItemCount)]
    assert [row[1] for row in texts] == ["20240101", "20240201"]
    assert not any(word in str(texts) for word in ("Zyxwarth", "7391846"))
    assert tree.topLevelItem(1).text(2).startswith("⚠")  # it has no files
    ui.addStudiesButton.click()
    assert "none is chosen" in message(panel)
    ui.studiesSearch.text = "chest"
    assert tree.topLevelItem(1).isHidden()
    tree.topLevelItem(0).setCheckState(0, qt.Qt.Checked)
    ui.addStudiesButton.click()
    assert message(panel) == "1 cases were added."
    assert tree.topLevelItemCount == 1
    ui.perCaseSpin.value = 1
    ui.repeatsSpin.value = 0
    ui.assignButton.click()
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None
    assert panel.session.case is not None, message(panel)
    assert panel.session.case.images.grid("ct").shape == (4, 16, 16)

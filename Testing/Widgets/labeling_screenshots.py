"""States of the labeling panel, for `screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import labeling_studies as studies
import qt
import slicer
from labeling_images import write_time_points
from labeling_study import WhenTold
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication
from release_study import SHEET, Study, make_study

from AnnotationQACore.project.answers import Presence
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, load_identity
from AnnotationQACore.project.state import Action
from AnnotationQACore.release.sheet import sheet_text
from AnnotationQALib.widgets.labeling_panel import LabelingPanel
from AnnotationQALib.widgets.practice_project import GRID as PRACTICE_GRID
from AnnotationQALib.widgets.practice_project import make_practice_project, practice_identity
from pythonqt.wrapping import native_of

WIDTH = 470
SMALL_HEIGHT = 610
"""Of the panel in Slicer's window on a screen of 768 lines."""


class _Shown:
    """A panel in the width that Slicer gives it, and the pictures of it."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.clock = studies.Clock()
        self.worker = WhenTold(at_once=True)
        self.panel: LabelingPanel = studies.make_panel(self.clock, worker=self.worker)
        self.panel.widget.show()
        self.panel.enter()
        self._folder, self._suffix = folder, suffix

    def shoot(self, name: str) -> None:
        widget = self.panel.widget
        for _ in range(3):
            QApplication.processEvents()
            layout = widget.layout()
            height = layout.heightForWidth(WIDTH) if layout.hasHeightForWidth() else widget.sizeHint.height()
            widget.resize(WIDTH, max(height, widget.minimumSizeHint.height()))
        QApplication.processEvents()
        path = self._folder / f"{name}{self._suffix}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not widget.grab().save(str(path)):
            raise SystemExit(f"{path}: cannot be written; choose another folder.")

    def shoot_small(self, name: str) -> None:
        """The part that is seen at once on a screen of 1366 x 768, where Slicer scrolls the panel."""
        widget = native_of(self.panel.widget)
        if widget.minimumSizeHint().width() > WIDTH:
            raise SystemExit(f"{name}: needs {widget.minimumSizeHint().width()} pixels, more than Slicer gives it.")
        picture = widget.grab(QRect(0, 0, WIDTH, SMALL_HEIGHT))
        picture.save(str(self._folder / f"{name}{self._suffix}.png"))

    def select(self, item: str) -> Any:
        entry = next(entry for entry in self.panel.case.form.entries if entry.item.id == item)
        self.panel.case.select(entry.key)
        return entry

    def end(self) -> None:
        self.panel.cleanup()
        slicer.mrmlScene.Clear(False)


def labeling_states(work: Path, folder: Path, suffix: str) -> None:
    """Go through the panel as a reader and as a lead do."""
    _nodules(work / "nodules", _Shown(folder, suffix))
    _troubles(work / "troubles", _Shown(folder, suffix))
    _release(work / "release", folder, suffix)
    states = (
        ("chest_xray_findings", _x_ray, None),
        ("vertebra_landmarks", _landmarks, None),
        ("left_ventricle_cine_mr", _cine, write_time_points),
    )
    for protocol, state, write in states:
        root = work / protocol
        os.environ[USER_FOLDER_VARIABLE] = str(root / "user")
        shown = _Shown(folder, suffix)
        logic = slicer.vtkSlicerSequencesLogic()
        logic.SetMRMLScene(slicer.mrmlScene)
        studies.sign_in(shown.panel, studies.make_study(root, protocol, write=write))
        shown.panel.worklist.ui.nextButton.click()
        state(shown)
        shown.end()


def _nodules(work: Path, shown: _Shown) -> None:
    os.environ[USER_FOLDER_VARIABLE] = str(work / "user")
    panel = shown.panel
    identity = practice_identity()
    panel.sign_in.show_identities("practice")
    panel.ui.leadButton.collapsed = False
    shown.shoot("labeling-sign-in")
    project = make_practice_project(work / "practice", identity)
    studies.sign_in(panel, project, "practice")
    panel.ui.leadButton.collapsed = True
    shown.shoot("labeling-worklist")
    panel.ui.leadButton.collapsed = False
    panel.lead.ui.leadTabs.currentIndex = 2
    panel.ui.worklistButton.collapsed = True
    panel.lead.ui.perCaseSpin.value = 1
    panel.lead.ui.planButton.click()
    shown.shoot("labeling-lead")
    panel.ui.leadButton.collapsed = True
    shown.worker.at_once = False
    panel.worklist.ui.nextButton.click()
    shown.shoot("labeling-opening")
    shown.worker.at_once = True
    shown.worker.work()
    panel.tick()
    panel.case.page._instance.addButton.click()
    _paint_nodule(panel)
    studies.pause(panel, shown.clock)
    shown.shoot("labeling-drawing")
    panel.case.go_to_next()
    for digit in "314":
        panel.case.page.press(digit)
    studies.pause(panel, shown.clock)
    shown.shoot("labeling-panel")
    shown.shoot_small("labeling-small-screen")
    panel.case.page.toggle_help()
    shown.shoot("labeling-help")
    panel.case.page.toggle_help()
    panel.submission.check()
    panel.checks.ui.problemsTable.selectRow(0)
    shown.shoot("labeling-checks")
    shown.worker.at_once = False
    panel.projects.close()
    shown.shoot("labeling-saving")
    shown.end()


def _troubles(work: Path, shown: _Shown) -> None:
    """A folder that is no project, a project out of reach, and a case that was sent back."""
    os.environ[USER_FOLDER_VARIABLE] = str(work / "user")
    project = studies.make_study(work, "lung_nodule_ct", ("case-1",))
    panel = shown.panel
    studies.sign_in(panel, Path("elsewhere"), "anna")
    shown.shoot("labeling-no-project")
    studies.sign_in(panel, project)
    panel.worklist.ui.nextButton.click()
    panel.case.page._presence.buttons[Presence.ABSENT].click()
    away = project.with_name("away")
    project.rename(away)
    studies.pause(panel, shown.clock)
    shown.shoot("labeling-offline")
    away.rename(project)
    studies.pause(panel, shown.clock, 20.0)
    panel.submission.check()
    for row in range(panel.checks.ui.problemsTable.rowCount):
        panel.checks.ui.problemsTable.selectRow(row)
        panel.checks.ui.reasonEdit.insert("a phantom")
    panel.submission.submit()
    review = Project.open(project, load_identity("lead"))
    review.change_member("lead", "Lead", ["lead", "reviewer"])
    reading = review.state.latest_readings("case-1")[0]
    comments = [
        {"text": "There is one in the right lower lobe, beside the vessel.", "item": "nodule", "position": [0, 0, 0]},
        {"text": "Please say something about the quality of the image, too."},
    ]
    review.decide("case-1", Action.SEND_BACK, [reading.id], comments=comments, reason="missed")
    panel.session.refresh()
    panel.projects.refresh()
    panel.worklist.ui.nextButton.click()
    shown.shoot("labeling-sent-back")
    shown.end()


def _release(work: Path, folder: Path, suffix: str) -> None:
    """From the sheet to a release that is verified, and what comes after it."""
    work.mkdir(parents=True)
    os.environ[USER_FOLDER_VARIABLE] = str(work / "user")
    people = make_study(work)
    (work / "user").mkdir(exist_ok=True)
    (work / "keys").rename(work / "user" / "keys")
    study = Study(work, people)
    shown = _Shown(folder, suffix)
    panel = shown.panel
    studies.sign_in(panel, study.folder, "lead")
    panel.ui.worklistButton.collapsed = True
    panel.ui.leadButton.collapsed = False
    release = panel.lead.release
    release.make._open_page = lambda path: None
    ui = release.ui
    ui.releaseButton.collapsed = False
    panel.lead.ui.leadTabs.visible = False  # the pictures show what is below
    (work / "sheet.json").write_text(sheet_text(SHEET))
    ui.sheetPathEdit.currentPath = "sheet.json"
    release.sheet.show({**release.sheet.texts, "summary": "Phantoms with and without nodules.", "licence": "CC-BY-4.0"})
    ui.sheetTable.selectRow(17)
    ui.sheetTable.selectRow(6)
    shown.shoot("release-card")
    ui.sheetPathEdit.currentPath = str(work / "sheet.json")
    ui.openSheetButton.click()
    ui.releaseTabs.currentIndex = 1
    ui.trainSpin.value, ui.validationSpin.value, ui.testSpin.value = 60, 0, 40
    ui.planSplitButton.click()
    shown.shoot("release-split")
    ui.recordSplitButton.click()
    ui.releaseTabs.currentIndex = 2
    for row in (0, 1, 2):
        ui.formatsTable.item(row, 0).setCheckState(qt.Qt.Checked)
    ui.reportPathEdit.currentPath = str(study.report)
    ui.optionsBox.collapsed = False
    ui.filtersBox.collapsed = False
    ui.reportPathEdit.currentPath = "report.json"
    shown.shoot("release-data")
    ui.reportPathEdit.currentPath = str(study.report)
    ui.optionsBox.collapsed = True
    ui.filtersBox.collapsed = True
    ui.releaseTabs.currentIndex = 3
    ui.releasePathEdit.currentPath = "dataset"
    ui.gateButton.click()
    shown.shoot("release-gate")
    ui.lookButton.click()
    ui.signReasonEdit.text = "Lea looked at all texts and pictures"
    shown.shoot("release-look")
    ui.signButton.click()
    ui.releasePathEdit.currentPath = "release/dataset"
    held = WhenTold()
    release.work._executor, at_once = held, release.work._executor
    ui.makeButton.click()
    shown.shoot("release-making")
    held.work()
    release.work.poll()
    release.work._executor = at_once
    ui.verifyButton.click()
    shown.shoot("release-made")
    ui.releaseButton.collapsed = True
    ui.roundsButton.collapsed = False
    ui.roundsTabs.currentIndex = 1
    ui.decidedCheck.checked = True
    ui.rankButton.click()
    ui.rankTable.selectRow(0)
    shown.shoot("release-rounds")
    ui.roundsTabs.currentIndex = 2
    ui.rereadButton.click()
    shown.shoot("release-rereads")
    ui.roundsButton.collapsed = True
    ui.reportsButton.collapsed = False
    (work / "reports").mkdir()
    for case, words in (("case-1", "A nodule is seen."), ("case-2", "There is a nodule."), ("case-3", "No nodule.")):
        (work / "reports" / f"{case}.txt").write_text(words)
    ui.reportsPathEdit.currentPath = str(work / "reports")
    ui.checkReportsButton.click()
    ui.reportsPathEdit.currentPath = "reports"
    shown.shoot("release-reports")
    shown.end()


def _paint_nodule(panel: LabelingPanel) -> None:
    node = panel.session.case.editor.segmentation_node
    studies.paint(node, "nodule#1", (slice(17, 24), slice(54, 66), slice(34, 46)), grid=PRACTICE_GRID)


def _x_ray(shown: _Shown) -> None:
    for digit in "131221":
        shown.panel.case.page.press(digit)
    studies.pause(shown.panel, shown.clock)
    shown.shoot("labeling-findings")


def _landmarks(shown: _Shown) -> None:
    panel = shown.panel
    entry = shown.select("vertebral_bodies")
    panel.case.page.markups.placeButton.click()
    node = panel.session.case.editor.drawing.nodes(entry.key)[0]
    for number in range(3):
        node.SetNthControlPointPosition(number, 0.0, 0.0, -5.0 * number)
    panel.case.page.next_not_visible()
    studies.pause(panel, shown.clock)
    shown.shoot("labeling-landmarks")


def _cine(shown: _Shown) -> None:
    panel = shown.panel
    shown.select("lv_cavity_ed")
    panel.case.cine.step(True)
    panel.case.page._frame.chooseButton.click()
    studies.pause(panel, shown.clock)
    shown.shoot("labeling-cine")

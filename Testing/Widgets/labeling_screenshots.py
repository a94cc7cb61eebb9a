"""States of the labeling panel, for `screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import labeling_studies as studies
import slicer
from labeling_images import write_time_points
from labeling_study import WhenTold
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
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
        self.panel: LabelingPanel = studies.make_panel(self.clock)
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
    held = WhenTold()
    panel.session._executor, done_at_once = held, panel.session._executor
    panel.session._preload = None
    panel.worklist.ui.nextButton.click()
    shown.shoot("labeling-opening")
    panel.session._executor = done_at_once
    held.work()
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
    panel.check()
    panel.checks.ui.problemsTable.selectRow(0)
    shown.shoot("labeling-checks")
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
    panel.case.page._markups.placeButton.click()
    node = panel.session.case.editor.nodes(entry.key)[0]
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

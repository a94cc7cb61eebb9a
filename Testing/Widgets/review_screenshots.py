"""States of the panel of Consensus Review, and its linked views, for `screenshots.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import review_studies as studies
import slicer
from PySide6.QtWidgets import QApplication

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
from AnnotationQALib.review.example import add_example

WIDTH = 470


class _Shown:
    """A panel in the width that Slicer gives it, and the pictures of it."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.panel = studies.make_panel()
        self._folder, self._suffix = folder, suffix

    def shoot(self, name: str) -> None:
        studies.settle(self.panel, 4)
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

    def end(self) -> None:
        self.panel.cleanup()
        slicer.mrmlScene.Clear(False)


def review_states(work: Path, folder: Path, suffix: str) -> None:
    """Go through the module as a new user and as a reviewer do."""
    os.environ[USER_FOLDER_VARIABLE] = str(work / "review-user")
    _loose(_Shown(folder, suffix))
    _project(_Shown(folder, suffix), work)


def _loose(shown: _Shown) -> None:
    panel = shown.panel
    add_example(slicer.mrmlScene)
    studies.settle(panel)
    shown.shoot("review-compare")
    panel.compare.ui.compareNowButton.click()
    studies.settle(panel)
    panel.desk.walk.take_reader(0)
    panel.desk.walk.next()
    panel.desk.walk.next()
    shown.shoot("review-walk")
    panel.desk.ui.tabs.currentIndex = 1
    studies.settle(panel)
    panel.desk.items.ui.itemsTable.selectRow(4)
    shown.shoot("review-decide")
    shown.end()


def _project(shown: _Shown, work: Path) -> None:
    panel = shown.panel
    studies.open_practice(panel, work / "review")
    panel.ui.projectButton.collapsed = True
    panel.cases.select("review-2")
    shown.shoot("review-cases")
    panel.opener.open("review-2")
    studies.settle(panel)
    desk = panel.desk
    desk.ui.reasonEdit.text = "agreed in conference"
    desk.walk.take_reader(0)
    shown.shoot("review-answers")
    _comment(desk)
    shown.shoot("review-send-back")
    for place in range(len(desk.review.walk)):
        desk.go_to(place)
        desk.walk.take_reader(0)
    for row in desk.on_desk.deciding.rows():
        if row.is_open:
            desk._accept(row, desk.review.labels.readers[0])
    desk.ui.tabs.currentIndex = 4
    desk.signing.view.ui.segCheck.checked = True
    desk.signing.view.ui.folderEdit.currentPath = "/exports"
    shown.shoot("review-sign-off")
    panel.opener.close()
    panel.ui.casesButton.collapsed = True
    panel.ui.agreementButton.collapsed = False
    studies.choose(panel.agreement.ui.itemCombo, "nodule")
    studies.choose(panel.agreement.ui.figureCombo, "dice")
    panel.agreement.ui.pairTableButton.click()
    shown.shoot("review-agreement")
    shown.end()


def _comment(desk: Any) -> None:
    desk.ui.tabs.currentIndex = 2
    view = desk.comments.view.ui
    view.textEdit.text = "Includes the vessel; please stop at its wall"
    studies.choose(view.aboutCombo, "nodule")
    studies.choose(view.toCombo, "ben")
    view.pinButton.click()

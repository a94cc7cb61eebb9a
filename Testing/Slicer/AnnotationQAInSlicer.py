"""The module Annotation QA inside a real Slicer: a nodule of the practice project is painted, rated and submitted."""

import os
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import slicer


def let_slicer_work(until, seconds: float = 120.0) -> None:
    """Let timers and background threads work until a condition holds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s")
        slicer.app.processEvents()
        time.sleep(0.02)


class AnnotationQAInSlicer(unittest.TestCase):
    """What the stand-in under Testing/Widgets cannot show: the Segment Editor, the views, the application's scene."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        former = os.environ.get("ANNOTATIONQA_HOME")
        os.environ["ANNOTATIONQA_HOME"] = str(self.folder / "user")
        self.addCleanup(lambda: _put_back(former))
        slicer.util.selectModule("AnnotationQA")
        self.panel = slicer.util.getModuleWidget("AnnotationQA").panel
        self.panel.close_project()

    def tearDown(self) -> None:
        self.panel.close_project()
        slicer.mrmlScene.Clear()

    def open_practice(self) -> Path:
        """Open the first case of a new practice project."""
        from AnnotationQALib.widgets.practice_project import make_practice_project, practice_identity

        identity = practice_identity()
        project = make_practice_project(self.folder / "practice", identity)
        self.panel.open(str(project), identity)
        self.panel.worklist.ui.nextButton.click()
        let_slicer_work(lambda: self.panel.session.case is not None)
        return project

    def paint_nodule(self) -> None:
        """Fill the nodule by its density, as a reader does with Threshold."""
        case = self.panel.session.case
        volume = case.images.node("ct")
        voxels = slicer.util.arrayFromVolume(volume)
        inside = np.zeros(voxels.shape, np.uint8)
        inside[14:27, 50:71, 30:51] = voxels[14:27, 50:71, 30:51] > -300
        node = case.editor.segmentation_node
        slicer.util.updateSegmentBinaryLabelmapFromArray(inside, node, "nodule#1", volume)

    def test_a_nodule_is_read_and_submitted(self) -> None:
        project = self.open_practice()
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == self.panel.session.case.images.node("ct").GetID()
        page = self.panel.case.page
        page._instance.addButton.click()
        editor = page.segment_editor.editor
        assert editor.currentSegmentID() == "nodule#1"
        assert editor.effectByName("Paint") is not None
        editor.setActiveEffectByName("Paint")
        assert editor.activeEffect() is not None
        self.paint_nodule()
        let_slicer_work(lambda: bool(page.ui.readoutLabel.text))
        let_slicer_work(lambda: self.panel.session.case.autosave.state.value == "saved")
        self.panel.case.go_to_next()
        while page.digits:
            before = page.entry.key
            page.press("1")
            if page.entry.key == before:
                break
        self.panel.check()
        problems = self.panel.checks.ui.problemsTable
        for row in range(problems.rowCount):
            problems.selectRow(row)
            self.panel.checks.ui.reasonEdit.text = "a phantom"
            self.panel.checks.ui.reasonEdit.textEdited("a phantom")
        self.panel.submit()
        assert self.panel.session.case is None, self.panel.ui.messageLabel.text
        from AnnotationQACore.project.folder import Project

        opened = Project.open(project)
        submitted = opened.state.latest_readings("practice-1")[0]
        assert opened.segmentation_path(submitted) is not None
        assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")

    def test_leaving_the_module_puts_the_tool_down(self) -> None:
        self.open_practice()
        page = self.panel.case.page
        page._instance.addButton.click()
        page.segment_editor.editor.setActiveEffectByName("Paint")
        slicer.util.selectModule("Data")
        assert page.segment_editor.editor.activeEffect() is None
        slicer.util.selectModule("AnnotationQA")
        assert self.panel.session.case is not None

    def test_closing_the_scene_keeps_the_draft(self) -> None:
        self.open_practice()
        self.panel.case.page._instance.addButton.click()
        self.paint_nodule()
        slicer.mrmlScene.Clear()
        assert self.panel.session.case is None
        self.panel.worklist.ui.nextButton.click()
        let_slicer_work(lambda: self.panel.session.case is not None)
        node = self.panel.session.case.editor.segmentation_node
        assert slicer.util.arrayFromSegmentBinaryLabelmap(node, "nodule#1").any()


def _put_back(former: str | None) -> None:
    if former is None:
        os.environ.pop("ANNOTATIONQA_HOME", None)
    else:
        os.environ["ANNOTATIONQA_HOME"] = former


if __name__ == "__main__":
    unittest.main()

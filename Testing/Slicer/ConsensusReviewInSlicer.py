"""The module Consensus Review in a real Slicer: linked views, the walk, the Segment Editor, plots, the signature."""

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


class ConsensusReviewInSlicer(unittest.TestCase):
    """What the stand-in under Testing/Widgets cannot show: the layout manager, drawing, Slicer's link of the views."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        former = os.environ.get("ANNOTATIONQA_HOME")
        os.environ["ANNOTATIONQA_HOME"] = str(self.folder / "user")
        self.addCleanup(lambda: _put_back(former))
        slicer.util.selectModule("ConsensusReview")
        self.panel = slicer.util.getModuleWidget("ConsensusReview").panel
        self.panel.close_project()

    def tearDown(self) -> None:
        self.panel.close_project()
        slicer.mrmlScene.Clear()

    def compare_example(self) -> None:
        """Compare the three readers of Sample Data, and wait for the walk."""
        from AnnotationQALib.review.widgets.samples import open_example

        open_example()
        let_slicer_work(lambda: self.panel.desk.work is not None and self.panel.desk.work.is_found)

    def slice_widgets(self) -> list:
        """The widgets of the review's views, in the order of the layout."""
        manager = slicer.app.layoutManager()
        return [manager.sliceWidget(pane.tag) for pane in self.panel.desk.review.views.layout.panes if pane.is_slice]

    def test_readers_stand_side_by_side_in_linked_views(self) -> None:
        self.compare_example()
        widgets = self.slice_widgets()
        assert len(widgets) == 4
        assert all(widget is not None and widget.visible for widget in widgets)
        volume = self.panel.desk.review.volume
        shown = {widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() for widget in widgets}
        assert shown == {volume.GetID()}
        self.panel.desk.walk.next()
        z = self.panel.desk.review.walk.current.position[2]
        assert {round(widget.mrmlSliceNode().GetSliceOffset(), 3) for widget in widgets} == {round(z, 3)}
        first = widgets[0]
        first.sliceLogic().StartSliceNodeInteraction(first.mrmlSliceNode().SliceToRASFlag)
        first.mrmlSliceNode().SetSliceOffset(z + 6.0)
        first.sliceLogic().EndSliceNodeInteraction()
        assert {round(widget.mrmlSliceNode().GetSliceOffset(), 3) for widget in widgets} == {round(z + 6.0, 3)}
        widths = {round(widget.mrmlSliceNode().GetFieldOfView()[1], 2) for widget in widgets}
        assert len(widths) == 1, "one zoom in all views"

    def test_layouts_follow_each_other_and_the_old_one_comes_back(self) -> None:
        manager = slicer.app.layoutManager()
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
        self.compare_example()
        display = self.panel.desk.display.ui
        for planes in ("3", "Coronal", "Axial"):
            display.planesCombo.currentIndex = display.planesCombo.findData(planes)
            slicer.app.processEvents()
            assert all(widget is not None for widget in self.slice_widgets())
        display.threeDCombo.currentIndex = display.threeDCombo.findData("overlaid")
        slicer.app.processEvents()
        assert manager.threeDViewCount >= 1
        for _kind in ("readers", "distance"):
            self.panel.desk.next_heat_map()
            let_slicer_work(lambda: self.panel.desk._has_heat_map())
        slicer.util.forceRenderAllViews()
        self.panel.desk.ui.closeButton.click()
        assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
        slicer.app.processEvents()
        assert not any(name.startswith("Review") for name in manager.sliceViewNames())

    def test_a_copy_is_painted_in_the_segment_editor_and_taken(self) -> None:
        self.compare_example()
        desk = self.panel.desk
        desk.ui.tabs.setCurrentIndex(1)
        let_slicer_work(lambda: all(desk.work.choice(one) for one in ("majority", "staple", "simple", "shape")))
        desk.items.ui.itemsTable.selectRow(0)
        desk.items.ui.editButton.click()
        editor = desk.editor.editor
        assert editor.currentSegmentID() == "liver"
        editor.setActiveEffectByName("Paint")
        assert editor.activeEffect() is not None
        node = desk.review.result_node
        voxels = np.zeros(desk.review.labels.grid.shape, np.uint8)
        voxels[20:40, 50:80, 40:80] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, "liver", desk.review.volume)
        desk.items.ui.takeEditButton.click()
        assert desk.review.painting.segmentation.mask("liver").voxels.sum() == voxels.sum()
        desk.items.ui.editButton.click()
        slicer.util.selectModule("Data")
        assert editor.activeEffect() is None
        slicer.util.selectModule("ConsensusReview")

    def test_the_practice_project_from_the_list_to_the_signature(self) -> None:
        from AnnotationQACore.project.state import CaseStatus
        from AnnotationQALib.review.practice_review import make_review_practice
        from AnnotationQALib.widgets.practice_project import practice_identity

        identity = practice_identity()
        project = make_review_practice(self.folder / "practice", identity)
        self.panel.open(str(project), identity)
        let_slicer_work(lambda: not self.panel.session.reviews.pending())
        assert self.panel.cases.ui.casesTable.item(0, 0).text() == "review-2"
        self.panel.open_case("review-2")
        let_slicer_work(lambda: self.panel.desk.work is not None and self.panel.desk.work.is_found)
        desk = self.panel.desk
        desk.ui.reasonEdit.text = "a phantom"
        for place in range(len(desk.review.walk)):
            desk.go_to(place)
            desk.walk.take_reader(0)
        for row in desk.deciding.rows():
            if row.is_open:
                desk._accept(row, desk.review.labels.readers[0])
        desk.ui.tabs.setCurrentIndex(4)
        assert desk.sign_off_view.ui.signButton.enabled, desk.sign_off_view.ui.signButton.toolTip
        desk.sign_off()
        let_slicer_work(lambda: not self.panel.desk.is_open)
        assert self.panel.session.project.state.case_status("review-2") is CaseStatus.DECIDED
        assert not slicer.util.getNodesByClass("vtkMRMLSegmentationNode")

    def test_tables_and_plots_are_shown(self) -> None:
        from AnnotationQALib.review.practice_review import make_review_practice
        from AnnotationQALib.widgets.practice_project import practice_identity

        identity = practice_identity()
        self.panel.open(str(make_review_practice(self.folder / "practice", identity)), identity)
        let_slicer_work(lambda: not self.panel.session.reviews.pending())
        view = self.panel.agreement.ui
        view.itemCombo.currentIndex = view.itemCombo.findData("nodule")
        view.figureCombo.currentIndex = view.figureCombo.findData("dice")
        view.pairTableButton.click()
        assert slicer.app.layoutManager().tableViewCount >= 1
        view.distributionButton.click()
        slicer.app.processEvents()
        widget = slicer.app.layoutManager().plotWidget(0)
        assert widget.mrmlPlotViewNode().GetPlotChartNodeID()

    def test_a_pin_is_placed_with_the_mode_of_markups(self) -> None:
        from AnnotationQALib.review.practice_review import make_review_practice
        from AnnotationQALib.widgets.practice_project import practice_identity

        identity = practice_identity()
        self.panel.open(str(make_review_practice(self.folder / "practice", identity)), identity)
        self.panel.open_case("review-3")
        let_slicer_work(lambda: self.panel.desk.work is not None and self.panel.desk.work.is_found)
        desk = self.panel.desk
        desk.comments.ui.textEdit.text = "look here"
        desk.comments.ui.pointButton.click()
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        assert interaction.GetCurrentInteractionMode() == interaction.Place
        slicer.util.getNode("look here").AddControlPoint((1.0, 2.0, 3.0))
        slicer.app.processEvents()
        assert desk.opened.pins.pins[0].position == (-1.0, -2.0, 3.0)

    def test_closing_the_scene_closes_the_review(self) -> None:
        self.compare_example()
        slicer.mrmlScene.Clear()
        assert not self.panel.desk.is_open
        self.compare_example()
        assert self.panel.desk.is_open


def _put_back(former) -> None:
    if former is None:
        os.environ.pop("ANNOTATIONQA_HOME", None)
    else:
        os.environ["ANNOTATIONQA_HOME"] = former


if __name__ == "__main__":
    unittest.main()

"""The module Consensus Review in a real Slicer: linked views, the walk, the Segment Editor, plots, the signature.

An exception in a slot or observer, which Slicer only prints, fails the test.
"""

import os
import sys
import tempfile
import time
import traceback
import unittest
from pathlib import Path

import numpy as np
import slicer

WAIT_SECONDS = 120.0


def expect(found, wanted, what: str) -> None:
    """Fail with both when they differ."""
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


def points_of_surfaces(node) -> int:
    """Number of points of all surfaces of a segmentation node."""
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(number) for number in range(segmentation.GetNumberOfSegments())]
    found = [segmentation.GetSegment(one).GetRepresentation("Closed surface") for one in ids]
    return sum(surface.GetNumberOfPoints() for surface in found if surface is not None)


class ConsensusReviewInSlicer(unittest.TestCase):
    """What the stand-in under Testing/Widgets cannot show: the layout manager, drawing, Slicer's link of the views."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.troubles = []
        hook = sys.excepthook
        sys.excepthook = lambda *error: self.troubles.append("".join(traceback.format_exception(*error)))
        self.addCleanup(lambda: setattr(sys, "excepthook", hook))
        former = os.environ.get("ANNOTATIONQA_HOME")
        os.environ["ANNOTATIONQA_HOME"] = str(self.folder / "user")
        self.addCleanup(lambda: _put_back(former))
        slicer.util.selectModule("ConsensusReview")
        self.panel = slicer.util.getModuleWidget("ConsensusReview").panel
        self.panel.projects.close()

    def tearDown(self) -> None:
        self.panel.projects.close()
        slicer.mrmlScene.Clear()
        slicer.app.processEvents()
        assert self.troubles == [], "\n".join(self.troubles)

    # helpers; no name of them has the word by which unittest and Slicer find what is to be run

    def message(self) -> str:
        """What the panel tells."""
        return str(self.panel.ui.messageLabel.text)

    def wait(self, until, what: str) -> None:
        """Let timers and background threads work until a condition holds."""
        end = time.monotonic() + WAIT_SECONDS
        while not until():
            if time.monotonic() > end:
                raise AssertionError(f"not within {WAIT_SECONDS:g} s: {what} ({self.message()})")
            slicer.app.processEvents()
            time.sleep(0.02)

    def wait_for_walk(self) -> None:
        """Wait until the regions are found."""
        self.wait(
            lambda: self.panel.desk.on_desk.work is not None and self.panel.desk.on_desk.work.is_found,
            "the readings are compared",
        )

    def open_practice(self) -> Path:
        """Open a new practice project, and wait until all its cases are compared."""
        from AnnotationQALib.review.practice_review import make_review_practice
        from AnnotationQALib.widgets.practice_project import practice_identity

        identity = practice_identity()
        project = make_review_practice(self.folder / "practice", identity)
        self.panel.projects.open(str(project), identity)
        self.wait(lambda: self.panel.session is not None, "the project is open")
        self.wait(lambda: not self.panel.session.reviews.pending(), "all cases are compared")
        return project

    def compare_example(self) -> None:
        """Compare the three readers of Sample Data, and wait for the walk."""
        from AnnotationQALib.review.widgets.samples import open_example

        open_example()
        self.wait_for_walk()

    def slice_widgets(self) -> list:
        """The widgets of the review's views, in the order of the layout."""
        manager = slicer.app.layoutManager()
        return [manager.sliceWidget(pane.tag) for pane in self.panel.desk.review.views.layout.panes if pane.is_slice]

    def test_readers_stand_side_by_side_in_linked_views(self) -> None:
        self.compare_example()
        widgets = self.slice_widgets()
        expect(len(widgets), 4, "views of three readers and the result")
        for pane, widget in zip(self.panel.desk.review.views.layout.panes, widgets, strict=True):
            assert widget is not None, f"the layout manager made no view called {pane.tag}"
            assert not widget.isHidden(), f"the view {pane.tag} is not in the layout"
        volume = self.panel.desk.review.volume
        shown = {widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() for widget in widgets}
        expect(shown, {volume.GetID()}, "volume in the background of all views")
        self.panel.desk.walk.next()
        z = self.panel.desk.review.walk.current.position[2]
        offsets = {round(widget.mrmlSliceNode().GetSliceOffset(), 3) for widget in widgets}
        expect(offsets, {round(z, 3)}, "offset of the views after the next disagreement")
        first = widgets[0]
        first.sliceLogic().StartSliceNodeInteraction(first.mrmlSliceNode().SliceToRASFlag)
        first.mrmlSliceNode().SetSliceOffset(z + 6.0)
        first.sliceLogic().EndSliceNodeInteraction()
        offsets = {round(widget.mrmlSliceNode().GetSliceOffset(), 3) for widget in widgets}
        expect(offsets, {round(z + 6.0, 3)}, "offset of the views after one was scrolled")
        heights = [widget.mrmlSliceNode().GetFieldOfView()[1] for widget in widgets]
        assert max(heights) < 1.05 * min(heights), f"heights of the fields of view differ: {heights}"

    def test_layouts_follow_each_other_and_the_old_one_comes_back(self) -> None:
        manager = slicer.app.layoutManager()
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
        cameras = len(slicer.util.getNodesByClass("vtkMRMLCameraNode"))
        self.compare_example()
        display = self.panel.desk.views.display.ui
        for planes in ("3", "Coronal", "Axial"):
            display.planesCombo.currentIndex = display.planesCombo.findData(planes)
            slicer.app.processEvents()
            missing = [place for place, widget in enumerate(self.slice_widgets()) if widget is None]
            expect(missing, [], f"places without a view with planes {planes}")
        display.threeDCombo.currentIndex = display.threeDCombo.findData("overlaid")
        slicer.app.processEvents()
        assert manager.threeDViewCount >= 1
        for kind in ("readers", "distance"):
            self.panel.desk.next_heat_map()
            self.wait(lambda: self.panel.desk.views.has_heat_map, f"the heat map {kind} is computed")
        slicer.util.forceRenderAllViews()
        self.panel.desk.ui.closeButton.click()
        expect(manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView, "layout after the review")
        slicer.app.processEvents()
        left = [name for name in manager.sliceViewNames() if name.startswith("Review")]
        expect(left, [], "views that the review left behind")
        expect(len(slicer.util.getNodesByClass("vtkMRMLCameraNode")), cameras, "cameras after the review")

    def test_surfaces_fill_in_beside_the_main_thread_and_go_with_the_review(self) -> None:
        self.compare_example()
        desk = self.panel.desk
        nodes = list(desk.review.reading_nodes.values())
        display = desk.views.display.ui
        display.threeDCombo.currentIndex = display.threeDCombo.findData("each")
        self.wait(lambda: all(points_of_surfaces(node) for node in nodes), "every reader has surfaces")
        slicer.util.forceRenderAllViews()
        expect(slicer.app.layoutManager().threeDViewCount >= 4, True, "a 3D view for each reader and the result")
        bounds = np.zeros(6)
        nodes[0].GetRASBounds(bounds)
        low, high = bounds[::2], bounds[1::2]
        views, cameras = desk.review.views, slicer.modules.cameras.logic()
        for pane in views.layout.panes:
            if not pane.is_slice:
                focus = np.array(cameras.GetViewActiveCameraNode(views.node(pane)).GetFocalPoint())
                assert ((low <= focus) & (focus <= high)).all(), f"{pane.label} looks past the readings: {focus}"
        desk.walk.take_reader(0)
        result = desk.review.result_node
        self.wait(lambda: points_of_surfaces(result), "the result has surfaces")
        desk.ui.closeButton.click()
        expect([points_of_surfaces(node) for node in nodes], [0] * len(nodes), "surfaces that the review left behind")

    def test_a_copy_is_painted_in_the_segment_editor_and_taken(self) -> None:
        self.compare_example()
        desk = self.panel.desk
        desk.ui.tabs.setCurrentIndex(1)
        methods = ("majority", "staple", "simple", "shape")
        self.wait(lambda: all(desk.on_desk.work.choice(one) for one in methods), "every consensus is computed")
        desk.items.ui.itemsTable.selectRow(0)
        desk.items.ui.editButton.click()
        editor = desk.editing.host.editor
        expect(editor.currentSegmentID(), "liver", "segment in the Segment Editor")
        editor.setActiveEffectByName("Paint")
        assert editor.activeEffect() is not None, "Paint is not active"
        node = desk.review.result_node
        voxels = np.zeros(desk.review.labels.grid.shape, np.uint8)
        voxels[20:40, 50:80, 40:80] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, "liver", desk.review.volume)
        desk.items.ui.takeEditButton.click()
        taken = int(desk.review.painting.segmentation.mask("liver").voxels.sum())
        expect(taken, int(voxels.sum()), f"voxels that were taken ({self.message()})")
        desk.items.ui.editButton.click()
        editor.setActiveEffectByName("Paint")
        slicer.util.selectModule("Data")
        assert editor.activeEffect() is None, "the tool is still up in another module"
        slicer.util.selectModule("ConsensusReview")

    def test_the_practice_project_from_the_list_to_the_signature(self) -> None:
        from AnnotationQACore.project.state import CaseStatus

        self.open_practice()
        expect(self.panel.cases.ui.casesTable.item(0, 0).text(), "review-2", "the worst case")
        self.panel.opener.open("review-2")
        self.wait_for_walk()
        desk = self.panel.desk
        desk.ui.reasonEdit.text = "a phantom"
        for place in range(len(desk.review.walk)):
            desk.go_to(place)
            desk.walk.take_reader(0)
        for row in desk.on_desk.deciding.rows():
            if row.is_open:
                desk._accept(row, desk.review.labels.readers[0])
        desk.ui.tabs.setCurrentIndex(4)
        assert desk.signing.view.ui.signButton.enabled, desk.signing.view.ui.signButton.toolTip
        desk.signing.sign_off()
        self.wait(lambda: not self.panel.desk.is_open, "the case is signed off")
        expect(self.panel.session.project.state.case_status("review-2"), CaseStatus.DECIDED, "state of the case")
        left = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
        expect(left, [], "segmentations that the case left behind")

    def test_tables_and_plots_are_shown(self) -> None:
        self.open_practice()
        view = self.panel.agreement.ui
        view.itemCombo.currentIndex = view.itemCombo.findData("nodule")
        view.figureCombo.currentIndex = view.figureCombo.findData("dice")
        view.pairTableButton.click()
        assert slicer.app.layoutManager().tableViewCount >= 1, f"there is no table view ({self.message()})"
        view.distributionButton.click()
        slicer.app.processEvents()
        widget = slicer.app.layoutManager().plotWidget(0)
        assert widget is not None, f"there is no plot view ({self.message()})"
        assert widget.mrmlPlotViewNode().GetPlotChartNodeID(), "the plot view shows no chart"

    def test_a_pin_is_placed_with_the_mode_of_markups(self) -> None:
        self.open_practice()
        self.panel.opener.open("review-3")
        self.wait_for_walk()
        desk = self.panel.desk
        desk.comments.view.ui.textEdit.text = "look here"
        desk.comments.view.ui.pointButton.click()
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        expect(interaction.GetCurrentInteractionMode(), interaction.Place, "mode of the mouse")
        slicer.util.getNode("look here").AddControlPoint((1.0, 2.0, 3.0))
        self.wait(lambda: len(desk.opened.pins) == 1, "the pin is taken")
        expect(desk.opened.pins.pins[0].position, (-1.0, -2.0, 3.0), "where the pin is, LPS mm")
        expect(interaction.GetCurrentInteractionMode(), interaction.ViewTransform, "mode of the mouse afterwards")

    def test_closing_the_scene_closes_the_review(self) -> None:
        self.compare_example()
        slicer.mrmlScene.Clear()
        assert not self.panel.desk.is_open, "the review is open without its scene"
        slicer.app.processEvents()
        left = [name for name in slicer.app.layoutManager().sliceViewNames() if name.startswith("Review")]
        expect(left, [], "views that the review left behind")
        self.compare_example()
        assert self.panel.desk.is_open, f"the review cannot be opened in the new scene ({self.message()})"


def _put_back(former) -> None:
    if former is None:
        os.environ.pop("ANNOTATIONQA_HOME", None)
    else:
        os.environ["ANNOTATIONQA_HOME"] = former


if __name__ == "__main__":
    unittest.main()

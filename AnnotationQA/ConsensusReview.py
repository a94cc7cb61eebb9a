"""Slicer module "Consensus Review": where readers differ, decide, send back. Registration only."""

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

from AnnotationQALib.widgets.module_widget import PanelModuleWidget

ICON = Path(__file__).resolve().parent / "Resources" / "Icons" / "ConsensusReview.png"
DOCUMENTATION = "https://github.com/AnnotationQA/SlicerAnnotationQA/blob/main/Documentation/review.md"


class ConsensusReview(ScriptedLoadableModule):
    """What Slicer knows of the module."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Consensus Review")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Annotation QA")]
        self.parent.dependencies = ["Markups", "Segmentations", "SegmentEditor", "Sequences", "Tables", "Plots"]
        self.parent.contributors = ["The AnnotationQA developers"]
        self.parent.icon = qt.QIcon(str(ICON))
        self.parent.helpText = _(
            "Compare segmentations side by side in linked views, walk through what the readers differ in, choose a "
            "reader or a consensus region by region, and sign off or send back with comments in the image. Works on "
            "any segmentations of the scene, and on the cases of a project. "
            'See the <a href="{link}">tutorial</a>.'
        ).format(link=DOCUMENTATION)
        self.parent.acknowledgementText = _(
            "AnnotationQA stands on 3D Slicer, its views, Segment Editor, Markups and Plots, and on the work of the "
            "people who wrote them. It is not a medical device."
        )
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data() -> None:
    """Offer an example and a project in Sample Data; both are made on this computer, without internet."""
    import SampleData

    from AnnotationQALib.review.widgets.samples import open_example, open_review_practice

    for name, opener in (("CompareThreeReaders", open_example), ("ReviewPractice", open_review_practice)):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Annotation QA",
            sampleName=name,
            thumbnailFileName=str(ICON),
            uris="",
            fileNames="",
            nodeNames="",
            customDownloader=lambda _source, opener=opener: opener(),
        )


class ConsensusReviewWidget(PanelModuleWidget):
    """The module's place in Slicer's window."""

    def make_panel(self) -> Any:
        """The panel."""
        from AnnotationQALib.review.widgets.review_panel import ReviewPanel

        return ReviewPanel(slicer.mrmlScene, slicer.app.applicationLogic(), slicer.app.layoutManager())


class ConsensusReviewTest(ScriptedLoadableModuleTest):
    """The tests that run inside Slicer are in Testing/Slicer; Reload and Test compares the example."""

    def runTest(self) -> None:
        """Run the test of this file."""
        slicer.mrmlScene.Clear()
        self.test_example_is_compared()

    def test_example_is_compared(self) -> None:
        """The button in Sample Data leads to a comparison."""
        from AnnotationQALib.review.widgets.samples import open_example

        open_example()
        panel = slicer.util.getModuleWidget("ConsensusReview").panel
        for _step in range(600):
            slicer.app.processEvents()
            if panel.desk.work is not None and panel.desk.work.is_found:
                break
            self.delayDisplay("comparing", 50)
        if panel.desk.walk.ui.walkTable.rowCount == 0:
            self.fail(f"nothing was compared: {panel.ui.messageLabel.text}")
        panel.opener.close()

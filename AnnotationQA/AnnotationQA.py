"""Slicer module "Annotation QA": the labeling panel, which a written protocol drives. Registration only."""

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

from AnnotationQALib.widgets.module_widget import PanelModuleWidget

ICON = Path(__file__).resolve().parent / "Resources" / "Icons" / "AnnotationQA.png"
DOCUMENTATION = "https://github.com/AnnotationQA/SlicerAnnotationQA/blob/main/Documentation/labeling.md"


class AnnotationQA(ScriptedLoadableModule):
    """What Slicer knows of the module."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Annotation QA")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Annotation QA")]
        self.parent.dependencies = ["Markups", "Segmentations", "SegmentEditor", "Sequences", "VolumeRendering"]
        self.parent.contributors = ["The AnnotationQA developers"]
        self.parent.icon = qt.QIcon(str(ICON))
        self.parent.helpText = _(
            "Label images by a written protocol: sign in, work down your worklist, answer the form that the protocol "
            "makes, draw what it asks for, check, and submit. Every stroke is saved as a draft; every submitted "
            'reading is signed. See the <a href="{link}">tutorial</a>.'
        ).format(link=DOCUMENTATION)
        self.parent.acknowledgementText = _(
            "AnnotationQA stands on 3D Slicer, its Segment Editor, Markups and Sequences, and on the work of the "
            "people who wrote them. It is not a medical device."
        )
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data() -> None:
    """Offer a practice project in Sample Data; it is made on this computer, so that it needs no internet."""
    import SampleData

    from AnnotationQALib.widgets.practice import open_practice

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Annotation QA",
        sampleName="LungNodulePractice",
        thumbnailFileName=str(ICON),
        uris="",
        fileNames="",
        nodeNames="",
        customDownloader=lambda _source: open_practice(),
    )


class AnnotationQAWidget(PanelModuleWidget):
    """The module's place in Slicer's window."""

    def make_panel(self) -> Any:
        """The panel."""
        from AnnotationQALib.widgets.labeling_panel import LabelingPanel

        return LabelingPanel(slicer.mrmlScene, slicer.app.applicationLogic(), slicer.app.layoutManager())


class AnnotationQATest(ScriptedLoadableModuleTest):
    """The tests that run inside Slicer are in Testing/Slicer; Reload and Test makes a practice project and opens it."""

    def runTest(self) -> None:
        """Run the test of this file."""
        slicer.mrmlScene.Clear()
        self.test_practice_project_opens()

    def test_practice_project_opens(self) -> None:
        """The button in Sample Data leads to a worklist."""
        from AnnotationQALib.widgets.practice import open_practice

        open_practice()
        panel = slicer.util.getModuleWidget("AnnotationQA").panel
        panel.busy.finish()
        if panel.session is None or panel.worklist.ui.table.rowCount == 0:
            self.fail(f"no worklist: {panel.ui.messageLabel.text}")
        panel.projects.close()

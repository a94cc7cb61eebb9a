"""Slicer module "De-identify Study": registration only; the panel is in DeidentifyStudyLib."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel

__all__ = ["DeidentifyStudy", "DeidentifyStudyTest", "DeidentifyStudyWidget"]


class DeidentifyStudy(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("De-identify Study")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Annotation QA")]
        parent.dependencies = []
        parent.contributors = ["The AnnotationQA developers"]
        parent.helpText = _(
            "De-identifies whole DICOM studies so that they may leave the clinic: every object is written and "
            "verified, or left out for a reason that the report names. Choose the studies, a profile, a folder for the "
            "result and a key; look at the preview; start. Objects that may show burned-in text wait for your review. "
            "The source is only read, and nothing that identifies a patient goes into Slicer's log, scene or recent "
            "files."
        )
        parent.acknowledgementText = _(
            "Rules: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile and its options."
        )


class DeidentifyStudyWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Places the panel and passes on what Slicer tells."""

    def __init__(self, parent: Any = None) -> None:
        VTKObservationMixin.__init__(self)
        self.panel: DeidentifyStudyPanel | None = None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        """Make the panel; what it needs is imported only now, so that Slicer starts as fast as without it."""
        from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel

        ScriptedLoadableModuleWidget.setup(self)
        self.panel = DeidentifyStudyPanel(Path(self.resourcePath("")))
        self.layout.addWidget(self.panel.widget)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.EndCloseEvent, self._scene_closed)

    def enter(self) -> None:
        """The module is shown."""
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        """Another module is shown."""
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self) -> None:
        """The module goes away."""
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
            self.panel = None

    def _scene_closed(self, *_event: Any) -> None:
        if self.panel is not None:
            self.panel.scene_closed()


class DeidentifyStudyTest(ScriptedLoadableModuleTest):
    """The tests that run inside Slicer are in Testing/Slicer; Reload and Test runs this."""

    def runTest(self) -> None:
        """Show that the module makes its panel."""
        slicer.util.selectModule("DeidentifyStudy")
        widget = slicer.modules.DeidentifyStudyWidget
        self.assertIsNotNone(widget.panel)  # noqa: PT009  # unittest, inside Slicer
        self.assertFalse(widget.panel.run.is_active)  # noqa: PT009

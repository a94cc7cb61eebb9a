"""The place of a panel in Slicer's window."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from AnnotationQALib.widgets.guard import guarded

__all__ = ["PanelModuleWidget"]


class PanelModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Passes on to a panel what Slicer tells a module; the panel does the work.

    Attributes
    ----------
    panel : object
        With ``widget``, ``enter``, ``exit``, ``scene_closes`` and ``cleanup``; None before and after its life.
    """

    def __init__(self, parent: Any = None) -> None:
        VTKObservationMixin.__init__(self)
        self.panel: Any = None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def make_panel(self) -> Any:
        """The panel; imports what it needs only now, so that Slicer starts as fast as without it."""
        raise NotImplementedError

    def setup(self) -> None:
        """The module is shown for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        self.panel = self.make_panel()
        self.layout.addWidget(self.panel.widget)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.StartCloseEvent, self._scene_closes)

    @guarded
    def enter(self) -> None:
        """The module is shown."""
        if self.panel is not None:
            self.panel.enter()

    @guarded
    def exit(self) -> None:
        """Another module is shown."""
        if self.panel is not None:
            self.panel.exit()

    @guarded
    def cleanup(self) -> None:
        """The module goes away."""
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
            self.panel = None

    @guarded
    def _scene_closes(self, *_event: Any) -> None:
        if self.panel is not None:
            self.panel.scene_closes()

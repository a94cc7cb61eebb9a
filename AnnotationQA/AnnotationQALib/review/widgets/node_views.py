"""Shows tables and charts of the scene in Slicer's views."""

from __future__ import annotations

from typing import Any

import slicer

__all__ = ["NodeViews"]


class NodeViews:
    """The table view and the plot view.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    """

    def __init__(self, scene: Any, application_logic: Any) -> None:
        self._scene = scene
        self._application_logic = application_logic

    def show_table(self, node: Any) -> None:
        """Show a table node in a table view."""
        selection = self._application_logic.GetSelectionNode()
        if selection is not None:
            self._show_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
            selection.SetActiveTableID(node.GetID())
            self._application_logic.PropagateTableSelection()

    def show_chart(self, node: Any) -> None:
        """Show a chart node in a plot view."""
        selection = self._application_logic.GetSelectionNode()
        if selection is not None:
            self._show_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
            selection.SetActivePlotChartID(node.GetID())
            self._application_logic.PropagatePlotChartSelection()

    def _show_layout(self, number: int) -> None:
        node = self._scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if node is not None:
            node.SetViewArrangement(number)

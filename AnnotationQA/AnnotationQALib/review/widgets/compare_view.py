"""Pick images and segmentations of the scene, and compare: no project is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQALib.review.reading_nodes import READ_ONLY
from AnnotationQALib.review.result_node import RESULT_NAME
from AnnotationQALib.review.time_points import volume_of
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["CompareView"]

NODE_ID = qt.Qt.UserRole


class CompareView:
    """The segmentations of the scene with ticks.

    Parameters
    ----------
    scene : vtkMRMLScene
    on_compare : callable
        Called with the volume node or None, the ticked segmentation nodes, and whether they are time points.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, scene: Any, on_compare: Callable[[Any, Sequence[Any], bool], None]) -> None:
        self.widget, self.ui = load_ui("ReviewCompare.ui")
        self._scene = scene
        self._on_compare = on_compare
        self._unticked: set[str] = set()
        self._volume_chosen = False
        self._proposing = False
        self.ui.volumeCombo.setMRMLScene(scene)
        connect(self.ui.volumeCombo, "currentNodeChanged(vtkMRMLNode*)", self._volume_was_chosen)
        connect(self.ui.segmentationList, "itemChanged(QListWidgetItem*)", lambda _item: self._ticked())
        connect(self.ui.ownImagesCheck, "toggled(bool)", lambda _on: self._enable())
        connect(self.ui.compareNowButton, "clicked()", self._compare)
        self.refresh()

    def refresh(self) -> None:
        """List the segmentations that the scene has now; new ones are ticked, and their images are chosen."""
        nodes = self._segmentations()
        known = self.ui.segmentationList
        known.blockSignals(True)
        known.clear()
        for node in nodes:
            row = qt.QListWidgetItem(node.GetName())
            row.setData(NODE_ID, node.GetID())
            row.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled)
            row.setCheckState(qt.Qt.Unchecked if node.GetID() in self._unticked else qt.Qt.Checked)
            count = node.GetSegmentation().GetNumberOfSegments()
            row.setToolTip(_("{name}: {count} segments").format(name=node.GetName(), count=count))
            known.addItem(row)
        known.blockSignals(False)
        if not self._volume_chosen:
            self._propose_volume(nodes)
        self._enable()

    @property
    def ticked(self) -> tuple[Any, ...]:
        """The segmentation nodes that are to be compared."""
        rows = (self.ui.segmentationList.item(number) for number in range(self.ui.segmentationList.count))
        ids = [str(row.data(NODE_ID)) for row in rows if row.checkState() == qt.Qt.Checked]
        nodes = (self._scene.GetNodeByID(node_id) for node_id in ids)
        return tuple(node for node in nodes if node is not None)

    def _segmentations(self) -> list[Any]:
        count = self._scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
        nodes = [self._scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode") for number in range(count)]
        return [
            node
            for node in nodes
            if not node.GetHideFromEditors()
            and node.GetAttribute(READ_ONLY) is None
            and node.GetAttribute(RESULT_NAME) is None
        ]

    def _propose_volume(self, nodes: Sequence[Any]) -> None:
        """The images on which the segmentations were drawn, else the first of the scene."""
        drawn_on = [volume for volume in map(volume_of, nodes) if volume is not None]
        first = self._scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
        proposed = drawn_on[0] if drawn_on else first
        if proposed is not None:
            self._proposing = True
            self.ui.volumeCombo.setCurrentNode(proposed)
            self._proposing = False

    def _volume_was_chosen(self, node: Any) -> None:
        if not self._proposing:
            self._volume_chosen = node is not None

    def _ticked(self) -> None:
        rows = (self.ui.segmentationList.item(number) for number in range(self.ui.segmentationList.count))
        self._unticked = {str(row.data(NODE_ID)) for row in rows if row.checkState() != qt.Qt.Checked}
        self._enable()

    def _compare(self) -> None:
        times = bool(self.ui.ownImagesCheck.checked)
        self._on_compare(None if times else self.ui.volumeCombo.currentNode(), self.ticked, times)

    def _enable(self) -> None:
        ticked = len(self.ticked)
        times = bool(self.ui.ownImagesCheck.checked)
        self.ui.volumeRow.visible = not times
        reason = ""
        has_segmentations = bool(self._segmentations())
        self.ui.segmentationList.visible = has_segmentations
        self.ui.ownImagesCheck.visible = has_segmentations
        if not has_segmentations:
            reason = _("Load two or more segmentations first, or try the example in Sample Data.")
        elif ticked < 2:
            reason = _("Tick two or more segmentations.")
        self.ui.reasonLabel.text = reason
        self.ui.reasonLabel.visible = bool(reason)
        self.ui.compareNowButton.enabled = not reason
        self.ui.compareNowButton.toolTip = reason or _("Show the ticked segmentations side by side")
        self.ui.compareNowButton.text = _("Compare {number}").format(number=ticked) if ticked > 1 else _("Compare")

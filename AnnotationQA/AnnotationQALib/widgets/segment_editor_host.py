"""Slicer's Segment Editor inside the form, set up for the item that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from AnnotationQALib.logic.masking import MaskingRules, apply_masking
from AnnotationQALib.widgets.guard import connect

__all__ = ["SegmentEditorHost"]

NODE_TAG = "AnnotationQA"
"""Singleton tag of our own parameters, so that those of the module Segment Editor stay as the user left them."""

UNDO_STATES = 10


class SegmentEditorHost:
    """Makes the editor when it is first needed, and leaves nothing of it behind in the views.

    Parameters
    ----------
    layout : QLayout
        Where the editor is put.
    on_segment_selected : callable
        Called with the ID of a segment that the reader has selected in the editor.
    tag : str
        Singleton tag of the editor's parameters.

    Attributes
    ----------
    editor : qMRMLSegmentEditorWidget or None
        None before a segmentation was drawn in this session.
    """

    def __init__(self, layout: Any, on_segment_selected: Callable[[str], None], tag: str = NODE_TAG) -> None:
        self._tag = tag
        self._layout = layout
        self._on_segment_selected = on_segment_selected
        self._scene: Any = None
        self._node: Any = None
        self._has_shortcuts = False
        self._showing = False
        self.editor: Any = None

    @property
    def is_shown(self) -> bool:
        """Whether the editor is at work on a segment."""
        return self.editor is not None and not self.editor.isHidden()

    def show(self, scene: Any, segmentation: Any, volume: Any, segment_id: str, masking: MaskingRules | None) -> None:
        """Edit a segment on a volume, masked as the protocol wants it."""
        if self.editor is None:
            self.editor = self._made()
        self._showing = True
        self._set_scene(scene)
        self.editor.setSegmentationNode(segmentation)
        self.editor.setSourceVolumeNode(volume)
        self.editor.setCurrentSegmentID(segment_id)
        self._showing = False
        if masking is not None:
            image = volume.GetImageData()
            apply_masking(self._node, masking, image.GetScalarRange() if image is not None else (0.0, 0.0))
        self.editor.setVisible(True)
        self.take_keys()

    def hide(self) -> None:
        """Put the tool down and hide the editor."""
        if self.editor is not None:
            self.editor.setActiveEffect(None)
            self._give_keys_back()
            self.editor.setVisible(False)

    def take_keys(self) -> None:
        """Let the keys of the Segment Editor work, while a segment is edited."""
        if self.is_shown and not self._has_shortcuts:
            self.editor.setupViewObservations()
            self.editor.installKeyboardShortcuts(slicer.util.mainWindow() or self.editor.window())
            self._has_shortcuts = True

    def leave(self) -> None:
        """The module is left, or the scene closes: no tool, no keys, no observation of the views stays."""
        if self.editor is not None:
            self.editor.setActiveEffect(None)
            self._give_keys_back()
            self.editor.removeViewObservations()

    def forget_nodes(self) -> None:
        """Let go of the segmentation before it leaves the scene."""
        if self.editor is not None:
            self.leave()
            self._showing = True
            self.editor.setSourceVolumeNode(None)  # first: without a segmentation the editor keeps it
            self.editor.setSegmentationNode(None)
            self._showing = False
            self.editor.setVisible(False)

    def forget_scene(self) -> None:
        """The scene closes: its parameter node goes with it."""
        self.forget_nodes()
        if self.editor is not None:
            self.editor.setMRMLSegmentEditorNode(None)
        self._node = None

    def _made(self) -> Any:
        editor = slicer.qMRMLSegmentEditorWidget()
        editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        editor.setSegmentationNodeSelectorVisible(False)
        editor.setSourceVolumeNodeSelectorVisible(False)
        editor.setAddRemoveSegmentButtonsVisible(False)
        editor.setSwitchToSegmentationsButtonVisible(False)
        editor.setSpecifyGeometryButtonVisible(False)
        editor.setAutoShowSourceVolumeNode(False)
        connect(editor, "currentSegmentIDChanged(QString)", self._selected)
        self._layout.addWidget(editor)
        return editor

    def _set_scene(self, scene: Any) -> None:
        """The parameter node comes first, so that the editor writes its choices into ours."""
        if self._node is None or self._scene is not scene or not scene.IsNodePresent(self._node):
            node = scene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
            if node is None:
                node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
                node.UnRegister(None)
                node.SetSingletonTag(self._tag)
                node.SaveWithSceneOff()
                node = scene.AddNode(node)
            self._node, self._scene = node, scene
            self.editor.setMRMLSegmentEditorNode(node)
            self.editor.setMRMLScene(scene)

    def _give_keys_back(self) -> None:
        if self._has_shortcuts:
            self.editor.uninstallKeyboardShortcuts()
            self._has_shortcuts = False

    def _selected(self, segment_id: str) -> None:
        if segment_id and not self._showing:
            self._on_segment_selected(segment_id)

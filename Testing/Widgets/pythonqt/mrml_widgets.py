"""Bodies of Slicer's own widgets: they know the scene and the nodes that they are given, and say when these change.

Nodes are the real ones of the slicer-core wheel. Nothing is rendered, and the Segment Editor has no effects: it keeps
what it was told, so that a test can ask.
"""

from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Property, QObject, Qt, Signal, qCritical
from PySide6.QtWidgets import QWidget

__all__ = ["NATIVES"]


def _flag(name: str, default: bool) -> tuple[Property, Any]:
    """A Boolean property and its setter."""

    def getter(self: Any) -> bool:
        return bool(self.__dict__.get("_" + name, default))

    def setter(self: Any, value: bool) -> None:
        self.__dict__["_" + name] = bool(value)

    return Property(bool, getter, setter), setter


def _said(name: str, default: Any) -> tuple[Any, Any]:
    """Getter and setter of what a module says of itself."""
    return (lambda self: self._said.get(name, default)), (lambda self, value: self._said.__setitem__(name, value))


class _SceneWidget(QWidget):
    """Base of all that has a scene."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[argument for argument in arguments if isinstance(argument, QWidget)])
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self._scene_set()
        self.mrmlSceneChanged.emit(scene)

    def _scene_set(self) -> None:
        """What the widget does with a new scene."""


class qMRMLWidget(_SceneWidget):
    """A widget that hands its scene on."""


class qSlicerWidget(_SceneWidget):
    """The same, of Slicer's base library."""


class qMRMLNodeComboBox(_SceneWidget):
    """A combo box with the nodes of a scene that are of the given classes."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeEdited = Signal(object)

    addEnabled, _ = _flag("addEnabled", True)
    editEnabled, _ = _flag("editEnabled", False)
    removeEnabled, _ = _flag("removeEnabled", True)
    renameEnabled, _ = _flag("renameEnabled", False)
    selectNodeUponCreation, _ = _flag("selectNodeUponCreation", True)
    showHidden, _ = _flag("showHidden", False)
    showChildNodeTypes, _ = _flag("showChildNodeTypes", True)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._combo = QtWidgets.QComboBox()
        layout.addWidget(self._combo)
        self._combo.currentIndexChanged.connect(self._changed)
        self._types: list[str] = []
        self._hidden_types: list[str] = []
        self._none_enabled = False
        self._none_display = ""
        self._base_name = ""
        self._attributes: list[tuple[str, str, Any]] = []
        self._tags: list[tuple[int, Any]] = []
        self._last = ""

    def _scene_set(self) -> None:
        for tag, scene in self._tags:
            scene.RemoveObserver(tag)
        events = (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent)
        scene = self._scene
        self._tags = [(scene.AddObserver(e, lambda *_: self._refill()), scene) for e in events] if scene else []
        self._refill()

    def _refill(self) -> None:
        if not shiboken6.isValid(self):  # the scene outlives the widget
            return
        current = self._id()
        self._combo.blockSignals(True)
        self._combo.clear()
        if self._none_enabled:
            self._combo.addItem(self._none_display or "None", "")
        for node in self._nodes():
            self._combo.addItem(node.GetName() or node.GetID(), node.GetID())
        index = self._combo.findData(current)
        self._combo.setCurrentIndex(max(index, 0) if self._combo.count() else -1)
        self._combo.blockSignals(False)
        self._changed()

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        found = []
        for number in range(self._scene.GetNumberOfNodes()):
            node = self._scene.GetNthNode(number)
            shown = any(node.IsA(name) for name in self._types) and node.GetClassName() not in self._hidden_types
            if (
                shown
                and not node.GetHideFromEditors()
                and all(
                    node.GetAttribute(name) is not None and (value is None or node.GetAttribute(name) == str(value))
                    for kind, name, value in self._attributes
                    if node.IsA(kind)
                )
            ):
                found.append(node)
        return found

    def _id(self) -> str:
        return self._combo.currentData() or ""

    def _changed(self, *_: Any) -> None:
        if self._id() != self._last:
            self._last = self._id()
            self.currentNodeIDChanged.emit(self._last)
            self.currentNodeChanged.emit(self.currentNode())

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._id()) if self._scene and self._id() else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node.GetID() if node else "")

    def setCurrentNodeID(self, node_id: str) -> None:
        self._combo.setCurrentIndex(self._combo.findData(node_id or ""))
        self._changed()

    def nodeCount(self) -> int:
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes()[index]

    def addAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._attributes.append((kind, name, value))
        self._refill()

    def addNode(self, kind: str = "") -> Any:
        node = self._scene.AddNewNodeByClass(kind or self._types[0], self._base_name)
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self.currentNode())

    def _set_types(self, types: list[str]) -> None:
        self._types = list(types)
        self._refill()

    def _set_hidden_types(self, types: list[str]) -> None:
        self._hidden_types = list(types)
        self._refill()

    def _set_none_enabled(self, enabled: bool) -> None:
        self._none_enabled = enabled
        self._refill()

    def _set_none_display(self, text: str) -> None:
        self._none_display = text
        self._refill()

    nodeTypes = Property("QStringList", lambda self: self._types, _set_types)
    hideChildNodeTypes = Property("QStringList", lambda self: self._hidden_types, _set_hidden_types)
    noneEnabled = Property(bool, lambda self: self._none_enabled, _set_none_enabled)
    noneDisplay = Property(str, lambda self: self._none_display, _set_none_display)
    baseName = Property(str, lambda self: self._base_name, lambda self, value: setattr(self, "_base_name", value))
    currentNodeID = Property(str, lambda self: self._id(), setCurrentNodeID, notify=currentNodeIDChanged)


class qMRMLSegmentsTableView(_SceneWidget):
    """A table with the segments of a segmentation."""

    selectionChanged = Signal(object, object)
    segmentAboutToBeModified = Signal(str)
    readOnly, setReadOnly = _flag("readOnly", False)
    headerVisible, setHeaderVisible = _flag("headerVisible", True)
    visibilityColumnVisible, setVisibilityColumnVisible = _flag("visibilityColumnVisible", True)
    colorColumnVisible, setColorColumnVisible = _flag("colorColumnVisible", True)
    opacityColumnVisible, setOpacityColumnVisible = _flag("opacityColumnVisible", True)
    statusColumnVisible, setStatusColumnVisible = _flag("statusColumnVisible", False)
    layerColumnVisible, setLayerColumnVisible = _flag("layerColumnVisible", False)
    filterBarVisible, setFilterBarVisible = _flag("filterBarVisible", False)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._selected: list[str] = []

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._node = node

    def _ids(self) -> list[str]:
        if self._node is None:
            return []
        names = vtk.vtkStringArray()
        self._node.GetSegmentation().GetSegmentIDs(names)
        return [names.GetValue(index) for index in range(names.GetNumberOfValues())]

    def displayedSegmentIDs(self) -> list[str]:
        return self._ids()

    def selectedSegmentIDs(self) -> list[str]:
        return [segment for segment in self._selected if segment in self._ids()]

    def setSelectedSegmentIDs(self, ids: list[str]) -> None:
        self._selected = list(ids)
        self.selectionChanged.emit(None, None)

    segmentCount = Property(int, lambda self: len(self._ids()))


class qMRMLSegmentSelectorWidget(_SceneWidget):
    """Combo boxes for a segmentation and one of its segments."""

    currentNodeChanged = Signal(object)
    currentSegmentChanged = Signal(str)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._segment = ""

    def currentNode(self) -> Any:
        return self._node

    def currentNodeID(self) -> str:
        return self._node.GetID() if self._node else ""

    def setCurrentNode(self, node: Any) -> None:
        self._node = node
        self.currentNodeChanged.emit(node)

    def currentSegmentID(self) -> str:
        return self._segment

    def setCurrentSegmentID(self, segment: str) -> None:
        self._segment = segment
        self.currentSegmentChanged.emit(segment)


class qMRMLSegmentEditorWidget(_SceneWidget):
    """The Segment Editor without effects: all that it is told stands in its parameter node, as in Slicer."""

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    masterVolumeNodeChanged = Signal(object)
    readOnly, setReadOnly = _flag("readOnly", False)
    maskingSectionVisible, setMaskingSectionVisible = _flag("maskingSectionVisible", True)
    addRemoveSegmentButtonsVisible, setAddRemoveSegmentButtonsVisible = _flag("addRemoveSegmentButtonsVisible", True)
    segmentationNodeSelectorVisible, setSegmentationNodeSelectorVisible = _flag("segmentationNodeSelectorVisible", True)
    sourceVolumeNodeSelectorVisible, setSourceVolumeNodeSelectorVisible = _flag("sourceVolumeNodeSelectorVisible", True)
    specifyGeometryButtonVisible, setSpecifyGeometryButtonVisible = _flag("specifyGeometryButtonVisible", True)
    show3DButtonVisible, setShow3DButtonVisible = _flag("show3DButtonVisible", True)
    switchToSegmentationsButtonVisible, setSwitchToSegmentationsButtonVisible = _flag(
        "switchToSegmentationsButtonVisible", True
    )
    autoShowSourceVolumeNode, setAutoShowSourceVolumeNode = _flag("autoShowSourceVolumeNode", True)
    unorderedEffectsVisible, _ = _flag("unorderedEffectsVisible", True)
    undoEnabled, setUndoEnabled = _flag("undoEnabled", True)
    jumpToSelectedSegmentEnabled, setJumpToSelectedSegmentEnabled = _flag("jumpToSelectedSegmentEnabled", False)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._editor_node: Any = None
        self._order: list[str] = []
        self._columns = 2
        self._undo_states = 10
        self.shortcutsInstalled = False
        self.viewsObserved = False

    def mrmlSegmentEditorNode(self) -> Any:
        return self._editor_node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._editor_node = node

    def segmentationNode(self) -> Any:
        return self._editor_node.GetSegmentationNode() if self._editor_node is not None else None

    def segmentationNodeID(self) -> str:
        return self.segmentationNode().GetID() if self.segmentationNode() is not None else ""

    def setSegmentationNode(self, node: Any) -> None:
        if self._editor_node is None:
            if node is not None:
                qCritical("SetSegmentationNode: need to set segment editor node first")
        elif node is not self.segmentationNode():
            self._editor_node.SetAndObserveSegmentationNode(node)
            self.setActiveEffect(None)
            self.segmentationNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._editor_node.GetSourceVolumeNode() if self._editor_node is not None else None

    def sourceVolumeNodeID(self) -> str:
        return self.sourceVolumeNode().GetID() if self.sourceVolumeNode() is not None else ""

    def setSourceVolumeNode(self, node: Any) -> None:
        """Without a segmentation nothing is set, not even None."""
        if self.segmentationNode() is None:
            if node is not None:
                qCritical("SetSourceVolumeNode: need to set segment editor and segmentation nodes first")
        elif node is not self.sourceVolumeNode():
            self._editor_node.SetAndObserveSourceVolumeNode(node)
            self.sourceVolumeNodeChanged.emit(node)

    def currentSegmentID(self) -> str:
        return (self._editor_node.GetSelectedSegmentID() or "") if self._editor_node is not None else ""

    def setCurrentSegmentID(self, segment: str) -> None:
        """Nobody is told: the signal comes when a person selects a row, as by `select_segment`."""
        if self._editor_node is not None:
            self._editor_node.SetSelectedSegmentID(segment)

    def select_segment(self, segment: str) -> None:
        """As a person who clicks on a segment in the editor's table; no method of Slicer's."""
        if segment != self.currentSegmentID():
            self.setCurrentSegmentID(segment)
            self.currentSegmentIDChanged.emit(segment)

    @property
    def _effect(self) -> str:
        """Name of the active effect."""
        return (self._editor_node.GetActiveEffectName() or "") if self._editor_node is not None else ""

    def activeEffect(self) -> None:
        return None

    def setActiveEffect(self, effect: Any) -> None:
        self.setActiveEffectByName("")

    def setActiveEffectByName(self, name: str) -> None:
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(name)
        elif name:
            qCritical("setActiveEffect: Invalid segment editor parameter set node")

    def updateEffectList(self) -> None:
        """Nothing to update."""

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._order = list(names)

    def effectNameOrder(self) -> list[str]:
        return self._order

    def availableEffectNames(self) -> list[str]:
        return self._order

    def setEffectColumnCount(self, count: int) -> None:
        self._columns = count

    effectColumnCount = Property(int, lambda self: self._columns, setEffectColumnCount)

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self._undo_states = count

    maximumNumberOfUndoStates = Property(int, lambda self: self._undo_states, setMaximumNumberOfUndoStates)

    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        self.shortcutsInstalled = True

    def uninstallKeyboardShortcuts(self) -> None:
        self.shortcutsInstalled = False

    def setupViewObservations(self) -> None:
        self.viewsObserved = True

    def removeViewObservations(self) -> None:
        self.viewsObserved = False

    def updateWidgetFromMRML(self) -> None:
        """Nothing to update."""


class qMRMLSequenceBrowserPlayWidget(_SceneWidget):
    """Buttons that step through the real browser node; nothing plays by itself."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._browser: Any = None
        self.recordingControlsVisible = False
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        steps = (("|<", self.onVcrFirst), ("<", self.onVcrPrevious), ("▶", self.onVcrPlayPause))
        for text, act in (*steps, (">", self.onVcrNext), (">|", self.onVcrLast)):
            button = QtWidgets.QPushButton(text)
            button.setMaximumWidth(34)
            button.clicked.connect(act)
            layout.addWidget(button)
        self._rate = QtWidgets.QDoubleSpinBox()
        self._rate.setSuffix(" fps")
        self._rate.setMinimum(0.1)
        self._rate.valueChanged.connect(self.setPlaybackRateFps)
        layout.addWidget(self._rate)

    def setMRMLSequenceBrowserNode(self, node: Any) -> None:
        self._browser = node
        self.setEnabled(node is not None)
        if node is not None:
            self._rate.setValue(node.GetPlaybackRateFps())

    def setPlaybackEnabled(self, enabled: bool) -> None:
        self._browser.SetPlaybackActive(enabled)

    def setPlaybackLoopEnabled(self, enabled: bool) -> None:
        self._browser.SetPlaybackLooped(enabled)

    def setPlaybackRateFps(self, rate: float) -> None:
        self._browser.SetPlaybackRateFps(rate)

    def setRecordingControlsVisible(self, visible: bool) -> None:
        self.recordingControlsVisible = visible

    def onVcrFirst(self) -> None:
        self._browser.SelectFirstItem()

    def onVcrPrevious(self) -> None:
        self._browser.SelectNextItem(-1)

    def onVcrNext(self) -> None:
        self._browser.SelectNextItem(1)

    def onVcrLast(self) -> None:
        self._browser.SelectLastItem()

    def onVcrPlayPause(self) -> None:
        self.setPlaybackEnabled(not self._browser.GetPlaybackActive())


class qMRMLSequenceBrowserSeekWidget(_SceneWidget):
    """A slider over the items of the real browser node."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._browser: Any = None
        self._tag = 0
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(Qt.Orientation.Horizontal)
        self._label = QtWidgets.QLabel()
        layout.addWidget(self._slider)
        layout.addWidget(self._label)
        self._slider.valueChanged.connect(self.setSelectedItemNumber)

    def slider(self) -> QtWidgets.QSlider:
        return self._slider

    def setMRMLSequenceBrowserNode(self, node: Any) -> None:
        if self._browser is not None:
            self._browser.RemoveObserver(self._tag)
        self._browser = node
        if node is not None:
            self._tag = node.AddObserver("ModifiedEvent", lambda *_: self._show())
            self._show()

    def setSelectedItemNumber(self, number: int) -> None:
        if self._browser is not None:
            self._browser.SetSelectedItemNumber(number)

    def _show(self) -> None:
        self._slider.blockSignals(True)
        self._slider.setMaximum(max(self._browser.GetNumberOfItems() - 1, 0))
        self._slider.setValue(self._browser.GetSelectedItemNumber())
        self._slider.blockSignals(False)
        sequence, number = self._browser.GetMasterSequenceNode(), self._browser.GetSelectedItemNumber()
        shown = sequence is not None and 0 <= number < sequence.GetNumberOfDataNodes()
        self._label.setText(sequence.GetNthIndexValue(number) if shown else "")


class qSlicerMarkupsPlaceWidget(_SceneWidget):
    """Buttons that place points: the real node, and whether placing is on."""

    activeMarkupsPlaceModeChanged = Signal(bool)
    placeMultipleMarkups = Property(
        int, lambda self: self._multiple, lambda self, value: setattr(self, "_multiple", value)
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._placing = False
        self._multiple = 0
        self._place = QtWidgets.QToolButton(self)
        self._delete = QtWidgets.QToolButton(self)

    def currentNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        self._node = node

    def placeButton(self) -> QtWidgets.QToolButton:
        return self._place

    def deleteButton(self) -> QtWidgets.QToolButton:
        return self._delete

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if enabled != self._placing:
            self._placing = enabled
            self.activeMarkupsPlaceModeChanged.emit(enabled)

    placeModeEnabled = Property(bool, lambda self: self._placing, setPlaceModeEnabled)
    buttonsVisible, setButtonsVisible = _flag("buttonsVisible", True)


class qMRMLSliceView(_SceneWidget):
    """The place where a slice would be drawn."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._slice_node: Any = None

    def mrmlSliceNode(self) -> Any:
        return self._slice_node

    def setMRMLSliceNode(self, node: Any) -> None:
        self._slice_node = node

    def forceRender(self) -> None:
        """Nothing is drawn."""

    def scheduleRender(self) -> None:
        """Nothing is drawn."""


class qMRMLSliceControllerWidget(_SceneWidget):
    """The bar above a slice view."""


class qMRMLSliceWidget(_SceneWidget):
    """A slice view with the real slice logic, slice node and composite node."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._view = qMRMLSliceView(self)
        self._controller = qMRMLSliceControllerWidget(self)
        self._logic: Any = None
        self._node: Any = None

    def show_slice(self, scene: Any, application_logic: Any, name: str) -> None:
        """Make the nodes and the logic of the view called `name`."""
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.AddSliceNode(name)
        application_logic.GetSliceLogics().AddItem(self._logic)
        self.setMRMLScene(scene)
        self._view.setMRMLScene(scene)
        self._view.setMRMLSliceNode(self._node)

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._controller

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._node

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToAll()


class qMRMLThreeDView(_SceneWidget):
    """A 3D view with a real camera node. As in Slicer, models are in it only after it has rendered."""

    _AXES = ("Left", "Right", "Posterior", "Anterior", "Inferior", "Superior")  # -x, +x, -y, +y, -z, +z

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._camera: Any = None
        self._renderer = vtk.vtkRenderer()  # without a window: it knows where things are, and draws nothing

    def mrmlViewNode(self) -> Any:
        return self._node

    def cameraNode(self) -> Any:
        if self._camera is None or self._camera.GetScene() is None:
            self._camera = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode")
        return self._camera

    def forceRender(self) -> None:
        self._renderer.RemoveAllViewProps()
        for number in range(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLModelNode")):
            model = slicer.mrmlScene.GetNthNodeByClass(number, "vtkMRMLModelNode")
            if model.GetDisplayVisibility() and model.GetPolyData() is not None:
                mapper, actor = vtk.vtkPolyDataMapper(), vtk.vtkActor()
                mapper.SetInputData(model.GetPolyData())
                actor.SetMapper(mapper)
                self._renderer.AddActor(actor)

    def resetFocalPoint(self) -> None:
        """The camera looks at the middle from where it is, so that it is turned."""
        bounds = self._renderer.ComputeVisiblePropBounds()
        self.cameraNode().SetFocalPoint([(bounds[axis] + bounds[axis + 1]) / 2 for axis in (0, 2, 4)])

    def resetCamera(self, rotation: bool = True, translation: bool = True, distance: bool = True) -> None:
        """A reset of the rotation takes the axis along which the camera lies farthest from the origin."""
        self.cameraNode().Reset(rotation, translation, distance, self._renderer)

    def rotateToViewAxis(self, axis: int) -> None:
        camera = self.cameraNode()
        camera.RotateTo(getattr(slicer.vtkMRMLCameraNode, self._AXES[axis]))


class qMRMLThreeDWidget(_SceneWidget):
    """A 3D view with its real view node."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._view = qMRMLThreeDView(self)

    def threeDView(self) -> qMRMLThreeDView:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()


class qSlicerLayoutManager(QObject):
    """Slice views by name; makes each when it is first asked for, in the scene of the application."""

    layoutChanged = Signal(int)

    def __init__(self, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._scene = scene
        self._logic = application_logic
        self._layout = int(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self._slices: dict[str, qMRMLSliceWidget] = {}
        self._three_d = qMRMLThreeDWidget()
        for name in ("Red", "Green", "Yellow"):
            self.sliceWidget(name)

    def mrmlScene(self) -> Any:
        return self._scene

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget:
        if name not in self._slices:
            widget = qMRMLSliceWidget()
            widget.show_slice(self._scene, self._logic, name)
            self._slices[name] = widget
        return self._slices[name]

    def threeDWidget(self, index: int) -> qMRMLThreeDWidget:
        return self._three_d

    def setLayout(self, layout: int) -> None:
        if layout != self._layout:
            self._layout = layout
            self.layoutChanged.emit(layout)

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def pauseRender(self) -> None:
        """Nothing is drawn."""

    def resumeRender(self) -> None:
        """Nothing is drawn."""

    def setRenderPaused(self, paused: bool) -> None:
        """Nothing is drawn."""

    layout = Property(int, lambda self: self._layout, setLayout)
    threeDViewCount = Property(int, lambda self: 1)


class qSlicerScriptedLoadableModule(QObject):
    """What a module says of itself: the `parent` that its class is given."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__()
        self._said: dict[str, Any] = {}

    title = Property(str, *_said("title", ""))
    path = Property(str, *_said("path", ""))
    helpText = Property(str, *_said("helpText", ""))
    acknowledgementText = Property(str, *_said("acknowledgementText", ""))
    categories = Property("QStringList", *_said("categories", []))
    contributors = Property("QStringList", *_said("contributors", []))
    dependencies = Property("QStringList", *_said("dependencies", []))
    associatedNodeTypes = Property("QStringList", *_said("associatedNodeTypes", []))
    hidden = Property(bool, *_said("hidden", False))
    index = Property(int, *_said("index", -1))
    icon = Property("QIcon", *_said("icon", None))


class qSlicerModuleManager(QObject):
    """Only says when a module is unloaded."""

    moduleAboutToBeUnloaded = Signal(str)
    moduleLoaded = Signal(str)


NATIVES: dict[str, Any] = {
    native.__name__: native
    for native in (
        qMRMLNodeComboBox,
        qMRMLSegmentEditorWidget,
        qMRMLSegmentSelectorWidget,
        qMRMLSegmentsTableView,
        qMRMLSequenceBrowserPlayWidget,
        qMRMLSequenceBrowserSeekWidget,
        qMRMLSliceControllerWidget,
        qMRMLSliceView,
        qMRMLSliceWidget,
        qMRMLThreeDView,
        qMRMLThreeDWidget,
        qMRMLWidget,
        qSlicerLayoutManager,
        qSlicerMarkupsPlaceWidget,
        qSlicerModuleManager,
        qSlicerScriptedLoadableModule,
        qSlicerWidget,
    )
}
"""Body of each of Slicer's classes."""

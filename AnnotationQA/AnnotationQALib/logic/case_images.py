"""The image nodes of one case in a scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.dimensions import Dimension
from AnnotationQACore.segmentation import Volume
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.case_loading import DisplayRange, LoadedCase, LoadedSeries
from AnnotationQALib.logic.form import ImagePlace
from AnnotationQALib.logic.grids import matrix_from_grid
from AnnotationQALib.logic.image_plane import ImagePlane, flat_grid
from AnnotationQALib.logic.volumes import image_data, voxels_of

__all__ = ["CASE_ATTRIBUTE", "FLAT_ATTRIBUTE", "ROLE_ATTRIBUTE", "CaseImages", "PreparedCase", "prepare_images"]

CASE_ATTRIBUTE = "AnnotationQA.Case"
"""Attribute of every node of an open case; its value is the case's ID."""

USUAL_RATE, SLOWEST_RATE, FASTEST_RATE = 10.0, 2.0, 60.0
"""Frames per second."""

ROLE_ATTRIBUTE = "AnnotationQA.Role"
FLAT_ATTRIBUTE = "AnnotationQA.NoPatientGeometry"


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """The images of a case as VTK images, one for each time point; made on any thread, shown on the main thread."""

    loaded: LoadedCase
    images: Mapping[str, tuple[vtk.vtkImageData, ...]]


def prepare_images(loaded: LoadedCase) -> PreparedCase:
    """Copy the voxels into VTK images; the series shares those of a single volume, so that memory has them once."""
    images, shared = {}, []
    for series in loaded.series:
        made = tuple(image_data(frame) for frame in frames_of(series))
        images[series.role] = made
        if len(made) == 1 and series.series.grid is not None and not series.series.is_color:
            voxels = voxels_of(made[0])
            data = series.series
            voxels = voxels if data.dimension is None else voxels[np.newaxis]
            series = replace(series, series=replace(data, voxels=voxels))
        shared.append(series)
    return PreparedCase(replace(loaded, series=tuple(shared)), images)


class CaseImages:
    """Volume nodes of a case: a 3D image as one volume, a 2D image as one slice, time points as a sequence.

    Node names are the roles' titles, never a file or patient name. Nodes are made on the thread that calls `show`.

    Attributes
    ----------
    loaded : LoadedCase
    """

    def __init__(self, scene: slicer.vtkMRMLScene, prepared: PreparedCase, titles: Mapping[str, str]) -> None:
        loaded = prepared.loaded
        self.loaded = loaded
        self._images = prepared.images
        self._scene = scene
        self._nodes: dict[str, slicer.vtkMRMLVolumeNode] = {}
        self._browsers: dict[str, slicer.vtkMRMLSequenceBrowserNode] = {}
        self._owned: list[slicer.vtkMRMLNode] = []
        for series in loaded.series:
            self._show(series, titles.get(series.role, series.role))

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the series, in the order of the protocol."""
        return tuple(self._nodes)

    @property
    def flat_roles(self) -> tuple[str, ...]:
        """Roles of series without patient geometry."""
        return tuple(series.role for series in self.loaded.series if series.is_flat)

    def node(self, role: str) -> slicer.vtkMRMLVolumeNode:
        """Volume node of a role; raises `InputError` when the case has none."""
        if role not in self._nodes:
            raise InputError(
                worded(
                    "case '{case}': has no series of role '{role}'; choose another.",
                    case=self.loaded.case.id,
                    role=role,
                )
            )
        return self._nodes[role]

    def browser(self, role: str) -> slicer.vtkMRMLSequenceBrowserNode | None:
        """Sequence browser of a role with several time points; None otherwise."""
        return self._browsers.get(role)

    def modality(self, role: str) -> str:
        """DICOM modality of a role's series, such as "PT"; empty when nobody knows."""
        return self._series(role).series.modality

    def grid(self, role: str) -> Grid:
        """Grid of a role's volumes; of an image without patient geometry the one by which it is shown."""
        return _grid(self._series(role))

    def plane(self, role: str) -> ImagePlane | None:
        """Pixels of a role without patient geometry; None for one that has a place in the patient."""
        series = self._series(role)
        if not series.is_flat:
            return None
        grid = _grid(series)
        return ImagePlane((grid.spacing[1], grid.spacing[2]))

    def frame(self, role: str) -> int:
        """Time point that is shown, from 1; 1 for a role with one only."""
        browser = self.browser(role)
        return 1 if browser is None else int(browser.GetSelectedItemNumber()) + 1

    def show_frame(self, role: str, frame: int) -> None:
        """Show a time point, from 1."""
        browser = self.browser(role)
        if browser is not None:
            browser.SetSelectedItemNumber(min(max(frame, 1), frame_count(self._series(role))) - 1)

    def volume(self, role: str, frame: int = 1) -> Volume:
        """Voxels of a role's volume as they were read, without a copy; raises `InputError` for colour images."""
        series = self._series(role)
        if series.series.is_color:
            raise InputError(
                worded("series '{role}': is in colour and has no values to measure; choose another series.", role=role)
            )
        return Volume(frames_of(series)[frame - 1], _grid(series))

    def frame_count(self, role: str) -> int:
        """Number of time points of a role."""
        return frame_count(self._series(role))

    def image_places(self) -> tuple[ImagePlace, ...]:
        """Single images of the case, which items of scope "image" are asked about; slices and frames are not listed."""
        places = []
        for series in self.loaded.series:
            sources = [source for volume in series.series.sources for source in volume]
            if frame_count(series) * _grid(series).shape[0] == 1:
                uid = sources[0].instance_uid if sources else ""
                places.append(ImagePlace(series.role, uid or None))
        return tuple(places)

    def image_place(self, role: str, slice_index: int) -> ImagePlace:
        """The slice (from 0) of a role that is shown, as an image that items may be asked about."""
        sources = self._series(role).series.sources
        frame = self.frame(role)
        several = frame_count(self._series(role)) > 1
        volume = sources[frame - 1] if frame <= len(sources) else ()
        uid = volume[slice_index].instance_uid if slice_index < len(volume) else ""
        return ImagePlace(role, uid or None, frame if several else slice_index + 1)

    def stop_playing(self) -> None:
        """Stop all cines."""
        for browser in self._browsers.values():
            browser.SetPlaybackActive(False)

    def display_range(self, role: str, preset: str | None) -> DisplayRange | None:
        """Grey levels of a window preset for a role; None for colour."""
        windows = self._series(role).windows
        return windows.get(preset or "", windows.get(""))

    def owned(self) -> Iterator[slicer.vtkMRMLNode]:
        """All nodes that were made for the case."""
        yield from self._owned

    def remove(self) -> None:
        """Take the nodes out of the scene."""
        for node in reversed(self._owned):
            _remove(self._scene, node)
        self._owned.clear()
        self._nodes.clear()
        self._browsers.clear()

    def _series(self, role: str) -> LoadedSeries:
        series = self.loaded.of_role(role)
        if series is None:
            raise InputError(
                worded(
                    "case '{case}': has no series of role '{role}'; choose another.",
                    case=self.loaded.case.id,
                    role=role,
                )
            )
        return series

    def _show(self, series: LoadedSeries, title: str) -> None:
        frames = self._images[series.role]
        grid = _grid(series)
        node = self._scene.AddNode(self._volume_node(None, grid, series))
        node.SetName(title)
        self._own(node, series.role)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if isinstance(display, slicer.vtkMRMLScalarVolumeDisplayNode):
            # before there are voxels, of which MRML would make a histogram to choose grey levels
            apply_display_range(display, series.windows.get("", DisplayRange(0.0, 255.0)))
        node.SetAndObserveImageData(frames[0])
        if len(frames) > 1:
            self._make_sequence(node, frames, grid, series, title)
        self._nodes[series.role] = node

    def _make_sequence(
        self,
        proxy: slicer.vtkMRMLVolumeNode,
        frames: Sequence[vtk.vtkImageData],
        grid: Grid,
        series: LoadedSeries,
        title: str,
    ) -> None:
        sequence = self._scene.AddNewNodeByClass("vtkMRMLSequenceNode", title)
        sequence.SetIndexName("frame")
        sequence.SetIndexUnit("")
        sequence.SetIndexTypeFromString("text")
        for number, frame in enumerate(frames, start=1):
            sequence.SetDataNodeAtValue(self._volume_node(frame, grid, series), str(number))
        browser = self._scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", title)
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        made = browser.GetProxyNode(sequence)  # the sequences logic may have made one at once
        browser.AddProxyNode(proxy, sequence, False)
        if made is not None and made is not proxy:
            _remove(self._scene, made)
        browser.SetPlaybackRateFps(frames_per_second(series.series.dimension))
        for node in (sequence, browser):
            self._own(node, series.role)
        self._browsers[series.role] = browser

    def _volume_node(
        self, image: vtk.vtkImageData | None, grid: Grid, series: LoadedSeries
    ) -> slicer.vtkMRMLVolumeNode:
        color = series.series.is_color
        node = slicer.vtkMRMLVectorVolumeNode() if color else slicer.vtkMRMLScalarVolumeNode()
        node.SetIJKToRASMatrix(matrix_from_grid(grid))
        self._mark(node, series.role)  # time points too, for a sequence copies their attributes to what is shown
        if image is not None:
            node.SetAndObserveImageData(image)
        return node

    def _own(self, node: slicer.vtkMRMLNode, role: str) -> None:
        self._mark(node, role)
        self._owned.append(node)

    def _mark(self, node: slicer.vtkMRMLNode, role: str) -> None:
        node.SetAttribute(CASE_ATTRIBUTE, self.loaded.case.id)
        node.SetAttribute(ROLE_ATTRIBUTE, role)
        if self._series(role).is_flat:
            node.SetAttribute(FLAT_ATTRIBUTE, "1")
        node.SaveWithSceneOff()


def apply_display_range(display: slicer.vtkMRMLScalarVolumeDisplayNode, levels: DisplayRange) -> None:
    """Show the values of a range from black to white, or from white to black."""
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(levels.low, levels.high)
    name = "vtkMRMLColorTableNodeInvertedGrey" if levels.inverted else "vtkMRMLColorTableNodeGrey"
    display.SetAndObserveColorNodeID(name)


def frames_per_second(dimension: Dimension | None) -> float:
    """Rate at which time points are played: that of the acquisition where it can be watched, else a usual one."""
    seconds = {"s": 1.0, "ms": 0.001}.get(dimension.unit) if dimension is not None else None
    times = [value for value in dimension.values if isinstance(value, int | float)] if dimension is not None else []
    if seconds is None or len(times) < 2:
        return USUAL_RATE
    step = float(np.median(np.diff(times))) * seconds
    rate = 1.0 / step if step > 0 else 0.0
    return rate if SLOWEST_RATE <= rate <= FASTEST_RATE else USUAL_RATE


def frame_count(series: LoadedSeries) -> int:
    """Number of time points."""
    return len(frames_of(series))


def frames_of(series: LoadedSeries) -> NDArray[np.generic]:
    """Volumes by time point, shape (t, k, j, i) or with a last axis of 3 for colour.

    Frames without a common grid are shown one after the other, each as a slice of its own.
    """
    voxels = series.series.voxels
    if series.series.grid is not None:
        return voxels if series.series.dimension is not None else voxels[np.newaxis]
    return voxels.reshape((-1, 1, *voxels.shape[-3 if series.series.is_color else -2 :]))


def _grid(series: LoadedSeries) -> Grid:
    if series.series.grid is not None:
        return series.series.grid
    rows, columns = frames_of(series).shape[2:4]
    return flat_grid(rows, columns, series.series.spacing.spacing)


def _remove(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode) -> None:
    """Remove a node with all its display nodes, and what a volume rendering has besides."""
    if not scene.IsNodePresent(node):
        return
    others: list[slicer.vtkMRMLNode | None] = []
    if isinstance(node, slicer.vtkMRMLDisplayableNode):
        others = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    for display in tuple(others):
        if display is not None and display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
            others += [display.GetVolumePropertyNode(), display.GetROINode()]
    scene.RemoveNode(node)
    for other in others:
        if other is not None and scene.IsNodePresent(other):
            scene.RemoveNode(other)

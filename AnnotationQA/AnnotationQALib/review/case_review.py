"""One case in review on the scene: readers side by side, the walk through what they differ in, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.review.adjudication import Adjudication
from AnnotationQACore.review.answer_differences import AnswerDifference
from AnnotationQACore.review.consensus_choices import ConsensusChoices
from AnnotationQACore.review.disagreements import Disagreements, find_disagreements
from AnnotationQACore.review.labels import ReviewLabels, review_labels
from AnnotationQACore.review.painting import Painting
from AnnotationQACore.review.walk import Stop, Walk, renamed
from AnnotationQACore.segmentation import Mask, Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node
from AnnotationQALib.review.borrowed_nodes import displays_of
from AnnotationQALib.review.layouts import ReviewLayout, ThreeD, add_layout, review_layout
from AnnotationQALib.review.loose_readings import LooseReadings, volume_grid
from AnnotationQALib.review.overlays import HeatMap, add_heat_map
from AnnotationQALib.review.reading_nodes import ReadingNodes, remove_with_displays
from AnnotationQALib.review.result_node import add_result_node, fill_result_node
from AnnotationQALib.review.review_views import ReviewViews, Style, united
from AnnotationQALib.review.surfaces import Surfaces, bounds_of

__all__ = ["MOST_SHOWN", "RESULT", "CaseReview"]

RESULT = "result"
"""Source of the views that show what has been decided so far, or a consensus."""

MOST_SHOWN = 6
"""Readings side by side at a time; all take part in the walk and in a consensus."""


class CaseReview:
    """Readings of one case, read-only, in linked views.

    Views open first; what takes longer (the regions, distances, consensus) is computed when first asked for.

    Parameters
    ----------
    scene : vtkMRMLScene
    readings : mapping of reader to Segmentation
    volume : vtkMRMLScalarVolumeNode or None
        What the readers looked at; its grid is the reference grid.
    names : mapping of reader to str, optional
        What the reviewer sees instead of the readers' identifiers.
    answers : sequence of AnswerDifference
        What else they differ in.
    nodes : mapping of reader to vtkMRMLSegmentationNode, optional
        Nodes that hold the readings already; they are shown, not copied.
    labels : ReviewLabels, optional
        The readings brought together already, such as on another thread; `readings` is not looked at then.

    Attributes
    ----------
    shown : tuple of str
        The readers who have views, at most `MOST_SHOWN`; the first ones until `choose` is called.
    surfaces : Surfaces
        Of the structures, where there are 3D views; computed at once unless other ones are put here.

    Raises
    ------
    InputError
        There is no reading.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        readings: Mapping[str, Segmentation],
        volume: slicer.vtkMRMLScalarVolumeNode | None = None,
        names: Mapping[str, str] | None = None,
        answers: Sequence[AnswerDifference] = (),
        nodes: Mapping[str, slicer.vtkMRMLSegmentationNode] | None = None,
        labels: ReviewLabels | None = None,
    ) -> None:
        self.scene = scene
        self.volume = volume
        if labels is None:
            labels = review_labels(readings, volume_grid(volume) if volume is not None else None)
        self.labels: ReviewLabels = labels
        self.shown = labels.readers[:MOST_SHOWN]
        self.names = {reader: (names or {}).get(reader, reader) for reader in self.labels.readers}
        self.views: ReviewViews | None = None
        self.surfaces = Surfaces()
        self.result_node: slicer.vtkMRMLSegmentationNode | None = None
        self._answers = tuple(answers)
        self._readings = ReadingNodes(scene, labels, self.names, nodes or {})
        self._readings.need(self.shown)
        self._heat_maps: dict[str, slicer.vtkMRMLScalarVolumeNode] = {}
        self._disagreements: Disagreements | None = None
        self._consensus: ConsensusChoices | None = None
        self._painting: Painting | None = None
        self._walk: Walk | None = None
        self._style: Style | None = None
        self._three_d: ThreeD = "none"

    @classmethod
    def of_nodes(
        cls,
        scene: slicer.vtkMRMLScene,
        volume: slicer.vtkMRMLScalarVolumeNode | None,
        segmentations: Sequence[slicer.vtkMRMLSegmentationNode],
    ) -> CaseReview:
        """Review loose nodes, without a project: each segmentation node is a reader, called by the node's name.

        Raises
        ------
        InputError
            There is no segmentation.
        """
        loose = LooseReadings(volume, segmentations)
        return cls(scene, {}, volume, nodes=loose.nodes, labels=loose.labels())

    @property
    def reading_nodes(self) -> Mapping[str, slicer.vtkMRMLSegmentationNode]:
        """Nodes of the readers who are or were shown."""
        return self._readings.by_reader

    @property
    def disagreements(self) -> Disagreements:
        """Regions in which the readers differ."""
        if self._disagreements is None:
            self._disagreements = find_disagreements(self.labels)
        return self._disagreements

    @property
    def walk(self) -> Walk:
        """The walk through the disagreements."""
        if self._walk is None:
            self._walk = Walk(self.disagreements, self._answers)
        return self._walk

    @property
    def consensus(self) -> ConsensusChoices | None:
        """Methods of consensus to choose from; None with one reading."""
        if self._consensus is None and len(self.labels.readers) > 1:
            self._consensus = ConsensusChoices(self.labels)
        return self._consensus

    @property
    def painting(self) -> Painting:
        """The result; hand it to an `Adjudication` to decide under a protocol."""
        if self._painting is None:
            self._painting = Painting(self.disagreements, self.consensus)
        return self._painting

    @property
    def messages(self) -> tuple[str, ...]:
        """What was resampled, what is missing and so on, one line each, with the names the reviewer sees."""
        told = [_with_name(message, self.names) for message in self.labels.messages]
        hidden = [self.names[reader] for reader in self.labels.readers if reader not in self.shown]
        if hidden:
            told.append(
                f"{len(self.labels.readers)} readings: {len(self.shown)} are shown side by side; "
                f"all count in the walk and in a consensus. Not shown: {', '.join(hidden)}."
            )
        return tuple(told)

    def find(self) -> None:
        """Find the regions in which readers differ and what the methods of consensus share; may run on any thread."""
        if len(self.disagreements) and self.consensus is not None:
            _ = self.consensus.decisions

    def choose(self, readers: Sequence[str]) -> None:
        """Choose who is shown side by side; call `open_views` to see it.

        Raises
        ------
        InputError
            There are none, more than `MOST_SHOWN`, or one who has no reading.
        """
        if not 1 <= len(readers) <= MOST_SHOWN:
            raise InputError(
                worded(
                    "review: {number} readings are chosen; choose one to {most}.", number=len(readers), most=MOST_SHOWN
                )
            )
        for reader in readers:
            self.labels.of(reader)
        self.shown = tuple(reader for reader in self.labels.readers if reader in readers)
        self._readings.need(self.shown)

    def open_views(
        self,
        planes: Literal[1, 3] = 1,
        three_d: ThreeD = "none",
        with_result: bool = True,
        orientation: str = "Axial",
        layout_node: slicer.vtkMRMLLayoutNode | None = None,
    ) -> ReviewLayout:
        """Show each reader in views of their own, and the result beside; replaces the views there were.

        Parameters
        ----------
        planes, three_d, orientation
            See `layouts.review_layout`.
        with_result : bool
            Whether there is a view of the result; it is empty until something is taken or a consensus is shown.
        layout_node : vtkMRMLLayoutNode, optional
            Where the layout is put; without it only the view nodes are made.
        """
        sources = {reader: self.names[reader] for reader in self.shown}
        if with_result:
            sources[RESULT] = "Result"
        layout = review_layout(sources, planes, three_d, orientation)
        self._three_d = three_d
        if three_d == "none":
            self.surfaces.remove()
        former = self.views
        kept = {pane.tag for pane in layout.panes}
        self.views = ReviewViews(self.scene, layout)
        self.views.show_volume(self.volume)
        for reader, node in self.reading_nodes.items():
            _set_visible(node, reader in self.shown)
            if reader in self.shown:
                self._show(reader, node, three_d)
        if self.result_node is not None:
            _set_visible(self.result_node, with_result)
        if with_result:
            self._show(RESULT, self._need_result_node(), three_d)
        if self._style is not None:
            self.set_style(self._style)
        if layout_node is not None:
            add_layout(layout_node, layout)
        if former is not None:  # only now, so that the layout manager never shows a view that is gone
            former.remove_except(kept)
        return layout

    def frame(self) -> None:
        """Show all of what was drawn in the 3D views; all of them show the same part of the patient."""
        if self.views is not None and self._three_d != "none":
            boxes = [box for reader in self.shown if (box := bounds_of(self.reading_nodes[reader])) is not None]
            self.views.frame(dict.fromkeys((*self.shown, RESULT), united(boxes)) if boxes else {})

    def has_heat_map(self, kind: HeatMap) -> bool:
        """Whether a heat map is computed already."""
        return kind in self._heat_maps

    def show_heat_map(
        self, kind: HeatMap | None, opacity: float = 0.6, image: np.ndarray | None = None
    ) -> slicer.vtkMRMLScalarVolumeNode | None:
        """Lay a heat map over all slice views; None takes it away. `image` are its voxels, if they are computed."""
        node = None
        if kind is not None:
            if kind not in self._heat_maps:
                self._heat_maps[kind] = add_heat_map(self.scene, self.disagreements, kind, image)
            node = self._heat_maps[kind]
        if self.views is not None:
            self.views.show_overlay(node, opacity)
        return node

    def set_style(self, style: Style) -> None:
        """Outlines, fills, or both, in all views, also those that are opened later."""
        self._style = style
        if self.views is not None:
            nodes = [*self.reading_nodes.values(), *([self.result_node] if self.result_node is not None else [])]
            self.views.set_style(nodes, style)

    def next(self) -> Stop | None:
        """Go to the next disagreement and centre all views on it."""
        return self._arrive(self.walk.next())

    def previous(self) -> Stop | None:
        """Go to the disagreement before and centre all views on it."""
        return self._arrive(self.walk.previous())

    def go_to(self, place: int) -> Stop | None:
        """Go to a row of the walk and centre all views on it."""
        return self._arrive(self.walk.go_to(place))

    def measure_distances(self) -> Iterator[str]:
        """Measure surface distances structure by structure; take a step whenever there is time."""
        return self.walk.measure_distances()

    def show_consensus(self, method: str) -> None:
        """Show a consensus in the views of the result; nothing is decided by that."""
        if self.consensus is None:
            raise InputError(worded("review: a consensus needs two readings or more."))
        self._fill_result(self.consensus.segmentation(method))

    def show_result(self) -> None:
        """Show what has been taken so far in the views of the result."""
        self._fill_result(Segmentation(self.painting.layers, self.labels.grid, self.labels.segments))

    def take_region(self, source: str, adjudication: Adjudication | None = None, reason: str = "") -> None:
        """Paint the region at which the walk stands as `source` has it, under a protocol if there is one."""
        stop = self.walk.current
        if stop is None or stop.region is None:
            raise InputError(worded("review: go to a region first; there is no region here to take."))
        if adjudication is None:
            self.painting.take_region(stop.region, source)
        else:
            adjudication.take_region(stop.region, source, reason)
        self.show_result()

    def edited_mask(self, segment_id: str) -> Mask:
        """A structure as it is now in the node of the result, where the reviewer edits it."""
        node = self._need_result_node()
        return segmentation_from_node(node, self.labels.grid).mask(segment_id)

    def begin_edit(self, segment_id: str, source: str = "") -> slicer.vtkMRMLSegmentationNode:
        """Show the result with one structure as `source` has it, in a node to edit; nothing is decided by that.

        Parameters
        ----------
        segment_id : str
        source : str
            A reader or ``consensus:METHOD``; empty to go on from the result as it is.
        """
        segment = self.labels.segment(segment_id)
        layers = np.array(self.painting.layers, copy=True)
        if source:
            mask = self.painting.source_layers(source)[segment.layer] == segment.value
            layer = layers[segment.layer]
            layer[layer == segment.value] = 0
            layer[mask] = segment.value
        self._fill_result(Segmentation(layers, self.labels.grid, self.labels.segments))
        return self._need_result_node()

    def copy_to_mine(self, reader: str, name: str = "") -> slicer.vtkMRMLSegmentationNode:
        """Copy a reading into a new node that may be edited; the reading itself stays as it is."""
        if reader not in self.labels.readers:
            raise InputError(
                worded("review: there is no reading '{reader}' to copy.", reader=self.names.get(reader, reader))
            )
        title = name or f"Copy of {self.names[reader]}"
        return add_segmentation(self.scene, self.labels.segmentation(reader), title)

    def copy_result(self, name: str = "Result of the review") -> slicer.vtkMRMLSegmentationNode:
        """Copy the result as it stands into a new node, which stays when the review is closed."""
        segmentation = Segmentation(np.array(self.painting.layers, copy=True), self.labels.grid, self.labels.segments)
        return add_segmentation(self.scene, segmentation, name)

    def close(self) -> None:
        """Take everything that the review added out of the scene, and give borrowed nodes their displays back."""
        self.surfaces.remove()
        self._readings.remove()
        own = [*self._heat_maps.values(), *([self.result_node] if self.result_node is not None else [])]
        remove_with_displays(self.scene, own)
        if self.views is not None:
            self.views.remove()
        self.views, self.result_node, self._heat_maps = None, None, {}

    def _arrive(self, stop: Stop | None) -> Stop | None:
        if stop is None:
            return None
        if stop.position is not None and len(stop.position) == 3 and self.views is not None:
            self.views.center(stop.position)
        return renamed(stop, self.names)

    def _need_result_node(self) -> slicer.vtkMRMLSegmentationNode:
        if self.result_node is None:
            self.result_node = add_result_node(self.scene)
            if self.views is not None:
                self.views.show_only(RESULT, self.result_node)
        return self.result_node

    def _fill_result(self, result: Segmentation) -> None:
        node = self._need_result_node()
        fill_result_node(node, result)
        if self._three_d != "none":
            self.surfaces.want(node)

    def _show(self, source: str, node: slicer.vtkMRMLSegmentationNode, three_d: ThreeD) -> None:
        if self.views is None:
            return
        self.views.show_only(source, node)
        if three_d != "none":
            self.surfaces.want(node)


def _with_name(message: str, names: Mapping[str, str]) -> str:
    reader, colon, rest = message.partition(":")
    return f"{names[reader]}:{rest}" if colon and reader in names else message


def _set_visible(node: slicer.vtkMRMLDisplayableNode, visible: bool) -> None:
    for display in displays_of(node):
        display.SetVisibility(visible)

"""Segments of a reading, in one segmentation node of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import slicer

from AnnotationQACore.checks.context import base_subject
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.project.answers import segment_id
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic import segment_painting
from AnnotationQALib.logic.asked_about import AskedAbout
from AnnotationQALib.logic.case_images import CASE_ATTRIBUTE, CaseImages
from AnnotationQALib.logic.drawn_markups import remove_node
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.observations import Observations
from AnnotationQALib.logic.segmentations import (
    SegmentationCopier,
    SegmentationCopy,
    add_segment,
    fill_segmentation,
    set_reference_grid,
)

__all__ = ["DrawnSegments"]

_EVENTS = ("SourceRepresentationModified", "SegmentAdded", "SegmentRemoved", "SegmentModified")


class DrawnSegments:
    """The segmentation of a reading.

    Parameters
    ----------
    scene : vtkMRMLScene
    protocol : Protocol
    images : CaseImages
    case : str
        ID of the case.
    asked : AskedAbout
        Told of instances that the segmentation has.
    observations : Observations
        Told of every change of the segments.
    segmentation : Segmentation or None
        Voxels to begin with.

    Attributes
    ----------
    node : vtkMRMLSegmentationNode or None
        None when the protocol asks for no segmentation of the series that the case has.
    grid : Grid or None
        On which the segments lie.
    begun : dict of segment ID to ItemKey
        Segments of the protocol that were begun; also those that somebody has deleted since.
    voxels : dict of segment ID to int
        Number of voxels of each, as of the last time that another thread has counted them.

    Raises
    ------
    InputError
        The segmentation lies on another geometry than the image, or segmentations are asked on series that differ.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        protocol: Protocol,
        images: CaseImages,
        case: str,
        asked: AskedAbout,
        observations: Observations,
        segmentation: Segmentation | None,
    ) -> None:
        self._scene = scene
        self._protocol = protocol
        self._images = images
        self._case = case
        self._asked = asked
        self._copier = SegmentationCopier()
        self.begun: dict[str, ItemKey] = {}
        self.voxels: dict[str, int] = {}
        self.grid = self._common_grid()
        self.node: slicer.vtkMRMLSegmentationNode | None = None
        if self.grid is not None:
            if segmentation is not None:
                self.require_grid(segmentation)
            self.node = self._made(self.grid)
            if segmentation is not None:
                fill_segmentation(self.node, _without_composed(protocol, segmentation))
            self._register()
            target = self.node.GetSegmentation()
            observations.add(target, *[getattr(slicer.vtkSegmentation, name) for name in _EVENTS])

    def require_grid(self, segmentation: Segmentation) -> None:
        """Raise `InputError` when a segmentation does not lie on the image."""
        differing = self.grid.differences(segmentation.grid) if self.grid is not None else ()
        if differing:
            raise InputError(
                worded(
                    "case '{case}': the segmentation and the image differ in {differing}; resample the segmentation "
                    "to the image, or choose the image on which it was made.",
                    case=self._case,
                    differing=", ".join(differing),
                )
            )

    def ids(self) -> tuple[str, ...]:
        """Segments that are in the scene."""
        if self.node is None:
            return ()
        source = self.node.GetSegmentation()
        return tuple(source.GetNthSegmentID(index) for index in range(source.GetNumberOfSegments()))

    def begin(self, key: ItemKey, item: SegmentationItem) -> str:
        """Make the segment of an item, unless it is there, and return its ID."""
        segment = segment_id(item.id, key.instance)
        if self.node is None:
            raise InputError(
                worded(
                    "'{item}': the image has no grid to draw on; choose a series with patient geometry.",
                    item=item.title,
                )
            )
        if segment not in self.ids():
            add_segment(self.node, _described(item, key.instance))
        self.begun[segment] = key
        self._asked.begin(key)
        return segment

    def remove(self, key: ItemKey) -> None:
        """Remove the segment of an item; does nothing when it was never begun."""
        segment = segment_id(key.item, key.instance)
        if self.begun.pop(segment, None) and self.node is not None:
            self.node.GetSegmentation().RemoveSegment(segment)
            self.voxels.pop(segment, None)

    def deleted(self) -> tuple[ItemKey, ...]:
        """Segments that were begun and are no longer in the scene."""
        present = set(self.ids())
        return tuple(key for segment, key in self.begun.items() if segment not in present)

    def accept_deletion(self, key: ItemKey) -> None:
        """Forget a segment that was deleted."""
        segment = segment_id(key.item, key.instance)
        self.begun.pop(segment, None)
        self.voxels.pop(segment, None)
        self._asked.end(key)

    def restore(self, key: ItemKey, item: SegmentationItem, segmentation: Segmentation) -> None:
        """Bring a deleted segment back with the voxels that it has in `segmentation`."""
        segment = self.begin(key, item)
        if any(known.id == segment for known in segmentation.segments):
            segment_painting.set_voxels(self.node, segment, segmentation.mask(segment))

    def foreign(self) -> tuple[str, ...]:
        """IDs of segments in the scene that the protocol does not know."""
        known = set(self.begun) | {item.id for item in self._protocol.segmentations if item.composed}
        return tuple(segment for segment in self.ids() if segment not in known)

    def add_outline(
        self, key: ItemKey, item: SegmentationItem, points: Sequence[Vector], slice_index: int, grid: Grid
    ) -> None:
        """Add the inside of an outline, its points in LPS mm on one slice of `grid`, to the segment of an item."""
        segment_painting.add_polygon(self.node, self.begin(key, item), points, slice_index, grid)

    def fill(self, segmentation: Segmentation) -> None:
        """Put other segments in place of all that are drawn; raises `InputError` when they lie on another geometry."""
        if self.node is None:
            raise InputError(worded("segmentation: the protocol asks for none."))
        self.require_grid(segmentation)
        fill_segmentation(self.node, _without_composed(self._protocol, segmentation))
        self._register()

    def clear(self) -> None:
        """Remove all segments."""
        self.begun.clear()
        self.voxels.clear()
        if self.node is not None:
            self.node.GetSegmentation().RemoveAllSegments()

    def copy(self) -> SegmentationCopy | None:
        """Copy for another thread; only layers that have changed since the last copy are copied again."""
        return self._copier.copy(self.node) if self.node is not None else None

    def remove_node(self) -> None:
        """Take the segmentation out of the scene."""
        if self.node is not None:
            remove_node(self._scene, self.node)
            self.node = None

    def _made(self, grid: Grid) -> slicer.vtkMRMLSegmentationNode:
        node = self._scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Reading")
        node.CreateDefaultDisplayNodes()
        node.SetAttribute(CASE_ATTRIBUTE, self._case)
        node.SaveWithSceneOff()
        set_reference_grid(node, grid)
        node.SetReferenceImageGeometryParameterFromVolumeNode(self._images.node(self._roles()[0]))
        return node

    def _roles(self) -> list[str]:
        """Series of the case on which segmentations are asked, in the order of the protocol's items."""
        reference = self._protocol.imaging.reference_series
        roles = dict.fromkeys(item.series or reference for item in self._protocol.segmentations)
        return [role for role in roles if role in self._images.roles]

    def _common_grid(self) -> Grid | None:
        roles = self._roles()
        if not roles:
            return None
        grids = [self._images.grid(role) for role in roles]
        for role, grid in zip(roles[1:], grids[1:], strict=True):
            if grid.differences(grids[0]):
                raise InputError(
                    worded(
                        "case '{case}': the protocol asks for segmentations on '{first}' and '{role}', which lie on "
                        "different grids; ask the lead for series resampled to one.",
                        case=self._case,
                        first=roles[0],
                        role=role,
                    )
                )
        return grids[0]

    def _register(self) -> None:
        """Take the segments of the scene that belong to the protocol for begun."""
        items = {item.id: item for item in self._protocol.segmentations if not item.composed}
        for segment in self.ids():
            name, mark, number = segment.partition("#")
            item = items.get(name)
            if item is None or bool(mark) != item.instances or (mark and not number.isdecimal()):
                continue
            key = ItemKey(name, base_subject(self._protocol, item, self._images.flat_roles))
            key = key.of_instance(int(number)) if mark else key
            self.begun[segment] = key
            self.voxels.setdefault(segment, 1)
            self._asked.begin(key)


def _described(item: SegmentationItem, instance: int | None) -> Segment:
    """The segment of an item; instances share the item's label value in exports, MRML numbers them in its layers."""
    codes = item.codes
    return Segment(
        segment_id(item.id, instance),
        item.title if instance is None else f"{item.title} {instance}",
        item.label_value,
        0,
        item.rgb,
        codes.category,
        codes.type,
        codes.type_modifier,
        codes.region,
        codes.region_modifier or codes.laterality,
    )


def _without_composed(protocol: Protocol, segmentation: Segmentation) -> Segmentation:
    """Without the segments that software composes; they are composed again when the reading is saved."""
    composed = {item.id for item in protocol.segmentations if item.composed}
    kept = tuple(segment for segment in segmentation.segments if segment.id not in composed)
    if len(kept) == len(segmentation.segments):
        return segmentation
    used = sorted({segment.layer for segment in kept}) or [0]
    places = {old: new for new, old in enumerate(used)}
    moved = tuple(replace(segment, layer=places[segment.layer]) for segment in kept)
    return Segmentation(segmentation.layers[used], segmentation.grid, moved)

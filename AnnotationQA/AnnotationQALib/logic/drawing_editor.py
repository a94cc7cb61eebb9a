"""What is drawn for a reading: which segment or markups node comes next, and how drawings are changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.model import DrawnItem, Item, LandmarkPoint, Landmarks, Measurement, Polygon, Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic import markup_values
from AnnotationQALib.logic.drawn_markups import DrawnMarkups
from AnnotationQALib.logic.drawn_segments import DrawnSegments
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.masking import MaskingRules, masking_rules

__all__ = ["DrawingEditor", "DrawingTarget", "item_of"]

Kind = TypeVar("Kind", bound=Item)


@dataclass(frozen=True, slots=True)
class DrawingTarget:
    """What is drawn next for an item.

    Attributes
    ----------
    key : ItemKey
    segment_id : str
        Segment to be selected in the Segment Editor; empty for markups.
    masking : MaskingRules or None
        For the Segment Editor.
    node : markups node or None
        In which points are placed; None for segments.
    point : int
        Index of the control point that is placed next.
    """

    key: ItemKey
    segment_id: str = ""
    masking: MaskingRules | None = None
    node: slicer.vtkMRMLMarkupsNode | None = None
    point: int = 0


class DrawingEditor:
    """The drawing part of a `ReadingEditor`.

    Parameters
    ----------
    protocol : Protocol
    markups : DrawnMarkups
    segments : DrawnSegments
    on_change : callable
        Called after every change that was made here.
    """

    def __init__(
        self, protocol: Protocol, markups: DrawnMarkups, segments: DrawnSegments, on_change: Callable[[], None]
    ) -> None:
        self._protocol = protocol
        self._markups = markups
        self._segments = segments
        self._on_change = on_change

    def activate(self, key: ItemKey) -> DrawingTarget:
        """Make ready to draw an item: its segment or its markups node is there afterwards.

        Raises
        ------
        InputError
            The item is not drawn, is computed, or has instances and none is named.
        """
        item = item_of(self._protocol, key, DrawnItem)
        if item.instances and key.instance is None:
            raise InputError(worded("'{item}': add an instance first.", item=item.title))
        if isinstance(item, SegmentationItem):
            if item.composed:
                raise InputError(worded("'{item}': is composed of its parts; draw those.", item=item.title))
            segment = self._segments.begin(key, item)
            return DrawingTarget(key, segment, masking_rules(self._protocol, item, self._segments.ids()))
        if isinstance(item, Measurement) and item.derived:
            raise InputError(
                worded(
                    "'{item}': is computed from {sources}; draw those.",
                    item=item.title,
                    sources=", ".join(item.derived_from),
                )
            )
        node, point = self._markups.next_node(key, item)
        return DrawingTarget(key, node=node, point=point)

    def nodes(self, key: ItemKey) -> tuple[slicer.vtkMRMLMarkupsNode, ...]:
        """Markups nodes of an item; none before it is activated."""
        return self._markups.nodes(key)

    def next_landmark(self, key: ItemKey) -> LandmarkPoint | None:
        """The next point that was not looked for yet; None when there is none."""
        item = item_of(self._protocol, key, Landmarks)
        index = self._markups.next_point(key, item)
        return None if index is None else item.points[index]

    def mark_not_visible(self, key: ItemKey, point_id: str) -> None:
        """Say that a landmark was looked for and is not visible."""
        self._markups.miss_point(key, item_of(self._protocol, key, Landmarks), point_id)
        self._on_change()

    def unplace_landmark(self, key: ItemKey, point_id: str) -> None:
        """Take a landmark back, so that it is placed anew."""
        self._markups.take_point_back(key, item_of(self._protocol, key, Landmarks), point_id)
        self._on_change()

    def erase(self, key: ItemKey) -> None:
        """Remove the markups of an item."""
        self._markups.remove(key)
        self._on_change()

    def snap_to_slice(self, key: ItemKey) -> int:
        """Move the points of a polygon onto the slice nearest to all of them, and return its index along k."""
        index = self._markups.snap_to_slice(key, item_of(self._protocol, key, Polygon))
        self._on_change()
        return index

    def polygon_to_segment(self, key: ItemKey, segment_key: ItemKey) -> None:
        """Add the inside of a polygon on its slice to the segment of another item."""
        item = item_of(self._protocol, key, Polygon)
        target = item_of(self._protocol, segment_key, SegmentationItem)
        index = self.snap_to_slice(key)
        points = markup_values.points_of(self._markups.nodes(key)[0])
        self._segments.add_outline(segment_key, target, points, index, self._markups.grid_of(item))
        self._on_change()

    # segments that are not as the protocol wants them

    def deleted_segments(self) -> tuple[ItemKey, ...]:
        """Segments of the protocol that were begun and are no longer in the scene."""
        return self._segments.deleted()

    def accept_deletion(self, key: ItemKey) -> None:
        """Take it that a deleted segment was meant to be deleted."""
        self._segments.accept_deletion(key)
        self._on_change()

    def restore_segment(self, key: ItemKey, segmentation: Segmentation) -> None:
        """Bring a deleted segment back with the voxels that it has in `segmentation`, such as that of the last save."""
        self._segments.restore(key, item_of(self._protocol, key, SegmentationItem), segmentation)
        self._on_change()

    def foreign_segments(self) -> tuple[str, ...]:
        """IDs of segments in the scene that the protocol does not know."""
        return self._segments.foreign()


def item_of(protocol: Protocol, key: ItemKey, kind: type[Kind]) -> Kind:
    """The item of a key; raises `InputError` when it is of another kind."""
    item = protocol.item(key.item)
    if not isinstance(item, kind):
        raise InputError(
            worded("'{item}': is a {kind}; it cannot be answered this way.", item=item.title, kind=item.kind)
        )
    return item

"""Drawing the points of one item: placing, erasing, snapping, landmarks that are not visible, and the jump to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from AnnotationQACore.checks.problems import Spot
from AnnotationQACore.project.answers import LandmarksValue, segment_id
from AnnotationQACore.protocol.model import DrawnItem, Landmarks, Segmentation
from AnnotationQALib.logic.form import FormEntry, ItemKey, ItemState
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.widgets.markups_controls import MarkupsActions, MarkupsControls
from AnnotationQALib.widgets.placing import Placing

__all__ = ["ItemMarkups", "role_of"]


class ItemMarkups:
    """Hands what the reader does with the buttons to the open case.

    Parameters
    ----------
    case : OpenCase
    entry : FormEntry
        Of an item that is drawn by points.
    placing : Placing
    act : callable
        Does something with the reading, and tells what is wrong.
    jump : callable
        Called with the `Spot` that the views are to show.

    Attributes
    ----------
    controls : MarkupsControls
    """

    def __init__(
        self,
        case: OpenCase,
        entry: FormEntry,
        placing: Placing,
        act: Callable[[Callable[[], Any]], Any],
        jump: Callable[[Spot], None],
    ) -> None:
        self._case = case
        self._drawing = case.editor.drawing
        self._key: ItemKey = entry.key
        self._item: Any = entry.item
        self._placing = placing
        self._act = act
        self._jump = jump
        self._segments = _segments(case)
        titles = {segment: target.title for segment, target in self._segments.items()}
        self.controls = MarkupsControls(entry.item, titles, self._actions())

    def refresh(self) -> None:
        """Show what is drawn, and what is placed next."""
        nodes = self._drawing.nodes(self._key)
        is_placing = self._placing.node_id in {node.GetID() for node in nodes}
        point = self._drawing.next_landmark(self._key) if isinstance(self._item, Landmarks) else None
        value = self._case.editor.value(self._key)
        self.controls.show(value, is_placing, point.title if point is not None else "", bool(nodes))

    def next_not_visible(self) -> None:
        """Say that the selected, or else the next, landmark is not visible."""
        if self.controls.notVisibleButton is not None:
            self.controls.notVisibleButton.click()

    def _actions(self) -> MarkupsActions:
        drawing, key = self._drawing, self._key
        return MarkupsActions(
            place=self._place,
            erase=self._erase,
            snap=lambda: self._draw(lambda: drawing.snap_to_slice(key)),
            to_segment=lambda segment: self._draw(lambda: drawing.polygon_to_segment(key, self._segments[segment].key)),
            not_visible=lambda point: self._draw(lambda: self._mark_not_visible(point)),
            place_again=lambda point: self._draw(lambda: drawing.unplace_landmark(key, point)),
            jump=self._jump_to_landmark,
        )

    def _draw(self, act: Callable[[], Any]) -> None:
        self._act(act)
        self.refresh()

    def _place(self, started: bool) -> None:
        if not started:
            self._placing.stop()
        else:
            target = self._act(lambda: self._drawing.activate(self._key))
            if target is not None:
                self._placing.start(target.node, isinstance(self._item, Landmarks))
        self.refresh()

    def _erase(self) -> None:
        self._placing.stop()
        self._draw(lambda: self._drawing.erase(self._key))

    def _mark_not_visible(self, point: str) -> None:
        following = self._drawing.next_landmark(self._key)
        chosen = point or (following.id if following is not None else "")
        if chosen:
            self._drawing.mark_not_visible(self._key, chosen)

    def _jump_to_landmark(self, point: str) -> None:
        value = self._case.editor.value(self._key)
        marks = value.landmarks if isinstance(value, LandmarksValue) else ()
        position = next((mark.position for mark in marks if mark.name == point), None)
        if position is None:
            return
        role = role_of(self._case, self._item)
        is_pixel = len(position) == 2
        self._jump(Spot(None, role, position) if is_pixel else Spot(position, role))


def role_of(case: OpenCase, item: DrawnItem) -> str:
    """Role of the series on which an item is drawn."""
    return str(item.series or case.protocol.imaging.reference_series)


def _segments(case: OpenCase) -> dict[str, FormEntry]:
    """Segments that are asked for now, by their IDs: outlines may be filled into them."""
    return {
        segment_id(entry.key.item, entry.key.instance): entry
        for entry in case.editor.entries()
        if isinstance(entry.item, Segmentation)
        and not entry.computed
        and entry.state != ItemState.NOT_APPLICABLE
        and (entry.key.instance is not None or not entry.item.instances)
    }

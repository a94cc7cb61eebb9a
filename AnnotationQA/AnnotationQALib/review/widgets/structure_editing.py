"""One structure of the result is drawn anew, with Slicer's Segment Editor."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from AnnotationQALib.review.widgets.items_view import ItemsView
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.widgets.segment_editor_host import SegmentEditorHost

__all__ = ["StructureEditing"]

EDITOR_TAG = "AnnotationQAReview"
"""Singleton tag of the Segment Editor's parameters here, so that a drawing in Annotation QA is not disturbed."""


class StructureEditing:
    """Nothing is decided until the drawing is taken.

    Parameters
    ----------
    context : ReviewContext
    desk : OnDesk
    items : ItemsView
        Has the place of the Segment Editor, and says what is edited.
    show_result : callable
        Shows the view of the result.
    reason : callable
        What the reviewer gives as reason.
    decided : callable
        Called when a drawing was taken.

    Attributes
    ----------
    host : SegmentEditorHost
    """

    def __init__(
        self,
        context: ReviewContext,
        desk: OnDesk,
        items: ItemsView,
        show_result: Callable[[], None],
        reason: Callable[[], str],
        decided: Callable[[], None],
    ) -> None:
        self._context = context
        self._desk = desk
        self._items = items
        self._show_result = show_result
        self._reason = reason
        self._decided = decided
        self._segment = ""
        self.host = SegmentEditorHost(items.ui.editorPlace.layout(), lambda _segment: None, EDITOR_TAG)

    def begin(self, segment: str, source: str) -> None:
        """Edit a structure as a source has it; from an empty source go on from the result."""
        review = self._desk.review
        if review is None:
            return
        self._show_result()
        node = self._context.attempt(lambda: review.begin_edit(segment, source))
        if node is None:
            return
        self._segment = segment
        self._items.show_editing(self._title(segment))
        self.host.show(self._context.scene, node, review.volume, segment, None)

    def take(self) -> None:
        """Take what was drawn into the result."""
        deciding = self._desk.deciding
        if deciding is None or not self._segment:
            return
        self.host.leave()
        lost = self._context.attempt(lambda: deciding.take_edited(self._segment, self._reason()))
        if lost is None:
            self.host.take_keys()
            return
        if lost:
            names = ", ".join(map(self._title, lost))
            line = _("These structures lost voxels to what you drew: {names}.")
            self._context.messages.show(line.format(names=names))
        self.end()
        self._decided()

    def discard(self) -> None:
        """Show the result as it was."""
        self.end()
        if self._desk.review is not None:
            self._desk.review.show_result()

    def end(self) -> None:
        """Nothing is edited any more."""
        self._segment = ""
        self.host.forget_nodes()
        self._items.show_editing("")

    def _title(self, segment: str) -> str:
        return self._desk.titles.get(segment, segment)

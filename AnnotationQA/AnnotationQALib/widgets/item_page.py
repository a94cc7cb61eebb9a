"""The page of one item: its answers or drawing tools, what was measured, and the help drawer."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import slicer
from slicer.i18n import tr as _

from AnnotationQACore.checks.problems import Spot
from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.answers import Presence
from AnnotationQACore.protocol.model import (
    Classification,
    DrawnItem,
    Rating,
    Segmentation,
    TextAnswer,
)
from AnnotationQALib.logic.form import FormEntry, ItemKey, ItemState
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.readouts import Quantity
from AnnotationQALib.widgets.answer_texts import answer_text, number_text
from AnnotationQALib.widgets.choices_editor import ChoicesEditor
from AnnotationQALib.widgets.drawing_extras import DeletedRow, FrameRow, InstanceRow
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.item_help import help_page, item_tip
from AnnotationQALib.widgets.item_markups import ItemMarkups, role_of
from AnnotationQALib.widgets.keys import FormKeys
from AnnotationQALib.widgets.markups_controls import MarkupsControls
from AnnotationQALib.widgets.placing import Placing
from AnnotationQALib.widgets.presence_row import PresenceRow
from AnnotationQALib.widgets.segment_editor_host import SegmentEditorHost
from AnnotationQALib.widgets.text_editor import TextEditor
from AnnotationQALib.widgets.texts import quantity_text
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import error_text, told

__all__ = ["ItemPage"]


class ItemPage:
    """Shows one entry of the form and hands what the reader does to the open case.

    Parameters
    ----------
    placing : Placing
    on_answered : callable
        Called after an answer that leaves nothing more to say about the item, so that the form can go on.
    on_added : callable
        Called with the key of a new instance.
    on_settled : callable
        Called when the page is to be shown anew, such as after a deleted segment was restored.
    on_segment_selected : callable
        Called with the ID of the segment that the reader selected in the Segment Editor.
    on_error : callable
        Called with the one line of an error.
    jump : callable
        Called with the `Spot` that the views are to show.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    segment_editor : SegmentEditorHost
    """

    def __init__(
        self,
        placing: Placing,
        on_answered: Callable[[], None],
        on_added: Callable[[ItemKey], None],
        on_settled: Callable[[], None],
        on_segment_selected: Callable[[str], None],
        on_error: Callable[[str], None],
        jump: Callable[[Spot], None],
    ) -> None:
        self.widget, self.ui = load_ui("LabelingItem.ui")
        self._placing = placing
        self._on_answered = on_answered
        self._on_added = on_added
        self._on_settled = on_settled
        self._on_error = on_error
        self._jump = jump
        self._case: Any = None
        self._entry: FormEntry | None = None
        self._editor: Any = None
        self._presence: PresenceRow | None = None
        self._markups: ItemMarkups | None = None
        self._frame: FrameRow | None = None
        self._instance: InstanceRow | None = None
        self._deleted: DeletedRow | None = None
        self._parts: list[Any] = []
        self.segment_editor = SegmentEditorHost(self.ui.answerPlace.layout(), on_segment_selected)
        self._keys = FormKeys(self.widget, self.press)
        connect(self.ui.clearButton, "clicked()", self._clear)
        connect(self.ui.remarkButton, "toggled(bool)", self._toggle_remark)
        connect(self.ui.helpButton, "toggled(bool)", self._toggle_help)
        connect(self.ui.remarkEdit, "textEdited(QString)", self._remark)
        self.show(None, None)

    @property
    def entry(self) -> FormEntry | None:
        """The entry shown; None for none."""
        return self._entry

    @property
    def markups(self) -> MarkupsControls | None:
        """The buttons by which the points of the item are drawn; None for an item without."""
        return self._markups.controls if self._markups is not None else None

    @property
    def digits(self) -> tuple[str, ...]:
        """Digits that answer the item shown."""
        return self._editor.keys if isinstance(self._editor, ChoicesEditor) else ()

    def show(self, case: Any, entry: FormEntry | None) -> None:
        """Show an entry of the open case; None shows nothing."""
        self._placing.stop()
        self._take_apart()
        self._case, self._entry = case, entry
        self.widget.setVisible(entry is not None)
        self._keys.enable(())
        if entry is None:
            self.segment_editor.hide()
            return
        self._show_header(entry)
        self._build(entry)
        self._keys.enable(self.digits)
        self.refresh(entry)

    def refresh(self, entry: FormEntry) -> None:
        """Show the state, answer and measurements of the entry as they are now."""
        self._entry = entry
        value = self._case.editor.value(entry.key)
        self.ui.problemLabel.text = "<br>".join(f"⚠ {escape(told(problem))}" for problem in entry.problems)
        self.ui.problemLabel.visible = bool(entry.problems)
        self.ui.clearButton.enabled = value is not None
        if self._editor is not None:
            self._editor.show(value)
        if self._presence is not None:
            self._presence.show(value)
        if self._frame is not None:
            self._frame.show(self._case.editor.frame_of(entry.item))
        self.placing_changed()
        self._show_readout(entry, value)

    def is_outdated(self, entry: FormEntry) -> bool:
        """Whether the page was made for an entry that is now asked otherwise, or whose segment was deleted since."""
        shown = self._entry
        is_asked = shown is not None and entry.state != ItemState.NOT_APPLICABLE
        was_asked = shown is not None and shown.state != ItemState.NOT_APPLICABLE
        is_deleted = entry.key in self._case.editor.drawing.deleted_segments()
        return is_asked != was_asked or is_deleted != (self._deleted is not None)

    def press(self, digit: str) -> None:
        """Answer by a digit."""
        if isinstance(self._editor, ChoicesEditor):
            self._editor.press(digit)

    def focus(self) -> None:
        """Give the keyboard to the answers."""
        if self._editor is not None:
            self._editor.focus()

    def toggle_help(self) -> None:
        """Show the help drawer, or hide it."""
        self.ui.helpButton.click()

    def next_not_visible(self) -> None:
        """Say that the selected, or else the next, landmark is not visible."""
        if self._markups is not None:
            self._markups.next_not_visible()

    def placing_changed(self) -> None:
        """The mouse mode was changed, by us or by Slicer."""
        if self._markups is not None:
            self._markups.refresh()

    # what is shown

    def _show_header(self, entry: FormEntry) -> None:
        self.ui.titleLabel.text = entry.title
        self.ui.titleLabel.toolTip = item_tip(entry.item)
        self.ui.hintLabel.text = entry.item.hint
        self.ui.hintLabel.visible = bool(entry.item.hint)
        remark = self._case.editor.comment_on(entry.key)
        self.ui.remarkEdit.text = remark
        self.ui.remarkButton.checked = bool(remark)
        self.ui.clearButton.visible = not entry.computed
        self.ui.helpBrowser.setHtml(help_page(entry.item, self._case.protocol))
        self.ui.problemLabel.visible = False

    def _build(self, entry: FormEntry) -> None:
        item = entry.item
        draws_segment = False
        if isinstance(item, Classification | Rating):
            self._editor = ChoicesEditor(item, self._chosen)
            self._add(self._editor.widget)
        elif isinstance(item, TextAnswer):
            self._editor = TextEditor(item, self._written)
            self._add(self._editor.widget)
        elif isinstance(item, DrawnItem) and not entry.computed:
            draws_segment = self._build_drawing(entry, item)
        if not draws_segment:
            self.segment_editor.hide()

    def _build_drawing(self, entry: FormEntry, item: DrawnItem) -> bool:
        if entry.key in self._case.editor.drawing.deleted_segments():
            self._deleted = DeletedRow(self._restore, self._accept_deletion)
            self._add(self._deleted.widget)
            return False
        is_whole = item.instances and entry.key.instance is None
        if item.instances:
            self._instance = InstanceRow(item, entry.key.instance, self._add_instance, self._remove_instance)
            self._add(self._instance.widget)
        self._presence = PresenceRow(item, self._declared, with_drawn=not is_whole)
        self._add(self._presence.widget)
        if is_whole:
            self._presence.widget.setVisible(not self._case.editor.instances(item.id))
            return False
        if item.frame:
            self._frame = FrameRow(_frame_title(self._case, item), self._choose_frame, self._go_to_frame)
            self._add(self._frame.widget)
        if isinstance(item, Segmentation):
            return self._open_segment_editor(entry)
        self._markups = ItemMarkups(self._case, entry, self._placing, self._act, self._jump)
        self._add(self._markups.controls.widget)
        return False

    def _open_segment_editor(self, entry: FormEntry) -> bool:
        editor = self._case.editor
        try:
            target = editor.drawing.activate(entry.key)
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return False
        volume = self._case.images.node(role_of(self._case, entry.item))
        node = editor.segmentation_node
        self.segment_editor.show(node.GetScene(), node, volume, target.segment_id, target.masking)
        return True

    def _show_readout(self, entry: FormEntry, value: Any) -> None:
        readout = self._case.readouts.get(entry.key)
        lines = []
        if readout is not None:
            lines.append(" · ".join(map(_quantity_html, readout.quantities)))
        elif entry.computed:
            lines.append(escape(answer_text(entry.item, value)) or _("Computed when what it is derived from is drawn."))
        self.ui.readoutLabel.text = "<br>".join(lines)
        self.ui.readoutLabel.visible = bool(lines)

    def _add(self, widget: Any) -> None:
        layout = self.ui.answerPlace.layout()
        layout.insertWidget(len(self._parts), widget)
        self._parts.append(widget)

    def _take_apart(self) -> None:
        layout = self.ui.answerPlace.layout()
        for part in self._parts:
            layout.removeWidget(part)
            part.hide()
            part.deleteLater()
        self._parts = []
        self._editor = self._presence = self._markups = self._frame = self._instance = self._deleted = None

    # what the reader does

    def _act(self, act: Callable[[], Any]) -> Any:
        """Do something with the reading; what is wrong is told in one line."""
        try:
            return act()
        except AnnotationQAError as error:
            self._on_error(error_text(error))
            return None

    def _chosen(self, chosen: tuple[str, ...]) -> None:
        entry, editor = self._entry, self._case.editor
        if entry is None:
            return
        if isinstance(entry.item, Rating):
            level = None if chosen == (Presence.NOT_ASSESSABLE.value,) else int(chosen[0])
            self._act(lambda: editor.rate(entry.key, level))
        else:
            self._act(lambda: editor.choose(entry.key, chosen))
        if not self._editor.several:
            self._on_answered()

    def _written(self, text: str) -> None:
        if self._entry is not None:
            key = self._entry.key
            self._act(lambda: self._case.editor.write(key, text))

    def _declared(self, presence: Presence | None) -> None:
        if self._entry is not None:
            key = self._entry.key
            self._act(lambda: self._case.editor.declare(key, presence))
            self.refresh(self._entry)
            if presence is not None:
                self._on_answered()

    def _clear(self) -> None:
        if self._entry is not None:
            self._case.editor.clear(self._entry.key)

    def _remark(self, text: str) -> None:
        if self._entry is not None:
            self._case.editor.remark(self._entry.key, text)

    def _toggle_remark(self, shown: bool) -> None:
        self.ui.remarkEdit.visible = shown
        if shown and not self.ui.remarkEdit.text:
            self.ui.remarkEdit.setFocus()

    def _toggle_help(self, shown: bool) -> None:
        self.ui.helpBrowser.visible = shown

    def _add_instance(self) -> None:
        if self._entry is None:
            return
        whole = self._entry.key.of_instance(None)
        added = self._act(lambda: self._case.editor.add_instance(whole))
        if added is not None:
            self._on_added(added)

    def _remove_instance(self) -> None:
        if self._entry is not None and self._may_remove(self._entry):
            key = self._entry.key
            self._placing.stop()
            self.segment_editor.hide()
            self._act(lambda: self._case.editor.remove_instance(key))

    def _may_remove(self, entry: FormEntry) -> bool:
        if self._case.editor.value(entry.key) is None:
            return True
        question = _("Remove {title} with all that was drawn and answered for it? This cannot be undone.")
        return bool(slicer.util.confirmOkCancelDisplay(question.format(title=entry.title), _("Remove")))

    def _restore(self) -> None:
        self._settle_deletion(lambda key: self._case.restore_segment(key))

    def _accept_deletion(self) -> None:
        self._settle_deletion(lambda key: self._case.editor.drawing.accept_deletion(key))

    def _settle_deletion(self, settle: Callable[[ItemKey], None]) -> None:
        entry = self._entry
        if entry is not None:
            self._act(lambda: settle(entry.key))
            self._on_settled()

    def _choose_frame(self) -> None:
        entry = self._entry
        if entry is not None:
            role = role_of(self._case, entry.item)
            self._act(lambda: self._case.editor.choose_frame(role, entry.item.frame, self._case.images.frame(role)))

    def _go_to_frame(self) -> None:
        if self._entry is not None:
            frame = self._case.editor.frame_of(self._entry.item)
            if frame is not None:
                self._case.images.show_frame(role_of(self._case, self._entry.item), frame)


def _frame_title(case: OpenCase, item: DrawnItem) -> str:
    role = next(role for role in case.protocol.imaging.series if role.id == role_of(case, item))
    return next((frame.title for frame in role.frames if frame.id == item.frame), str(item.frame))


def _quantity_html(quantity: Quantity) -> str:
    name = f"{escape(quantity_text(quantity.name))} " if quantity.name else ""
    return f"{name}<b>{number_text(quantity.value)}</b> {escape(quantity.unit)}"

"""The open case: how it is shown, its form, and the page of the current item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQALib.logic.autosave import SaveState
from AnnotationQALib.logic.form import FormEntry, ItemKey, ItemState
from AnnotationQALib.logic.starting_points import StartOffer
from AnnotationQALib.widgets.cine_row import CineRow
from AnnotationQALib.widgets.form_tree import FormTree
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.item_page import ItemPage
from AnnotationQALib.widgets.menus import add_action
from AnnotationQALib.widgets.start_menu import StartMenu
from AnnotationQALib.widgets.state_icons import is_dark, link_color
from AnnotationQALib.widgets.texts import flag_texts
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import told

__all__ = ["CaseActions", "CaseView"]


@dataclass(frozen=True, slots=True)
class CaseActions:
    """What the reader can do with the case as a whole."""

    close: Callable[[], None]
    show_window: Callable[[str], None]
    reset_view: Callable[[], None]
    jump_to_comment: Callable[[int], None]
    selected: Callable[[FormEntry], None]
    undo: Callable[[], None]
    redo: Callable[[], None]
    ask_image: Callable[[], None]
    forget_image: Callable[[], None]


class CaseView:
    """The form of the open case.

    Parameters
    ----------
    actions : CaseActions
    make_page : callable
        Makes the page of items, given what is to be done after an answer, after a new instance was added, when the page
        is to be made anew, and after a segment was selected in the Segment Editor.
    start_menu : StartMenu

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    form : FormTree
    page : ItemPage
    cine : CineRow
    start_menu : StartMenu
    """

    def __init__(
        self,
        actions: CaseActions,
        make_page: Callable[
            [Callable[[], None], Callable[[ItemKey], None], Callable[[], None], Callable[[str], None]], ItemPage
        ],
        start_menu: StartMenu,
    ) -> None:
        self.widget, self.ui = load_ui("LabelingCase.ui")
        self._actions = actions
        self._case: Any = None
        self.form = FormTree(self.ui.formTree, self._selected)
        self.page = make_page(self.go_on, self._added, self.show_anew, self._segment_selected)
        self.ui.itemFrame.layout().addWidget(self.page.widget)
        self._flag_menu = qt.QMenu(self.ui.flagButton)
        self._flags = {flag: add_action(self._flag_menu, text) for flag, text in flag_texts().items()}
        for flag, action in self._flags.items():
            action.checkable = True
            connect(action, "toggled(bool)", lambda on, flag=flag: self._case.editor.set_flag(flag, on))
        self.ui.flagButton.setMenu(self._flag_menu)
        self.start_menu = start_menu
        self.ui.startFromButton.setMenu(start_menu.menu)
        self.cine = CineRow(self.ui.cinePlace.layout())
        connect(self.ui.undoButton, "clicked()", actions.undo)
        connect(self.ui.redoButton, "clicked()", actions.redo)
        connect(self.ui.askImageButton, "clicked()", actions.ask_image)
        connect(self.ui.forgetImageButton, "clicked()", actions.forget_image)
        connect(self.ui.closeCaseButton, "clicked()", actions.close)
        connect(self.ui.viewButton, "clicked()", actions.reset_view)
        connect(self.ui.windowCombo, "activated(int)", lambda: self._window_chosen())
        connect(self.ui.commentsLabel, "linkActivated(QString)", lambda link: actions.jump_to_comment(int(link)))

    def show(self, case: Any, offers: Sequence[StartOffer]) -> None:
        """Show a case that was just opened; None lets it go."""
        self.page.show(None, None)
        self.form.clear()
        self.cine.clear()
        self.ui.cinePlace.visible = False
        self._case = case
        if case is None:
            return
        self._show_comments(case.pins.comments)
        self._show_flags(case.editor.flags)
        self.start_menu.show(case, offers)
        self.ui.startFromButton.visible = self.start_menu.has_offers
        self.ui.imagesFrame.visible = _asks_about_slices(case)
        combo = self.ui.windowCombo
        combo.clear()
        for window in case.protocol.windows:
            combo.addItem(window.title, window.id)
        for widget in (combo, self.ui.windowLabel):
            widget.visible = bool(case.protocol.windows)
        self.show_saved()
        self.refresh()

    def refresh(self) -> None:
        """Show states, answers and measurements as they are now."""
        case = self._case
        if case is None:
            return
        self.form.show(case.editor.groups(), case.editor.value)
        asked = [e for e in self.form.entries if not e.computed and e.state != ItemState.NOT_APPLICABLE]
        done = sum(entry.state == ItemState.DONE for entry in asked)
        self.ui.caseLabel.text = _("{done} of {asked} done").format(done=done, asked=len(asked))
        self.ui.undoButton.enabled = case.editor.can_undo
        self.ui.redoButton.enabled = case.editor.can_redo
        shown = self.page.entry
        self.ui.forgetImageButton.enabled = shown is not None and shown.item.scope.level == "image"
        if shown is None:
            return
        entry = self.form.entry(shown.key)
        if entry is None:  # its condition no longer holds, or its instance was removed
            self.page.show(None, None)
            self.go_to_next()
        elif self.page.is_outdated(entry):
            self.page.show(case, entry)
        else:
            self.page.refresh(entry)

    def show_saved(self) -> None:
        """Show where the reader's work is."""
        state = self._case.autosave.state
        texts = {
            SaveState.SAVED: _("Draft saved"),
            SaveState.UNSAVED: _("Changed"),
            SaveState.SAVING: _("Saving..."),
            SaveState.KEPT_HERE: _("⚠ Kept on this computer"),
            SaveState.CONFLICT: _("⚠ Not saved"),
            SaveState.FAILED: _("⚠ Not saved"),
        }
        self.ui.savedLabel.text = texts[state]
        self.ui.savedLabel.toolTip = told(self._case.autosave.message) or _("Your work is saved after every pause.")

    def show_window(self, window: str | None) -> None:
        """Show which window preset is applied."""
        index = self.ui.windowCombo.findData(window) if window else -1
        self.ui.windowCombo.currentIndex = index

    def select(self, key: ItemKey) -> bool:
        """Go to an item; False when the form does not show it."""
        return self.form.select(key)

    def go_to_next(self, backwards: bool = False) -> bool:
        """Go to the next item to do, round and round, required ones first; False when there is none."""
        entries = self.form.entries
        if not entries:
            return False
        keys = [entry.key for entry in entries]
        shown = self.page.entry.key if self.page.entry is not None else None
        count = len(entries)
        at = keys.index(shown) if shown in keys else (count if backwards else -1)
        step = -1 if backwards else 1
        order = [entries[(at + step * distance) % count] for distance in range(1, count + 1)]
        to_do = [entry for entry in order if _is_to_do(entry)]
        following = [entry for entry in to_do if entry.required] or to_do
        if not following:
            return False
        self.form.select(following[0].key)
        self.page.focus()
        return True

    def go_on(self) -> None:
        """After an answer: the next required item below that is still to do."""
        self.refresh()
        shown = self.page.entry
        keys = [entry.key for entry in self.form.entries]
        if shown is None or shown.key not in keys:
            return
        for entry in self.form.entries[keys.index(shown.key) + 1 :]:
            if entry.required and _is_to_do(entry):
                self.form.select(entry.key)
                self.page.focus()
                return

    def _selected(self, entry: FormEntry) -> None:
        if self._case is None or (self.page.entry is not None and self.page.entry.key == entry.key):
            return
        self.page.show(self._case, entry)
        self._actions.selected(entry)

    def _added(self, key: ItemKey) -> None:
        self.refresh()
        self.select(key)

    def show_anew(self) -> None:
        """Make the page of the current item anew, such as after all that is drawn was replaced."""
        shown = self.page.entry
        self.form.show(self._case.editor.groups(), self._case.editor.value)
        entry = self.form.entry(shown.key) if shown is not None else None
        if entry is not None:
            self.page.show(self._case, entry)
        else:
            self.refresh()

    def _segment_selected(self, segment: str) -> None:
        item, _mark, number = segment.partition("#")
        for entry in self.form.entries:
            if entry.key.item == item and str(entry.key.instance or "") == number:
                self.select(entry.key)
                return

    def _window_chosen(self) -> None:
        self._actions.show_window(str(self.ui.windowCombo.currentData))

    def _show_comments(self, comments: Sequence[Any]) -> None:
        lines = [f"<b>{escape(_('Sent back by the reviewer'))}</b>"]
        titles = {item.id: item.title for item in self._case.protocol.items}
        color = link_color(is_dark(self.ui.commentsLabel))
        for number, comment in enumerate(comments):
            about = f"{titles.get(comment.item, comment.item)}: " if comment.item else ""
            text = escape(about + comment.text)
            is_somewhere = comment.position is not None or comment.item
            lines.append(f'<a href="{number}" style="color: {color}">{text}</a>' if is_somewhere else text)
        self.ui.commentsLabel.text = "<br>".join(lines)
        self.ui.commentsFrame.visible = bool(comments)

    def _show_flags(self, flags: Sequence[str]) -> None:
        for flag, action in self._flags.items():
            action.blockSignals(True)
            action.checked = flag in flags
            action.blockSignals(False)
        self.show_flag_button()

    def show_flag_button(self) -> None:
        """Show on the button whether the case is flagged."""
        flags = self._case.editor.flags
        self.ui.flagButton.text = _("Flagged: {number}").format(number=len(flags)) if flags else _("Flag")

    def show_cine(self, scene: Any, browser: Any) -> None:
        """Show the controls of the series that is shown, if it has several time points."""
        self.cine.show(scene, browser)
        self.ui.cinePlace.visible = self.cine.is_shown


def _asks_about_slices(case: Any) -> bool:
    """Whether an item is asked of single images of a series that has several."""
    single = {place.series for place in case.images.image_places()}
    several = set(case.images.roles) - single
    scopes = [item.scope for item in case.protocol.items if item.scope.level == "image"]
    return any(several if scope.of is None else scope.of in several for scope in scopes)


def _is_to_do(entry: FormEntry) -> bool:
    return entry.state in (ItemState.TO_DO, ItemState.PROBLEM) and not entry.computed

"""What the reviews of burned-in text and of faces have in common: beginning, keys, going through, ending."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyLib.widgets.guard import connect

__all__ = ["ReviewSection", "SectionWidgets", "SectionWords"]

ReviewType = TypeVar("ReviewType")
SceneType = TypeVar("SceneType")


@dataclass(frozen=True, slots=True)
class SectionWidgets:
    """Widgets of a section; `body` is what is seen during a review only."""

    begin: Any
    summary: Any
    previous: Any
    next: Any
    position: Any
    body: Any


@dataclass(frozen=True, slots=True)
class SectionWords:
    """Texts of a section.

    Attributes
    ----------
    before : str
        As long as nothing was run.
    waiting : str
        With ``{count}``.
    nothing_waits : str
    counts, all_decided : str
        With ``{pending}``, ``{accepted}`` and ``{rejected}``.
    """

    before: str
    waiting: str
    nothing_waits: str
    counts: str
    all_decided: str


class ReviewSection(Generic[ReviewType, SceneType]):
    """Goes through what waits for a person; keys are on while the review is.

    Parameters
    ----------
    widgets : SectionWidgets
    words : SectionWords
    make_review : callable
        Makes the review anew from the queue of the last run, or raises what to say.
    make_scene : callable
        Makes what a review has in the scene.
    display : object
        Borrows views of Slicer; with ``give_back``.
    """

    def __init__(
        self,
        widgets: SectionWidgets,
        words: SectionWords,
        make_review: Callable[[], ReviewType],
        make_scene: Callable[[], SceneType],
        display: Any,
    ) -> None:
        self._widgets = widgets
        self._words = words
        self._make_review = make_review
        self._make_scene = make_scene
        self._display = display
        self._review: Any = None
        self._scene: Any = None
        self._shortcuts: list[Any] = []
        self._told: Callable[[int], None] = lambda _pending: None
        self._connect(widgets.begin, "toggled(bool)", self._begin_or_end)
        self._connect(widgets.previous, "clicked()", lambda: self._step(-1))
        self._connect(widgets.next, "clicked()", lambda: self._step(1))
        self._show_nothing("")

    @property
    def is_on(self) -> bool:
        """Whether a review is going on."""
        return self._review is not None

    def waiting(self, count: int, queued: int) -> None:
        """Say how many wait, after a run; all that are in the queue can be looked at again."""
        if not self.is_on:
            self._widgets.begin.enabled = queued > 0
            self._widgets.summary.text = self._words.waiting.format(count=count) if count else self._words.nothing_waits

    def tell(self, told: Callable[[int], None]) -> None:
        """Whom to tell how many wait, after each decision."""
        self._told = told

    def reset(self) -> None:
        """A run begins: there is nothing to review until it has ended."""
        self.end()
        self._show_nothing(self._words.before)

    def end(self) -> None:
        """End the review: nothing of it stays in the scene; it may be begun again."""
        begin = self._widgets.begin
        blocked = begin.blockSignals(True)
        begin.checked = False
        begin.blockSignals(blocked)
        self._end()

    def forget_scene(self) -> None:
        """The scene was closed: nodes are gone already."""
        if self._scene is not None:
            self._scene = None
            self.end()

    # what a review of its own kind does

    def _actions(self) -> Mapping[str, Callable[[], Any]]:
        """What the keys do."""
        raise NotImplementedError

    def _is_decided(self) -> bool:
        """Whether what is shown was decided."""
        raise NotImplementedError

    def _show(self) -> None:
        """Show what the review stands at."""
        raise NotImplementedError

    def _take_over(self) -> None:
        """Take over what was changed in the views."""

    # inside

    def _connect(self, sender: Any, signal: str, action: Callable[..., Any]) -> None:
        """Connect an action; what it refuses, such as a queue on a full disk, is said in the section."""

        def tried(*arguments: Any) -> None:
            try:
                action(*arguments)
            except DeidentifyError as error:
                self._say(error)

        connect(sender, signal, tried)

    def _begin_or_end(self, begin: bool) -> None:
        if not begin:
            self._end()
            return
        try:
            with slicer.util.WaitCursor():
                self._review = self._make_review()
        except DeidentifyError as error:
            self.end()
            self._say(error)
            return
        self._scene = self._make_scene()
        self._widgets.begin.text = _("End review")
        self._turn_keys_on()
        if self._is_decided():
            self._review.show_next_pending()
        self._show()

    def _end(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []
        may_begin_again = self._review is not None or self._widgets.begin.enabled
        if self._review is not None:
            self._take_over()
        self._display.give_back()
        if self._scene is not None:
            self._scene.clear()
        self._review = self._scene = None
        self._widgets.begin.text = _("Begin review")
        self._show_nothing(self._widgets.summary.text)
        self._widgets.begin.enabled = may_begin_again

    def _show_nothing(self, text: str) -> None:
        self._set_visible(False)
        self._widgets.summary.text = text or self._words.before
        self._widgets.begin.enabled = False

    def _show_position(self, decision: str) -> None:
        """Show how far the review is, and what was decided about what is shown."""
        self._set_visible(True)
        self._widgets.begin.enabled = True
        counts = self._review.counts()
        self._told(counts["pending"])
        words = self._words.counts if counts["pending"] else self._words.all_decided
        self._widgets.summary.text = words.format(**counts)
        self._widgets.position.text = _("{position} of {count}: {decision}").format(
            position=self._review.position + 1, count=len(self._review.digests), decision=decision
        )

    def _set_visible(self, visible: bool) -> None:
        widgets = self._widgets
        for widget in (widgets.body, widgets.previous, widgets.next, widgets.position):
            widget.visible = visible

    def _turn_keys_on(self) -> None:
        parent = slicer.util.mainWindow() or self._widgets.body.window()
        for keys, action in self._actions().items():
            shortcut = qt.QShortcut(parent)
            shortcut.setKey(qt.QKeySequence(keys))
            self._connect(shortcut, "activated()", action)
            self._shortcuts.append(shortcut)

    def _step(self, by: int) -> None:
        review = self._review
        if review is None or not 0 <= review.position + by < len(review.digests):
            return
        self._take_over()
        review.show(review.position + by)
        self._show()

    def _say(self, error: DeidentifyError) -> None:
        line = str(error)
        self._widgets.summary.text = line[:1].upper() + line[1:]

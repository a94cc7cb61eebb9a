"""Answers that are chosen: radio buttons for one, check boxes for any number, described levels for a rating."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.answers import ChoiceValue, Presence, PresenceValue, RatingValue, Value
from AnnotationQACore.protocol.model import Classification, Rating
from AnnotationQALib.widgets.answer_texts import presence_text
from AnnotationQALib.widgets.guard import connect

__all__ = ["ChoicesEditor"]

_LEVEL_NOT_ASSESSABLE = "not_assessable"
_LONGEST_IN_TWO_COLUMNS = 20
_MOST_IN_ONE_COLUMN = 5


@dataclass(frozen=True, slots=True)
class _Option:
    """One answer that can be chosen; `key` is the digit that chooses it, empty for none."""

    id: str
    text: str
    definition: str
    key: str
    parent: str | None = None


class ChoicesEditor:
    """The answers of a classification or a rating.

    Parameters
    ----------
    item : Classification or Rating
    on_chosen : callable
        Called with the IDs that are now chosen; for a rating the level as text, or ``not_assessable``.

    Attributes
    ----------
    widget : QWidget
    buttons : dict of option ID to QAbstractButton
    """

    def __init__(self, item: Classification | Rating, on_chosen: Callable[[tuple[str, ...]], None]) -> None:
        self._on_chosen = on_chosen
        self._several = isinstance(item, Classification) and item.selection == "multiple"
        self._options = _options(item)
        self._order = {option.id: number for number, option in enumerate(self._options)}
        self.buttons: dict[str, Any] = {}
        self.widget = qt.QWidget()
        layout = qt.QGridLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(4)
        rows = self._rows()
        for number, option in enumerate(self._options):
            layout.addWidget(self._button(option), number % rows, number // rows)
        self._none = qt.QPushButton(_("None of these")) if self._several else None
        if self._none is not None:
            self._none.toolTip = _("Answer that none of the choices holds.")
            connect(self._none, "clicked()", self._choose_none)
            layout.addWidget(self._none, rows, 0)
        self._definition = qt.QLabel()
        self._definition.wordWrap = True
        self._definition.enabled = False
        layout.addWidget(self._definition, rows + 1, 0, 1, 2)
        layout.setColumnStretch(1, 1)

    @property
    def several(self) -> bool:
        """Whether more than one can be chosen."""
        return self._several

    @property
    def keys(self) -> tuple[str, ...]:
        """Digits that choose an option."""
        return tuple(option.key for option in self._options if option.key)

    def show(self, value: Value | None) -> None:
        """Check what is answered."""
        chosen = _chosen(value)
        for option, button in self.buttons.items():
            self._check(button, option in chosen)
        defined = [option.definition for option in self._options if option.id in chosen and option.definition]
        self._definition.text = "\n".join(defined)
        self._definition.visible = bool(defined)

    def press(self, key: str) -> bool:
        """Choose by a digit, as if the option was clicked; False when no option has it."""
        for option in self._options:
            if option.key == key:
                button = self.buttons[option.id]
                button.setFocus()
                button.click()
                return True
        return False

    def focus(self) -> None:
        """Give the keyboard to the chosen option, or to the first."""
        chosen = [button for button in self.buttons.values() if button.checked]
        (chosen or list(self.buttons.values()))[0].setFocus()

    def _button(self, option: _Option) -> Any:
        button = qt.QCheckBox(option.text) if self._several else qt.QRadioButton(option.text)
        tips = [option.definition, _("Key {key}").format(key=option.key) if option.key else ""]
        button.toolTip = "\n".join(tip for tip in tips if tip)
        if option.parent:
            button.styleSheet = "margin-left: 18px;"
        connect(button, "clicked()", lambda option=option.id: self._clicked(option))
        self.buttons[option.id] = button
        return button

    def _clicked(self, option: str) -> None:
        if not self._several:
            self._on_chosen((option,))
            return
        self._on_chosen(tuple(o.id for o in self._options if self.buttons[o.id].checked))

    def _choose_none(self) -> None:
        self._on_chosen(())

    def _check(self, button: Any, checked: bool) -> None:
        if button.checked == checked:
            return
        # a radio button can only be unchecked while its group does not insist on one
        button.autoExclusive = False
        button.checked = checked
        button.autoExclusive = not self._several

    def _rows(self) -> int:
        """Short answers without hierarchy stand in two columns, for the panel is narrow and low."""
        count = len(self._options)
        is_short = all(len(option.text) <= _LONGEST_IN_TWO_COLUMNS and not option.parent for option in self._options)
        return (count + 1) // 2 if is_short and count > _MOST_IN_ONE_COLUMN else count


def _options(item: Classification | Rating) -> tuple[_Option, ...]:
    if isinstance(item, Classification):
        return tuple(
            _Option(choice.id, f"{number}  {choice.title}" if number < 10 else choice.title, choice.definition,
                    str(number) if number < 10 else "", choice.parent)
            for number, choice in enumerate(item.answers, start=1)
        )  # fmt: skip
    values = [level.value for level in item.levels]
    by_value = all(1 <= value <= 9 for value in values)
    options = []
    for number, level in enumerate(item.levels, start=1):
        key = str(level.value) if by_value else str(number) if number < 10 else ""
        title = f"{level.value} – {level.title}"
        options.append(_Option(str(level.value), title if by_value else f"{key}  {title}", level.definition, key))
    free = next((str(digit) for digit in range(len(values) + 1, 10) if str(digit) not in {o.key for o in options}), "")
    title = presence_text(Presence.NOT_ASSESSABLE)
    options.append(_Option(_LEVEL_NOT_ASSESSABLE, f"{free}  {title}" if free else title, "", free))
    return tuple(options)


def _chosen(value: Value | None) -> tuple[str, ...]:
    match value:
        case ChoiceValue(choices=choices):
            return choices
        case PresenceValue(presence=presence):
            return (presence.value,)
        case RatingValue(level=level):
            return (_LEVEL_NOT_ASSESSABLE if level is None else str(level),)
    return ()

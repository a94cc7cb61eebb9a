"""Drawn, absent, uncertain or not assessable: said explicitly for everything that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.answers import Presence, PresenceValue, SegmentationValue, Value
from AnnotationQACore.protocol.model import DrawnItem
from AnnotationQALib.widgets.answer_texts import presence_text
from AnnotationQALib.widgets.guard import connect

__all__ = ["PresenceRow"]

CHOSEN = "QToolButton:checked { border: 2px solid palette(highlight); border-radius: 3px; padding: 2px; }"
"""A pressed button can hardly be told from others in a dark theme."""


class PresenceRow:
    """One button for each thing that can be said instead of drawing.

    Parameters
    ----------
    item : DrawnItem
    on_declared : callable
        Called with what is said; None takes it back.
    with_drawn : bool
        Whether there is a button for that; not where instances are added instead.

    Attributes
    ----------
    widget : QWidget
    buttons : dict of Presence or None to QToolButton
        None says that it is there and drawn.
    """

    def __init__(
        self, item: DrawnItem, on_declared: Callable[[Presence | None], None], with_drawn: bool = True
    ) -> None:
        self.widget = qt.QWidget()
        self.widget.styleSheet = CHOSEN
        layout = qt.QHBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        tips = {
            None: (_("Drawn"), _("It is there: draw it. Takes back what was said instead.")),
            Presence.ABSENT: (presence_text(Presence.ABSENT), _("You have looked, and it is not there.")),
            Presence.UNCERTAIN: (presence_text(Presence.UNCERTAIN), _("It cannot be told whether it is there.")),
            Presence.NOT_ASSESSABLE: (
                presence_text(Presence.NOT_ASSESSABLE),
                _("The images do not allow to look for it."),
            ),
        }
        self.buttons: dict[Presence | None, Any] = {}
        for presence, (text, tip) in tips.items():
            if (presence == Presence.ABSENT and not item.may_be_absent) or (presence is None and not with_drawn):
                continue
            button = qt.QToolButton()
            button.text = text
            button.toolTip = tip
            button.checkable = True
            connect(button, "clicked()", lambda presence=presence: on_declared(presence))
            layout.addWidget(button)
            self.buttons[presence] = button
        layout.addStretch(1)

    def show(self, value: Value | None) -> None:
        """Press the button of what is said."""
        said: Any = None
        if isinstance(value, PresenceValue | SegmentationValue) and value.presence != Presence.PRESENT:
            said = value.presence
        is_drawn = value is not None and said is None
        for presence, button in self.buttons.items():
            button.checked = is_drawn if presence is None else presence == said

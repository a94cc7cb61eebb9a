"""Small icons for where an item or a case stands: told apart by shape as well as by colour, in light and dark."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQALib.logic.form import ItemState

__all__ = ["color_icon", "is_dark", "link_color", "problem_icon", "state_icon", "state_text"]

_SIZE = 16
_ON_SELECTION = "#ffffff"
_LIGHT = {"grey": "#6b7280", "green": "#15803d", "amber": "#b45309", "red": "#b91c1c", "blue": "#1d4ed8"}
_DARK = {"grey": "#9ca3af", "green": "#4ade80", "amber": "#fbbf24", "red": "#f87171", "blue": "#60a5fa"}


def is_dark(widget: Any) -> bool:
    """Whether a widget is shown in a dark theme."""
    return bool(widget.palette.color(qt.QPalette.Window).lightness() < 128)


def link_color(dark: bool) -> str:
    """Of links in texts: that of Qt's palette cannot be read in all dark themes."""
    return (_DARK if dark else _LIGHT)["blue"]


def state_text(state: ItemState) -> str:
    """A state as the reader's word."""
    return {
        ItemState.TO_DO: _("To do"),
        ItemState.DONE: _("Done"),
        ItemState.NOT_APPLICABLE: _("Not applicable"),
        ItemState.PROBLEM: _("Problem"),
    }[state]


def state_icon(state: ItemState, dark: bool) -> Any:
    """Ring: to do; tick: done; dash: not applicable; exclamation mark: problem."""
    shapes = {
        ItemState.TO_DO: ("grey", _ring),
        ItemState.DONE: ("green", _tick),
        ItemState.NOT_APPLICABLE: ("grey", _dash),
        ItemState.PROBLEM: ("amber", _exclamation),
    }
    color, draw = shapes[state]
    return _icon((_DARK if dark else _LIGHT)[color], draw)


def problem_icon(error: bool, dark: bool) -> Any:
    """A cross for an error, an exclamation mark for a warning."""
    colors = _DARK if dark else _LIGHT
    return _icon(colors["red"], _cross) if error else _icon(colors["amber"], _exclamation)


def color_icon(color: str) -> Any:
    """A square of the colour in which an item is drawn; framed in a selected row, whose colour may be the same."""

    def square(painter: Any) -> None:
        painter.fillRect(2, 3, 10, 10, qt.QColor(color))

    def framed_square(painter: Any) -> None:
        square(painter)
        painter.drawRect(2, 3, 10, 10)

    icon = qt.QIcon(_pixmap(color, square))
    icon.addPixmap(_pixmap(_ON_SELECTION, framed_square), qt.QIcon.Selected)
    return icon


def _icon(color: str, draw: Any) -> Any:
    icon = qt.QIcon(_pixmap(color, draw))
    icon.addPixmap(_pixmap(_ON_SELECTION, draw), qt.QIcon.Selected)
    return icon


def _pixmap(color: str, draw: Any) -> Any:
    pixmap = qt.QPixmap(_SIZE, _SIZE)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    pen = qt.QPen(qt.QColor(color))
    pen.setWidth(2)
    painter.setPen(pen)
    draw(painter)
    painter.end()
    return pixmap


def _ring(painter: Any) -> None:
    painter.drawEllipse(3, 3, 10, 10)


def _tick(painter: Any) -> None:
    painter.drawLine(3, 8, 6, 12)
    painter.drawLine(6, 12, 13, 4)


def _dash(painter: Any) -> None:
    painter.drawLine(4, 8, 12, 8)


def _exclamation(painter: Any) -> None:
    painter.drawLine(8, 4, 8, 8)
    painter.drawPoint(8, 12)


def _cross(painter: Any) -> None:
    painter.drawLine(4, 4, 12, 12)
    painter.drawLine(12, 4, 4, 12)

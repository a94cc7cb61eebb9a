"""Buttons for what is drawn by points: boxes, polygons, landmarks and measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.project.answers import LandmarksValue, Value
from AnnotationQACore.protocol.model import Box, Item, Landmarks, Measurement, Polygon
from AnnotationQALib.logic.form import ItemState
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.menus import add_action
from AnnotationQALib.widgets.state_icons import is_dark, state_icon

__all__ = ["MarkupsActions", "MarkupsControls"]

_LIST_HEIGHT = 130


@dataclass(frozen=True, slots=True)
class MarkupsActions:
    """What the buttons do; all are told nothing but, for landmarks, the ID of the point."""

    place: Callable[[bool], None]
    erase: Callable[[], None]
    snap: Callable[[], None]
    to_segment: Callable[[str], None]
    not_visible: Callable[[str], None]
    place_again: Callable[[str], None]
    jump: Callable[[str], None]


class MarkupsControls:
    """Place, erase, and what the kind of item has besides.

    Parameters
    ----------
    item : Box, Polygon, Landmarks or Measurement
    segments : mapping of segment ID to title
        Segments that a polygon can be added to.
    actions : MarkupsActions

    Attributes
    ----------
    widget : QWidget
    placeButton, eraseButton : QToolButton
    snapButton, toSegmentButton : QToolButton or None
        Of polygons.
    points : QTreeWidget or None
        Of landmarks.
    notVisibleButton, againButton : QToolButton or None
        Of landmarks.
    """

    def __init__(self, item: Item, segments: Mapping[str, str], actions: MarkupsActions) -> None:
        self._item = item
        self._actions = actions
        self.widget = qt.QWidget()
        column = qt.QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._row = qt.QHBoxLayout()
        self._row.setSpacing(2)
        column.addLayout(self._row)
        self.placeButton = self._button(
            _("Place"), _("Place points with the mouse in a view; Esc or a click here ends it.")
        )
        self.placeButton.checkable = True
        connect(self.placeButton, "toggled(bool)", actions.place)
        self.snapButton = self.toSegmentButton = self.points = self.notVisibleButton = self.againButton = None
        if isinstance(item, Polygon):
            self._add_polygon_buttons(segments)
        if isinstance(item, Landmarks):
            self._add_landmarks(column, item)
        self.eraseButton = self._button(_("Erase"), _("Remove what was placed for this item."))
        connect(self.eraseButton, "clicked()", actions.erase)
        self._row.addStretch(1)

    @property
    def selected_point(self) -> str:
        """ID of the selected landmark; empty for none."""
        row = self.points.currentItem() if self.points is not None else None
        return str(row.data(0, qt.Qt.UserRole)) if row else ""

    def show(self, value: Value | None, placing: bool, next_point: str, has_nodes: bool) -> None:
        """Show what is placed and what comes next; `next_point` is the title of the next landmark."""
        self.placeButton.blockSignals(True)
        self.placeButton.checked = placing
        self.placeButton.blockSignals(False)
        self.placeButton.text = self._place_text(next_point)
        if isinstance(self._item, Landmarks):
            self.placeButton.enabled = bool(next_point)
        self.eraseButton.enabled = has_nodes
        for button in (self.snapButton, self.toSegmentButton):
            if button is not None:
                button.enabled = value is not None
        if self.points is not None:
            self._show_points(value if isinstance(value, LandmarksValue) else LandmarksValue(()), next_point)

    def _place_text(self, next_point: str) -> str:
        match self._item:
            case Landmarks():
                return _("Place {point}").format(point=next_point) if next_point else _("All points are done")
            case Box():
                return _("Place box")
            case Polygon():
                return _("Place points")
            case Measurement(quantity="angle"):
                return _("Place angle")
            case Measurement(quantity="bidimensional"):
                return _("Place diameters")
        return _("Place line")

    def _button(self, text: str, tip: str) -> Any:
        button = qt.QToolButton()
        button.text = text
        button.toolTip = tip
        self._row.addWidget(button)
        return button

    def _add_polygon_buttons(self, segments: Mapping[str, str]) -> None:
        self.snapButton = self._button(_("Snap to slice"), _("Move all points onto the slice nearest to them."))
        connect(self.snapButton, "clicked()", self._actions.snap)
        if segments:
            self.toSegmentButton = self._button(_("To segment"), _("Add the inside of the outline to a segment."))
            self.toSegmentButton.popupMode = qt.QToolButton.InstantPopup
            menu = qt.QMenu(self.toSegmentButton)
            for segment, title in segments.items():
                action = add_action(menu, title)
                connect(action, "triggered()", lambda segment=segment: self._actions.to_segment(segment))
            self.toSegmentButton.setMenu(menu)

    def _add_landmarks(self, column: Any, item: Landmarks) -> None:
        self.notVisibleButton = self._button(
            _("Not visible  (F4)"), _("You have looked for the selected or next point, and it is not visible.")
        )
        connect(self.notVisibleButton, "clicked()", lambda: self._actions.not_visible(self.selected_point))
        self.againButton = self._button(_("Again"), _("Take the selected point back, to place it anew."))
        connect(self.againButton, "clicked()", lambda: self._actions.place_again(self.selected_point))
        self.points = qt.QTreeWidget()
        self.points.toolTip = _("The points in their order; double-click to go to one.")
        self.points.headerHidden = True
        self.points.rootIsDecorated = False
        self.points.columnCount = 2
        self.points.maximumHeight = _LIST_HEIGHT
        self.points.header().stretchLastSection = False
        self.points.header().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.points.header().setSectionResizeMode(1, qt.QHeaderView.ResizeToContents)
        for point in item.points:
            row = qt.QTreeWidgetItem()
            row.setText(0, point.title)
            row.setToolTip(0, point.definition or point.title)
            row.setData(0, qt.Qt.UserRole, point.id)
            self.points.addTopLevelItem(row)
        connect(self.points, "itemSelectionChanged()", self._enable_point_buttons)
        connect(self.points, "itemDoubleClicked(QTreeWidgetItem*,int)", lambda: self._jump())
        column.addWidget(self.points)

    def _show_points(self, value: LandmarksValue, next_point: str) -> None:
        item, dark = self._item, is_dark(self.points)
        marks = {mark.name: mark.position for mark in value.landmarks}
        for number, point in enumerate(item.points):
            row = self.points.topLevelItem(number)
            is_done = point.id in marks
            row.setIcon(0, state_icon(ItemState.DONE if is_done else ItemState.TO_DO, dark))
            missing = _("next") if point.title == next_point else ""
            placed = _("placed") if marks.get(point.id) is not None else _("not visible")
            row.setText(1, placed if is_done else missing)
        self._decided = set(marks)
        self._has_next = bool(next_point)
        self._enable_point_buttons()

    def _enable_point_buttons(self) -> None:
        selected = self.selected_point
        self.againButton.enabled = selected in self._decided
        self.notVisibleButton.enabled = bool(selected) or self._has_next

    def _jump(self) -> None:
        self._actions.jump(self.selected_point)

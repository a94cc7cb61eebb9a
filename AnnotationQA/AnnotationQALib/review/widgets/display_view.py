"""How the readings of a case are shown: planes, 3D, outlines, heat map, and who is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import qt
from slicer.i18n import tr as _

from AnnotationQALib.review.case_review import MOST_SHOWN
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.menus import add_action
from AnnotationQALib.widgets.tables import chosen, fill_combo
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["DisplayView"]


class DisplayView:
    """Controls of the views.

    Parameters
    ----------
    on_layout : callable
        Called when the views are to be made anew.
    on_style, on_heat_map, on_opacity, on_crosshair : callable
        Called when one of these was changed.
    on_window : callable
        Called with the ID of a window preset.
    on_beside : callable
        Called with the ID of another case of the patient, or an empty text.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(
        self,
        on_layout: Callable[[], None],
        on_style: Callable[[], None],
        on_heat_map: Callable[[], None],
        on_opacity: Callable[[], None],
        on_crosshair: Callable[[], None],
        on_window: Callable[[str], None],
        on_beside: Callable[[str], None],
    ) -> None:
        self.widget, self.ui = load_ui("ReviewViews.ui")
        self._on_layout = on_layout
        self._readers: dict[str, Any] = {}
        self._menu = qt.QMenu(self.ui.readersButton)
        self.ui.readersButton.setMenu(self._menu)
        ui = self.ui
        planes = (("Axial", _("Axial")), ("Coronal", _("Coronal")), ("Sagittal", _("Sagittal")))
        fill_combo(ui.planesCombo, "", [*((text, data) for data, text in planes), (_("Three planes"), "3")])
        three_d = ((_("No 3D"), "none"), (_("3D each"), "each"), (_("3D overlaid"), "overlaid"))
        fill_combo(ui.threeDCombo, "", three_d)
        styles = ((_("Outlines"), "outlines"), (_("Fills"), "fills"), (_("Outlines and fills"), "both"))
        fill_combo(ui.styleCombo, "", styles)
        maps = ((_("Readers who differ"), "readers"), (_("Distance in mm"), "distance"))
        fill_combo(ui.heatCombo, _("No heat map"), maps)
        for combo in (ui.planesCombo, ui.threeDCombo):
            connect(combo, "currentIndexChanged(int)", lambda _index: on_layout())
        connect(ui.resultCheck, "toggled(bool)", lambda _on: on_layout())
        connect(ui.styleCombo, "currentIndexChanged(int)", lambda _index: on_style())
        connect(ui.heatCombo, "currentIndexChanged(int)", lambda _index: on_heat_map())
        connect(ui.opacitySlider, "valueChanged(int)", lambda _value: on_opacity())
        connect(ui.crosshairCheck, "toggled(bool)", lambda _on: on_crosshair())
        connect(ui.windowCombo, "activated(int)", lambda _index: on_window(chosen(ui.windowCombo)))
        connect(ui.besideCombo, "currentIndexChanged(int)", lambda _index: on_beside(chosen(ui.besideCombo)))

    @property
    def planes(self) -> Literal[1, 3]:
        """One plane or three."""
        return 3 if chosen(self.ui.planesCombo) == "3" else 1

    @property
    def orientation(self) -> str:
        """Of the single plane."""
        return "Axial" if self.planes == 3 else chosen(self.ui.planesCombo)

    @property
    def three_d(self) -> Any:
        """3D views: none, each, overlaid."""
        return chosen(self.ui.threeDCombo)

    @property
    def style(self) -> Any:
        """Outlines, fills, or both."""
        return chosen(self.ui.styleCombo)

    @property
    def heat_map(self) -> Any:
        """The heat map; None without."""
        return chosen(self.ui.heatCombo) or None

    @property
    def opacity(self) -> float:
        """Of the heat map, in [0, 1]."""
        return float(self.ui.opacitySlider.value) / 100

    @property
    def readers(self) -> tuple[str, ...]:
        """Who is shown."""
        return tuple(reader for reader, action in self._readers.items() if action.checked)

    def show(
        self,
        names: Mapping[str, str],
        shown: Sequence[str],
        windows: Sequence[tuple[str, str]] = (),
        others: Sequence[str] = (),
        is_review: bool = True,
    ) -> None:
        """Show what there is to choose for a case.

        Parameters
        ----------
        names : mapping of reader to str
        shown : sequence of str
        windows : sequence of (title, ID)
        others : sequence of str
            Other cases of the patient.
        is_review : bool
            False for time points, which have no heat map and no result.
        """
        self._menu.clear()
        self._readers = {}
        for reader, name in names.items():
            action = add_action(self._menu, name)
            action.checkable = True
            action.checked = reader in shown
            connect(action, "toggled(bool)", lambda on, reader=reader: self._toggled(reader, on))
            self._readers[reader] = action
        self.ui.readersButton.visible = is_review and len(names) > 1
        self._count()
        fill_combo(self.ui.windowCombo, "", windows)
        fill_combo(self.ui.besideCombo, _("No other time point"), [(other, other) for other in others])
        for widgets, visible in (
            ((self.ui.windowLabel, self.ui.windowCombo), bool(windows)),
            ((self.ui.besideLabel, self.ui.besideCombo), bool(others)),
            ((self.ui.windowRow,), bool(windows) or bool(others)),
            ((self.ui.heatCombo, self.ui.opacitySlider, self.ui.resultCheck), is_review),
        ):
            for widget in widgets:
                widget.visible = visible
        self.ui.heatCombo.blockSignals(True)
        self.ui.heatCombo.currentIndex = 0
        self.ui.heatCombo.blockSignals(False)
        self.ui.opacitySlider.enabled = False

    def next_style(self) -> None:
        """The next way to draw."""
        _next(self.ui.styleCombo)

    def next_heat_map(self) -> None:
        """The next heat map, or none."""
        _next(self.ui.heatCombo)

    def _toggled(self, reader: str, on: bool) -> None:
        chosen_now = self.readers
        if not chosen_now or len(chosen_now) > MOST_SHOWN:
            action = self._readers[reader]
            action.blockSignals(True)
            action.checked = not on
            action.blockSignals(False)
            return
        self._count()
        self._on_layout()

    def _count(self) -> None:
        text = _("Readers {shown}/{number}").format(shown=len(self.readers), number=len(self._readers))
        self.ui.readersButton.text = text


def _next(combo: Any) -> None:
    combo.currentIndex = (combo.currentIndex + 1) % max(combo.count, 1)

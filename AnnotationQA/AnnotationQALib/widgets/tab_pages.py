"""Tabs that are as large as the page that is shown."""

from __future__ import annotations

from typing import Any

import qt

from AnnotationQALib.widgets.guard import connect

__all__ = ["fit_to_page"]


def fit_to_page(tabs: Any) -> None:
    """Let tabs be as high and as wide as the shown page needs, instead of the largest one.

    Qt asks all pages, also those that are not shown; so each is put into a holder, in which it is hidden.
    """
    pages = [tabs.widget(place) for place in range(tabs.count)]
    for place, page in enumerate(pages):
        title, tip = tabs.tabText(place), tabs.tabToolTip(place)
        tabs.removeTab(place)
        holder = qt.QWidget()
        layout = qt.QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(page)
        tabs.insertTab(place, holder, title)
        tabs.setTabToolTip(place, tip)
    tabs.currentIndex = 0
    connect(tabs, "currentChanged(int)", lambda current: _show(pages, current))
    _show(pages, tabs.currentIndex)


def _show(pages: list[Any], current: int) -> None:
    for place, page in enumerate(pages):
        page.visible = place == current

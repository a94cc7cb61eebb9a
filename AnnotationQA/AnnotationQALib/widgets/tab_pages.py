"""Tabs that are as large as the page that is shown."""

from __future__ import annotations

from typing import Any

import qt

__all__ = ["fit_to_page"]


def fit_to_page(tabs: Any) -> None:
    """Let tabs be as high and as wide as the shown page needs, instead of the largest one."""
    tabs.connect("currentChanged(int)", lambda _place: _fit(tabs))
    _fit(tabs)


def _fit(tabs: Any) -> None:
    for place in range(tabs.count):
        policy = qt.QSizePolicy.Preferred if place == tabs.currentIndex else qt.QSizePolicy.Ignored
        tabs.widget(place).setSizePolicy(policy, policy)
    tabs.updateGeometry()

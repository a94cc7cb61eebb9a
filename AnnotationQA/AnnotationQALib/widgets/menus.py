"""Entries of menus, made as Slicer's own modules make them."""

from __future__ import annotations

from typing import Any

import qt

__all__ = ["add_action"]


def add_action(menu: Any, text: str) -> Any:
    """Add an entry to a menu, to which it belongs."""
    action = qt.QAction(text, menu)
    menu.addAction(action)
    return action

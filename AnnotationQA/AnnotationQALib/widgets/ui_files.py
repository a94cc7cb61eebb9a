"""The `.ui` files of the module."""

from pathlib import Path
from typing import Any

import slicer

__all__ = ["load_ui"]

_FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "UI"


def load_ui(name: str) -> tuple[Any, Any]:
    """The widget of a file of ``Resources/UI``, and its children by name."""
    widget = slicer.util.loadUI(str(_FOLDER / name))
    return widget, slicer.util.childWidgetVariables(widget)

"""Puts `qt`, `ctk` and the missing parts of `slicer` where panels import them."""

import sys
import types
from collections.abc import Callable
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from pythonqt import ctk_widgets, dialogs, mrml_widgets, packaging, scripted, translation
from pythonqt.table import application_names, class_groups, names_of
from pythonqt.ui_loader import QUiLoader
from pythonqt.wrapping import CLASSES, Wrapper, make_class

__all__ = ["install"]


def install() -> None:
    """Make the modules; importing a panel works afterwards, running it needs `application.start`."""
    if "qt" in sys.modules:
        return
    natives = {name: _native(name) for group in class_groups().values() for name in group}
    for name in sorted(natives, key=lambda name: _depth(natives[name])):
        names = names_of(name)
        make_class(name, names, natives[name], _bases(natives[name]))
    for name, section in (("qSlicerApplication", "slicer.app"), ("qSlicerLayoutManager", "slicer.app.layoutManager()")):
        make_class(name, application_names(section), natives.get(name), (CLASSES["QObject"],))
    groups = class_groups()
    QUiLoader.custom = {name: natives[name] for name in (*groups["ctk_classes"], *groups["slicer_qt_classes"])}
    sys.modules["qt"] = _module("qt", groups["qt_classes"], "Qt as PythonQt offers it")
    sys.modules["ctk"] = _module("ctk", groups["ctk_classes"], "CTK as PythonQt offers it")
    for name in groups["slicer_qt_classes"]:
        setattr(slicer, name, CLASSES[name])
    for name, module in (
        ("ScriptedLoadableModule", scripted),
        ("i18n", translation),
        ("packaging", packaging),
    ):
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    dialogs.install()


def _native(name: str) -> Any:
    if name == "QUiLoader":
        return QUiLoader
    for natives in (ctk_widgets.NATIVES, mrml_widgets.NATIVES):
        if name in natives:
            return natives[name]
    for module in (QtWidgets, QtGui, QtCore):
        if hasattr(module, name):
            return getattr(module, name)
    return None


def _depth(native: Any) -> int:
    return len(getattr(native, "__mro__", ()))


def _bases(native: Any) -> tuple[type, ...]:
    """The wrapper class of the nearest base of the native that has one, so that isinstance works."""
    for base in getattr(native, "__mro__", ())[1:]:
        if base.__name__ in CLASSES:
            return (CLASSES[base.__name__],)
    return (Wrapper,)


def _module(name: str, classes: list[str], documentation: str) -> types.ModuleType:
    module = types.ModuleType(name, documentation)
    for class_name in classes:
        setattr(module, class_name, CLASSES[class_name])
    module.__getattr__ = _missing(name)  # type: ignore[method-assign]
    return module


def _missing(module: str) -> Callable[[str], Any]:
    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{module}.{name}: Slicer does not have it, or the cut of the table does not (pythonqt/table.py)"
        )

    return missing

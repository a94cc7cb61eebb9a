"""Connects signals so that what fails in a slot is told to the person, and brings no value and no path into the log."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

__all__ = ["connect", "guarded"]

BY_ITSELF = "timeout()"
"""A signal that comes again and again without the person: what fails in its slot is told once."""


def connect(sender: Any, signal: str, action: Callable[..., Any]) -> None:
    """Connect a signal of Qt to an action that is guarded; it gets as many arguments as it takes."""
    sender.connect(signal, guarded(action, repeats=signal == BY_ITSELF))


def guarded(action: Callable[..., Any], *, repeats: bool = False) -> Callable[..., Any]:
    """Call an action of ours out of Qt or VTK; what goes wrong in it is told by its kind and place.

    Slicer writes the message of an exception that leaves a slot or an observer to its log, and shows it to nobody.
    Messages of Python and of libraries hold paths and values of files, which may identify a patient or a reader. In
    testing mode the exception goes on, as it does out of Slicer's own error displays.

    Parameters
    ----------
    action : callable
    repeats : bool
        Tell the same failure again only after the action has succeeded: it is called by a timer or an observer.
    """
    count = _taken(action)
    last = ""

    @functools.wraps(action)
    def call(*arguments: Any) -> Any:
        nonlocal last
        try:
            result = action(*arguments[:count])
        except Exception as error:
            if slicer.app.testingEnabled():
                raise
            line = _told(error)
            is_known = repeats and line == last
            last = line
            if not is_known:
                way = "\n".join(_way(error))
                # only afterwards: the widget or node that called is still at work
                qt.QTimer.singleShot(0, lambda: slicer.util.errorDisplay(line, detailedText=way))
            return None
        last = ""
        return result

    return call


def _taken(action: Callable[..., Any]) -> int | None:
    """How many arguments of a signal an action takes, as PythonQt counts them; None for all."""
    function = getattr(action, "__func__", action)
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARARGS:
        return None
    return int(code.co_argcount) - (function is not action)


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        kind = f"{kind}, {error.strerror}"
    return str(
        _("This could not be done ({kind}; {file}, line {line}). Please report this line.").format(
            kind=kind, file=Path(place.filename).name, line=place.lineno
        )
    )


def _way(error: Exception) -> list[str]:
    """Files, lines and functions on the way to a failure; no values."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return [f"{Path(frame.filename).name}, line {frame.lineno}, {frame.name}" for frame in frames]

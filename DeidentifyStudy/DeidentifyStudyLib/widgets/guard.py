"""Connects signals so that what fails in a slot brings no value and no path into Slicer's log."""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

__all__ = ["connect", "guarded"]


def connect(sender: Any, signal: str, action: Callable[..., Any]) -> None:
    """Connect a signal of a widget to an action that is guarded."""
    sender.connect(signal, guarded(action))


def guarded(action: Callable[..., Any]) -> Callable[..., Any]:
    """Call an action; what goes wrong in it is told by its kind and place.

    Slicer writes the message of an exception that leaves a slot to its log, and messages of Python and of libraries
    hold paths and values of files, which may identify a patient.
    """

    @functools.wraps(action)
    def call(*arguments: Any) -> Any:
        try:
            return action(*arguments)
        except Exception as error:
            slicer.util.errorDisplay(_told(error))

    return call


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        kind = f"{kind}, {error.strerror}"
    return _("This could not be done ({kind}; {file}, line {line}). Please report this line.").format(
        kind=kind, file=Path(place.filename).name, line=place.lineno
    )

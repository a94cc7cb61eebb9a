"""Observers on VTK objects that are taken off again all together."""

from __future__ import annotations

from collections.abc import Callable

import vtk

__all__ = ["Observations"]


class Observations:
    """What calls one callback.

    Parameters
    ----------
    callback : callable
        Called with the object and the name of the event.
    """

    def __init__(self, callback: Callable[..., None]) -> None:
        self._callback = callback
        self._tags: list[tuple[vtk.vtkObject, int]] = []

    def add(self, observed: vtk.vtkObject, *events: int) -> None:
        """Observe events of an object."""
        self._tags += [(observed, observed.AddObserver(event, self._callback)) for event in events]

    def forget(self, observed: vtk.vtkObject) -> None:
        """No longer observe an object."""
        for known, tag in self._tags:
            if known is observed:
                known.RemoveObserver(tag)
        self._tags = [entry for entry in self._tags if entry[0] is not observed]

    def clear(self) -> None:
        """Observe nothing any more."""
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags.clear()

"""Voxels of every segment as they were last saved, so that one that was deleted can come back."""

from __future__ import annotations

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import segment_id
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.form import ItemKey

__all__ = ["SavedSegments"]


class SavedSegments:
    """Holds on to a segment also when later saves no longer have it.

    Parameters
    ----------
    start : Segmentation or None
        What the reading goes on from.
    """

    def __init__(self, start: Segmentation | None) -> None:
        self._start = start
        self._last: dict[str, Segmentation] = {}

    def start_from(self, start: Segmentation | None) -> None:
        """The reading goes on from something else."""
        self._start = start

    def remember(self, saved: Segmentation | None) -> None:
        """Take note of what was saved."""
        if saved is not None:
            self._last |= {segment.id: saved for segment in saved.segments}

    def holding(self, key: ItemKey) -> Segmentation:
        """The segmentation from which a segment can be restored; raises `InputError` when it was never saved."""
        found = self._last.get(segment_id(key.item, key.instance), self._start)
        if found is None:
            raise InputError(worded("'{item}': was never saved; draw it again.", item=key.item))
        return found

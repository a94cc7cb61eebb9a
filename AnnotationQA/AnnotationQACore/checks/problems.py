"""What a check found: where, how grave, and in words for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from AnnotationQACore.geometry import Vector
from AnnotationQACore.project.answers import CASE_WIDE, Subject
from AnnotationQACore.wording import Wording

__all__ = ["CheckKind", "ReadingProblem", "Severity", "Spot"]


class Severity(StrEnum):
    """With a `WARNING` a reading may be submitted by giving a reason, with an `ERROR` not."""

    WARNING = "warning"
    ERROR = "error"


class CheckKind(StrEnum):
    """Which check found it."""

    REQUIRED = "required"
    ANSWER = "answer"
    SERIES = "series"
    PRESENCE = "presence"
    LIMIT = "limit"
    SKIPPED_SLICES = "skipped slices"
    ISLANDS = "islands"
    INSIDE = "inside"
    OVERLAP = "overlap"
    COUNT = "count"
    LANDMARKS = "landmarks"
    LATERALITY = "laterality"
    SEGMENTS = "segments"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to jump to.

    Attributes
    ----------
    position : Vector or None
        LPS mm; None on an image without patient geometry.
    series : str
        Role of the series on which it lies.
    pixel : tuple of 2 float or None
        Column and row on an image without patient geometry, see `project.answers`.
    """

    position: Vector | None = None
    series: str = ""
    pixel: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ReadingProblem:
    """One problem of a reading.

    Attributes
    ----------
    item : str
        ID of the item; empty for the reading as a whole.
    kind : CheckKind
    severity : Severity
    wording : Wording
        One line for the reader: what is wrong and what to do.
    spot : Spot or None
        Where to look; None when there is no such place.
    subject : Subject
        What the answer is about.
    """

    item: str
    kind: CheckKind
    severity: Severity
    wording: Wording
    spot: Spot | None = None
    subject: Subject = CASE_WIDE

    @property
    def message(self) -> str:
        """The wording in English."""
        return str(self.wording)

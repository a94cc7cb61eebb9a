"""Readings: what one reader says about one case in one round, and its JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.answers import (
    CASE_WIDE,
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Point,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    TextValue,
    Value,
    segment_id,
)
from AnnotationQACore.project.fields import Fields, format_time, naming
from AnnotationQACore.wording import worded

__all__ = [
    "CASE_WIDE",
    "Activity",
    "Answer",
    "BoxValue",
    "ChoiceValue",
    "FileReference",
    "Landmark",
    "LandmarksValue",
    "MeasurementValue",
    "NotApplicable",
    "Point",
    "PolygonValue",
    "Presence",
    "PresenceValue",
    "RatingValue",
    "Reading",
    "SegmentationValue",
    "StartedFrom",
    "Subject",
    "TextValue",
    "Value",
    "check_identifier",
    "reading_id",
    "segment_id",
]

FORMAT = "AnnotationQA reading 1"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_IDENTIFIER = re.compile(r"((model|consensus|adjudicated):)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file of the project and what it must contain.

    Attributes
    ----------
    path : str
        Relative to the project folder, with forward slashes.
    sha256 : str
    """

    path: str
    sha256: str

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not all(parts) or ".." in parts or "." in parts or "\\" in self.path or ":" in self.path:
            raise InputError(f"file '{self.path}': must be a path inside the project, with forward slashes.")
        if not _SHA256.fullmatch(self.sha256):
            raise InputError(f"file '{self.path}': '{self.sha256}' is no SHA-256 in lower-case hexadecimal.")

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        return {"path": self.path, "sha256": self.sha256}

    @classmethod
    def from_json(cls, value: object, path: str = "file") -> FileReference:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        reference = naming(path, lambda: cls(fields.text("path"), fields.text("sha256")))
        fields.finish()
        return reference


@dataclass(frozen=True, slots=True)
class StartedFrom:
    """The reading that was taken as a start, and how much of it was changed.

    Attributes
    ----------
    reading : str
        ID of the reading.
    changed_voxels : int
        Number of voxels whose segments differ from it.
    """

    reading: str
    changed_voxels: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """An interval of active work on one item (empty: on the case as a whole), UTC."""

    item: str
    start: datetime
    stop: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.stop.tzinfo is None:
            raise InputError("activity: times must have a time zone; use UTC.")
        if self.stop < self.start:
            raise InputError("activity: it stops before it starts; correct the times.")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader says about one case in one round.

    Attributes
    ----------
    case, reader : str
        IDs. Readers that are no people carry a prefix: ``model:``, ``consensus:``, and ``adjudicated:`` for the result
        of an adjudication.
    round : int
        Which reading of the case by this reader, from 1; a repeat is another round.
    revision : int
        From 1; a correction of a submitted reading is the next revision.
    protocol : str
        Hash of the protocol under which it was read.
    answers : tuple of Answer
        One for each item and subject at most.
    segmentation : FileReference or None
        The ``.seg.nrrd`` file with all segments.
    started_from : StartedFrom or None
    activity : tuple of Activity
    flags : tuple of str
        Such as ``poor quality``, ``wrong series``, ``burned-in identity``, ``edge case``.
    comment : str
    """

    case: str
    reader: str
    round: int
    revision: int
    protocol: str
    answers: tuple[Answer, ...] = ()
    segmentation: FileReference | None = None
    started_from: StartedFrom | None = None
    activity: tuple[Activity, ...] = ()
    flags: tuple[str, ...] = ()
    comment: str = ""

    def __post_init__(self) -> None:
        check_identifier(self.case, "case")
        check_identifier(self.reader, "reader")
        if self.round < 1 or self.revision < 1:
            raise InputError("reading: round and revision are numbers from 1.")
        if not _SHA256.fullmatch(self.protocol):
            raise InputError("reading: protocol must be the protocol's hash, 64 hexadecimal digits.")
        seen: set[tuple[str, Subject]] = set()
        for answer in self.answers:
            key = (answer.item, answer.subject)
            if key in seen:
                raise InputError(f"reading: item '{answer.item}' is answered twice for the same subject; keep one.")
            seen.add(key)

    @property
    def id(self) -> str:
        """Identifier of the reading within the project."""
        return reading_id(self.case, self.reader, self.round, self.revision)

    @property
    def active_time(self) -> timedelta:
        """Sum of the intervals of active work."""
        return sum((a.stop - a.start for a in self.activity), timedelta())

    def answers_to(self, item: str) -> tuple[Answer, ...]:
        """All answers to one item; empty when it was not read."""
        return tuple(answer for answer in self.answers if answer.item == item)

    def answer(self, item: str, subject: Subject = CASE_WIDE) -> Answer | None:
        """The answer to one item and subject; None when it was not read."""
        return next((a for a in self.answers if a.item == item and a.subject == subject), None)

    def next_revision(self) -> Reading:
        """The same reading as the start of a correction."""
        return replace(self, revision=self.revision + 1, activity=(), segmentation=None)

    def to_json(self) -> dict[str, Any]:
        """JSON object; `from_json` gives an equal reading."""
        result: dict[str, Any] = {
            "format": FORMAT,
            "case": self.case,
            "reader": self.reader,
            "round": self.round,
            "revision": self.revision,
            "protocol": self.protocol,
            "answers": [answer.to_json() for answer in self.answers],
        }
        if self.segmentation is not None:
            result["segmentation"] = self.segmentation.to_json()
        if self.started_from is not None:
            start = self.started_from
            result["started from"] = {"reading": start.reading, "changed voxels": start.changed_voxels}
        if self.activity:
            result["activity"] = [
                {"item": a.item, "start": format_time(a.start), "stop": format_time(a.stop)} for a in self.activity
            ]
        if self.flags:
            result["flags"] = list(self.flags)
        if self.comment:
            result["comment"] = self.comment
        return result

    @classmethod
    def from_json(cls, value: object, path: str = "reading") -> Reading:
        """Read what `to_json` wrote; raises `InputError` naming the path, what is wrong and the remedy."""
        fields = Fields(value, path)
        if (found := fields.text("format")) != FORMAT:
            raise fields.error("format", f"'{found}' is not '{FORMAT}'; update AnnotationQA or choose a reading")
        reading = naming(
            path,
            lambda: cls(
                case=fields.text("case"),
                reader=fields.text("reader"),
                round=fields.integer("round"),
                revision=fields.integer("revision"),
                protocol=fields.text("protocol"),
                answers=fields.items("answers", Answer.from_json),
                segmentation=fields.optional_child("segmentation", FileReference.from_json),
                started_from=fields.optional_child("started from", _started_from),
                activity=fields.items("activity", _activity),
                flags=fields.texts("flags"),
                comment=fields.text("comment", ""),
            ),
        )
        fields.finish()
        return reading


def reading_id(case: str, reader: str, round_number: int, revision: int) -> str:
    """Identifier of a reading, such as ``case-7/anna/round-1/revision-2``."""
    return f"{case}/{reader}/round-{round_number}/revision-{revision}"


def check_identifier(value: str, what: str) -> str:
    """Return an identifier that is a safe name for a folder on every system; raises `InputError`."""
    if not _IDENTIFIER.fullmatch(value) or value.endswith(".") or _RESERVED_ON_WINDOWS.fullmatch(value):
        raise InputError(
            worded(
                "{what} '{value}': is not usable as an identifier; use up to 100 letters, digits, '.', '_', "
                "'-', starting with a letter or digit.",
                what=what,
                value=value[:100],
            )
        )
    return value


def _started_from(value: object, path: str) -> StartedFrom:
    fields = Fields(value, path)
    start = StartedFrom(fields.text("reading"), fields.integer("changed voxels", 0))
    fields.finish()
    return start


def _activity(value: object, path: str) -> Activity:
    fields = Fields(value, path)
    activity = naming(path, lambda: Activity(fields.text("item"), fields.time("start"), fields.time("stop")))
    fields.finish()
    return activity

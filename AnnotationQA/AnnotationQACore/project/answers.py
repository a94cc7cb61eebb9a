"""Answers: what a reader says about one item, and its JSON.

Four things that look alike are kept apart:

- *absent*: the reader looked and it is not there - `PresenceValue` or `SegmentationValue` with `Presence.ABSENT`;
- *not assessable*: the reader looked and cannot tell - `Presence.NOT_ASSESSABLE`, or a rating without level;
- *not asked*: the protocol's condition for the item did not hold - an `Answer` whose value is `NotApplicable`;
- *not read*: the reading holds no answer to the item at all.

Points have three coordinates in millimetres, LPS (patient coordinate system of DICOM), or, on an image without patient
geometry such as an X-ray, two: column and row in pixels, (0, 0) being the top left corner of the top left pixel
(PS3.3 C.10.5.1.2). An answer with two-dimensional points names its series or image in its subject.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.fields import Fields, naming

__all__ = [
    "CASE_WIDE",
    "Answer",
    "BoxValue",
    "ChoiceValue",
    "Landmark",
    "LandmarksValue",
    "MeasurementValue",
    "NotApplicable",
    "Point",
    "PolygonValue",
    "Presence",
    "PresenceValue",
    "RatingValue",
    "SegmentationValue",
    "Subject",
    "TextValue",
    "Value",
    "segment_id",
]

Point: TypeAlias = tuple[float, ...]
"""(x, y, z) in mm, LPS; or (column, row) in pixels of a 2D image."""


class Presence(StrEnum):
    """Whether a finding or structure is there."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an answer is about, below the case.

    Attributes
    ----------
    series : str or None
        Role of the series in the protocol, or its Series Instance UID.
    image : str or None
        SOP Instance UID.
    frame : int or None
        Frame number of a multi-frame image, from 1.
    instance : int or None
        Number of the instance of the item (or of the item named by "for each instance of"), from 1.
    """

    series: str | None = None
    image: str | None = None
    frame: int | None = None
    instance: int | None = None

    def __post_init__(self) -> None:
        for name, number in (("frame", self.frame), ("instance", self.instance)):
            if number is not None and number < 1:
                raise InputError(f"subject.{name}: {number} is not a number from 1.")

    @property
    def place(self) -> tuple[str, ...]:
        """Series, image and frame, in words."""
        named = {"series": self.series, "image": self.image, "frame": self.frame}
        return tuple(f"{name} {value}" for name, value in named.items() if value)

    def to_json(self) -> dict[str, Any]:
        """Fields that are set."""
        names = ("series", "image", "frame", "instance")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, value: object, path: str = "subject") -> Subject:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        subject = naming(
            path,
            lambda: cls(
                fields.optional_text("series"),
                fields.optional_text("image"),
                fields.optional_integer("frame"),
                fields.optional_integer("instance"),
            ),
        )
        fields.finish()
        return subject


CASE_WIDE = Subject()
"""The subject of answers about the case as a whole."""


@dataclass(frozen=True, slots=True)
class ChoiceValue:
    """Chosen options of a classification, by their IDs in the protocol; none chosen is an answer too."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PresenceValue:
    """Answer to a classification by presence."""

    presence: Presence


@dataclass(frozen=True, slots=True)
class SegmentationValue:
    """Whether the structure is there; its voxels are segment `Answer.segment_id` of the reading's segmentation file."""

    presence: Presence


@dataclass(frozen=True, slots=True)
class BoxValue:
    """Box, 3D in the patient or 2D on an image.

    Attributes
    ----------
    center : Point
        mm, LPS; or pixels.
    size : tuple of float
        Full edge lengths along the box's own axes, in the same unit.
    directions : tuple of unit vectors
        Directions of the box's own axes; empty means along the coordinate axes.
    """

    center: Point
    size: tuple[float, ...]
    directions: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        _normalize(self, center=_points([self.center])[0], size=tuple(map(float, self.size)))
        _normalize(self, directions=_points(self.directions, len(self.center)))
        if len(self.size) != len(self.center) or len(self.directions) not in (0, len(self.center)):
            raise InputError("box: center, size and directions must have as many dimensions; give 2 or 3 of each.")
        if not all(math.isfinite(edge) and edge >= 0 for edge in self.size):
            raise InputError(f"box: size {self.size} must be finite and not negative.")
        for i, a in enumerate(self.directions):
            for j, b in enumerate(self.directions):
                if abs(sum(x * y for x, y in zip(a, b, strict=True)) - (i == j)) > 1e-4:
                    raise InputError("box: directions must be perpendicular unit vectors; normalize them.")


@dataclass(frozen=True, slots=True)
class PolygonValue:
    """Closed planar outline; the last point joins the first."""

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        _normalize(self, points=_points(self.points))
        if len(self.points) < 3:
            raise InputError(f"polygon: {len(self.points)} points make no outline; give at least 3.")


@dataclass(frozen=True, slots=True)
class Landmark:
    """One named point; position None means that the reader looked and it is not visible."""

    name: str
    position: Point | None

    def __post_init__(self) -> None:
        if self.position is not None:
            _normalize(self, position=_points([self.position])[0])


@dataclass(frozen=True, slots=True)
class LandmarksValue:
    """Named points in the protocol's order; a landmark that is not listed was not read."""

    landmarks: tuple[Landmark, ...]

    def __post_init__(self) -> None:
        names = [landmark.name for landmark in self.landmarks]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"landmarks: '{name}' is named twice; name each landmark once.")
        _points([landmark.position for landmark in self.landmarks if landmark.position is not None])


@dataclass(frozen=True, slots=True)
class MeasurementValue:
    """Measured quantity.

    Attributes
    ----------
    value : float
        In `unit`; the long axis of bidimensional diameters.
    unit : str
        UCUM code, such as ``mm``, ``deg``, ``mL``, ``[hnsf'U]``, ``%``.
    points : tuple of Point
        Where it was measured: both ends of a length; ends, then ends of the short axis; three points of an angle.
    short_axis : float or None
        In `unit`; of bidimensional diameters only.
    """

    value: float
    unit: str
    points: tuple[Point, ...] = ()
    short_axis: float | None = None

    def __post_init__(self) -> None:
        _normalize(self, value=float(self.value), points=_points(self.points))
        if self.short_axis is not None:
            _normalize(self, short_axis=float(self.short_axis))
        if not math.isfinite(self.value) or not math.isfinite(self.short_axis or 0.0):
            raise InputError("measurement: the value must be finite; leave the answer out when it was not measured.")


@dataclass(frozen=True, slots=True)
class RatingValue:
    """Level of an ordinal rating; None is "not assessable"."""

    level: int | None


@dataclass(frozen=True, slots=True)
class TextValue:
    """Free text."""

    text: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The item was not asked, because its condition in the protocol did not hold."""


Value: TypeAlias = (
    ChoiceValue
    | PresenceValue
    | SegmentationValue
    | BoxValue
    | PolygonValue
    | LandmarksValue
    | MeasurementValue
    | RatingValue
    | TextValue
    | NotApplicable
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader says about one item and subject.

    Attributes
    ----------
    item : str
        ID of the item in the protocol.
    value : Value
    subject : Subject
        What the answer is about, below the case; `CASE_WIDE` by default.
    comment : str
    warning_reason : str
        Why the reader submitted it although a plausibility check warned.
    """

    item: str
    value: Value
    subject: Subject = CASE_WIDE
    comment: str = ""
    warning_reason: str = ""

    def __post_init__(self) -> None:
        on_image = self.subject.image or self.subject.series
        if not on_image and any(len(point) == 2 for point in _points_of(self.value)):
            raise InputError(f"answer to '{self.item}': 2D points need the series or image they lie on; name it.")

    @property
    def segment_id(self) -> str:
        """ID of the segment that holds the voxels of a segmentation answer."""
        return segment_id(self.item, self.subject.instance)

    def to_json(self) -> dict[str, Any]:
        """JSON object; fields that say nothing are left out."""
        kind, write = _WRITERS[type(self.value)]
        result: dict[str, Any] = {"item": self.item, "kind": kind, **write(self.value)}
        if self.subject != CASE_WIDE:
            result["subject"] = self.subject.to_json()
        if self.comment:
            result["comment"] = self.comment
        if self.warning_reason:
            result["warning reason"] = self.warning_reason
        return result

    @classmethod
    def from_json(cls, value: object, path: str = "answer") -> Answer:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        kind = fields.text("kind")
        if kind not in _READERS:
            raise fields.error("kind", f"'{kind}' is none of {', '.join(_READERS)}")
        answer = naming(
            path,
            lambda: cls(
                fields.text("item"),
                _READERS[kind](fields),
                fields.optional_child("subject", Subject.from_json) or CASE_WIDE,
                fields.text("comment", ""),
                fields.text("warning reason", ""),
            ),
        )
        fields.finish()
        return answer


def segment_id(item: str, instance: int | None = None) -> str:
    """Identifier of a segment: ``item``, or ``item#N`` for instance N."""
    return item if instance is None else f"{item}#{instance}"


def _presence(fields: Fields) -> Presence:
    text = fields.text("presence")
    try:
        return Presence(text)
    except ValueError:
        raise fields.error("presence", f"'{text}' is none of {', '.join(Presence)}") from None


def _point(value: object, path: str) -> Point:
    return Fields({"point": value}, path.rpartition(".")[0] or path).numbers("point")


def _landmark(value: object, path: str) -> Landmark:
    fields = Fields(value, path)
    name = fields.text("name")
    position = fields.child("position", lambda v, p: None if v == "not visible" else _point(v, p))
    fields.finish()
    return naming(path, lambda: Landmark(name, position))


def _rating(fields: Fields) -> RatingValue:
    level = fields.child("level", lambda v, p: None if v == "not_assessable" else Fields({"l": v}, p).integer("l"))
    return RatingValue(level)


def _write_box(box: BoxValue) -> dict[str, Any]:
    written: dict[str, Any] = {"center": list(box.center), "size": list(box.size)}
    return written | ({"directions": [list(d) for d in box.directions]} if box.directions else {})


def _write_measurement(measurement: MeasurementValue) -> dict[str, Any]:
    written: dict[str, Any] = {"value": measurement.value, "unit": measurement.unit}
    if measurement.points:
        written["points"] = [list(point) for point in measurement.points]
    return written | ({} if measurement.short_axis is None else {"short axis": measurement.short_axis})


def _write_landmark(landmark: Landmark) -> dict[str, Any]:
    position = "not visible" if landmark.position is None else list(landmark.position)
    return {"name": landmark.name, "position": position}


_WRITERS: dict[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    ChoiceValue: ("choice", lambda v: {"choices": list(v.choices)}),
    PresenceValue: ("presence", lambda v: {"presence": v.presence.value}),
    SegmentationValue: ("segmentation", lambda v: {"presence": v.presence.value}),
    BoxValue: ("box", _write_box),
    PolygonValue: ("polygon", lambda v: {"points": [list(point) for point in v.points]}),
    LandmarksValue: ("landmarks", lambda v: {"landmarks": [_write_landmark(m) for m in v.landmarks]}),
    MeasurementValue: ("measurement", _write_measurement),
    RatingValue: ("rating", lambda v: {"level": "not_assessable" if v.level is None else v.level}),
    TextValue: ("text", lambda v: {"text": v.text}),
    NotApplicable: ("not applicable", lambda _: {}),
}

_READERS: dict[str, Callable[[Fields], Value]] = {
    "choice": lambda f: ChoiceValue(f.texts("choices")),
    "presence": lambda f: PresenceValue(_presence(f)),
    "segmentation": lambda f: SegmentationValue(_presence(f)),
    "box": lambda f: BoxValue(f.numbers("center"), f.numbers("size"), f.items("directions", _point)),
    "polygon": lambda f: PolygonValue(f.items("points", _point)),
    "landmarks": lambda f: LandmarksValue(f.items("landmarks", _landmark)),
    "measurement": lambda f: MeasurementValue(
        f.number("value"), f.text("unit"), f.items("points", _point), f.optional_number("short axis")
    ),
    "rating": _rating,
    "text": lambda f: TextValue(f.text("text")),
    "not applicable": lambda _: NotApplicable(),
}


def _points_of(value: Value) -> Iterator[Point]:
    match value:
        case BoxValue():
            yield value.center
        case PolygonValue() | MeasurementValue():
            yield from value.points
        case LandmarksValue():
            yield from (mark.position for mark in value.landmarks if mark.position is not None)


def _points(points: Sequence[Sequence[float]], dimension: int | None = None) -> tuple[Point, ...]:
    """Points as plain floats; all finite and of one dimension."""
    plain = tuple(tuple(map(float, point)) for point in points)
    dimensions = {len(point) for point in plain} | ({dimension} if dimension else set())
    if len(dimensions) > 1 or not dimensions <= {2, 3}:
        raise InputError("points must all have 3 coordinates (mm, LPS), or all 2 (pixels of an image).")
    if not all(math.isfinite(x) for point in plain for x in point):
        raise InputError("points must have finite coordinates.")
    return plain


def _normalize(instance: object, **values: object) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)

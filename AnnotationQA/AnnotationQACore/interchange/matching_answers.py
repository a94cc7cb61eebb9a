"""Markups and ratings of others, matched to the items of a protocol and turned into answers of a reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.answer_markups import LONG_AXIS_NAME, SHORT_AXIS_NAME
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, PointStatus
from AnnotationQACore.interchange.matching import plain_words
from AnnotationQACore.interchange.tables import Rating
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    PolygonValue,
    Presence,
    PresenceValue,
    RatingValue,
    Subject,
    TextValue,
    Value,
)
from AnnotationQACore.protocol.model import (
    Box,
    Classification,
    Item,
    Landmarks,
    Measurement,
    Polygon,
    Protocol,
    TextAnswer,
)
from AnnotationQACore.protocol.model import Rating as RatingItem

__all__ = ["MatchedAnswers", "match_markups", "match_ratings"]

_PRESENCE = {
    "present": Presence.PRESENT,
    "yes": Presence.PRESENT,
    "true": Presence.PRESENT,
    "1": Presence.PRESENT,
    "absent": Presence.ABSENT,
    "no": Presence.ABSENT,
    "false": Presence.ABSENT,
    "0": Presence.ABSENT,
    "uncertain": Presence.UNCERTAIN,
    "notassessable": Presence.NOT_ASSESSABLE,
}
_MISSING = ("notassessable", "na")
_KINDS: dict[MarkupKind, type[Item]] = {
    MarkupKind.FIDUCIAL: Landmarks,
    MarkupKind.LINE: Measurement,
    MarkupKind.ANGLE: Measurement,
    MarkupKind.CURVE: Polygon,
    MarkupKind.CLOSED_CURVE: Polygon,
    MarkupKind.ROI: Box,
}
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class MatchedAnswers:
    """Answers, and one line for each thing that matches nothing in the protocol."""

    answers: tuple[Answer, ...]
    mismatches: tuple[str, ...]


def match_ratings(
    ratings: Sequence[Rating], protocol: Protocol, mapping: Mapping[str, str] = _NOTHING
) -> MatchedAnswers:
    """Turn the ratings of one reader on one case into answers.

    Items are matched by ID, title or synonym. A choice is its ID or title (several are separated by ``;`` or ``|``), a
    level its number or title, a presence also yes, no, 1 and 0, a measurement a number.

    Parameters
    ----------
    ratings : sequence of Rating
    protocol : Protocol
    mapping : mapping of str to str, optional
        Item ID for the name of an item in the file.
    """
    answers, mismatches = [], []
    for rating in ratings:
        name = mapping.get(rating.item, rating.item)
        item = _named_item(name, protocol.items)
        if item is None:
            mismatches.append(f"{rating.place}: '{rating.item}' is no item of the protocol; name it in the mapping.")
            continue
        try:
            answers.append(Answer(item.id, _rated(rating, item), Subject(instance=rating.instance)))
        except InputError as error:
            mismatches.append(str(error))
    return MatchedAnswers(tuple(answers), tuple(mismatches))


def match_markups(
    markups: Sequence[Markup], protocol: Protocol, mapping: Mapping[str, str] = _NOTHING
) -> MatchedAnswers:
    """Turn the markups of one reader on one case into answers.

    A markup is matched by its name, or, where it has none that fits, as the only item of its kind. The points of
    landmarks are matched by label, then description, to the ID or title of a point; a point that is `MISSING` was
    looked for and is not visible.

    Parameters
    ----------
    markups : sequence of Markup
        Named as their nodes; name those after the file that have no name.
    protocol : Protocol
    mapping : mapping of str to str, optional
        Item ID for the name of a markup, or point ID for the label of a point.
    """
    answers: list[Answer] = []
    mismatches: list[str] = []
    counts: dict[str, int] = {}
    lines, others = _axes_apart(markups)
    for markup, short in (*((markup, None) for markup in others), *lines):
        kind = _KINDS.get(markup.kind)
        items = [item for item in protocol.items if kind and isinstance(item, kind) and _fits(markup, item, short)]
        name, number = _without_number(mapping.get(markup.name, markup.name))
        item = _named_item(name, items) or _named_item(mapping.get(markup.name, markup.name), items)
        if item is None and len(items) == 1:
            item = items[0]
        if item is None:
            mismatches.append(f"markup '{markup.name}' ({markup.kind}): matches no item; name one in the mapping.")
            continue
        try:
            if isinstance(item, Landmarks):
                value, unmatched = _landmarks(markup, item, mapping)
                mismatches += unmatched
            else:
                value = _drawn(markup) if short is None else _diameters(markup, short)
        except InputError as error:
            mismatches.append(f"markup '{markup.name}': {error}")
            continue
        instance = None
        if getattr(item, "instances", False) or item.scope.level == "instance":
            counts[item.id] = counts.get(item.id, 0) + 1
            instance = number or counts[item.id]
        if any(answer.item == item.id and answer.subject.instance == instance for answer in answers):
            mismatches.append(f"markup '{markup.name}': item '{item.id}' is answered by another markup already.")
            continue
        answers.append(Answer(item.id, value, Subject(instance=instance)))
    return MatchedAnswers(tuple(answers), tuple(mismatches))


def _axes_apart(markups: Sequence[Markup]) -> tuple[list[tuple[Markup, Markup]], list[Markup]]:
    """Pairs of lines that are long and short axis of one thing, the long one without that in its name; and the rest."""
    by_name = {markup.name: markup for markup in markups if markup.kind is MarkupKind.LINE}
    pairs = []
    paired: set[int] = set()
    for name, markup in by_name.items():
        plain = name.removesuffix(f" {LONG_AXIS_NAME}")
        short = by_name.get(f"{plain} {SHORT_AXIS_NAME}")
        if plain != name and short is not None:
            pairs.append((replace(markup, name=plain), short))
            paired |= {id(markup), id(short)}
    return pairs, [markup for markup in markups if id(markup) not in paired]


def _without_number(name: str) -> tuple[str, int | None]:
    """Name and instance number of ``item#2``."""
    plain, separator, number = name.rpartition("#")
    is_number = bool(separator) and number.isdigit() and int(number) > 0
    return (plain, int(number)) if is_number else (name, None)


def _named_item(name: str, items: Sequence[Item]) -> Item | None:
    exact = [item for item in items if item.id == name]
    plain = plain_words(name)
    found = exact or [
        item for item in items if plain and plain in {plain_words(t) for t in (item.id, item.title, *item.synonyms)}
    ]
    return found[0] if len(found) == 1 else None


def _rated(rating: Rating, item: Item) -> Value:
    plain = plain_words(rating.value)
    match item:
        case Classification(selection="presence"):
            if plain not in _PRESENCE:
                raise _bad(rating, "present, absent, uncertain or not_assessable")
            return PresenceValue(_PRESENCE[plain])
        case Classification():
            parts = re.split(r"[;|]", rating.value) if item.selection == "multiple" else [rating.value]
            names = {plain_words(text): choice.id for choice in item.choices for text in (choice.title, choice.id)}
            chosen = [names.get(plain_words(part)) for part in parts]
            if None in chosen:
                raise _bad(rating, "one of " + ", ".join(choice.id for choice in item.choices))
            return ChoiceValue(tuple(dict.fromkeys(choice for choice in chosen if choice is not None)))
        case RatingItem():
            return _level(rating, item, plain)
        case Measurement():
            return MeasurementValue(rating.number(), item.unit or "1")
        case TextAnswer():
            return TextValue(rating.value)
    raise InputError(f"{rating.place}: item '{item.id}' is drawn, it cannot be read from a table.")


def _level(rating: Rating, item: RatingItem, plain: str) -> RatingValue:
    if plain in _MISSING:
        return RatingValue(None)
    titles = {plain_words(level.title): level.value for level in item.levels}
    if plain in titles:
        return RatingValue(titles[plain])
    values = [level.value for level in item.levels]
    number = rating.number()
    if number not in values:
        raise _bad(rating, "one of " + ", ".join(map(str, values)))
    return RatingValue(int(number))


def _bad(rating: Rating, allowed: str) -> InputError:
    return InputError(f"{rating.place}: '{rating.value[:40]}' is not {allowed}; correct the cell.")


def _fits(markup: Markup, item: Item, short: Markup | None) -> bool:
    if isinstance(item, Measurement) and short is not None:
        return item.quantity == "bidimensional"
    if isinstance(item, Measurement):
        return item.quantity == ("angle" if markup.kind is MarkupKind.ANGLE else "length") and not item.derived
    if isinstance(item, Polygon):
        return item.closed == (markup.kind is MarkupKind.CLOSED_CURVE)
    return True


def _landmarks(markup: Markup, item: Landmarks, mapping: Mapping[str, str]) -> tuple[Value, list[str]]:
    names = {plain_words(text): point.id for point in item.points for text in (point.title, point.id)}
    found: dict[str, Landmark] = {}
    unmatched = []
    for point in markup.points:
        target = _point_id(point, names, mapping)
        if target is None or target in found:
            why = "is no landmark of" if target is None else "is named twice in"
            unmatched.append(f"markup '{markup.name}': point '{point.label}' {why} item '{item.id}'.")
        elif point.status is not PointStatus.UNDEFINED:
            found[target] = Landmark(target, point.position)
    unread = [point.id for point in item.points if point.id not in found]
    if unread:
        unmatched.append(f"markup '{markup.name}': has no point for {', '.join(unread)} of item '{item.id}'.")
    return LandmarksValue(tuple(found[point.id] for point in item.points if point.id in found)), unmatched


def _point_id(point: MarkupPoint, names: Mapping[str, str], mapping: Mapping[str, str]) -> str | None:
    for text in (point.label, point.description):
        name = plain_words(mapping.get(text, text))
        if name in names:
            return names[name]
    return None


def _drawn(markup: Markup) -> Value:
    if markup.region is not None:
        region = markup.region
        return BoxValue(region.center, region.size, region.directions)
    points = tuple(point.position for point in markup.points if point.position is not None)
    if markup.kind in (MarkupKind.CURVE, MarkupKind.CLOSED_CURVE):
        return PolygonValue(points)
    due = 2 if markup.kind is MarkupKind.LINE else 3
    if len(points) != due:
        raise InputError(f"has {len(points)} points instead of {due}; complete it.")
    measure: Callable[[np.ndarray], float] = _length if due == 2 else _angle
    return MeasurementValue(measure(np.array(points)), "mm" if due == 2 else "deg", points)


def _diameters(long: Markup, short: Markup) -> Value:
    first, second = _drawn(long), _drawn(short)
    if not isinstance(first, MeasurementValue) or not isinstance(second, MeasurementValue):
        raise InputError("has no two diameters; complete it.")
    return MeasurementValue(first.value, "mm", (*first.points, *second.points), second.value)


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[1] - points[0]))


def _angle(points: np.ndarray) -> float:
    """Angle at the second point, in degrees."""
    one, other = points[0] - points[1], points[2] - points[1]
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))

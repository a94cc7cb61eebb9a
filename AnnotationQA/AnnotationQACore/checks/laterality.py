"""Whether left and right are what the image says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.checks.context import CheckContext, problem_of
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity, Spot
from AnnotationQACore.geometry import Vector
from AnnotationQACore.project.answers import (
    BoxValue,
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    Point,
    PolygonValue,
)
from AnnotationQACore.protocol.conditions import items_in
from AnnotationQACore.protocol.model import Classification, Code, DrawnItem, Item
from AnnotationQACore.segmentation import BoolArray
from AnnotationQACore.wording import worded

__all__ = ["laterality_problems"]

_LEFT, _RIGHT = "7771000", "24028007"
"""SNOMED CT: Left, Right."""

_SIDES = {"left": worded("left"), "right": worded("right")}

CLEARLY_MM = 10.0
"""A structure nearer to the middle than this says nothing about its side."""


def laterality_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Structures on the other side than their codes or the answers about them say.

    A structure that has a counterpart on the other side is compared with that, any other with the middle of the image
    from left to right. Both may be right in a patient whose organs lie otherwise, so that this only warns.
    """
    sides = {item.id: side for item in context.protocol.items if (side := _side_of_item(item))}
    wanted = set(sides) | {name for item in context.protocol.items for name in _asked_about(item)}
    places = {name: _place(context, context.protocol.item(name)) for name in sorted(wanted)}
    for name, side in sides.items():
        place = places.get(name)
        if place is not None:
            item = context.protocol.item(name)
            yield from _coded(context, item, side, place, places, sides)
    yield from _answered(context, places)


def _coded(
    context: CheckContext,
    item: Item,
    side: str,
    place: Vector,
    places: dict[str, Vector | None],
    sides: dict[str, str],
) -> Iterator[ReadingProblem]:
    counterpart = _counterpart(context, item, sides)
    other = places.get(counterpart.id) if counterpart is not None else None
    middle = other[0] if other is not None else _middle(context, item)
    if middle is None:
        return
    offset = place[0] - middle
    wrong = (side == "left" and offset < -CLEARLY_MM) or (side == "right" and offset > CLEARLY_MM)
    if not wrong:
        return
    wording = worded(
        "{title}: lies {side} of {other}; check the side, and whether the image is turned.",
        title=item.title,
        side=_SIDES["right" if side == "left" else "left"],
        other=counterpart.title if counterpart is not None and other is not None else worded("the middle of the image"),
    )
    spot = Spot(place, context.role(item) if isinstance(item, DrawnItem) else "")
    yield problem_of(item, CheckKind.LATERALITY, Severity.WARNING, wording, context.base_subject(item), spot)


def _answered(context: CheckContext, places: dict[str, Vector | None]) -> Iterator[ReadingProblem]:
    """An answer "left" or "right" about a drawing, which is the one on whose presence it is asked."""
    for item in context.protocol.items:
        if not isinstance(item, Classification):
            continue
        about = _asked_about(item)
        for answer in context.answers_to(item.id):
            side = _chosen_side(item, answer.value)
            for name in about:
                instance = answer.subject.instance
                place = _place_of_instance(context, name or "", instance) if instance else places.get(name or "")
                if side is None or place is None:
                    continue
                middle = _middle(context, context.protocol.item(name or ""))
                if middle is None or abs(place[0] - middle) <= CLEARLY_MM:
                    continue
                seen = "left" if place[0] > middle else "right"
                if seen != side:
                    drawn = context.protocol.item(name or "")
                    wording = worded(
                        "{title}: says {said}, but {drawn} lies {side} of the middle of the image; check both.",
                        title=context.title(item, answer.subject),
                        said=_SIDES[side],
                        drawn=drawn.title,
                        side=_SIDES[seen],
                    )
                    yield problem_of(item, CheckKind.LATERALITY, Severity.WARNING, wording, answer.subject, Spot(place))


def _asked_about(item: Item) -> list[str]:
    """Items whose side a classification by left and right tells."""
    if not isinstance(item, Classification) or not any(_side(choice.code) for choice in item.answers):
        return []
    if item.scope.level == "instance":
        return [item.scope.of] if item.scope.of else []
    return [comparison.item for comparison in items_in(item.when)]


def _side_of_item(item: Item) -> str | None:
    codes = item.codes
    for code in (codes.laterality, codes.region_modifier, codes.type_modifier):
        if side := _side(code):
            return side
    return None


def _side(code: Code | None) -> str | None:
    if code is None or code.scheme != "SCT":
        return None
    return {_LEFT: "left", _RIGHT: "right"}.get(code.value)


def _chosen_side(item: Classification, value: object) -> str | None:
    if not isinstance(value, ChoiceValue) or len(value.choices) != 1:
        return None
    chosen = next((choice for choice in item.answers if choice.id == value.choices[0]), None)
    return _side(chosen.code) if chosen is not None else None


def _counterpart(context: CheckContext, item: Item, sides: dict[str, str]) -> Item | None:
    for name, side in sides.items():
        other = context.protocol.item(name)
        same = _same(item.codes.type, other.codes.type) and _same(item.codes.region, other.codes.region)
        if side != sides[item.id] and other.kind == item.kind and same:
            return other
    return None


def _same(first: Code | None, second: Code | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.is_same_concept(second)


def _middle(context: CheckContext, item: Item) -> float | None:
    """LPS x of the middle of the image; None where there is no left and right."""
    image = context.image(item) if isinstance(item, DrawnItem) else None
    if image is None or not image.has_patient_geometry:
        return None
    corners = [
        (k, j, i)
        for k in (0, image.grid.shape[0] - 1)
        for j in (0, image.grid.shape[1] - 1)
        for i in (0, image.grid.shape[2] - 1)
    ]
    across = image.grid.to_world(corners)[:, 0]
    if np.ptp(across) < 4 * CLEARLY_MM:  # a sagittal slab
        return None
    return float(across.min() + across.max()) / 2.0


def _place(context: CheckContext, item: Item) -> Vector | None:
    """Middle of all that is drawn for an item."""
    if context.regions is not None:
        mask = context.regions.union(context.segment_ids(item.id))
        if mask is not None:
            return _mean(mask.grid.to_world(np.argwhere(_thinned(mask.voxels))))
    points = [point for answer in context.answers_to(item.id) for point in _points(answer.value) if len(point) == 3]
    return _mean(np.array(points)) if points else None


def _place_of_instance(context: CheckContext, item: str, instance: int) -> Vector | None:
    if context.regions is not None and (mask := context.regions.mask(f"{item}#{instance}")) is not None:
        return _mean(mask.grid.to_world(np.argwhere(_thinned(mask.voxels))))
    answers = [a for a in context.answers_to(item) if a.subject.instance == instance]
    points = [point for answer in answers for point in _points(answer.value) if len(point) == 3]
    return _mean(np.array(points)) if points else None


def _thinned(voxels: BoolArray) -> BoolArray:
    """Every n-th slice of a large structure, which is enough for its middle."""
    step = max(1, voxels.size // 2_000_000)
    thinned = np.zeros_like(voxels)
    thinned[::step] = voxels[::step]
    return thinned if thinned.any() else voxels


def _points(value: object) -> list[Point]:
    match value:
        case BoxValue():
            return [value.center]
        case PolygonValue() | MeasurementValue():
            return list(value.points)
        case LandmarksValue():
            return [mark.position for mark in value.landmarks if mark.position is not None]
    return []


def _mean(points: NDArray[np.float64]) -> Vector:
    x, y, z = points.mean(axis=0).tolist()
    return (x, y, z)

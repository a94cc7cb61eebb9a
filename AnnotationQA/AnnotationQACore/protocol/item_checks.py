"""Whether the parts of an item fit each other and the items they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from AnnotationQACore.protocol.design import Agreement
from AnnotationQACore.protocol.items import (
    Box,
    Classification,
    Item,
    Landmarks,
    Measurement,
    Polygon,
    Rating,
    Segmentation,
)
from AnnotationQACore.protocol.limits import Inside
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem, did_you_mean
from AnnotationQACore.protocol.statistics import STATISTICS, fitting_statistics

__all__ = ["item_problems"]

_DERIVED_ONLY = {"area", "volume", "intensity", "mass", "stroke_volume", "ejection_fraction", "sum"}
_PAIRS = {"stroke_volume", "ejection_fraction"}
_NEEDS_TOLERANCE = {"nsd"}


def item_problems(protocol: Protocol, item: Item, path: str) -> list[Problem]:
    """Problems within one item, and between it and the items it names."""
    items = {other.id: other for other in protocol.items}
    problems: list[Problem] = []
    match item:
        case Classification():
            problems += _classification(item, path)
        case Rating():
            problems += _rating(item, path)
        case Segmentation():
            problems += _segmentation(item, items, path)
        case Box() | Polygon():
            problems += _region(item, path)
        case Landmarks():
            problems += _landmarks(item, path)
        case Measurement():
            problems += _measurement(item, items, path)
    inside: Inside | None = getattr(getattr(item, "limits", None), "inside", None)
    if inside is not None:
        problems += _enclosing(item, inside, items, f"{path}.limits.inside.item")
    if item.agreement is not None:
        problems += _agreement(item, item.agreement, f"{path}.agreement")
    return problems


def _classification(item: Classification, path: str) -> Iterator[Problem]:
    if item.selection == "presence" and item.choices:
        what = "a presence has its four answers already"
        yield Problem(f"{path}.choices", what, "remove the choices, or make it a single choice")
    if item.selection != "presence" and len(item.choices) < 2:
        yield Problem(f"{path}.choices", f"{len(item.choices)} given", "give at least two")
    ids = [choice.id for choice in item.choices]
    yield from _twice(ids, f"{path}.choices[{{}}].id", "ID")
    yield from _twice([choice.title for choice in item.choices], f"{path}.choices[{{}}].title", "title")
    codes = [f"{choice.code.scheme} {choice.code.value}" if choice.code else "" for choice in item.choices]
    yield from _twice(codes, f"{path}.choices[{{}}].code", "code")
    parents = {choice.id: choice.parent for choice in item.choices}
    for index, choice in enumerate(item.choices):
        if choice.parent is not None and choice.parent not in ids:
            remedy = did_you_mean(choice.parent, ids)
            yield Problem(f"{path}.choices[{index}].parent", f"no choice '{choice.parent}'", remedy)
        ancestor, steps = choice.parent, 0
        while ancestor is not None and ancestor != choice.id and steps <= len(ids):
            ancestor, steps = parents.get(ancestor), steps + 1
        if ancestor == choice.id:
            yield Problem(f"{path}.choices[{index}].parent", "is its own ancestor", "break the circle")


def _rating(item: Rating, path: str) -> Iterator[Problem]:
    values = [level.value for level in item.levels]
    yield from _twice(list(map(str, values)), f"{path}.levels[{{}}].value", "level")
    yield from _twice([level.title for level in item.levels], f"{path}.levels[{{}}].title", "title")
    if values != sorted(values):
        yield Problem(f"{path}.levels", "the values do not rise", "put the levels in order")


def _segmentation(item: Segmentation, items: Mapping[str, Item], path: str) -> Iterator[Problem]:
    for index, name in enumerate(item.may_overlap):
        where = f"{path}.may_overlap[{index}]"
        if name == item.id:
            yield Problem(where, "names itself", "remove it")
        elif not isinstance(items.get(name), Segmentation):
            known = [other.id for other in items.values() if isinstance(other, Segmentation) and other.id != item.id]
            yield Problem(where, f"no segmentation '{name}'", did_you_mean(name, known))
    if item.composed and not any(
        isinstance(other, Segmentation) and other.parent == item.id for other in items.values()
    ):
        yield Problem(f"{path}.composed", "no segmentation has it as its parent", "name the parent in its parts")
    if item.limits.area_mm2 is not None:
        yield Problem(f"{path}.limits.area_mm2", "a segmentation has a volume", "use 'volume_ml'")
    if item.limits.count is not None and not item.instances:
        yield Problem(f"{path}.limits.count", "there is only one", "set 'instances' to true, or remove the limit")


def _region(item: Box | Polygon, path: str) -> Iterator[Problem]:
    flat = isinstance(item, Polygon) or item.dimensions == 2
    if flat and item.limits.volume_ml is not None:
        yield Problem(f"{path}.limits.volume_ml", "it is flat and has no volume", "use 'area_mm2'")
    if not flat and item.limits.area_mm2 is not None:
        yield Problem(f"{path}.limits.area_mm2", "a box in space has a volume", "use 'volume_ml'")
    if item.limits.max_components is not None:
        yield Problem(f"{path}.limits.max_components", "it is always one piece", "remove the limit")
    if item.limits.count is not None and not item.instances:
        yield Problem(f"{path}.limits.count", "there is only one", "set 'instances' to true, or remove the limit")


def _landmarks(item: Landmarks, path: str) -> Iterator[Problem]:
    yield from _twice([point.id for point in item.points], f"{path}.points[{{}}].id", "ID")
    yield from _twice([point.title for point in item.points], f"{path}.points[{{}}].title", "title")
    codes = [f"{point.code.scheme} {point.code.value}" if point.code else "" for point in item.points]
    yield from _twice(codes, f"{path}.points[{{}}].code", "code")
    if item.limits.direction is not None and len(item.points) < 2:
        yield Problem(f"{path}.limits.direction", "one point has no order", "remove it")


def _measurement(item: Measurement, items: Mapping[str, Item], path: str) -> Iterator[Problem]:
    where = f"{path}.derived_from"
    if item.quantity in _DERIVED_ONLY and not item.derived_from:
        yield Problem(where, f"{item.quantity} cannot be measured by hand", "name the items from which it is derived")
        return
    wanted = 2 if item.quantity in _PAIRS else 1
    if item.derived_from and len(set(item.derived_from)) != wanted:
        names = "the segmentations at end-diastole and at end-systole" if wanted == 2 else "one item"
        yield Problem(where, f"{item.quantity} is derived from {wanted} different items", f"name {names}")
    for index, name in enumerate(item.derived_from):
        source = items.get(name)
        if source is None:
            yield Problem(f"{where}[{index}]", f"no item '{name}'", did_you_mean(name, items))
        elif source.kind not in _sources(item):
            kinds = " or ".join(_sources(item))
            yield Problem(f"{where}[{index}]", f"'{name}' is a {source.kind}", f"{item.quantity} needs a {kinds}")
        elif isinstance(source, Landmarks):
            yield from _points(item, source, path)
    if item.points and not any(isinstance(items.get(name), Landmarks) for name in item.derived_from):
        yield Problem(f"{path}.points", "there are no landmarks to take them from", "name them in 'derived_from'")
    if item.derived and item.instances:
        yield Problem(f"{path}.instances", "a derived measurement is not drawn", "use scope 'instance' instead")
    if item.limits.short_axis is not None and item.quantity != "bidimensional":
        yield Problem(f"{path}.limits.short_axis", f"a {item.quantity} has no short axis", "use 'value'")


def _sources(item: Measurement) -> tuple[str, ...]:
    match item.quantity:
        case "sum":
            return ("measurement",)
        case "angle":
            return ("landmarks",)
        case "length":
            return ("segmentation", "polygon", "landmarks")
        case "bidimensional" | "area" | "intensity":
            return ("segmentation", "polygon")
        case _:
            return ("segmentation",)


def _points(item: Measurement, source: Landmarks, path: str) -> Iterator[Problem]:
    wanted = (3, 4) if item.quantity == "angle" else (2,)
    if len(item.points) not in wanted:
        needed = " or ".join(map(str, wanted))
        yield Problem(f"{path}.points", f"{len(item.points)} given", f"name {needed} points of '{source.id}'")
    known = [point.id for point in source.points]
    for index, name in enumerate(item.points):
        if name not in known:
            yield Problem(f"{path}.points[{index}]", f"'{source.id}' has no point '{name}'", did_you_mean(name, known))


def _enclosing(item: Item, inside: Inside, items: Mapping[str, Item], path: str) -> Iterator[Problem]:
    if not isinstance(items.get(inside.item), Segmentation):
        known = [other.id for other in items.values() if isinstance(other, Segmentation) and other.id != item.id]
        yield Problem(path, f"no segmentation '{inside.item}'", did_you_mean(inside.item, known))
    elif inside.item == item.id:
        yield Problem(path, "it lies inside itself", "name the structure around it")


def _agreement(item: Item, agreement: Agreement, path: str) -> Iterator[Problem]:
    fitting = fitting_statistics(item)
    facts = STATISTICS[agreement.statistic]
    if agreement.statistic not in fitting:
        remedy = f"use one of {', '.join(fitting)}" if fitting else "remove it; text is not judged"
        yield Problem(f"{path}.statistic", f"{agreement.statistic} does not fit a {item.kind}", remedy)
        return
    low, high = facts.range
    if not low <= agreement.threshold <= high:
        what = f"{agreement.threshold:g} cannot be a value of {agreement.statistic}"
        yield Problem(f"{path}.threshold", what, f"give one from {low:g} to {high:g}")
    if agreement.statistic in _NEEDS_TOLERANCE and agreement.tolerance_mm is None:
        yield Problem(f"{path}.tolerance_mm", "missing", "give the distance that does not count as a difference")
    if agreement.case_tolerance is not None and facts.of_one_case:
        what = f"{agreement.statistic} is a figure of one case, and its threshold accepts it"
        yield Problem(f"{path}.case_tolerance", what, "remove it")
    if agreement.case_tolerance and not (
        isinstance(item, Measurement) or (isinstance(item, Rating) and item.scale == "ordinal")
    ):
        yield Problem(f"{path}.case_tolerance", "answers without order differ or not", "use 0, or remove it")


def _twice(names: list[str], path: str, what: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            said = f"the {what} {name!r} is used twice, first at {path.format(names.index(name))}"
            yield Problem(path.format(index), said, "give each its own")

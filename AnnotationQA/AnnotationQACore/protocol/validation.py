"""Whether a protocol makes sense: identifiers, references, codes, limits, conditions and statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from AnnotationQACore.protocol.condition_checks import condition_problems
from AnnotationQACore.protocol.conditions import items_in
from AnnotationQACore.protocol.imaging import View, WindowPreset
from AnnotationQACore.protocol.item_checks import item_problems
from AnnotationQACore.protocol.items import Codes, DrawnItem, Item, Measurement, Segmentation
from AnnotationQACore.protocol.limits import Inside, Limit
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem, did_you_mean
from AnnotationQACore.protocol.terminology import Code, code_problem

__all__ = ["find_advice", "find_problems"]


def find_problems(protocol: Protocol) -> list[Problem]:
    """Everything that is wrong with a protocol, in the order of the file as far as possible.

    It is about what one field says of another; what a field alone must look like is said by the model's types, and
    checked when the file is decoded.
    """
    problems = [
        *_imaging_problems(protocol),
        *_window_problems(protocol.windows),
        *_view_problems(protocol, protocol.view, "view"),
        *_duplicates([group.id for group in protocol.groups], "groups[{}].id", "the ID"),
        *_duplicates([item.id for item in protocol.items], "items[{}].id", "the ID"),
        *_label_value_problems(protocol),
        *_design_problems(protocol),
    ]
    for index, item in enumerate(protocol.items):
        path = f"items[{index}]"
        problems += _reference_problems(protocol, item, path)
        problems += condition_problems(protocol, item, path)
        problems += item_problems(protocol, item, path)
    problems += _cycle_problems(protocol)
    problems += _everywhere(protocol, "")
    return problems


def find_advice(protocol: Protocol) -> list[Problem]:
    """What is allowed, and yet a reader, a statistician or the receiver of the data would miss."""
    advice = []
    for index, item in enumerate(protocol.items):
        path = f"items[{index}]"
        if item.kind != "text" and item.codes == Codes():
            advice.append(Problem(f"{path}.codes", f"'{item.id}' has no code", "give at least its type"))
        elif isinstance(item, Segmentation) and item.codes.type is None:
            what = f"'{item.id}' has no code of its type, without which it is not released"
            advice.append(
                Problem(
                    f"{path}.codes.type", what, "where no scheme has one, use a private one whose scheme begins with 99"
                )
            )
        if item.kind != "text" and item.agreement is None and not (isinstance(item, Measurement) and item.derived):
            advice.append(Problem(f"{path}.agreement", f"agreement on '{item.id}' is not judged", "name a statistic"))
        if item.kind != "text" and not item.edge_cases:
            advice.append(Problem(f"{path}.edge_cases", f"'{item.id}' has none", "write down what readers will ask"))
    if protocol.design.readers_per_case == 1 and any(item.agreement for item in protocol.items):
        advice.append(
            Problem("design.readers_per_case", "one reader per case cannot disagree", "have some cases read by two")
        )
    return advice


def _imaging_problems(protocol: Protocol) -> Iterator[Problem]:
    series = protocol.imaging.series
    roles = [role.id for role in series]
    yield from _duplicates(roles, "imaging.series[{}].id", "the ID")
    for index, role in enumerate(series):
        yield from _duplicates([f.id for f in role.frames], f"imaging.series[{index}].frames[{{}}].id", "the ID")
        yield from _duplicates(list(role.modalities), f"imaging.series[{index}].modalities[{{}}]", "the modality")
    yield from _unknown(protocol.imaging.reference_series, roles, "imaging.reference_series", "series role")
    if not any(role.required for role in series):
        yield Problem("imaging.series", "no series is required", "make at least one required")
    for index, role in enumerate(series):
        if role.id == protocol.imaging.reference_series and not role.required:
            what = "the reference series is not required, so a case could lack the grid on which to draw"
            yield Problem(f"imaging.series[{index}].required", what, "require it, or choose another reference series")


def _window_problems(windows: tuple[WindowPreset, ...]) -> Iterator[Problem]:
    yield from _duplicates([window.id for window in windows], "windows[{}].id", "the ID")
    for index, window in enumerate(windows):
        path = f"windows[{index}]"
        if (window.center is None) != (window.width is None):
            yield Problem(path, "has a centre or a width only", "give both")
        if (window.center is None) == (window.percentiles is None):
            yield Problem(path, "needs centre and width, or percentiles", "give exactly one of the two")
        if window.percentiles is not None and window.percentiles[0] >= window.percentiles[1]:
            yield Problem(f"{path}.percentiles", "the first is not below the second", "give the lower one first")


def _view_problems(protocol: Protocol, view: View, path: str) -> Iterator[Problem]:
    windows = [window.id for window in protocol.windows]
    roles = [role.id for role in protocol.imaging.series]
    yield from _unknown(view.window, windows, f"{path}.window", "window preset")
    yield from _unknown(view.foreground_window, windows, f"{path}.foreground_window", "window preset")
    yield from _unknown(view.background, roles, f"{path}.background", "series role")
    yield from _unknown(view.foreground, roles, f"{path}.foreground", "series role")


def _label_value_problems(protocol: Protocol) -> Iterator[Problem]:
    seen: dict[int, str] = {}
    for index, item in enumerate(protocol.items):
        value = getattr(item, "label_value", None)
        if value is None:
            continue
        if value in seen:
            what = f"label value {value} is that of '{seen[value]}' already"
            yield Problem(f"items[{index}].label_value", what, "give each its own")
        seen.setdefault(value, item.id)


def _design_problems(protocol: Protocol) -> Iterator[Problem]:
    design = protocol.design
    if design.repeat_fraction > 0 and design.washout_days == 0:
        yield Problem("design.washout_days", "cases are repeated without a washout", "say how many days lie between")
    if design.adjudication == "majority" and design.readers_per_case < 3:
        what = f"{design.readers_per_case} readers per case have no majority"
        yield Problem("design.adjudication", what, "have 3 readers, or another adjudication")
    hidden = {"model": design.blinding.model_results, "earlier_time_point": design.blinding.prior_studies}
    for index, source in enumerate(design.start_from):
        if hidden.get(source):
            name = "model_results" if source == "model" else "prior_studies"
            what = f"readers start from '{source}', which design.blinding.{name} hides"
            yield Problem(f"design.start_from[{index}]", what, f"set design.blinding.{name} to false, or remove it")
    yield from _duplicates(list(design.start_from), "design.start_from[{}]", "the source")


def _reference_problems(protocol: Protocol, item: Item, path: str) -> Iterator[Problem]:
    items = {other.id: other for other in protocol.items}
    roles = {role.id: role for role in protocol.imaging.series}
    yield from _unknown(item.group, [group.id for group in protocol.groups], f"{path}.group", "group")
    yield from _unknown(item.parent, items, f"{path}.parent", "item")
    if item.view is not None:
        yield from _view_problems(protocol, item.view, f"{path}.view")
    yield from _scope_problems(item, items, roles, path)
    if isinstance(item, DrawnItem):
        yield from _unknown(item.series, roles, f"{path}.series", "series role")
        role = roles.get(item.series or protocol.imaging.reference_series)
        if role is not None:
            frames = [frame.id for frame in role.frames]
            yield from _unknown(item.frame, frames, f"{path}.frame", f"named frame of series '{role.id}'")


def _scope_problems(item: Item, items: Mapping[str, Item], roles: Mapping[str, object], path: str) -> Iterator[Problem]:
    level, of = item.scope.level, item.scope.of
    if level == "case" and of is not None:
        yield Problem(f"{path}.scope.of", "a case needs no 'of'", "remove it, or write level 'instance'")
    if level in ("series", "image"):
        yield from _unknown(of, roles, f"{path}.scope.of", "series role")
    if level != "instance":
        return
    if of is None:
        yield Problem(f"{path}.scope.of", "missing", "name the item whose instances are meant")
        return
    yield from _unknown(of, items, f"{path}.scope.of", "item")
    target = items.get(of)
    if target is not None and not (isinstance(target, DrawnItem) and target.instances):
        yield Problem(f"{path}.scope.of", f"'{of}' has no instances", "set its 'instances' to true, or name another")


def _cycle_problems(protocol: Protocol) -> Iterator[Problem]:
    relations: list[tuple[str, Callable[[Item], Iterable[str]]]] = [
        ("parent", lambda item: [item.parent] if item.parent else []),
        ("scope.of", lambda item: [item.scope.of] if item.scope.level == "instance" and item.scope.of else []),
        ("limits.inside.item", _enclosing),
        ("derived_from", lambda item: item.derived_from if isinstance(item, Measurement) else ()),
        ("when", lambda item: [comparison.item for comparison in items_in(item.when)]),
    ]
    for name, targets in relations:
        graph = {item.id: list(targets(item)) for item in protocol.items}
        for index, item in enumerate(protocol.items):
            if _reaches_itself(item.id, graph):
                yield Problem(f"items[{index}].{name}", f"'{item.id}' leads back to itself", "break the circle")


def _enclosing(item: Item) -> list[str]:
    inside: Inside | None = getattr(getattr(item, "limits", None), "inside", None)
    return [inside.item] if inside else []


def _reaches_itself(start: str, graph: Mapping[str, list[str]]) -> bool:
    seen: set[str] = set()
    waiting = list(graph.get(start, []))
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, [])
    return False


def _everywhere(value: Any, path: str) -> Iterator[Problem]:
    """Problems of codes and limits, wherever they are."""
    if isinstance(value, Code):
        problem = code_problem(value)
        if problem:
            yield Problem(f"{path}.{problem[0]}", *problem[1:])
    elif isinstance(value, Limit):
        if value.min is None and value.max is None:
            yield Problem(path, "has neither 'min' nor 'max'", "give one, or remove the limit")
        elif value.min is not None and value.max is not None and value.min > value.max:
            yield Problem(path, f"'min' {value.min:g} is above 'max' {value.max:g}", "correct one of them")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _everywhere(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from _everywhere(entry, f"{path}[{index}]")


def _duplicates(names: list[str], path: str, what: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            first = path.format(names.index(name))
            yield Problem(path.format(index), f"{what} '{name}' is used twice, first at {first}", "give each its own")


def _unknown(name: str | None, known: Iterable[str], path: str, what: str) -> Iterator[Problem]:
    known = list(known)
    if name is not None and name not in known:
        yield Problem(path, f"no {what} '{name}'", did_you_mean(name, known))

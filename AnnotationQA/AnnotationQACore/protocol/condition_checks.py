"""Whether conditions ask something that the item they look at can answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from AnnotationQACore.protocol.conditions import AllOf, AnyOf, Comparison, Condition
from AnnotationQACore.protocol.items import PRESENCE_CHOICES, Classification, Item, Measurement, Rating, TextAnswer
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem, did_you_mean

__all__ = ["condition_problems"]

_PRESENCE = tuple(choice.id for choice in PRESENCE_CHOICES)
_ORDERING = ("greater_than", "at_least", "less_than", "at_most")


def condition_problems(protocol: Protocol, item: Item, path: str) -> list[Problem]:
    """Problems of the conditions of one item."""
    problems = list(_walk(protocol, item, item.when, f"{path}.when"))
    empty_when = getattr(getattr(item, "limits", None), "empty_when", None)
    problems += _walk(protocol, item, empty_when, f"{path}.limits.empty_when")
    return problems


def _walk(protocol: Protocol, item: Item, condition: Condition | None, path: str) -> Iterator[Problem]:
    match condition:
        case AllOf():
            for index, part in enumerate(condition.all):
                yield from _walk(protocol, item, part, f"{path}.all[{index}]")
        case AnyOf():
            for index, part in enumerate(condition.any):
                yield from _walk(protocol, item, part, f"{path}.any[{index}]")
        case Comparison():
            yield from _comparison(protocol, item, condition, path)


def _comparison(protocol: Protocol, item: Item, comparison: Comparison, path: str) -> Iterator[Problem]:
    target = next((other for other in protocol.items if other.id == comparison.item), None)
    if target is None:
        known = [other.id for other in protocol.items if other.id != item.id]
        yield Problem(f"{path}.item", f"no item '{comparison.item}'", did_you_mean(comparison.item, known))
        return
    if target.id == item.id:
        yield Problem(f"{path}.item", "an item cannot depend on its own answer", "name another item")
        return
    if target.scope.level != "case" and target.scope != item.scope:
        what = f"'{target.id}' has several answers in a case, and '{item.id}' is not asked for each of them"
        yield Problem(f"{path}.item", what, "give both the same scope, or name an item asked once per case")
    yield from _operator(target, comparison, path)


def _operator(target: Item, comparison: Comparison, path: str) -> Iterator[Problem]:
    operator, value = comparison.operator, comparison.value
    if operator in ("answered", "not_answered"):
        if value is not None:
            yield Problem(f"{path}.value", f"'{operator}' takes no value", "remove it")
        return
    if value is None:
        yield Problem(f"{path}.value", "missing", f"say with what '{target.id}' is compared")
        return
    if (operator == "one_of") != isinstance(value, tuple):
        remedy = "give a list" if operator == "one_of" else "give one value, or use 'one_of'"
        yield Problem(f"{path}.value", f"does not fit '{operator}'", remedy)
        return
    multiple = isinstance(target, Classification) and target.selection == "multiple"
    if multiple != (operator == "contains"):
        remedy = "use 'contains'" if multiple else "use 'equals' or 'one_of'; 'contains' is for multiple choices"
        yield Problem(f"{path}.operator", f"'{operator}' does not fit '{target.id}'", remedy)
        return
    if operator in _ORDERING and not _has_order(target):
        yield Problem(f"{path}.operator", f"answers to '{target.id}' have no order", "use 'equals' or 'one_of'")
        return
    for each in value if isinstance(value, tuple) else (value,):
        yield from _value(target, each, f"{path}.value")


def _has_order(target: Item) -> bool:
    return isinstance(target, Measurement) or (isinstance(target, Rating) and target.scale == "ordinal")


def _value(target: Item, value: Any, path: str) -> Iterator[Problem]:
    match target:
        case TextAnswer():
            fits = isinstance(value, str)
            remedy = "give text in quotes"
        case Measurement():
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            remedy = "give a number"
        case Rating():
            levels = [level.value for level in target.levels]
            fits = value in levels and not isinstance(value, bool)
            remedy = f"use one of its levels {', '.join(map(str, levels))}"
        case _:
            choices = [each.id for each in target.answers] if isinstance(target, Classification) else list(_PRESENCE)
            fits = value in choices
            remedy = did_you_mean(str(value), choices)
    if not fits:
        yield Problem(path, f"{value!r} is no answer to '{target.id}'", remedy)

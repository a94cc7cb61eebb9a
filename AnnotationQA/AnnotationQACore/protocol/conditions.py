"""Conditions on other answers: when an item is asked, and when a drawing must be empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from AnnotationQACore.protocol.constraints import Length, Slug

__all__ = ["AllOf", "AnyOf", "Comparison", "Condition", "Operator", "Scalar", "condition_holds", "items_in"]

Operator = Literal[
    "equals",
    "not_equals",
    "one_of",
    "contains",
    "greater_than",
    "at_least",
    "less_than",
    "at_most",
    "answered",
    "not_answered",
]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One answer compared with a value.

    Attributes
    ----------
    item : str
        ID of the item whose answer is looked at.
    operator : str
        `equals` and `not_equals` compare with one value, `one_of` with a list; `contains` asks whether a multiple
        choice includes a value; `greater_than`, `at_least`, `less_than` and `at_most` compare numbers; `answered` and
        `not_answered` need no value.
    value : str, int, float, bool, list or None
        Choice ID of a classification, level of a rating, number of a measurement, or `present`, `absent`,
        `uncertain` or `not_assessable` for a presence and for anything drawn.
    """

    item: Slug
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Holds when every one of its conditions holds.

    Attributes
    ----------
    all : list of Condition
        At least one condition.
    """

    all: Annotated[tuple[Condition, ...], Length(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Holds when at least one of its conditions holds.

    Attributes
    ----------
    any : list of Condition
        At least one condition.
    """

    any: Annotated[tuple[Condition, ...], Length(1)]


Condition = Comparison | AllOf | AnyOf


def condition_holds(condition: Condition | None, answers: Mapping[str, object]) -> bool:
    """Whether a condition holds for the answers given so far.

    Parameters
    ----------
    condition : Condition or None
        No condition always holds.
    answers : mapping of item ID to plain value
        Choice ID (or list of them), level, number, text, or presence state. A missing key, `None` and empty text mean
        "not answered yet"; then only `not_answered` holds, so that an item never appears because its condition cannot
        be judged yet. An empty list is an answer: none of the choices.
    """
    match condition:
        case None:
            return True
        case AllOf():
            return all(condition_holds(part, answers) for part in condition.all)
        case AnyOf():
            return any(condition_holds(part, answers) for part in condition.any)
        case Comparison():
            return _compare(condition, answers.get(condition.item))


def items_in(condition: Condition | None) -> Iterator[Comparison]:
    """Every comparison of a condition, in the order of the file."""
    match condition:
        case AllOf():
            for part in condition.all:
                yield from items_in(part)
        case AnyOf():
            for part in condition.any:
                yield from items_in(part)
        case Comparison():
            yield condition


def _compare(comparison: Comparison, answer: object) -> bool:
    answered = answer is not None and answer != ""
    operator, value = comparison.operator, comparison.value
    if operator in ("answered", "not_answered"):
        return answered == (operator == "answered")
    if not answered:
        return False
    if operator == "equals":
        return _same(answer, value)
    if operator == "not_equals":
        return not _same(answer, value)
    if operator == "one_of":
        return isinstance(value, tuple) and any(_same(answer, each) for each in value)
    if operator == "contains":
        return isinstance(answer, list | tuple | set | frozenset) and any(_same(each, value) for each in answer)
    return _ordered(operator, answer, value)


def _same(answer: object, value: object) -> bool:
    return isinstance(answer, bool) == isinstance(value, bool) and answer == value


def _ordered(operator: Operator, answer: object, value: object) -> bool:
    if not isinstance(answer, int | float) or not isinstance(value, int | float):
        return False
    match operator:
        case "greater_than":
            return answer > value
        case "at_least":
            return answer >= value
        case "less_than":
            return answer < value
        case _:
            return answer <= value

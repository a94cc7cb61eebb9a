"""JSON to frozen dataclasses, collecting every problem with its path in the file."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from AnnotationQACore.protocol.constraints import Interval, Length, Pattern
from AnnotationQACore.protocol.problems import Problem, did_you_mean
from AnnotationQACore.protocol.shapes import Shape, fields_of

__all__ = ["INVALID", "decode", "parse_json"]

INVALID: Any = object()
"""Stands for a value that could not be decoded; a problem says why."""


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys it was given more than once."""

    __slots__ = ("duplicates",)

    duplicates: tuple[str, ...]


def parse_json(text: str) -> tuple[Any, list[Problem]]:
    """Parse JSON text strictly: NaN, infinities and numbers beyond the range of a double are refused.

    Duplicate keys are remembered, and reported by `decode` with their path.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant), []
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: not JSON ({_lower_first(error.msg)})"
        return INVALID, [Problem("", what, "correct it there; no comments and no trailing commas")]
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return INVALID, [Problem("", f"not JSON ({reason})", "correct the file")]


def decode(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    """Turn parsed JSON into what a shape asks for.

    Parameters
    ----------
    value : JSON-like data
    shape : Shape
    path : str
        Path of `value` in the file.
    problems : list of Problem
        Everything that is wrong is appended to it.

    Returns
    -------
    object
        The decoded value, or `INVALID` when it or a part of it has a problem.
    """
    if value is None and shape.nullable:
        return None
    if shape.kind == "union":
        return _union(value, shape, path, problems)
    if shape.kind == "object":
        return _dataclass(value, shape, path, problems)
    if shape.kind in ("list", "row"):
        return _list(value, shape, path, problems)
    if shape.kind == "choice":
        return _choice(value, shape, path, problems)
    return _plain(value, shape, path, problems)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    result = _Object(pairs)
    counts = Counter(key for key, _ in pairs)
    result.duplicates = tuple(key for key, count in counts.items() if count > 1)
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _lower_first(message: str) -> str:
    return message[:1].lower() + message[1:]


def _dataclass(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    assert shape.model is not None  # noqa: S101 - shapes of kind "object" have one
    if not isinstance(value, dict):
        problems.append(Problem(path, f"{_name(value)} where an object is expected", "write { ... } here"))
        return INVALID
    before = len(problems)
    fields = fields_of(shape.model)
    problems += [
        Problem(_join(path, key), "the key is given twice", "keep one of the two")
        for key in getattr(value, "duplicates", ())
    ]
    free = [name for name in fields if name not in value]
    problems += [
        Problem(_join(path, key), "unknown key", did_you_mean(key, free))
        for key in value
        if key not in fields and not (key == "$schema" and not path)
    ]
    decoded = {}
    for name, field in fields.items():
        if name in value:
            decoded[name] = decode(value[name], field.shape, _join(path, name), problems)
        elif field.required:
            problems.append(Problem(_join(path, name), "missing", f"add {_expected(field.shape)}"))
    return INVALID if len(problems) > before else shape.model(**decoded)


def _list(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    if not isinstance(value, list):
        problems.append(Problem(path, f"{_name(value)} where a list is expected", "write [ ... ] here"))
        return INVALID
    if shape.kind == "row" and len(value) != len(shape.parts):
        problems.append(Problem(path, f"{len(value)} entries", f"give exactly {len(shape.parts)}"))
        return INVALID
    before = len(problems)
    parts = shape.parts if shape.kind == "row" else shape.parts * len(value)
    entries = tuple(
        decode(entry, part, f"{path}[{index}]", problems)
        for index, (entry, part) in enumerate(zip(value, parts, strict=True))
    )
    _check(entries, shape, path, problems)
    return INVALID if len(problems) > before else entries


def _union(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    models = [part for part in shape.parts if part.kind == "object"]
    if not models:
        return _scalars(value, shape, path, problems)
    if not isinstance(value, dict):
        problems.append(Problem(path, f"{_name(value)} where an object is expected", "write { ... } here"))
        return INVALID
    if shape.discriminated:
        kinds = {fields_of(part.model)["kind"].shape.values[0]: part for part in models if part.model}
        kind = value.get("kind")
        if isinstance(kind, str) and kind in kinds:
            return _dataclass(value, kinds[kind], path, problems)
        what = "missing" if kind is None else f"{_show(kind)} is no kind of item"
        problems.append(Problem(_join(path, "kind"), what, did_you_mean(str(kind), kinds)))
        return INVALID
    keys = {next(iter(fields_of(part.model))): part for part in models if part.model}
    present = [part for key, part in keys.items() if key in value]
    if len(present) == 1:
        return _dataclass(value, present[0], path, problems)
    problems.append(Problem(path, "unclear which form is meant", f"give exactly one of the keys {_quoted(keys)}"))
    return INVALID


def _scalars(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    wanted = "list" if isinstance(value, list) else _KINDS.get(type(value), "")
    for part in shape.parts:
        if part.kind == wanted:
            return decode(value, part, path, problems)
    for part in shape.parts:
        if part.kind == "list" and isinstance(value, list):
            return decode(value, part, path, problems)
    problems.append(Problem(path, f"{_name(value)} cannot stand here", f"write {_expected(shape)}"))
    return INVALID


def _choice(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    for allowed in shape.values:
        if type(value) in (type(allowed), float) and value == allowed:
            return allowed
    remedy = did_you_mean(value if isinstance(value, str) else "", [str(allowed) for allowed in shape.values])
    problems.append(Problem(path, f"{_show(value)} is not allowed", remedy))
    return INVALID


_KINDS: dict[type[Any], str] = {str: "text", bool: "boolean", int: "integer", float: "number"}
_TYPES: dict[str, set[type[Any]]] = {"text": {str}, "boolean": {bool}, "integer": {int}, "number": {int, float}}
_WORDS = {"text": "text in quotes", "boolean": "true or false", "integer": "a whole number", "number": "a number"}


def _plain(value: Any, shape: Shape, path: str, problems: list[Problem]) -> Any:
    if shape.kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) not in _TYPES[shape.kind]:
        problems.append(Problem(path, f"{_name(value)} where {_WORDS[shape.kind]} is expected", "correct it"))
        return INVALID
    if shape.kind == "number":
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            problems.append(Problem(path, "the number is too large", "give one that can be"))
            return INVALID
    if shape.kind == "text" and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        problems.append(Problem(path, "holds half a character (an unpaired surrogate)", "type the text again"))
        return INVALID
    before = len(problems)
    _check(value, shape, path, problems)
    return INVALID if len(problems) > before else value


def _check(value: Any, shape: Shape, path: str, problems: list[Problem]) -> None:
    for constraint in shape.constraints:
        match constraint:
            case Pattern() if not re.fullmatch(constraint.expression, value):
                problems.append(Problem(path, f"{_show(value)} cannot be used here", f"write {constraint.meaning}"))
            case Length() if len(value) < constraint.least:
                what = "empty" if not value else f"only {len(value)} given"
                least = "something" if constraint.least == 1 else f"at least {constraint.least}"
                problems.append(Problem(path, what, f"give {least}"))
            case Interval() if not _within(value, constraint):
                problems.append(Problem(path, f"{_show(value)} is out of range", f"give a number {_range(constraint)}"))


def _within(value: float, interval: Interval) -> bool:
    if interval.least is not None and (value < interval.least or (interval.open_below and value == interval.least)):
        return False
    return interval.most is None or value <= interval.most


def _range(interval: Interval) -> str:
    low = "" if interval.least is None else f"{'above' if interval.open_below else 'from'} {interval.least:g}"
    high = "" if interval.most is None else f"to {interval.most:g}"
    return " ".join(filter(None, (low, high)))


def _expected(shape: Shape) -> str:
    if shape.kind == "choice":
        return f"one of {_quoted(shape.values)}"
    if shape.kind == "union":
        return " or ".join(dict.fromkeys(_expected(part) for part in shape.parts))
    return {"list": "a list", "row": "a list", "object": "an object"}.get(shape.kind) or _WORDS[shape.kind]


def _quoted(words: Any) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else _show(value)


def _show(value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=True)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def _join(path: str, key: str) -> str:
    name = key if re.fullmatch(r"[A-Za-z_$][\w$]*", key) else f"[{_show(key)}]"
    return f"{path}.{name}" if path else name

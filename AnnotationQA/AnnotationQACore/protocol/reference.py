"""The reference of every field of a protocol file, generated from the model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from AnnotationQACore.protocol.constraints import Interval, Length, Pattern
from AnnotationQACore.protocol.design import Agreement
from AnnotationQACore.protocol.docstrings import field_texts, summary
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.shapes import Field, Shape, fields_of
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.protocol.terminology import SCHEMES

__all__ = ["reference_markdown"]


def reference_markdown() -> str:
    """Describe every object of a protocol file, its fields, types, defaults and constraints, as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Protocol reference"
    yield ""
    yield "Every field of a protocol file. Written by `annotation-qa protocol reference` from the model; do not edit."
    yield "Fields marked ● must be given. A change of a field marked ○ is a change of presentation only."
    models: list[type[Any]] = []
    _collect(Protocol, models)
    for model in models:
        yield from _model(model)
    yield from ["", "## Statistics", "", "Values of `statistic` in [Agreement](#agreement).", ""]
    yield from ["| Name | Statistic | Judges | Better |", "| --- | --- | --- | --- |"]
    for name, facts in STATISTICS.items():
        yield f"| `{name}` | {facts.title} | {'one case' if facts.of_one_case else 'all cases'} | {facts.better} |"
    yield from ["", "## Coding schemes", "", "Values of `scheme` in [Code](#code).", ""]
    yield from ["| Designator | Scheme |", "| --- | --- |"]
    yield from (f"| `{designator}` | {scheme} |" for designator, scheme in SCHEMES.items())
    yield "| `99...` | private schemes |"


def _collect(model: type[Any], models: list[type[Any]]) -> None:
    if model in models:
        return
    models.append(model)
    for field in fields_of(model).values():
        for found in _models_in(field.shape):
            _collect(found, models)


def _models_in(shape: Shape) -> Iterator[type[Any]]:
    if shape.model is not None:
        yield shape.model
    for part in shape.parts:
        yield from _models_in(part)


def _model(model: type[Any]) -> Iterator[str]:
    yield from ["", f"## {model.__name__}", "", summary(model), ""]
    yield from ["| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
    texts = field_texts(model)
    for name, field in fields_of(model).items():
        mark = " ●" if field.required else " ○" if field.presentation else ""
        meaning = " ".join(filter(None, [texts[name], *_constraints(field)]))
        yield f"| `{name}`{mark} | {_type(field, model)} | {_default(field)} | {meaning.replace('|', '/')} |"


def _type(field: Field, model: type[Any]) -> str:
    if model is Agreement and field.name == "statistic":
        return "one of the [statistics](#statistics)"
    return _shape(field.shape)


def _shape(shape: Shape) -> str:
    plain = {"text": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    if shape.kind in plain:
        return plain[shape.kind]
    if shape.kind == "choice":
        return ", ".join(f"`{json.dumps(value)}`" for value in shape.values)
    if shape.kind == "list":
        return f"list of {_shape(shape.parts[0])}"
    if shape.kind == "row":
        return f"list of {len(shape.parts)} {_shape(shape.parts[0])}s"
    if shape.model is not None:
        return f"[{shape.model.__name__}](#{shape.model.__name__.lower()})"
    return " or ".join(dict.fromkeys(_shape(part) for part in shape.parts))


def _default(field: Field) -> str:
    if field.required:
        return ""
    if field.default is None or field.default in ((), ""):
        return "none"
    default = to_document(field.default)
    return "its own defaults" if dataclasses.is_dataclass(field.default) else f"`{json.dumps(default)}`"


def _constraints(field: Field) -> Iterator[str]:
    for constraint in (*field.shape.constraints, *(c for part in field.shape.parts for c in part.constraints)):
        match constraint:
            case Pattern():
                yield f"({constraint.meaning})"
            case Length() if constraint.least > 1:
                yield f"(at least {constraint.least})"
            case Interval():
                low = "" if constraint.least is None else f"{'above' if constraint.open_below else 'from'} "
                low += "" if constraint.least is None else f"{constraint.least:g}"
                high = "" if constraint.most is None else f"to {constraint.most:g}"
                yield f"({' '.join(filter(None, (low, high)))})"

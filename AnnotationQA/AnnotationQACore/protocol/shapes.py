"""The model's type annotations, taken apart: the decoder, the schema and the reference read them from here."""

from __future__ import annotations

import dataclasses
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from AnnotationQACore.protocol.documents import default_of

__all__ = ["Field", "Shape", "fields_of", "shape_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """A type annotation, taken apart.

    Attributes
    ----------
    kind : str
        ``text``, ``integer``, ``number``, ``boolean``, ``choice`` (of literal values), ``list`` (any length), ``row``
        (fixed length), ``object`` (one dataclass) or ``union`` (of several shapes).
    parts : tuple of Shape
        Entry of a list, entries of a row, alternatives of a union.
    values : tuple
        Values of a choice.
    model : type or None
        Dataclass of an object.
    constraints : tuple
        Constraints of `constraints`.
    nullable : bool
        Whether null stands for "none".
    """

    kind: Literal["text", "integer", "number", "boolean", "choice", "list", "row", "object", "union"]
    parts: tuple[Shape, ...] = ()
    values: tuple[Any, ...] = ()
    model: type[Any] | None = None
    constraints: tuple[Any, ...] = ()
    nullable: bool = False

    @property
    def discriminated(self) -> bool:
        """Whether the alternatives of a union are told apart by their `kind`."""
        return all(part.model is not None and "kind" in fields_of(part.model) for part in self.parts)


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field of a dataclass; `default` is `dataclasses.MISSING` when it must be given."""

    name: str
    shape: Shape
    default: Any
    presentation: bool

    @property
    def required(self) -> bool:
        """Whether a document must have it; the `kind` of an item has a default only for Python callers."""
        return self.default is dataclasses.MISSING or self.name == "kind"


_PLAIN: dict[Any, Literal["text", "integer", "number", "boolean"]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
}


_FIELDS: dict[type[Any], dict[str, Field]] = {}


def fields_of(model: type[Any]) -> dict[str, Field]:
    """Fields of a dataclass by name, in the order in which they are written."""
    if model not in _FIELDS:
        _FIELDS[model] = _read_fields(model)
    return _FIELDS[model]


def _read_fields(model: type[Any]) -> dict[str, Field]:
    hints = get_type_hints(model, include_extras=True)
    fields = {
        field.name: Field(
            field.name, shape_of(hints[field.name]), default_of(field), bool(field.metadata.get("presentation"))
        )
        for field in dataclasses.fields(model)
    }
    return dict(sorted(fields.items(), key=lambda entry: entry[0] != "kind"))


def shape_of(annotation: Any) -> Shape:
    """Take a type annotation apart."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = shape_of(arguments[0])
        return dataclasses.replace(inner, constraints=inner.constraints + arguments[1:])
    if annotation in _PLAIN:
        return Shape(_PLAIN[annotation])
    if origin is Literal:
        return Shape("choice", values=arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return Shape("list", parts=(shape_of(arguments[0]),))
        return Shape("row", parts=tuple(map(shape_of, arguments)))
    if origin in (Union, types.UnionType):
        parts = tuple(shape_of(part) for part in arguments if part is not type(None))
        nullable = type(None) in arguments
        if len(parts) == 1:
            return dataclasses.replace(parts[0], nullable=nullable)
        return Shape("union", parts=parts, nullable=nullable)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return Shape("object", model=annotation)
    raise TypeError(f"the protocol model has a field of type {annotation}, which cannot be read from JSON")

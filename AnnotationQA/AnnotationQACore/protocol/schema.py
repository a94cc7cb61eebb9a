"""The JSON Schema of protocol files, generated from the model, so that editors can complete and check them."""

from __future__ import annotations

import json
from typing import Any

from AnnotationQACore.protocol.constraints import Interval, Length, Pattern
from AnnotationQACore.protocol.docstrings import field_texts, summary
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.shapes import Field, Shape, fields_of

__all__ = ["protocol_schema", "schema_text"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def protocol_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a protocol file.

    It accepts what `decoding.decode` accepts: a test compares them. What one field says of another is beyond it, and
    checked by `validation.find_problems`.
    """
    definitions: dict[str, Any] = {}
    _define(Protocol, definitions)
    root = definitions.pop("Protocol")
    root["properties"] = {"$schema": {"description": "Where editors find this schema."}, **root["properties"]}
    return {
        "$schema": DIALECT,
        "title": "AnnotationQA labeling protocol",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it is published, as JSON text."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n"


def _define(model: type[Any], definitions: dict[str, Any]) -> None:
    if model.__name__ in definitions:
        return
    definition: dict[str, Any] = {"type": "object", "description": summary(model)}
    definitions[model.__name__] = definition
    fields, texts = fields_of(model), field_texts(model)
    properties = {
        name: {**_schema(field.shape, definitions), "description": texts[name], **_default(field)}
        for name, field in fields.items()
    }
    definition |= {
        "properties": properties,
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _default(field: Field) -> dict[str, Any]:
    if field.required or field.default is None or field.default == ():
        return {}
    return {"default": to_document(field.default)}


def _schema(shape: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _bare(shape, definitions) | _constraints(shape)
    if not shape.nullable:
        return schema
    if "type" in schema and "enum" not in schema:
        return schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    return {"anyOf": [*(schema["anyOf"] if set(schema) == {"anyOf"} else [schema]), {"type": "null"}]}


def _bare(shape: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    plain = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
    if shape.kind in plain:
        return {"type": plain[shape.kind]}
    if shape.kind == "choice":
        return {"const": shape.values[0]} if len(shape.values) == 1 else {"enum": list(shape.values)}
    if shape.kind == "list":
        return {"type": "array", "items": _schema(shape.parts[0], definitions)}
    if shape.kind == "row":
        length = len(shape.parts)
        parts = [_schema(part, definitions) for part in shape.parts]
        return {"type": "array", "prefixItems": parts, "items": False, "minItems": length}
    if shape.model is not None:
        _define(shape.model, definitions)
        return {"$ref": f"#/$defs/{shape.model.__name__}"}
    keyword = "oneOf" if all(part.kind == "object" for part in shape.parts) else "anyOf"
    return {keyword: [_schema(part, definitions) for part in shape.parts]}


def _constraints(shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for constraint in shape.constraints:
        match constraint:
            case Pattern():
                found["pattern"] = constraint.expression
            case Length():
                found["minItems" if shape.kind == "list" else "minLength"] = constraint.least
            case Interval():
                least = "exclusiveMinimum" if constraint.open_below else "minimum"
                found |= {least: constraint.least} if constraint.least is not None else {}
                found |= {"maximum": constraint.most} if constraint.most is not None else {}
    return found

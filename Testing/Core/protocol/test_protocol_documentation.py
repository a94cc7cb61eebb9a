"""The reference is current, examples in the documentation are valid, and defaults never change."""

import dataclasses
import json
import re
from pathlib import Path

from AnnotationQACore.protocol.documents import default_of, to_document
from AnnotationQACore.protocol.loading import protocol_from_text
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.reference import reference_markdown
from AnnotationQACore.protocol.shapes import Shape, fields_of

DEFAULTS = Path(__file__).with_name("defaults.json")


def _models(shape: Shape, found: dict[str, type]) -> dict[str, type]:
    if shape.model is not None and shape.model.__name__ not in found:
        found[shape.model.__name__] = shape.model
        for field in fields_of(shape.model).values():
            _models(field.shape, found)
    for part in shape.parts:
        _models(part, found)
    return found


def _defaults() -> dict[str, object]:
    return {
        f"{name}.{field.name}": to_document(default_of(field))
        for name, model in sorted(_models(Shape("object", model=Protocol), {}).items())
        for field in dataclasses.fields(model)
        if default_of(field) is not dataclasses.MISSING
    }


def test_the_reference_is_what_the_model_generates(repository):
    page = repository / "Documentation" / "protocol-reference.md"
    assert page.read_text(encoding="utf-8") == reference_markdown()


def test_the_documented_example_is_a_valid_protocol(repository):
    page = (repository / "Documentation" / "protocol.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    whole = [text for text in examples if '"items"' in text]
    assert len(whole) == 1
    assert protocol_from_text(whole[0]).items


def test_released_defaults_do_not_change():
    """Hashes leave defaults out: a changed default would give a protocol another meaning under its old hash."""
    pinned = json.loads(DEFAULTS.read_text(encoding="utf-8"))
    current = _defaults()
    assert {name: current.get(name, "gone") for name in pinned} == pinned
    assert current.keys() == pinned.keys(), "pin the defaults of new fields in defaults.json"


def test_the_hash_of_a_released_protocol_stays():
    text = """{"id": "pinned", "title": "Ä", "version": "1.0.0", "change_note": "-", "purpose": "-",
      "clinical_decision": "-", "imaging": {"body_region": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"},
      "series": [{"id": "ct", "title": "CT", "modalities": ["CT"]}], "reference_series": "ct"},
      "design": {"readers_per_case": 2}, "items": [{"kind": "text", "id": "a", "title": "A", "definition": "-"}]}"""
    assert protocol_from_text(text).hash == "490c0c7c3380ef48ed038c0ee135754281ec965c7def42bca1c51584a374a19a"

"""The published schema and the decoder accept and refuse the same documents."""

import copy
import json
from importlib import resources

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.protocol.decoding import decode
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.schema import protocol_schema, schema_text
from AnnotationQACore.protocol.shapes import shape_of

VALIDATOR = jsonschema.Draft202012Validator(protocol_schema())

ODD_VALUES = [
    None,
    True,
    0,
    -1,
    1,
    2,
    1.5,
    70000,
    "",
    "x",
    "Ä b",
    "present",
    "#12345G",
    [],
    [1],
    ["x"],
    {},
    {"id": "x"},
]


def _decodes(document):
    problems = []
    decode(document, shape_of(Protocol), "", problems)
    return not problems


def _places(value, path=()):
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _places(entry, (*path, key))


def _mutate(document, path, action, odd, key):
    if not path:
        return odd
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    if action == "remove":
        del place[path[-1]]
    elif action == "add" and isinstance(place, dict):
        place[key] = odd
    else:
        place[path[-1]] = odd
    return document


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(protocol_schema())


def test_the_published_file_is_what_the_model_generates():
    published = resources.files("AnnotationQACore.protocol") / "protocol.schema.json"
    assert published.read_text(encoding="utf-8") == schema_text()


def test_every_field_is_described():
    schema = protocol_schema()
    for name, definition in {"Protocol": schema, **schema["$defs"]}.items():
        for field, text in definition["properties"].items():
            assert len(text["description"]) > 8, (name, field)
            assert text["description"].endswith("."), (name, field)


def test_shipped_protocols_are_accepted(shipped_documents):
    for name, document in shipped_documents.items():
        assert not list(VALIDATOR.iter_errors(document)), name
        assert _decodes(document), name


@settings(max_examples=250, deadline=None, derandomize=True)
@given(data=st.data())
def test_schema_and_decoder_agree_on_mutated_protocols(shipped_documents, data):
    document = shipped_documents[data.draw(st.sampled_from(sorted(shipped_documents)))]
    places = list(_places(document))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places))
        action = data.draw(st.sampled_from(["remove", "replace", "add"]))
        key = data.draw(st.sampled_from(["colour", "when", "scope", "limits", "all", "any", "value", "kind", "min"]))
        document = _mutate(document, path, action, data.draw(st.sampled_from(ODD_VALUES)), key)
        places = list(_places(document))
    assert VALIDATOR.is_valid(document) == _decodes(document)


def test_the_comparison_sees_both_outcomes(small):
    assert VALIDATOR.is_valid(small)
    small["items"][0]["label_value"] = 0
    assert not VALIDATOR.is_valid(small)
    assert not _decodes(small)


def test_the_schema_survives_json():
    assert json.loads(schema_text()) == protocol_schema()

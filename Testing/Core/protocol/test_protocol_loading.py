"""Reading protocols from files: every problem with its path, and one identity for one content."""

import dataclasses
import json
import pickle
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError, InvalidProtocol, ProtocolError
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.loading import (
    load_protocol,
    load_shipped,
    protocol_from_document,
    protocol_from_text,
    protocol_text,
    shipped_protocols,
)
from AnnotationQACore.protocol.pictures import picture_bytes


def _problems(text):
    with pytest.raises(InvalidProtocol) as caught:
        protocol_from_text(text, source="p.json")
    return caught.value.problems


def test_a_small_protocol_loads(small):
    protocol = protocol_from_document(small)
    assert protocol.item("nodule").instances
    assert protocol.item("nodule").rgb == pytest.approx((1.0, 200 / 255, 0.0))
    assert [item.id for item in protocol.per_instance("nodule")] == ["margin", "volume"]
    assert protocol.item("volume").derived
    assert protocol.item("volume").unit == "ml"
    assert [choice.id for choice in protocol.item("effusion").answers] == [
        "present",
        "absent",
        "uncertain",
        "not_assessable",
    ]
    assert hash(protocol) == hash(pickle.loads(pickle.dumps(protocol)))
    with pytest.raises(InputError, match="no item 'nodul'"):
        protocol.item("nodul")


def test_each_problem_has_path_what_and_remedy(small):
    small["titel"] = small.pop("title")
    small["items"][1]["instances"] = "yes"
    small["items"][1]["limits"]["inside"]["margin_mm"] = -1
    small["items"][2]["levels"][1]["value"] = 2.5
    small["items"][3]["selection"] = "presense"
    small["items"][4]["when"] = {"itme": "effusion"}
    small["items"][5]["kind"] = "measurment"
    small["imaging"]["series"][0]["modalities"] = []
    small["design"]["repeat_fraction"] = 1.5
    problems = _problems(json.dumps(small))
    assert problems == (
        "titel: unknown key; did you mean 'title'?",
        "title: missing; add text in quotes.",
        "imaging.series[0].modalities: empty; give something.",
        "design.repeat_fraction: 1.5 is out of range; give a number from 0 to 1.",
        'items[1].instances: "yes" where true or false is expected; correct it.',
        "items[1].limits.inside.margin_mm: -1 is out of range; give a number from 0.",
        "items[2].levels[1].value: 2.5 where a whole number is expected; correct it.",
        "items[3].selection: \"presense\" is not allowed; did you mean 'presence'?",
        "items[4].when: unclear which form is meant; give exactly one of the keys 'item', 'all', 'any'.",
        "items[5].kind: \"measurment\" is no kind of item; did you mean 'measurement'?",
    )


def test_the_message_is_one_line_and_says_how_many_more(small):
    del small["title"], small["purpose"]
    with pytest.raises(ProtocolError) as caught:
        protocol_from_document(small, "study.json")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("study.json: title: missing")
    assert "1 more" in str(caught.value)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.problems) == (str(caught.value), caught.value.problems)


def test_duplicate_keys_are_refused_wherever_they_are(small):
    text = json.dumps(small)
    assert '"scheme": "SCT"' in text
    twice = text.replace('"scheme": "SCT"', '"scheme": "SCT", "scheme": "DCM"').replace(
        '"version"', '"version": "0.9.0", "version"'
    )
    assert _problems(twice) == (
        "version: the key is given twice; keep one of the two.",
        "imaging.body_region.scheme: the key is given twice; keep one of the two.",
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "line 1, column 1: not JSON"),
        ('{"id": 1,}', "line 1, column 10: not JSON"),
        ('{"id": "a"', "not JSON"),
        ("[]", "a list where an object is expected"),
        ("null", "null where an object is expected"),
        ('{"id": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_what_is_no_protocol_is_said_in_one_line(text, part):
    problems = _problems(text)
    assert part in problems[0]
    assert all("\n" not in problem for problem in problems)


def test_infinite_numbers_and_half_characters_are_refused(small):
    small["windows"][0]["center"] = "WIDE"
    small["title"] = "HALF"
    text = json.dumps(small).replace('"WIDE"', "1e999").replace("HALF", "\\ud800")
    assert _problems(text) == (
        "title: holds half a character (an unpaired surrogate); type the text again.",
        "windows[0].center: the number is too large; give one that can be.",
    )


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"missing\.json: cannot be read"):
        load_protocol(tmp_path / "missing.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_protocol(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"id": "\xe4"}')
    with pytest.raises(InputError, match=r"latin\.json: no UTF-8 text at byte 8"):
        load_protocol(tmp_path / "latin.json")


def test_a_byte_order_mark_is_accepted(tmp_path, small):
    path = tmp_path / "p.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(small).encode())
    assert load_protocol(path).hash == protocol_from_document(small).hash


def test_the_hash_does_not_depend_on_how_the_file_is_written(small):
    expected = protocol_from_document(small).hash
    small["$schema"] = "protocol.schema.json"
    small["windows"][0]["center"] = -600.0
    small["items"][0] |= {"label_value": 1.0, "instances": False, "synonyms": [], "when": None, "color": "#FFC800"}
    small["items"][0]["scope"] = {"level": "case", "of": None}
    small["items"][0]["limits"] = {"skipped_slices": False}
    turned = dict(reversed(small.items()))
    for text in (json.dumps(turned), json.dumps(turned, indent=4, ensure_ascii=True)):
        assert protocol_from_text(text).hash == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "1.0.1"),
        (("change_note",), "Another."),
        (("items", 0, "color"), "#00FF00"),
        (("items", 2, "levels", 0, "title"), "Vague"),
        (("windows", 0, "width"), 1600),
    ],
)
def test_the_hash_changes_with_the_content(small, path, value):
    before = protocol_from_document(small).hash
    place = small
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert protocol_from_document(small).hash != before


def test_text_and_document_are_read_back_equal(shipped_documents):
    for name in shipped_protocols():
        protocol = load_shipped(name)
        again = protocol_from_text(protocol_text(protocol))
        assert again == protocol
        assert again.hash == protocol.hash
        assert to_document(again) == {k: v for k, v in shipped_documents[name].items() if k != "$schema"}


def test_python_callers_get_the_same_hash_with_whole_numbers():
    protocol = load_shipped("lung_nodule_ct")
    nodule = protocol.item("nodule")
    limits = dataclasses.replace(nodule.limits, volume_ml=dataclasses.replace(nodule.limits.volume_ml, max=20))
    items = (dataclasses.replace(nodule, limits=limits), *protocol.items[1:])
    assert dataclasses.replace(protocol, items=items).hash == protocol.hash


def _png() -> bytes:
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def test_example_pictures_are_embedded_and_part_of_the_hash(tmp_path, small):
    small["items"][0]["examples"] = [{"image": "lung.png", "caption": "A lung."}]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(small))
    (tmp_path / "lung.png").write_bytes(_png())
    protocol = load_protocol(path)
    assert picture_bytes(protocol.items[0].examples[0]) == ("image/png", _png())
    assert protocol_from_text(protocol_text(protocol)).hash == protocol.hash
    (tmp_path / "lung.png").write_bytes(_png() + b"\0")
    assert load_protocol(path).hash != protocol.hash


@pytest.mark.parametrize(
    ("image", "part"),
    [
        ("missing.png", "no picture of this name"),
        ("../secret.png", "points outside the folder"),
        ("/etc/hostname", "points outside the folder"),
        ("notes.txt", "neither PNG, JPEG nor SVG"),
        ("data:image/png;base64,!!!!", "no embedded picture that can be read"),
        ("data:text/html;base64,AAAA", "no embedded picture that can be read"),
        ("data:image/jpeg;base64,iVBORw0KGgo=", "the picture is not image/jpeg"),
    ],
)
def test_pictures_that_cannot_be_used(tmp_path, small, image, part):
    small["items"][0]["examples"] = [{"image": image, "caption": "A lung."}]
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "p.json").write_text(json.dumps(small))
    with pytest.raises(InvalidProtocol) as caught:
        load_protocol(tmp_path / "p.json")
    assert caught.value.problems[0].startswith("items[0].examples[0].image: ")
    assert part in caught.value.problems[0]


def test_an_unknown_shipped_protocol():
    with pytest.raises(InputError, match="did you mean 'lung_nodule_ct'"):
        load_shipped("lung_nodul_ct")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["id", "items", "kind", "imaging", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_refused_with_problems_and_never_crashes(document):
    with pytest.raises(InvalidProtocol) as caught:
        protocol_from_document(document)
    assert caught.value.problems
    assert all("\n" not in problem for problem in caught.value.problems)

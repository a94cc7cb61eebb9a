"""What a new version changes, and what is to be read again."""

import copy

import pytest

from AnnotationQACore.protocol.difference import protocol_diff
from AnnotationQACore.protocol.loading import load_shipped, protocol_from_document, shipped_protocols


def _diff(old, change):
    new = copy.deepcopy(old)
    change(new)
    return protocol_diff(protocol_from_document(old), protocol_from_document(new))


def _set(*path, value):
    def change(document):
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize("name", shipped_protocols())
def test_a_protocol_does_not_differ_from_itself(name):
    diff = protocol_diff(load_shipped(name), load_shipped(name))
    assert diff.identical
    assert diff.read_again == {}
    assert diff.recompute == ()


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (_set("items", 2, "definition", value="How blurred."), "meaning"),
        (_set("items", 2, "definition", value="How  SHARP"), "presentation"),
        (_set("items", 2, "levels", 0, "title", value="Vague"), "meaning"),
        (_set("items", 2, "levels", 0, "definition", value="Not seen."), "meaning"),
        (_set("items", 2, "codes", value={"type": {"scheme": "DCM", "value": "111037", "meaning": "M"}}), "checks"),
        (_set("items", 2, "scale", value="ordinal"), None),
        (_set("items", 2, "scope", value={}), "meaning"),
        (_set("items", 2, "when", value={"item": "effusion", "operator": "answered"}), "meaning"),
        (_set("items", 2, "edge_cases", value=[{"situation": "A.", "resolution": "B."}]), "meaning"),
        (_set("items", 2, "agreement", "threshold", value=0.5), "checks"),
        (_set("items", 2, "hint", value="Look twice."), "presentation"),
        (_set("items", 2, "view", value={"window": "lung"}), "presentation"),
    ],
)
def test_the_weight_of_a_change(small, change, verdict):
    diff = _diff(small, change)
    assert {item.item: item.verdict for item in diff.items} == ({"margin": verdict} if verdict else {})
    assert ("margin" in diff.read_again) is (verdict == "meaning")


def test_another_code_is_another_meaning_and_a_first_one_is_not(small):
    code = {"scheme": "DCM", "value": "111037", "meaning": "Margins"}
    small["items"][2]["codes"] = {"type": code}
    other = _diff(small, _set("items", 2, "codes", "type", "value", value="112010"))
    assert "margin" in other.read_again
    more = _diff(small, _set("items", 2, "codes", "equivalent", value=[{**code, "scheme": "99LOCAL"}]))
    assert (more.items[0].verdict, more.read_again) == ("checks", {})


def test_what_depends_on_a_changed_drawing_is_read_again_or_recomputed(small):
    diff = _diff(small, _set("items", 1, "definition", value="A linear opacity."))
    assert diff.read_again == {"nodule": "its meaning changed (definition)", "margin": "it depends on 'nodule'"}
    assert diff.recompute == ("volume",)


def test_what_depends_on_a_changed_answer_is_read_again(small):
    diff = _diff(small, _set("items", 3, "definition", value="Any fluid."))
    assert list(diff.read_again) == ["effusion", "side"]


def test_looks_and_limits_need_no_reading(small):
    diff = _diff(small, _set("items", 1, "color", value="#00FF00"))
    assert [(i.item, i.verdict) for i in diff.items] == [("nodule", "presentation")]
    diff = _diff(small, _set("items", 1, "limits", "volume_ml", value={"max": 5}))
    assert [(i.item, i.verdict) for i in diff.items] == [("nodule", "checks")]
    diff = _diff(small, _set("windows", 0, "width", value=2000))
    assert [(c.path, c.weight) for c in diff.general] == [("windows[lung].width", "presentation")]
    assert diff.read_again == {}


def test_added_and_removed_items(small):
    def change(document):
        document["items"] = [item for item in document["items"] if item["id"] not in ("side", "volume")]
        document["items"].append({"kind": "text", "id": "note", "title": "N", "definition": "D.", "required": False})

    diff = _diff(small, change)
    assert [(item.item, item.verdict) for item in diff.items] == [
        ("note", "added"),
        ("side", "removed"),
        ("volume", "removed"),
    ]
    assert diff.read_again == {"note": "it is new, and optional"}


def test_an_item_of_another_kind_has_another_meaning(small):
    def change(document):
        document["items"][3] = {"kind": "text", "id": "effusion", "title": "E", "definition": "Pleural fluid."}
        del document["items"][4]["when"]

    diff = _diff(small, change)
    assert diff.items[0].verdict == "meaning"
    assert [(c.path, c.old, c.new) for c in diff.items[0].changes] == [("kind", "classification", "text")]


def test_new_choices_are_named_by_their_id(small):
    def change(document):
        document["items"][4]["choices"].insert(0, {"id": "both", "title": "Both"})

    (item,) = _diff(small, change).items
    assert [(c.path, c.old, c.new) for c in item.changes] == [("choices[both]", None, {"id": "both", "title": "Both"})]


def test_other_images_need_everything_again(small):
    diff = _diff(small, _set("imaging", "series", 0, "contrast_phase", value="arterial"))
    assert set(diff.read_again) == {"lung", "nodule", "margin", "effusion", "side"}
    assert diff.recompute == ("volume",)


def test_a_newly_required_item_leaves_readings_incomplete(small):
    small["items"][3]["required"] = False
    diff = _diff(small, _set("items", 3, "required", value=True))
    assert diff.read_again["effusion"].startswith("it is required now")


def test_version_and_note_are_not_counted(small):
    diff = _diff(small, lambda document: document.update(version="2.0.0", change_note="Another."))
    assert diff.identical

"""The open list of device rules: what is shipped is valid and says its source; mistakes are named by their path."""

import json

import pytest

from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.device_rules import load_device_rules, parse_device_rules, shipped_device_rules
from DeidentifyStudyCore.pixels.frames import PixelFormat

FORM = PixelFormat(50, 80, 1, 8, 8, 7, False, False, "MONOCHROME2", 1)
RULE = {
    "name": "corner",
    "source": "seen on our own machine",
    "match": {"manufacturer": "ACME", "rows": 50, "columns": 80},
    "boxes": [[0, 10, 5, 20]],
}


def parsed(**changes: object):
    rule = {key: value for key, value in (RULE | changes).items() if value is not None}
    return parse_device_rules(json.dumps({"format": "deidentify-device-rules/1", "rules": [rule]}), "house.json")


def test_shipped_rules_say_their_source():
    rules = shipped_device_rules()
    assert rules
    assert all(len(rule.source) > 20 for rule in rules)


def test_a_rule_matches_without_regard_to_case_and_by_size():
    (rule,) = parsed()
    assert rule.matches({"manufacturer": "Acme Medical"}, FORM)
    assert not rule.matches({"manufacturer": "Other"}, FORM)
    assert not rule.matches({}, FORM)
    wide = PixelFormat(50, 81, 1, 8, 8, 7, False, False, "MONOCHROME2", 1)
    assert not rule.matches({"manufacturer": "ACME"}, wide)


def test_boxes_are_pixels_or_shares_and_stay_in_the_frame():
    (rule,) = parsed(boxes=[[0, 10, 5, 20], [0.5, 0, 0.5, 1.0], [45, 70, 100, 100]])
    assert rule.placed(FORM) == [Box(0, 10, 5, 20), Box(25, 0, 25, 80), Box(45, 70, 5, 10)]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"source": None}, r"\$\.rules\[0\] must have name, source, match and boxes"),
        ({"source": " "}, r"\$\.rules\[0\]\.source must be a text"),
        ({"match": {}}, r"\$\.rules\[0\]\.match must name at least one"),
        ({"match": {"station": "CT1"}}, r"\.match\.station is unknown"),
        ({"match": {"rows": 0}}, r"\.match\.rows must be a whole number"),
        ({"match": {"model": 3}}, r"\.match\.model must be a text"),
        ({"boxes": []}, r"\.boxes must be a list that is not empty"),
        ({"boxes": [[0, 0, 5]]}, r"\.boxes\[0\] must be \[row, column, height, width\]"),
        ({"boxes": [[0, 0, 5, True]]}, r"\.boxes\[0\] must be"),
        ({"boxes": [[0, 0, 0, 5]]}, r"\.boxes\[0\] must not be empty"),
        ({"boxes": [[0, 0, 1.5, 5]]}, r"\.boxes\[0\]\[2\] is a share"),
        ({"match": {"model": "X"}}, r"\.boxes\[0\]\[1\] is in pixels, so the rule must match rows and columns"),
    ],
)
def test_mistakes_are_named_by_their_path(changes, match):
    with pytest.raises(InputError, match=match):
        parsed(**changes)


def test_a_name_is_given_once():
    content = {"format": "deidentify-device-rules/1", "rules": [RULE, RULE]}
    with pytest.raises(InputError, match=r"\$\.rules\[1\]\.name 'corner' is there twice"):
        parse_device_rules(json.dumps(content), "house.json")


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"format": "x", "rules": []}'])
def test_a_file_of_another_kind_is_refused(text, tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"rules\.json: "):
        load_device_rules(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_device_rules(tmp_path / "none.json")

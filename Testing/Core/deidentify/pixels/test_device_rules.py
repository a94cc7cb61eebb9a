"""The open list of device rules: what is shipped is valid and says its source; mistakes are named by their path."""

import json
from typing import Any

import pytest

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.device_rules import (
    load_device_rules,
    matching_rules,
    parse_device_rules,
    shipped_device_rules,
)
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


def _form(match: dict[str, Any]) -> PixelFormat:
    rows, columns = int(match.get("rows", 600)), int(match.get("columns", 800))
    return PixelFormat(rows, columns, 1, 8, 8, 7, False, False, "MONOCHROME2", 1)


def test_every_shipped_rule_fills_something_in_the_frame_that_it_names_and_leaves_most_of_it():
    """All but the dose report, of which nothing is anatomy."""
    for rule in shipped_device_rules():
        form = _form(dict(rule.sizes))
        placed = rule.placed(form)
        assert len(placed) == len(rule.boxes), rule.name
        filled = sum(box.area for box in placed) / (form.rows * form.columns)
        assert 0.005 < filled < 0.5 or rule.name == "ge-ct-dose-report", rule.name


@pytest.mark.parametrize(
    ("header", "name", "boxes"),
    [
        (
            {"Modality": "US", "Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "iU22"},
            "philips-iu22-480",
            [Box(0, 0, 47, 640)],
        ),
        (
            {"Modality": "US", "Manufacturer": "ACUSON", "ManufacturerModelName": "Sequoia C512"},
            "acuson-sequoia",
            [Box(0, 0, 30, 640)],
        ),
    ],
)
def test_devices_of_the_public_list_are_known(header, name, boxes, make_dataset, encode, tmp_path):
    """Where the text is: the published list, in columns, rows, width and height."""
    path = tmp_path / "us.dcm"
    dataset = make_dataset(Rows=480, Columns=640, **header)
    dataset.PixelData = bytes(480 * 640 * 2)
    path.write_bytes(encode(dataset))
    with opened(path) as source:
        (rule,) = matching_rules(shipped_device_rules(), source)
    assert rule.name == name
    assert rule.placed(_form({"rows": 480, "columns": 640})) == boxes


def test_a_known_device_is_a_risk_though_the_header_says_nothing(make_dataset, encode, deidentify, untouched):
    """No screen shot, but this machine prints into it. Where pixels stay, a person must look."""
    plain = make_dataset("1.2.840.10008.5.1.4.1.1.1", 1, Modality="CR", Manufacturer="Canon Inc.")
    printed = make_dataset("1.2.840.10008.5.1.4.1.1.1", 2, Modality="CR", Manufacturer="Canon Inc.")
    printed.ManufacturerModelName = "CXDI-50C"
    printed.Rows, printed.Columns = 2592, 6
    printed.PixelData = bytes(2592 * 6 * 2)
    outcome, _ = deidentify({"a": encode(plain), "b": encode(printed)}, untouched)
    assert [result.reason for result in outcome.files] == ["", "burned-in-risk"]
    assert outcome.files[1].risks == ("projection", "known-device")


def test_the_command_lists_rules_and_names_mistakes(tmp_path, capsys):
    assert main(["device-rules"]) == 0
    listed = capsys.readouterr().out
    for rule in shipped_device_rules():
        assert rule.name in listed
        assert rule.source in listed
    path = tmp_path / "house.json"
    path.write_text(json.dumps({"format": "deidentify-device-rules/1", "rules": [RULE | {"boxes": [[0, 0, 0, 1]]}]}))
    assert main(["device-rules", str(path)]) == 2
    assert "house.json: $.rules[0].boxes[0] must not be empty" in capsys.readouterr().err


def test_a_rule_matches_without_regard_to_case_and_by_size():
    (rule,) = parsed()
    assert rule.matches({"manufacturer": "Acme Medical"}, 50, 80)
    assert not rule.matches({"manufacturer": "Other"}, 50, 80)
    assert not rule.matches({}, 50, 80)
    assert not rule.matches({"manufacturer": "ACME"}, 50, 81)


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

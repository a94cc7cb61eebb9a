"""What one field says of another: each rule finds its mistake, at its path, and the small protocol has none."""

import pytest
from pydicom.sr._concepts_dict import concepts

from AnnotationQACore.protocol.loading import load_shipped, protocol_from_document, shipped_protocols
from AnnotationQACore.protocol.statistics import STATISTICS, fitting_statistics
from AnnotationQACore.protocol.terminology import Code, code_problem
from AnnotationQACore.protocol.validation import find_advice

LANDMARKS = {
    "kind": "landmarks",
    "id": "points",
    "title": "Points",
    "definition": "Three points.",
    "points": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}, {"id": "c", "title": "C"}],
}
BOX = {"kind": "box", "id": "box", "title": "Box", "definition": "A box.", "dimensions": 2, "instances": True}
TEXT = {"kind": "text", "id": "note", "title": "Note", "definition": "Words."}


def _put(document, path, value):
    *steps, last = path
    for step in steps:
        document = document[step]
    document[last] = value


def _measurement(**fields):
    return {"kind": "measurement", "id": "m", "title": "M", "definition": "A number."} | fields


def _compare(item, operator, **value):
    return {"item": item, "operator": operator, **value}


CHANGES = [
    (("items", 1, "id"), "lung", "items[1].id: the ID 'lung' is used twice, first at items[0].id"),
    (("items", 1, "label_value"), 1, "items[1].label_value: label value 1 is that of 'lung' already"),
    (("items", 1, "parent"), "lungs", "items[1].parent: no item 'lungs'; did you mean 'lung'?"),
    (("items", 0, "parent"), "lung", "items[0].parent: 'lung' leads back to itself"),
    (("items", 1, "group"), "x", "items[1].group: no group 'x'; remove it"),
    (("items", 1, "series"), "pet", "items[1].series: no series role 'pet'"),
    (("items", 1, "frame"), "systole", "items[1].frame: no named frame of series 'ct' 'systole'"),
    (("items", 1, "view"), {"window": "lnug"}, "items[1].view.window: no window preset 'lnug'; did you mean 'lung'?"),
    (("view",), {"foreground": "pet"}, "view.foreground: no series role 'pet'"),
    (("items", 2, "scope"), {"level": "instance", "of": "nodules"}, "items[2].scope.of: no item 'nodules'"),
    (("items", 2, "scope"), {"level": "instance"}, "items[2].scope.of: missing"),
    (("items", 2, "scope"), {"level": "instance", "of": "lung"}, "items[2].scope.of: 'lung' has no instances"),
    (("items", 2, "scope"), {"level": "case", "of": "nodule"}, "items[2].scope.of: a case needs no 'of'"),
    (("items", 2, "scope"), {"level": "image", "of": "pet"}, "items[2].scope.of: no series role 'pet'"),
    (("items", 2, "levels", 1, "value"), 1, "items[2].levels[1].value: the level '1' is used twice"),
    (("items", 2, "levels", 1, "value"), 9, "items[2].levels: the values do not rise"),
    (("items", 2, "levels", 1, "title"), "Sharp", "items[2].levels[2].title: the title 'Sharp' is used twice"),
    (("items", 2, "agreement", "statistic"), "dice", "items[2].agreement.statistic: dice does not fit a rating"),
    (("items", 2, "scale"), "nominal", "items[2].agreement.statistic: weighted_kappa_quadratic does not fit a rating"),
    (("items", 2, "agreement", "threshold"), 1.5, "items[2].agreement.threshold: 1.5 cannot be a value of"),
    (("items", 1, "agreement", "statistic"), "nsd", "items[1].agreement.tolerance_mm: missing"),
    (("items", 1, "agreement", "case_tolerance"), 1, "items[1].agreement.case_tolerance: dice is a figure of one case"),
    (("items", 1, "limits", "inside", "item"), "lungs", "items[1].limits.inside.item: no segmentation 'lungs'"),
    (("items", 1, "limits", "inside", "item"), "nodule", "items[1].limits.inside.item: it lies inside itself"),
    (("items", 1, "limits", "count"), {"min": 5, "max": 2}, "items[1].limits.count: 'min' 5 is above 'max' 2"),
    (("items", 1, "limits", "count"), {}, "items[1].limits.count: has neither 'min' nor 'max'"),
    (("items", 0, "limits"), {"count": {"max": 2}}, "items[0].limits.count: there is only one"),
    (("items", 0, "limits"), {"area_mm2": {"max": 2}}, "items[0].limits.area_mm2: a segmentation has a volume"),
    (("items", 0, "may_overlap"), ["lung"], "items[0].may_overlap[0]: names itself"),
    (("items", 0, "may_overlap"), ["margin"], "items[0].may_overlap[0]: no segmentation 'margin'"),
    (("items", 0, "composed"), True, "items[0].composed: no segmentation has it as its parent"),
    (("items", 3, "choices"), [{"id": "a", "title": "A"}], "items[3].choices: a presence has its four answers"),
    (("items", 4, "choices"), [{"id": "a", "title": "A"}], "items[4].choices: 1 given; give at least two"),
    (("items", 4, "choices", 1, "id"), "left", "items[4].choices[1].id: the ID 'left' is used twice"),
    (
        ("items", 4, "choices", 0, "parent"),
        "lefft",
        "items[4].choices[0].parent: no choice 'lefft'; did you mean 'left'",
    ),
    (("items", 4, "choices", 0, "parent"), "left", "items[4].choices[0].parent: is its own ancestor"),
    (("items", 4, "when", "item"), "efusion", "items[4].when.item: no item 'efusion'; did you mean 'effusion'?"),
    (("items", 4, "when", "item"), "side", "items[4].when.item: an item cannot depend on its own answer"),
    (("items", 4, "when", "item"), "margin", "items[4].when.item: 'margin' has several answers in a case"),
    (("items", 4, "when", "value"), "presnt", "items[4].when.value: 'presnt' is no answer to 'effusion'; did you mean"),
    (("items", 4, "when", "value"), ["present"], "items[4].when.value: does not fit 'equals'"),
    (("items", 4, "when", "operator"), "contains", "items[4].when.operator: 'contains' does not fit 'effusion'"),
    (("items", 4, "when", "operator"), "at_least", "items[4].when.operator: answers to 'effusion' have no order"),
    (("items", 4, "when", "operator"), "answered", "items[4].when.value: 'answered' takes no value"),
    (("items", 4, "when", "value"), None, "items[4].when.value: missing"),
    (
        ("items", 3, "when"),
        {"any": [_compare("side", "equals", value="left")]},
        "items[3].when: 'effusion' leads back to itself",
    ),
    (("items", 5, "derived_from"), ["nodule", "lung"], "items[5].derived_from: volume is derived from 1 different"),
    (("items", 5, "derived_from"), [], "items[5].derived_from: volume cannot be measured by hand"),
    (("items", 5, "derived_from"), ["margin"], "items[5].derived_from[0]: 'margin' is a rating"),
    (("items", 5, "derived_from"), ["nodul"], "items[5].derived_from[0]: no item 'nodul'; did you mean 'nodule'?"),
    (("items", 5, "quantity"), "ejection_fraction", "items[5].derived_from: ejection_fraction is derived from 2"),
    (("items", 5, "points"), ["a"], "items[5].points: there are no landmarks to take them from"),
    (("items", 5, "instances"), True, "items[5].instances: a derived measurement is not drawn"),
    (("items", 5, "limits"), {"short_axis": {"max": 9}}, "items[5].limits.short_axis: a volume has no short axis"),
    (("imaging", "reference_series"), "mr", "imaging.reference_series: no series role 'mr'"),
    (("imaging", "series", 0, "required"), False, "imaging.series: no series is required"),
    (
        ("imaging", "series", 0, "modalities"),
        ["CT", "CT"],
        "imaging.series[0].modalities[1]: the modality 'CT' is used",
    ),
    (("imaging", "body_region", "value"), "39607009", "imaging.body_region.value: '39607009' has a wrong check digit"),
    (("imaging", "body_region", "scheme"), "SNOMED", "imaging.body_region.scheme: 'SNOMED' is no coding scheme"),
    (("windows", 0, "width"), None, "windows[0]: has a centre or a width only"),
    (("windows", 0, "percentiles"), [1, 99], "windows[0]: needs centre and width, or percentiles"),
    (
        ("windows",),
        [{"id": "w", "title": "W", "percentiles": [9, 1]}],
        "windows[0].percentiles: the first is not below",
    ),
    (("design", "repeat_fraction"), 0.1, "design.washout_days: cases are repeated without a washout"),
    (("design", "adjudication"), "majority", "design.adjudication: 2 readers per case have no majority"),
    (("design", "start_from"), ["model"], "design.start_from[0]: readers start from 'model', which"),
]


@pytest.mark.parametrize(("path", "value", "problem"), CHANGES, ids=[f"{c[2][:48]}" for c in CHANGES])
def test_each_mistake_is_found_at_its_path(small, problems_of, path, value, problem):
    assert problems_of(small) == ()
    _put(small, path, value)
    assert any(found.startswith(problem) for found in problems_of(small)), problems_of(small)


ADDED = [
    ([{**LANDMARKS, "points": [{"id": "a", "title": "A"}] * 2}], "items[6].points[1].id: the ID 'a' is used twice"),
    (
        [LANDMARKS, _measurement(quantity="angle", derived_from=["points"], points=["a", "b"])],
        "items[7].points: 2 given; name 3 or 4 points of 'points'",
    ),
    (
        [LANDMARKS, _measurement(quantity="length", derived_from=["points"], points=["a", "z"])],
        "items[7].points[1]: 'points' has no point 'z'",
    ),
    (
        [_measurement(quantity="ejection_fraction", derived_from=["lung", "margin"])],
        "items[6].derived_from[1]: 'margin' is a rating; ejection_fraction needs a segmentation",
    ),
    (
        [_measurement(quantity="stroke_volume", derived_from=["lung", "lung"])],
        "items[6].derived_from: stroke_volume is derived from 2 different items",
    ),
    ([{**BOX, "limits": {"volume_ml": {"max": 1}}}], "items[6].limits.volume_ml: it is flat"),
    ([{**BOX, "dimensions": 3, "limits": {"area_mm2": {"max": 1}}}], "items[6].limits.area_mm2: a box in space"),
    (
        [{**BOX, "agreement": {"statistic": "dice", "threshold": 0.5}}],
        "items[6].agreement.statistic: dice does not fit",
    ),
    (
        [{**BOX, "limits": {"empty_when": _compare("effusion", "equals", value="abscent")}}],
        "items[6].limits.empty_when.value: 'abscent' is no answer to 'effusion'",
    ),
    ([{**TEXT, "agreement": {"statistic": "dice", "threshold": 1}}], "items[6].agreement.statistic: dice does not fit"),
]


@pytest.mark.parametrize(("items", "problem"), ADDED, ids=[a[1][:48] for a in ADDED])
def test_mistakes_in_other_kinds(small, problems_of, items, problem):
    small["items"] += items
    assert any(found.startswith(problem) for found in problems_of(small)), problems_of(small)


def test_other_kinds_are_accepted(small, problems_of):
    small["items"] += [
        LANDMARKS,
        _measurement(quantity="angle", derived_from=["points"], points=["a", "b", "c"]),
        {**BOX, "agreement": {"statistic": "detection_f1", "threshold": 0.8, "tolerance_mm": 5}},
        TEXT,
        {"kind": "polygon", "id": "outline", "title": "Outline", "definition": "A line.", "closed": False},
    ]
    assert problems_of(small) == ()


def test_all_problems_are_named_at_once(small, problems_of):
    small["items"][1]["parent"] = "x"
    small["items"][4]["when"]["value"] = "x"
    small["design"]["adjudication"] = "majority"
    assert len(problems_of(small)) == 3


def test_every_statistic_fits_some_item_and_has_a_range():
    items = [item for name in shipped_protocols() for item in load_shipped(name).items]
    fitting = {statistic for item in items for statistic in fitting_statistics(item)}
    assert fitting == set(STATISTICS)
    assert all(facts.range[0] < facts.range[1] for facts in STATISTICS.values())


def test_advice_names_what_would_be_missed(small):
    advice = [str(each) for each in find_advice(protocol_from_document(small))]
    assert "items[0].codes: 'lung' has no code; give at least its type." in advice
    assert "items[3].agreement: agreement on 'effusion' is not judged; name a statistic." in advice


def test_check_digits_of_all_snomed_codes_that_pydicom_knows():
    codes = {value for entries in concepts["SCT"].values() for value in entries}
    wrong = {value for value in codes if code_problem(Code("SCT", value, "x"))}
    # pydicom 3.0 carries one code that is cut short
    assert wrong <= {"115347700"}
    assert len(codes) > 5000


def test_a_mistyped_digit_or_swapped_neighbours_are_noticed():
    for value in ("39607008", "27925004", "10200004", "416190007", "1156316003"):
        for place in range(len(value)):
            for digit in "0123456789":
                typed = value[:place] + digit + value[place + 1 :]
                if typed != value and typed[0] != "0":
                    assert code_problem(Code("SCT", typed, "x")), typed
            swapped = value[:place] + value[place : place + 2][::-1] + value[place + 2 :]
            if swapped != value and swapped[0] != "0":
                assert code_problem(Code("SCT", swapped, "x")), swapped


@pytest.mark.parametrize(
    ("code", "part"),
    [
        (Code("RADLEX", "3875", "nodule"), "value"),
        (Code("I10", "R91.123", "x"), "value"),
        (Code("LN", "24627", "x"), "value"),
        (Code("ICD-10", "R91", "x"), "scheme"),
        (Code("SCT", "39607008", "x" * 65), "meaning"),
    ],
)
def test_codes_of_a_wrong_form(code, part):
    assert code_problem(code)[0] == part


@pytest.mark.parametrize("code", [Code("I10", "C34.1", "x"), Code("RADLEX", "RID1301", "x"), Code("99LAB", "a1", "x")])
def test_codes_of_a_right_form(code):
    assert code_problem(code) is None


def test_a_problem_stays_on_one_line_whatever_the_file_holds(small, problems_of):
    small["imaging"]["body_region"] = {"scheme": "S\nCT", "value": "1", "meaning": "x"}
    small["items"][0]["codes"] = {"type": {"scheme": "SCT", "value": "3960\n7008", "meaning": "x"}}
    small["items"][4]["choices"] = [{"id": "a", "title": "A\nB"}, {"id": "b", "title": "A\nB"}]
    problems = problems_of(small)
    assert len(problems) == 3
    assert all("\n" not in problem for problem in problems)

"""The shipped protocols are complete, and their codes are real."""

import csv

import pytest
from pydicom.sr._concepts_dict import concepts

from AnnotationQACore.protocol.loading import load_shipped, shipped_protocols
from AnnotationQACore.protocol.model import Code
from AnnotationQACore.protocol.validation import find_advice

NAMES = (
    "brain_tumour_mr",
    "chest_xray_findings",
    "left_ventricle_cine_mr",
    "liver_tumour_response_ct",
    "lung_nodule_ct",
    "vertebra_landmarks",
    "wrist_fracture_xray",
)

LIDC = {
    "subtlety": "subtlety",
    "internalStructure": "internal_structure",
    "calcification": "calcification",
    "sphericity": "sphericity",
    "margin": "margin",
    "lobulation": "lobulation",
    "spiculation": "spiculation",
    "texture": "texture",
    "malignancy": "malignancy",
}

# Codes of SNOMED CT that the dictionary of pydicom lacks.
KNOWN_BESIDE_PYDICOM = {
    "2667000": "Absent",
    "1156316003": "Cannot be determined",
    "95436008": "Lung consolidation",
    "46621007": "Atelectasis",
    "8186001": "Cardiomegaly",
    "87433001": "Pulmonary emphysema",
    "72704001": "Fracture",
}


def _codes(value):
    if isinstance(value, Code):
        yield value
    elif isinstance(value, tuple):
        for entry in value:
            yield from _codes(entry)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _codes(getattr(value, name))


def test_seven_are_shipped():
    assert shipped_protocols() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_specialist_could_start_from_it(name):
    protocol = load_shipped(name)
    assert protocol.id == name
    assert protocol.references
    assert protocol.windows
    assert protocol.view.layout
    assert any(item.examples for item in protocol.items)
    assert protocol.design.repeat_fraction > 0
    assert protocol.design.washout_days >= 14
    assert protocol.design.readers_per_case >= 2
    for item in protocol.items:
        assert item.group, item.id
        assert len(item.definition) > 20, item.id
    missing = [str(advice) for advice in find_advice(protocol) if "has no code" not in str(advice)]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_in_the_dictionaries(name):
    known = {scheme: {value for entries in concepts[scheme].values() for value in entries} for scheme in ("SCT", "DCM")}
    for code in _codes(load_shipped(name)):
        if code.scheme == "SCT" and code.value in KNOWN_BESIDE_PYDICOM:
            assert code.meaning == KNOWN_BESIDE_PYDICOM[code.value]
        elif code.scheme in known:
            assert code.value in known[code.scheme], code
        else:
            assert code.scheme in ("RADLEX", "I10"), code


@pytest.mark.parametrize("name", NAMES)
def test_codes_say_what_the_dictionaries_say(name):
    meanings: dict[tuple[str, str], set[str]] = {}
    for scheme in ("SCT", "DCM"):
        for entries in concepts[scheme].values():
            for value, (meaning, _) in entries.items():
                meanings.setdefault((scheme, value), set()).update(meaning.lower().replace("-", " ").split())
    for code in _codes(load_shipped(name)):
        words = meanings.get((code.scheme, code.value))
        if words:
            assert words & set(code.meaning.lower().replace("-", " ").split()), (code, words)


def test_what_has_no_code_of_its_type_is_said():
    """The standard has none for the space that surgery leaves, and none is made up."""
    untyped = [
        str(one) for name in NAMES for one in find_advice(load_shipped(name)) if "no code of its type" in str(one)
    ]
    (advice,) = untyped
    assert "'resection_cavity' has no code of its type, without which it is not released" in advice


def test_all_kinds_are_in_use():
    kinds = {item.kind for name in NAMES for item in load_shipped(name).items}
    assert kinds == {"classification", "segmentation", "box", "landmarks", "measurement", "rating", "text"}


def test_the_lung_protocol_holds_every_lidc_rating(shared_data):
    protocol = load_shipped("lung_nodule_ct")
    assert protocol.item("nodule").instances
    assert [item.id for item in protocol.per_instance("nodule") if item.kind == "rating"] == list(LIDC.values())
    with (shared_data / "lidc" / "ratings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    columns = [name for name in LIDC if name in rows[0]]
    assert columns, rows[0].keys()
    for name in columns:
        levels = {level.value for level in protocol.item(LIDC[name]).levels}
        assert {int(float(row[name])) for row in rows if row[name]} <= levels, name


def test_lidc_levels_and_scales():
    protocol = load_shipped("lung_nodule_ct")
    assert {name: len(protocol.item(name).levels) for name in LIDC.values()} == {
        name: {"internal_structure": 4, "calcification": 6}.get(name, 5) for name in LIDC.values()
    }
    nominal = {name for name in LIDC.values() if protocol.item(name).scale == "nominal"}
    assert nominal == {"internal_structure", "calcification"}
    assert [level.title for level in protocol.item("calcification").levels] == [
        "Popcorn",
        "Laminated",
        "Solid",
        "Non-central",
        "Central",
        "Absent",
    ]
    assert protocol.item("malignancy").levels[4].title == "Highly suspicious"


def test_the_ejection_fraction_names_end_diastole_first():
    protocol = load_shipped("left_ventricle_cine_mr")
    first, second = protocol.item("ejection_fraction").derived_from
    assert (protocol.item(first).frame, protocol.item(second).frame) == ("end_diastole", "end_systole")


def test_vertebrae_are_named_from_head_to_foot():
    points = load_shipped("vertebra_landmarks").item("vertebral_bodies").points
    expected = (
        [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(1, 13)] + [f"L{i}" for i in range(1, 6)] + ["S1"]
    )
    assert [point.title for point in points] == expected

"""The data files of the standard's facts are what the script writes from the tables that were handed over."""

import importlib.util
import json
from importlib import resources
from pathlib import Path

from DeidentifyStudyCore.dicom.standard import attribute_types, row_for, safe_private, table_rows


def script():
    spec = importlib.util.spec_from_file_location("standard_tables", Path(__file__).with_name("standard_tables.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_are_what_the_script_writes(shared_data, repository):
    folder = repository / "DeidentifyStudy" / "DeidentifyStudyCore" / "data"
    module = script()
    tables = module.tables(shared_data)
    assert set(tables) == {path.name for path in folder.glob("*.json")}
    for name, table in tables.items():
        assert (folder / name).read_text(encoding="utf-8") == module.encoded(table), name


def test_digests_name_the_edition(repository):
    folder = repository / "DeidentifyStudy" / "DeidentifyStudyCore" / "data"
    content = json.loads((folder / "confidentiality_profile.json").read_text())
    assert content["source"] == "PS3.15 2026d Table E.1-1"
    assert len(content["sha256"]) == 64
    assert len(table_rows()) == 656  # 657 rows, of which one is "private attributes"
    assert sum(map(len, json.loads((folder / "safe_private.json").read_text())["creators"].values())) == 479


def test_further_private_elements_are_numbers_and_sequences_of_creators_and_in_no_table():
    table = json.loads((resources.files("DeidentifyStudyCore") / "data" / "safe_private.json").read_text())
    for creator, elements in table["further"].items():
        assert not elements.keys() & table["creators"].get(creator, {}).keys()
        assert set(elements.values()) <= {"US", "SS", "DS", "IS", "FL", "FD", "SQ"}
        assert all(safe_private()[creator][element] == vr for element, vr in elements.items())


def test_rows_of_repeating_groups():
    assert row_for(0x60023000).name == "Overlay Data"
    assert row_for(0x50041234).name == "Curve Data"
    assert row_for(0x00100010).basic == "Z"
    assert row_for(0x00280010) is None


def test_types_by_iod():
    ct = attribute_types("1.2.840.10008.5.1.4.1.1.2")
    assert ct.of((), 0x00100010) == "2"
    assert ct.of((), 0x00080018) == "1"
    assert ct.of((), 0x00104000) == "3"
    assert ct.of((0x00081140,), 0x00081155) == "1"
    assert attribute_types("1.2.3").of((), 0x00100010) == "3"


def test_types_within_a_sequence_that_an_iod_had_in_editions_before_are_those_of_its_module():
    rois, algorithm, name = (0x30060020,), 0x30060036, 0x30060026
    structures, dose = (attribute_types(f"1.2.840.10008.5.1.4.1.1.481.{number}") for number in (3, 2))
    assert structures.of(rois, algorithm) == dose.of(rois, algorithm) == "2"
    assert structures.of(rois, name) == dose.of(rois, name) == "2"
    assert dose.of((), 0x30060002) == "3"  # Structure Set Label, which belongs into another object
    assert attribute_types("1.2.3").of(rois, algorithm) == "3"

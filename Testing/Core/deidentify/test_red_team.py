"""Thousands of planted identifiers, each in one place: none comes out, nearly every object does, and science is kept.

More seeds and every option alone: `python Testing/Benchmarks/deidentify_leaks.py`.
"""

import importlib.util
import json
import sys
import warnings
from pathlib import Path

import pydicom
import pytest

from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.profile import OPTIONS, parse_profile, shipped_profiles
from DeidentifyStudyCore.reporting.report import build_report, write_report
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.report_text import clean_diagnostic_report, clean_report_text
from DeidentifyStudyCore.rules.text import vocabulary

_folder = Path(__file__).with_name("red_team")
_spec = importlib.util.spec_from_file_location(
    "red_team", _folder / "__init__.py", submodule_search_locations=[str(_folder)]
)
sys.modules["red_team"] = importlib.util.module_from_spec(_spec)

from red_team.files import NOT_OBJECTS, planted_folder  # noqa: E402  # the package is known from here on
from red_team.judging import judged  # noqa: E402
from red_team.planting import Person, Plants, free_text, mentions  # noqa: E402
from red_team.searching import Finder  # noqa: E402

SEED = 1
KEPT = [
    *("KVP", "XRayTubeCurrent", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("RescaleIntercept", "RescaleSlope", "RescaleType", "ConvolutionKernel", "BodyPartExamined", "PatientPosition"),
    *("AcquisitionNumber", "WindowCenter", "WindowWidth", "TableHeight", "ExposureTime", "FilterType"),
    *("GantryDetectorTilt", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("SamplesPerPixel", "PhotometricInterpretation", "Modality", "Manufacturer", "ImageType", "PixelData"),
]
UNPLANTED = {
    "ImageType": rb"ORIGINAL\PRIMARY\AXIAL", "BodyPartExamined": b"CHEST", "ConvolutionKernel": b"B30f",
    "FilterType": b"FLAT", "KVP": b"120", "ExposureTime": b"500", "AcquisitionNumber": b"1", "Manufacturer": b"SIEMENS",
}  # fmt: skip
"""Values of those of them in which some objects have something planted."""

ALL = [name for name in OPTIONS if name not in {"retain_longitudinal_full_dates", "clean_recognizable_visual_features"}]
NONE = {"format": "deidentify-profile/1", "name": "test", "version": "1", "description": "test", "options": []}


@pytest.fixture(scope="module")
def planted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom names every invalid value, and all are meant
        return planted_folder(SEED)


def profile_named(name):
    content = {"no option": NONE, "all options": NONE | {"options": ALL}}.get(name)
    content = content or shipped_profiles()[name].as_json() | {"key": "file"}
    return parse_profile(json.dumps(content), "test")


@pytest.mark.filterwarnings("ignore")  # those of pydicom, which reads the outputs
@pytest.mark.parametrize("name", [*sorted(shipped_profiles()), "no option", "all options"])
def test_nothing_planted_comes_out(name, planted, deidentify, secret, tmp_path, capsys):
    files, plants = planted
    profile = profile_named(name)
    outcome, destination = deidentify(files, profile)
    write_report(build_report(outcome, profile, secret, {"checked": 0, "new_errors": []}), tmp_path / "report")
    outputs = contents(destination)
    others = contents(tmp_path / "report") | {"printed": "".join(capsys.readouterr()).encode()}
    paths = {result.number: outcome.index.files[result.number].path for result in outcome.files}
    reasons = {paths[result.number]: result.reason for result in outcome.files if result.reason}
    verdict = judged(files, plants, profile.options, outputs, others, reasons)
    assert verdict.leaks == []
    assert verdict.searched > 10000
    assert verdict.produced >= 0.94 * verdict.objects
    assert set(verdict.reasons) <= {"encapsulated-document", "not-dicom", "truncated-pixel-data", "text-in-samples"}
    assert len(outputs) - 1 + len(reasons) == len(files) - 1  # the directory is made anew
    written = {paths[result.number]: destination / result.output for result in outcome.files if result.output}
    assert sum(kept_bit_for_bit(files[path], output, tmp_path) for path, output in written.items()) > 100


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept_bit_for_bit(content, output, tmp_path):
    """Compare what a CT image had of technique, geometry and pixels; False for objects of other kinds."""
    before = tmp_path / "before"
    before.write_bytes(content)
    with opened(before) as old, opened(output) as new:
        if old.value(0x00080016) != b"1.2.840.10008.5.1.4.1.1.2" or old.first(0x60000010):
            return False
        compressed = old.transfer_syntax.startswith(("1.2.840.10008.1.2.4", "1.2.840.10008.1.2.5"))
        for keyword in KEPT:
            if keyword == "PixelData" and compressed:
                continue  # comments were taken out of its frames
            tag = pydicom.datadict.tag_for_keyword(keyword)
            was = old.value(tag)
            assert was == new.value(tag) or was != UNPLANTED.get(keyword, was), keyword
    return True


@pytest.mark.filterwarnings("ignore")
def test_the_search_finds_what_was_planted(planted):
    """A leak test that finds nothing must be one that can."""
    files, plants = planted
    finder = Finder(plants.places)
    found = set().union(*(finder.in_file(content) for name, content in files.items() if not name.endswith(NOT_OBJECTS)))
    found = found.union(*(finder.in_bytes(name.encode()) for name in files))
    missed = plants.places.keys() - found
    assert len(missed) < 0.04 * len(plants.places)  # tokens that the lengths of their VRs cut off


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (b"\0\1Zubarekox\0", "zubarekox"),
        ("Zubarekox".encode("utf-16-le"), "zubarekox"),
        (b"x5a75626172656b6f78", "zubarekox"),
        (b"WnViYXJla294", "zubarekox"),
        ("山獅".encode("iso2022_jp"), "山獅"),
        ("王曉棟".encode("gb18030"), "王曉棟"),
        ("жмыховский".encode("iso8859_5"), "жмыховский"),
    ],
)
def test_the_search_knows_every_wrapping(text, token):
    assert Finder([token]).in_bytes(b"before " + text + b" after") == {token}
    assert Finder(["bapodexiz"]).in_bytes(text) == set()


@pytest.mark.parametrize("seed", range(3))
def test_reports_outside_dicom(seed, secret):
    plants = Plants(seed)
    person = Person.made(plants)
    builder = EchoBuilder(vocabulary())
    builder.add_name(person.name)
    for text in (person.mrn, person.accession, person.phone, person.mail, person.city):
        builder.add_identifier(text)
    builder.add_date(f"{person.birth:%Y%m%d}", of_birth=True)
    builder.add_date(f"{person.study:%Y%m%d}")
    subject = Subject("ANON-1", -400, builder.built(vocabulary()))
    said = mentions(plants, person)
    text = "\n".join(free_text(plants, person, f"report {number}") for number in range(len(said)))
    text += "\n" + "\n".join(f"Nodule {mention} stable" for mention in said)
    resource = {
        "resourceType": "DiagnosticReport", "id": person.accession, "status": "final", "conclusion": text,
        "issued": f"{person.study:%Y-%m-%d}T10:00:00Z", "subject": {"display": person.family},
        "text": {"div": f"<div>{text}</div>"}, "presentedForm": [{"data": "U2VjcmV0"}],
        "code": {"text": f"CT {person.family}", "coding": [
            {"system": "http://loinc.org", "code": "24627-2", "display": f"CT {person.given}"},
            {"system": f"http://{person.family}.org", "code": person.mrn},
        ]},
        "performer": [{"display": plants.word("performer")}], "identifier": [{"value": person.accession}],
    }  # fmt: skip
    pseudonyms = Pseudonyms.of(secret, (-700, -300), retain_uids=False)
    cleaned = clean_report_text(text, subject.echo)
    rebuilt = json.dumps(clean_diagnostic_report(resource, subject, pseudonyms, keep_dates=True), ensure_ascii=False)
    finder = Finder(plants.places)
    assert finder.in_bytes(cleaned.encode()) | finder.in_bytes(rebuilt.encode()) == set()
    assert "Nodule 8 mm in right upper lobe, stable" in cleaned.replace("lobe stable", "lobe, stable")
    assert "24627-2" in rebuilt

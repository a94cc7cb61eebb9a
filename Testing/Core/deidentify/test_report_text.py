"""Reports outside DICOM are cleaned by the same dictionary."""

import json

import pytest

from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.report_text import clean_diagnostic_report, clean_report_text
from DeidentifyStudyCore.rules.text import vocabulary

REPORT = """Patient: Quillon Zyxwarth, born 12.03.1957
CT chest with contrast, comparison 03/04/2023.
Findings: 8 mm nodule in the right upper lobe, no effusion.
Dr. Odile Vandermeersch, phone 555-0134-998"""


@pytest.fixture
def subject():
    builder = EchoBuilder(vocabulary())
    builder.add_name("Zyxwarth^Quillon")
    builder.add_date("19570312", of_birth=True)
    return Subject("SUBJ-1", -100, builder.built(vocabulary()))


def test_plain_text(subject):
    cleaned = clean_report_text(REPORT, subject.echo).split("\n")
    assert cleaned[1].startswith("CT chest with contrast, comparison")
    assert cleaned[2] == REPORT.split("\n")[2]
    for word in ("Zyxwarth", "Quillon", "1957", "Vandermeersch", "Odile", "555", "2023"):
        assert word not in "\n".join(cleaned)


def test_fhir_diagnostic_report(subject, secret):
    resource = {
        "resourceType": "DiagnosticReport",
        "id": "Zyxwarth-7",
        "status": "final",
        "text": {"div": "<div>Zyxwarth</div>"},
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"},
                {"system": "urn:oid:1.2.3", "code": "Q1", "display": "Vandermeersch"},
            ],
            "text": "CT chest for Zyxwarth",
        },
        "subject": {"reference": "Patient/7391846", "display": "Zyxwarth"},
        "performer": [{"display": "Vandermeersch"}],
        "effectiveDateTime": "2024-02-29T10:11:12Z",
        "conclusion": REPORT,
        "presentedForm": [{"data": "WnlYd2FydGg="}],
        "extension": [{"valueString": "Zyxwarth"}],
    }
    pseudonyms = Pseudonyms.of(secret, (-3650, -365), retain_uids=False)
    cleaned = clean_diagnostic_report(resource, subject, pseudonyms, keep_dates=True)
    assert cleaned["code"]["coding"] == [{"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}]
    assert cleaned["code"]["text"] == "CT chest for"
    assert cleaned["subject"] == {"identifier": {"value": "SUBJ-1"}}
    assert cleaned["effectiveDateTime"] == "2023-11-21"
    assert "effectiveDateTime" not in clean_diagnostic_report(resource, subject, pseudonyms, keep_dates=False)
    for word in ("Zyxwarth", "Vandermeersch", "7391846", "WnlY", "2024", "1957"):
        assert word not in json.dumps(cleaned)


def test_other_resources_are_refused(subject, secret):
    pseudonyms = Pseudonyms.of(secret, (-3650, -365), retain_uids=False)
    with pytest.raises(InputError, match="DiagnosticReport"):
        clean_diagnostic_report({"resourceType": "Patient"}, subject, pseudonyms, keep_dates=False)

"""Radiology reports outside DICOM: plain text and FHIR DiagnosticReport, cleaned by the same dictionary and
patterns."""

from typing import Any

from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.identity.dates import parse_date, shifted_date
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.text import clean_text

__all__ = ["clean_diagnostic_report", "clean_report_text"]

_CODED = frozenset({"http://loinc.org", "http://snomed.info/sct", "http://radlex.org", "http://terminology.hl7.org"})


def clean_report_text(text: str, echo: Echo) -> str:
    """Clean a report line by line: words of the field stay, minus the patient's echo dictionary."""
    return "\n".join(clean_text(line, echo) for line in text.splitlines())


def clean_diagnostic_report(
    resource: dict[str, Any], subject: Subject, pseudonyms: Pseudonyms, *, keep_dates: bool
) -> dict[str, Any]:
    """Rebuild a FHIR R4 or R5 DiagnosticReport from what may stay; everything else is left out.

    Parameters
    ----------
    keep_dates : bool
        Keep ``effectiveDateTime`` and ``issued``, moved by the patient's offset, as dates without a time.

    Raises
    ------
    InputError
        The resource is not a DiagnosticReport.
    """
    if resource.get("resourceType") != "DiagnosticReport":
        raise InputError("the resource is not a FHIR DiagnosticReport; name one.")
    echo = subject.echo
    result: dict[str, Any] = {"resourceType": "DiagnosticReport"}
    if resource.get("status") in {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended"}:
        result["status"] = resource["status"]
    for key in ("category", "code", "conclusionCode"):
        if key in resource:
            result[key] = _codes(resource[key], echo)
    result["subject"] = {"identifier": {"value": subject.pseudonym}}
    if "id" in resource:
        result["id"] = pseudonyms.name("fhir", str(resource["id"]), "R")
    if keep_dates:
        for key in ("effectiveDateTime", "issued"):
            moved = shifted_date(str(resource.get(key, ""))[:10], subject.date_offset)
            date = parse_date(moved) if moved else None
            if date:
                result[key] = date.isoformat()
    if isinstance(resource.get("conclusion"), str):
        result["conclusion"] = clean_report_text(resource["conclusion"], echo)
    return result


def _codes(value: Any, echo: Echo) -> Any:
    """Codings of open terminologies and cleaned display texts; anything else is dropped."""
    if isinstance(value, list):
        return [_codes(entry, echo) for entry in value]
    if not isinstance(value, dict):
        return {}
    result: dict[str, Any] = {}
    codings = []
    for coding in value.get("coding", []):
        system = str(coding.get("system", ""))
        if not any(system.startswith(known) for known in _CODED):
            continue
        kept = {"system": system, "code": str(coding.get("code", ""))}
        if isinstance(coding.get("display"), str):
            kept["display"] = clean_text(coding["display"], echo)
        codings.append(kept)
    if codings:
        result["coding"] = codings
    if isinstance(value.get("text"), str):
        result["text"] = clean_text(value["text"], echo)
    return result

"""Pseudonymous IDs of patients: numbered by the profile's template, or taken from a table that the user supplies."""

import csv
import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.identity.keyfile import Secret

__all__ = ["assign_pseudonyms", "read_supplied"]

_PSEUDONYM = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def read_supplied(path: Path) -> dict[str, str]:
    """Read a CSV with the columns ``patient_id`` and ``pseudonym``, between commas, semicolons or tabs.

    Raises
    ------
    InputError
        The table cannot be read, a pseudonym is invalid, or two patients share one. The message names the row only.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        rows = list(csv.DictReader(lines, delimiter=_delimiter(lines[0] if lines else "")))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: cannot be read as CSV in UTF-8; check the name and the encoding.") from None
    supplied: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        original, pseudonym = (row.get("patient_id") or "").strip(), (row.get("pseudonym") or "").strip()
        if not original or not _PSEUDONYM.fullmatch(pseudonym):
            raise InputError(
                f"{path}: row {number} needs patient_id and a pseudonym of letters, digits, '-', '_', '.'."
            )
        if supplied.get(original, pseudonym) != pseudonym or original.casefold() == pseudonym.casefold():
            raise InputError(f"{path}: row {number} contradicts another row, or leaves the number as it is.")
        supplied[original] = pseudonym
    if len(set(supplied.values())) != len(supplied):
        raise InputError(f"{path}: two patients share a pseudonym; make them unique.")
    if not supplied:
        raise InputError(f"{path}: has no rows; the columns are patient_id and pseudonym.")
    return supplied


def _delimiter(heading: str) -> str:
    """What separates the columns: where the comma is a decimal sign, spreadsheets write semicolons."""
    return max(",;\t", key=heading.count)


def assign_pseudonyms(
    patients: Iterable[str], template: str, secret: Secret, crosswalk: dict[str, Any], supplied: dict[str, str]
) -> dict[str, str]:
    """Give every patient of the index a pseudonymous ID, and enter new ones into the crosswalk.

    Patients keep the ID that the crosswalk has for them. New ones are numbered in an order that depends on the key
    only, so that numbers do not follow names.
    """
    key = secret.derive("patient")
    known: dict[str, Any] = crosswalk.setdefault("patients", {})
    taken = {entry["pseudonym"] for entry in known.values()} | set(supplied.values())
    assigned = {}
    number = 0
    digests = {
        patient: hmac.digest(key, patient.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()
        for patient in patients
    }
    for patient, digest in sorted(digests.items(), key=lambda pair: pair[1]):
        original = patient.split("\0")[1]
        if original in supplied and patient.startswith("id\0"):
            known[digest] = {"pseudonym": supplied[original], "original": original}
        elif digest not in known:
            number += 1
            while template.format(n=number) in taken:
                number += 1
            known[digest] = {"pseudonym": template.format(n=number), "original": original}
            taken.add(known[digest]["pseudonym"])
        assigned[patient] = str(known[digest]["pseudonym"])
    return assigned

"""De-identification reports (``report.json`` of deidentify-study), and whether they speak of the released images."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AnnotationQACore.canonical import canonical_bytes
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.lean_reader import Truncated, Unusual, read_elements
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.identities import is_signed_by
from AnnotationQACore.project.layout import sha256_of
from AnnotationQACore.release.exporting import ReleaseCase
from AnnotationQACore.release.gate.problems import Check, Problem
from AnnotationQACore.release.gate.remedies import EXPLAIN_IMAGES, NAME_REPORT, SIGN_RETAINED
from AnnotationQACore.release.gate.texts import FoundText, shortened

__all__ = ["DeidentificationReport", "check_images_listed", "read_deidentification_report", "retained_texts"]

FORMAT = "deidentify-report/1"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DeidentificationReport:
    """What a report says that a release needs.

    Attributes
    ----------
    sha256 : str
        Of its file.
    public_key : str
        In hexadecimal; its signature was checked with it.
    standard : str
        Such as ``PS3.15 2026d``.
    profile : mapping
        Name, version, options, hash and so on.
    finished : str
    counts : mapping
    conformance : mapping
    outputs : frozenset of (str, str)
        SHA-256 of the header and of the pixels of every file that was written.
    retained : tuple of (attribute, text)
        Texts that stayed in headers.
    """

    sha256: str
    public_key: str
    standard: str
    profile: Mapping[str, Any]
    finished: str
    counts: Mapping[str, Any]
    conformance: Mapping[str, Any]
    outputs: frozenset[tuple[str, str]]
    retained: tuple[tuple[str, str], ...]


def read_deidentification_report(path: Path) -> DeidentificationReport:
    """Read a report, and check its signature with the key that it names.

    Raises
    ------
    InputError
        It is no such report, or was changed after it was signed.
    """
    try:
        content = path.read_bytes()
        report = json.loads(content)
        signature = report.pop("signature")
        public_key = signature["public_key"]
        in_base64 = [base64.b64encode(bytes.fromhex(text)).decode() for text in (public_key, signature["ed25519"])]
        if report["format"] != FORMAT:
            raise ValueError
        if not is_signed_by(in_base64[0], in_base64[1], canonical_bytes(report)):
            raise InputError(f"{path}: was changed after it was signed; de-identify again, or restore it.")
        return DeidentificationReport(
            sha256=hashlib.sha256(content).hexdigest(),
            public_key=public_key,
            standard=report["standard"],
            profile=dict(report["profile"]),
            finished=report["finished"],
            counts=dict(report["counts"]),
            conformance=dict(report["conformance"]),
            outputs=frozenset(
                (row["output_header_sha256"], row["output_pixels_sha256"]) for row in report["files"] if row["output"]
            ),
            retained=tuple((row["name"], row["text"]) for row in report["retained_strings"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is no report of deidentify-study; name its report.json.") from None


def retained_texts(reports: Iterable[DeidentificationReport]) -> Iterator[FoundText]:
    """Texts that de-identification left in the headers, each once."""
    remedy = SIGN_RETAINED
    seen: set[str] = set()
    for number, report in enumerate(reports, start=1):
        for attribute, text in report.retained:
            if text not in seen:
                seen.add(text)
                yield FoundText(f"report {number}, retained text of {attribute}", text, remedy)


def check_images_listed(
    cases: Sequence[ReleaseCase],
    reports: Sequence[DeidentificationReport],
    without_report: str = "",
    progress: Progress = silent,
) -> Check:
    """Every image file is one that a report says was written, unchanged since; `without_report` says why others pass.

    The statement covers files that are no DICOM only: a DICOM header is never believed to be clean.
    """
    outputs = frozenset(output for report in reports for output in report.outputs)
    problems: list[Problem] = []
    by_statement = listed = 0
    total = sum(len(case.images) for case in cases)
    done = 0
    for case in cases:
        for image in case.images:
            progress(done, total, case.id)
            done += 1
            plain = [path for path in image.files if not _is_dicom(path)]
            dicom = [path for path in image.files if path not in set(plain)]
            strange = [path for path in dicom if _digests(path) not in outputs]
            listed += len(dicom) - len(strange)
            where = f"case '{case.id}', series '{image.role}'"
            if strange:
                what = f"{len(strange)} of {len(image.files)} files are in no de-identification report"
                remedy = NAME_REPORT
                problems.append(Problem(where, what, remedy))
            if plain and not without_report.strip():
                what = f"{len(plain)} files are no DICOM, so no de-identification report can list them"
                remedy = EXPLAIN_IMAGES
                problems.append(Problem(where, what, remedy))
            by_statement += len(plain)
    looked_at = f"{listed} files in {len(reports)} reports"
    notes = [f"{by_statement} files pass by the statement in the release sheet"] if by_statement else []
    progress(total, total)
    return Check("images carry a de-identification report", looked_at, shortened(problems), tuple(notes))


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the share.") from error


def _digests(path: Path) -> tuple[str, str]:
    """SHA-256 of what comes before the value of the pixel data, and of the rest, as the report has them."""
    try:
        _, pixels = read_elements(path, path.stat().st_size)
    except (Unusual, Truncated, OSError):
        pixels = None
    if pixels is None:
        return sha256_of(path), ""
    header, rest = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        header.update(file.read(pixels.offset))
        while chunk := file.read(_CHUNK):
            rest.update(chunk)
    return header.hexdigest(), rest.hexdigest()

"""The report of a run: JSON that is signed, and what `verify` checks of it later."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.canonical import canonical_bytes
from DeidentifyStudyCore.dicom.dictionary import dictionary_vr, is_well_known, keyword_of
from DeidentifyStudyCore.dicom.digests import Digests, digests_of, sha256_of
from DeidentifyStudyCore.dicom.source import opened, text_of
from DeidentifyStudyCore.dicom.walk import leaves
from DeidentifyStudyCore.errors import DeidentifyError, InputError
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.quarantine import REASONS
from DeidentifyStudyCore.report_pictures import PICTURES
from DeidentifyStudyCore.reporting.html_report import as_html
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.runs.batch import Outcome

__all__ = ["FORMAT", "build_report", "check_page", "check_report", "read_report", "write_report"]

FORMAT = "deidentify-report/1"
_MOST_STRINGS = 20000
_DIRECTORY = "DICOMDIR"


def build_report(outcome: Outcome, profile: Profile, secret: Secret, conformance: dict[str, Any]) -> dict[str, Any]:
    """Put together everything that a person must be able to check, and sign it.

    The signature is Ed25519 over the canonical form of everything else; its key is derived from the secret, so that
    whoever has the key file can tell that the report is theirs.
    """
    report = {
        "format": FORMAT,
        "standard": "PS3.15 2026d",
        "profile": profile.as_json() | {"sha256": profile.digest},
        "key": secret.fingerprint(),
        "started": outcome.started,
        "finished": outcome.finished,
        "index": outcome.index.counts(),
        "counts": _counts(outcome),
        "files": [_file_row(result) for result in outcome.files],
        "attributes": _attributes(outcome.journal.tally),
        "rules": _rules(profile),
        "retained_strings": _strings(outcome.journal.retained),
        "search": {"whole_files_asked_for": outcome.whole_files, **outcome.journal.searches()},
        "conformance": conformance,
        "directory_sha256": outcome.directory,
    }
    if outcome.faces is not None:
        report["faces"] = [examined.as_json() for examined in outcome.faces.examined]
    key = Ed25519PrivateKey.from_private_bytes(secret.derive("report"))
    public = key.public_key().public_bytes_raw().hex()
    page = as_html(report | {"signature": {"public_key": public}})
    report["page_sha256"] = hashlib.sha256(page.encode()).hexdigest()
    report["signature"] = {"public_key": public, "ed25519": key.sign(canonical_bytes(report)).hex()}
    return report


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write ``report.json`` and ``report.html``; returns the path of the first."""
    path = folder / "report.json"
    write_text(path, _in_lines(report))
    write_text(folder / "report.html", as_html(report))
    return path


def _in_lines(report: dict[str, Any]) -> str:
    """JSON with a line for each file, attribute and text: quick to write, search and compare."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    parts = []
    for key, value in report.items():
        rows = ",\n  ".join(map(encode, value)) if isinstance(value, list) else ""
        parts.append(f"{encode(key)}: [\n  {rows}\n ]" if rows else f"{encode(key)}: {encode(value)}")
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def read_report(path: Path) -> dict[str, Any]:
    """Read a report.

    Raises
    ------
    InputError
        It is no report, or it was changed after it was signed.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        signature = report.pop("signature")
        if report["format"] != FORMAT:
            raise ValueError
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
        key.verify(bytes.fromhex(signature["ed25519"]), canonical_bytes(report))
    except InvalidSignature:
        raise InputError(f"{path}: was changed after it was signed; trust nothing in it.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: is not a report of this program; name its report.json.") from None
    report["signature"] = signature
    return dict(report)


def check_report(
    report: dict[str, Any], destination: Path, secret: Secret | None = None, progress: Progress = silent
) -> list[str]:
    """Hold the written files against a report; returns what is wrong, one line each.

    Every file is hashed and parsed, its identifiers must be pseudonyms, and no file may be there that the report does
    not know. With the secret, the report must have been signed with it.
    """
    problems = []
    if secret is not None:
        key = Ed25519PrivateKey.from_private_bytes(secret.derive("report"))
        if key.public_key().public_bytes_raw().hex() != report["signature"]["public_key"]:
            problems.append("the report was signed with another key")
    expected = {row["output"]: _expected(row) for row in report["files"] if row["output"]}
    retained = "retain_uids" in report["profile"]["options"]
    for done, (name, digests) in enumerate(sorted(expected.items())):
        progress(done, len(expected), "verifying")
        problem = _problem(destination / name, digests, retained)
        if problem:
            problems.append(f"{name}: {problem}")
    progress(len(expected), len(expected), "verifying")
    known = set(expected)
    directory = report.get("directory_sha256")
    if directory is None or directory:  # reports of older versions do not tell
        known.add(_DIRECTORY)
    if directory and sha256_of(destination / _DIRECTORY) != directory:
        problems.append(f"{_DIRECTORY}: differs from what was written, or is missing")
    # a link is none of the files that were written, wherever it leads
    files = (path for path in destination.rglob("*") if path.is_symlink() or not path.is_dir())
    present = (path.relative_to(destination).as_posix() for path in files)
    problems += [
        f"{name if len(name) < 80 else name[:80]}: is not in the report" for name in present if name not in known
    ]
    return problems


def check_page(report: dict[str, Any], folder: Path) -> list[str]:
    """Hold the page for people and its pictures against the report; returns what is wrong, one line each.

    The signed report may have been moved away from its page: nothing is wrong then.
    """
    page = folder / "report.html"
    if "page_sha256" not in report or not page.is_file():
        return []
    expected = {"report.html": report["page_sha256"]}
    rows = [*report["files"], *report.get("faces", [])]
    pictures = {row["picture_sha256"] for row in rows if row.get("picture_sha256")}
    expected |= {f"{PICTURES}/{digest}.png": digest for digest in sorted(pictures)}
    return [
        f"{name}: differs from what was signed, or is missing"
        for name, digest in expected.items()
        if sha256_of(folder / name) != digest
    ]


def _expected(row: dict[str, Any]) -> Digests:
    return Digests(row["output_header_sha256"], row["output_pixels_sha256"])


def _problem(path: Path, expected: Digests, uids_retained: bool) -> str:
    try:
        if path.is_symlink():
            return "is a link, and no file that was written"
        with opened(path, whole=True) as source:
            if digests_of(source, path) != expected:
                return "its content differs from what was written"
            if source.slack:
                return "bytes follow the data set"
            if source.value(0x00120062) != b"YES":
                return "Patient Identity Removed is not YES"
            instance = text_of(source.value(0x00080018))
            # the palettes that PS3.6 registers have the same UID everywhere
            if not uids_retained and not instance.startswith("2.25.") and not is_well_known(instance):
                return "its SOP Instance UID is no pseudonym"
            for _ in leaves(source.buffer, source.spans, source.encoding, ()):
                pass
    except FileNotFoundError:
        return "is missing"
    except (OSError, DeidentifyError):
        return "cannot be read"
    return ""


def _counts(outcome: Outcome) -> dict[str, Any]:
    reasons = Counter(result.reason for result in outcome.files if result.reason)
    return {
        "written": sum(bool(result.output) for result in outcome.files),
        "quarantined": sum(reasons.values()),
        "copies_left_out": sum(facts.reason == "duplicate-copy" for facts in outcome.index.files),
        "by_reason": {
            reason: {"files": count, "meaning": REASONS[reason]} for reason, count in sorted(reasons.items())
        },
        "references_kept": sum(result.references for result in outcome.files),
        "references_removed_by_rule": sum(result.references_removed for result in outcome.files),
        "texts_that_stayed": len(outcome.journal.retained),
    }


def _file_row(result: Any) -> dict[str, Any]:
    return {
        "number": result.number,
        "input_header_sha256": result.input_header,
        "input_pixels_sha256": result.input_pixels,
        "output": result.output,
        "output_header_sha256": result.output_header,
        "output_pixels_sha256": result.output_pixels,
        "reason": result.reason,
        "risks": list(result.risks),
        "pixels": list(result.pixels),
        "picture_sha256": result.picture,
    }


def _attributes(tally: Counter[tuple[tuple[int, ...], int, str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "path": [_tag(part) for part in path],
            "tag": _tag(tag),
            "name": keyword_of(tag),
            "rule": rule,
            "action": action,
            "elements": count,
        }
        for (path, tag, rule, action), count in sorted(tally.items())
    ]


def _rules(profile: Profile) -> dict[str, str]:
    """Describe every rule of the profile, by name."""
    book = RuleBook(profile)
    rules = [
        book.rule_for(tag, dictionary_vr(tag).decode()) for tag in (0x00100010, 0x0020000D, 0x60003000, 0x50000005)
    ]
    rules += [rule for _, rule in book.table()] + [rule for _, rule in book.policies()]
    described: dict[str, set[str]] = {}
    for rule in rules:
        described.setdefault(rule.name, set()).add(rule.describe())
    return {name: "; or ".join(sorted(texts)) for name, texts in sorted(described.items())}


def _strings(retained: set[tuple[int, str]]) -> list[dict[str, str]]:
    rows = [{"tag": _tag(tag), "name": keyword_of(tag), "text": text} for tag, text in sorted(retained)]
    return rows[:_MOST_STRINGS]


def _tag(tag: int) -> str:
    return f"{tag >> 16:04X},{tag & 0xFFFF:04X}"

"""What a run left behind, read from its signed report."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.canonical import canonical_hash
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.reporting.report import read_report

__all__ = ["Outcome", "Reason", "RetainedText", "SignOff", "read_outcome"]

_SIGN_OFF = "deidentify-sign-off/1"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why files were not written."""

    code: str
    files: int
    meaning: str


@dataclass(frozen=True, slots=True)
class RetainedText:
    """One distinct text that stayed."""

    tag: str
    name: str
    text: str

    @property
    def is_standard(self) -> bool:
        """Whether the standard defines the attribute, so that a profile can name it."""
        return int(self.tag[:4], 16) % 2 == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's result.

    Attributes
    ----------
    data, report : Path
        Folders.
    digest : str
        SHA-256 of the report's content.
    numbers : mapping of str to int
        Digest of a source's header to its number among the files of the source.
    left_out : mapping of str to tuple of (int, str)
        Reason to the files that were not written for it: number and digest of the header (empty where unreadable).
    """

    data: Path
    report: Path
    digest: str
    written: int
    quarantined: int
    copies: int
    reasons: tuple[Reason, ...]
    texts: tuple[RetainedText, ...]
    numbers: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.report / "report.html"


def read_outcome(data: Path, report: Path) -> Outcome:
    """Read the report of a run; raises `InputError` when it is missing or was changed."""
    content = read_report(report / "report.json")
    counts = content["counts"]
    return Outcome(
        data=data,
        report=report,
        digest=canonical_hash(content),
        written=counts["written"],
        quarantined=counts["quarantined"],
        copies=counts["copies_left_out"],
        reasons=tuple(Reason(code, row["files"], row["meaning"]) for code, row in counts["by_reason"].items()),
        texts=tuple(RetainedText(row["tag"], row["name"], row["text"]) for row in content["retained_strings"]),
        numbers={row["input_header_sha256"]: row["number"] for row in content["files"] if row["input_header_sha256"]},
        left_out={
            code: tuple(
                (row["number"], row["input_header_sha256"]) for row in content["files"] if row["reason"] == code
            )
            for code in counts["by_reason"]
        },
    )


class SignOff:
    """A person's look at the texts that stayed, kept beside the report: it holds for this report only.

    Attributes
    ----------
    refused : set of RetainedText
        Texts that must not stay.
    signed_by : str
        Empty until it is signed.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._path = outcome.report / "sign-off.json"
        self.refused: set[RetainedText] = set()
        self.signed_by = ""
        content = self._read()
        if content.get("report") == outcome.digest:
            with contextlib.suppress(KeyError, TypeError):  # a file that somebody edited is no signature
                self.refused = {RetainedText(**row) for row in content["refused"]}
                self.signed_by = str(content["signed_by"])

    def sign(self, name: str, when: str) -> None:
        """Write who looked at the texts and which of them must not stay.

        Raises
        ------
        InputError
            There is no name.
        DestinationError
            The report's folder cannot be written.
        """
        if not name.strip():
            raise InputError("type your name before you sign.")
        rows = [{"tag": text.tag, "name": text.name, "text": text.text} for text in sorted(self.refused, key=_order)]
        content = {
            "format": _SIGN_OFF,
            "report": self._outcome.digest,
            "texts": len(self._outcome.texts),
            "refused": rows,
            "signed_by": name.strip(),
            "signed_at": when,
        }
        write_text(self._path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        self.signed_by = name.strip()

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) and content.get("format") == _SIGN_OFF else {}


def _order(text: RetainedText) -> tuple[str, str]:
    return text.tag, text.text

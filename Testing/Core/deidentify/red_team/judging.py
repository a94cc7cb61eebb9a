"""What came out of a run over a planted folder, held against what was planted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from DeidentifyStudyCore.dicom.standard import row_for
from red_team.files import NOT_OBJECTS
from red_team.planting import Plants
from red_team.searching import Finder

__all__ = ["Verdict", "judged"]

_KEYED_UID = re.compile(rb"(2\.25\.)(\d{20,39})")
_IN_UIDS = frozenset({"UID root", "study date", "birth date"})


@dataclass
class Verdict:
    """What was found.

    Attributes
    ----------
    leaks : list of (str, str, str)
        Where it was planted, the token, and the file that has it.
    searched : int
        Tokens that were looked for.
    objects, produced : int
        DICOM objects that could be produced, and those that were.
    reasons : list of str
        Why the others were not.
    """

    leaks: list[tuple[str, str, str]] = field(default_factory=list)
    searched: int = 0
    objects: int = 0
    produced: int = 0
    reasons: list[str] = field(default_factory=list)


def judged(
    files: Mapping[str, bytes],
    plants: Plants,
    options: frozenset[str],
    outputs: Mapping[str, bytes],
    others: Mapping[str, bytes],
    reasons: Mapping[str, str],
) -> Verdict:
    """Look for every token that the options do not retain.

    Parameters
    ----------
    outputs : mapping of str to bytes
        Files of the destination, by name.
    others : mapping of str to bytes
        What else was written or printed: reports, journals, messages.
    reasons : mapping of str to str
        Why sources were not written, by their names.
    """
    tokens = [token for token, (kind, tag) in plants.places.items() if not _may_stay(kind, tag, options)]
    finder = Finder(tokens)
    verdict = Verdict(searched=len(tokens))
    for name, content in outputs.items():
        for token in finder.in_file(_without_pseudonyms(content)) | finder.in_bytes(name.encode()):
            verdict.leaks.append((plants.places[token][0], token, name))
    for name, content in others.items():
        for token in finder.in_bytes(content) | finder.in_bytes(name.encode()):
            verdict.leaks.append((plants.places[token][0], token, name))
    verdict.leaks.sort()
    objects = [name for name in files if not name.endswith(NOT_OBJECTS)]
    verdict.objects, verdict.produced = len(objects), sum(name not in reasons for name in objects)
    verdict.reasons = sorted(reasons.values())
    return verdict


def _without_pseudonyms(content: bytes) -> bytes:
    """Blank the digits of keyed UIDs: among so many, some are those of a planted number by chance."""
    return _KEYED_UID.sub(lambda found: found[1] + b"0" * len(found[2]), content)


def _may_stay(kind: str, tag: int, options: frozenset[str]) -> bool:
    """Whether the profile retains what was planted there: dates by option, identities by the table's K."""
    if kind == "study date" and "retain_longitudinal_full_dates" in options:
        return True
    if "retain_uids" in options and (kind in _IN_UIDS or kind.endswith(" UI")):
        return True
    row = row_for(tag) if tag else None
    return row is not None and any(row.options.get(option) == "K" for option in options)

"""Cases of different patients that are, or may be, of one: duplicates and suspects, each with its evidence."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.release.fingerprints import Fingerprint
from AnnotationQACore.release.similarity import candidates, likeness

__all__ = ["ALIKE", "SAME", "Evidence", "Link", "binding_pairs", "find_links", "pair_hash"]

SAME = 0.9
"""Likeness from which two images are taken for one; see Documentation/release.md for what was measured."""

ALIKE = 0.8
"""Likeness from which a person should look at two images."""

_MANY = 50
"""A UID under more patients than this is a placeholder."""


_MANY_ALIKE = 5
"""A case that looks the same as more others is of a kind that looks alike by nature, and binds nobody."""


class Evidence(StrEnum):
    """Why two cases are linked."""

    PIXELS = "the same voxels"
    SLICES = "shared slices"
    LOOKS = "images that look the same"
    STUDY = "one Study Instance UID"
    FRAME = "one Frame of Reference UID"
    ALIKE = "images that look alike"
    NAMES = "patient identifiers that differ in spelling only"


_SUSPICION = frozenset({Evidence.ALIKE, Evidence.NAMES})


@dataclass(frozen=True, slots=True)
class Link(Result):
    """Two cases of different patients, and what says that they are of one.

    Attributes
    ----------
    a, b : str
        Case IDs, in order.
    evidence : Evidence
    detail : str
    """

    a: str
    b: str
    evidence: Evidence
    detail: str = ""

    @property
    def binds(self) -> bool:
        """Whether the two must be in one part; otherwise a person should look."""
        return self.evidence not in _SUSPICION

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"cases '{self.a}' and '{self.b}', said to be of two patients, have {self.evidence}{detail}"


def find_links(
    patients: Mapping[str, str],
    prints: Mapping[str, Sequence[Fingerprint]],
    progress: Progress = silent,
) -> tuple[Link, ...]:
    """Compare the cases of different patients; of each pair the strongest evidence.

    Parameters
    ----------
    patients : mapping of case ID to patient
    prints : mapping of case ID to fingerprints of its images
    progress : Progress
    """
    found: dict[tuple[str, str], Link] = {}
    for link in (*_equal(prints), *_alike(prints, patients, progress), *_names(patients)):
        if patients[link.a] != patients[link.b]:
            found.setdefault((link.a, link.b), link)
    return tuple(found[pair] for pair in sorted(found))


def binding_pairs(links: Iterable[Link], dismissed: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
    """Pairs of cases that must be in one part, without those that a person has found to be different (`pair_hash`)."""
    passed = frozenset(dismissed)
    return tuple((link.a, link.b) for link in links if link.binds and pair_hash(link.a, link.b) not in passed)


def pair_hash(a: str, b: str) -> str:
    """By what a pair of cases is signed off."""
    return hashlib.sha256("\n".join(sorted((a, b))).encode()).hexdigest()


def _equal(prints: Mapping[str, Sequence[Fingerprint]]) -> Iterator[Link]:
    for evidence in (Evidence.PIXELS, Evidence.SLICES, Evidence.STUDY, Evidence.FRAME):
        cases_of: dict[str, list[str]] = defaultdict(list)
        for case, own in prints.items():
            for key in {key for one in own for key in _keys(one, evidence) if key}:
                cases_of[key].append(case)
        shared: dict[tuple[str, str], int] = defaultdict(int)
        for cases in cases_of.values():
            if evidence in (Evidence.STUDY, Evidence.FRAME) and len(cases) > _MANY:
                continue
            for pair in combinations(sorted(cases), 2):
                shared[pair] += 1
        for (a, b), count in shared.items():
            yield Link(a, b, evidence, f"{count} slices" if evidence is Evidence.SLICES else "")


def _keys(one: Fingerprint, evidence: Evidence) -> Iterable[str]:
    """What is equal in two cases when there is this evidence."""
    if evidence is Evidence.SLICES:
        return one.slices
    return [
        {
            Evidence.PIXELS: one.pixels,
            Evidence.STUDY: one.study_uid,
            Evidence.FRAME: one.frame_of_reference,
        }[evidence]
    ]


def _alike(
    prints: Mapping[str, Sequence[Fingerprint]], patients: Mapping[str, str], progress: Progress
) -> Iterator[Link]:
    owners = [case for case, own in prints.items() for _ in own]
    looks = [one.looks for own in prints.values() for one in own]
    pairs = [
        (a, b)
        for a, b in candidates(looks, progress=progress)
        if owners[a] != owners[b] and patients[owners[a]] != patients[owners[b]]
    ]
    best: dict[tuple[str, str], float] = {}
    for done, (a, b) in enumerate(pairs):
        progress(done, len(pairs), "comparing images closely")
        pair = (min(owners[a], owners[b]), max(owners[a], owners[b]))
        if best.get(pair, -1.0) < SAME:
            best[pair] = max(best.get(pair, -1.0), likeness(looks[a], looks[b]))
    same = Counter(case for pair, value in best.items() if value >= SAME for case in pair)
    for (first, second), value in best.items():
        if value >= ALIKE:
            by_nature = max(same[first], same[second]) > _MANY_ALIKE
            evidence = Evidence.LOOKS if value >= SAME and not by_nature else Evidence.ALIKE
            yield Link(first, second, evidence, f"likeness {value:.2f}{', as to many others' if by_nature else ''}")


def _names(patients: Mapping[str, str]) -> Iterator[Link]:
    """Pairs of cases, one for each two patients whose identifiers are the same but for case, punctuation and zeros."""
    first_case: dict[str, str] = {}
    for case, patient in patients.items():
        first_case.setdefault(patient, case)
    spelt: dict[str, list[str]] = defaultdict(list)
    for patient in first_case:
        letters = re.sub(r"[\W_]+", "", patient.casefold())
        spelt[re.sub(r"(?<!\d)0+(?=\d)", "", letters)].append(patient)
    for patients_alike in spelt.values():
        for a, b in combinations(patients_alike, 2):
            first, second = sorted((first_case[a], first_case[b]))
            yield Link(first, second, Evidence.NAMES)

"""Free text and names: nothing that identifies a patient leaves with them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from AnnotationQACore.project.answers import TextValue
from AnnotationQACore.project.folder import Project
from AnnotationQACore.release.exporting import ReleaseCase
from AnnotationQACore.release.gate.problems import Check, Problem
from AnnotationQACore.release.gate.remedies import SIGN_REASON, SIGN_TEXT

__all__ = [
    "FoundText",
    "TextScreen",
    "check_names",
    "check_signed",
    "check_texts",
    "exclusion_texts",
    "reading_texts",
    "text_hash",
]

_PARAMETERS = re.compile(r"ties: (background|include|reader)|alpha: [0-9.e+-]+; at least [0-9]+ readers")

_MOST_LINES = 20
"""Problems of one kind that are listed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class TextScreen:
    """What de-identification knows of texts; handed in, as the two programs do not import each other.

    Attributes
    ----------
    has_identifier : callable
        Whether a text holds a date, a telephone number, an address, a UID or a long number.
    cleaned : callable
        The text as de-identification would keep it; a text that comes back as it was holds words of the field only.
    """

    has_identifier: Callable[[str], bool]
    cleaned: Callable[[str], str]

    def verdict(self, text: str) -> str:
        """What speaks against a text; empty when nothing does."""
        if self.has_identifier(text):
            return "holds a date, number, address or identifier"
        return "" if self.cleaned(text) == text else "holds words that are not of the field, and could be a name"


@dataclass(frozen=True, slots=True)
class FoundText:
    """A text that would be released, and where it stands."""

    where: str
    text: str
    remedy: str


def text_hash(text: str) -> str:
    """By what a text is signed off."""
    return hashlib.sha256(text.encode()).hexdigest()


def reading_texts(project: Project, cases: Sequence[ReleaseCase]) -> Iterator[FoundText]:
    """Free-text answers, comments and flags of the readings that are released."""
    remedy = SIGN_TEXT
    for case in cases:
        for reading in case.readings:
            where = f"case '{case.id}', reading '{reading.name}'"
            for answer in reading.answers:
                if isinstance(answer.value, TextValue) and answer.value.text.strip():
                    yield FoundText(f"{where}, item '{answer.item}'", answer.value.text, remedy)
            for flag in reading.flags:
                yield FoundText(f"{where}, a flag", flag, remedy)
            submitted = project.state.reading(reading.id) if reading.id else None
            comment = project.load_reading(submitted).comment if submitted is not None else ""
            if comment.strip() and not _is_of_the_program(reading.id, comment):
                yield FoundText(f"{where}, its comment", comment, remedy)


def _is_of_the_program(reading: str, comment: str) -> bool:
    """Whether a comment is the parameters that `annotation-qa consensus` notes with its result."""
    return "/consensus:" in reading and _PARAMETERS.fullmatch(comment) is not None


def exclusion_texts(left_out: Sequence[tuple[str, str]]) -> Iterator[FoundText]:
    """Reasons why cases were left out, which the card repeats."""
    remedy = SIGN_REASON
    return (FoundText(f"case '{case}', why it is left out", reason, remedy) for case, reason in left_out)


def check_texts(name: str, texts: Iterable[FoundText], screen: TextScreen, signed: frozenset[str]) -> Check:
    """Every text passes the screen, or was signed off by a person."""
    found = list(texts)
    problems = []
    looked: dict[str, str] = {}
    for one in found:
        if text_hash(one.text) in signed:
            continue
        verdict = looked.get(one.text)
        if verdict is None:
            verdict = looked[one.text] = screen.verdict(one.text)
        if verdict:
            problems.append(Problem(one.where, verdict, one.remedy))
    passed_by_hand = sum(text_hash(one.text) in signed for one in found)
    return Check(name, f"{len(found)} texts, {passed_by_hand} of them signed off", shortened(problems))


def check_signed(name: str, texts: Iterable[FoundText], signed: frozenset[str]) -> Check:
    """Every text was signed off by a person, whatever it says."""
    found = list(texts)
    unseen = Counter((one.where, one.remedy) for one in found if text_hash(one.text) not in signed)
    problems = [
        Problem(where if count == 1 else f"{where} ({count} texts)", "was looked at by nobody yet", remedy)
        for (where, remedy), count in unseen.items()
    ]
    return Check(name, f"{len(found)} texts", shortened(problems))


def check_names(
    name: str, names: Iterable[tuple[str, str, str]], screen: TextScreen, passed: frozenset[str] = frozenset()
) -> Check:
    """No name looks like an identifier.

    Parameters
    ----------
    name : str
    names : iterable of (where, name, remedy)
        Parts of a path are looked at one by one. `where` must not repeat the name.
    screen : TextScreen
    passed : frozenset of str
        Identifiers that were signed off; they may be parts of names.
    """
    problems = []
    count = 0
    for where, text, remedy in names:
        count += 1
        for known in sorted(passed, key=len, reverse=True):
            text = text.replace(known, "x")
        if any(screen.has_identifier(part) for part in text.split("/")):
            problems.append(Problem(where, "looks like a date, number, address or identifier", remedy))
    return Check(name, f"{count} names", shortened(problems))


def shortened(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first problems, and how many more there are of the kind."""
    if len(problems) <= _MOST_LINES:
        return tuple(problems)
    last = problems[_MOST_LINES - 1]
    rest = len(problems) - _MOST_LINES + 1
    return (*problems[: _MOST_LINES - 1], Problem(f"{last.where} and {rest - 1} others", last.what, last.remedy))

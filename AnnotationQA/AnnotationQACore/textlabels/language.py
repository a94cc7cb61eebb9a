"""What a language says about findings: its triggers, section headings and spellings, from a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.textlabels.phrases import PhraseFinder
from AnnotationQACore.textlabels.words import plain_words

__all__ = ["Direction", "Language", "Meaning", "SectionKind", "TriggerRule", "load_language", "shipped_languages"]

_FOLDER = resources.files("AnnotationQACore.textlabels") / "languages"


class SectionKind(StrEnum):
    """What a section of a report is about."""

    HISTORY = "history"
    TECHNIQUE = "technique"
    COMPARISON = "comparison"
    FINDINGS = "findings"
    CONCLUSION = "conclusion"
    RECOMMENDATION = "recommendation"
    UNNAMED = "unnamed"


class Meaning(StrEnum):
    """What a phrase does to the findings around it."""

    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HISTORICAL = "historical"
    OTHER = "other"
    PSEUDO = "pseudo"
    TERMINATION = "termination"
    PREDICATE = "predicate"


class Direction(StrEnum):
    """On which side of a trigger the findings are that it is about."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """What one phrase means.

    Attributes
    ----------
    meaning : Meaning
    direction : Direction or None
        None for phrases without a scope.
    reach : int or None
        Greatest number of words between trigger and finding; None for the rest of the clause.
    """

    meaning: Meaning
    direction: Direction | None = None
    reach: int | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """The rules of one language.

    Attributes
    ----------
    id, title : str
    spellings : tuple of (str, str)
        Part of a word, and how it is written instead before words are compared.
    endings : tuple of (str, str)
        Endings of plurals and of the singular; the first that fits is used.
    sections : mapping of str to SectionKind
        Headings, in lower case.
    abbreviations : frozenset of str
        Words after which a full stop ends no sentence.
    swallowed : PhraseFinder
        Phrases that hold the word of a finding and mean something else.
    triggers : PhraseFinder
        Rules (tuples of `TriggerRule`) of every phrase.
    clause_openers : PhraseFinder
        Phrases that open a new statement after a comma or "and".
    list_words : frozenset of str
        Words that join the members of a denied list ("or").
    joining_words : frozenset of str
        Words that join the members of any list ("or", "and").
    fillers : frozenset of str
        Words that may stand between a trigger and another that it denies ("without *any* absence").
    """

    id: str
    title: str
    spellings: tuple[tuple[str, str], ...]
    endings: tuple[tuple[str, str], ...]
    sections: Mapping[str, SectionKind]
    abbreviations: frozenset[str]
    swallowed: PhraseFinder[bool]
    triggers: PhraseFinder[tuple[TriggerRule, ...]]
    clause_openers: PhraseFinder[bool]
    list_words: frozenset[str]
    joining_words: frozenset[str]
    fillers: frozenset[str]

    def stem(self, word: str) -> str:
        """A word in one spelling and without its plural ending."""
        for british, american in self.spellings:
            word = word.replace(british, american)
        for plural, singular in self.endings:
            if word.endswith(plural) and len(word) > len(plural) + 1:
                return word[: len(word) - len(plural)] + singular
        return word


def shipped_languages() -> tuple[str, ...]:
    """IDs of the languages that come with the software."""
    return tuple(
        sorted(entry.name.removesuffix(".json") for entry in _FOLDER.iterdir() if entry.name.endswith(".json"))
    )


@cache
def load_language(name: str = "en") -> Language:
    """A shipped language by its ID, or one of your own by the path of its JSON file.

    Raises
    ------
    InputError
        There is no such language, or something in its file is wrong: named with its path in the file.
    """
    if name in shipped_languages():
        return _from_text((_FOLDER / f"{name}.json").read_text("utf-8"), f"{name}.json")
    path = Path(name)
    if path.suffix != ".json":
        raise InputError(
            f"language '{name}': there is none; shipped: {', '.join(shipped_languages())}; or name a file."
        )
    try:
        return _from_text(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(f"{path}: cannot be read ({reason}); name a JSON file of a language.") from error


def _from_text(text: str, source: str) -> Language:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: no valid JSON in line {error.lineno}; correct it there.") from error
    document = _Document(content, source)
    words = document.words
    triggers: dict[tuple[str, ...], list[TriggerRule]] = {}
    for meaning, key in (
        (Meaning.PSEUDO, "pseudo"),
        (Meaning.TERMINATION, "terminations"),
        (Meaning.PREDICATE, "predicates"),
    ):
        for phrase in words(key):
            triggers.setdefault(plain_words(phrase), []).append(TriggerRule(meaning))
    for number, group in enumerate(document.groups("triggers")):
        rule = _rule(group, f"{source}: triggers[{number}]")
        for phrase in _phrases(group.get("phrases"), f"{source}: triggers[{number}].phrases"):
            triggers.setdefault(plain_words(phrase), []).append(rule)
    return Language(
        id=document.text("id"),
        title=document.text("title"),
        spellings=document.pairs("spellings"),
        endings=document.pairs("endings"),
        sections=document.sections(),
        abbreviations=frozenset(words("abbreviations")),
        swallowed=PhraseFinder({plain_words(phrase): True for phrase in words("swallowed")}),
        triggers=PhraseFinder({phrase: tuple(rules) for phrase, rules in triggers.items()}),
        clause_openers=PhraseFinder({plain_words(phrase): True for phrase in words("clause_openers")}),
        list_words=frozenset(words("list_words")),
        joining_words=frozenset(words("joining_words")),
        fillers=frozenset(words("fillers")),
    )


def _rule(group: Mapping[str, Any], path: str) -> TriggerRule:
    kinds = (Meaning.ABSENT, Meaning.UNCERTAIN, Meaning.HISTORICAL, Meaning.OTHER)
    if group.get("kind") not in kinds:
        raise InputError(f"{path}.kind: '{group.get('kind')}' is none of {', '.join(kinds)}.")
    if group.get("direction") not in tuple(Direction):
        raise InputError(f"{path}.direction: '{group.get('direction')}' is none of {', '.join(Direction)}.")
    reach = group.get("reach")
    if reach is not None and (not isinstance(reach, int) or isinstance(reach, bool) or reach < 0):
        raise InputError(f"{path}.reach: {reach!r} is no number of words; give a whole number, or leave it out.")
    return TriggerRule(Meaning(group["kind"]), Direction(group["direction"]), reach)


def _phrases(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) and plain_words(entry) for entry in value):
        raise InputError(f'{path}: must be a list of phrases; write it as ["...", "..."].')
    return tuple(value)


class _Document:
    """The parsed file, read with errors that name the place."""

    def __init__(self, content: object, source: str) -> None:
        if not isinstance(content, dict):
            raise InputError(f"{source}: is no JSON object; begin with the file of a shipped language.")
        self._content = content
        self._source = source
        self._sections = tuple(SectionKind)[:-1]
        known = {
            *("id", "title", "source", "spellings", "endings", "sections", "abbreviations", "swallowed", "triggers"),
            *("pseudo", "terminations", "predicates", "clause_openers", "list_words", "joining_words", "fillers"),
        }
        for key in content:
            if key not in known:
                raise InputError(f"{source}: '{key}' is unknown; known are {', '.join(sorted(known))}.")

    def text(self, key: str) -> str:
        value = self._content.get(key)
        if not isinstance(value, str) or not value:
            raise InputError(f"{self._source}: {key}: must be a text; add it.")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        return tuple(phrase.lower() for phrase in _phrases(self._content.get(key), f"{self._source}: {key}"))

    def groups(self, key: str) -> list[Mapping[str, Any]]:
        value = self._content.get(key)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise InputError(f"{self._source}: {key}: must be a list of objects with kind, direction and phrases.")
        return value

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        value = self._content.get(key)
        pairs: list[Any] = value if isinstance(value, list) else [None]
        if not all(isinstance(p, list) and len(p) == 2 and all(isinstance(t, str) for t in p) for p in pairs):
            raise InputError(f'{self._source}: {key}: must be a list of pairs such as ["ies", "y"].')
        return tuple((first, second) for first, second in pairs)

    def sections(self) -> dict[str, SectionKind]:
        value = self._content.get("sections")
        if not isinstance(value, dict):
            raise InputError(f"{self._source}: sections: must be an object of lists of headings; add it.")
        headings: dict[str, SectionKind] = {}
        for kind, names in value.items():
            if kind not in self._sections:
                raise InputError(f"{self._source}: sections.{kind}: is none of {', '.join(self._sections)}.")
            for name in _phrases(names, f"{self._source}: sections.{kind}"):
                headings[" ".join(plain_words(name))] = SectionKind(kind)
        return headings

"""What a sentence says about a finding: the ConText rules.

A trigger ("no", "history of") is about the findings in its scope: from it to the end of its clause, before it, or both.
Phrases that only look like a trigger ("no change in") are pseudo-triggers and hide it; a termination ("but") ends a
scope. Beyond the published rules, of several triggers for one finding the nearest counts, a trigger directly denied by
another is turned round, and a clause also ends where a new statement opens after a comma or "and".

References
----------
Chapman WW et al. A simple algorithm for identifying negated findings and diseases in discharge summaries. J Biomed
Inform 2001;34:301-310. Harkema H et al. ConText: an algorithm for determining negation, experiencer, and temporal
status from clinical reports. J Biomed Inform 2009;42:839-851.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from AnnotationQACore.textlabels.language import Direction, Language, Meaning, TriggerRule
from AnnotationQACore.textlabels.phrases import Match
from AnnotationQACore.textlabels.words import Word

__all__ = ["Assertion", "Context", "Trigger", "read_context"]


class Assertion(StrEnum):
    """What a report says about a finding."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HISTORICAL = "historical"
    OTHER = "of someone else"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger and its scope, in words of the sentence (`stop` excluded).

    Attributes
    ----------
    start, stop : int
        The trigger itself.
    meaning : Meaning
    before, after : int
        First word of the scope before it, and the end of the scope after it; `start` and `stop` where there is none.
    reach : int or None
        Greatest number of words between it and the finding.
    """

    start: int
    stop: int
    meaning: Meaning
    before: int
    after: int
    reach: int | None = None

    def distance(self, start: int, stop: int) -> int | None:
        """Words between the trigger and words `start` to `stop`; None when these are not in its scope."""
        if self.stop <= start and stop <= self.after:
            gap = start - self.stop
        elif self.before <= start and stop <= self.start:
            gap = self.start - stop
        else:
            return None
        return gap if self.reach is None or gap <= self.reach else None


@dataclass(frozen=True, slots=True)
class Context:
    """A sentence with its triggers.

    Attributes
    ----------
    triggers : tuple of Trigger
    fillers : frozenset of int
        Numbers of the words that may stand between a trigger and another that it denies.
    asks : bool
        Whether it is a question.
    """

    triggers: tuple[Trigger, ...]
    fillers: frozenset[int]
    asks: bool

    def about(self, start: int, stop: int) -> tuple[Assertion, Trigger | None]:
        """What is said about the finding in words `start` to `stop`, and the trigger that says it."""
        other = self._nearest(start, stop, (Meaning.OTHER,))
        if other is not None:
            return Assertion.OTHER, other
        existence = self._nearest(start, stop, (Meaning.ABSENT, Meaning.UNCERTAIN))
        assertion = Assertion.PRESENT if existence is None else self._existence(existence)
        past = self._nearest(start, stop, (Meaning.HISTORICAL,))
        if past is not None and assertion is not Assertion.ABSENT:
            return Assertion.HISTORICAL, past
        if self.asks and assertion is Assertion.PRESENT:
            return Assertion.UNCERTAIN, existence
        return assertion, existence

    def _nearest(self, start: int, stop: int, meanings: Sequence[Meaning]) -> Trigger | None:
        found = [
            (distance, trigger.meaning is not Meaning.ABSENT, number)
            for number, trigger in enumerate(self.triggers)
            if trigger.meaning in meanings and (distance := trigger.distance(start, stop)) is not None
        ]
        return self.triggers[min(found)[2]] if found else None

    def _existence(self, trigger: Trigger) -> Assertion:
        """Of a trigger that may itself be denied: "no suspected", "without resolution of"."""
        denied = any(
            one.meaning is Meaning.ABSENT
            and one.stop <= trigger.start
            and one.after >= trigger.stop
            and self.fillers.issuperset(range(one.stop, trigger.start))
            for one in self.triggers
            if one is not trigger
        )
        if trigger.meaning is Meaning.ABSENT:
            return Assertion.PRESENT if denied else Assertion.ABSENT
        return Assertion.ABSENT if denied else Assertion.UNCERTAIN


def read_context(words: Sequence[Word], language: Language) -> Context:
    """Triggers of a sentence and their scopes."""
    texts = [word.text for word in words]
    matches = list(language.triggers.find(texts))
    clauses = _Clauses(texts, matches, language)
    triggers = tuple(
        _trigger(match, rule, clauses)
        for match in matches
        for rule in match.meaning
        if rule.direction is not None and _is_meant(match, rule, texts)
    )
    asks = bool(texts) and texts[-1] == "?"
    marks = tuple(
        Trigger(at, at + 1, Meaning.UNCERTAIN, at, clauses.end(at + 1), 4)
        for at, (mark, following) in enumerate(pairwise(words))
        if mark.text == "?" and mark.stop == following.start
    )
    fillers = frozenset(at for at, text in enumerate(texts) if text in language.fillers)
    return Context(triggers + marks, fillers, asks)


def _trigger(match: Match[tuple[TriggerRule, ...]], rule: TriggerRule, clauses: _Clauses) -> Trigger:
    before, after = match.start, match.stop
    if rule.direction is not Direction.FORWARD:
        before = clauses.start(match.start)
    if rule.direction is not Direction.BACKWARD:
        after = clauses.end(match.stop)
        if rule.meaning is Meaning.HISTORICAL:
            after = clauses.before_trigger(match.stop, after)
    return Trigger(match.start, match.stop, rule.meaning, before, after, rule.reach)


def _is_meant(match: Match[tuple[TriggerRule, ...]], rule: TriggerRule, texts: Sequence[str]) -> bool:
    """Whether a phrase that can look either way looks this way: at the end of its clause it looks back."""
    if rule.direction is Direction.BOTH or len(match.meaning) == 1:
        return True
    follows = texts[match.stop] if match.stop < len(texts) else "."
    at_end = follows in {".", ",", ";", ":", ")", "?", "and", "but"}
    return (rule.direction is Direction.BACKWARD) == at_end


class _Clauses:
    """Where scopes end."""

    def __init__(self, texts: Sequence[str], matches: Sequence[Match[tuple[TriggerRule, ...]]], language: Language):
        self._texts = texts
        self._language = language
        self._trigger_starts = {m.start for m in matches if any(rule.direction for rule in m.meaning)}
        self._ends = [m for m in matches if any(rule.meaning is Meaning.TERMINATION for rule in m.meaning)]
        self._predicates = [m for m in matches if any(rule.meaning is Meaning.PREDICATE for rule in m.meaning)]

    def end(self, start: int) -> int:
        """End of the scope that begins at word `start`."""
        stop = next((m.start for m in self._ends if m.start > start), len(self._texts))
        stop = next((at for at in range(start, stop) if self._texts[at] in ";)"), stop)
        predicate = next((m.start for m in self._predicates if start < m.start < stop), None)
        if predicate is not None:
            joints = [
                at
                for at in range(start, predicate)
                if self._texts[at] in {",", "and"}
                and not self._language.list_words.intersection(self._texts[at:predicate])
            ]
            stop = joints[-1] if joints else predicate
        for at in range(start, stop - 1):
            if self._texts[at] in {",", "and"} and self._opens(at + 1, stop):
                return at
        return stop

    def start(self, stop: int) -> int:
        """First word of the scope that ends before word `stop`."""
        start = max((m.stop for m in (*self._ends, *self._predicates) if m.stop <= stop), default=0)
        answered = self._texts[stop - 1] == ":" if stop else False  # "Effusion: none"
        start = max((at + 1 for at in range(start, stop - answered) if self._texts[at] in ";:("), default=start)
        for at in range(stop - 2, start - 1, -1):
            if self._texts[at] == "," and not self._language.joining_words.intersection(self._texts[at:stop]):
                return at + 1
        return start

    def before_trigger(self, start: int, stop: int) -> int:
        """End of a scope that goes no further than a comma with another trigger behind it."""
        joints = (at for at in range(start, stop) if self._texts[at] == "," and at + 1 in self._trigger_starts)
        return next(joints, stop)

    def _opens(self, at: int, stop: int) -> bool:
        """Whether a statement of its own begins here, and not another member of a denied list."""
        if self._texts[at] in {"and", ","} and at + 1 < stop:
            at += 1
        if self._language.clause_openers.at(self._texts, at) is None:
            return False
        return not self._language.list_words.intersection(self._texts[at:stop])

"""Findings in the text of a report, each with what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.textlabels.context import Assertion, read_context
from AnnotationQACore.textlabels.language import Language, SectionKind
from AnnotationQACore.textlabels.sentences import sentences_of
from AnnotationQACore.textlabels.vocabulary import Finding, Vocabulary
from AnnotationQACore.textlabels.words import words_of

__all__ = ["Mention", "Span", "find_mentions"]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `stop` (excluded) of a report."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a report names a finding.

    Attributes
    ----------
    finding : Finding
    assertion : Assertion
    span : Span
        The words for it.
    sentence : Span
    trigger : Span or None
        The words that say that it is not simply there.
    section : SectionKind
    """

    finding: Finding
    assertion: Assertion
    span: Span
    sentence: Span
    trigger: Span | None
    section: SectionKind


def find_mentions(text: str, vocabulary: Vocabulary, language: Language) -> tuple[Mention, ...]:
    """Every place where a text names a finding, in their order."""
    mentions: list[Mention] = []
    for sentence in sentences_of(text, language):
        words = words_of(text, sentence.start, sentence.stop)
        stems = [language.stem(word.text) for word in words]
        matches = list(vocabulary.finder.find(stems))
        if not matches:
            continue
        swallowed = list(language.swallowed.find([word.text for word in words]))
        context = read_context(words, language)
        for match in matches:
            if any(one.start <= match.start and match.stop <= one.stop for one in swallowed):
                continue
            assertion, trigger = context.about(match.start, match.stop)
            place = Span(words[match.start].start, words[match.stop - 1].stop)
            whole = Span(sentence.start, sentence.stop)
            said_by = Span(words[trigger.start].start, words[trigger.stop - 1].stop) if trigger else None
            mentions.extend(
                Mention(finding, assertion, place, whole, said_by, sentence.section) for finding in match.meaning
            )
    return tuple(mentions)

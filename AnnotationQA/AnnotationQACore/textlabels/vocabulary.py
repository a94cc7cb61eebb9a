"""The words by which a protocol's findings are known in reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from AnnotationQACore.protocol.model import Classification, Code, DrawnItem, Item, Protocol
from AnnotationQACore.textlabels.language import Language
from AnnotationQACore.textlabels.phrases import PhraseFinder
from AnnotationQACore.textlabels.words import plain_words

__all__ = ["Finding", "Vocabulary", "vocabulary_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a report can say to be there or not.

    Attributes
    ----------
    item : str
        ID of the protocol's item.
    choice : str
        ID of the choice, of a classification by several choices; empty otherwise.
    """

    item: str
    choice: str = ""

    def __str__(self) -> str:
        return f"{self.item}/{self.choice}" if self.choice else self.item


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Findings of a protocol.

    Attributes
    ----------
    terms : mapping of Finding to tuple of str
        The words for each, as the protocol writes them.
    parents : mapping of Finding to Finding
        The more general finding of which it is a kind.
    finder : PhraseFinder
        Finds the findings (tuples, where several share a word) in stems of words.
    """

    terms: dict[Finding, tuple[str, ...]]
    parents: dict[Finding, Finding]
    finder: PhraseFinder[tuple[Finding, ...]]


def vocabulary_of(protocol: Protocol, language: Language) -> Vocabulary:
    """Everything of a protocol that a report can say to be there or not, with its words.

    Findings are the classifications by presence, the choices of a classification by several choices, and what is drawn
    and may be absent. Their words are the synonyms, the title (its parts, where it says "or"), and the meaning of the
    code of the type where nothing narrows it (a region, a modifier), and of equivalent codes.
    """
    terms: dict[Finding, tuple[str, ...]] = {}
    parents: dict[Finding, Finding] = {}
    for item in protocol.items:
        if item.scope.level == "instance":
            continue
        if isinstance(item, Classification) and item.selection == "multiple":
            for choice in item.choices:
                finding = Finding(item.id, choice.id)
                terms[finding] = (*_of_title(choice.title), *_of_codes(choice.code))
                parent = Finding(item.id, choice.parent) if choice.parent else Finding(item.parent or "")
                parents[finding] = parent
        elif _can_be_absent(item):
            parent_item = next((other for other in protocol.items if other.id == item.parent), None)
            terms[Finding(item.id)] = tuple(_item_terms(item, parent_item))
            parents[Finding(item.id)] = Finding(item.parent or "")
    parents = {finding: parent for finding, parent in parents.items() if parent in terms}
    phrases: dict[tuple[str, ...], tuple[Finding, ...]] = {}
    for finding, names in terms.items():
        for name in names:
            phrase = tuple(language.stem(word) for word in plain_words(name))
            if phrase and finding not in phrases.get(phrase, ()):
                phrases[phrase] = (*phrases.get(phrase, ()), finding)
    return Vocabulary(terms, parents, PhraseFinder(phrases))


def _can_be_absent(item: Item) -> bool:
    if isinstance(item, Classification):
        return item.selection == "presence"
    return isinstance(item, DrawnItem) and item.may_be_absent


def _item_terms(item: Item, parent: Item | None) -> Iterator[str]:
    yield from item.synonyms
    yield from _of_title(item.title)
    codes = item.codes
    is_of_parent = parent is not None and codes.type is not None and codes.type == parent.codes.type
    if not is_of_parent and not any((codes.type_modifier, codes.region, codes.region_modifier, codes.laterality)):
        yield from _of_codes(codes.type)
    yield from _of_codes(*codes.equivalent)


def _of_title(title: str) -> Iterator[str]:
    """The parts of "A or B"; where B is "C D" and A one word, A stands for "A D"."""
    *parts, last = title.partition(":")[0].strip().split(" or ")
    for part in parts:
        yield f"{part} {last.split()[-1]}" if " " in last and " " not in part else part
    yield last


def _of_codes(*codes: Code | None) -> Iterator[str]:
    return (code.meaning.partition("(")[0].strip() for code in codes if code is not None)

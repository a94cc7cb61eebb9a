"""Codes in place of readers' names, where the protocol hides who read what."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, PairFigures, SharedInstance, ValueRow
from AnnotationQACore.evaluation.study import FailedCase

__all__ = ["Names", "coded_names", "in_text", "renamed", "renamed_case", "subject_words"]

T = TypeVar("T")

_INSTANCE = re.compile(r"\binstance (\d+)")

Names = Mapping[str, str]
"""What each reader is called in the report."""


def coded_names(readers: Iterable[str]) -> dict[str, str]:
    """Reader A, Reader B... in the order of their identifiers; models keep apart as Model A, Model B..."""
    ordered = sorted(readers)
    models = [reader for reader in ordered if reader.startswith("model:")]
    people = [reader for reader in ordered if not reader.startswith("model:")]
    coded = {reader: f"Reader {_letters(place)}" for place, reader in enumerate(people)}
    return coded | {reader: f"Model {_letters(place)}" for place, reader in enumerate(models)}


def renamed(agreement: ProjectAgreement, names: Names) -> ProjectAgreement:
    """The same agreement with other names of readers, everywhere."""
    study = replace(
        agreement.study,
        cases=tuple(_case(case, names) for case in agreement.study.cases),
        failed=tuple(FailedCase(one.case, in_text(one.problem, names)) for one in agreement.study.failed),
    )
    items = tuple(replace(item, readers=_all(item.readers, names)) for item in agreement.summary.items)
    return replace(agreement, study=study, summary=replace(agreement.summary, items=items))


def renamed_case(case: CaseReadings, names: Names) -> CaseReadings:
    """The same readings under other names."""
    return CaseReadings(
        case.case,
        {names[reader]: reading for reader, reading in case.readings.items()},
        {names[reader]: segmentation for reader, segmentation in case.segmentations.items()},
        tuple(in_text(message, names) for message in case.messages),
    )


def in_text(text: str, names: Names) -> str:
    """A message in which readers go by their new names; the longest identifiers first, as one may begin another."""
    for reader in sorted(names, key=len, reverse=True):
        text = text.replace(reader, names[reader]).replace(reader.replace(":", "@"), names[reader])
    return text


def subject_words(subject: str) -> str:
    """What an answer is about, for people: ``instance 0002`` is lesion 2, nothing is the case."""
    return _INSTANCE.sub(lambda found: f"lesion {int(found[1])}", subject) or "case"


def _case(case: CaseAgreement, names: Names) -> CaseAgreement:
    return replace(
        case,
        readers=_all(case.readers, names),
        items=tuple(_item(item, names) for item in case.items),
        messages=tuple(in_text(message, names) for message in case.messages),
    )


def _item(item: ItemAgreement, names: Names) -> ItemAgreement:
    return replace(
        item,
        readers=_all(item.readers, names),
        pairs=_pairs(item.pairs, names),
        instances=tuple(
            SharedInstance(one.number, _keys(one.members, names), _pairs(one.pairs, names)) for one in item.instances
        ),
        values=tuple(ValueRow(_subject(row.subject, names), _keys(row.values, names)) for row in item.values),
    )


def _pairs(pairs: Iterable[PairFigures], names: Names) -> tuple[PairFigures, ...]:
    return tuple(replace(pair, a=names[pair.a], b=names[pair.b]) for pair in pairs)


def _subject(subject: str, names: Names) -> str:
    start, of, reader = subject.rpartition(" of ")
    return f"{start} of {names[reader]}" if of and reader in names else subject


def _all(readers: Iterable[str], names: Names) -> tuple[str, ...]:
    return tuple(names[reader] for reader in readers)


def _keys(values: Mapping[str, T], names: Names) -> dict[str, T]:
    return {names[reader]: value for reader, value in values.items()}


def _letters(place: int) -> str:
    letters = string.ascii_uppercase
    return letters[place] if place < 26 else letters[place // 26 - 1] + letters[place % 26]

"""Everything a report says, before it is laid out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import CaseStatus, SubmittedReading
from AnnotationQACore.protocol.items import Item
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.reporting.analysis_records import ItemAnalysis
from AnnotationQACore.reporting.attention import (
    CaseAttention,
    SplitAnswer,
    WorstCase,
    case_attention,
    split_answers,
    worst_cases,
)
from AnnotationQACore.reporting.item_analysis import analyse_items
from AnnotationQACore.reporting.naming import Names, coded_names, in_text, renamed
from AnnotationQACore.reporting.over_time import ItemHistories, histories

__all__ = [
    "CaseState",
    "Contents",
    "Ledger",
    "LedgerHead",
    "ReadingEntry",
    "collect",
    "is_compared",
    "software_version",
]


@dataclass(frozen=True, slots=True)
class LedgerHead(Result):
    """The newest act of one writer: whoever has this hash can prove that nothing before it was changed."""

    key: str
    acts: int
    hash: str


@dataclass(frozen=True, slots=True)
class Ledger(Result):
    """Where the ledger stood when the report was made."""

    acts: int
    not_counting: int
    problems: int
    heads: tuple[LedgerHead, ...]


@dataclass(frozen=True, slots=True)
class ReadingEntry(Result):
    """A reading in the ledger.

    Attributes
    ----------
    compared : bool
        Whether the report compares it: newest revision, first round, by a reader.
    by_reader : bool
        Whether the reader signed it; otherwise it was imported or computed.
    """

    case: str
    reader: str
    round: int
    revision: int
    time: str
    compared: bool
    by_reader: bool
    sha256: str
    segmentation_sha256: str


@dataclass(frozen=True, slots=True)
class CaseState(Result):
    """Where a case stands in the project."""

    case: str
    patient: str
    status: str
    decisions: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The report.

    Attributes
    ----------
    project, project_id, software : str
    folder : str
        Of the project, with a separator at its end; in no file of the report.
    made : datetime
    names_hidden : bool
        Whether readers go by codes.
    agreement : ProjectAgreement
        Readers by their names in the report.
    names : mapping
        From readers' identifiers to their names in the report.
    analyses : mapping of item ID to ItemAnalysis
    histories : tuple of ItemHistories
        Readers over time; empty where readings carry no times of their own.
    attention, worst, splits
        What needs a person; `worst` and `splits` by item ID.
    cases : tuple of CaseState
        All cases of the report, also those that were not compared.
    readings : tuple of ReadingEntry
    ledger : Ledger
    """

    project: str
    project_id: str
    folder: str
    made: datetime
    software: str
    names_hidden: bool
    agreement: ProjectAgreement
    names: Names
    analyses: Mapping[str, ItemAnalysis]
    histories: tuple[ItemHistories, ...]
    attention: tuple[CaseAttention, ...]
    worst: Mapping[str, tuple[WorstCase, ...]]
    splits: Mapping[str, tuple[SplitAnswer, ...]]
    cases: tuple[CaseState, ...]
    readings: tuple[ReadingEntry, ...]
    ledger: Ledger

    @property
    def protocol(self) -> Protocol:
        """The protocol under which the cases were read."""
        return self.agreement.protocol

    @property
    def readers(self) -> tuple[str, ...]:
        """Readers of the compared cases, in order of their names."""
        return tuple(sorted({reader for case in self.agreement.study.cases for reader in case.readers}))

    def item(self, item_id: str) -> Item:
        """An item of the protocol."""
        return next(item for item in self.protocol.items if item.id == item_id)

    def within(self, message: str) -> str:
        """A message about files as the report may show it: paths within the project, readers by their names here."""
        return in_text(message.replace(self.folder, ""), self.names)

    def readings_of(self, reader: str) -> int:
        """How many readings of a reader are compared."""
        return sum(reader in case.readers for case in self.agreement.study.cases)


def software_version() -> str:
    """Name and version of this software."""
    try:
        return f"AnnotationQA {version('annotation-qa')}"
    except PackageNotFoundError:
        return "AnnotationQA (in 3D Slicer)"


def collect(project: Project, agreement: ProjectAgreement, *, made: datetime, show_names: bool = False) -> Contents:
    """Collect the contents of a report.

    Parameters
    ----------
    project : Project
    agreement : ProjectAgreement
        Of this project; see `evaluation.project.project_agreement`.
    made : datetime
        With a time zone.
    show_names : bool
        Name the readers although the protocol hides them from reviewers.

    Raises
    ------
    InputError
        `made` has no time zone.
    """
    if made.tzinfo is None:
        raise InputError("report: the time at which it was made has no time zone; give one.")
    state = project.state
    shown = {case.case for case in agreement.study.cases}
    shown |= {one.case for one in agreement.study.failed} | set(agreement.unread)
    found = {reading.reader for case in shown for reading in state.readings.get(case, ()) if is_compared(reading)}
    hidden = agreement.protocol.design.blinding.reader_names_in_review and not show_names
    names = coded_names(found) if hidden else {reader: reader for reader in found}
    histories_of = histories(project, agreement, names)
    agreement = renamed(agreement, names)
    agreement = _without_folder(agreement, project)
    items = agreement.protocol.items
    return Contents(
        project=state.name or project.name,
        project_id=project.id,
        folder=_prefix(project),
        made=made,
        software=software_version(),
        names_hidden=hidden,
        agreement=agreement,
        names=names,
        analyses=analyse_items(agreement),
        histories=histories_of,
        attention=case_attention(agreement),
        worst={item.id: worst_cases(agreement, item) for item in items},
        splits={item.id: split_answers(agreement, item) for item in items},
        cases=tuple(_case(project, case, names) for case in state.cases if case in shown),
        readings=tuple(_readings(project, shown, names)),
        ledger=Ledger(
            state.events,
            len(state.rejected),
            len(project.problems),
            tuple(LedgerHead(key, head.sequence + 1, head.hash) for key, head in sorted(state.front.heads.items())),
        ),
    )


def is_compared(reading: SubmittedReading) -> bool:
    """Whether a reading is one of a reader in the first round, as `case_files.case_files` takes them."""
    return reading.round == 1 and not reading.reader.startswith(("consensus:", "adjudicated:"))


def _without_folder(agreement: ProjectAgreement, project: Project) -> ProjectAgreement:
    failed = tuple(replace(one, problem=one.problem.replace(_prefix(project), "")) for one in agreement.study.failed)
    return replace(agreement, study=replace(agreement.study, failed=failed))


def _prefix(project: Project) -> str:
    return f"{project.folder}{os.sep}"


def _case(project: Project, case: str, names: Names) -> CaseState:
    decisions = tuple(
        in_text(f"{one.action} {one.item}".strip() + (f": {one.reason}" if one.reason else ""), names)
        for one in project.state.decisions.get(case, ())
    )
    status = CaseStatus(project.state.case_status(case)).value
    return CaseState(case, project.state.cases[case].patient, status, decisions)


def _readings(project: Project, shown: set[str], names: Names) -> list[ReadingEntry]:
    entries = []
    for case in project.state.cases:
        if case not in shown:
            continue
        newest = {reading.id for reading in project.state.latest_readings(case)}
        entries += [
            ReadingEntry(
                case=case,
                reader=in_text(reading.reader, names),
                round=reading.round,
                revision=reading.revision,
                time=reading.time,
                compared=reading.id in newest and is_compared(reading),
                by_reader=reading.actor == reading.reader,
                sha256=reading.sha256,
                segmentation_sha256=reading.segmentation_sha256,
            )
            for reading in project.state.readings.get(case, ())
        ]
    return entries

"""Readers watched over time: cases whose answer is known, and cases that a reader read twice without knowing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.evaluation.case import readings_agreement
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement
from AnnotationQACore.interchange.exporting.choosing import reference_readings
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import State, SubmittedReading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.case_readings import scored_readings

__all__ = ["Watch", "WatchedPair", "WatchedRow", "compare_watched", "watched_pairs"]

Watch = Literal["gold", "repeat"]
"""Against the known answer, or against the reader's own first reading."""

KNOWN, FIRST, AGAIN = "known answer", "first reading", "second reading"


@dataclass(frozen=True, slots=True)
class WatchedPair:
    """Two readings to be compared: the reader's, and what it is watched against."""

    watch: Watch
    case: str
    reader: str
    reading: SubmittedReading
    against: SubmittedReading


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """One reader on one item of one watched case.

    Attributes
    ----------
    watch : str
        ``gold`` or ``repeat``.
    reader, case, item : str
    figure : str
        The protocol's statistic where it has one for a single case; ``dice`` or ``identical`` (share of equal answers,
        in [0, 1]) otherwise.
    value : float
    agreed : bool or None
        By the protocol's threshold; None where it says nothing.
    time : str
        When the watched reading was submitted.
    """

    watch: Watch
    reader: str
    case: str
    item: str
    figure: str
    value: float
    agreed: bool | None
    time: str


def watched_pairs(state: State) -> tuple[WatchedPair, ...]:
    """What can be compared: readings of gold cases that have a known answer, and repeats that were read."""
    found = []
    for task in state.all_tasks():
        latest = {(one.reader, one.round): one for one in state.latest_readings(task.case)}
        own = latest.get((task.reader, task.round))
        if own is None:
            continue
        if task.purpose == "gold":
            known = reference_readings(state, [task.case]).readings
            found += [WatchedPair("gold", task.case, task.reader, own, one) for one in known[:1] if one.id != own.id]
        elif task.purpose == "repeat":
            first = latest.get((task.reader, 1))
            if first is not None:
                found.append(WatchedPair("repeat", task.case, task.reader, own, first))
    return tuple(found)


def compare_watched(project: Project, pairs: Iterable[WatchedPair]) -> tuple[tuple[WatchedRow, ...], tuple[str, ...]]:
    """Compare watched readings item by item.

    Returns
    -------
    rows : tuple of WatchedRow
        By reader, kind and time.
    problems : tuple of str
        One line for each pair that cannot be compared.
    """
    rows: list[WatchedRow] = []
    problems = []
    protocol = project.protocol()
    for pair in pairs:
        try:
            rows += _rows(project, protocol, pair)
        except AnnotationQAError as error:
            problems.append(str(error))
    rows.sort(key=lambda row: (row.reader, row.watch, row.time, row.case))
    return tuple(rows), tuple(problems)


def _rows(project: Project, protocol: Protocol, pair: WatchedPair) -> Iterator[WatchedRow]:
    names = (KNOWN, pair.reader) if pair.watch == "gold" else (FIRST, AGAIN)
    sides = dict(zip(names, (pair.against, pair.reading), strict=True))
    voxels = {}
    for name, submitted in sides.items():
        path = project.segmentation_path(submitted)
        if path is not None:
            voxels[name] = read_segmentation(path)
    readings = {name: project.load_reading(one) for name, one in sides.items()}
    scored, _, _ = scored_readings(CaseReadings(pair.case, readings, voxels))
    patient = project.state.cases[pair.case].patient
    compared = readings_agreement(scored, patient, protocol)
    statistics: Mapping[str, str] = {
        item.id: item.agreement.statistic for item in protocol.items if item.agreement is not None
    }
    for item in compared.items:
        figure, value = _figure(item, statistics.get(item.item, ""))
        yield WatchedRow(pair.watch, pair.reader, pair.case, item.item, figure, value, item.agreed, pair.reading.time)


def _figure(item: ItemAgreement, statistic: str) -> tuple[str, float]:
    if math.isfinite(item.judged):
        return statistic, item.judged
    if item.pairs:
        return "dice", item.pairs[0].figures.get("dice", math.nan)
    alike = [len(row.values) == 2 and len(set(row.values.values())) == 1 for row in item.values]
    return "identical", sum(alike) / len(alike) if alike else math.nan

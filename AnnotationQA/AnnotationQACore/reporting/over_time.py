"""Readers over time: signed differences from the others, in the order in which the reader submitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from AnnotationQACore.agreement.ratings.longitudinal import ReaderHistory, leave_one_out_differences, reader_history
from AnnotationQACore.agreement.statistics.results import FloatArray, Result
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.records import ItemAgreement
from AnnotationQACore.evaluation.study_statistics import Found
from AnnotationQACore.project.folder import Project
from AnnotationQACore.protocol.items import Item, Measurement, Rating
from AnnotationQACore.reporting.item_analysis import found_in
from AnnotationQACore.reporting.naming import Names

__all__ = ["ItemHistories", "histories"]

LEAST_READINGS = 5
"""Of a reader with fewer readings no course is shown."""


@dataclass(frozen=True, slots=True)
class ItemHistories(Result):
    """Histories of the readers on one item; times are days since the first reading of the study."""

    item: str
    title: str
    readers: tuple[ReaderHistory, ...]


def histories(project: Project, agreement: ProjectAgreement, names: Names) -> tuple[ItemHistories, ...]:
    """Histories on all items that have numbers, of readings that the readers signed themselves.

    Imported readings carry the time of their import, which says nothing of the reader, so they are left out.
    """
    times = _times(project)
    if not times:
        return ()
    start = min(times.values())
    days = {key: (time - start).total_seconds() / 86400.0 for key, time in times.items()}
    found = []
    for item in agreement.protocol.items:
        title = _title(item)
        if title is None:
            continue
        one = ItemHistories(item.id, title, tuple(_item(item, found_in(agreement, item.id), days, names)))
        if one.readers:
            found.append(one)
    return tuple(found)


def _times(project: Project) -> dict[tuple[str, str], datetime]:
    times = {}
    for case in project.state.cases:
        for reading in project.state.latest_readings(case):
            if reading.round == 1 and reading.actor == reading.reader:
                times[case, reading.reader] = datetime.fromisoformat(reading.time)
    return times


def _title(item: Item) -> str | None:
    if isinstance(item, Rating) and item.scale == "ordinal":
        return "Levels above (+) or below (-) the others"
    if isinstance(item, Measurement):
        return f"Difference from the others, {item.unit}".rstrip(", ")
    if item.kind in ("segmentation", "polygon"):
        return "Logarithm of the ratio to the others"
    return None


def _item(item: Item, found: Found, days: dict[tuple[str, str], float], names: Names) -> list[ReaderHistory]:
    readers = sorted({reader for _, one in found for reader in one.readers})
    if not readers:
        return []
    logarithmic = item.kind in ("segmentation", "polygon")
    differences = np.array([_differences(one, readers, logarithmic=logarithmic) for _, one in found])
    made = []
    for place, reader in enumerate(readers):
        times = np.array([days.get((case.case, reader), math.nan) for case, _ in found])
        known = ~np.isnan(times)
        own = np.where(known, differences[:, place], np.nan)
        if int((~np.isnan(own)).sum()) < LEAST_READINGS or np.ptp(times[known]) <= 0:
            continue
        made.append(reader_history(times, own, names[reader]))
    return made


def _differences(one: ItemAgreement, readers: list[str], *, logarithmic: bool) -> FloatArray:
    """Mean over the subjects of a case of the difference from the mean of the others."""
    table = np.array([[_number(row.values.get(reader)) for reader in readers] for row in one.values])
    table = table.reshape(-1, len(readers))
    if logarithmic:
        table = np.where(table > 0, np.log(np.where(table > 0, table, 1.0)), np.nan)
    differences = leave_one_out_differences(table)
    known = ~np.isnan(differences)
    counts = known.sum(axis=0)
    means: FloatArray = np.where(known, differences, 0.0).sum(axis=0) / np.where(counts > 0, counts, np.nan)
    return means


def _number(value: float | str | None) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan

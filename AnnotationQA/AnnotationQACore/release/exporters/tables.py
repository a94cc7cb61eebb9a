"""Answers, ratings, measurements and shapes as tables: CSV, and Parquet where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.answers import (
    Answer,
    BoxValue,
    LandmarksValue,
    MeasurementValue,
    PolygonValue,
    RatingValue,
)
from AnnotationQACore.release.answer_words import kind_of, words_of
from AnnotationQACore.release.exporters.checks import case_problems
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish
from AnnotationQACore.release.exporters.table_text import Cell, csv_text
from AnnotationQACore.release.exporting import Dataset, ReadingKind, ReleaseCase, ReleaseReading
from AnnotationQACore.release.options import ExportOptions

__all__ = ["OLDEST", "PYARROW", "TablesExporter"]

PYARROW = "pyarrow>=15"
"""What writes Parquet, as pip is asked for it."""
OLDEST = 89.0
"""Years; higher ages are written as this one, since few people reach them (45 CFR 164.514(b)(2)(i)(C))."""

_WHO = ("case", "patient", "split", "reading", "item", "series", "image", "frame", "instance")
_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "cases": (
        ("case", "text"), ("patient", "text"), ("time_point", "text"), ("split", "text"), ("site", "text"),
        ("scanner", "text"), ("sex", "text"), ("age_years", "number"), ("modality", "text"), ("phase", "text"),
        ("body_part", "text"), ("slice_thickness_mm", "number"), ("readings", "text"), ("flags", "text"),
    ),
    "answers": (("kind", "text"), ("value", "text")),
    "ratings": (("level", "integer"), ("assessable", "truth")),
    "measurements": (("value", "number"), ("unit", "text"), ("short_axis", "number"), ("points", "text")),
    "landmarks": (("landmark", "text"), ("visible", "truth"), ("x", "number"), ("y", "number"), ("z", "number")),
    "shapes": (("kind", "text"), ("points", "text"), ("center", "text"), ("size", "text"), ("directions", "text")),
}  # fmt: skip
"""Columns of each table; all but ``cases`` begin with `_WHO`."""


@dataclass(slots=True)
class _Rows:
    """Rows of all tables."""

    of: dict[str, list[list[Cell]]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})


class TablesExporter:
    """Writes tables ``cases``, ``answers``, ``ratings``, ``measurements``, ``landmarks`` and ``shapes``."""

    name = "tables"

    def describe(self) -> str:
        """What it writes."""
        return "CSV tables, and Parquet if wished, of cases, answers, ratings, measurements, landmarks and shapes."

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        problems = [*case_problems(dataset)]
        if options.parquet:
            try:
                _pyarrow()
            except MissingExtra as error:
                problems.append(str(error))
        return problems

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`.

        Raises
        ------
        MissingExtra
            Parquet is asked for, and the package pyarrow is not installed.
        """
        if options.parquet:
            _pyarrow()

        def write(case: ReleaseCase) -> Written:
            return Written((), {"rows": _case_rows(case, dataset.split_of(case)).of})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        files = []
        for table in _COLUMNS:
            columns = _columns(table)
            rows = [row for one in written.values() for row in one.notes["rows"][table]]
            files.append(folder / f"{table}.csv")
            atomic.write_text(files[-1], csv_text([name for name, _ in columns], rows))
            if options.parquet:
                files.append(folder / f"{table}.parquet")
                _write_parquet(files[-1], columns, rows)
        return finish(folder, *files, written=written)


def _columns(table: str) -> tuple[tuple[str, str], ...]:
    if table == "cases":
        return _COLUMNS[table]
    who = tuple((name, "integer" if name in ("frame", "instance") else "text") for name in _WHO)
    return (*who, *_COLUMNS[table])


def _case_rows(case: ReleaseCase, split: str) -> _Rows:
    rows = _Rows()
    facts = case.images[0].facts if case.images else None
    rows.of["cases"].append(
        [
            case.id,
            case.patient,
            case.time_point,
            split,
            case.site,
            case.scanner,
            case.sex,
            None if case.age_years is None else min(case.age_years, OLDEST),
            facts.modality if facts else "",
            facts.phase if facts else "",
            facts.body_part if facts else "",
            facts.slice_thickness_mm if facts else None,
            " + ".join(reading.name for reading in case.readings),
            " + ".join(sorted({flag for reading in case.readings for flag in reading.flags})),
        ]
    )
    for reading in case.readings:
        if reading.kind is not ReadingKind.PROBABILITY:
            for answer in reading.answers:
                _add(rows, answer, _who(case, split, reading, answer))
    return rows


def _who(case: ReleaseCase, split: str, reading: ReleaseReading, answer: Answer) -> list[Cell]:
    about = answer.subject
    place: list[Cell] = [about.series or "", about.image or "", about.frame, about.instance]
    return [case.id, case.patient, split, reading.name, answer.item, *place]


def _add(rows: _Rows, answer: Answer, who: Sequence[Cell]) -> None:
    value = answer.value
    rows.of["answers"].append([*who, kind_of(answer), words_of(value)])
    match value:
        case RatingValue():
            rows.of["ratings"].append([*who, value.level, value.level is not None])
        case MeasurementValue():
            points = json.dumps([list(point) for point in value.points]) if value.points else ""
            rows.of["measurements"].append([*who, value.value, value.unit, value.short_axis, points])
        case LandmarksValue():
            for mark in value.landmarks:
                x, y, z = (*(mark.position or ()), None, None, None)[:3]
                rows.of["landmarks"].append([*who, mark.name, mark.position is not None, x, y, z])
        case PolygonValue():
            outline = json.dumps([list(point) for point in value.points])
            rows.of["shapes"].append([*who, "polygon", outline, "", "", ""])
        case BoxValue():
            directions = json.dumps([list(one) for one in value.directions]) if value.directions else ""
            center, size = json.dumps(list(value.center)), json.dumps(list(value.size))
            rows.of["shapes"].append([*who, "box", "", center, size, directions])


def _pyarrow() -> Any:
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError as error:
        raise MissingExtra(
            "tables as Parquet need the package pyarrow; install it (pip install pyarrow), or leave parquet out.",
            (PYARROW,),
        ) from error


def _write_parquet(path: Path, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]]) -> None:
    arrow = _pyarrow()
    types = {"text": arrow.string(), "number": arrow.float64(), "integer": arrow.int64(), "truth": arrow.bool_()}
    arrays = [
        arrow.array([row[place] for row in rows], types[kind], from_pandas=False)
        for place, (_, kind) in enumerate(columns)
    ]
    table = arrow.table(arrays, names=[name for name, _ in columns])
    with atomic.replacing(path) as temporary:
        arrow.parquet.write_table(table, temporary, compression="zstd")

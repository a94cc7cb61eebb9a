"""Landmarks of several readers: `annotation-qa agreement --landmarks`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from AnnotationQACore.agreement.drawn.landmarks import LandmarkAgreement, LandmarkReadings, agree_on_landmarks
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import figure, reader_names, rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.markups import MarkupKind, PointStatus, read_markups
from AnnotationQACore.wording import count_of

__all__ = ["compare"]


def compare(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Compare markup files; returns the JSON document and the text to show."""
    if len(arguments.landmarks) < 2 and arguments.reference is None:
        raise InputError("agreement: one reader cannot be compared; give two files or more, or a --reference.")
    names = reader_names(arguments.landmarks, arguments.readers)
    progress = ConsoleProgress("reading")
    readings: dict[str, dict[str, Vector | None]] = {}
    for done, (name, path) in enumerate(zip(names, arguments.landmarks, strict=True)):
        progress(done, len(names), name)
        readings[name] = _points(path)
    progress(len(names), len(names))
    reference = None
    if arguments.reference:
        reference = {name: point for name, point in _points(arguments.reference).items() if point is not None}
    result = agree_on_landmarks(LandmarkReadings.from_points(readings), reference, level=arguments.confidence)
    document = result.to_json()
    document["n_readers"], document["n_landmarks"] = len(result.readers), len(result.landmarks)
    return document, _text(result)


def _points(path: Path) -> dict[str, Vector | None]:
    points: dict[str, Vector | None] = {}
    for markup in read_markups(path):
        if markup.kind is not MarkupKind.FIDUCIAL:
            raise InputError(f"{path}: holds a {markup.kind.value}, no landmarks; save a list of points.")
        for point in markup.points:
            if point.status is PointStatus.UNDEFINED:
                continue
            if point.label in points:
                raise InputError(f"{path}: has two points called '{point.label}'; name each point differently.")
            points[point.label] = point.position
    return points


def _text(result: LandmarkAgreement) -> str:
    about = (
        f"{count_of(len(result.landmarks), 'landmark')}, {count_of(len(result.readers), 'reader')}; "
        f"errors in mm to the {result.centre}"
    )
    readers = [
        ["reader", "n", "mean", "SD", "max", "to the others", "shift L", "P", "S", "p", "not visible", "not read"]
    ]
    for row in result.per_reader:
        numbers = (row.mean_mm, row.sd_mm, row.max_mm, row.leave_one_out_mean_mm, *row.shift, row.shift_p)
        readers.append(
            [row.reader, str(row.n), *(figure(v, 3) for v in numbers), str(row.not_visible), str(row.not_read)]
        )
    points = [["landmark", "placed", "not visible", "not read", "mean", "max"]]
    for point in result.per_landmark:
        counts = (str(point.placed), str(point.not_visible), str(point.not_read))
        points.append([point.name, *counts, figure(point.mean_mm, 3), figure(point.max_mm, 3)])
    pairs = [["pair", "n", "mean", "max", "visible to one only", "which"]]
    for pair in result.pairs:
        disputed = str(pair.only_a_visible + pair.only_b_visible)
        which = ", ".join(pair.disputed) or "–"
        cells = (figure(pair.mean_mm, 3), figure(pair.max_mm, 3))
        pairs.append([f"{pair.a} – {pair.b}", str(pair.n), *cells, disputed, which])
    if not any(row.n for row in result.per_reader):
        about += "\nnote: no landmark has anything to be compared with: do the names in the files agree?"
    mean = f"mean error {figure(result.mean_error_mm)} mm, between readers {figure(result.mean_pairwise_mm)} mm"
    swaps = [
        f"{swap.kind} by {swap.reader}: "
        + ", ".join(f"'{placed}' lies at '{fits}'" for placed, fits in zip(swap.placed, swap.fits, strict=True))
        for swap in result.swaps
    ]
    shift = "shift: mean difference to the left, posterior and superior; p: of Hotelling's T² test against no shift"
    parts = [
        f"{about}\n{mean}",
        f"{rows_as_text(readers)}\n{shift}",
        rows_as_text(pairs) if result.pairs else "",
        rows_as_text(points),
        "\n".join(swaps),
    ]
    return "\n\n".join(part for part in parts if part)

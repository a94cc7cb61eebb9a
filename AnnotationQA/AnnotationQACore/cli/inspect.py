"""List every image series of a folder, and all that is wrong or unusual: the intake check of a dataset."""

import argparse
import math
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.output import require_place, show, write_json
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.duplicates import Duplicate, DuplicateKind
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.inspection import (
    Inspection,
    InspectionFilter,
    SeriesReport,
    inspect_folder,
    inspection_json,
)
from AnnotationQACore.processes import WorkerPool
from AnnotationQACore.progress import Progress, silent

__all__ = ["add_arguments", "run"]

FOUND_ERRORS = 1
_SHOWN_OTHER_FILES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("folder", type=Path, help="folder with images, searched with all its subfolders")
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write everything as JSON; - for the standard output"
    )
    parser.add_argument("--modality", nargs="+", default=(), metavar="M", help="list only these, e.g. CT MR")
    parser.add_argument("--body-part", nargs="+", default=(), metavar="PART", help="list only these, e.g. CHEST")
    parser.add_argument("--sex", nargs="+", default=(), metavar="S", help="list only these: F, M or O")
    parser.add_argument(
        "--phase", nargs="+", default=(), metavar="P", help="list only these, e.g. arterial 'cardiac 75'"
    )
    parser.add_argument("--min-age", type=float, metavar="YEARS", help="list only patients of at least this age")
    parser.add_argument("--max-age", type=float, metavar="YEARS", help="list only patients of at most this age")
    parser.add_argument("--max-slice-thickness", type=float, metavar="MM", help="list only slices no thicker")
    parser.add_argument(
        "--duplicates",
        action="store_true",
        help="compare the pixels of all images, to find copies with other headers, shared images and look-alikes "
        "(slow; without it, series with like headers are compared)",
    )
    parser.add_argument(
        "--expect-phases",
        nargs="+",
        default=(),
        metavar="P",
        help="name each study that lacks one of these phases (without it: those that most studies have)",
    )
    parser.add_argument("--strict", action="store_true", help="end with exit code 1 when there is any error")
    parser.add_argument("--no-cache", action="store_true", help="read all headers, and keep none for the next time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Inspect the folder and show what was found."""
    admitted = InspectionFilter(
        modalities=tuple(arguments.modality),
        body_parts=tuple(arguments.body_part),
        sexes=tuple(arguments.sex),
        phases=tuple(arguments.phase),
        min_age=arguments.min_age,
        max_age=arguments.max_age,
        max_slice_thickness=arguments.max_slice_thickness,
    )
    _require_sense(admitted)
    if arguments.jobs < 1:
        raise InputError(f"--jobs {arguments.jobs}: at least one process is needed.")
    require_place(arguments.json)
    progress: Progress = silent if arguments.quiet else ConsoleProgress("inspecting")
    cache = None if arguments.no_cache else _cache(arguments.folder)
    with _processes(arguments.jobs) as executor:
        inspection = inspect_folder(
            arguments.folder,
            admitted,
            compare_all_pixels=arguments.duplicates,
            expected_phases=tuple(arguments.expect_phases),
            progress=progress,
            executor=executor,
            cache=cache,
        )
    if arguments.json is not None:
        write_json(arguments.json, inspection_json(inspection))
    show("\n".join(report_lines(inspection)), arguments.json)
    return FOUND_ERRORS if arguments.strict and inspection.errors else 0


def _cache(folder: Path) -> HeaderCache | None:
    """Headers of the last time; none where this user has no place for them, as in some containers."""
    try:
        return HeaderCache.of_folder(folder)
    except InputError as error:
        say(f"note: headers are not kept for the next time: {error}")
        return None


def _require_sense(admitted: InspectionFilter) -> None:
    """Refuse limits that no series can meet."""
    for option, number in (
        ("--min-age", admitted.min_age),
        ("--max-age", admitted.max_age),
        ("--max-slice-thickness", admitted.max_slice_thickness),
    ):
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise InputError(f"{option} {number}: is no number from 0; correct it.")
    if admitted.min_age is not None and admitted.max_age is not None and admitted.min_age > admitted.max_age:
        raise InputError(f"--min-age {admitted.min_age:g}: is above --max-age {admitted.max_age:g}; correct one.")
    wrong = [sex for sex in admitted.sexes if sex.upper() not in {"F", "M", "O"}]
    if wrong:
        raise InputError(f"--sex {wrong[0][:20]}: is none of F, M, O (PS3.3 C.7.1.1); correct it.")


@contextmanager
def _processes(count: int) -> Iterator[Executor | None]:
    """Processes that are started when the first job comes; none for a count of one."""
    if count == 1:
        yield None
        return
    executor = WorkerPool(count)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def report_lines(inspection: Inspection) -> list[str]:
    """Inspection for people: a table of the series, then all findings."""
    return [
        *(_table(inspection.series) if inspection.series or not inspection.images else ()),
        "",
        *_summary(inspection),
        *_image_lines(inspection),
        *_finding_lines(inspection.series),
        *_duplicate_lines(inspection),
        *_phase_lines(inspection),
        *_file_lines(inspection),
    ]


_HEADINGS = ("#", "patient", "study", "type", "description", "matrix", "slices", "spacing (mm)", "geometry", "notes")
_RIGHT = frozenset({"#", "patient", "study", "slices"})


def _table(series: tuple[SeriesReport, ...]) -> list[str]:
    rows = [_HEADINGS, *(_cells(one) for one in series)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
            for cell, width, heading in zip(row, widths, _HEADINGS, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _cells(one: SeriesReport) -> tuple[str, ...]:
    description = one.description if len(one.description) <= 28 else one.description[:27] + "…"
    slices = f"{one.slices} x {one.volumes} {one.dimension}" if one.volumes > 1 else str(one.slices or "-")
    spacing = " x ".join("?" if value is None else f"{value:.4g}" for value in one.spacing)
    if one.spacing == (None, None, None):
        spacing = "-"
    elif one.spacing[0] is None:
        spacing = spacing.removeprefix("? x ")
    counts = dict.fromkeys(("error", "warning", "info"), 0)
    for finding in one.findings:
        counts[finding.severity.value] += 1
    notes = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    matrix = f"{one.columns} x {one.rows}" if one.rows else "-"
    return (
        *(str(one.number), str(one.patient), str(one.study), one.modality or "?", description, matrix, slices),
        *(spacing, one.geometry, notes),
    )


def _summary(inspection: Inspection) -> list[str]:
    series = inspection.series
    patients, studies = len({one.patient for one in series}), len({one.study for one in series})
    lines = [
        f"{_count(inspection.files, 'file')}: {len(series)} series, {_count(studies, 'study', 'studies')}, "
        f"{_count(patients, 'patient')}."
    ]
    if inspection.left_out:
        lines.append(f"{inspection.left_out} further series left out by the filters.")
    for name, value in inspection.unmatched:
        there = ", ".join(f"{one} ({count})" for one, count in sorted(inspection.present.get(name, {}).items()))
        lines.append(f"No series has the {name} '{value}'; there are: {there or 'none that state one'}.")
    lines += [f"Note: {note}" for note in inspection.notes]
    return lines


def _image_lines(inspection: Inspection) -> list[str]:
    if not inspection.images:
        return []
    lines = ["", f"{_count(len(inspection.images), 'image')} of other formats:"]
    for one in inspection.images:
        place = one.path.relative_to(inspection.folder).as_posix()
        matrix = f", {one.columns} x {one.rows} x {one.slices}" if one.rows else ""
        volumes = f" x {one.volumes}" if one.volumes > 1 else ""
        spacing = ", " + " x ".join(f"{value:.4g}" for value in one.spacing) + " mm" if one.spacing else ""
        files = f", {one.files} files" if one.files > 1 else ""
        lines.append(
            f"  {place}: {one.format}{files}{matrix}{volumes}{spacing}, {one.voxel_type or '?'}, {one.geometry}"
        )
        lines += [f"    {finding.severity.value:7}  {finding.message}" for finding in one.findings]
    return lines


def _finding_lines(series: tuple[SeriesReport, ...]) -> list[str]:
    lines = []
    for one in series:
        if one.findings:
            lines += ["", f"Series {one.number} ({one.modality}{', ' if one.description else ''}{one.description}):"]
            lines += [f"  {finding.severity.value:7}  {finding.message}" for finding in one.findings]
    return lines


def _duplicate_lines(inspection: Inspection) -> list[str]:
    lines = [_duplicate_line(pair, inspection.series) for pair in inspection.duplicates]
    if not lines and inspection.pixels_compared:
        return ["", "No image is there twice."]
    return ["", "There twice:", *lines] if lines else []


def _duplicate_line(pair: Duplicate, series: tuple[SeriesReport, ...]) -> str:
    first, second = series[pair.first].number, series[pair.second].number
    said = {
        DuplicateKind.EXACT: "have the same images, to the bit",
        DuplicateKind.PARTIAL: f"share {_count(pair.shared, 'image')}, to the bit",
        DuplicateKind.NEAR: f"look alike (thumbnails correlate by {pair.similarity:.4f})",
    }[pair.kind]
    whose = "; THEY ARE FILED UNDER DIFFERENT PATIENTS" if pair.across_patients else ""
    return f"  Series {first} and {second} {said}{whose}."


def _phase_lines(inspection: Inspection) -> list[str]:
    lines = [f"  Study {study}: no series of phase '{phase}'." for study, phase in inspection.missing_phases]
    return ["", "Phases that studies lack:", *lines] if lines else []


def _file_lines(inspection: Inspection) -> list[str]:
    lines = []
    if inspection.broken:
        lines += ["", f"{_count(len(inspection.broken), 'broken DICOM file')}:"]
        lines += [f"  {file.path}: {file.reason}." for file in inspection.broken]
    others = inspection.other_files
    if others:
        lines += ["", f"Passed over, {_count(len(others), 'file')} without DICOM images:"]
        lines += [f"  {file.path}: {file.reason}." for file in others[:_SHOWN_OTHER_FILES]]
        if len(others) > _SHOWN_OTHER_FILES:
            lines.append(f"  ... and {len(others) - _SHOWN_OTHER_FILES} more (all are in the --json file).")
    return lines


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"

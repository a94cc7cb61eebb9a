"""Fetch image series from a PACS: one folder a series, files as they are stored, resumed where it broke off."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import require_folder_place
from AnnotationQACore.cli.servers import add_server, connection_options, move_target, patience
from AnnotationQACore.errors import InputError, NetworkError
from AnnotationQACore.interchange.network.connecting import connected
from AnnotationQACore.interchange.network.fetching import FetchedSeries, fetch
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.interchange.network.server import RemoteSeries
from AnnotationQACore.progress import Progress, silent

__all__ = ["add_arguments", "run"]

PARTIAL = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_server(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="made when it is not there")
    parser.add_argument("--list", action="store_true", help="show what matches, and fetch nothing")
    parser.add_argument("--patient", nargs="+", default=(), metavar="ID", help="pseudonyms; * and ? are wildcards")
    parser.add_argument("--study", nargs="+", default=(), metavar="UID", help="Study Instance UIDs")
    parser.add_argument("--series", nargs="+", default=(), metavar="UID", help="Series Instance UIDs")
    parser.add_argument("--modality", nargs="+", default=(), metavar="M", help="e.g. CT MR")
    parser.add_argument("--date", default="", metavar="RANGE", help="of the study: 20240131, 20240101-20240131")
    parser.add_argument("--all", action="store_true", help="everything on the server, when no criterion is given")
    parser.add_argument(
        "--move",
        metavar="[ADDRESS:]PORT",
        help="classic DICOM: listen here for a C-MOVE to our AE title, which the server must know (default: C-GET)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Search, and fetch what was found."""
    query = Query(
        patients=tuple(arguments.patient),
        studies=tuple(arguments.study),
        series=tuple(arguments.series),
        modalities=tuple(arguments.modality),
        dates=arguments.date,
    )
    if query.is_empty and not arguments.all:
        raise InputError("fetch: no criterion is given; name --patient, --study, --series, --modality or --date.")
    if arguments.output is None and not arguments.list:
        raise InputError("fetch: no folder is given; name it with --output, or only look with --list.")
    require_folder_place(arguments.output, is_own=False)
    tries = patience(arguments)
    progress: Progress = silent if arguments.quiet else ConsoleProgress("fetching series")
    with connected(arguments.server, connection_options(arguments, move_target(arguments.move)), tries) as server:
        found = tries.run(lambda: server.find_series(query))
        if not found:
            raise InputError(f"{server.name}: has no series that matches; check the criteria.")
        if arguments.list:
            for line in _table(found):
                print(line)
            return 0
        outcomes = fetch(server, found, arguments.output, tries, progress)
    return _report(outcomes, arguments.output)


def _table(found: Sequence[RemoteSeries]) -> list[str]:
    rows = [("date", "type", "objects", "series", "study")]
    rows += [
        (one.date or "-", one.modality or "-", "-" if one.instances is None else str(one.instances), one.series_uid,
         one.study_uid)
        for one in sorted(found, key=lambda one: (one.date, one.study_uid, one.series_uid))
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, f"{len(found)} series"]


def _report(outcomes: Sequence[FetchedSeries], folder: Path) -> int:
    failed = [one for one in outcomes if one.problem or one.missing]
    fetched, present = sum(one.fetched for one in outcomes), sum(one.present for one in outcomes)
    if failed and not fetched and not present:
        raise NetworkError(failed[0].problem)
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} series complete in {folder}")
    print(f"{fetched} objects fetched, {present} were there before")
    for one in failed:
        print(f"not complete: series {one.series.series_uid}: {one.missing or 'all'} objects missing: {one.problem}")
    return PARTIAL if failed else 0

"""Writes the report of a project into a folder of its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.agreement.statistics.results import json_value
from AnnotationQACore.errors import AnnotationQAError, DestinationError
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.evaluation.case_images import CaseImage, case_image, window_of
from AnnotationQACore.evaluation.loading import CaseReadings, load_case
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.protocol.items import Segmentation
from AnnotationQACore.reporting.case_page import case_page
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.definitions import POLICIES, definitions_of
from AnnotationQACore.reporting.naming import renamed_case
from AnnotationQACore.reporting.pictures import SlicePicture, pictures_of
from AnnotationQACore.reporting.project_page import project_page, used_statistics
from AnnotationQACore.reporting.tables_csv import answers_csv, figures_csv, pairs_csv
from AnnotationQACore.reporting.text_for_paper import text_for_paper

__all__ = ["FORMAT", "report_document", "require_own_folder", "write_report"]

FORMAT = "AnnotationQA report 1"
"""Says in ``report.json`` that a folder is a report, which a later one may replace."""

DOCUMENT = "report.json"

_NO_IMAGES: Mapping[str, Sequence[Path]] = {}


def require_own_folder(folder: Path) -> None:
    """Make sure that a report can be written; call it before the long work.

    Raises
    ------
    DestinationError
        It is no folder, or holds something else than a report.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DestinationError(f"{folder}: is a file; choose a folder for the report.")
    others = [path for path in folder.iterdir() if not path.name.startswith(".tmp-")]
    if others and _former_files(folder) is None:
        raise DestinationError(f"{folder}: is not empty and holds no report; choose another folder.")


def write_report(
    folder: Path,
    project: Project,
    contents: Contents,
    *,
    pictures: bool = True,
    images: Mapping[str, Sequence[Path]] = _NO_IMAGES,
    progress: Progress = silent,
) -> None:
    """Write all files of a report: each is there whole or not at all, and ``index.html`` comes last.

    Parameters
    ----------
    folder : Path
        New, empty, or an earlier report, whose files are replaced; pages of cases that are gone are removed.
    project : Project
    contents : Contents
        Of this project.
    pictures : bool
        Draw the outlines of segmentations, on the images where these are at hand.
    images : mapping of Series Instance UID to files
        Images that are not where the project says.
    progress : Progress
        Called before each case; may raise `Cancelled`.

    Raises
    ------
    DestinationError
        The folder holds something else, or cannot be written.
    """
    require_own_folder(folder)
    former = _former_files(folder) or ()
    make_folder(folder)
    cases = contents.agreement.study.cases
    files = ["report.json", "figures.csv", "pairs.csv", "answers.csv", *(f"cases/{one.case}.html" for one in cases),
             "index.html"]  # fmt: skip
    document = report_document(contents) | {"files": files}
    atomic.write_text(folder / DOCUMENT, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    make_folder(folder / "cases")
    for name, text in (("figures.csv", figures_csv), ("pairs.csv", pairs_csv), ("answers.csv", answers_csv)):
        atomic.write_text(folder / name, text(contents))
    notes: Counter[str] = Counter()
    problems: dict[str, str] = {}
    states = {one.case: one for one in contents.cases}
    for done, case in enumerate(cases):
        progress(done, len(cases), case.case)
        readings = None
        try:
            readings = renamed_case(
                load_case(case_files(project, case.case), resample=bool(case.messages)), contents.names
            )
        except AnnotationQAError as error:
            problems[case.case] = contents.within(str(error))
        else:
            notes.update(reading.comment for reading in readings.readings.values() if reading.comment)
        drawn: Mapping[str, Sequence[SlicePicture]] = {}
        if pictures and readings is not None:
            try:
                drawn = _pictures(contents, case, readings, project, images)
            except AnnotationQAError as error:
                problems[case.case] = contents.within(str(error))
        page = case_page(contents, case, states[case.case], readings, drawn, problems.get(case.case, ""))
        atomic.write_text(folder / "cases" / f"{case.case}.html", page)
    shared = {note: n for note, n in sorted(notes.items()) if n > 1}
    atomic.write_text(folder / "index.html", project_page(contents, shared, problems))
    for name in set(former) - set(files):
        _remove(folder, name)
    progress(len(cases), len(cases))


def report_document(contents: Contents) -> dict[str, Any]:
    """Everything in the report as JSON-like data: undefined is ``null``, infinite ``"inf"``."""
    protocol, summary = contents.protocol, contents.agreement.summary
    return {
        "format": FORMAT,
        "made": contents.made.isoformat(),
        "software": contents.software,
        "project": {"name": contents.project, "id": contents.project_id},
        "protocol": {"id": protocol.id, "title": protocol.title, "version": protocol.version, "hash": protocol.hash},
        "ledger": contents.ledger.to_json(),
        "bootstrap": {"resamples": summary.resamples, "seed": summary.seed, "level": 0.95, "unit": "patient"},
        "reader names hidden": contents.names_hidden,
        "readers": {reader: contents.readings_of(reader) for reader in contents.readers},
        "summary": summary.to_json(),
        "analyses": json_value(contents.analyses),
        "over time": json_value(contents.histories),
        "attention": json_value(contents.attention),
        "worst cases": json_value(contents.worst),
        "split answers": json_value(contents.splits),
        "cases": json_value(contents.agreement.study.cases),
        "failed": json_value(contents.agreement.study.failed),
        "not read by two": list(contents.agreement.unread),
        "case states": json_value(contents.cases),
        "readings": json_value(contents.readings),
        "definitions": json_value(definitions_of(used_statistics(contents))),
        "edge cases": dict(POLICIES),
        "text for a paper": json_value(text_for_paper(contents)),
    }


def _pictures(
    contents: Contents,
    case: CaseAgreement,
    readings: CaseReadings,
    project: Project,
    images: Mapping[str, Sequence[Path]],
) -> Mapping[str, Sequence[SlicePicture]]:
    drawn: dict[str, Sequence[SlicePicture]] = {}
    opened: dict[str, CaseImage | None] = {}
    for item in contents.protocol.items:
        one = case.item(item.id)
        if isinstance(item, Segmentation) and one is not None:
            role = item.series or contents.protocol.imaging.reference_series
            if role not in opened:
                record = project.state.cases[case.case]
                opened[role] = case_image(project.folder, record.case, role, images)
            window = window_of(contents.protocol, item)
            drawn[item.id] = tuple(pictures_of(item, one, readings, opened[role], window))
    return drawn


def _former_files(folder: Path) -> tuple[str, ...] | None:
    """Files of the report that is there; None when there is none."""
    try:
        document = json.loads((folder / DOCUMENT).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    return tuple(name for name in document.get("files", ()) if isinstance(name, str))


def _remove(folder: Path, name: str) -> None:
    """Remove a file of an earlier report; only pages of cases ever go, and only from their folder."""
    path = folder / "cases" / Path(name).name
    if name.startswith("cases/") and path.suffix == ".html":
        path.unlink(missing_ok=True)

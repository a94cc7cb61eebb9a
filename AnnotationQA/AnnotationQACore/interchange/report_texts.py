"""Texts of radiology reports: plain text files, tables, and DICOM structured reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.interchange.dicom_files import read_object, understanding
from AnnotationQACore.interchange.tables import read_table
from AnnotationQACore.interchange.text import read_text
from AnnotationQACore.progress import Progress, silent

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["ReportText", "ReportTexts", "read_reports"]

_CASE_HEADINGS = ("case", "case id", "id", "report", "report id", "study", "study id", "accession", "accession number")
_TEXT_HEADINGS = ("text", "report text", "report", "findings and impression", "body")
_SECTION_HEADINGS = ("history", "indication", "technique", "comparison", "findings", "impression", "conclusion")
_TABLES = frozenset({".csv", ".tsv"})
_TEXTS = frozenset({".txt", ".text", ".md"})
_DEPTH_LIMIT = 32


@dataclass(frozen=True, slots=True)
class ReportText:
    """The text of one report.

    Attributes
    ----------
    case : str
        ID of the case: from its column in a table, else the file's name without its ending.
    text : str
    place : str
        File, and row of a table, for messages.
    """

    case: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class ReportTexts:
    """Reports that were read, and one line for each file that was not."""

    reports: tuple[ReportText, ...]
    problems: tuple[str, ...]


def read_reports(path: Path, progress: Progress = silent) -> ReportTexts:
    """Read reports from a file or from all files below a folder.

    Text files (``.txt``) hold one report each. Tables (``.csv``, ``.tsv``) have a column with the case and one with the
    text, or one for each section (findings, impression, ...). Structured reports (any other ending) become text in the
    order of their content, with the name of each container and of each text as a heading.

    Raises
    ------
    InputError
        There is no such file, there is no report in it, or two reports are of one case. In a folder a file that cannot
        be read is a problem of its own.
    """
    if not path.exists():
        raise InputError(f"{path}: is not there; name a report (.txt, .csv, DICOM SR) or a folder of them.")
    files = (
        sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")) if path.is_dir() else [path]
    )
    reports: list[ReportText] = []
    problems: list[str] = []
    for done, file in enumerate(files):
        progress(done, len(files))
        try:
            reports.extend(_read(file))
        except AnnotationQAError as error:
            if file is path:
                raise
            problems.append(str(error))
    progress(len(files), len(files))
    if not reports:
        more = f"; {problems[0]}" if problems else ""
        raise InputError(f"{path}: holds no report (.txt, .csv, DICOM SR){more}")
    places: dict[str, str] = {}
    for report in reports:
        if report.case in places:
            raise InputError(f"{report.place}: case '{report.case}' has a report already ({places[report.case]}).")
        places[report.case] = report.place
    return ReportTexts(tuple(reports), tuple(problems))


def _read(file: Path) -> Iterator[ReportText]:
    if file.suffix.lower() in _TABLES:
        yield from _from_table(file)
    elif file.suffix.lower() in _TEXTS:
        yield ReportText(file.stem, read_text(file), str(file))
    else:
        yield ReportText(file.stem, _from_structured_report(file), str(file))


def _from_table(file: Path) -> Iterator[ReportText]:
    table = read_table(file)
    plain = [" ".join(heading.lower().replace("_", " ").split()) for heading in table.header]
    text = next((plain.index(name) for name in _TEXT_HEADINGS if name in plain), None)
    case = next((plain.index(name) for name in _CASE_HEADINGS if name in plain and plain.index(name) != text), None)
    sections = [(name, plain.index(name)) for name in _SECTION_HEADINGS if name in plain]
    if case is None or (text is None and not sections):
        missing = "case" if case is None else "text"
        raise InputError(f"{file}: has no column '{missing}'; it has {', '.join(table.header)}. Rename one.")
    for number, fields in table.rows:
        if not fields[case]:
            raise InputError(f"{file}: row {number} names no case; fill the column '{table.header[case]}'.")
        parts = [f"{name.upper()}:\n{fields[column]}" for name, column in sections if fields[column]]
        yield ReportText(
            fields[case], fields[text] if text is not None else "\n\n".join(parts), f"{file}, row {number}"
        )


def _from_structured_report(file: Path) -> str:
    dataset = read_object(file, kind="structured report")
    if "ContentSequence" not in dataset:
        raise InputError(f"{file}: is neither text, table nor structured report; leave it out.")
    with understanding(file, "structured report"):
        return "\n".join(_lines(dataset, 0))


def _lines(item: Dataset, depth: int) -> Iterator[str]:
    if depth > _DEPTH_LIMIT:
        raise ValueError("content nested too deeply")
    for child in item.get("ContentSequence") or []:
        kind = str(child.get("ValueType", ""))
        names = child.get("ConceptNameCodeSequence")
        name = str(names[0].get("CodeMeaning", "")) if names else ""
        if kind == "CONTAINER":
            yield f"\n{name}:"
        elif kind == "TEXT":
            yield f"{name}:\n{child.TextValue}" if name else str(child.TextValue)
        elif kind == "CODE":
            yield f"{name}: {child.ConceptCodeSequence[0].CodeMeaning}."
        yield from _lines(child, depth + 1)

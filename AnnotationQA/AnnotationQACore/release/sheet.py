"""The release sheet: what only people can say of a dataset. One JSON file, written once and kept up to date."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.constraints import Pattern, Text
from AnnotationQACore.protocol.decoding import decode, parse_json
from AnnotationQACore.protocol.problems import Problem
from AnnotationQACore.protocol.shapes import shape_of
from AnnotationQACore.wording import worded

__all__ = [
    "REQUIRED",
    "ReleaseSheet",
    "load_sheet",
    "missing_fields",
    "sheet_from_json",
    "sheet_template",
    "sheet_text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSheet:
    """What people say of a dataset.

    Attributes
    ----------
    title : str
        Of the dataset.
    version : str
        MAJOR.MINOR.PATCH.
    summary : str
        Two sentences for somebody who has never heard of it.
    creators : list of str
        Persons or institutions, as they want to be cited.
    licence : str
        Name or SPDX identifier.
    licence_url : str
        Where its text is.
    ethics : str
        Approval by an IRB or ethics committee with its reference, or why none is needed.
    consent : str
        Of the patients, or its waiver.
    collection : str
        Where, when and how the cases were collected, and how they were selected.
    inclusion : list of str
        What made a case eligible.
    exclusion : list of str
        What made it ineligible.
    preprocessing : str
        What was done to the images before reading, beyond de-identification.
    reader_training : str
        Qualification, experience and training of the readers who took part.
    intended_uses : list of str
        What it is made for.
    uses_to_avoid : list of str
        What it must not be used for.
    limitations : list of str
        Known limits, biases and errors.
    images_without_report : str
        Why images that no de-identification report lists identify nobody; such as a conversion to a format without
        header.
    concepts_without_code : str
        Why some items or choices of the protocol have no code of a terminology; segmentations must have one.
    funding : str
        Who paid for it.
    citation : str
        How to cite it.
    url : str
        Where it is offered.
    contact : str
        Role or address of an institution; no person who may leave.
    maintenance : str
        Who corrects errors, how often, and how long.
    published : str
        Date of publication, as YYYY-MM-DD.
    """

    title: Text
    version: Annotated[
        str, Pattern(r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$", "three numbers such as 1.0.0")
    ]
    summary: str = ""
    creators: tuple[Text, ...] = ()
    licence: str = ""
    licence_url: str = ""
    ethics: str = ""
    consent: str = ""
    collection: str = ""
    inclusion: tuple[Text, ...] = ()
    exclusion: tuple[Text, ...] = ()
    preprocessing: str = ""
    reader_training: str = ""
    intended_uses: tuple[Text, ...] = ()
    uses_to_avoid: tuple[Text, ...] = ()
    limitations: tuple[Text, ...] = ()
    images_without_report: str = ""
    concepts_without_code: str = ""
    funding: str = ""
    citation: str = ""
    url: str = ""
    contact: str = ""
    maintenance: str = ""
    published: Annotated[str, Pattern(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", "a date such as 2026-03-31")] = ""


REQUIRED = {
    "summary": "what the dataset is",
    "creators": "who made it",
    "licence": "under which licence it may be used",
    "ethics": "the approval by an IRB or ethics committee, or why none is needed",
    "collection": "how the cases were collected and selected",
    "reader_training": "qualification and training of the readers",
    "limitations": "known limits",
    "contact": "whom to tell of an error",
}
"""Fields that the gate asks for, and what they say."""


def load_sheet(path: Path) -> ReleaseSheet:
    """Read a sheet; raises `InputError` that names the path of the first problem in the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            worded("{path}: cannot be read as text; make one with: annotation-qa release sheet.", path=str(path))
        ) from error
    document, problems = parse_json(text)
    if problems:
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{path}: {problems[0]}{more}")
    return sheet_from_json(document, str(path))


def sheet_from_json(document: object, where: str = "release sheet") -> ReleaseSheet:
    """Read the JSON object of a sheet; raises `InputError` that says where, and names the path of the first problem."""
    problems: list[Problem] = []
    sheet = decode(document, shape_of(ReleaseSheet), "", problems)
    if not isinstance(sheet, ReleaseSheet):
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"{where}: {problems[0]}{more}")
    return sheet


def missing_fields(sheet: ReleaseSheet) -> tuple[str, ...]:
    """Required fields that say nothing yet."""
    return tuple(name for name in REQUIRED if not getattr(sheet, name))


def sheet_template(title: str) -> str:
    """A sheet to be filled in, as JSON."""
    return sheet_text(ReleaseSheet(title=title, version="1.0.0"))


def sheet_text(sheet: ReleaseSheet) -> str:
    """A sheet as its file has it, empty fields too."""
    values = {field.name: getattr(sheet, field.name) for field in fields(sheet)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

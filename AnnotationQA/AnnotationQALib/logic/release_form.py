"""What a lead fills in to release a dataset, and the request that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.scanning import files_by_series
from AnnotationQACore.progress import Progress
from AnnotationQACore.release.facts_table import read_facts
from AnnotationQACore.release.filters import Filters, filters_from_json
from AnnotationQACore.release.gate.deidentification import DeidentificationReport, read_deidentification_report
from AnnotationQACore.release.options import ExportOptions, options_from_json
from AnnotationQACore.release.request import ReleaseRequest
from AnnotationQACore.release.selection import CaseFacts, Selection
from AnnotationQACore.release.sheet import REQUIRED, ReleaseSheet
from AnnotationQACore.wording import Wording, worded

__all__ = [
    "SHEET_FIELDS",
    "FilterForm",
    "OptionsForm",
    "ReleaseForm",
    "SheetField",
    "Sources",
    "export_options",
    "filters_of",
    "release_request",
    "sheet_document",
    "sheet_texts",
]


@dataclass(frozen=True, slots=True)
class SheetField:
    """A field of the release sheet as people see it.

    Attributes
    ----------
    name : str
    title, help : Wording
    is_required : bool
        Whether the gate asks for it.
    is_list : bool
        Whether every line is an entry of its own.
    """

    name: str
    title: Wording
    help: Wording
    is_required: bool
    is_list: bool


_WORDS = {
    "title": (worded("Title"), worded("Title of the dataset.")),
    "version": (worded("Version"), worded("Three numbers, such as 1.0.0.")),
    "summary": (worded("Summary"), worded("Two sentences for somebody who has never heard of it.")),
    "creators": (worded("Creators"), worded("Persons or institutions, as they want to be cited.")),
    "licence": (worded("Licence"), worded("Name or SPDX identifier, such as CC-BY-4.0.")),
    "licence_url": (worded("Licence, address"), worded("Where its text is.")),
    "ethics": (
        worded("Ethics"),
        worded("Approval by an IRB or ethics committee with its reference, or why none is needed."),
    ),
    "consent": (worded("Consent"), worded("Of the patients, or its waiver.")),
    "collection": (
        worded("Collection"),
        worded("Where, when and how the cases were collected, and how they were selected."),
    ),
    "inclusion": (worded("Inclusion"), worded("What made a case eligible.")),
    "exclusion": (worded("Exclusion"), worded("What made it ineligible.")),
    "preprocessing": (
        worded("Preprocessing"),
        worded("What was done to the images before reading, beyond de-identification."),
    ),
    "reader_training": (
        worded("Reader training"),
        worded("Qualification, experience and training of the readers who took part."),
    ),
    "intended_uses": (worded("Purpose"), worded("What it is made for.")),
    "uses_to_avoid": (worded("Uses to avoid"), worded("What it must not be used for.")),
    "limitations": (worded("Limitations"), worded("Known limits, biases and errors.")),
    "images_without_report": (
        worded("Images without report"),
        worded("Why images that no de-identification report lists identify nobody."),
    ),
    "concepts_without_code": (
        worded("Concepts without code"),
        worded("Why some items of the protocol have no code of a terminology."),
    ),
    "funding": (worded("Funding"), worded("Who paid for it.")),
    "citation": (worded("Citation"), worded("How to cite it.")),
    "url": (worded("Address"), worded("Where it is offered.")),
    "contact": (worded("Contact"), worded("Role or address of an institution; no person who may leave.")),
    "maintenance": (worded("Maintenance"), worded("Who corrects errors, how often, and how long.")),
    "published": (worded("Published"), worded("Date of publication, as YYYY-MM-DD.")),
}
"""Title and help of each field."""


def _sheet_fields() -> tuple[SheetField, ...]:
    blank = ReleaseSheet(title="-", version="0.0.0")
    return tuple(
        SheetField(
            one.name,
            *_WORDS[one.name],
            one.name in REQUIRED or one.name in ("title", "version"),
            isinstance(getattr(blank, one.name), tuple),
        )
        for one in fields(ReleaseSheet)
    )


SHEET_FIELDS = _sheet_fields()
"""All fields, in the order of the sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsForm:
    """What is done to images and labels; texts are as they were typed.

    Attributes
    ----------
    spacing : str
        Slices, rows, columns in mm; empty for none.
    image_interpolation, label_interpolation : str
        See `options.Resampling`.
    crop : str
        ``labels``, ``foreground``, or empty for the whole image.
    clip : str
        Lowest and highest value; empty for none.
    merge : str
        IDs of items, see `options.Labels`.
    window : str
        Of the protocol; empty for that of its view.
    orientation, crop_margin_mm, normalization, overlaps, bits, only_labeled, consecutive, parquet, nnunet_dataset
        See `options.ExportOptions`.
    """

    orientation: str = ""
    spacing: str = ""
    image_interpolation: str = "linear"
    label_interpolation: str = "nearest"
    crop: str = ""
    crop_margin_mm: float = 10.0
    clip: str = ""
    normalization: str = "none"
    merge: str = ""
    overlaps: str = "refuse"
    bits: int = 8
    window: str = ""
    only_labeled: bool = False
    consecutive: bool = False
    parquet: bool = False
    nnunet_dataset: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterForm:
    """Which cases belong to the release, as it was typed; empty for all.

    Attributes
    ----------
    modalities : str
        With spaces between.
    phases, flags : str
        With commas between.
    sexes : tuple of str
    age : str
        ``18-80``, ``40-`` or ``-65``.
    thickness : str
        mm.
    findings : str
        ``ITEM=ANSWER,ANSWER``, with spaces between.
    agreement : str
        ``ITEM`` or ``ITEM=LIMIT``, with spaces between.
    """

    modalities: str = ""
    phases: str = ""
    sexes: tuple[str, ...] = ()
    age: str = ""
    thickness: str = ""
    findings: str = ""
    agreement: str = ""
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """Places of what belongs to the cases, as they were chosen; empty for none."""

    report: str = ""
    images: str = ""
    facts: str = ""

    def reports_found(self) -> tuple[DeidentificationReport, ...]:
        """Reports of de-identification: the file, or all below the folder; raises `InputError` when there is none."""
        if not self.report:
            return ()
        path = Path(self.report)
        if not path.is_dir():
            return (read_deidentification_report(path),)
        paths = sorted(path.rglob("report.json"))
        if not paths:
            raise InputError(
                worded("{path}: holds no report.json; choose the report of de-identification.", path=str(path))
            )
        return tuple(read_deidentification_report(one) for one in paths)

    def images_found(self, progress: Progress) -> Mapping[str, Sequence[Path]]:
        """Files by Series Instance UID."""
        return files_by_series(Path(self.images), progress) if self.images else {}

    def facts_found(self) -> Mapping[str, CaseFacts]:
        """Facts by case."""
        return read_facts(Path(self.facts)) if self.facts else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseForm:
    """All that a lead has filled in.

    Attributes
    ----------
    name : str
        Of the release; empty for ``dataset-VERSION``.
    sheet : mapping of field to text
    formats, readings : tuple of str
    named : bool
        Whether readers are named.
    split : str
    options : OptionsForm
    filters : FilterForm
    sources : Sources
    """

    name: str = ""
    sheet: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    readings: tuple[str, ...] = ("reference",)
    named: bool = False
    split: str = ""
    options: OptionsForm = field(default_factory=OptionsForm)
    filters: FilterForm = field(default_factory=FilterForm)
    sources: Sources = field(default_factory=Sources)


def sheet_document(texts: Mapping[str, str]) -> dict[str, Any]:
    """The release sheet as its file has it; lists have an entry for each line."""
    document: dict[str, Any] = {}
    for one in SHEET_FIELDS:
        text = texts.get(one.name, "").strip()
        document[one.name] = [line.strip() for line in text.splitlines() if line.strip()] if one.is_list else text
    return document


def sheet_texts(sheet: ReleaseSheet) -> dict[str, str]:
    """Texts of the fields, to be edited."""
    values = {one.name: getattr(sheet, one.name) for one in SHEET_FIELDS}
    return {name: "\n".join(value) if isinstance(value, tuple) else value for name, value in values.items()}


def export_options(form: OptionsForm) -> ExportOptions:
    """Options of the export; raises `InputError` that says what cannot be understood."""
    document: dict[str, Any] = {
        "orientation": form.orientation,
        "labels": {
            "merge_into": _words(form.merge),
            "consecutive": form.consecutive,
            "overlaps": form.overlaps,
        },
        "pictures": {"bits": form.bits, "window": form.window or None, "only_labeled": form.only_labeled},
        "nnunet_dataset": form.nnunet_dataset,
        "parquet": form.parquet,
    }
    if form.spacing.strip():
        document["resampling"] = {
            "spacing_mm": _numbers("spacing", form.spacing, 3, "three numbers in mm, such as 3 1 1"),
            "image": form.image_interpolation,
            "labels": form.label_interpolation,
        }
    if form.crop:
        document["crop"] = {"to": form.crop, "margin_mm": form.crop_margin_mm}
    clip = (
        _numbers("clip", form.clip, 2, "a lower and a higher value, such as -1000 400") if form.clip.strip() else None
    )
    if clip is not None or form.normalization != "none":
        document["intensity"] = [{"clip": clip, "normalization": form.normalization}]
    return options_from_json(document)


def filters_of(form: FilterForm) -> Filters:
    """Filters of cases; raises `InputError` that says what cannot be understood."""
    low, high = _ages(form.age)
    return filters_from_json(
        {
            "modalities": [word.upper() for word in _words(form.modalities)],
            "phases": _entries(form.phases),
            "sexes": list(form.sexes),
            "min_age": low,
            "max_age": high,
            "max_slice_thickness_mm": _number("slice thickness", form.thickness),
            "findings": [
                {"item": item, "answers": _entries(answers) or ["present"]}
                for item, _, answers in (word.partition("=") for word in _words(form.findings))
            ],
            "agreement": [
                {"item": item, "limit": _number("agreement", limit)}
                for item, _, limit in (word.partition("=") for word in form.agreement.split())
            ],
            "without_flags": _entries(form.flags),
        }
    )


def release_request(form: ReleaseForm, sheet: ReleaseSheet, progress: Progress) -> ReleaseRequest:
    """The request that a form makes; reads reports, facts and places of images, on any thread."""
    return ReleaseRequest(
        name=form.name.strip() or f"dataset-{sheet.version}",
        sheet=sheet,
        formats=form.formats,
        options=export_options(form.options),
        selection=Selection(readings=form.readings, coded_readers=not form.named, filters=filters_of(form.filters)),
        split=form.split,
        reports=form.sources.reports_found(),
        images=form.sources.images_found(progress),
        facts=form.sources.facts_found(),
    )


def _words(text: str) -> list[str]:
    return text.split()


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _number(what: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(
            worded("{what}: '{text}' is no number; write one such as 1.5.", what=what, text=text[:40])
        ) from None


def _numbers(what: str, text: str, count: int, wanted: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise InputError(
            worded("{what}: '{text}' is not understood; write {wanted}.", what=what, text=text[:40], wanted=wanted)
        )
    return numbers


def _ages(text: str) -> tuple[float | None, float | None]:
    if not text.strip():
        return None, None
    low, dash, high = text.partition("-")
    if not dash:
        raise InputError(worded("age: '{text}' is not understood; write such as 18-80, 40- or -65.", text=text[:40]))
    return _number("age", low), _number("age", high)

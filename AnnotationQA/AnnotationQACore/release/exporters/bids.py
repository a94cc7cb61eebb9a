"""NIfTI in the layout of a BIDS derivative dataset (https://bids-specification.readthedocs.io).

Readings are told apart by ``desc-``, single structures by ``label-``. BIDS has no CT yet (BEP 024): its folder ``ct``
is named in ``.bidsignore``, and so are series whose kind of contrast is not known.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.interchange.derived import software_version
from AnnotationQACore.interchange.nifti import write_nifti
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.protocol.imaging import SeriesRole
from AnnotationQACore.release.exporters.checks import array_problems, case_problems, label_problems, series_problems
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish
from AnnotationQACore.release.exporters.table_text import Cell, tsv
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import Label, LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form, PreparedCase, PreparedReading, prepare_case
from AnnotationQACore.segmentation import Volume

__all__ = ["BidsExporter", "bids_label"]

_VERSION = "1.10.0"
_CONTRASTS = (
    ("FLAIR", r"flair"),
    ("T2starw", r"t2\*|t2star|swi|gre"),
    ("T2w", r"t2"),
    ("PDw", r"(?<![a-z])pd(?![a-z])|proton"),
    ("T1w", r"t1|mprage"),
)
_ENHANCED = r"contrast|gadolin|(?<![a-z])gd|(?<![a-z])ce(?![a-z])|post"


class BidsExporter:
    """Writes ``sub-P[/ses-T]/FOLDER/*.nii.gz`` with sidecars, ``participants.tsv``, ``dataset_description.json``."""

    name = "bids"

    def describe(self) -> str:
        """What it writes."""
        return (
            "NIfTI in a BIDS derivative layout: images, label images (dseg) with their table, single structures (mask) "
            "where they overlap, instances and probabilities (probseg)."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        return [
            *case_problems(dataset),
            *_name_problems(dataset),
            *series_problems(dataset, options),
            *array_problems(dataset, options),
            *label_problems(dataset, options, layered=options.labels.overlaps == "layers"),
        ]

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        table = label_table(dataset.protocol, options.labels)
        form = Form(layered=options.labels.overlaps == "layers", instances=True)
        sessions = _sessions(dataset)

        def write(case: ReleaseCase) -> Written:
            prepared = prepare_case(case, dataset.protocol, options, table, form)
            return Written(tuple(sorted(_write_case(dataset, prepared, folder, sessions[case.id], table))))

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        common = list(_write_common(dataset, folder))
        return finish(folder, *common, written=written)


def bids_label(text: str) -> str:
    """Text as the value of a BIDS entity: letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def _name_problems(dataset: Dataset) -> Iterator[str]:
    """Names that are one once only letters and digits are left of them."""
    patients: dict[str, set[str]] = defaultdict(set)
    for case in dataset.cases:
        patients[bids_label(case.patient)].add(case.patient)
    for label, names in sorted(patients.items()):
        if not label or len(names) > 1:
            shown = " and ".join(sorted(names))
            yield f"patients {shown}: are both sub-{label} in BIDS, which takes letters and digits only; rename one."
    sessions = _sessions(dataset)
    seen: dict[tuple[str, str], str] = {}
    for case in dataset.cases:
        key = (case.patient, sessions[case.id])
        if key in seen:
            yield f"cases {seen[key]} and {case.id}: are one session in BIDS; give them time points of their own."
        seen[key] = case.id
    for case in dataset.cases:
        names_of_readings = [bids_label(reading.name) for reading in case.readings]
        if len(set(names_of_readings)) < len(names_of_readings):
            yield f"case {case.id}: two readers have one name in BIDS; use coded names of readers."


def _sessions(dataset: Dataset) -> dict[str, str]:
    """Session of each case; empty for patients with one case and no time point."""
    cases: dict[str, list[ReleaseCase]] = defaultdict(list)
    for case in dataset.cases:
        cases[case.patient].append(case)
    found = {}
    for several in cases.values():
        points = [bids_label(case.time_point) for case in several]
        distinct = len(set(points)) == len(points) and all(points)
        for case, point in zip(several, points, strict=True):
            found[case.id] = point if distinct else (bids_label(case.id) if len(several) > 1 else "")
    return found


def _write_case(
    dataset: Dataset, prepared: PreparedCase, folder: Path, session: str, table: LabelTable
) -> Iterator[str]:
    case = prepared.case
    subject = f"sub-{bids_label(case.patient)}"
    stem = f"{subject}_ses-{session}" if session else subject
    root = folder / subject / f"ses-{session}" if session else folder / subject
    roles = {role.id: role for role in dataset.protocol.imaging.series}
    first = next(iter(prepared.images))
    source = ""
    for role, voxels in prepared.images.items():
        facts = next(image.facts for image in case.images if image.role == role)
        datatype, entities, suffix = _kind(role, roles.get(role), facts.modality)
        path = root / datatype / f"{stem}{entities}_desc-{bids_label(role)}_{suffix}.nii.gz"
        yield (written := _nifti(path, voxels, prepared, folder))
        source = source or f"bids::{written}"
        about = {
            "Description": f"Series '{role}' of case {case.id}.",
            "SkullStripped": False,
            "Modality": facts.modality,
        }
        yield _json(path, about, folder)
    modality = next(image.facts.modality for image in case.images if image.role == first)
    datatype, entities, _ = _kind(first, roles.get(first), modality)
    for one in prepared.readings:
        yield from _write_reading(one, prepared, root / datatype / f"{stem}{entities}", folder, table, source)


def _write_reading(
    one: PreparedReading, prepared: PreparedCase, start: Path, folder: Path, table: LabelTable, source: str
) -> Iterator[str]:
    """Write what a reading has; `start` is the folder and the first entities of its files."""
    place, stem = start.parent, start.name
    desc = bids_label(one.reading.name)
    about = {
        "Description": f"{one.reading.kind.value.capitalize()} of case {prepared.case.id}.",
        "Sources": [source],
        "SpatialReference": source,
        "Rater": one.reading.name,
        "Manual": one.reading.kind.value in ("reader", "reference standard"),
        "Protocol": one.reading.protocol,
        "Reading": one.reading.sha256,
    }
    if one.layers is not None and len(one.layers) == 1:
        path = place / f"{stem}_desc-{desc}_dseg.nii.gz"
        yield _nifti(path, one.layers[0], prepared, folder)
        yield _json(path, about, folder)
        yield _text(path, ".tsv", _lookup(table.labels), folder)
    elif one.layers is not None:
        for label, layer in zip(table.labels, one.layers, strict=True):
            path = place / f"{stem}_label-{bids_label(label.id)}_desc-{desc}_mask.nii.gz"
            yield _nifti(path, (layer != 0).astype("uint8"), prepared, folder)
            yield _json(path, about | {"Type": "ROI", "Structure": label.item.title}, folder)
    for item, voxels in one.instances.items():
        path = place / f"{stem}_desc-{desc}{bids_label(item)}Instances_dseg.nii.gz"
        numbers = sorted({int(number) for number in voxels.ravel()[voxels.ravel() > 0].tolist()})
        yield _nifti(path, voxels, prepared, folder)
        yield _json(path, about | {"Structure": f"Instances of {item}"}, folder)
        rows: list[list[Cell]] = [[number, f"{item}#{number}"] for number in numbers]
        yield _text(path, ".tsv", tsv(["index", "name"], rows), folder)
    for name, fraction in one.probabilities.items():
        path = place / f"{stem}_label-{bids_label(name)}_desc-{desc}_probseg.nii.gz"
        yield _nifti(path, fraction, prepared, folder)
        kind = {"Structure": name, "Meaning": f"Fraction of {one.reading.voters} readers who marked the voxel"}
        yield _json(path, about | kind, folder)


def _kind(role: str, definition: SeriesRole | None, modality: str) -> tuple[str, str, str]:
    """Folder, entities and suffix of a series."""
    words = " ".join((role, definition.title if definition else "", definition.description if definition else ""))
    words = words.lower().replace("_", " ")
    if modality == "MR":
        found = next((suffix for suffix, pattern in _CONTRASTS if re.search(pattern, words)), "")
        if found:
            return "anat", "_ce-contrast" if re.search(_ENHANCED, words) else "", found
        return "mr", "", "mr"
    if modality == "PT":
        return "pet", "", "pet"
    name = bids_label(modality).lower() or "image"
    return name, "", name


def _write_common(dataset: Dataset, folder: Path) -> Iterator[Path]:
    description = {
        "Name": dataset.name,
        "BIDSVersion": _VERSION,
        "DatasetType": "derivative",
        "License": dataset.licence,
        "GeneratedBy": [{"Name": "AnnotationQA", "Version": software_version()}],
        "Authors": list(dataset.protocol.authors),
        "ReferencesAndLinks": list(dataset.protocol.references),
    }
    if not dataset.licence:
        del description["License"]
    yield _write(folder / "dataset_description.json", json.dumps(description, ensure_ascii=False, indent=1) + "\n")
    yield _write(folder / "README.md", _readme(dataset))
    ignored = sorted({path.parent.name for path in folder.glob("sub-*/**/*.nii.gz")} - {"anat", "pet"})
    if ignored:
        yield _write(folder / ".bidsignore", "".join(f"**/{name}\n" for name in ignored))
    patients: dict[str, ReleaseCase] = {}
    for case in dataset.cases:
        patients.setdefault(case.patient, case)
    rows = [
        [f"sub-{bids_label(patient)}", _age(case), case.sex or "n/a", case.site or "n/a", dataset.split_of(case)]
        for patient, case in sorted(patients.items())
    ]
    heads = ["participant_id", "age", "sex", "site", "split"]
    yield _write(folder / "participants.tsv", tsv(heads, rows))
    columns = {
        "participant_id": {"Description": "Pseudonym of the patient."},
        "age": {"Description": "Age at the first case; 89+ stands for 89 and above.", "Units": "year"},
        "sex": {"Description": "Sex as stated in the images.", "Levels": {"M": "male", "F": "female", "O": "other"}},
        "site": {"Description": "Where the images were taken."},
        "split": {"Description": "Part of the dataset to which all cases of the patient belong."},
    }
    yield _write(folder / "participants.json", json.dumps(columns, indent=1) + "\n")


def _readme(dataset: Dataset) -> str:
    protocol = dataset.protocol
    return "\n".join(
        (
            f"# {dataset.name} {dataset.version}",
            "",
            dataset.description or f"Labeled images, released from the labeling protocol “{protocol.title}”.",
            "",
            f"- Protocol: {protocol.id}, version {protocol.version}, SHA-256 {protocol.hash}",
            f"- Purpose of the labels: {protocol.purpose}",
            f"- Cases: {len(dataset.cases)} of {len({case.patient for case in dataset.cases})} patients",
            "",
            "Files with `desc-` and the name of a reading hold what that reading says: `desc-reference` the",
            "reference standard, `desc-reader1` the first reader, `desc-probability` the fraction of the readers who",
            "marked a voxel. `dseg` files are label images with a table (`.tsv`) of their values, `mask` files single",
            "structures, and `...Instances_dseg` files number the instances of a structure as the reading does. The",
            "part of the dataset to which a patient belongs stands in `participants.tsv`.",
            "",
        )
    )


def _age(case: ReleaseCase) -> str:
    if case.age_years is None:
        return "n/a"
    return "89+" if case.age_years >= 89 else f"{case.age_years:.0f}"


def _lookup(labels: tuple[Label, ...]) -> str:
    """Table of labels that a dseg file needs."""
    rows: list[list[Cell]] = [
        [label.value, label.item.title, bids_label(label.id), label.item.color] for label in labels
    ]
    return tsv(["index", "name", "abbreviation", "color"], rows)


def _nifti(path: Path, voxels: Any, prepared: PreparedCase, folder: Path) -> str:
    make_folder(path.parent)
    write_nifti(path, Volume(voxels, prepared.grid))
    return path.relative_to(folder).as_posix()


def _json(image: Path, document: Mapping[str, Any], folder: Path) -> str:
    return _text(image, ".json", json.dumps(document, ensure_ascii=False, indent=1) + "\n", folder)


def _text(image: Path, suffix: str, content: str, folder: Path) -> str:
    path = image.with_name(image.name.removesuffix(".nii.gz") + suffix)
    return _write(path, content).relative_to(folder).as_posix()


def _write(path: Path, content: str) -> Path:
    atomic.write_text(path, content)
    return path

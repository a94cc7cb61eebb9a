"""Tables and provenance that every release holds, whatever its formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Action, SubmittedReading
from AnnotationQACore.release.composition import UNKNOWN, characteristics
from AnnotationQACore.release.duplicates import Link
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.fingerprints import Fingerprint
from AnnotationQACore.release.gate.deidentification import DeidentificationReport

__all__ = [
    "CASE_COLUMNS",
    "cases_table",
    "deidentification_document",
    "fingerprints_document",
    "ledger_document",
    "part_of",
    "readings_table",
]

CASE_COLUMNS = (
    ("case", "Pseudonym of the case"),
    ("patient", "Pseudonym of the patient, the same for all cases of a patient"),
    ("split", "Part of the dataset"),
    ("time_point", "Time point of the case"),
    ("modality", "Modality of the images"),
    ("scanner", "Manufacturer or scanner"),
    ("site", "Site"),
    ("sex", "Sex of the patient"),
    ("age", "Age of the patient, by decades"),
    ("body_part", "Body part examined"),
    ("phase", "Contrast phase"),
    ("slice_thickness_mm", "Slice thickness of the first series in mm"),
    ("voxels", "Voxels of the first series: slices x rows x columns"),
    ("volumes", "Volumes of the first series"),
    ("findings", "Answers of the reference standard"),
)
"""Columns of ``cases.csv``, and what they hold."""


def part_of(dataset: Dataset, case: ReleaseCase) -> str:
    """Part in which a case is; empty where the dataset has no split."""
    return dataset.splits.get(case.id, "")


def cases_table(dataset: Dataset) -> str:
    """One row for each case, as CSV."""
    known = characteristics(dataset.protocol)

    def row(case: ReleaseCase) -> list[str]:
        facts = case.images[0].facts if case.images else None
        said = {name: "; ".join(sorted(known[name](case) - {UNKNOWN})) for name in known}
        thickness = facts.slice_thickness_mm if facts else None
        return [
            case.id,
            case.patient,
            part_of(dataset, case),
            case.time_point,
            *(said[name] for name in ("modality", "scanner", "site", "sex", "age")),
            facts.body_part if facts else "",
            facts.phase if facts else "",
            f"{thickness:g}" if thickness else "",
            "x".join(map(str, facts.shape)) if facts else "",
            str(facts.volumes) if facts else "",
            said["findings"],
        ]

    return _csv([name for name, _ in CASE_COLUMNS], [row(case) for case in dataset.cases])


def readings_table(project: Project, dataset: Dataset, names: Mapping[str, str]) -> str:
    """Where every released label comes from: by the hashes, each is found in the ledger again.

    Parameters
    ----------
    project : Project
    dataset : Dataset
    names : mapping of member to str
        What people are called in the release.
    """
    rows = []
    for case in dataset.cases:
        for reading in case.readings:
            submitted = project.state.reading(reading.id) if reading.id else None
            rows.append(
                [
                    case.id,
                    reading.name,
                    reading.kind.value,
                    reading.sha256,
                    submitted.segmentation_sha256 if submitted else "",
                    str(submitted.revision) if submitted else "",
                    submitted.time if submitted else "",
                    names.get(submitted.actor, "") if submitted else "",
                    reading.protocol,
                    *_decision(project, case.id, submitted, names),
                ]
            )
    header = ["case", "reading", "kind", "sha256", "segmentation_sha256", "revision", "time", "signed_by", "protocol",
              "decision", "decided_by", "decided_at", "decision_sha256"]  # fmt: skip
    return _csv(header, rows)


def ledger_document(project: Project) -> str:
    """Where the ledger stood, as JSON: whoever has the project can show that nothing before was changed."""
    state = project.state
    document = {
        "project": project.id,
        "acts": state.events,
        "heads": {key: [head.sequence, head.hash] for key, head in sorted(state.front.heads.items())},
        "protocols": [{"version": one.version, "hash": one.hash, "time": one.time} for one in state.protocols],
    }
    return _json(document)


def deidentification_document(reports: Sequence[DeidentificationReport]) -> str:
    """What the de-identification reports say, as JSON, without their lists of source files and retained texts."""
    return _json(
        [
            {
                "report sha256": report.sha256,
                "public key": report.public_key,
                "standard": report.standard,
                "profile": dict(report.profile),
                "finished": report.finished,
                "counts": dict(report.counts),
                "conformance": dict(report.conformance),
                "retained texts": len(report.retained),
            }
            for report in reports
        ]
    )


def fingerprints_document(
    prints: Mapping[str, Sequence[Fingerprint]], links: Sequence[Link], dismissed: frozenset[str]
) -> str:
    """Fingerprints of all images and the links found, as JSON, from which ``release check`` proves the split again."""
    return _json(
        {
            "cases": {case: [one.to_json() for one in own] for case, own in prints.items()},
            "links": [link.to_json() for link in links],
            "signed off as different": sorted(dismissed),
        }
    )


def _decision(
    project: Project, case: str, submitted: SubmittedReading | None, names: Mapping[str, str]
) -> tuple[str, str, str, str]:
    for decision in reversed(project.state.decisions.get(case, ())):
        named = submitted is not None and submitted.id in decision.readings
        if named and not decision.item and decision.action in (Action.ACCEPT, Action.ADJUDICATE):
            return decision.action, names.get(decision.actor, ""), decision.time, decision.hash
    return "", "", "", ""


def _csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows([[_no_formula(cell) for cell in row] for row in rows])
    return text.getvalue()


def _no_formula(cell: str) -> str:
    """A spreadsheet must not take what people wrote for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n"

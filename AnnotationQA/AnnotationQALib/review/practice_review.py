"""A project to practise the review on: phantoms of lung nodules that three readers have read, made on this computer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, create_identity
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.readings import Answer, Presence, RatingValue, Reading, SegmentationValue, Subject
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.items import Rating
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Mask, Segment, Segmentation

__all__ = ["PRACTICE_READERS", "make_review_practice"]

GRID = Grid((40, 128, 128), (2.5, 1.5, 1.5), (-50.0, -95.0, -95.0))
PRACTICE_READERS = {"anna": "Dr Anna", "ben": "Dr Ben", "cleo": "Dr Cleo"}
PASSPHRASE = ""


@dataclass(frozen=True, slots=True)
class _Nodule:
    """A sphere: centre (k, j, i) in voxels and radius in mm; by how much each reader draws it larger, None for not."""

    center: tuple[float, float, float]
    radius: float
    larger: Mapping[str, float | None]
    malignancy: Mapping[str, int]


_ALIKE = {"anna": 0.0, "ben": 0.0, "cleo": 0.1}
_SAME = {"anna": 3, "ben": 3, "cleo": 3}
_CASES: Mapping[str, tuple[_Nodule, ...]] = {
    "review-1": (_Nodule((20.0, 60.0, 40.0), 11.0, _ALIKE, _SAME),),
    "review-2": (
        _Nodule((14.0, 48.0, 88.0), 9.0, {"anna": 0.0, "ben": 3.0, "cleo": -1.0}, {"anna": 2, "ben": 4, "cleo": 2}),
    ),
    "review-3": (
        _Nodule((26.0, 84.0, 44.0), 12.0, {"anna": 0.0, "ben": 0.6, "cleo": 0.0}, {"anna": 4, "ben": 4, "cleo": 5}),
        _Nodule((12.0, 44.0, 90.0), 5.5, {"anna": 0.0, "ben": 0.4, "cleo": None}, {"anna": 2, "ben": 3, "cleo": 1}),
    ),
    "review-4": (
        _Nodule((22.0, 70.0, 80.0), 8.0, {"anna": None, "ben": 0.0, "cleo": None}, {"anna": 1, "ben": 2, "cleo": 1}),
    ),
}


def make_review_practice(folder: Path, identity: Identity) -> Path:
    """Make a project that three made-up readers have read, for `identity` to review; raises `DestinationError`."""
    protocol = load_shipped("lung_nodule_ct")
    roles = (Role.LEAD, Role.REVIEWER, Role.ADJUDICATOR)
    lead = Project.create(folder / "project", identity, protocol, name="Practice: review", roles=roles)
    people = {name: create_identity(name, folder / "keys", passphrase=PASSPHRASE) for name in PRACTICE_READERS}
    for name, title in PRACTICE_READERS.items():
        lead.add_member(name, title, [Role.READER], people[name].public_key)
    cases = []
    for number, (name, nodules) in enumerate(_CASES.items(), start=1):
        images = folder / "images" / name
        make_folder(images)
        uid = f"2.25.{9100 + number}"
        write_phantom_series(images, Mask(_spheres([(one, 0.0) for one in nodules]) > 0, GRID), name, uid, seed=number)
        files, sha256 = hash_series(images)
        patient = "review-3" if name == "review-4" else name  # two time points of one patient
        role = protocol.imaging.reference_series
        cases.append(Case(name, patient, "", (SeriesReference(role, str(images), uid, files, sha256),)))
    lead.add_cases(cases)
    numbered = list(enumerate(cases, start=1))
    lead.assign([Assignment(case.id, name, 1, "reading", n) for n, case in numbered for name in PRACTICE_READERS])
    for reader, person in people.items():
        project = Project.open(folder / "project", person)
        for name, nodules in _CASES.items():
            _submit(project, protocol, name, reader, nodules)
        project.close()
    lead.close()
    return folder / "project"


def _submit(project: Project, protocol: Protocol, case: str, reader: str, nodules: tuple[_Nodule, ...]) -> None:
    drawn = [(one, larger) for one in nodules if (larger := one.larger[reader]) is not None]
    answers: list[Answer] = []
    if not drawn:
        answers.append(Answer("nodule", SegmentationValue(Presence.ABSENT)))
    for number, (nodule, _) in enumerate(drawn, start=1):
        subject = Subject(instance=number)
        answers.append(Answer("nodule", SegmentationValue(Presence.PRESENT), subject))
        for item in protocol.items:
            if isinstance(item, Rating) and item.scope.level == "instance":
                level = nodule.malignancy[reader] if item.id == "malignancy" else _usual(item)
                answers.append(Answer(item.id, RatingValue(level), subject))
    reading = Reading(case, reader, 1, 1, protocol.hash, tuple(answers))
    if not drawn:
        project.submit_reading(reading)
        return
    segments = tuple(Segment(f"nodule#{n}", f"Nodule {n}", n, 0, (0.95, 0.75, 0.2)) for n in range(1, len(drawn) + 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reading.seg.nrrd"
        write_segmentation(path, Segmentation(_spheres(drawn)[np.newaxis], GRID, segments))
        project.submit_reading(reading, path)


def _usual(item: Rating) -> int:
    """The level in the middle."""
    return item.levels[len(item.levels) // 2].value


def _spheres(nodules: list[tuple[_Nodule, float]]) -> np.ndarray:
    """Label map, shape (k, j, i), with nodule number n where the n-th sphere is, larger by so many mm."""
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    axes = np.ogrid[tuple(slice(size) for size in GRID.shape)]
    for number, (nodule, larger) in enumerate(nodules, start=1):
        parts = [((axis - at) * step) ** 2 for axis, at, step in zip(axes, nodule.center, GRID.spacing, strict=True)]
        labels[np.asarray(sum(parts) <= (nodule.radius + larger) ** 2)] = number
    return labels

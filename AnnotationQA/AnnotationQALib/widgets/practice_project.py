"""A project to practise on, with phantoms of lung nodules: made on this computer, without internet and patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, create_identity, key_files, load_identity
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.segmentation import Mask

__all__ = ["PRACTICE_READER", "make_practice_project", "practice_identity"]

PRACTICE_READER = "practice"

GRID = Grid((40, 128, 128), (2.5, 1.5, 1.5), (-50.0, -95.0, -95.0))
NODULES = {
    "practice-1": (((20.0, 60.0, 40.0), 9.0),),
    "practice-2": (((12.0, 40.0, 90.0), 6.0), ((28.0, 85.0, 45.0), 12.0)),
    "practice-3": (),
}
"""Centre (k, j, i) in voxels and radius in mm of each nodule, by case; the last case has none."""


def practice_identity() -> Identity:
    """The key of the practice reader on this computer, made when there is none."""
    return load_identity(PRACTICE_READER) if PRACTICE_READER in key_files() else create_identity(PRACTICE_READER)


def make_practice_project(folder: Path, identity: Identity) -> Path:
    """Make a project with three phantoms under the protocol for lung nodules; raises `DestinationError`."""
    protocol = load_shipped("lung_nodule_ct")
    project = Project.create(
        folder / "project", identity, protocol, name="Practice: lung nodules", roles=(Role.LEAD, Role.READER)
    )
    cases = []
    for number, (name, nodules) in enumerate(NODULES.items(), start=1):
        images = folder / "images" / name
        make_folder(images)
        uid = f"2.25.{9000 + number}"
        write_phantom_series(images, _mask(nodules), name, uid, seed=number)
        files, sha256 = hash_series(images)
        role = protocol.imaging.reference_series
        cases.append(Case(name, name, "", (SeriesReference(role, str(images), uid, files, sha256),)))
    project.add_cases(cases)
    project.assign([Assignment(case.id, identity.member, 1, "reading", n) for n, case in enumerate(cases, start=1)])
    return project.folder


def _mask(nodules: tuple[tuple[tuple[float, float, float], float], ...]) -> Mask:
    voxels = np.zeros(GRID.shape, dtype=bool)
    index = np.indices(GRID.shape).astype(float)
    for center, radius in nodules:
        distances = [(axis - at) * step for axis, at, step in zip(index, center, GRID.spacing, strict=True)]
        voxels |= sum(distance**2 for distance in distances) <= radius**2
    return Mask(voxels, GRID)

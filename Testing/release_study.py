"""A study that can be released: de-identified CT of six patients, two readers, a model, a reference standard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.answers import Answer, Presence, PresenceValue, RatingValue, SegmentationValue, TextValue
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity, create_identity
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Action, Role
from AnnotationQACore.protocol.loading import load_protocol
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.gate.deidentification import read_deidentification_report
from AnnotationQACore.release.gate.texts import TextScreen
from AnnotationQACore.release.looking import to_look_at
from AnnotationQACore.release.request import ReleaseRequest, gather
from AnnotationQACore.release.sheet import ReleaseSheet
from AnnotationQACore.segmentation import Mask, Segment, Segmentation
from DeidentifyStudyCore.cli.main import main as deidentify

GRID = Grid((5, 40, 36), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
PATIENTS = {f"case-{number}": f"P{letter}" for number, letter in enumerate("AABCDEF", start=1)}
"""The first patient has two cases."""

CODE = {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}
CATEGORY = {"scheme": "SCT", "value": "123037004", "meaning": "Anatomical Structure"}
PROTOCOL: dict[str, Any] = {
    "id": "phantoms",
    "title": "Phantoms of the lung",
    "version": "1.0.0",
    "change_note": "First.",
    "purpose": "Find nodules.",
    "clinical_decision": "Follow-up by CT.",
    "imaging": {
        "body_region": CODE,
        "reference_series": "ct",
        "series": [{"id": "ct", "title": "CT", "modalities": ["CT"]}],
    },
    "design": {"readers_per_case": 2, "training": "Ten cases with feedback."},
    "items": [
        {"kind": "segmentation", "id": "lung", "title": "Lung", "definition": "All of it.", "label_value": 1,
         "codes": {"category": CATEGORY, "type": CODE}, "agreement": {"statistic": "dice", "threshold": 0.8}},
        {"kind": "classification", "id": "nodule", "title": "Nodule", "definition": "One or more.",
         "selection": "presence", "codes": {"type": CODE},
         "agreement": {"statistic": "cohen_kappa", "threshold": 0.6, "case_tolerance": 0}},
        {"kind": "rating", "id": "quality", "title": "Quality", "definition": "How good.", "codes": {"type": CODE},
         "levels": [{"value": value, "title": f"Level {value}"} for value in (1, 2, 3)],
         "agreement": {"statistic": "weighted_kappa_quadratic", "threshold": 0.6, "case_tolerance": 0}},
        {"kind": "text", "id": "comment", "title": "Comment", "definition": "Words.", "required": False},
    ],
}  # fmt: skip
NODULES = frozenset({"case-2", "case-4", "case-7"})
SHEET = ReleaseSheet(
    title="Phantom nodules",
    version="1.0.0",
    summary="Phantoms with and without nodules. They teach nothing about people.",
    creators=("Department of Phantoms",),
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    ethics="No approval is needed: nobody was examined.",
    collection="Made by a random number generator.",
    reader_training="Two programs without experience.",
    limitations=("Phantoms are not people.",),
    contact="phantoms@example.org",
)


@dataclass
class Clock:
    """Goes on at every look."""

    time: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)
    step: timedelta = timedelta(minutes=10)

    def __call__(self) -> datetime:
        self.time += self.step
        return self.time


@dataclass
class Study:
    """A project and what belongs to it."""

    base: Path
    people: dict[str, Identity]
    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 4, 1, 9, tzinfo=UTC)))

    @property
    def folder(self) -> Path:
        return self.base / "project"

    @property
    def report(self) -> Path:
        return self.base / "report" / "report.json"

    def as_(self, name: str) -> Project:
        return Project.open(self.folder, self.people[name], clock=self.clock)

    def request(self, **changes: Any) -> ReleaseRequest:
        request = ReleaseRequest(
            name="release-1",
            sheet=SHEET,
            formats=("labels",),
            split="main" if "main" in self.as_("lead").state.splits else "",
            reports=(read_deidentification_report(self.report),),
        )
        return replace(request, **changes)

    def sign_off(self, screen: TextScreen, request: ReleaseRequest | None = None) -> None:
        """Sign off all that waits to be looked at."""
        project = self.as_("lead")
        wanted = request or self.request()
        found = to_look_at(project, wanted, gather(project, wanted), screen)
        for subject, hashes in (("text", found.text_hashes()), ("image", found.image_hashes())):
            if hashes:
                project.sign_off(subject, hashes, "looked at")

    def read(self, case: str, reader: str, *, revision: int = 1, text: str = "", shift: int = 0, **said: Any) -> str:
        """Submit a reading, by the reader or, for a model, by the lead."""
        project = self.as_(reader if reader in self.people else "lead")
        reading, path = make_reading(self.base, project.protocol(), case, reader, revision, text, shift, **said)
        return project.submit_reading(reading, path).id

    def adopt(self, change: Any) -> Protocol:
        """Put a changed version of the protocol in force."""
        document = json.loads(json.dumps(PROTOCOL))
        change(document)
        path = self.base / "next.json"
        path.write_text(json.dumps(document))
        protocol = load_protocol(path)
        self.as_("lead").adopt_protocol(protocol)
        return protocol


def make_reading(
    base: Path,
    protocol: Protocol,
    case: str,
    reader: str,
    revision: int = 1,
    text: str = "",
    shift: int = 0,
    **said: Any,
) -> tuple[Reading, Path]:
    """A reading with a lung that is moved by some voxels, and answers."""
    voxels = np.zeros((1, *GRID.shape), np.uint8)
    voxels[0, 1:4, 8 + shift : 30 + shift, 8:28] = 1
    path = base / "scratch.seg.nrrd"
    write_segmentation(path, Segmentation(voxels, GRID, (Segment("lung", "Lung", 1),)))
    nodule = said.get("nodule", Presence.PRESENT if case in NODULES else Presence.ABSENT)
    answers = [
        Answer("lung", SegmentationValue(Presence.PRESENT)),
        Answer("nodule", PresenceValue(nodule)),
        Answer("quality", RatingValue(said.get("quality", 1 + int(case[-1]) % 3))),
    ]
    if text:
        answers.append(Answer("comment", TextValue(text)))
    return Reading(case, reader, 1, revision, protocol.hash, tuple(answers)), path


def write_images(folder: Path, case: str, seed: int) -> None:
    """A CT series of smooth noise, which no other case has."""
    folder.mkdir(parents=True)
    uid = f"1.2.826.0.1.3680043.10.999.{seed + 1}"
    files = write_phantom_series(folder, Mask(np.zeros(GRID.shape, bool), GRID), case, uid, seed=seed)
    noise = np.random.default_rng(seed).normal(size=GRID.shape)
    smooth = ndimage.gaussian_filter(noise, (1, 3, 3))
    values = (1000 * smooth / np.abs(smooth).max()).astype(np.int16)
    for path in files:
        dataset = pydicom.dcmread(path)
        number = int(dataset.InstanceNumber) - 1
        dataset.PixelData = (values[number] + 1024).astype(np.uint16).tobytes()
        dataset.save_as(path)


def series_of(project: Path, folder: Path) -> SeriesReference:
    """The series in a folder, as a case names it."""
    count, sha256 = hash_series(folder)
    uid = str(pydicom.dcmread(next(folder.glob("*.dcm")), stop_before_pixels=True).SeriesInstanceUID)
    return SeriesReference("ct", str(folder.relative_to(project)), uid, count, sha256)


def deidentified(base: Path, cases: Sequence[str]) -> dict[str, Path]:
    """De-identify phantoms as a site would; the folder of each case's images, in the project."""
    folders = {}
    for case in cases:
        write_images(base / "incoming" / case, case, int(case[-1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEIDENTIFY_PASSPHRASE", "phantom-phantom")
        assert deidentify(["key", "new", str(base / "secret.key")]) == 0
        words = ["run", base / "incoming", base / "clean", "--key", base / "secret.key", "--report", base / "report"]
        assert deidentify([*map(str, words), "--profile", "research-shifted-dates"]) == 0
    clean = {}
    for path in sorted((base / "clean").rglob("*.dcm")):
        voxels = pydicom.dcmread(path)
        clean.setdefault(str(voxels.SeriesInstanceUID), []).append(path)
    pixels = {}
    for files in clean.values():
        first = next(path for path in files if pydicom.dcmread(path).InstanceNumber == 1)
        pixels[pydicom.dcmread(first).PixelData] = files
    for case in cases:
        first_image = min((base / "incoming" / case).iterdir(), key=lambda p: int(pydicom.dcmread(p).InstanceNumber))
        folder = base / "project" / "images" / case
        folder.mkdir(parents=True)
        for path in pixels[pydicom.dcmread(first_image).PixelData]:
            shutil.copy(path, folder)
        folders[case] = folder
    return folders


def make_study(base: Path) -> dict[str, Identity]:
    """Make the project and what belongs to it in a folder; returns the keys of the people."""
    people = {name: create_identity(name, base / "keys") for name in ("lead", "anna", "ben", "rita")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(base / "user"))
        study = Study(base, people, Clock())
        (base / "protocol.json").write_text(json.dumps(PROTOCOL))
        lead = Project.create(
            study.folder, people["lead"], load_protocol(base / "protocol.json"), name="Phantoms", clock=study.clock
        )
        folders = deidentified(base, list(PATIENTS))
        lead.change_member("lead", "Lea", [Role.LEAD, Role.REVIEWER])
        for name in ("anna", "ben"):
            lead.add_member(name, name.capitalize(), [Role.READER], people[name].public_key)
        lead.add_member("rita", "Rita", [Role.REVIEWER, Role.ADJUDICATOR], people["rita"].public_key)
        lead.add_member("model:net", "Net", [Role.READER])
        lead.add_cases(
            [Case(case, PATIENTS[case], series=(series_of(study.folder, folder),)) for case, folder in folders.items()]
        )
        lead.assign([Assignment(case, reader, 1, "reading", n) for n, case in enumerate(PATIENTS, 1)
                     for reader in ("anna", "ben")])  # fmt: skip
        for reader, shift in (("anna", 0), ("ben", 1)):
            project = study.as_(reader)
            project.submit_readings(
                [
                    (reading, _kept(path, base, case, reader))
                    for case in PATIENTS
                    for reading, path in [make_reading(base, project.protocol(), case, reader, shift=shift)]
                ]
            )
        for case in PATIENTS:
            study.as_("rita").decide(case, Action.ACCEPT, [f"{case}/anna/round-1/revision-1"], reason="alike")
    return people


def _kept(path: Path, base: Path, case: str, reader: str) -> Path:
    kept = base / f"{case}-{reader}.seg.nrrd"
    shutil.move(path, kept)
    return kept

"""A folder of de-identified objects: one examination and one mask for each frame of reference, one decision, all files.

Whatever cannot be said to be without a face, and is not confirmed by a person, is not written.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.atomic import replacing
from DeidentifyStudyCore.errors import DestinationError, InputError, Quarantined
from DeidentifyStudyCore.faces.alteration import FaceMask, write_altered
from DeidentifyStudyCore.faces.finding import Finding
from DeidentifyStudyCore.faces.groups import FACES_IN, examine_group, group_of, is_projection, verdict_of_person
from DeidentifyStudyCore.faces.stack import DERIVED, ImageFile, read_header
from DeidentifyStudyCore.faces.store import FaceStore
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.review import ReviewQueue

__all__ = ["FaceOutcome", "FileRow", "deface_folder"]

FORMAT = "deidentify-faces/1"
_NO_OBJECT = {"not-dicom", "empty-file", "unreadable"}


@dataclass(frozen=True, slots=True)
class FileRow:
    """What became of a file.

    Attributes
    ----------
    path : str
        Relative to the source and to the destination.
    outcome : str
        ``altered``, ``copied`` or ``quarantined``.
    reason : str
        Code from `quarantine.REASONS`; empty when it was written.
    frames : int
        Frames in which pixels were filled.
    """

    path: str
    outcome: str
    reason: str = ""
    frames: int = 0


@dataclass(frozen=True)
class FaceOutcome:
    """What a run did: findings by the UID of their frame of reference, and every file."""

    findings: dict[str, Finding] = field(default_factory=dict)
    files: list[FileRow] = field(default_factory=list)

    @property
    def quarantined(self) -> int:
        """Files that were not written."""
        return sum(row.outcome == "quarantined" for row in self.files)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "format": FORMAT,
            "frames_of_reference": [{"uid": uid, **found.as_json()} for uid, found in sorted(self.findings.items())],
            "files": [
                {"path": row.path, "outcome": row.outcome, "reason": row.reason, "frames": row.frames}
                for row in sorted(self.files, key=lambda row: row.path)
            ],
        }


def deface_folder(
    source: Path, destination: Path, queue: ReviewQueue, *, ears: bool = False, progress: Progress = silent
) -> FaceOutcome:
    """Examine all series of a folder of de-identified objects; write what is confirmed or needs nothing.

    Findings that wait are put into `queue`, with their picture beside it; the caller saves the queue.

    Raises
    ------
    InputError
        The source is no folder, holds no file, or objects that were not de-identified.
    DestinationError
        The destination cannot be written.
    """
    if not source.is_dir():
        raise InputError("the source is not a folder; name the folder that 'run' wrote.")
    paths = sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    if not paths:
        raise InputError("the source holds no files; name the folder that 'run' wrote.")
    outcome = FaceOutcome()
    others, groups = _grouped(paths, source, outcome, progress)
    if not others and not groups and {row.reason for row in outcome.files} <= _NO_OBJECT:
        raise InputError("the source holds no DICOM object; name the folder that 'run' wrote.")
    for done, (uid, files) in enumerate(sorted(groups.items())):
        progress(done, len(groups), "examining")
        _deface_group(uid, files, source, destination, queue, outcome, ears)
    progress(len(groups), len(groups), "examining")
    for path in others:
        _copy(path, source, destination, outcome)
    return outcome


def _grouped(
    paths: list[Path], source: Path, outcome: FaceOutcome, progress: Progress
) -> tuple[list[Path], dict[str, list[ImageFile]]]:
    others: list[Path] = []
    groups: dict[str, list[ImageFile]] = {}
    for done, path in enumerate(paths):
        progress(done, len(paths), "reading")
        if path.name == "DICOMDIR":
            others.append(path)
            continue
        try:
            file = read_header(path)
        except Quarantined as error:
            outcome.files.append(FileRow(_name(path, source), "quarantined", error.reason))
            continue
        if file is None:
            others.append(path)
            continue
        if not file.removed:
            raise InputError("the source holds objects that were not de-identified; use 'run' on it first.")
        groups.setdefault(group_of(file), []).append(file)
    return others, groups


def _deface_group(
    uid: str,
    files: list[ImageFile],
    source: Path,
    destination: Path,
    queue: ReviewQueue,
    outcome: FaceOutcome,
    ears: bool,
) -> None:
    if not any(file.modality in FACES_IN for file in files):
        for file in files:
            _copy(file.path, source, destination, outcome)
        return
    finding = examine_group(files, ears=ears)
    outcome.findings[uid] = finding
    reason = "" if finding.verdict == "no-face" else verdict_of_person(finding, queue)
    if finding.digest:
        FaceStore(queue.pictures).save(finding)
    if reason:
        outcome.files.extend(_left_out(files, source, reason))
        return
    if finding.mask is None or finding.affine is None:
        for file in files:
            _copy(file.path, source, destination, outcome)
        return
    mask = FaceMask(finding.mask, finding.affine)
    for file in files:
        outcome.files.append(_altered(file, mask, source, destination))


def _altered(file: ImageFile, mask: FaceMask, source: Path, destination: Path) -> FileRow:
    name = _name(file.path, source)
    if file.modality in DERIVED:
        return FileRow(name, "quarantined", "face-derived")
    if is_projection(file):
        return FileRow(name, "quarantined", "face-not-examined")
    try:
        frames = write_altered(file, mask, _made(destination / name))
    except Quarantined as error:
        return FileRow(name, "quarantined", error.reason)
    return FileRow(name, "altered", frames=frames)


def _copy(path: Path, source: Path, destination: Path, outcome: FaceOutcome) -> None:
    name = _name(path, source)
    with replacing(_made(destination / name)) as temporary:
        shutil.copyfile(path, temporary)
    outcome.files.append(FileRow(name, "copied"))


def _left_out(files: list[ImageFile], source: Path, reason: str) -> list[FileRow]:
    return [FileRow(_name(file.path, source), "quarantined", reason) for file in files]


def _name(path: Path, source: Path) -> str:
    return path.relative_to(source).as_posix()


def _made(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise DestinationError(f"{path.parent}: cannot be made ({reason}); choose another folder.") from error
    return path

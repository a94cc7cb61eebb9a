"""Faces in the source of a run: what must not be written, and which mask is filled in the rest.

Runs between the index and the writing. Every frame of reference with CT, MR, PT or NM images is examined once; a
person confirms in the review queue; what is not confirmed is not written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.canonical import canonical_bytes
from DeidentifyStudyCore.errors import InputError, Quarantined
from DeidentifyStudyCore.faces.alteration import areas_of
from DeidentifyStudyCore.faces.finding import EXAMINATION, Finding
from DeidentifyStudyCore.faces.groups import FACES_IN, examine_group, group_of, is_projection, verdict_of_person
from DeidentifyStudyCore.faces.stack import DERIVED, ImageFile, read_header
from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.faces.store import FaceStore
from DeidentifyStudyCore.pixels.redaction import Area
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.report_pictures import save_picture
from DeidentifyStudyCore.review import ReviewQueue

__all__ = ["Examined", "FaceSurvey", "face_areas", "survey_faces"]

_Calls = Iterable[tuple[int, tuple[Any, ...]]]
_Run = Callable[[Callable[..., Any], _Calls], Iterator[tuple[int, Any]]]


@dataclass(frozen=True, slots=True)
class Examined:
    """One frame of reference.

    Attributes
    ----------
    finding : Finding
        Without voxels and pictures.
    reason : str
        Why its images are not written (`quarantine.REASONS`); empty when they are.
    confirmed_by : str
        Who confirmed the alteration, or that there is no face where none was found.
    picture : str
        SHA-256 of the picture of the surface after the alteration, which is among the report's.
    """

    finding: Finding
    files: int
    reason: str = ""
    confirmed_by: str = ""
    picture: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON; it holds no UID of the source."""
        written = "altered" if self.confirmed_by and self.finding.alters else "written as it is"
        return {
            **self.finding.as_json(),
            "files": self.files,
            "done": "left out" if self.reason else written,
            "reason_code": self.reason,
            "confirmed_by": self.confirmed_by,
            "picture_sha256": self.picture,
        }


@dataclass(frozen=True)
class FaceSurvey:
    """What an examination of a source decided.

    Attributes
    ----------
    states : mapping of int to FaceState
        By the number of the file; files that are not named need nothing.
    """

    states: Mapping[int, FaceState] = field(default_factory=dict)
    examined: tuple[Examined, ...] = ()


def survey_faces(
    source: Path,
    paths: Mapping[int, str],
    queue: ReviewQueue | None,
    run: _Run,
    *,
    pictures: Path | None = None,
    ears: bool = False,
    progress: Progress = silent,
) -> FaceSurvey:
    """Examine the images of a source, and take over what a person decided.

    Parameters
    ----------
    paths : mapping of int to str
        Files by number, relative to the source.
    queue : ReviewQueue or None
        Gets what waits, and is saved; without one nothing with a face is ever written.
    run : callable
        Runs a function with many arguments, here or in other processes; yields number and result.
    pictures : Path or None
        Folder of the report's pictures; it gets the surface after the alteration, never the one before.

    Raises
    ------
    DestinationError
        The queue cannot be written.
    """
    states: dict[int, FaceState] = {}
    groups = _grouped(source, paths, states, progress)
    held = ReviewQueue(Path()) if queue is None else queue
    folder = queue.pictures.resolve() if queue else None
    names = sorted(groups)
    calls = (
        (index, ([file for _, file in groups[name]], _key(source, groups[name], ears), folder, ears))
        for index, name in enumerate(names)
    )
    examined: dict[int, Examined] = {}
    progress(0, len(names), "examining faces")
    for done, (index, finding) in enumerate(run(_examine, calls), 1):
        members = groups[names[index]]
        examined[index] = _judged(finding, len(members), held, folder, pictures)
        states |= {number: _state(file, examined[index], folder) for number, file in members}
        progress(done, len(names), "examining faces")
    if queue is not None:
        queue.save()
    needed = {number: state for number, state in states.items() if state != FaceState()}
    return FaceSurvey(needed, tuple(examined[index] for index in sorted(examined)))


def face_areas(path: Path, state: FaceState) -> dict[int, Area]:
    """Pixels of a file to fill; see `alteration.areas_of`."""
    return areas_of(path, _mask(state.folder, state.digest))


@lru_cache(maxsize=4)
def _mask(folder: str, digest: str) -> Any:
    try:
        return FaceStore(Path(folder)).load(digest).as_mask()
    except InputError:
        raise Quarantined("face-not-examined") from None


def _grouped(
    source: Path, paths: Mapping[int, str], states: dict[int, FaceState], progress: Progress
) -> dict[str, list[tuple[int, ImageFile]]]:
    """Images by frame of reference, where any of them has voxels that may hold a face."""
    groups: dict[str, list[tuple[int, ImageFile]]] = {}
    for done, (number, path) in enumerate(paths.items()):
        progress(done, len(paths), "placing images")
        try:
            file = read_header(source / path)
        except Quarantined:
            states[number] = FaceState("face-not-examined")
            continue
        if file is not None:
            groups.setdefault(group_of(file), []).append((number, file))
    return {name: members for name, members in groups.items() if any(file.modality in FACES_IN for _, file in members)}


def _key(source: Path, members: list[tuple[int, ImageFile]], ears: bool) -> str:
    """Name of an examination: it is another one when any file, or the program, is."""
    files = []
    for _, file in members:
        status = file.path.stat()
        files.append([file.path.relative_to(source).as_posix(), status.st_size, status.st_mtime_ns])
    return hashlib.sha256(canonical_bytes([EXAMINATION, ears, sorted(files)])).hexdigest()


def _examine(files: list[ImageFile], key: str, folder: Path | None, ears: bool) -> Finding:
    """Examine one frame of reference, unless an earlier run has."""
    store = FaceStore(folder) if folder else None
    known = store.found(key) if store else None
    if known is not None:
        return known
    finding = examine_group(files, ears=ears)
    if store:
        store.save(finding, key)
    # voxels and pictures stay where the work is done
    return replace(finding, mask=None, affine=None, head=None, picture=None, altered=None)


def _judged(finding: Finding, files: int, queue: ReviewQueue, folder: Path | None, pictures: Path | None) -> Examined:
    if finding.verdict == "no-face":
        return Examined(finding, files)
    reason = verdict_of_person(finding, queue)
    if reason:
        return Examined(finding, files, reason)
    picture = ""
    if finding.alters and folder is not None and pictures is not None:
        picture = save_picture(pictures, FaceStore(folder).altered(finding.digest).read_bytes())
    return Examined(finding, files, "", queue.confirmed_by(finding.digest), picture)


def _state(file: ImageFile, examined: Examined, folder: Path | None) -> FaceState:
    if examined.reason:
        return FaceState(examined.reason)
    if not examined.confirmed_by or not examined.finding.alters:
        return FaceState()
    if file.modality in DERIVED:
        return FaceState("face-derived")
    if is_projection(file):
        return FaceState("face-not-examined")
    return FaceState("", examined.finding.digest, str(folder))

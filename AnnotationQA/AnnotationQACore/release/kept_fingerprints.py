"""Fingerprints of the images of cases, kept for this user so that each image is read once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.canonical import canonical_hash
from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.identities import user_folder
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporting import ReleaseCase, ReleaseImage
from AnnotationQACore.release.fingerprints import FORMAT, Fingerprint, fingerprint_of

__all__ = ["case_fingerprints", "fingerprint_folder"]


def fingerprint_folder(project: str) -> Path | None:
    """Folder of this user for the fingerprints of a project; it is as confidential as the images.

    None where this user has no place to write to, as in some containers: nothing is kept then.
    """
    try:
        folder = user_folder() / "fingerprints" / project
        make_folder(folder, mode=0o700)
    except AnnotationQAError:
        return None
    return folder


def case_fingerprints(
    cases: Sequence[ReleaseCase], keep_in: Path | None = None, progress: Progress = silent
) -> tuple[Mapping[str, tuple[Fingerprint, ...]], tuple[str, ...]]:
    """Fingerprints of all images, by case, and what could not be read, one line each.

    Parameters
    ----------
    cases : sequence of ReleaseCase
    keep_in : Path, optional
        What was computed before is taken from there as long as names, sizes and times of the files are the same.
    progress : Progress
        Called for each case; may raise `Cancelled`.
    """
    found: dict[str, tuple[Fingerprint, ...]] = {}
    problems = []
    for done, case in enumerate(cases):
        progress(done, len(cases), case.id)
        own = []
        for image in case.images:
            try:
                own.append(_fingerprint(image, keep_in))
            except AnnotationQAError as error:
                problems.append(f"case '{case.id}', series '{image.role}': {error}")
        found[case.id] = tuple(own)
    progress(len(cases), len(cases))
    return found, tuple(problems)


def _fingerprint(image: ReleaseImage, keep_in: Path | None) -> Fingerprint:
    if keep_in is None:
        return fingerprint_of(image.open())
    files = [[str(path), (status := path.stat()).st_size, status.st_mtime_ns] for path in image.files]
    path = keep_in / f"{canonical_hash([FORMAT, files])[:32]}.json"
    try:
        return Fingerprint.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, AnnotationQAError):
        found = fingerprint_of(image.open())
    atomic.write_text(path, json.dumps(found.to_json()))
    return found

"""The images of one frame of reference: which series shows the face best, and what a person said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.faces.contact import contact_sheet, digest_of_files
from DeidentifyStudyCore.faces.finding import Finding, examine_series
from DeidentifyStudyCore.faces.stack import ImageFile, stack_of
from DeidentifyStudyCore.quarantine import REASONS
from DeidentifyStudyCore.review import ReviewQueue

__all__ = ["FACES_IN", "examine_group", "group_of", "is_projection", "verdict_of_person"]

FACES_IN = frozenset({"CT", "MR", "PT", "NM", "XC"})
"""Modalities whose images may hold a face: voxels of a head, and photographs."""
_EXAMINED = ("CT", "MR")
_MOST_TRIED = 3


def group_of(file: ImageFile) -> str:
    """Name of the group of a file: its frame of reference, or its series where it has none."""
    return file.frame_of_reference or file.series


def examine_group(files: list[ImageFile], *, ears: bool = False) -> Finding:
    """Examine the most promising series until one shows the whole face; a face in any of them counts.

    Where no mask is found, the finding carries pictures of the images themselves, so that a person can say that there
    is no face; where they cannot be shown either, nobody can confirm anything.
    """
    try:
        finding = _examined(files, ears)
    except Quarantined as error:
        finding = Finding("review", REASONS[error.reason])
    if finding.alters or finding.verdict == "no-face":
        return finding
    sheet = contact_sheet(files)
    return replace(finding, digest=digest_of_files(files), picture=sheet) if sheet else finding


def _examined(files: list[ImageFile], ears: bool) -> Finding:
    best: Finding | None = None
    problem: Quarantined | None = None
    for series in _candidates(files)[:_MOST_TRIED]:
        try:
            finding = examine_series(series, ears=ears)
        except Quarantined as error:
            problem = problem or error
            continue
        if finding.verdict == "altered":
            return finding
        if best is None or _weight(finding) > _weight(best):
            best = finding
    if best is None or (best.verdict == "no-face" and problem is not None):
        raise problem or Quarantined("face-not-examined")
    return best


def _weight(finding: Finding) -> int:
    if finding.verdict == "no-face":
        return 0
    return 2 if finding.alters else 1


def _candidates(files: Iterable[ImageFile]) -> list[list[ImageFile]]:
    """CT and MR series, the ones that reach farthest first; those that make no stack come last."""
    series: dict[str, list[ImageFile]] = {}
    for file in files:
        if file.modality in _EXAMINED and not is_projection(file):
            series.setdefault(file.series, []).append(file)

    def rank(members: list[ImageFile]) -> tuple[bool, float, str]:
        try:
            frames, affine = stack_of(members)
        except Quarantined:
            return True, 0.0, members[0].series
        shape = np.array([len(frames), members[0].rows, members[0].columns])
        extent = np.linalg.norm(affine[:3, :3], axis=0) * shape
        return False, -float(np.minimum(extent, 300).prod()), members[0].series

    return sorted(series.values(), key=rank)


def is_projection(file: ImageFile) -> bool:
    """Whether it is a CT localizer, in which a face shows in profile and cannot be cut out by its place."""
    return file.modality == "CT" and "LOCALIZER" in file.kind


def verdict_of_person(finding: Finding, queue: ReviewQueue) -> str:
    """Reason not to write: empty when a person confirmed by name and no hard gate speaks against it.

    What waits is put into the queue.
    """
    if not finding.alters:
        reason = "face-not-examined"
    else:
        reason = "face-unconfirmed" if finding.verdict == "altered" else "face-gates-failed"
    if not finding.digest:
        return reason
    if finding.may_be_confirmed and queue.confirmed_by(finding.digest):
        return ""
    if finding.digest in queue.decided("rejected"):
        return "rejected-by-reviewer"
    queue.add(finding.digest, reason, [f"face: {finding.reason}"])
    return reason

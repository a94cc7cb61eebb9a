"""The readings of a case for review: on whatever grids they were drawn, and with what has become of their readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from AnnotationQACore.evaluation.common_grid import finest_grid, on_one_grid
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import State, SubmittedReading, TaskStatus
from AnnotationQACore.segmentation import Segmentation

__all__ = ["ReviewReadings", "lost_readers", "original_readings", "review_readings", "scored_readings"]


@dataclass(frozen=True, slots=True, eq=False)
class ReviewReadings:
    """Readings of one case, as submitted.

    Attributes
    ----------
    case : str
    readings : CaseReadings
        By reader; segmentations are those of the files, each on its own grid.
    submitted : mapping of reader to SubmittedReading
    messages : tuple of str
        What a reviewer must know: one line each.
    """

    case: str
    readings: CaseReadings
    submitted: Mapping[str, SubmittedReading]
    messages: tuple[str, ...]


def original_readings(project: Project, case: str, round_number: int = 1) -> tuple[SubmittedReading, ...]:
    """The newest revision of each reader in one round, without consensus and adjudicated ones."""
    return tuple(
        submitted
        for submitted in project.state.latest_readings(case)
        if submitted.round == round_number and not submitted.reader.startswith(("consensus:", "adjudicated:"))
    )


def review_readings(project: Project, case: str, round_number: int = 1) -> ReviewReadings:
    """Read what the readers of a case submitted.

    Raises
    ------
    InputError
        A file is missing, was changed since it was submitted, or cannot be read.
    """
    submitted = {one.reader: one for one in original_readings(project, case, round_number)}
    readings = {reader: project.load_reading(one) for reader, one in submitted.items()}
    segmentations: dict[str, Segmentation] = {}
    for reader, one in submitted.items():
        path = project.segmentation_path(one)
        if path is not None:
            segmentations[reader] = read_segmentation(path)
    messages = list(lost_readers(project.state, case, round_number))
    messages += [f"{reader}: submitted an empty reading." for reader, one in readings.items() if not one.answers]
    return ReviewReadings(case, CaseReadings(case, readings, segmentations), submitted, tuple(messages))


def scored_readings(readings: CaseReadings) -> tuple[CaseReadings, Grid | None, tuple[str, ...]]:
    """The same readings with all segmentations on the grid on which they are scored.

    Where all are parts of one lattice nothing is resampled. Otherwise the finest of the readers' grids is taken, so
    that no reader loses detail, and that is said.

    Returns
    -------
    readings : CaseReadings
    grid : Grid or None
        None when nothing was segmented.
    messages : tuple of str
    """
    if not readings.segmentations:
        return readings, None, ()
    common = on_one_grid(readings.segmentations)
    messages: tuple[str, ...] = ()
    if common.messages:
        finest = finest_grid({reader: one.grid for reader, one in readings.segmentations.items()})
        spacing = " x ".join(f"{mm:g}" for mm in finest.spacing)
        others = ", ".join(message.partition(":")[0] for message in common.messages)
        messages = (
            f"scored on the finest grid of the readers, {spacing} mm; "
            f"resampled to it by the nearest neighbour: {others}.",
        )
    return CaseReadings(readings.case, readings.readings, common.segmentations), common.grid, messages


def lost_readers(state: State, case: str, round_number: int = 1) -> tuple[str, ...]:
    """One line for each reader of the case whose key was revoked: what of theirs counts, and what not."""
    told = []
    counted = {reading.reader: reading for reading in state.readings.get(case, ()) if reading.round == round_number}
    revoked = {key.member for key in state.keys.values() if key.revoked_from is not None}
    assigned = {task.reader for task in state.tasks.get(case, ()) if task.round == round_number}
    for reader in sorted((assigned | set(counted)) & revoked):
        if reader in counted:
            told.append(f"{reader}: a key was revoked later; this reading was signed before that and counts.")
        else:
            open_task = any(
                task.reader == reader and task.round == round_number and task.status != TaskStatus.WITHDRAWN
                for task in state.tasks.get(case, ())
            )
            if open_task:
                told.append(f"{reader}: a key was revoked; no reading of theirs counts here until they read it anew.")
    return tuple(told)

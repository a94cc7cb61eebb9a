"""What a reader may start from instead of an empty drawing: a model, a former revision, an earlier time point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import State, SubmittedReading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded

__all__ = ["Start", "StartKind", "StartOffer", "changed_voxels", "load_start", "start_offers"]


class StartKind(StrEnum):
    """Kinds of starts, named as in `StudyDesign.start_from`."""

    MODEL = "model"
    FORMER_REVISION = "former_revision"
    EARLIER_TIME_POINT = "earlier_time_point"


@dataclass(frozen=True, slots=True)
class StartOffer:
    """A reading from which one may start; `title` is the model, the revision, or the time point."""

    kind: StartKind
    submitted: SubmittedReading
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A reading that was loaded to start from.

    Attributes
    ----------
    kind : StartKind
    reading : Reading
    segmentation : Segmentation or None
    name : str
        What was started from, when it is no reading of the project, such as the name of a segmentation model.
    """

    kind: StartKind
    reading: Reading
    segmentation: Segmentation | None
    name: str = ""

    @property
    def source(self) -> str:
        """What the reading that is made says it was started from."""
        return self.name or self.reading.id


def start_offers(
    state: State, protocol: Protocol, case: str, reader: str, round_number: int = 1
) -> tuple[StartOffer, ...]:
    """Readings that the protocol allows this reader to start from in one round.

    The reader's own readings of other rounds are not offered: they would tell that the case is a repeat.

    Earlier time points are the reader's own readings of other cases of the patient: whose came first is for the reader
    to choose by their names, for the project knows no dates. Results of models are offered only where readers are not
    blinded to them by not being allowed.
    """
    allowed = set(protocol.design.start_from)
    offers = []
    for submitted in state.latest_readings(case):
        if submitted.reader.startswith("model:") and StartKind.MODEL in allowed:
            offers.append(StartOffer(StartKind.MODEL, submitted, submitted.reader.removeprefix("model:")))
        elif (submitted.reader, submitted.round) == (reader, round_number) and StartKind.FORMER_REVISION in allowed:
            offers.append(StartOffer(StartKind.FORMER_REVISION, submitted, str(submitted.revision)))
    if StartKind.EARLIER_TIME_POINT in allowed:
        offers += _earlier(state, case, reader)
    return tuple(offers)


def load_start(project: Project, offer: StartOffer) -> Start:
    """Read a reading to start from; raises `InputError` when its files are missing or were changed."""
    reading = project.load_reading(offer.submitted)
    path = project.segmentation_path(offer.submitted)
    return Start(offer.kind, reading, read_segmentation(path) if path is not None else None)


def changed_voxels(before: Segmentation | None, after: Segmentation | None) -> int:
    """Number of voxels whose set of segments differs; segments are matched by their IDs.

    Raises
    ------
    InputError
        The two lie on different grids.
    """
    if before is None or after is None:
        present = before or after
        return 0 if present is None else int(np.count_nonzero(present.layers.any(axis=0)))
    if before.grid.differences(after.grid):
        raise InputError(worded("segmentation: lies on another grid than the one it was started from; resample it."))
    changed = np.zeros(after.grid.shape, dtype=bool)
    for segment in _ids(before, after):
        ours, theirs = _voxels(before, segment), _voxels(after, segment)
        if ours is None or theirs is None:
            voxels = theirs if ours is None else ours
            if voxels is not None:
                changed |= voxels
        else:
            changed |= ours != theirs
    return int(np.count_nonzero(changed))


def require_grid(start: Start, grid: Grid | None) -> None:
    """Raise `InputError` when a start does not lie on the image of the case."""
    if start.segmentation is not None and grid is not None and start.segmentation.grid.differences(grid):
        raise InputError(
            worded(
                "reading {reading}: lies on another image geometry than this case; register and resample it to "
                "this image first, or start from an empty drawing.",
                reading=start.reading.id,
            )
        )


def _earlier(state: State, case: str, reader: str) -> Iterable[StartOffer]:
    patient = state.cases[case].patient
    for other in state.cases.values():
        if other.id == case or other.patient != patient or other.excluded:
            continue
        point = other.case.time_point
        if not point:  # its ID would tell which case it is
            continue
        for submitted in state.latest_readings(other.id):
            if submitted.reader == reader:
                yield StartOffer(StartKind.EARLIER_TIME_POINT, submitted, point)


def _ids(*segmentations: Segmentation) -> set[str]:
    return {segment.id for segmentation in segmentations for segment in segmentation.segments}


def _voxels(segmentation: Segmentation, segment: str) -> np.ndarray | None:
    found = any(known.id == segment for known in segmentation.segments)
    return segmentation.mask(segment).voxels if found else None

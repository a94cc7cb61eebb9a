"""A checked reading is signed into the ledger, after its draft is written."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.interchange.seg_nrrd import write_seg_nrrd
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.autosave import Autosave, SaveState, is_reachable

__all__ = ["submit_reading"]


def submit_reading(
    project: Project,
    lock: threading.Lock,
    autosave: Autosave,
    reading: Reading,
    segmentation: Segmentation | None,
    require_unchanged: Callable[[], None],
    progress: Progress,
) -> SubmittedReading:
    """Wait for the draft, encode the voxels, and sign; on any thread.

    Parameters
    ----------
    project : Project
    lock : threading.Lock
        Held while the project is used.
    autosave : Autosave
        That has begun to write the draft.
    reading : Reading
    segmentation : Segmentation or None
    require_unchanged : callable
        Raises `InputError` when the reading was changed since it was checked; called last before signing.
    progress : callable
        May raise `Cancelled` until the signature.

    Raises
    ------
    InputError
        Another session saved the draft meanwhile, or the reading was changed.
    DestinationError
        The project cannot be reached; the reading is kept as a draft.
    ProjectError
        The reading does not count, such as when another protocol is in force.
    """
    progress(0, 3)
    if autosave.written() == SaveState.CONFLICT:
        raise InputError(
            worded(
                "case '{case}': another session saved the draft meanwhile; close that session and open the case "
                "again. Your work is kept on this computer.",
                case=reading.case,
            )
        )
    if not is_reachable(project):
        raise DestinationError(
            worded(
                "case '{case}': the project cannot be reached; the reading is kept on this computer, submit it "
                "when the project is back.",
                case=reading.case,
            )
        )
    progress(1, 3)
    with tempfile.TemporaryDirectory(prefix="AnnotationQA-") as temporary:
        voxels = None
        if segmentation is not None:
            voxels = Path(temporary) / "reading.seg.nrrd"
            write_seg_nrrd(voxels, segmentation)
        progress(2, 3)
        with lock:
            require_unchanged()
            return project.submit_reading(reading, voxels)

"""Unfinished readings: replaced at every save, found again after a crash, never evidence.

The voxels are written first, under a name with their hash, then the draft that names them: at every moment the draft on
disk and its voxels belong together.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError, DraftConflict, InputError
from AnnotationQACore.project.layout import SEGMENTATION, draft_file, make_folder, sha256_of
from AnnotationQACore.project.readings import FileReference, Reading
from AnnotationQACore.wording import worded

__all__ = ["Draft", "copy_file", "discard_draft", "load_draft", "save_draft"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An unfinished reading on disk; `sha256` is that of its file and tells whether somebody else saved since."""

    reading: Reading
    segmentation: Path | None
    sha256: str


def load_draft(project: Path, case: str, reader: str, round_number: int) -> Draft | None:
    """The draft of a reading; None when there is none. Raises `InputError` when it cannot be read."""
    path = project / draft_file(case, reader, round_number)
    if not path.exists():
        return None
    try:
        reading = Reading.from_json(json.loads(path.read_bytes()), str(path))
    except (OSError, ValueError) as error:
        raise InputError(
            worded(
                "{path}: the draft cannot be read ({error}); restore it, or delete it to start anew.",
                path=str(path),
                error=str(error),
            )
        ) from error
    voxels = project / reading.segmentation.path if reading.segmentation else None
    if voxels is not None and not voxels.exists():
        raise InputError(
            worded(
                "{voxels}: the voxels of the draft are missing; restore them, or delete the draft.", voxels=str(voxels)
            )
        )
    return Draft(reading, voxels, sha256_of(path))


def save_draft(project: Path, reading: Reading, segmentation: Path | None, former: Draft | None) -> Draft:
    """Replace the draft `former` (None: there must be none) by `reading` and a copy of the segmentation file.

    Raises
    ------
    DraftConflict
        Another session saved the draft since `former` was loaded or saved.
    DestinationError
        It cannot be written; the former draft is still there.
    """
    path = project / draft_file(reading.case, reading.reader, reading.round)
    on_disk = sha256_of(path) if path.exists() else None
    if on_disk != (former.sha256 if former else None):
        raise DraftConflict(
            worded(
                "draft of case '{case}': another session saved it meanwhile; load that one, or close the other "
                "session.",
                case=reading.case,
            )
        )
    make_folder(path.parent)
    voxels = None
    reference = None
    if segmentation is not None:
        sha256 = sha256_of(segmentation)
        voxels = path.with_name(f"{path.stem}.{sha256[:16]}{SEGMENTATION}")
        if not voxels.exists():
            copy_file(segmentation, voxels)
        reference = FileReference(voxels.relative_to(project).as_posix(), sha256)
    reading = replace(reading, segmentation=reference)
    atomic.write_text(path, json.dumps(reading.to_json(), indent=1, ensure_ascii=False))
    if former is not None and former.segmentation not in (None, voxels):
        with contextlib.suppress(OSError):
            former.segmentation.unlink(missing_ok=True)
    return Draft(reading, voxels, sha256_of(path))


def discard_draft(project: Path, case: str, reader: str, round_number: int) -> None:
    """Remove a draft and its voxels; that it cannot be removed is no error."""
    path = project / draft_file(case, reader, round_number)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        for voxels in path.parent.glob(f"{path.stem}.*{SEGMENTATION}"):
            voxels.unlink(missing_ok=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all; raises `InputError` or `DestinationError`."""
    if not source.is_file():
        raise InputError(f"{source}: there is no such file; check the path.")
    try:
        with atomic.replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    except shutil.SameFileError as error:
        raise DestinationError(f"{target}: is the file that is to be copied; choose another.") from error

"""Drafts kept on this computer while their project cannot be reached, written when it is back.

A kept draft remembers which draft of the project it follows, so that work that another session saved there meanwhile
is not overwritten.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.project import drafts
from AnnotationQACore.project.drafts import Draft
from AnnotationQACore.project.identities import user_folder
from AnnotationQACore.project.layout import draft_file
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.wording import worded

__all__ = ["KeptDraft", "discard_kept", "keep_draft", "kept_draft", "kept_folder"]

_FOLLOWS = ".follows.json"


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft on this computer.

    Attributes
    ----------
    draft : Draft
    follows : str
        SHA-256 of the project's draft that it goes on from; empty when there was none.
    """

    draft: Draft
    follows: str


def kept_folder(project_id: str) -> Path:
    """Folder of this user for the drafts of a project; laid out as the project's own."""
    return user_folder() / "kept drafts" / project_id


def keep_draft(folder: Path, reading: Reading, segmentation: Path | None, follows: str) -> KeptDraft:
    """Keep a draft in place of the one kept before; raises `DestinationError`."""
    place = (reading.case, reading.reader, reading.round)
    former = kept_draft(folder, *place)
    draft = drafts.save_draft(folder, reading, segmentation, former.draft if former else None)
    if former is None:
        atomic.write_text(_follows_file(folder, *place), json.dumps({"follows": follows}))
    return KeptDraft(draft, former.follows if former else follows)


def kept_draft(folder: Path, case: str, reader: str, round_number: int) -> KeptDraft | None:
    """The kept draft of a reading; None when there is none. Raises `InputError` when it cannot be read."""
    draft = drafts.load_draft(folder, case, reader, round_number)
    if draft is None:
        return None
    path = _follows_file(folder, case, reader, round_number)
    try:
        follows = str(json.loads(path.read_bytes())["follows"]) if path.exists() else ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            worded("{path}: cannot be read; delete it to take the kept draft for a new one.", path=str(path))
        ) from error
    return KeptDraft(draft, follows)


def discard_kept(folder: Path, case: str, reader: str, round_number: int) -> None:
    """Remove a kept draft; that it cannot be removed is no error."""
    drafts.discard_draft(folder, case, reader, round_number)
    with contextlib.suppress(OSError):
        _follows_file(folder, case, reader, round_number).unlink(missing_ok=True)


def set_aside(folder: Path, case: str, reader: str, round_number: int, target: Path) -> None:
    """Copy a kept draft's files into a folder of their own, so that they are not lost when it is replaced."""
    target.mkdir(parents=True, exist_ok=True)
    path = folder / draft_file(case, reader, round_number)
    for file in path.parent.glob(f"{path.stem}*"):
        shutil.copy2(file, target / file.name)


def _follows_file(folder: Path, case: str, reader: str, round_number: int) -> Path:
    path = folder / draft_file(case, reader, round_number)
    return path.with_name(path.stem + _FOLLOWS)

"""Opens the practice project in the module, for the button in Sample Data."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, user_folder
from AnnotationQALib.widgets.practice_project import make_practice_project, practice_identity
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["open_practice", "practice_folder"]


def open_practice() -> None:
    """Show the module with a practice project that still has cases to read."""
    try:
        identity = practice_identity()
        folder = practice_folder(identity)
        slicer.util.selectModule("AnnotationQA")
        slicer.util.getModuleWidget("AnnotationQA").panel.projects.open(str(folder), identity)
    except AnnotationQAError as error:
        slicer.util.errorDisplay(_("The practice project cannot be opened: {error}").format(error=error_text(error)))


def practice_folder(identity: Identity, root: Path | None = None) -> Path:
    """The practice project with cases left to read; a new one when all are read, or none is there yet."""
    root = root or user_folder() / "practice"
    number = 1
    while (root / str(number) / "project").is_dir():
        project = root / str(number) / "project"
        if Project.open(project).worklist(identity.member):
            return project
        number += 1
    return make_practice_project(root / str(number), identity)

"""Long steps on a project for a panel: each opens it anew, on any thread."""

from __future__ import annotations

from pathlib import Path

from AnnotationQACore.progress import Progress
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity

__all__ = ["ProjectWork"]


class ProjectWork:
    """Steps of one person on one project.

    Parameters
    ----------
    folder : Path
        Of the project.
    identity : Identity or None
        Who acts; None to look only.
    """

    def __init__(self, folder: Path, identity: Identity | None) -> None:
        self._folder = folder
        self._identity = identity

    def _project(self, progress: Progress) -> Project:
        return Project.open(self._folder, self._identity, progress=progress)

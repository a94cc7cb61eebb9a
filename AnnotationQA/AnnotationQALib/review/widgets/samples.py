"""What Sample Data offers: three readings of a drawn abdomen, and a project to review."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, user_folder
from AnnotationQACore.project.state import CaseStatus
from AnnotationQALib.review.example import add_example
from AnnotationQALib.review.practice_review import make_review_practice
from AnnotationQALib.widgets.practice_project import practice_identity

__all__ = ["open_example", "open_review_practice", "review_practice_folder"]

MODULE = "ConsensusReview"


def open_example() -> None:
    """Add the example to the scene, show the module, and compare."""
    slicer.util.selectModule(MODULE)
    panel = slicer.util.getModuleWidget(MODULE).panel
    panel.projects.close()
    volume, nodes = add_example(slicer.mrmlScene)
    panel.opener.compare_nodes(volume, nodes)


def open_review_practice() -> None:
    """Show the module with a practice project in which cases are left to decide."""
    try:
        identity = practice_identity()
        folder = review_practice_folder(identity)
        slicer.util.selectModule(MODULE)
        slicer.util.getModuleWidget(MODULE).panel.projects.open(str(folder), identity)
    except AnnotationQAError as error:
        slicer.util.errorDisplay(_("The practice project cannot be opened: {error}").format(error=error))


def review_practice_folder(identity: Identity, root: Path | None = None) -> Path:
    """The practice project with cases left to decide; a new one when all are decided, or none is there yet."""
    root = root or user_folder() / "practice-review"
    number = 1
    while (root / str(number) / "project").is_dir():
        project = Project.open(root / str(number) / "project")
        state = project.state
        project.close()
        if any(state.case_status(case) is not CaseStatus.DECIDED for case in state.cases):
            return root / str(number) / "project"
        number += 1
    return make_review_practice(root / str(number), identity)

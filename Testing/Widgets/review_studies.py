"""The panel of Consensus Review on the example and on the practice project; background work is done at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import slicer
from labeling_studies import AtOnce

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, create_identity
from AnnotationQALib.review.example import add_example
from AnnotationQALib.review.practice_review import make_review_practice
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.widgets.review_panel import ReviewPanel


def make_panel(at_once: bool = True, pages: list[str] | None = None, executor: Executor | None = None) -> ReviewPanel:
    """A panel that is shown; unless `at_once`, it works with threads as in the application, or with `executor`."""

    def start_session(scene: Any, project: Project, background: Any, listing: Any) -> ReviewSession:
        return ReviewSession(scene, project, background, listing)

    prepare_scene(slicer.mrmlScene)
    app = slicer.app
    panel = ReviewPanel(
        slicer.mrmlScene,
        app.applicationLogic(),
        app.layoutManager(),
        start_session,
        executor=executor or (AtOnce() if at_once else None),
        open_page=(pages if pages is not None else []).append,
    )
    panel.widget.show()
    panel.enter()
    return panel


def prepare_scene(scene: Any) -> None:
    """What Slicer's application adds to a scene: layout, crosshair, orientations by name."""
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    for node in (slicer.vtkMRMLLayoutNode(), slicer.vtkMRMLCrosshairNode()):
        if scene.GetFirstNodeByClass(node.GetClassName()) is None:
            scene.AddNode(node)


def settle(panel: ReviewPanel, ticks: int = 60) -> None:
    """Let the panel take up everything that is done at once."""
    for _ in range(ticks):
        panel.tick()


def compare_example(panel: ReviewPanel) -> tuple[Any, tuple[Any, ...]]:
    """Compare the three readers of the example."""
    volume, nodes = add_example(slicer.mrmlScene)
    settle(panel)
    panel.compare.ui.compareNowButton.click()
    settle(panel)
    return volume, nodes


def practice(root: Path, name: str = "practice") -> tuple[Path, Identity]:
    """A practice project for a reviewer whose key is made in the user's folder."""
    identity = create_identity(name)
    return make_review_practice(root / "practice", identity), identity


def open_practice(panel: ReviewPanel, root: Path) -> tuple[Path, Identity]:
    """A practice project, opened and compared."""
    project, identity = practice(root)
    panel.projects.open(str(project), identity)
    settle(panel)
    return project, identity


def as_reader(project: Path, reader: str, act: Callable[[Project], Any]) -> Any:
    """Let one of the practice readers do something."""
    from AnnotationQACore.project.identities import load_identity

    opened = Project.open(project, load_identity(reader, project.parent / "keys", passphrase=""))
    try:
        return act(opened)
    finally:
        opened.close()


def texts(table: Any, column: int = 0) -> list[str]:
    """Texts of a column of a table."""
    return [table.item(row, column).text() for row in range(table.rowCount)]


def choose(combo: Any, data: str) -> None:
    """Choose an entry by its data."""
    index = combo.findData(data)
    assert index >= 0, f"no entry {data!r}"
    combo.currentIndex = index

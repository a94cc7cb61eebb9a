"""Small studies with images on disk, and the labeling panel on them; background work is done at once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import slicer

sys.path.append(str(Path(__file__).resolve().parents[1]))

import labeling_study
from labeling_study import CASES, GRID, AtOnce

from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import create_identity
from AnnotationQACore.protocol.model import Protocol, SeriesRole
from AnnotationQALib.logic.project_opening import OpenedProject
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.widgets.labeling_panel import LabelingPanel

__all__ = [
    "GRID",
    "Clock",
    "answers_of",
    "make_panel",
    "make_study",
    "name_of",
    "paint",
    "pause",
    "rows",
    "shown_panels",
    "sign_in",
]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_study(
    root: Path,
    protocol: Protocol | str,
    cases: Sequence[str] = CASES,
    write: Callable[[Path, str, SeriesRole], Path] | None = None,
) -> Path:
    """Folder of a project by `lead` with cases for `anna`, whose keys are made in the user's folder."""
    people = {name: create_identity(name) for name in ("lead", "anna", "rita")}
    return labeling_study.make_study(root, people, protocol, cases, write).folder


def make_panel(
    clock: Clock, at_once: bool = True, executor: Executor | None = None, worker: Executor | None = None
) -> LabelingPanel:
    """A panel; unless `at_once`, or given a `worker`, its session works with threads as in the application.

    `executor` opens projects and does the work of the lead; at once by default.
    """

    def start_session(scene: Any, opened: OpenedProject) -> LabelingSession:
        database = slicer.dicomDatabase
        return LabelingSession(
            scene,
            opened,
            executor=worker or (AtOnce() if at_once else None),
            seconds=clock,
            locate=lambda uid: database.filesForSeries(uid),
        )

    app = slicer.app
    rendered: list[str] = []
    return LabelingPanel(
        slicer.mrmlScene,
        app.applicationLogic(),
        app.layoutManager(),
        start_session,
        render_volume=lambda volume, preset: rendered.append(preset),
        executor=executor or AtOnce(),
    )


@contextlib.contextmanager
def shown_panels(clock: Clock) -> Iterator[Callable[..., LabelingPanel]]:
    """Makes panels as the module does, shown and entered, and cleans them up in the end."""
    made: list[LabelingPanel] = []

    def make(worker: Executor | None = None) -> LabelingPanel:
        panel = make_panel(clock, worker=worker)
        panel.widget.show()
        panel.enter()
        made.append(panel)
        return panel

    yield make
    for panel in made:
        panel.cleanup()


def sign_in(panel: LabelingPanel, project: Path, reader: str = "anna") -> None:
    ui = panel.sign_in.ui
    panel.exit()
    panel.enter()  # keys made meanwhile are listed
    ui.projectPathEdit.currentPath = str(project)
    ui.identityCombo.currentIndex = ui.identityCombo.findText(reader)
    ui.openButton.click()


def pause(panel: LabelingPanel, clock: Clock, seconds: float = 5.0) -> None:
    """The reader pauses: the panel saves and measures."""
    for _ in range(3):
        clock.now += seconds
        panel.tick()


def rows(panel: LabelingPanel) -> dict[str, str]:
    """Titles of the form's rows, with the text of the answer."""
    tree = panel.case.ui.formTree
    found = {}
    for group in range(tree.topLevelItemCount):
        parent = tree.topLevelItem(group)
        for entry in [parent.child(n) for n in range(parent.childCount())] or [parent]:
            found[entry.text(0).strip()] = entry.text(1)
    return found


def name_of(panel: LabelingPanel, case: str) -> str:
    """What a case of the reader is called on the screen."""
    rows_of_list = panel.session.worklist(with_done=True)
    return next(row.name for row in rows_of_list if row.item.case == case)


def paint(node: Any, segment: str, box: Sequence[slice], value: int = 1, grid: Grid = GRID) -> None:
    """Put voxels into a segment, as the tools of the Segment Editor do."""
    from AnnotationQACore.segmentation import Mask
    from AnnotationQALib.logic.segment_painting import set_voxels

    voxels = np.zeros(grid.shape, dtype=bool)
    voxels[tuple(box)] = bool(value)
    set_voxels(node, segment, Mask(voxels, grid))


def answers_of(project: Path, case: str) -> Mapping[str, Any]:
    """Values of the newest submitted reading of a case, by item and instance."""
    opened = Project.open(project)
    reading = opened.load_reading(opened.state.latest_readings(case)[0])
    return {f"{a.item}{a.subject.instance or ''}": a.value for a in reading.answers}

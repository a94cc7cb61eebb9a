"""Small studies with images on disk, and the labeling panel on them; background work is done at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, create_identity
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Volume
from AnnotationQALib.logic.session import LabelingSession
from AnnotationQALib.widgets.labeling_panel import LabelingPanel

GRID = Grid((12, 40, 48), (2.5, 0.8, 0.8), (-19.0, -16.0, -15.0))


class AtOnce(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_study(root: Path, protocol: Protocol | str, cases: Sequence[str] = ("case-1", "case-2", "case-3")) -> Path:
    """A project by `lead` with cases for `anna`, whose keys are made in the user's folder."""
    chosen = load_shipped(protocol) if isinstance(protocol, str) else protocol
    people = {name: create_identity(name) for name in ("lead", "anna", "rita")}
    lead = Project.create(root / "project", people["lead"], chosen)
    lead.add_member("anna", "Anna", [Role.READER], people["anna"].public_key)
    lead.add_member("rita", "Rita", [Role.REVIEWER], people["rita"].public_key)
    lead.add_cases([_case(root / "images", name, chosen) for name in cases])
    lead.assign([Assignment(name, "anna", 1, "reading", n) for n, name in enumerate(cases, start=1)])
    return root / "project"


def make_panel(clock: Clock, at_once: bool = True) -> LabelingPanel:
    """A panel; unless `at_once`, its session works with threads as in the application."""

    def open_session(scene: Any, folder: str, identity: Identity) -> LabelingSession:
        executor = AtOnce() if at_once else None
        return LabelingSession.open(scene, folder, identity, executor=executor, seconds=clock)

    app = slicer.app
    rendered: list[str] = []
    return LabelingPanel(
        slicer.mrmlScene,
        app.applicationLogic(),
        app.layoutManager(),
        open_session,
        render_volume=lambda volume, preset: rendered.append(preset),
        executor=AtOnce(),
    )


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


def paint(node: Any, segment: str, box: Sequence[slice], value: int = 1) -> None:
    """Put voxels into a segment, as the tools of the Segment Editor do."""
    from AnnotationQACore.segmentation import Mask
    from AnnotationQALib.logic.segment_painting import set_voxels

    voxels = np.zeros(GRID.shape, dtype=bool)
    voxels[tuple(box)] = bool(value)
    set_voxels(node, segment, Mask(voxels, GRID))


def answers_of(project: Path, case: str) -> Mapping[str, Any]:
    """Values of the newest submitted reading of a case, by item and instance."""
    opened = Project.open(project)
    reading = opened.load_reading(opened.state.latest_readings(case)[0])
    return {f"{a.item}{a.subject.instance or ''}": a.value for a in reading.answers}


def _case(images: Path, name: str, protocol: Protocol) -> Case:
    series = []
    for number, role in enumerate(protocol.imaging.series):
        path = images / name / f"{role.id}.nrrd"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(-200, 200, GRID.shape).astype(np.int16)
        write_volume(path, Volume(values, GRID))
        files, sha256 = hash_series(path)
        series.append(SeriesReference(role.id, str(path), "", files, sha256))
    return Case(name, "patient-" + name, "", tuple(series))

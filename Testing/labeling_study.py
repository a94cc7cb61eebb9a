"""Small labeling studies with images on disk, for the tests of the logic and of the panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import (
    Blinding,
    Box,
    Choice,
    Classification,
    Code,
    Codes,
    Comparison,
    Imaging,
    Inside,
    LandmarkPoint,
    Landmarks,
    Level,
    Limit,
    Measurement,
    Polygon,
    Protocol,
    Rating,
    RegionLimits,
    Scope,
    Segmentation,
    SeriesRole,
    StudyDesign,
    TextAnswer,
    View,
    WindowPreset,
)
from AnnotationQACore.segmentation import Volume

GRID = Grid((12, 40, 48), (2.5, 0.8, 0.8), (-19.0, -16.0, -15.0))


class AtOnce(Executor):
    """Does the work when it is given, so that tests need not wait."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class WhenTold(Executor):
    """Does the work when `work` is called, or when someone waits for it, in the order in which it was given.

    As long as `at_once` is set, the work is done when it is given.
    """

    def __init__(self, at_once: bool = False) -> None:
        self.at_once = at_once
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = _Awaited(self.work)
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        if self.at_once:
            self.work()
        return future

    def work(self) -> None:
        """Do all that is waiting, and what that gives to do."""
        while self._waiting:
            future, act = self._waiting.pop(0)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(act())
            except BaseException as error:
                future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if wait:
            self.work()


class _Awaited(Future[Any]):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def result(self, timeout: float | None = None) -> Any:
        self._work()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._work()
        return super().exception(timeout)


SCT = Code("SCT", "52988006", "Lesion")
POINTS = tuple(LandmarkPoint(id=f"p{n}", title=f"Point {n}") for n in (1, 2, 3))
EVERYTHING = Protocol(
    id="everything",
    title="Everything that can be asked",
    version="1.0.0",
    change_note="First.",
    purpose="Tests.",
    clinical_decision="None.",
    imaging=Imaging(
        body_region=Code("SCT", "39607008", "Lung"),
        series=(SeriesRole(id="ct", title="CT", modalities=("CT",)),),
        reference_series="ct",
    ),
    design=StudyDesign(
        readers_per_case=1,
        start_from=("model", "former_revision"),
        idle_seconds=30.0,
        blinding=Blinding(model_results=False),
    ),
    windows=(
        WindowPreset(id="soft", title="Soft tissue", center=40.0, width=400.0),
        WindowPreset(id="own", title="Own values", percentiles=(0.0, 100.0)),
    ),
    view=View(layout="four_up", window="soft", interpolate=True),
    items=(
        Segmentation(
            id="organ",
            title="Organ",
            definition="The organ.",
            label_value=1,
            color="#4080C0",
            may_overlap=("lesion",),
            codes=Codes(category=Code("SCT", "91723000", "Anatomical Structure"), type=SCT),
        ),
        Segmentation(
            id="lesion",
            title="Lesion",
            definition="A lesion.",
            label_value=2,
            instances=True,
            codes=Codes(type=SCT),
            limits=RegionLimits(volume_ml=Limit(min=0.01, max=5.0), inside=Inside(item="organ"), max_components=1),
        ),
        Rating(
            id="grade",
            title="Grade",
            definition="How grave.",
            scope=Scope(level="instance", of="lesion"),
            levels=(Level(value=1, title="Low"), Level(value=2, title="High")),
        ),
        Measurement(
            id="lesion_volume",
            title="Volume",
            definition="Of each lesion.",
            quantity="volume",
            derived_from=("lesion",),
            scope=Scope(level="instance", of="lesion"),
        ),
        Box(id="box", title="Box", definition="A box.", dimensions=3, instances=True, required=False),
        Polygon(id="outline", title="Outline", definition="An outline.", required=False),
        Landmarks(id="marks", title="Marks", definition="Points.", points=POINTS, required=False),
        Measurement(id="axes", title="Axes", definition="Diameters.", quantity="bidimensional", required=False),
        Measurement(id="angle", title="Angle", definition="An angle.", quantity="angle", required=False),
        Classification(
            id="kind",
            title="Kind",
            definition="Which.",
            selection="multiple",
            choices=(Choice(id="a", title="A"), Choice(id="b", title="B")),
        ),
        Classification(id="seen", title="Seen", definition="Whether.", selection="presence"),
        TextAnswer(
            id="why",
            title="Why",
            definition="Reason.",
            when=Comparison(item="seen", operator="equals", value="uncertain"),
        ),
    ),
)


@dataclass
class Clock:
    """Time that goes on only when told to."""

    now: datetime = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def utc(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class LabelingStudy:
    """A project with images, and its people."""

    folder: Path
    people: dict[str, Identity]
    protocol: Protocol
    clock: Clock = field(default_factory=Clock)

    def as_(self, name: str) -> Project:
        return Project.open(self.folder, self.people[name], clock=self.clock.utc)


CASES = ("case-1", "case-2", "case-3")


def make_study(
    root: Path,
    people: dict[str, Identity],
    protocol: Protocol | str,
    cases: Sequence[str] = CASES,
    write: Callable[[Path, str, SeriesRole], Path] | None = None,
) -> LabelingStudy:
    """A project by `lead` with cases for `anna`.

    Parameters
    ----------
    root : Path
        Gets the folders ``project`` and ``images``.
    people : dict of str to Identity
        Keys of ``lead``, ``anna`` and ``rita``, the reviewer.
    protocol : Protocol or str
        The name of a shipped one.
    cases : sequence of str
    write : callable, optional
        Writes the images of a role of a case into a folder, and returns their place; noise on `GRID` by default.
    """
    protocol = load_shipped(protocol) if isinstance(protocol, str) else protocol
    study = LabelingStudy(root / "project", people, protocol)
    lead = Project.create(study.folder, people["lead"], protocol, clock=study.clock.utc)
    lead.add_member("anna", "Anna", [Role.READER], people["anna"].public_key)
    lead.add_member("rita", "Rita", [Role.REVIEWER], people["rita"].public_key)
    lead.add_member("model:net", "Net", [Role.READER])
    lead.add_cases([_case(root / "images", name, protocol, write or write_noise) for name in cases])
    lead.assign([Assignment(name, "anna", 1, "reading", n) for n, name in enumerate(cases, start=1)])
    return study


def write_noise(folder: Path, case: str, role: SeriesRole) -> Path:
    """An image of random values, the same for every case."""
    path = folder / f"{role.id}.nrrd"
    seed = sum(map(ord, role.id))
    values = np.random.default_rng(seed).integers(-200, 200, GRID.shape).astype(np.int16)
    write_volume(path, Volume(values, GRID))
    return path


def _case(images: Path, name: str, protocol: Protocol, write: Callable[[Path, str, SeriesRole], Path]) -> Case:
    series = []
    for role in protocol.imaging.series:
        folder = images / name
        folder.mkdir(parents=True, exist_ok=True)
        path = write(folder, name, role)
        files, sha256 = hash_series(path)
        series.append(SeriesReference(role.id, str(path), "", files, sha256))
    return Case(name, "patient-" + name, "", tuple(series))

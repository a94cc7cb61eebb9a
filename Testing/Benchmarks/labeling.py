"""How long the labeling panel makes a reader wait: next case, autosave, checks, on an image of 512x512x300.

    python Testing/Benchmarks/labeling.py [--slices 300] [--size 512] [--repeats 5]

Needs the slicer-core wheel. Prints for each step the median of the repeats, of wall clock and CPU time, and the limit.
What is done on the main thread is timed alone; the background work is done before or after it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("ITK_GLOBAL_DEFAULT_THREADER", "Platform")

import numpy as np
import slicer

from AnnotationQACore.checks.plausibility import check_reading
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.model import (
    Code,
    Imaging,
    Limit,
    Protocol,
    RegionLimits,
    Segmentation,
    SeriesRole,
    StudyDesign,
    View,
    WindowPreset,
)
from AnnotationQACore.segmentation import Segment, Volume
from AnnotationQACore.segmentation import Segmentation as Segments
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.session import LabelingSession

SEGMENTS = 20
LIMITS = RegionLimits(
    volume_ml=Limit(min=0.01, max=5000),
    longest_diameter_mm=Limit(min=1, max=500),
    mean_intensity=Limit(min=-2000, max=2000),
    max_components=1,
)


def make_protocol() -> Protocol:
    """Twenty segments with all limits that are checked."""
    return Protocol(
        id="benchmark",
        title="Benchmark",
        version="1.0.0",
        change_note="First.",
        purpose="Timing.",
        clinical_decision="None.",
        imaging=Imaging(
            body_region=Code("SCT", "39607008", "Lung"),
            series=(SeriesRole(id="ct", title="CT", modalities=("CT",)),),
            reference_series="ct",
        ),
        design=StudyDesign(readers_per_case=1),
        windows=(WindowPreset(id="own", title="Own", percentiles=(1.0, 99.0)),),
        view=View(window="own"),
        items=tuple(
            Segmentation(id=f"part{n}", title=f"Part {n}", definition="A part.", label_value=n + 1, limits=LIMITS)
            for n in range(SEGMENTS)
        ),
    )


def make_study(root: Path, grid: Grid) -> tuple[Path, object]:
    """A project with two cases of one image each."""
    os.environ[USER_FOLDER_VARIABLE] = str(root / "user")
    anna = create_identity("anna", root / "keys")
    project = Project.create(root / "project", anna, make_protocol(), roles=(Role.LEAD, Role.READER))
    values = np.random.default_rng(1).integers(-1000, 1000, grid.shape).astype(np.int16)
    path = root / "image.nrrd"
    write_volume(path, Volume(values, grid))
    files, sha256 = hash_series(path)
    names = [f"case-{n}" for n in range(1, 10)]
    series = (SeriesReference("ct", str(path), "", files, sha256),)
    project.add_cases([Case(name, name, "", series) for name in names])
    project.assign([Assignment(name, "anna", 1, "reading", n) for n, name in enumerate(names)])
    return project.folder, anna


def drawn(grid: Grid, structures: Protocol) -> Segments:
    """Ellipsoids side by side in one layer, together a third of the image."""
    labels = np.zeros(grid.shape, np.uint8)
    k, j, i = np.ogrid[: grid.shape[0], : grid.shape[1], : grid.shape[2]]
    across, down = grid.shape[2] // 5, grid.shape[1] // 4
    for number in range(SEGMENTS):
        center = (grid.shape[0] / 2, down * (number // 5 + 0.5), across * (number % 5 + 0.5))
        radius = (grid.shape[0] * 0.45, down * 0.45, across * 0.45)
        distance = ((k - center[0]) / radius[0]) ** 2 + ((j - center[1]) / radius[1]) ** 2
        labels[distance + ((i - center[2]) / radius[2]) ** 2 <= 1] = number + 1
    segments = tuple(Segment(item.id, item.title, n + 1) for n, item in enumerate(structures.segmentations))
    return Segments(labels[None], grid, segments)


def timed(repeats: int, prepare: Callable[[], object], work: Callable[[], object]) -> tuple[float, float]:
    """Medians in ms of wall clock and CPU time; `prepare` is not timed."""
    wall, cpu = [], []
    for _ in range(repeats):
        prepare()
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return statistics.median(wall) * 1000, statistics.median(cpu) * 1000


def show(step: str, times: tuple[float, float], limit: float | None) -> None:
    """Print a row."""
    verdict = "" if limit is None else f"{limit:8.0f}  {'ok' if times[0] < limit else 'TOO SLOW'}"
    print(f"{step:<58}{times[0]:9.1f}{times[1]:9.1f}{verdict}", flush=True)


def touch(case: OpenCase) -> None:
    """As if a stroke had just been painted."""
    segment = case.editor.segmentation_node.GetSegmentation().GetSegment("part0")
    labelmap = segment.GetRepresentation("Binary labelmap")
    labelmap.GetPointData().GetScalars().Modified()
    labelmap.Modified()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    grid = Grid((arguments.slices, arguments.size, arguments.size), (1.0, 0.7, 0.7))
    print(f"image {arguments.size}x{arguments.size}x{arguments.slices}, {SEGMENTS} segments; milliseconds")
    print(f"{'':<58}{'wall':>9}{'CPU':>9}{'limit':>8}")
    with tempfile.TemporaryDirectory() as root:
        measure(Path(root), grid, arguments.repeats)


def measure(root: Path, grid: Grid, repeats: int) -> None:
    """Time all steps."""
    folder, anna = make_study(root, grid)
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    session = LabelingSession.open(scene, folder, anna)

    def preload() -> None:
        session.close_case()
        session.preload()
        while not session.is_preloaded:
            time.sleep(0.01)

    show("open the next case, preloaded", timed(repeats, preload, session.open_next), 1000)
    case = session.case
    assert case is not None
    session.protocol.item("part0")
    case.editor.replace_segmentation(drawn(grid, session.protocol))
    for item in session.protocol.segmentations:
        case.editor.drawing.activate(ItemKey(item.id))
    copy = lambda: case.editor.snapshot(case.activity.intervals())  # noqa: E731
    copy()
    show("autosave: blocked, after a stroke (copy)", timed(repeats, lambda: touch(case), copy), 50)
    show("autosave: blocked, voxels as at the last save", timed(repeats, lambda: None, copy), 50)
    snapshot = copy()
    show("autosave: in the background, work out the voxels", timed(repeats, lambda: None, snapshot.contents), None)

    def save() -> None:
        case.autosave.begin()
        case.autosave.wait()

    show(
        "autosave: in the background, all until it is on disk",
        timed(max(1, repeats // 2), case.editor._changed, save),
        None,
    )
    print(f"{'':4}state afterwards: {case.autosave.state.value} {case.autosave.message}")
    contents = snapshot.complete(case.sources)
    protocol, sources = session.protocol, case.sources
    check = lambda: check_reading(protocol, contents.reading, contents.segmentation, sources)  # noqa: E731
    problems = check()
    show(f"checks of the whole reading ({len(problems)} problems)", timed(repeats, lambda: None, check), 1000)
    show("checks with the copy and the presence of segments", timed(repeats, lambda: touch(case), case.check), 1000)
    session.close_case()
    session.close()


if __name__ == "__main__":
    main()

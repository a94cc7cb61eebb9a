"""Speed of the consensus review on a CT of 512x512x300: `python Testing/Benchmarks/review.py [--readers 4]`.

Prints wall and processor seconds of opening a case to linked views, of the table of agreement that follows, of going
to the next disagreement, of each method of consensus, and of what fills in while the reviewer looks. Views are made
on a real MRML scene and drawn offscreen. The machine decides about wall seconds: run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("ITK_GLOBAL_DEFAULT_THREADER", "Platform")
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import numpy as np
import slicer

from AnnotationQACore.agreement.segmentations.segmentations import compare_segmentations
from AnnotationQACore.geometry import Grid
from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoices
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.volumes import add_volume
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.surfaces import Surfaces

HERE = Path(__file__).resolve().parent
SHAPE = (300, 512, 512)
STEPS = 20
ROWS = 200


def beside(folder: Path, name: str) -> Any:
    """A module that is no part of an installed package."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Run and print how long it took."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{what:<58} {wall:8.3f} s wall {processor:8.3f} s processor", flush=True)
    return result


def scene_with_application() -> tuple[Any, Any]:
    """A scene as Slicer sets it up."""
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLApplicationLogic(application)
    segmentations.SetMRMLScene(scene)
    application.SetModuleLogic("Segmentations", segmentations)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    scene.AddNode(slicer.vtkMRMLCrosshairNode())
    return scene, application


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--readers", type=int, default=4)
    options.add_argument("--structures", type=int, default=20)
    chosen = options.parse_args()
    grid = Grid(SHAPE, (1.0, 0.7, 0.7))
    maps = beside(HERE, "consensus").readers(grid, chosen.structures, chosen.readers, 0.5, 0.03)
    segments = tuple(Segment(f"s{n}", f"Structure {n}", n) for n in range(1, chosen.structures + 1))
    readings = {f"reader-{n}": Segmentation(one[np.newaxis], grid, segments) for n, one in enumerate(maps)}
    scene, application = scene_with_application()
    volume = add_volume(scene, Volume(np.zeros(SHAPE, np.int16), grid), "CT")
    grey = slicer.vtkMRMLColorTableNode()
    grey.SetTypeToGrey()
    volume.GetDisplayNode().SetAndObserveColorNodeID(scene.AddNode(grey).GetID())
    rendered = beside(HERE.parent / "Mrml", "rendered_views")
    print(f"{SHAPE[2]}x{SHAPE[1]}x{SHAPE[0]}, {chosen.readers} readers, {chosen.structures} structures")

    def open_views() -> tuple[CaseReview, list[Any]]:
        review = CaseReview(scene, readings, volume)
        layout = review.open_views()
        review.set_style("outlines")
        views = [rendered.RenderedSlice(application, review.views.node(pane)) for pane in layout.panes]
        review.views.fit(grid.to_world((150, 256, 256)), 350.0)
        for view in views:
            view.image()
        return review, views

    wall = time.perf_counter()
    review, views = timed("open the case: linked views drawn", open_views)
    timed("  regions in which readers differ", lambda: len(review.walk))
    timed(
        "  table: overlap of every structure and pair",
        lambda: compare_segmentations(readings, distances=False),
    )
    print(f"{'open to views with metrics, together':<58} {time.perf_counter() - wall:8.3f} s wall", flush=True)
    print(f"  {len(review.walk)} regions, {int(review.disagreements.voxels.sum())} voxels in dispute")

    timed("  first rows of the walk", lambda: [review.walk[n] for n in range(min(len(review.walk), ROWS))])
    timed("  the same rows again", lambda: [review.walk[n] for n in range(min(len(review.walk), ROWS))])

    steps = []
    for _ in range(min(STEPS, len(review.walk))):
        start = time.perf_counter()
        review.next()
        moved = time.perf_counter()
        for view in views:
            view.image()
        steps.append((moved - start, time.perf_counter() - moved))
    longest, drawn = (max(column) for column in zip(*steps, strict=True))
    middle, middle_drawn = (float(np.median(column)) for column in zip(*steps, strict=True))
    print(f"next disagreement, median and longest of {len(steps)}: {1000 * middle:.1f} and {1000 * longest:.1f} ms")
    print(f"  drawing {len(views)} views offscreen afterwards: {1000 * middle_drawn:.1f} and {1000 * drawn:.1f} ms")

    choices = ConsensusChoices(review.labels)
    timed("consensus, what the methods share", lambda: choices.decisions)
    for method in METHODS:
        timed(f"consensus: {method}", lambda method=method: choices.choice(method))
    timed("show a consensus in its view", lambda: review.show_consensus("majority"))
    timed("prepare the result", lambda: review.painting)
    timed("take a region and show the result", lambda: review.take_region("reader-0"))
    timed("heat map: readers who differ", lambda: review.show_heat_map("readers"))
    timed("surface distances of all regions (fills in meanwhile)", lambda: list(review.measure_distances()))
    three_dimensional(review)
    for view in views:
        view.close()
    review.close()


def three_dimensional(review: CaseReview) -> None:
    """Surfaces for 3D views: how long they take beside the main thread, and how long that one cannot look at events."""
    background = Background(print)
    review.surfaces = Surfaces(background)
    start = time.perf_counter()
    review.open_views(three_d="each", with_result=False)
    opened = time.perf_counter() - start
    longest = 0.0
    while not background.is_idle:
        before = time.perf_counter()
        background.poll()
        time.sleep(0.005)
        longest = max(longest, time.perf_counter() - before)
    structures = len(review.labels.segments) * len(review.shown)
    print(f"{'3D views are laid out, empty':<58} {opened:8.3f} s wall")
    print(f"{f'  surfaces of {structures} structures fill in meanwhile':<58} {time.perf_counter() - start:8.3f} s wall")
    print(f"  longest time in which the main thread was not back: {1000 * longest:.0f} ms")
    background.close()


if __name__ == "__main__":
    main()

"""Speed, memory and size of consensus: `python Testing/Benchmarks/consensus.py [staple] [methods] [lidc] [--edge N]`.

``staple``: binary STAPLE of five readers on 512x512x512 by ours and by ITK (SimpleITK.STAPLE), interleaved in one run,
on the same voxels; prints processor seconds, the ratio, the extra memory of ours, and how far the estimates differ.
``methods``: every method on a CT of 512x512x300 with 20 structures and four readers.
``lidc``: how large each consensus of real lung nodules is, compared with the majority; needs the reference data.

Without a name, all are run.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AnnotationQACore.consensus.decisions import Decisions, joint_decisions
from AnnotationQACore.consensus.result import LabelConsensus
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.geometry import Grid

METHODS: dict[str, Callable[[Decisions], LabelConsensus]] = {
    "majority": majority,
    "staple": staple,
    "simple": simple,
    "shape": shape_based_average,
}
DATA = Path(os.environ.get("ANNOTATIONQA_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def draw(labels: np.ndarray, centre: np.ndarray, radii: np.ndarray, label: int) -> None:
    """Draw an ellipsoid; centre and radii in voxels (k, j, i)."""
    lower = np.maximum(np.floor(centre - radii).astype(int), 0)
    upper = np.minimum(np.ceil(centre + radii).astype(int) + 1, labels.shape)
    k, j, i = (np.arange(a, b) - c for a, b, c in zip(lower, upper, centre, strict=True))
    inside = (k[:, None, None] / radii[0]) ** 2 + (j[:, None] / radii[1]) ** 2 + (i / radii[2]) ** 2 < 1
    labels[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))][inside] = label


def readers(grid: Grid, structures: int, number: int, shift_mm: float, size: float) -> list[np.ndarray]:
    """Label maps of readers who see the same ellipsoids a little elsewhere and a little larger or smaller."""
    rng = np.random.default_rng(1)
    shape, spacing = np.array(grid.shape), np.array(grid.spacing)
    centres = rng.uniform(0.2, 0.8, (structures, 3)) * shape
    radii = rng.uniform(8, 55, (structures, 1)) * rng.uniform(0.7, 1.3, (structures, 3)) / spacing
    maps = []
    for reader in range(number):
        rng = np.random.default_rng(100 + reader)
        labels = np.zeros(grid.shape, np.uint8)
        for label in range(structures):
            moved = centres[label] + rng.normal(0, shift_mm, 3) / spacing
            draw(labels, moved, radii[label] * rng.uniform(1 - size, 1 + size, 3), label + 1)
        maps.append(labels)
    return maps


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of this process, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def extra_memory(work: Callable[[], object]) -> float:
    """Peak of what is allocated during the work, in MB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def compare_staple(edge: int, rounds: int = 2) -> tuple[float, float, float]:
    """Ours against ITK's filter as its users call it: our and their seconds, and the megabytes that ours allocates."""
    grid = Grid((edge, edge, edge))
    radius = edge / 5
    masks = []
    for reader in range(5):
        mask = np.zeros(grid.shape, np.uint8)
        rng = np.random.default_rng(reader)
        draw(mask, edge / 2 + rng.normal(0, 2, 3), radius * rng.uniform(0.93, 1.07, 3), 1)
        masks.append(mask)
    images = [sitk.GetImageFromArray(mask) for mask in masks]

    def ours() -> LabelConsensus:
        return staple(joint_decisions(masks, grid, margin_mm=None))

    def theirs() -> tuple[sitk.STAPLEImageFilter, sitk.Image]:
        judge = sitk.STAPLEImageFilter()
        judge.SetForegroundValue(1)
        return judge, judge.Execute(images)

    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        mine, result = seconds(ours)
        other, (judge, image) = seconds(theirs)
        times.append((mine, other))
    mine, other = (float(np.median(column)) for column in zip(*times, strict=True))
    sensitivity = np.array([row.sensitivity for row in result.performance])
    specificity = np.array([row.specificity for row in result.performance])
    difference = max(
        np.abs(sensitivity - judge.GetSensitivity()).max(), np.abs(specificity - judge.GetSpecificity()).max()
    )
    unlike = int(np.sum((sitk.GetArrayViewFromImage(image) >= 0.5) != (result.voxels > 0)))
    print(f"STAPLE, 5 readers, {edge}^3, whole image, {result.parameters['iterations']} iterations of ours")
    memory = extra_memory(ours)
    print(f"  ours      {mine:8.2f} s CPU, {memory:.0f} MB allocated, {edge**3 / 1e6:.0f} for the result")
    print(f"  SimpleITK {other:8.2f} s CPU, {judge.GetElapsedIterations()} iterations")
    print(f"  ratio     {other / mine:8.0f}, estimates differ by {difference:.1e}, consensus by {unlike} voxels")
    return mine, other, memory


def time_methods() -> None:
    """Processor seconds of each method, label maps in, consensus out."""
    grid = Grid((300, 512, 512), (1.0, 0.8, 0.8))
    for title, shift, size in (("alike", 0.4, 0.02), ("unlike", 1.0, 0.05)):
        maps = readers(grid, 20, 4, shift, size)
        decisions = joint_decisions(maps, grid)
        disputed = int(decisions.counts[~decisions.is_unanimous].sum())
        labeled = int(decisions.counts[np.any(decisions.patterns > 0, axis=1)].sum())
        print(
            f"CT 512x512x300, 20 structures, 4 readers {title}: {disputed / labeled:.0%} of what is labeled in dispute"
        )
        for name in METHODS:
            work = functools.partial(combine, METHODS[name], maps, grid)
            best = min(seconds(work)[0] for _ in range(3))
            memory = f"{extra_memory(work):.0f} MB allocated, {maps[0].nbytes / 1e6:.0f} for the result"
            print(f"  {name:9} {best:6.2f} s CPU, {memory}")


def combine(method: Callable[[Decisions], LabelConsensus], maps: list[np.ndarray], grid: Grid) -> LabelConsensus:
    """Label maps in, consensus out."""
    return method(joint_decisions(maps, grid))


def compare_sizes() -> None:
    """Voxels of each consensus of real nodules over those of the majority."""
    cases = [case["nodule"] for case in json.loads((DATA / "agreement/staple_lidc.json").read_text())["cases"]]
    methods = {**METHODS, "majority, ties included": lambda decisions: majority(decisions, "include")}
    for number in (4, 3):
        sizes, added = [], np.zeros(2)
        for name in cases:
            found = np.load(DATA / f"lidc/masks/{name}.npz")
            masks, spacing = found["masks"], found["spacing_zyx"]
            if len(masks) == number:
                decisions = joint_decisions(list(masks), Grid(masks.shape[1:], tuple(spacing.tolist())), margin_mm=None)
                results = {title: method(decisions).voxels > 0 for title, method in methods.items()}
                sizes.append([int(voxels.sum()) for voxels in results.values()])
                more = results["staple"] & ~results["majority"]
                added += more.sum(), (more & (2 * np.sum(masks > 0, axis=0) == number)).sum()
        table = np.array(sizes, dtype=float)
        print(f"LIDC-IDRI, {len(table)} nodules outlined by {number} radiologists, voxels over those of the majority")
        for column, name in enumerate(methods):
            ratio = table[:, column] / table[:, 0]
            total = table[:, column].sum() / table[:, 0].sum()
            print(
                f"  {name:24} all together {total:.3f}, mean of nodules {ratio.mean():.3f}, largest {ratio.max():.2f}"
            )
        if added[0]:
            print(f"  {added[1] / added[0]:.1%} of what STAPLE adds to the majority was drawn by exactly half of them")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["staple", "methods", "lidc", []])
    parser.add_argument("--edge", type=int, default=512, help="of the cube of the STAPLE benchmark")
    arguments = parser.parse_args()
    chosen = arguments.what or ["staple", "methods", "lidc"]
    if "staple" in chosen:
        compare_staple(arguments.edge)
    if "methods" in chosen:
        time_methods()
    if "lidc" in chosen:
        compare_sizes()


if __name__ == "__main__":
    main()

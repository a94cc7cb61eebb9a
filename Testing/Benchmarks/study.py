"""Agreement of a large study from files: time per case, memory, resuming after a kill.

    python Testing/Benchmarks/study.py [--cases 1000] [--workers 2] [--dask]

Makes cases of four readers and five structures (48 x 128 x 128 voxels), compares them through an executor, kills the
run half way, takes it up again, and prints a Markdown table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from AnnotationQACore.evaluation.case_files import CaseFiles, ReadingFiles
from AnnotationQACore.evaluation.executors import open_executor
from AnnotationQACore.evaluation.study import study_agreement
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.readings import Answer, Presence, Reading, SegmentationValue
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.loading import load_shipped, protocol_from_document
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((48, 128, 128), (2.5, 0.8, 0.8))
STRUCTURES = 5
READERS = 4
DISTINCT = 20
"""Cases whose voxels differ; the others are copies under another name, so that making them does not take hours."""


def protocol() -> Protocol:
    """Five structures, taken from a shipped protocol where it says more than voxels."""
    shipped = load_shipped("lung_nodule_ct")
    items = [
        {
            "kind": "segmentation",
            "id": f"structure_{number}",
            "title": f"Structure {number}",
            "definition": "For the benchmark.",
            "label_value": number,
            "agreement": {"statistic": "dice", "threshold": 0.8},
        }
        for number in range(1, STRUCTURES + 1)
    ]
    document = to_document(shipped) | {"items": items}
    document.pop("groups", None)
    return protocol_from_document(document)


def write_cases(folder: Path, count: int, protocol_hash: str) -> list[CaseFiles]:
    """Cases with readers whose boundaries differ by about a voxel."""
    generator = np.random.default_rng(0)
    k, j, i = np.ogrid[: GRID.shape[0], : GRID.shape[1], : GRID.shape[2]]
    made: list[list[bytes]] = []
    for _ in range(DISTINCT):
        centres = generator.uniform(0.25, 0.75, (STRUCTURES, 3)) * GRID.shape
        radii = generator.uniform(6, 14, STRUCTURES)
        readers = []
        for _ in range(READERS):
            voxels = np.zeros(GRID.shape, np.uint8)
            for number, (centre, radius) in enumerate(zip(centres, radii, strict=True), start=1):
                c = centre + generator.normal(0, 0.5, 3)
                r = radius + generator.normal(0, 0.6)
                voxels[((k - c[0]) * 2) ** 2 + (j - c[1]) ** 2 + (i - c[2]) ** 2 < r**2] = number
            segments = tuple(Segment(f"structure_{n}", f"Structure {n}", n) for n in range(1, STRUCTURES + 1))
            path = folder / "made.seg.nrrd"
            write_segmentation(path, Segmentation(voxels[np.newaxis], GRID, segments))
            readers.append(path.read_bytes())
        made.append(readers)
    cases = []
    for number in range(count):
        entries = []
        for reader, content in enumerate(made[number % DISTINCT]):
            answers = tuple(
                Answer(f"structure_{n}", SegmentationValue(Presence.PRESENT)) for n in range(1, STRUCTURES + 1)
            )
            reading = Reading(f"case-{number}", f"reader-{reader}", 1, 1, protocol_hash, answers)
            text = json.dumps(reading.to_json()).encode()
            stem = folder / f"{number}-{reader}"
            stem.with_suffix(".json").write_bytes(text)
            segmentation = folder / f"{number}-{reader}.seg.nrrd"
            segmentation.write_bytes(content)
            entries.append(
                ReadingFiles(
                    reading.id, reading.reader, stem.with_suffix(".json"), hashlib.sha256(text).hexdigest(),
                    segmentation, hashlib.sha256(content).hexdigest(),
                )
            )  # fmt: skip
        cases.append(CaseFiles(f"case-{number}", f"patient-{number}", tuple(entries)))
    return cases


class Clock:
    """Progress that keeps when each tenth was reached, and can kill the run half way as a crash would.

    `seconds` are those of the clock, `processor` those of this process: they say more where other work is done too, as
    long as the cases are compared in this process.
    """

    def __init__(self, kill_at: int | None = None) -> None:
        self.start = (time.monotonic(), time.process_time())
        self.seconds: list[float] = []
        self.processor: list[float] = []
        self.first = 0
        self._kill_at = kill_at

    def __call__(self, done: int, total: int, message: str = "") -> None:
        if not message:
            self.first = done
            return
        if (done - self.first) * 10 // max(total - self.first, 1) > len(self.seconds):
            self.seconds.append(time.monotonic() - self.start[0])
            self.processor.append(time.process_time() - self.start[1])
        if done == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def compare(cases: list[CaseFiles], workers: int, scheduler: str | None, kept: Path, kill_at: int | None) -> Clock:
    """One run."""
    clock = Clock(kill_at)
    with ExitStack() as stack:
        executor = stack.enter_context(open_executor(workers, scheduler)) if workers > 1 or scheduler else None
        study = study_agreement(cases, protocol(), executor=executor, keep_in=kept, progress=clock)
    assert len(study.cases) == len(cases), study.failed[:3]
    return clock


def main() -> None:
    """Make, run, kill, resume, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask", action="store_true", help="through a Dask LocalCluster on loopback")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="study-"))
    try:
        with ExitStack() as stack:
            scheduler = None
            if arguments.dask:
                from distributed import LocalCluster

                cluster = stack.enter_context(
                    LocalCluster(arguments.workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")
                )
                scheduler = cluster.scheduler_address
            measure(folder, arguments, scheduler)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, arguments: argparse.Namespace, scheduler: str | None) -> None:
    """Print the table."""
    cases = write_cases(folder, arguments.cases, protocol().hash)
    kept = folder / "kept"
    kept.mkdir()
    if scheduler is None:
        killed = multiprocessing.get_context("fork").Process(
            target=compare, args=(cases, 1, None, kept, arguments.cases // 2)
        )
        killed.start()
        killed.join()
        before = len(list(kept.glob("*.json")))
        resumed = compare(cases, arguments.workers, scheduler, kept, None)
        print(f"killed after {before} of {len(cases)} cases; resumed from {resumed.first}\n")
        shutil.rmtree(kept)
        kept.mkdir()
    clock = compare(cases, arguments.workers, scheduler, kept, None)
    here = arguments.workers == 1 and scheduler is None
    steps = np.diff([0.0, *(clock.processor if here else clock.seconds)])
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    where = f"{arguments.workers} Dask workers" if scheduler else f"{arguments.workers} processes"
    per_tenth = len(cases) / 10
    print("| cases | readers | structures | where | wall s | ms per case | first tenth | last tenth | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    place, clocked = ("this process", "CPU") if here else (where, "wall")
    print(
        f"| {len(cases)} | {READERS} | {STRUCTURES} | {place} | {clock.seconds[-1]:.1f} | {clocked} | "
        f"{1000 * steps[0] / per_tenth:.1f} | {1000 * steps[-1] / per_tenth:.1f} | {peak:.0f} |"
    )
    print("each tenth: " + ", ".join(f"{1000 * step / per_tenth:.1f}" for step in steps))


if __name__ == "__main__":
    main()

"""Agreement of a large study from files: time per case, memory, resuming after a kill.

    python Testing/Benchmarks/study.py [--cases 1000] [--workers 2] [--dask]

Makes cases of four readers and five structures (48 x 128 x 128 voxels), compares half of them in a process that is
killed, takes the run up again through an executor (processes, or with --dask a real `distributed.LocalCluster` on
loopback), and compares all of them once more from the start. Prints a Markdown table and the time of each tenth of the
cases: processor time where it can be had (this process, Dask's workers), which other work on the machine disturbs
little, else that of the clock.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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

    `seconds` are those of the clock, `processor` those that `processor_seconds` tells.
    """

    def __init__(self, processor_seconds: Callable[[], float], kill_at: int | None = None) -> None:
        self._processor_seconds = processor_seconds
        self._start = (time.monotonic(), processor_seconds())
        self.seconds: list[float] = []
        self.processor: list[float] = []
        self.first = 0
        self._kill_at = kill_at

    def __call__(self, done: int, total: int, message: str = "") -> None:
        if not message:
            self.first = done
            return
        if (done - self.first) * 10 // max(total - self.first, 1) > len(self.seconds):
            self.seconds.append(time.monotonic() - self._start[0])
            self.processor.append(self._processor_seconds() - self._start[1])
        if done == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def compare(cases: list[CaseFiles], kept: Path, clock: Clock, workers: int = 1, scheduler: str | None = None) -> None:
    """One run."""
    with ExitStack() as stack:
        executor = stack.enter_context(open_executor(workers, scheduler)) if workers > 1 or scheduler else None
        study = study_agreement(cases, protocol(), executor=executor, keep_in=kept, progress=clock)
    assert len(study.cases) == len(cases), study.failed[:3]


def compare_half(cases: list[CaseFiles], kept: Path) -> None:
    """A run that is killed after half of the cases."""
    compare(cases, kept, Clock(time.process_time, kill_at=len(cases) // 2))


def main() -> None:
    """Make, run, kill, resume, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask", action="store_true", help="through a Dask LocalCluster on loopback")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="study-", ignore_cleanup_errors=True) as temporary:
        cases = write_cases(Path(temporary), arguments.cases, protocol().hash)
        kept = Path(temporary, "kept")
        kept.mkdir()
        killed = multiprocessing.get_context("fork").Process(target=compare_half, args=(cases, kept))
        killed.start()
        killed.join()
        print(f"killed after {len(list(kept.glob('*.json')))} of {len(cases)} cases")
        with ExitStack() as stack:
            scheduler, processor_seconds = None, time.process_time
            if arguments.dask:
                scheduler, processor_seconds = stack.enter_context(local_cluster(arguments.workers))
            measure(cases, kept, arguments.workers, scheduler, processor_seconds)


@contextmanager
def local_cluster(workers: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """Dask's scheduler and workers on loopback: its address, and how long the workers have been at work."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        yield cluster.scheduler_address, lambda: sum(client.run(time.process_time).values())


def measure(
    cases: list[CaseFiles], kept: Path, workers: int, scheduler: str | None, processor_seconds: Callable[[], float]
) -> None:
    """Take up the run that was killed, run all once more, and print the table."""
    resumed = Clock(processor_seconds)
    compare(cases, kept, resumed, workers, scheduler)
    print(f"resumed from {resumed.first}\n")
    again = kept.with_name("again")
    again.mkdir()
    clock = Clock(processor_seconds)
    compare(cases, again, clock, workers, scheduler)
    by_processor = workers == 1 or scheduler is not None
    steps = np.diff([0.0, *(clock.processor if by_processor else clock.seconds)])
    per_case = 1000 * steps / (len(cases) / 10)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    place = f"{workers} Dask workers" if scheduler else f"{workers} processes" if workers > 1 else "this process"
    print("| cases | readers | structures | where | wall s | time | ms per case | first tenth | last tenth | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {len(cases)} | {READERS} | {STRUCTURES} | {place} | {clock.seconds[-1]:.1f} | "
        f"{'processor' if by_processor else 'clock'} | "
        f"{per_case.mean():.1f} | {per_case[0]:.1f} | {per_case[-1]:.1f} | {peak:.0f} |"
    )
    print("each tenth: " + ", ".join(f"{step:.1f}" for step in per_case))


if __name__ == "__main__":
    main()

"""Agreement of segmentations against other packages: `python Testing/Benchmarks/segmentation_agreement.py`.

    [--quick] [--cases ct-2 brain ...] [--peers surface-distance medpy ...] [--budget 120] [--output FILE.md]
    [--environment metricsreloaded=PYTHON]

Prints a table (Markdown) of processor seconds and their ratios. Each package runs in a process and environment of its
own, installed from PyPI into the user's cache folder; plastimatch is a program of the system (Debian: plastimatch);
MetricsReloaded is not on PyPI and takes part when an interpreter that has it is named. One run interleaves all: before
each call of a package ours is run once, and its median counts.

Ours: every figure of every pair and label from the label maps. Theirs: Dice, HD, HD95, mean surface distance and
surface Dice at two tolerances (as far as they have them), one label of one pair per call, masks made beforehand. What
takes longer than the budget (processor seconds for one package and case) is measured on some labels, those of middle
volume first, and multiplied; so are the pairs of more than two readers. The column "labels" says how many were
measured. A case of fewer than five labels is measured in several rounds, and the median of each label counts. "cropped"
is the ratio when the package is handed the masks on the box that holds them, and ours is not; "both cropped" is the
ratio when ours is handed the same two masks on the same box; "repeated" is that of calls of both that follow the first:
the first one of some milliseconds mostly fills the processor's caches, which cutting out the masks left empty.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peer_environment import peer_python
from scipy.ndimage import find_objects
from segmentation_cases import Case, cases

PACKAGES = {
    "surface-distance": ["surface-distance==0.1"],
    "plastimatch": [],
    "meshmetrics": ["pymeshmetrics==1.4.1"],
    "monai": ["torch==2.13.0", "monai==1.6.1", "scipy"],
    "pymia": ["pymia==0.3.4", "numpy<2.4"],
    "simpleitk": ["SimpleITK==2.5.7"],
    "metricsreloaded": [],
    "medpy": ["medpy==0.5.2"],
    "panoptica": ["panoptica==2.1.7"],
    "panoptica-metrics": ["panoptica==2.1.7"],
    "panoptica-1.1": ["panoptica==1.1.0", "numpy<2"],
}
CROPPED = 5
WANTED = {
    "surface-distance": 15,
    "plastimatch": 45,
    "meshmetrics": 180,
    "monai": 450,
    "pymia": 450,
    "simpleitk": 800,
    "metricsreloaded": 1800,
    "medpy": 4000,
    "panoptica-metrics": 4000,
    "panoptica": CROPPED,
    "panoptica-1.1": CROPPED,
}
"""How many times as fast ours is to be. Panoptica's evaluators cut out what they measure by themselves, and are held
against the mark for packages that are handed cropped masks."""
SAME_ENVIRONMENT = {"panoptica-metrics": "panoptica"}
"""Packages that are measured in two ways: by their evaluator, and by their metrics called on masks."""

TAKES_LABEL_MAPS = {"panoptica-1.1"}
"""Packages that are handed a label map with two labels far apart, because they cut away what no label reaches."""

SAME_DEFINITION = {"surface-distance": ("dice", "hd", "hd95", "masd", "nsd")}
"""Figures that must agree with ours; of the other packages, whose surfaces are defined otherwise, Dice alone."""


class Peer:
    """A package in a process of its own."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        script = Path(__file__).with_name("segmentation_peers.py")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", script, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, folder: Path, case: Case, labels: Sequence[int] = (), cropped: bool = False) -> dict[str, Any]:
        """Measure one call."""
        request = {"folder": str(folder), "spacing": case.spacing, "labels": labels, "cropped": cropped}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            reply = self._process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        if not reply:
            raise RuntimeError(f"{self.name} ended with exit code {self._process.wait()}")
        return json.loads(reply)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


ROUNDS = 11
"""Calls of a package, at least, as far as its budget goes."""


@dataclass(frozen=True)
class Measured:
    """One package on one case; the first line of a case, whose package is "ours", has no ratio."""

    case: str
    package: str
    seconds: float = math.nan
    labels: str = ""
    ratio: float = math.nan
    wanted: float = math.nan
    cropped: float = math.nan
    both_cropped: float = math.nan
    repeated: float = math.nan
    megabytes: float = math.nan
    remark: str = ""


def main() -> int:
    """Run the benchmark."""
    options = _options()
    environments, missing = peer_environments(options.peers, options.environment)
    report: list[str] = []

    def say(text: str) -> None:
        report.append(text)
        print(text, flush=True)
        if options.output:
            options.output.write_text("\n".join(report) + "\n")

    say(_HEADER)
    for name in options.cases:
        for row in measure(cases(options.quick)[name](), environments, options.budget):
            say(_row(row))
    say("\n".join(["", *_remarks(missing)]))
    return 0


_HEADER = """\
| case | package | CPU s | labels | ratio | wanted | cropped | both cropped | repeated | extra MB | figures |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"""


def _row(row: Measured) -> str:
    ratios = (row.ratio, row.wanted, row.cropped, row.both_cropped, row.repeated)
    numbers = (f"{row.seconds:.3g}", row.labels, *(f"{n:.3g}" for n in ratios))
    cells = (row.case, row.package, *numbers, f"{row.megabytes:.0f}", row.remark)
    return f"| {' | '.join('' if cell == 'nan' else cell for cell in cells)} |"


def measure(case: Case, environments: dict[str, Path], budget: float) -> Iterator[Measured]:
    """Each package on one case, as soon as it is measured; ours comes last."""
    labels = _by_middle_volume(case)
    scale = math.comb(len(case.readers), 2) * len(labels)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for place, reader in enumerate(case.readers):
            np.save(folder / f"{place}.npy", reader)
        ours, reading = (Peer(name, Path(sys.executable)) for name in ("ours", "reading"))
        for peer in (ours, reading):
            peer.ask(folder, case)
        runs, reads = [ours.ask(folder, case)], [reading.ask(folder, case)]
        for name, python in environments.items():
            groups = [[label] for label in labels]
            if name in TAKES_LABEL_MAPS:
                groups = [_far_apart(case, labels)]
            groups *= math.ceil(ROUNDS / len(groups))
            peer = Peer(name, python)
            calls: list[tuple[list[int], dict[str, Any]]] = []
            crops: list[tuple[list[int], dict[str, Any]]] = []
            our_crops: list[tuple[list[int], dict[str, Any]]] = []
            failure = ""
            try:
                while len(calls) < len(groups) and sum(call["seconds"] for _, call in calls) < budget:
                    group = groups[len(calls)]
                    runs.append(ours.ask(folder, case))
                    reads.append(reading.ask(folder, case))
                    calls.append((group, peer.ask(folder, case, group)))
                    if len(group) == 1:
                        our_crops.append((group, ours.ask(folder, case, group, cropped=True)))
                        crops.append((group, peer.ask(folder, case, group, cropped=True)))
            except RuntimeError as error:
                failure = str(error)
            peer.close()
            if not calls:
                yield Measured(case.title, name, wanted=WANTED[name], remark=failure)
                continue
            seconds = statistics.median(run["seconds"] for run in runs)
            measured = len({label for group, _ in calls for label in group})
            theirs = _seconds_a_label(calls) * scale
            yield Measured(
                case.title,
                name,
                theirs,
                f"{measured} of {len(labels)}"
                + (f", 1 of {scale // len(labels)} pairs" if scale > len(labels) else ""),
                theirs / seconds,
                WANTED[name],
                _seconds_a_label(crops) * scale / seconds if crops else math.nan,
                _seconds_a_label(crops) / _seconds_a_label(our_crops) if crops else math.nan,
                _seconds_a_label(crops, "again") / _seconds_a_label(our_crops, "again") if crops else math.nan,
                max(call["megabytes"] for _, call in calls),
                failure or _agreement(name, calls, runs[0]["figures"]),
            )
        ours.close()
        reading.close()
    seconds, read = (statistics.median(run["seconds"] for run in both) for both in (runs, reads))
    memory = max(run["megabytes"] for run in runs)
    remark = f"reading the label maps alone (numpy's max): {read:.2g} s"
    yield Measured(case.title, "ours", seconds, str(len(labels)), megabytes=memory, remark=remark)


def _seconds_a_label(calls: list[tuple[list[int], dict[str, Any]]], which: str = "seconds") -> float:
    """Mean over labels of the median of the rounds."""
    by_labels: dict[tuple[int, ...], list[float]] = {}
    for group, call in calls:
        by_labels.setdefault(tuple(group), []).append(call[which] / len(group))
    return statistics.mean(map(statistics.median, by_labels.values()))


def _far_apart(case: Case, labels: list[int]) -> list[int]:
    """The first label, and the one with which it spans the largest box."""
    if len(labels) < 2:
        return labels
    boxes = find_objects(case.readers[0])

    def spanned(other: int) -> int:
        both = zip(boxes[labels[0] - 1], boxes[other - 1], strict=True)
        return math.prod(max(a.stop, b.stop) - min(a.start, b.start) for a, b in both)

    return [labels[0], max(labels[1:], key=spanned)]


def _by_middle_volume(case: Case) -> list[int]:
    """Labels from the one of middle volume outwards, so that the first few stand for all."""
    voxels = np.bincount(case.readers[0].reshape(-1))
    labels = [label for label in np.argsort(voxels).tolist() if label and voxels[label]]
    middle = (len(labels) - 1) / 2
    return [labels[place] for place in sorted(range(len(labels)), key=lambda place: abs(place - middle))]


def _agreement(name: str, calls: list[tuple[list[int], dict[str, Any]]], ours: dict[str, Any]) -> str:
    """Largest difference of the figures that have the same definition as ours."""
    names = SAME_DEFINITION.get(name, ("dice",))
    largest = 0.0
    for group, call in calls:
        for figure in names:
            mine, theirs = [ours[str(label)][figure] for label in group], call["figures"].get(figure)
            if isinstance(mine[0], dict):
                largest = max(largest, *(abs(mine[0][tau] - theirs[tau]) for tau in mine[0]))
            else:
                largest = max(largest, abs(statistics.mean(mine) - theirs))
    return f"{', '.join(names)} within {largest:.0e}" + ("" if largest < 1e-5 else " (DIFFERENT)")


def peer_environments(peers: Sequence[str], interpreters: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """Interpreters of the packages that could be installed, and what could not."""
    given = dict(entry.split("=", 1) for entry in interpreters)
    found: dict[str, Path] = {}
    missing: list[str] = []
    for name in peers:
        if name in given:
            found[name] = Path(given[name])
        elif name == "plastimatch":
            if shutil.which("plastimatch"):
                found[name] = Path(sys.executable)
            else:
                missing.append("plastimatch is not installed (Debian: apt-get install plastimatch).")
        elif name == "metricsreloaded":
            missing.append("MetricsReloaded is not on PyPI; name an interpreter: --environment metricsreloaded=PYTHON.")
        else:
            try:
                found[name] = peer_python(SAME_ENVIRONMENT.get(name, name), PACKAGES[name])
            except (OSError, subprocess.CalledProcessError) as error:
                missing.append(f"{name} could not be installed: {error}.")
    return found, missing


def _remarks(missing: list[str]) -> list[str]:
    system = f"Python {platform.python_version()}, numpy {np.__version__}, {platform.system()} {platform.machine()}."
    return [f"Processor seconds; {system}", *missing]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="images of about a tenth of the size")
    parser.add_argument("--cases", nargs="+", choices=list(cases(True)), default=list(cases(True)))
    parser.add_argument("--peers", nargs="+", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--budget", type=float, default=120, help="processor seconds for one package and case")
    parser.add_argument("--environment", nargs="*", default=[], metavar="PEER=PYTHON")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

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
measured. "cropped" is the ratio when the package is handed the masks on the box that holds them, and ours is not.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peer_environment import peer_python
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
}
WANTED = {
    "surface-distance": 15,
    "plastimatch": 45,
    "meshmetrics": 180,
    "monai": 450,
    "pymia": 450,
    "simpleitk": 800,
    "metricsreloaded": 1800,
    "medpy": 4000,
    "panoptica": 4000,
}
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

    def ask(self, folder: Path, case: Case, label: int = 0, cropped: bool = False) -> dict[str, Any]:
        """Measure one call."""
        request = {"folder": str(folder), "spacing": case.spacing, "label": label, "cropped": cropped}
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


def main() -> int:
    """Run the benchmark."""
    options = _options()
    environments, missing = _environments(options)
    report: list[str] = []

    def say(text: str) -> None:
        report.append(text)
        print(text, flush=True)
        if options.output:
            options.output.write_text("\n".join(report) + "\n")

    say(_HEADER)
    makers = cases(options.quick)
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.cases:
            case = makers[name]()
            folder = Path(temporary) / name
            folder.mkdir()
            for place, reader in enumerate(case.readers):
                np.save(folder / f"{place}.npy", reader)
            for row in _measure(case, folder, environments, options.budget):
                say(row)
            shutil.rmtree(folder)
    say("\n".join(["", *_remarks(missing)]))
    return 0


_HEADER = """\
| case | package | CPU s | labels | ratio | wanted | cropped | extra MB | figures |
|---|---|---:|---:|---:|---:|---:|---:|---|"""


def _measure(case: Case, folder: Path, environments: dict[str, Path], budget: float) -> Iterator[str]:
    """Rows of the table of one case, each as soon as it is measured; ours comes last."""
    labels = _by_middle_volume(case)
    scale = math.comb(len(case.readers), 2) * len(labels)
    ours = Peer("ours", Path(sys.executable))
    ours.ask(folder, case)
    runs = [ours.ask(folder, case)]
    for name, python in environments.items():
        peer = Peer(name, python)
        calls: list[tuple[int, dict[str, Any]]] = []
        crops: list[float] = []
        failure = ""
        try:
            while len(calls) < len(labels) and sum(call["seconds"] for _, call in calls) < budget:
                label = labels[len(calls)]
                runs.append(ours.ask(folder, case))
                calls.append((label, peer.ask(folder, case, label)))
                crops.append(peer.ask(folder, case, label, cropped=True)["seconds"])
        except RuntimeError as error:
            failure = str(error)
        peer.close()
        if not crops:
            yield f"| {case.title} | {name} | | | | {WANTED[name]} | | | {failure} |"
            continue
        seconds = statistics.median(run["seconds"] for run in runs)
        theirs = statistics.mean(call["seconds"] for _, call in calls) * scale
        extra = max(call["megabytes"] for _, call in calls)
        figures = failure or _agreement(name, calls, runs[0]["figures"])
        yield (
            f"| {case.title} | {name} | {theirs:.1f} | {len(calls)} of {len(labels)} | {theirs / seconds:.0f} "
            f"| {WANTED[name]} | {statistics.mean(crops) * scale / seconds:.1f} | {extra:.0f} | {figures} |"
        )
    ours.close()
    seconds = statistics.median(run["seconds"] for run in runs)
    memory = max(run["megabytes"] for run in runs)
    yield f"| {case.title} | **ours** | {seconds:.3f} | {len(labels)} | | | | {memory:.0f} | |"


def _by_middle_volume(case: Case) -> list[int]:
    """Labels from the one of middle volume outwards, so that the first few stand for all."""
    voxels = np.bincount(case.readers[0].reshape(-1))
    labels = [label for label in np.argsort(voxels).tolist() if label and voxels[label]]
    middle = (len(labels) - 1) / 2
    return [labels[place] for place in sorted(range(len(labels)), key=lambda place: abs(place - middle))]


def _agreement(name: str, calls: list[tuple[int, dict[str, Any]]], ours: dict[str, Any]) -> str:
    """Largest difference of the figures that have the same definition as ours."""
    names = SAME_DEFINITION.get(name, ("dice",))
    largest = 0.0
    for label, call in calls:
        for figure in names:
            mine, theirs = ours[str(label)][figure], call["figures"].get(figure)
            if isinstance(mine, dict):
                largest = max(largest, *(abs(mine[tau] - theirs[tau]) for tau in mine))
            else:
                largest = max(largest, abs(mine - theirs))
    return f"{', '.join(names)} within {largest:.0e}" + ("" if largest < 1e-5 else " (DIFFERENT)")


def _environments(options: argparse.Namespace) -> tuple[dict[str, Path], list[str]]:
    """Interpreters of the packages that could be installed, and what could not."""
    given = dict(entry.split("=", 1) for entry in options.environment)
    found: dict[str, Path] = {}
    missing: list[str] = []
    for name in options.peers:
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
                found[name] = peer_python(name, PACKAGES[name])
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

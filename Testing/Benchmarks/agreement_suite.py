"""All benchmarks of agreement and consensus, and one table: `python Testing/Benchmarks/agreement_suite.py`.

    [--quick] [--budget 20] [--environment metricsreloaded=PYTHON] [--output FILE.md]

Ours and the others take turns in one run, and processor seconds count, so that other work on the machine matters
little. A package that takes longer than the budget (processor seconds) for a case is measured on as few labels as fill
it, those of middle volume first, and its time is that of these, multiplied; so are the pairs of more than two readers
and the turns of a loop. The column "measured" says how much was. "cropped" is the ratio when the package is handed the
masks cut out, and ours is not: at least 5 is wanted for the CT of two readers; "both cropped" in the remarks is that
when ours is handed the same two masks, cut out alike, "repeated" that of calls that follow the first. Programs that are
slow on whole images are compared on that CT and on the brain.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import time
from pathlib import Path

import bootstrap
import consensus
import instances
import numpy as np
from segmentation_agreement import CROPPED, PACKAGES, Measured, measure, peer_environments
from segmentation_cases import cases

FAST = ("surface-distance", "plastimatch")
PEERS = {"ct-2": tuple(PACKAGES), "ct-4": FAST, "brain": tuple(PACKAGES), "lesion": FAST, "lesions": FAST}
MEMORY_MB = 300
STAPLE, INSTANCES, LOOPS = 150, 10, 300


class Table:
    """Rows that are printed, and written to a file, as they come."""

    def __init__(self, output: Path | None) -> None:
        self._output, self._lines = output, []
        self.say("| benchmark | against | ours CPU s | theirs CPU s | measured | ratio | wanted | | cropped | remark |")
        self.say("|---|---|---:|---:|---|---:|---:|---|---:|---|")

    def say(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)
        print(line, flush=True)
        if self._output:
            self._output.write_text("\n".join(self._lines) + "\n")

    def add(
        self,
        benchmark: str,
        against: str,
        ours: float,
        theirs: float,
        *,
        measured: str = "all",
        wanted: float = math.nan,
        cropped: str = "",
        remark: str = "",
    ) -> None:
        """Add a comparison."""
        ratio = theirs / ours
        verdict = "" if math.isnan(wanted) else ("met" if ratio >= wanted else "NOT MET")
        shown = "" if math.isnan(wanted) else f"{wanted:g}"
        numbers = (f"{ours:.4g}", f"{theirs:.4g}", measured, f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}")
        self.say(f"| {' | '.join((benchmark, against, *numbers, shown, verdict, cropped, remark))} |")


def main() -> int:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="images of about a tenth of the size")
    parser.add_argument("--budget", type=float, default=20, help="processor seconds for one package and case")
    parser.add_argument("--environment", nargs="*", default=[], metavar="PEER=PYTHON")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    start = time.monotonic()
    environments, missing = peer_environments(list(PACKAGES), options.environment)
    table = Table(options.output)
    _segmentations(table, environments, options)
    _staple(table, (64, 128, 192) if options.quick else (128, 256, 512))
    for name, (ours, theirs) in bootstrap.compare(2000, 100, 3).items():
        measured = f"{100} of 2000 turns"
        table.add("2,000 bootstraps, 897 x 4 ratings", name, ours, theirs, measured=measured, wanted=LOOPS)
    found = instances.compare(3, 80, list(instances.PEERS))
    for name, seconds in found.items():
        if name == "cc3d only":
            remark = "components alone, without matching: less than ours does"
            table.add("instances, 80 lesions in the CT", name, found["ours"], seconds, remark=remark)
        elif name != "ours":
            table.add("instances, 80 lesions in the CT", name, found["ours"], seconds, wanted=INSTANCES)
    system = f"Python {platform.python_version()}, numpy {np.__version__}, {platform.system()} {platform.machine()}"
    minutes = (time.monotonic() - start) / 60
    table.say(f"\n{system}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {minutes:.0f} minutes.")
    for line in missing:
        table.say(line)
    return 0


def _segmentations(table: Table, environments: dict[str, Path], options: argparse.Namespace) -> None:
    for name, peers in PEERS.items():
        available = {peer: environments[peer] for peer in peers if peer in environments}
        for row in measure(cases(options.quick)[name](), available, options.budget):
            _segmentation(table, row, name)


def _segmentation(table: Table, row: Measured, name: str) -> None:
    if row.package == "ours":
        extra = f"{row.megabytes:.0f} MB extra"
        if name in ("ct-2", "ct-4"):
            extra += f" ({MEMORY_MB} MB at most: {'met' if row.megabytes < MEMORY_MB else 'NOT MET'})"
        table.say(f"| {row.case} | *ours* | {row.seconds:.4g} | | | | | | | {extra}; {row.remark} |")
        return
    if math.isnan(row.ratio):
        table.say(f"| {row.case} | {row.package} | | | | | {row.wanted:g} | not measured | | {row.remark} |")
        return
    cropped_too = f"; both cropped: {row.both_cropped:.1f}, repeated: {row.repeated:.1f}"
    both = "" if math.isnan(row.both_cropped) else cropped_too
    cropped = "" if math.isnan(row.cropped) else f"{row.cropped:.1f}"
    if cropped and name == "ct-2":
        cropped += " met" if row.cropped >= CROPPED else " NOT MET"
    table.add(
        row.case,
        row.package,
        row.seconds / row.ratio,
        row.seconds,
        measured=f"{row.labels} labels",
        wanted=row.wanted,
        cropped=cropped,
        remark=f"{row.remark}{both}; {row.megabytes:.0f} MB extra",
    )


def _staple(table: Table, edges: tuple[int, ...]) -> None:
    for edge in edges:
        ours, theirs, memory = consensus.compare_staple(edge, rounds=1 if edge > 256 else 3)
        wanted = STAPLE if edge == max(edges) else math.nan
        remark = f"{memory:.0f} MB extra, of them {edge**3 / 1e6:.0f} the result"
        table.add(f"STAPLE, 5 readers, {edge}^3", "SimpleITK", ours, theirs, wanted=wanted, remark=remark)


if __name__ == "__main__":
    sys.exit(main())

"""Alter the faces in a folder that 'run' wrote. The first time, pictures are made and nothing with a face is written;
a person looks at them and confirms ('review QUEUE accept OBJECT --face --by NAME'); the same command then writes.

It is for folders that were de-identified before; 'run --option clean_recognizable_visual_features' does both at once.
Exit code 0: everything was written; 3: something was not, and the report says why; 2: wrong use.
"""

import argparse
import json
from pathlib import Path

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.cli.console import progress_of
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.cli.places import require_folder_place
from DeidentifyStudyCore.errors import DestinationError, InputError
from DeidentifyStudyCore.faces.batch import FaceOutcome, deface_folder
from DeidentifyStudyCore.review import ReviewQueue

__all__ = ["add_arguments", "run"]

_REPORT = "faces.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("source", type=Path, metavar="IN", help="folder that 'run' wrote; it is only read")
    parser.add_argument("destination", type=Path, metavar="OUT", help="folder for the result: new, or of this command")
    parser.add_argument(
        "--review", type=Path, required=True, metavar="QUEUE", help="folder or JSON file of what waits for a person"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder for the report (default: OUT with '-faces')")
    parser.add_argument("--ears", action="store_true", help="alter the ears too")
    parser.add_argument(
        "--progress", choices=("text", "json", "none"), default="text", help="one JSON object a line, or text"
    )
    parser.add_argument("--cancel-file", type=Path, metavar="FILE", help="stop as soon as this file exists")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    source, destination = arguments.source, arguments.destination
    require_folder_place(destination)
    report = arguments.report or destination.with_name(destination.name + "-faces")
    require_folder_place(report)
    queue = ReviewQueue.load(arguments.review)
    _check_places(source, destination, report, queue.path)
    outcome = deface_folder(source, destination, queue, ears=arguments.ears, progress=progress_of(arguments))
    queue.save()
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationError(f"{report}: cannot be made ({error.strerror}); choose another --report.") from error
    write_text(report / _REPORT, json.dumps(outcome.as_json(), indent=1) + "\n")
    _show(outcome, queue)
    print(f"report: {report / _REPORT}")
    faces = sum(entry.is_face and entry.decision == "pending" for entry in queue.entries.values())
    if faces:
        folder = queue.path.parent if queue.path.name == "queue.json" else queue.path
        print(f"Waiting for a person: {faces}. Look at the pictures; for each: deidentify-study review {folder}")
        print("accept OBJECT --face --by NAME, or reject OBJECT. Then run this command again.")
    return SOME_QUARANTINED if outcome.quarantined else CLEAN


def _check_places(source: Path, destination: Path, report: Path, queue: Path) -> None:
    real_source, real_destination = source.resolve(), destination.resolve()
    if real_destination.is_relative_to(real_source) or real_source.is_relative_to(real_destination):
        raise InputError("source and destination lie inside each other; choose a destination elsewhere.")
    for path, option in ((report, "--report"), (queue, "--review")):
        real = path.resolve()
        if real.is_relative_to(real_destination) or real.is_relative_to(real_source):
            raise InputError(f"{option} must lie outside source and destination; choose another place.")
    if destination.exists() and not destination.is_dir():
        raise DestinationError(f"{destination}: is not a folder; choose another destination.")
    if destination.exists() and any(destination.iterdir()) and not (report / _REPORT).exists():
        raise DestinationError(f"{destination}: is not empty; choose an empty folder, or the report of the first run.")


def _show(outcome: FaceOutcome, queue: ReviewQueue) -> None:
    for finding in outcome.findings.values():
        name = finding.digest[:12] or "-"
        print(f"{name:12}  {finding.verdict:8}  {finding.reason}")
        for gate in finding.gates:
            bounds = f"{gate.least:g} to {gate.most:g}"
            print(f"    {'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.value:.3f} (must be {bounds})")
        if finding.digest and queue.entries.get(finding.digest) is not None:
            print(f"    {queue.pictures / (finding.digest + '-face.png')}")
    counts = {kind: sum(row.outcome == kind for row in outcome.files) for kind in ("altered", "copied", "quarantined")}
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()))

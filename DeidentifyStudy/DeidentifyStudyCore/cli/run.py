"""De-identify a folder: every DICOM object is written and verified, or it is left out for a reason that the report
names.

Exit code 0: all clean; 3: some objects were not written; 2: wrong use, nothing was written.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.cleaning import conformance
from DeidentifyStudyCore.cli.console import (
    add_ids_argument,
    add_key_arguments,
    add_option_argument,
    add_work_arguments,
    executor_of,
    key_or_ephemeral,
    progress_of,
    supplied_of,
)
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.cli.places import require_folder_place
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.errors import Cancelled
from DeidentifyStudyCore.pixels.device_rules import load_device_rules
from DeidentifyStudyCore.profile import Profile, load_profile
from DeidentifyStudyCore.quarantine import REASONS
from DeidentifyStudyCore.reporting.report import build_report, write_report
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyCore.runs.batch import BatchOptions, Outcome, run_batch

__all__ = ["add_arguments", "run"]

_WHOLE_FILES = "search whole written files, not only headers, for the patient's names, numbers and dates"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("source", type=Path, metavar="IN", help="folder with the studies; it is only read")
    parser.add_argument(
        "destination", type=Path, metavar="OUT", help="folder for the result: new, empty, or of a run to resume"
    )
    parser.add_argument(
        "--profile", required=True, metavar="NAME", help="shipped profile or JSON file (see 'profiles')"
    )
    add_key_arguments(parser, required=False)
    add_option_argument(parser)
    parser.add_argument(
        "--review",
        type=Path,
        metavar="QUEUE",
        help="folder of objects that wait for a person's decision (see 'review')",
    )
    parser.add_argument(
        "--device-rules", type=Path, metavar="FILE", help="further rules of where devices burn text in, as JSON"
    )
    parser.add_argument(
        "--ears", action="store_true", help="alter the ears too, where the profile cleans recognizable visual features"
    )
    add_ids_argument(parser)
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for the report (default: OUT with '-report')"
    )
    parser.add_argument("--search-pixels", action="store_true", help=_WHOLE_FILES)
    parser.add_argument(
        "--conformance",
        choices=("none", "sample", "all"),
        default="sample",
        help="compare with dciodvfy, where it is installed: one object of each series, or all (default: sample)",
    )
    add_work_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    require_folder_place(arguments.destination)
    report_folder = arguments.report or arguments.destination.with_name(arguments.destination.name + "-report")
    require_folder_place(report_folder)
    profile = load_profile(arguments.profile, tuple(arguments.option))
    supplied = supplied_of(arguments)
    queue = ReviewQueue.load(arguments.review) if arguments.review else None
    rules = load_device_rules(arguments.device_rules) if arguments.device_rules else ()
    progress = progress_of(arguments)
    with executor_of(arguments) as executor:
        secret = key_or_ephemeral(arguments, profile)
        options = BatchOptions(
            report_folder,
            arguments.key,
            supplied,
            queue,
            arguments.search_pixels,
            executor,
            progress,
            rules,
            arguments.ears,
        )
        try:
            outcome = run_batch(arguments.source, arguments.destination, profile, secret, options)
        except (Cancelled, KeyboardInterrupt):
            if profile.ephemeral:
                raise Cancelled("cancelled, and its key is gone; remove what was written, and run again.") from None
            raise
    judged = _judged(outcome, arguments)
    path = write_report(build_report(outcome, profile, secret, judged), report_folder)
    written = sum(bool(result.output) for result in outcome.files)
    page = path.with_suffix(".html")
    print(
        f"{count_of(written, 'object')} written and verified, {outcome.quarantined} quarantined; report: {page} "
        f"(signed: {path.name})"
    )
    for line in _why_quarantined(outcome, queue, profile):
        print(line)
    return SOME_QUARANTINED if outcome.quarantined else CLEAN


def _why_quarantined(outcome: Outcome, queue: ReviewQueue | None, profile: Profile) -> Iterator[str]:
    counts = Counter(result.reason for result in outcome.files if result.reason)
    for reason, count in counts.most_common():
        yield f"{count:7}  {reason}: {REASONS[reason]}"
    waiting = len(queue.decided("pending")) if queue else 0
    if queue and waiting:
        folder = queue.path.parent if queue.path.name == "queue.json" else queue.path
        they = count_of(waiting, "waits", "wait")
        yield f"{they} for a decision: deidentify-study review {folder} page, then accept or reject."
        again = "into a new folder, since the key is gone" if profile.ephemeral else "as before"
        yield f"Run again {again}, with the same --review, to write what was accepted."
    if "burned-in-risk" in counts:
        from DeidentifyStudyCore.pixels import ocr  # loads scipy, which the search has loaded already

        if not queue:
            yield "Run again with --review QUEUE to decide on images that may show text."
        if not ocr.is_installed():
            yield "With text recognition fewer of them wait: pip install 'annotation-qa[ocr]'."


def _judged(outcome: Outcome, arguments: argparse.Namespace) -> dict[str, Any]:
    checked = 0
    found: list[str] = []
    if arguments.conformance != "none" and conformance.is_available():
        seen = set()
        for result in outcome.files:
            facts = outcome.index.files[result.number]
            series = facts.series or result.output
            if not result.output or (arguments.conformance == "sample" and series in seen):
                continue
            seen.add(series)
            errors = conformance.new_errors(arguments.source / facts.path, arguments.destination / result.output)
            found += errors or []
            checked += errors is not None
    return {"checked": checked, "new_errors": found}

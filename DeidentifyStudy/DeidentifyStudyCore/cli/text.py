"""Clean radiology reports of a patient, plain text or FHIR DiagnosticReport, by what the studies tell of the patient.

Words of the field stay, as in free text of a study. Files get pseudonymous names. Exit code 3 when some were not
written.
"""

import argparse
from pathlib import Path

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
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.runs.report_files import REPORT_REASONS, clean_reports

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("reports", type=Path, metavar="REPORTS", help="a report, or a folder of them; only read")
    parser.add_argument("destination", type=Path, metavar="OUT", help="folder for the result")
    parser.add_argument(
        "--studies", type=Path, required=True, metavar="IN", help="folder with studies of the same patient; only read"
    )
    parser.add_argument("--profile", required=True, metavar="NAME", help="that of the studies' run (see 'profiles')")
    add_option_argument(parser)
    add_key_arguments(parser, required=False)
    add_ids_argument(parser)
    add_work_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    require_folder_place(arguments.destination)
    profile = load_profile(arguments.profile, tuple(arguments.option))
    supplied = supplied_of(arguments)
    progress = progress_of(arguments)
    with executor_of(arguments) as executor:
        results = clean_reports(
            arguments.reports,
            arguments.studies,
            arguments.destination,
            profile,
            key_or_ephemeral(arguments, profile),
            key_file=arguments.key,
            supplied=supplied,
            executor=executor,
            progress=progress,
        )
    written = sum(bool(result.output) for result in results)
    print(f"{written} of {count_of(len(results), 'report')} written")
    left = [result for result in results if result.reason]
    for result in left:
        print(f"file {result.number} by name: {result.reason}, it {REPORT_REASONS[result.reason]}")
    return SOME_QUARANTINED if left else CLEAN

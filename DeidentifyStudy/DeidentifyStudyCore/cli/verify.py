"""Hold written files, the page and its pictures against the signed report: signature, hashes, structure.

Exit code 3 when something differs.
"""

import argparse
from pathlib import Path

from DeidentifyStudyCore.cli.console import add_key_arguments, add_work_arguments, progress_of, secret_of
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.reporting.report import check_page, check_report, read_report

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("report", type=Path, metavar="REPORT", help="report.json, or the folder that holds it")
    parser.add_argument(
        "--data", type=Path, metavar="OUT", help="folder with the files (default: the report's, without '-report')"
    )
    add_key_arguments(parser, required=False)
    add_work_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    path = arguments.report / "report.json" if arguments.report.is_dir() else arguments.report
    report = read_report(path)
    folder = path.parent.resolve()
    data = arguments.data or folder.with_name(folder.name.removesuffix("-report"))
    if not data.is_dir() or data.resolve() == folder:
        raise InputError("the folder with the files was not found; name it with --data.")
    secret = secret_of(arguments) if arguments.key else None
    problems = check_report(report, data, secret, progress_of(arguments)) + check_page(report, folder)
    for problem in problems:
        print(problem)
    print(f"{count_of(report['counts']['written'], 'file')} checked, {count_of(len(problems), 'problem')}")
    if secret is None:
        print("With --key FILE it is also checked that the report was signed with that key.")
    return SOME_QUARANTINED if problems else CLEAN

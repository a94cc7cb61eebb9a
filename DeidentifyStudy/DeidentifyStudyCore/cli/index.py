"""Say what is in a folder, in numbers that identify nobody. With --find, show which source file a report means.

Exit code 3 when there are files that cannot be used.
"""

import argparse
import json
from pathlib import Path

from DeidentifyStudyCore.cli.console import add_work_arguments, executor_of, progress_of
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.dicom.digests import digests_of_file
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.indexing.folder_index import build_index
from DeidentifyStudyCore.indexing.index import list_files
from DeidentifyStudyCore.profile import load_profile

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("source", type=Path, metavar="IN", help="folder with the studies")
    parser.add_argument(
        "--find",
        metavar="SHA256",
        help="print the path of the file whose header has this digest in a report; paths may identify patients",
    )
    add_work_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.find:
        return _find(arguments.source, arguments.find.lower())
    with executor_of(arguments) as executor:
        index = build_index(arguments.source, load_profile("hipaa-safe-harbor"), executor, progress_of(arguments))
    counts = index.counts()
    reasons: dict[str, int] = {}
    for facts in index.files:
        if facts.reason:
            reasons[facts.reason] = reasons.get(facts.reason, 0) + 1
    print(json.dumps(counts | {"reasons": reasons}, indent=1))
    return SOME_QUARANTINED if counts["unusable"] else CLEAN


def _find(source: Path, digest: str) -> int:
    for relative, reason in list_files(source):
        if not reason and digests_of_file(source / relative).header == digest:
            print(relative)
            return CLEAN
    raise InputError("no file of the folder has this digest; is it the folder of that run?")

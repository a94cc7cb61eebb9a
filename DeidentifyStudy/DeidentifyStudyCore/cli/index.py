"""Say what is in a folder, in numbers that identify nobody. With --find, show which source file a report means.

Exit code 3 when there are files that cannot be used; identical copies, of which one is enough, are none of them.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from DeidentifyStudyCore.cli.console import add_work_arguments, executor_of, progress_of
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.dicom.digests import digests_of_file
from DeidentifyStudyCore.dicom.object_classes import class_name
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.indexing.folder_index import Index, build_index
from DeidentifyStudyCore.indexing.index import list_files
from DeidentifyStudyCore.pixels.risk import RISKS
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.quarantine import REASONS

__all__ = ["add_arguments", "run"]

_COPY = "duplicate-copy"
_MEANINGS = {**REASONS, _COPY: "the same bytes as another file; copies are left out"}
_NAMES = {
    "files": ("file", "files"),
    "patients": ("patient", "patients"),
    "studies": ("study", "studies"),
    "series": ("series", "series"),
    "objects": ("object that can be used", "objects that can be used"),
    "dicomdirs": ("directory of a medium (DICOMDIR), which is made anew", "directories of media, which are made anew"),
    "references": ("reference between objects", "references between objects"),
    "references_to_absent_objects": (
        "reference to an object that is not in the folder", "references to objects that are not in the folder"
    ),
}  # fmt: skip
"""Count of the index to the words for one and for more; what is at risk or unusable is told by its reasons."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("source", type=Path, metavar="IN", help="folder with the studies")
    parser.add_argument(
        "--find",
        metavar="SHA256",
        help="print the path of the file whose header has this digest in a report; paths may identify patients",
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as one JSON object")
    add_work_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.find:
        return _find(arguments.source, arguments.find.lower())
    with executor_of(arguments) as executor:
        index = build_index(arguments.source, load_profile("hipaa-safe-harbor"), executor, progress_of(arguments))
    if not index.files:
        raise InputError("the folder is empty; name the folder that holds the studies.")
    reasons = Counter(facts.reason for facts in index.files if facts.reason)
    good = [facts for facts in index.files if not facts.reason and not facts.is_dicomdir]
    risks = Counter(risk for facts in good for risk in facts.risks)
    if arguments.json:
        print(json.dumps(index.counts() | {"reasons": reasons, "risks": risks}, indent=1))
    else:
        for line in _table(index, Counter(facts.sop_class for facts in good), risks, reasons):
            print(line)
    return SOME_QUARANTINED if reasons.keys() - {_COPY} else CLEAN


def _table(index: Index, classes: Mapping[str, int], risks: Counter[str], reasons: Counter[str]) -> Iterator[str]:
    counts = index.counts()
    yield from _rows({words[counts[name] != 1]: counts[name] for name, words in _NAMES.items()})
    if classes:
        yield "Kinds of objects:"
        yield from _rows(_by_name(classes))
    if risks:
        yield "Objects that may show text in their pixels; one may have several reasons:"
        yield from _rows({f"{risk}: {RISKS[risk]}": count for risk, count in risks.most_common()})
    if reasons:
        yield "Files that cannot be used, or need not be:"
        yield from _rows({f"{reason}: {_MEANINGS[reason]}": count for reason, count in reasons.most_common()})


def _rows(counts: Mapping[str, int]) -> Iterator[str]:
    for words, count in counts.items():
        yield f"{count:7}  {words}"


def _by_name(classes: Mapping[str, int]) -> dict[str, int]:
    """Counts by the names of SOP classes, most first; private ones are told as such, since UIDs say whose they are."""
    named: Counter[str] = Counter()
    for uid, count in classes.items():
        named[class_name(uid) or "private or unknown kind"] += count
    return dict(named.most_common())


def _find(source: Path, digest: str) -> int:
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise InputError("--find needs a SHA-256 as the report has it, 64 hexadecimal digits.")
    for relative, reason in list_files(source):
        if not reason and digests_of_file(source / relative).header == digest:
            print(relative)
            return CLEAN
    raise InputError("no file of the folder has this digest; is it the folder of that run?")

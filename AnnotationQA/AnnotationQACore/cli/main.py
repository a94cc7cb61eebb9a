"""Entry point of `annotation-qa`: finds the subcommand, and turns errors into one line and exit code 2."""

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from AnnotationQACore.errors import AnnotationQAError, Cancelled

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, str] = {
    "add-cases": "add cases from a table or a folder",
    "adopt": "put a new version of the protocol in force",
    "agreement": "measure how far readers agree: label files, ratings, landmarks",
    "assign": "assign cases to readers, balanced and in random order",
    "audit": "export all acts for auditors",
    "consensus": "compute one segmentation from those of several readers",
    "demo": "show the whole way on real readings",
    "export": "write readings as DICOM SEG, SR, RTSTRUCT, NIfTI, COCO, surfaces and more",
    "exclude": "take a case out of a project, with the reason, or in again",
    "fetch": "fetch image series from a PACS",
    "history": "show all that happened to a case",
    "identity": "make and show the keys with which you sign",
    "import": "import readings that were made elsewhere",
    "init": "make a project",
    "inspect": "list the image series of a folder and all that is wrong with them",
    "measure": "measure volumes, diameters and intensities of segments",
    "member": "say who belongs to a project, and what they may do",
    "power": "plan how many cases must be read twice",
    "protocol": "check, read, start and compare labeling protocols",
    "publish": "send images or annotation objects to a PACS",
    "release": "release a dataset: split, gate, card, signed manifest, and what is read next",
    "report": "write a report on the agreement of readers",
    "status": "show where a project stands",
    "textlabels": "label radiology reports, and compare them with the images",
    "verify": "verify that a project is as it was signed",
}
"""Name and summary of every subcommand; module `cli.<name>` has `add_arguments(parser)` and `run(arguments) -> int`.

A hyphen in the name is an underscore in that of the module, and a keyword of Python gets one at its end.
"""

BAD_USE = 2
CANCELLED = 130
CLOSED = 141
"""As shells say it: ended by SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in {"-h", "--help"}:
        print(_overview())
        return 0 if argv else BAD_USE
    if argv[0] == "--version":
        print(f"annotation-qa {_version()}")
        return 0
    if argv[0] not in COMMANDS:
        print(f"annotation-qa: no command '{argv[0]}'; see annotation-qa --help.", file=sys.stderr)
        return BAD_USE
    name = argv[0].replace("-", "_") + ("_" if keyword.iskeyword(argv[0]) else "")
    try:
        module = importlib.import_module(f"AnnotationQACore.cli.{name}")
        parser = argparse.ArgumentParser(prog=f"annotation-qa {argv[0]}", description=module.__doc__)
        module.add_arguments(parser)
        code = int(module.run(parser.parse_args(argv[1:])))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has enough; Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except (Cancelled, KeyboardInterrupt):
        print("annotation-qa: cancelled; run the same command again to resume.", file=sys.stderr)
        return CANCELLED
    except AnnotationQAError as error:
        print(f"annotation-qa: {error}", file=sys.stderr)
        return BAD_USE


def _overview() -> str:
    width = max(map(len, COMMANDS), default=0)
    rows = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: annotation-qa COMMAND ... (COMMAND --help says more)", "", *rows])


def _version() -> str:
    try:
        return version("annotation-qa")
    except PackageNotFoundError:
        return "in Slicer"

"""Entry point of `deidentify-study`: finds the subcommand, and turns errors into one line and exit code 2."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from DeidentifyStudyCore.errors import Cancelled, DeidentifyError

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, str] = {
    "deface": "alter faces in de-identified CT and MR of the head, after a person has confirmed",
    "device-rules": "list where known devices write text into pixels, or check a list of one's own",
    "explain": "what would happen to each element of a file, and why; writes nothing",
    "index": "what is in a folder, in numbers; writes nothing",
    "key": "make a key file ('key new')",
    "profiles": "list the profiles, or print what one keeps and removes",
    "review": "look at objects that may have text burned in, and decide what is filled",
    "run": "de-identify a folder",
    "verify": "hold written files against their report",
}
"""Name and summary of every subcommand; module `cli.<name>` has `add_arguments(parser)` and `run(arguments) -> int`."""

CLEAN, SOME_QUARANTINED, BAD_USE, CANCELLED, CLOSED = 0, 3, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 0 all clean, 3 some quarantined, 2 wrong use."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read our output, such as `head`, has enough; the interpreter would flush once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    return code


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in {"-h", "--help"}:
        print(_overview())
        return CLEAN if argv else BAD_USE
    if argv[0] == "--version":
        print(f"deidentify-study {_version()}")
        return CLEAN
    if argv[0] not in COMMANDS:
        print("deidentify-study: no such command; see deidentify-study --help.", file=sys.stderr)
        return BAD_USE
    try:
        module = importlib.import_module(f"DeidentifyStudyCore.cli.{argv[0].replace('-', '_')}")
        parser = argparse.ArgumentParser(prog=f"deidentify-study {argv[0]}", description=module.__doc__)
        module.add_arguments(parser)
        return int(module.run(parser.parse_args(argv[1:])))
    except (Cancelled, KeyboardInterrupt):
        print("deidentify-study: cancelled; run the same command again to resume.", file=sys.stderr)
        return CANCELLED
    except DeidentifyError as error:
        print(f"deidentify-study: {error}", file=sys.stderr)
        return BAD_USE


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: deidentify-study COMMAND ... (COMMAND --help says more)", "", *rows])


def _version() -> str:
    try:
        return version("annotation-qa")
    except PackageNotFoundError:
        return "in Slicer"

"""Entry point of `annotation-qa`: finds the subcommand, and turns errors into one line and exit code 2."""

import contextlib
import importlib
import io
import keyword
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from AnnotationQACore.cli.console import say
from AnnotationQACore.cli.parsing import CommandParser, meant
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
FAULT = 70
"""As sysexits.h says it: a fault of the program itself."""
CANCELLED = 130
CLOSED = 141
"""As shells say it: ended by SIGPIPE."""
TRACEBACK_VARIABLE = "ANNOTATIONQA_TRACEBACK"

_LACKING: dict[type[Exception], str] = {
    EOFError: "the input ended before all was answered; give the passphrase by ANNOTATIONQA_PASSPHRASE.",
    UnicodeDecodeError: "a file that should be text is none; check the files that you named.",
    UnicodeError: "a name of a file is no text; rename it, or set a locale with UTF-8 (LC_ALL=C.UTF-8).",
    MemoryError: "not enough memory; take fewer or smaller files at a time, or a larger computer.",
    RecursionError: "a file is nested too deeply to be read; take another one.",
}
"""What is said where the computer, or a file, lacks something."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code; of whatever fails one line is shown, never a traceback."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads burn time while they wait for large matrices
    _show_what_the_terminal_lacks_as_escapes()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _close_output()
        return CLOSED
    except (Cancelled, KeyboardInterrupt):
        return _say("cancelled; run the same command again to resume.", CANCELLED)
    except AnnotationQAError as error:
        return _say(str(error), BAD_USE)
    except OSError as error:
        _close_output()
        where, reason = error.filename or "output", error.strerror or type(error).__name__
        return _say(
            f"{where}: cannot be read or written ({reason}); check the path, the rights and the space.", BAD_USE
        )
    except tuple(_LACKING) as error:
        return _say(next(words for kind, words in _LACKING.items() if isinstance(error, kind)), BAD_USE)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _say(_fault(error), FAULT)


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in {"-h", "--help"} or argv == ["help"]:
        print(_overview())
        return 0 if argv else BAD_USE
    if argv[0] == "help":
        argv = [argv[1], "--help"]
    if argv[0] == "--version":
        print(f"annotation-qa {_version()}")
        return 0
    if argv[0] not in COMMANDS:
        return _say(f"no command '{argv[0][:40]}'{meant(argv[0], COMMANDS)}; see annotation-qa --help.", BAD_USE)
    name = argv[0].replace("-", "_") + ("_" if keyword.iskeyword(argv[0]) else "")
    module = importlib.import_module(f"AnnotationQACore.cli.{name}")
    parser = CommandParser(f"annotation-qa {argv[0]}", module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(argv[1:])))


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        say(f"annotation-qa: {message}")
    return code


def _fault(error: Exception) -> str:
    """Where it happened, without the words of the error: they may hold what is in a file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}, line {last.lineno}"
    return (
        f"fault of the program ({type(error).__name__} in {place}); please report this line. "
        f"{TRACEBACK_VARIABLE}=1 shows more, which may name what is in your files."
    )


def _show_what_the_terminal_lacks_as_escapes() -> None:
    """A terminal without a character, or a file name that is no text, must not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        sys.stdout.reconfigure(errors="backslashreplace")


def _close_output() -> None:
    """Throw away what cannot be written: the interpreter would try once more at its end, and complain."""
    with contextlib.suppress(OSError, AttributeError):
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview() -> str:
    width = max(map(len, COMMANDS), default=0)
    rows = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: annotation-qa COMMAND ... (COMMAND --help says more)", "", *rows])


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # no other command needs it

    try:
        return version("annotation-qa")
    except PackageNotFoundError:
        return "in Slicer"

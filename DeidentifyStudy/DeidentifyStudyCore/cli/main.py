"""Entry point of `deidentify-study`: finds the subcommand, and turns errors into one line and exit code 2."""

import contextlib
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from DeidentifyStudyCore.cli.lines import say
from DeidentifyStudyCore.cli.parsing import CommandParser, meant
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
    "text": "clean radiology reports by what the studies tell of their patient",
    "verify": "hold written files against their report",
}
"""Name and summary of every subcommand; module `cli.<name>` has `add_arguments(parser)` and `run(arguments) -> int`."""

CLEAN, SOME_QUARANTINED, BAD_USE, FAULT, CANCELLED, CLOSED = 0, 3, 2, 70, 130, 141
TRACEBACK_VARIABLE = "DEIDENTIFY_TRACEBACK"

_LACKING: dict[type[Exception], str] = {
    EOFError: "the input ended before all was answered; give the passphrase by DEIDENTIFY_PASSPHRASE.",
    UnicodeDecodeError: "a file that should be text is none; check the files that you named.",
    UnicodeError: "a name of a file is no text; rename it, or set a locale with UTF-8 (LC_ALL=C.UTF-8).",
    MemoryError: "not enough memory; take fewer files at a time, or a larger computer.",
    RecursionError: "a file is nested too deeply to be read; take another one.",
}
"""What is said where the computer, or a file, lacks something."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 0 all clean, 3 some quarantined, 2 wrong use.

    Of whatever fails one line is shown, never a traceback: its words may name what is in a file.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads burn time while they wait for large matrices
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        _close_output()
        return CLOSED
    except (Cancelled, KeyboardInterrupt) as stopped:
        return _say(str(stopped) or "cancelled; run the same command again to resume.", CANCELLED)
    except DeidentifyError as error:
        return _say(str(error), BAD_USE)
    except OSError as error:
        _close_output()
        reason = error.strerror or type(error).__name__
        return _say(f"something cannot be read or written ({reason}); check paths, rights and space.", BAD_USE)
    except tuple(_LACKING) as error:
        return _say(next(words for kind, words in _LACKING.items() if isinstance(error, kind)), BAD_USE)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _say(_fault(error), FAULT)


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in {"-h", "--help"} or argv == ["help"]:
        print(_overview())
        return CLEAN if argv else BAD_USE
    if argv[0] == "help":
        argv = [argv[1], "--help"]
    if argv[0] == "--version":
        print(f"deidentify-study {_version()}")
        return CLEAN
    if argv[0] not in COMMANDS:
        return _say(f"no such command{meant(argv[0], COMMANDS)}; see deidentify-study --help.", BAD_USE)
    if _wants_workers(argv):
        from DeidentifyStudyCore.cli import workers  # few runs do, and it loads as long as their modules

        workers.processes()
    module = importlib.import_module(f"DeidentifyStudyCore.cli.{argv[0].replace('-', '_')}")
    parser = CommandParser(f"deidentify-study {argv[0]}", module.__doc__)
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(argv[1:])))


def _wants_workers(argv: list[str]) -> bool:
    """Whether a command line, not parsed yet, asks for more than one."""
    numbers = [number for word, number in pairwise(argv) if word == "--workers"]
    numbers += [word.removeprefix("--workers=") for word in argv if word.startswith("--workers=")]
    return any(number.isdecimal() and int(number) > 1 for number in numbers)


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        say(f"deidentify-study: {message}")
    return code


def _fault(error: Exception) -> str:
    """Where it happened, without the words of the error: they may hold what is in a file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}, line {last.lineno}"
    return (
        f"fault of the program ({type(error).__name__} in {place}); please report this line. "
        f"{TRACEBACK_VARIABLE}=1 shows more, which may identify patients."
    )


def _close_output() -> None:
    """Throw away what cannot be written: the interpreter would try once more at its end, and complain."""
    with contextlib.suppress(OSError, AttributeError):
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: deidentify-study COMMAND ... (COMMAND --help says more)", "", *rows])


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # no other command needs it

    try:
        return version("annotation-qa")
    except PackageNotFoundError:
        return "in Slicer"

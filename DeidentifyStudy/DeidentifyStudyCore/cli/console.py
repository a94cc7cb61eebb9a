"""What commands show: progress with the time left or as JSON lines, questions for a passphrase, executors."""

import argparse
import contextlib
import getpass
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from DeidentifyStudyCore.cli.lines import rewrite
from DeidentifyStudyCore.errors import Cancelled, InputError, KeyFileError, MissingExtra
from DeidentifyStudyCore.identity.crosswalk import read_supplied
from DeidentifyStudyCore.identity.keyfile import Secret, ephemeral_secret, open_key
from DeidentifyStudyCore.profile import OPTIONS, Profile
from DeidentifyStudyCore.progress import Progress, silent

if TYPE_CHECKING:  # it takes longer to load than a small study takes
    from concurrent.futures import Executor

__all__ = [
    "add_ids_argument",
    "add_key_arguments",
    "add_option_argument",
    "add_passphrase_argument",
    "add_work_arguments",
    "executor_of",
    "key_or_ephemeral",
    "passphrase_of",
    "progress_of",
    "secret_of",
    "supplied_of",
]

PASSPHRASE_VARIABLE = "DEIDENTIFY_PASSPHRASE"  # noqa: S105  # the name of the variable, not a passphrase


def add_key_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add what names the key and its passphrase."""
    parser.add_argument("--key", type=Path, required=required, metavar="FILE", help="key file (see 'key new')")
    add_passphrase_argument(parser)


def add_ids_argument(parser: argparse.ArgumentParser) -> None:
    """Add the user's table of pseudonyms."""
    parser.add_argument("--ids", type=Path, metavar="CSV", help="pseudonyms to use: columns patient_id, pseudonym")


def supplied_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Patient ID to pseudonym, from the user's table."""
    return read_supplied(arguments.ids) if arguments.ids else {}


def add_passphrase_argument(parser: argparse.ArgumentParser) -> None:
    """Add where the passphrase comes from."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help=f"file whose first line is the passphrase (else ${PASSPHRASE_VARIABLE}, else a question)",
    )


def add_option_argument(parser: argparse.ArgumentParser) -> None:
    """Add what switches options of the profile."""
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME[=off]",
        help=f"switch an option of the profile on, or off; the report has the result. Options: {', '.join(OPTIONS)}",
    )


def add_work_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where the work is done, and how progress is shown."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--workers", type=int, default=1, metavar="N", help="processes on this machine (default: 1)")
    group.add_argument("--scheduler", metavar="ADDRESS", help="address of a Dask scheduler (needs the extra 'cluster')")
    parser.add_argument(
        "--progress", choices=("text", "json", "none"), default="text", help="one JSON object a line, or text"
    )
    parser.add_argument("--cancel-file", type=Path, metavar="FILE", help="stop as soon as this file exists")


def passphrase_of(arguments: argparse.Namespace, *, new: bool = False) -> str:
    """Passphrase from a file, the environment, or a question; a new one is asked for twice."""
    if arguments.passphrase_file:
        try:
            return str(arguments.passphrase_file.read_text(encoding="utf-8").split("\n")[0].rstrip("\r"))
        except (OSError, UnicodeDecodeError):
            raise KeyFileError(
                f"{arguments.passphrase_file}: cannot be read; name the file with the passphrase."
            ) from None
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    if not sys.stdin.isatty():
        raise KeyFileError(f"no passphrase: set {PASSPHRASE_VARIABLE} or use --passphrase-file.")
    try:
        passphrase = getpass.getpass("Passphrase: ")
        if new and getpass.getpass("Once more: ") != passphrase:
            raise KeyFileError("the two passphrases are not the same; nothing was written, try again.")
    except EOFError:
        raise KeyFileError("no passphrase was typed; nothing was done, try again.") from None
    return passphrase


def secret_of(arguments: argparse.Namespace) -> Secret:
    """Open the key that the arguments name."""
    return open_key(arguments.key, passphrase_of(arguments))


@contextlib.contextmanager
def executor_of(arguments: argparse.Namespace) -> "Iterator[Executor | None]":
    """Executor that the arguments ask for; None does the work in this process."""
    if arguments.scheduler:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtra("Dask is not installed; pip install 'annotation-qa[cluster]'.") from None
        try:
            client = Client(arguments.scheduler, timeout=20)
        except (OSError, ValueError):
            raise InputError("no Dask scheduler answers at the address of --scheduler; check it.") from None
        with client, client.get_executor() as executor:
            yield executor
        return
    if arguments.workers < 1:
        raise InputError("--workers must be 1 or more.")
    if arguments.workers == 1:
        yield None
        return
    from DeidentifyStudyCore.cli.workers import WorkerPool, processes

    with WorkerPool(arguments.workers, mp_context=processes()) as executor:
        yield executor


def progress_of(arguments: argparse.Namespace) -> Progress:
    """Progress that the arguments ask for; it raises `Cancelled` when the cancel file is there."""
    shown: Progress = silent
    if sys.stderr is None:  # a program closed it
        pass
    elif arguments.progress == "json":
        shown = _JsonProgress(sys.stderr)
    elif arguments.progress == "text":
        shown = _TextProgress(sys.stderr)
    cancel_file = arguments.cancel_file

    def report(done: int, total: int, message: str = "") -> None:
        if cancel_file and cancel_file.exists():
            raise Cancelled
        shown(done, total, message)

    return report


class _Timed:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._message = ""
        self._start = time.monotonic()
        self._first = 0

    def _left(self, done: int, total: int, message: str) -> float | None:
        """Seconds left in this stage; what an earlier run had done does not count."""
        if message != self._message:
            self._message, self._start, self._first = message, time.monotonic(), done
        finished = done - self._first
        return (time.monotonic() - self._start) / finished * (total - done) if finished > 0 else None


class _JsonProgress(_Timed):
    def __call__(self, done: int, total: int, message: str = "") -> None:
        left = self._left(done, total, message)
        row = {"stage": message, "done": done, "total": total, "seconds_left": None if left is None else round(left, 1)}
        self._stream.write(json.dumps(row) + "\n")
        self._stream.flush()


class _TextProgress(_Timed):
    _last = ("", -1)

    def __call__(self, done: int, total: int, message: str = "") -> None:
        left = self._left(done, total, message)
        line = f"{message}: {done}/{total}" + (f", {_duration(left)} left" if left and done < total else "")
        if self._stream.isatty():
            rewrite(line, self._stream, is_last=done >= total)
            return
        tenth = (message, 10 * done // max(total, 1))
        if tenth != self._last:
            self._last = tenth
            self._stream.write(line + "\n")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.0f} s"


def key_or_ephemeral(arguments: argparse.Namespace, profile: Profile) -> Secret:
    """Secret of the key file, or one that lives in memory only where the profile says so."""
    if profile.ephemeral:
        if arguments.key:
            raise InputError(f"profile {profile.name} uses an ephemeral key; leave --key away.")
        return ephemeral_secret()
    if not arguments.key:
        raise InputError(f"profile {profile.name} needs --key FILE; make one with 'deidentify-study key new'.")
    return secret_of(arguments)

"""What the arguments say of a project: which one, and who acts."""

import argparse
import getpass
import os
import sys

from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.parsing import meant
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity, key_files, load_identity
from AnnotationQACore.project.state import Role

__all__ = [
    "PASSPHRASE_VARIABLE",
    "identity_of",
    "open_project",
    "passphrase",
    "role",
]

PASSPHRASE_VARIABLE = "ANNOTATIONQA_PASSPHRASE"  # noqa: S105 - its name, not a passphrase


def role(text: str) -> Role:
    """Type of an argument that is the role of a member."""
    try:
        return Role(text)
    except ValueError:
        known = ", ".join(Role)
        raise argparse.ArgumentTypeError(f"'{text}' is none of {known}{meant(text, Role)}") from None


def identity_of(arguments: argparse.Namespace) -> Identity:
    """Load the key of the one who acts; its passphrase comes from ANNOTATIONQA_PASSPHRASE or is asked for."""
    names = list(key_files(arguments.key_dir))
    name = arguments.actor or (names[0] if len(names) == 1 else None)
    if name is None:
        known = f"one of {', '.join(names)}" if names else "after making one with: annotation-qa identity new NAME"
        raise InputError(f"who acts is not clear; say --as NAME, {known}.")
    try:
        return load_identity(name, arguments.key_dir, os.environ.get(PASSPHRASE_VARIABLE, ""))
    except InputError as error:
        if "passphrase is needed" not in str(error) or not sys.stdin.isatty():
            raise
    return load_identity(name, arguments.key_dir, getpass.getpass(f"passphrase of {name}: "))


def passphrase() -> str:
    """A new passphrase, from ANNOTATIONQA_PASSPHRASE or asked for twice."""
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    if not sys.stdin.isatty():
        raise InputError(f"no passphrase: set {PASSPHRASE_VARIABLE}, or run this in a terminal.")
    first = getpass.getpass("passphrase: ")
    if getpass.getpass("the same again: ") != first:
        raise InputError("the two passphrases differ; try again.")
    return first


def open_project(arguments: argparse.Namespace, identity: Identity | None = None) -> Project:
    """Open the project, and say on standard error when its ledger is broken."""
    project = Project.open(arguments.project, identity, progress=_QuietWhenShort("opening"))
    for problem in project.problems:
        say(f"warning: {problem}; see annotation-qa verify.")
    return project


class _QuietWhenShort:
    """Progress that shows nothing for work of less than some thousand steps."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console: ConsoleProgress | None = None

    def __call__(self, done: int, total: int, message: str = "") -> None:
        if total >= 5000:
            self._console = self._console or ConsoleProgress(self._title)
            self._console(done, total, message)

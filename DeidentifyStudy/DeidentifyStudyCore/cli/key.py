"""Make a key file. Everything keyed comes from it: keep it and its passphrase safe, and never beside the data."""

import argparse
from pathlib import Path

from DeidentifyStudyCore.cli.console import add_passphrase_argument, passphrase_of
from DeidentifyStudyCore.cli.main import CLEAN
from DeidentifyStudyCore.cli.places import require_file_place
from DeidentifyStudyCore.identity.keyfile import create_key

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make a key file")
    new.add_argument("key", type=Path, metavar="FILE", help="where to write it")
    add_passphrase_argument(new)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    require_file_place(arguments.key)
    secret = create_key(arguments.key, passphrase_of(arguments, new=True))
    print(f"key {secret.fingerprint()} written to {arguments.key}; without its passphrase nobody can use it.")
    return CLEAN

"""Arguments of the commands that work on a project: which one, and who acts; see `acting`."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_actor", "add_key_dir", "add_project"]


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add the argument PROJECT."""
    parser.add_argument("project", metavar="PROJECT", type=Path, help="project folder")


def add_key_dir(parser: argparse._ActionsContainer) -> None:
    """Add the option --key-dir."""
    parser.add_argument("--key-dir", type=Path, help="folder of private keys (default: this user's)")


def add_actor(parser: argparse._ActionsContainer) -> None:
    """Add the options that say who acts."""
    parser.add_argument(
        "--as", dest="actor", metavar="NAME", help="who acts (default: the only identity on this device)"
    )
    add_key_dir(parser)

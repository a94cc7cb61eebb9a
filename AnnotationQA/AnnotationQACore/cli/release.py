"""Release a dataset that others can trust: split, gate, card, signed manifest; and what is read next."""

from __future__ import annotations

import argparse
import importlib

from AnnotationQACore.cli.release_steps import add_steps

__all__ = ["add_arguments", "run"]

_MODULES = {
    "accept": "accepting",
    "split": "splitting",
    "sheet": "looking",
    "look": "looking",
    "sign-off": "looking",
    "check": "making",
    "make": "making",
    "card": "making",
    "verify": "verifying",
    "redo": "rounds",
    "drift": "rounds",
    "rank": "rounds",
    "rereads": "rounds",
}
"""Module ``cli.release_<name>`` of each step, which has a function of its name; loaded when the step is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of `release`."""
    add_steps(parser.add_subparsers(dest="step", required=True, metavar="STEP"))


def run(arguments: argparse.Namespace) -> int:
    """Run a subcommand."""
    module = importlib.import_module(f"AnnotationQACore.cli.release_{_MODULES[arguments.step]}")
    return int(getattr(module, arguments.step.replace("-", "_"))(arguments))

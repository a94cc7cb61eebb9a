"""Release a dataset that others can trust: split, gate, card, signed manifest; and what is read next."""

import argparse

from AnnotationQACore.cli import (
    release_accepting,
    release_looking,
    release_making,
    release_rounds,
    release_splitting,
    release_verifying,
)

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of `release`."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    release_accepting.add_steps(steps)
    release_splitting.add_steps(steps)
    release_looking.add_steps(steps)
    release_making.add_steps(steps)
    release_verifying.add_steps(steps)
    release_rounds.add_steps(steps)


def run(arguments: argparse.Namespace) -> int:
    """Run a subcommand."""
    return int(arguments.act(arguments))

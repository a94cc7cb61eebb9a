"""Consensus of all cases of a project, recorded in its ledger."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.result import LabelConsensus
from AnnotationQACore.evaluation.project_consensus import compute_consensus

__all__ = ["compute"]


def compute(
    arguments: argparse.Namespace, folder: Path, name: str, method: Callable[[Decisions], LabelConsensus]
) -> int:
    """The mode of `annotation-qa consensus` for a project folder."""
    project = open_project(argparse.Namespace(project=folder), identity_of(arguments))
    result = compute_consensus(project, method, name, _parameters(arguments), ConsoleProgress("computing consensus"))
    project.close()
    print(f"{len(result.computed)} cases have a new consensus by {name}, {result.up_to_date} were up to date.")
    for case, items in result.open_items.items():
        print(f"{case}: the readers are split on {', '.join(items)}; a reviewer decides")
    for failure in result.failed:
        print(f"{failure.case}: no consensus: {failure.problem}")
    return 0


def _parameters(arguments: argparse.Namespace) -> str:
    """What the method was told, where it can be told something."""
    if arguments.method == "majority":
        return f"ties: {arguments.ties}"
    if arguments.method == "simple":
        return f"alpha: {arguments.alpha:g}; at least {arguments.minimum_readers} readers"
    return ""

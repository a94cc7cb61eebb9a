"""Show where a project stands: its cases, readers, conflicts, and the ledger's health."""

import argparse
import json
from collections import Counter
from typing import Any

from AnnotationQACore.cli.acting import open_project
from AnnotationQACore.cli.project_arguments import add_project
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import CaseStatus, TaskStatus

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `status`."""
    add_project(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Show the status."""
    project = open_project(arguments)
    status = _status(project)
    project.close()
    if arguments.json:
        print(json.dumps(status, indent=1))
        return 0
    protocol = status["protocol"]
    print(f"project   {status['name']} ({status['id']})")
    print(f"protocol  {protocol['title']} {protocol['version']} ({protocol['hash'][:12]})")
    print(
        f"ledger    {status['events']} acts; {len(status['problems'])} broken files, {status['rejected']} do not count"
    )
    print("cases     " + (", ".join(f"{count} {name}" for name, count in status["cases"].items()) or "none yet"))
    header = ["reader", *TaskStatus]
    rows = [[reader, *(str(counts.get(s, 0)) for s in TaskStatus)] for reader, counts in status["readers"].items()]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, *rows]:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    for conflict in status["conflicts"]:
        item = f", item '{conflict['item']}'" if conflict["item"] else ""
        print(f"conflict: case '{conflict['case']}'{item}: {' and '.join(conflict['actors'])} decided apart")
    return 0


def _status(project: Project) -> dict[str, Any]:
    state = project.state
    cases = Counter(state.case_status(case) for case in state.cases)
    readers: dict[str, Counter[str]] = {}
    for task in state.all_tasks():
        readers.setdefault(task.reader, Counter())[task.status] += 1
    conflicts = [
        {"case": case, "item": first.item or second.item, "actors": [first.actor, second.actor]}
        for case in state.decisions
        for first, second in state.conflicts(case)
    ]
    protocol = state.protocols[-1] if state.protocols else None
    return {
        "id": project.id,
        "name": project.name,
        "protocol": {
            "title": protocol.title if protocol else "",
            "version": protocol.version if protocol else "",
            "hash": protocol.hash if protocol else "",
        },
        "events": state.events,
        "problems": list(project.problems),
        "rejected": len(state.rejected),
        "cases": {str(status): cases[status] for status in CaseStatus if cases[status]},
        "readers": {reader: dict(sorted(counts.items())) for reader, counts in sorted(readers.items())},
        "conflicts": conflicts,
    }

"""Starts our command line in PythonSlicer, with its output brought to Qt's event loop."""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicer

from DeidentifyStudyLib.widgets.guard import guarded

__all__ = ["launch", "python_program"]


def python_program() -> str:
    """Slicer's Python; outside of Slicer the one that runs."""
    return shutil.which("PythonSlicer") or sys.executable


def launch(
    command: list[str],
    environment: Mapping[str, str],
    folder: Path,
    on_line: Callable[[str], None],
    on_end: Callable[[int], None],
) -> Any:
    """Start a process; `Launch` in logic/run.py says what is expected."""
    return slicer.util.launchConsoleProcess(
        command,
        useStartupEnvironment=False,
        updateEnvironment=dict(environment),
        cwd=str(folder),
        blocking=False,
        logCallback=guarded(on_line),
        completedCallback=guarded(on_end),
    )

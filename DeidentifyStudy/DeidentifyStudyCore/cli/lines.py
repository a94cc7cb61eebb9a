"""Lines on the standard error: those of a progress that is rewritten, and others between."""

import shutil
import sys
from typing import TextIO

__all__ = ["rewrite", "say"]

_CLEAR = "\r\x1b[2K"
"""Takes what stands on the present line of a terminal away, and begins there."""


def say(line: str) -> None:
    """Print a line on the standard error; the half line of a progress that was not finished gives way to it."""
    if sys.stderr is not None:  # none where a program closed it
        print(f"{_CLEAR if sys.stderr.isatty() else ''}{line}", file=sys.stderr)


def rewrite(line: str, stream: TextIO, *, is_last: bool) -> None:
    """Show a line on a terminal instead of the one before; what follows the last one begins a new line."""
    columns = shutil.get_terminal_size().columns  # of a line that is wrapped only the last part can be cleared
    stream.write(f"{_CLEAR}{line[: columns - 1]}" + ("\n" if is_last else ""))
    stream.flush()

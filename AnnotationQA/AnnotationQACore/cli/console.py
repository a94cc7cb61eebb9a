"""What commands show on the standard error: progress with the time left, and lines between."""

import shutil
import sys
import time
from typing import TextIO

__all__ = ["ConsoleProgress", "say"]

_CLEAR = "\r\x1b[2K"
"""Takes what stands on the present line of a terminal away, and begins there."""


def say(line: str) -> None:
    """Print a line on the standard error; the half line of a progress that was not finished gives way to it."""
    if sys.stderr is not None:  # none where a program closed it
        print(f"{_CLEAR if sys.stderr.isatty() else ''}{line}", file=sys.stderr)


class ConsoleProgress:
    """Progress with an estimate of the time left: one line rewritten on a terminal, a few plain lines elsewhere."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream: TextIO | None = stream or sys.stderr  # none where a program closed it
        self._start = time.monotonic()
        self._last_tenth = -1

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Show that `done` of `total` steps are finished; of nothing to do nothing is shown."""
        if total == 0 or self._stream is None:
            return
        elapsed = time.monotonic() - self._start
        left = f", {_duration(elapsed / done * (total - done))} left" if 0 < done < total else ""
        line = f"{self._title}: {done}/{total} in {_duration(elapsed)}{left} {message}".rstrip()
        if self._stream.isatty():
            end = "\n" if done >= total else ""
            columns = shutil.get_terminal_size().columns  # of a line that is wrapped only the last part can be cleared
            self._stream.write(f"{_CLEAR}{line[: columns - 1]}{end}")
            self._stream.flush()
            return
        tenth = 10 * done // max(total, 1)
        if tenth != self._last_tenth:
            self._last_tenth = tenth
            self._stream.write(line + "\n")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"

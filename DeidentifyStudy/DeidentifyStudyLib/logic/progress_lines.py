"""The lines that the command line prints while it works."""

import json
from dataclasses import dataclass

from slicer.i18n import tr as _

__all__ = ["RunProgress", "parsed"]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run is.

    Attributes
    ----------
    stage : str
        ``indexing``, then ``placing images`` and ``examining faces`` where faces are sought, then ``writing``; empty
        before the first line.
    seconds_left : float or None
        Of this stage.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None

    def sentence(self) -> str:
        """Say it to a person."""
        stage = {
            "indexing": _("Step 1 of 2, reading: {done} of {total} files"),
            "placing images": _("Between the steps, finding what lies together: {done} of {total} files"),
            "examining faces": _("Between the steps, looking for faces: {done} of {total} heads or bodies"),
            "writing": _("Step 2 of 2, writing and verifying: {done} of {total} files"),
        }.get(self.stage, _("Starting"))
        text = stage.format(done=self.done, total=self.total)
        if self.seconds_left is None or self.done >= self.total:
            return text
        return _("{what}, {time} left").format(what=text, time=_duration(self.seconds_left))


def parsed(line: str) -> RunProgress | str:
    """Progress, or the line itself when it is a message."""
    try:
        row = json.loads(line)
        return RunProgress(str(row["stage"]), int(row["done"]), int(row["total"]), row["seconds_left"])
    except (ValueError, KeyError, TypeError):
        return line.strip()


def _duration(seconds: float) -> str:
    if seconds < 60:
        return _("{count} s").format(count=max(round(seconds), 1))
    if seconds < 3600:
        return _("{count} min").format(count=round(seconds / 60))
    return _("{hours} h {minutes} min").format(hours=int(seconds // 3600), minutes=round(seconds % 3600 / 60))

"""What a check of the gate gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Check", "GateReport", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a dataset from being released.

    Attributes
    ----------
    where, what, remedy : str
        Nothing in them identifies a patient.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}."


@dataclass(frozen=True, slots=True)
class Check:
    """One check, done.

    Attributes
    ----------
    name : str
        What must hold.
    looked_at : str
        What it rests on, such as ``12 cases``.
    problems : tuple of Problem
        Empty when it holds.
    notes : tuple of str
        What the lead should know, and does not keep the dataset back.
    """

    name: str
    looked_at: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateReport:
    """All checks; they are all done, whatever the first ones find."""

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, in the order of the checks."""
        return tuple(problem for check in self.checks for problem in check.problems)

    @property
    def is_open(self) -> bool:
        """Whether the dataset may be released."""
        return not self.problems

    def lines(self) -> Iterable[str]:
        """The report as lines for a terminal."""
        for check in self.checks:
            mark = "REFUSED" if check.problems else "passed "
            yield f"{mark}  {check.name} ({check.looked_at})"
            yield from (f"         {problem}" for problem in check.problems)
            yield from (f"         note: {note}" for note in check.notes)

"""Plans by which readers read some of their cases again every quarter, without knowing which."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.fields import format_time, parse_time
from AnnotationQACore.project.state import Role, State, TaskStatus
from AnnotationQACore.wording import worded

__all__ = ["RereadPlan", "plan_rereads", "quarter_starts"]


@dataclass(frozen=True, slots=True)
class RereadPlan:
    """Assignments, and where there were too few cases.

    Attributes
    ----------
    assignments : tuple of Assignment
        With purpose ``repeat``, which readers do not see.
    short : tuple of str
        Readers with fewer cases than asked for, one line each.
    """

    assignments: tuple[Assignment, ...]
    short: tuple[str, ...]


def quarter_starts(now: datetime, quarters: int) -> tuple[datetime, ...]:
    """Beginnings of the next quarters of the year, UTC."""
    first = 3 * ((now.month + 2) // 3) + 1
    months = [first + 3 * number for number in range(quarters)]
    return tuple(
        now.replace(
            year=now.year + (month - 1) // 12,
            month=(month - 1) % 12 + 1,
            day=1,
            hour=0,
            minute=0,
            second=0,
            microsecond=0,
        )
        for month in months
    )


def plan_rereads(
    state: State,
    readers: Sequence[str],
    per_quarter: int,
    seed: int,
    *,
    now: datetime,
    quarters: int = 4,
    washout: timedelta = timedelta(days=90),
) -> RereadPlan:
    """Plan what every reader reads again in each of the next quarters.

    Every reader gets as many. A reader gets own cases only, that were last read a washout ago, first those that were
    read again least: by this reader, then by all. Each takes a random place among what the reader still has to read.
    The same arguments give the same plan on every computer: the randomness is SHA-256 of the seed.

    Parameters
    ----------
    state : State
    readers : sequence of str
    per_quarter : int
    seed : int
    now : datetime
        UTC.
    quarters : int
    washout : timedelta

    Raises
    ------
    InputError
        An unknown reader, or numbers that cannot be.
    """
    _check(state, readers, per_quarter, quarters, washout)
    again_by_all = Counter(task.case for task in state.all_tasks() if task.round > 1)
    planned: list[Assignment] = []
    short = []
    for reader in sorted(set(readers)):
        last = _last_read(state, reader)
        rounds = {case: _last_round(state, case, reader) for case in last}
        again = Counter({case: number - 1 for case, number in rounds.items()})
        for number, start in enumerate(quarter_starts(now, quarters)):
            ready = [case for case, time in last.items() if time + washout <= start]
            ready.sort(
                key=lambda case: (
                    again[case],
                    again_by_all[case],
                    _chance(seed, "reread", reader, str(number), case),
                )
            )
            chosen = ready[:per_quarter]
            if len(chosen) < per_quarter:
                short.append(f"{reader}: {len(chosen)} of {per_quarter} in the quarter from {start:%Y-%m-%d}")
            for case in chosen:
                rounds[case] += 1
                again[case] += 1
                again_by_all[case] += 1
                last[case] = start
                order = _place(state, reader, seed, case, rounds[case])
                planned.append(Assignment(case, reader, rounds[case], "repeat", order, format_time(start)))
    return RereadPlan(tuple(planned), tuple(short))


def _last_read(state: State, reader: str) -> dict[str, datetime]:
    """When a reader last submitted each case, or will at the earliest where a repeat waits already."""
    last: dict[str, datetime] = {}
    for reading in state.all_readings():
        if reading.reader == reader and not state.cases[reading.case].excluded:
            time = parse_time(reading.time)
            last[reading.case] = max(time, last.get(reading.case, time))
    for task in state.all_tasks():
        if task.reader == reader and task.case in last and task.available_from:
            last[task.case] = max(last[task.case], parse_time(task.available_from))
    return last


def _last_round(state: State, case: str, reader: str) -> int:
    return max(task.round for task in state.tasks[case] if task.reader == reader)


def _place(state: State, reader: str, seed: int, case: str, round_number: int) -> int:
    """A place in the reader's list, among the tasks that are not done."""
    waiting = [
        task.order
        for task in state.all_tasks()
        if task.reader == reader and task.status not in (TaskStatus.SUBMITTED, TaskStatus.WITHDRAWN)
    ]
    low, high = min(waiting, default=1), max(waiting, default=1) + 1
    number = int.from_bytes(_chance(seed, "place", reader, case, str(round_number))[:8], "big")
    return low + number % (high - low + 1)


def _chance(seed: int, *words: str) -> bytes:
    return hashlib.sha256("\n".join((str(seed), *words)).encode()).digest()


def _check(state: State, readers: Sequence[str], per_quarter: int, quarters: int, washout: timedelta) -> None:
    if not readers:
        raise InputError(
            worded(
                "re-reads: the project has no reader with a key; add readers with annotation-qa member add, or name "
                "others with --readers."
            )
        )
    unknown = [one for one in readers if one not in state.members or Role.READER not in state.members[one].roles]
    if unknown:
        raise InputError(
            worded(
                "re-reads: '{reader}' is no reader of the project; see annotation-qa member list, and correct "
                "--readers.",
                reader=unknown[0][:100],
            )
        )
    if per_quarter < 1 or quarters < 1 or washout < timedelta():
        raise InputError(
            worded("re-reads: cases a quarter and quarters are numbers from 1, and the washout is not negative.")
        )

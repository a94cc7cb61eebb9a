"""Who reads what: balanced, in a random order that can be made again."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.fields import format_time
from AnnotationQACore.project.state import Role, State, TaskStatus
from AnnotationQACore.wording import worded

__all__ = ["Assignment", "active_readers", "plan_assignments"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A case for a reader in a round."""

    case: str
    reader: str
    round: int
    purpose: str
    order: int
    available_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """As in the event; fields that say nothing are left out."""
        plain: dict[str, Any] = {"case": self.case, "reader": self.reader, "round": self.round, "order": self.order}
        if self.purpose != "reading":
            plain["purpose"] = self.purpose
        if self.available_from:
            plain["available from"] = self.available_from
        return plain


def active_readers(state: State) -> list[str]:
    """Members who read, with a key that was not revoked."""
    with_key = {key.member for key in state.keys.values() if key.revoked_from is None}
    return [member.id for member in state.members.values() if Role.READER in member.roles and member.id in with_key]


def plan_assignments(
    state: State,
    readers: Sequence[str],
    readers_per_case: int,
    seed: int,
    *,
    now: datetime,
    cases: Sequence[str] | None = None,
    gold: Sequence[str] = (),
    repeats: float = 0.0,
    washout: timedelta = timedelta(days=28),
) -> tuple[Assignment, ...]:
    """Plan who reads what.

    Every case gets readers until it has `readers_per_case`, always those with the least work so far, ties broken by the
    seed. Gold cases go to all readers. Of each reader's newly assigned other cases a share is read again in round 2,
    after the washout. Every reader gets the cases in an order of its own, in which gold cases and repeats are not told
    apart. The same arguments give the same plan on every computer and version: the randomness is SHA-256 of the seed.

    Parameters
    ----------
    state : State
    readers : sequence of str
        Member IDs.
    readers_per_case : int
    seed : int
    now : datetime
        From which the washout counts, UTC.
    cases : sequence of str or None
        None for all that are not excluded.
    gold : sequence of str
        Cases with a known answer.
    repeats : float
        Share in [0, 1].
    washout : timedelta

    Raises
    ------
    InputError
        An unknown case or reader, or more readers a case than there are.
    """
    _check(state, readers, readers_per_case, cases, gold, repeats)
    wanted = [c for c in (state.cases if cases is None else cases) if not state.cases[c].excluded and c not in gold]
    present = _present(state)
    load = Counter(reader for reader, _ in present)
    readers_of: dict[str, set[str]] = defaultdict(set)
    for reader, case in present:
        readers_of[case].add(reader)
    new: list[tuple[str, str, int, str]] = []
    for case in sorted(wanted, key=lambda c: _chance(seed, "case", c)):
        has = readers_of[case]
        free = sorted(set(readers) - has, key=lambda r: (load[r], _chance(seed, "reader", case, r)))
        for reader in free[: max(0, readers_per_case - len(has))]:
            load[reader] += 1
            new.append((case, reader, 1, "reading"))
    again = _repeats(new, repeats, seed)
    new += [(c, r, 1, "gold") for c in gold for r in readers if (r, c) not in present and not state.cases[c].excluded]
    available = format_time(now + washout)
    planned = [(*entry, "") for entry in new] + [(*entry, available) for entry in again]
    return _ordered(planned, seed, state)


def _repeats(new: Sequence[tuple[str, str, int, str]], share: float, seed: int) -> list[tuple[str, str, int, str]]:
    repeated = []
    for reader in sorted({entry[1] for entry in new}):
        own = sorted((c for c, r, _, _ in new if r == reader), key=lambda c: _chance(seed, "repeat", reader, c))
        repeated += [(case, reader, 2, "repeat") for case in own[: round(share * len(own))]]
    return repeated


def _ordered(planned: Sequence[tuple[str, str, int, str, str]], seed: int, state: State) -> tuple[Assignment, ...]:
    places = Counter(task.reader for task in state.all_tasks())
    result = []
    for case, reader, number, purpose, available in sorted(
        planned, key=lambda p: (p[1], p[2], _chance(seed, "order", p[1], p[0]))
    ):
        places[reader] += 1
        result.append(Assignment(case, reader, number, purpose, places[reader], available))
    return tuple(result)


def _present(state: State) -> set[tuple[str, str]]:
    return {(task.reader, task.case) for task in state.all_tasks() if task.status != TaskStatus.WITHDRAWN}


def _chance(seed: int, *words: str) -> bytes:
    return hashlib.sha256("\n".join((str(seed), *words)).encode()).digest()


def _check(
    state: State,
    readers: Sequence[str],
    readers_per_case: int,
    cases: Sequence[str] | None,
    gold: Sequence[str],
    repeats: float,
) -> None:
    unknown: Mapping[str, list[str]] = {
        "case": [c for c in (*(cases or ()), *gold) if c not in state.cases],
        "reader": [r for r in readers if r not in state.members or "reader" not in state.members[r].roles],
    }
    for what, names in unknown.items():
        if names:
            raise InputError(f"{what} '{names[0][:100]}': is not in the project; add it first, or correct the name.")
    if not readers:
        raise InputError(
            worded(
                "no reader can sign readings yet; add readers with the keys that they show (annotation-qa member add "
                "--public-key), or name others with --readers."
            )
        )
    if not 1 <= readers_per_case <= len(set(readers)):
        raise InputError(
            f"{readers_per_case} readers per case of {len(set(readers))}: choose from 1 to the number of readers."
        )
    if not 0 <= repeats <= 1:
        raise InputError(f"repeats {repeats}: must be a share from 0 to 1.")

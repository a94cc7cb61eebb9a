"""The one order of all events.

Every event gets a stamp: its writer's time, or that of the newest event it follows if that is later (clocks differ, and
are turned back), and a counter that tells events of one stamp time apart. An event follows the former one of its writer
and those that its writer had seen. Events are ordered by (stamp time, counter, hash). As a stamp is never less than
those of the events it follows, causes come before effects; the rest is decided by time, then by hash; and it depends on
the events only, not on the order of reading. This is a hybrid logical clock (Kulkarni et al., 2014), computed by the
reader instead of being written down, so that the ledger holds the writers' true times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from AnnotationQACore.project.events import Event, Head

__all__ = ["Front", "MustStartOver", "Ordered", "Stamp", "in_order"]


class Stamp(NamedTuple):
    """Place of an event in the order, up to the hash."""

    time: str
    counter: int


class MustStartOver(Exception):
    """New events belong before old ones: order everything again."""


@dataclass(frozen=True, slots=True)
class Front:
    """Where an ordering ended, so that it can be continued.

    Attributes
    ----------
    heads : mapping
        The newest event of every writer.
    stamps : mapping
        Its stamp.
    last : (str, int, str)
        Stamp and hash of the last event of the order.
    awaited : bool
        Whether an event named another that has not arrived (or was removed).
    """

    heads: Mapping[str, Head] = field(default_factory=dict)
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    last: tuple[str, int, str] = ("", 0, "")
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """Events in order, and where the order ended."""

    events: list[Event]
    front: Front


def in_order(events: Iterable[Event], front: Front | None = None) -> Ordered:
    """Order the events; those of one writer must come in their sequence and continue the front.

    Raises
    ------
    MustStartOver
        Some of them belong before events of the front.
    """
    front = front or Front()
    chains: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        chains[event.key].append(event)
    if chains and front.awaited:
        raise MustStartOver
    stamping = _Stamping(dict(chains), front)
    keyed = stamping.run()
    keyed.sort(key=lambda entry: entry[0])
    if keyed and keyed[0][0] <= front.last:
        raise MustStartOver
    return Ordered([event for _, event in keyed], stamping.new_front(keyed[-1][0] if keyed else front.last))


class _Stamping:
    """Stamps chains side by side; a chain waits where it follows an event of another that has no stamp yet."""

    def __init__(self, chains: dict[str, list[Event]], front: Front) -> None:
        self._chains = chains
        self._front = front
        self._first = {key: head.sequence + 1 for key, head in front.heads.items()}
        self._stamps: dict[str, list[Stamp]] = {key: [] for key in chains}
        self._waiting: dict[str, list[str]] = defaultdict(list)
        self._awaited = front.awaited

    def run(self) -> list[tuple[tuple[str, int, str], Event]]:
        keyed: list[tuple[tuple[str, int, str], Event]] = []
        ready = list(self._chains)
        while ready:
            key = ready.pop()
            done = self._stamps[key]
            chain = self._chains[key]
            for index in range(len(done), len(chain)):
                event = chain[index]
                stamp = self._stamp(event, done[-1] if done else self._front.stamps.get(key))
                if isinstance(stamp, str):
                    self._waiting[stamp].append(key)
                    break
                done.append(stamp)
                keyed.append(((stamp.time, stamp.counter, event.hash), event))
            ready.extend(self._waiting.pop(key, ()))
        return keyed

    def new_front(self, last: tuple[str, int, str]) -> Front:
        heads = dict(self._front.heads)
        stamps = dict(self._front.stamps)
        for key, chain in self._chains.items():
            heads[key] = Head(chain[-1].sequence, chain[-1].hash)
            stamps[key] = self._stamps[key][-1]
        return Front(heads, stamps, last, self._awaited)

    def _find(self, key: str, head: Head) -> int | None:
        """Index of a seen event among the new ones of its writer; None when it is not there as it was seen."""
        index = head.sequence - self._first.get(key, 0)
        chain = self._chains.get(key, ())
        return index if 0 <= index < len(chain) and chain[index].hash == head.hash else None

    def _stamp(self, event: Event, former: Stamp | None) -> Stamp | str:
        """Stamp of an event, or the key of a writer for whose stamps it has to wait."""
        newest = former
        for key, head in event.seen.items():
            index = self._find(key, head)
            if index is not None:
                stamps = self._stamps[key]
                if index >= len(stamps):
                    return key
                followed: Stamp | None = stamps[index]
            else:
                followed = self._stamp_before_front(event, key, head)
            if followed is not None and (newest is None or followed > newest):
                newest = followed
        if newest is None or event.time > newest.time:
            return Stamp(event.time, 0)
        return Stamp(newest.time, newest.counter + 1)

    def _stamp_before_front(self, event: Event, key: str, head: Head) -> Stamp | None:
        """Stamp of an event that is not among the new ones; None when it makes no difference."""
        if not 0 <= head.sequence < self._first.get(key, 0):
            self._awaited = True
        elif self._front.heads.get(key) == head:
            return self._front.stamps[key]
        elif event.time <= self._front.last[0]:
            raise MustStartOver
        return None

"""The bytes of the elements of a data set, cut out of the file when they are asked for.

Files of a series have hundreds of elements and differ in a dozen. No object is made of what is the same in two files:
it is compared as a whole, and only what differs is cut out.
"""

import operator
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cuts", "Elements", "PassedElements", "ScannedElements"]


class Elements(Protocol):
    """Bytes of each element in the order of the file; empty for long ones (`courses.is_long`)."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[bytes]:
        """Bytes of all."""

    def part(self, number: int) -> bytes:
        """Bytes of one."""

    def differing(self, before: "Elements") -> list[tuple[int, bytes]]:
        """Numbers and bytes of those that another file of as many elements does not have as they are, in order."""

    def values(self, tags: tuple[int, ...], first: Mapping[int, int], inside: list[slice]) -> tuple[bytes, ...]:
        """Values of the first elements with these tags, padding included; empty where they are absent or long.

        Parameters
        ----------
        first : mapping of int to int
            Number of the first element with each tag.
        inside : list of slice
            Where the value of each element lies in its bytes.
        """


class ScannedElements(tuple[bytes, ...]):
    """Those of a file that was scanned."""

    __slots__ = ()

    def part(self, number: int) -> bytes:
        """As `Elements` says."""
        return self[number]

    def differing(self, before: Elements) -> list[tuple[int, bytes]]:
        """As `Elements` says."""
        return _differing(self, before)

    def values(self, tags: tuple[int, ...], first: Mapping[int, int], inside: list[slice]) -> tuple[bytes, ...]:
        """As `Elements` says."""
        return tuple([self[first[tag]][inside[first[tag]]] if tag in first else b"" for tag in tags])


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Where the elements of a layout lie: among the bytes that all of its files have in the same place, or apart.

    Attributes
    ----------
    places : list of slice
        In these common bytes, by number; empty for elements that vary in length.
    varying : list of int
        Numbers of those in ascending order; negative in the file meta information.
    of_meta : int
        How many are negative.
    turns : dict of int to int
        The way back from a number to its place in `varying`.
    owners : array of int32
        Number of the element that each common byte belongs to; -1 where it belongs to none.
    """

    places: list[slice]
    varying: list[int]
    of_meta: int
    turns: dict[int, int]
    owners: NDArray[np.int32]
    _readers: dict[tuple[int, ...], "_Reader"] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, places: list[slice], varying: list[int], size: int) -> "Cuts":
        """Learn from the places of the elements; `size` is that of the common bytes."""
        owners = np.full(size, -1, np.int32)
        for number, place in enumerate(places):
            owners[place] = number
        of_meta = sum(number < 0 for number in varying)
        return cls(places, varying, of_meta, {number: turn for turn, number in enumerate(varying)}, owners)

    def reader(self, tags: tuple[int, ...], first: Mapping[int, int], inside: list[slice]) -> "_Reader":
        """Return what reads these values, see `Elements.values`."""
        found = self._readers.get(tags)
        if found is None:
            found = self._readers[tags] = _Reader.of(self, tags, first, inside)
        return found


class PassedElements:
    """Those of a file through which the course of its layout leads.

    Parameters
    ----------
    common : bytes
        What lies in the same place in all files of the layout.
    varying : list of bytes
        The elements that vary in length.
    """

    __slots__ = ("_common", "_cuts", "_varying")

    def __init__(self, cuts: Cuts, common: bytes, varying: list[bytes]) -> None:
        self._cuts = cuts
        self._common = common
        self._varying = varying

    def __len__(self) -> int:
        return len(self._cuts.places)

    def __iter__(self) -> Iterator[bytes]:
        return map(self.part, range(len(self)))

    def part(self, number: int) -> bytes:
        """As `Elements` says."""
        turn = self._cuts.turns.get(number)
        return self._common[self._cuts.places[number]] if turn is None else self._varying[turn]

    def differing(self, before: Elements) -> list[tuple[int, bytes]]:
        """As `Elements` says."""
        cuts = self._cuts
        if not isinstance(before, PassedElements) or before._cuts is not cuts:
            return _differing(self, before)
        own, others = np.frombuffer(self._common, np.uint8), np.frombuffer(before._common, np.uint8)
        owners = {*cuts.owners[np.flatnonzero(own != others)].tolist()}
        found = [(number, self._common[cuts.places[number]]) for number in owners if number >= 0]
        begin = cuts.of_meta
        varying = self._varying[begin:]
        unequal = map(operator.ne, varying, before._varying[begin:])
        apart = compress(zip(cuts.varying[begin:], varying, strict=True), unequal)
        return sorted([*found, *apart])

    def values(self, tags: tuple[int, ...], first: Mapping[int, int], inside: list[slice]) -> tuple[bytes, ...]:
        """As `Elements` says."""
        return self._cuts.reader(tags, first, inside).values(self._common, self._varying)


@dataclass(slots=True, eq=False)
class _Reader:
    """Reads some values, which are mostly those of the file before: then the same objects are given.

    Attributes
    ----------
    unpack : callable
        Reads those among the common bytes, in the order in which they lie there.
    apart : list of (int, slice)
        Places of the others in `Cuts.varying`, and of their values in their bytes.
    ordered : callable
        Brings them, and an empty value that follows, into the order that was asked for.
    last : (tuple of bytes or None, tuple of bytes)
        What was read the last time, and in that order.
    """

    unpack: Callable[[bytes], tuple[Any, ...]]
    apart: list[tuple[int, slice]]
    ordered: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
    last: tuple[tuple[bytes, ...] | None, tuple[bytes, ...]] = (None, ())

    @classmethod
    def of(cls, cuts: Cuts, tags: tuple[int, ...], first: Mapping[int, int], inside: list[slice]) -> "_Reader":
        form, at = "=", 0
        order: dict[int, int] = {}
        apart = []
        for number in sorted({first[tag] for tag in tags if tag in first}):
            if number in cuts.turns:
                apart.append(number)
                continue
            place = cuts.places[number]
            value = range(place.start, place.stop)[inside[number]]
            form += f"{value.start - at}x{len(value)}s"
            at = value.stop
            order[number] = len(order)
        for number in apart:
            order[number] = len(order)
        numbers = [order[first[tag]] if tag in first else len(order) for tag in tags]
        return cls(
            struct.Struct(form).unpack_from,
            [(cuts.turns[number], inside[number]) for number in apart],
            operator.itemgetter(*numbers) if len(numbers) > 1 else lambda values: values[numbers[0] :][:1],
        )

    def values(self, common: bytes, varying: list[bytes]) -> tuple[bytes, ...]:
        read = self.unpack(common)
        if self.apart:
            read += tuple([varying[turn][inside] for turn, inside in self.apart])
        before, values = self.last
        if read != before:
            values = self.ordered((*read, b""))
            self.last = read, values
        return values


def _differing(elements: Elements, before: Elements) -> list[tuple[int, bytes]]:
    return [(number, raw) for number, (raw, other) in enumerate(zip(elements, before, strict=True)) if raw != other]

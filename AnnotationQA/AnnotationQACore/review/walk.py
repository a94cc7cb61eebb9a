"""The walk through everything in which the readers of a case differ, the weightiest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.project.readings import Point
from AnnotationQACore.review.answer_differences import AnswerDifference
from AnnotationQACore.review.depths import region_distances
from AnnotationQACore.review.disagreements import Disagreements, Region
from AnnotationQACore.review.kinds import Kind

__all__ = ["Order", "Stop", "Walk", "WalkFilter", "renamed"]

Order = Literal["volume", "distance"]
"""Regions by volume, or by surface distance."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One row of the walk.

    Attributes
    ----------
    kind : Kind
    items : tuple of str
        Items (or segments) concerned.
    subject : str
        Below the item, for answers.
    volume_mm3 : float
        Of a region; NaN for answers.
    distance_mm : float
        Between surfaces, of a region; of an answer how far the readers are apart. NaN as long as it is not known,
        infinite where a reader has nothing.
    position : Point or None
        Where to look: LPS mm, or pixels of an image.
    who : mapping of reader to str
        What each reader has, in words.
    region : int or None
        Number of the region in its `Disagreements`; None for answers.
    """

    kind: Kind
    items: tuple[str, ...]
    subject: str
    volume_mm3: float
    distance_mm: float
    position: Point | None
    who: Mapping[str, str]
    region: int | None


@dataclass(frozen=True, slots=True)
class WalkFilter:
    """Which rows are walked; what is empty does not filter.

    Attributes
    ----------
    items, kinds : collections
    reader : str
        Rows in which this reader is not of the opinion of most (for answers: of an opinion that another has not).
    minimum_mm3 : float
        Smaller regions are passed over.
    """

    items: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    reader: str = ""
    minimum_mm3: float = 0.0


class Walk:
    """A list of rows with a place in it. Rows are made when asked for, so that it opens at once.

    Parameters
    ----------
    disagreements : Disagreements or None
        None when nothing was segmented.
    answers : sequence of AnswerDifference
    """

    def __init__(self, disagreements: Disagreements | None, answers: Sequence[AnswerDifference] = ()) -> None:
        self.disagreements = disagreements
        self.answers = tuple(answers)
        self._distances = np.full(0 if disagreements is None else len(disagreements), np.nan)
        self._order: Order = "volume"
        self._filter = WalkFilter()
        self._rows: list[tuple[str, int]] = []
        self._at = -1
        self._regions: dict[int, Region] = {}
        self._sort()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Stop:
        what, number = self._rows[place]
        return self._region(number) if what == "region" else self._answer(number)

    @property
    def place(self) -> int:
        """Where the walk stands; -1 before the first row."""
        return self._at

    @property
    def current(self) -> Stop | None:
        """The row at which the walk stands; None before the first and in an empty walk."""
        return self[self._at] if 0 <= self._at < len(self) else None

    def next(self) -> Stop | None:
        """Go to the next row, after the last to the first; None when there is none."""
        return self.go_to((self._at + 1) % len(self)) if len(self) else None

    def previous(self) -> Stop | None:
        """Go to the row before, from the first to the last; None when there is none."""
        return self.go_to((max(self._at, 0) - 1) % len(self)) if len(self) else None

    def go_to(self, place: int) -> Stop:
        """Go to a row by its place."""
        self._at = range(len(self))[place]
        return self[self._at]

    def order_by(self, order: Order) -> None:
        """Rank regions by volume or by surface distance, largest first; the walk stays at its row."""
        self._order = order
        self._sort()

    def filter(self, wanted: WalkFilter) -> None:
        """Walk some rows only; the walk stays at its row when it is among them."""
        self._filter = wanted
        self._sort()

    def measure_distances(self) -> Iterator[str]:
        """Measure the surface distances of the regions, one structure at each step; yields its segment ID.

        A panel takes a step whenever it is idle; the ranking by distance follows.
        """
        if self.disagreements is None:
            return
        for segment, regions, distances in region_distances(self.disagreements):
            self.add_distances(regions, distances)
            yield segment

    def add_distances(self, regions: NDArray[np.int64], distances: NDArray[np.float64]) -> None:
        """Take up surface distances (mm) of some regions, as `depths.region_distances` finds them on any thread."""
        self._distances[regions] = np.fmax(self._distances[regions], distances)
        if self._order == "distance":
            self._sort()

    def is_measured(self) -> bool:
        """Whether all surface distances are known."""
        return not np.isnan(self._distances).any()

    def _sort(self) -> None:
        standing = self._rows[self._at] if 0 <= self._at < len(self._rows) else None
        self._rows = [("answer", n) for n in self._wanted_answers()] + [("region", n) for n in self._wanted_regions()]
        self._at = self._rows.index(standing) if standing in self._rows else -1

    def _wanted_answers(self) -> list[int]:
        wanted = self._filter
        found = [
            number
            for number, one in enumerate(self.answers)
            if (not wanted.items or one.item in wanted.items)
            and (not wanted.kinds or one.kind in wanted.kinds)
            and (not wanted.reader or _is_alone(one, wanted.reader))
        ]
        return sorted(found, key=lambda n: -self.answers[n].size if not math.isnan(self.answers[n].size) else -math.inf)

    def _wanted_regions(self) -> list[int]:
        found = self.disagreements
        if found is None:
            return []
        keep = found.volumes_mm3 >= self._filter.minimum_mm3
        if self._filter.kinds:
            keep &= np.array([found.kind(n) in self._filter.kinds for n in range(len(found))], dtype=bool)
        if self._filter.items:
            ids = [segment.id for segment in found.labels.segments]
            of_items = [n for n, i in enumerate(ids) if {i, i.partition("#")[0]} & self._filter.items]
            keep &= found.disputed[:, of_items].any(axis=1)
        if self._filter.reader:
            dissenting = np.zeros(len(found), dtype=bool)
            dissenting[found.dissenting(self._filter.reader)] = True
            keep &= dissenting
        numbers = np.flatnonzero(keep)
        volumes = found.volumes_mm3[numbers]
        if self._order == "volume":
            ranked = np.argsort(-volumes, kind="stable")
        else:
            distances = np.nan_to_num(self._distances[numbers], nan=-1.0, posinf=np.inf)
            ranked = np.lexsort((-volumes, -distances))
        chosen: list[int] = numbers[ranked].tolist()
        return chosen

    def region(self, number: int) -> Region:
        """A region by its number, kept once it was asked for, so that a list of hundreds is shown again at once."""
        if number not in self._regions:
            self._regions[number] = cast(Disagreements, self.disagreements).region(number)
        return self._regions[number]

    def _region(self, number: int) -> Stop:
        found = cast(Disagreements, self.disagreements)  # only regions have a number
        region = self.region(number)
        voxel = found.labels.grid.voxel_volume
        who = {
            reader: ", ".join(f"{segment} {n * voxel:.4g} mm³" for segment, n in own.items()) or "nothing"
            for reader, own in region.who_has.items()
        }
        distance = float(self._distances[number])
        return Stop(
            region.kind, region.structures, "", region.volume_mm3, distance, region.center, who, number
        )  # fmt: skip

    def _answer(self, number: int) -> Stop:
        one = self.answers[number]
        return Stop(one.kind, (one.item,), one.subject, math.nan, one.size, one.position, one.answers, None)


def _is_alone(one: AnswerDifference, reader: str) -> bool:
    own = one.answers.get(reader)
    agreeing = sum(answer == own for answer in one.answers.values())
    most = max(sum(answer == other for answer in one.answers.values()) for other in one.answers.values())
    return own is not None and (agreeing < most or most == 1)


def renamed(stop: Stop, names: Mapping[str, str]) -> Stop:
    """The same row with other names of the readers."""
    return replace(stop, who={names.get(reader, reader): what for reader, what in stop.who.items()})

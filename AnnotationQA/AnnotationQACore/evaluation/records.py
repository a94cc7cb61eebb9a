"""What the readers of one case agree and differ on, item by item, as plain records that are kept as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from AnnotationQACore.agreement.statistics.results import Result

__all__ = ["CaseAgreement", "ItemAgreement", "PairFigures", "SharedInstance", "ValueRow"]


@dataclass(frozen=True, slots=True)
class PairFigures(Result):
    """Two readers on one drawn item.

    Attributes
    ----------
    a, b : str
        Readers.
    state : str
        ``both present``, ``both absent``, ``only a`` or ``only b``.
    figures : mapping of str to float
        By the name of the statistic (``dice``, ``hd95``...); NaN where undefined, infinite where one drew nothing.
    """

    a: str
    b: str
    state: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SharedInstance(Result):
    """One lesion, as the readers who drew it see it.

    Attributes
    ----------
    number : int
        Number of the lesion in this case, from 1.
    members : mapping of str to int
        For each reader who drew it, the number of the instance in that reader's reading.
    pairs : tuple of PairFigures
        Every two readers of the case.
    """

    number: int
    members: Mapping[str, int]
    pairs: tuple[PairFigures, ...]


@dataclass(frozen=True, slots=True)
class ValueRow(Result):
    """The answers of all readers to one item about one subject.

    Attributes
    ----------
    subject : str
        Empty for the case as a whole; ``instance 2``, ``series T1`` and so on below it.
    values : mapping of str to number, text or None
        For each reader who answered; None when not assessable. Volumes are in mm³.
    """

    subject: str
    values: Mapping[str, float | str | None]

    @property
    def spread(self) -> float:
        """Largest difference between two readers; NaN unless two or more gave numbers and nobody anything else."""
        numbers = [value for value in self.values.values() if isinstance(value, (int, float))]
        return max(numbers) - min(numbers) if 2 <= len(numbers) == len(self.values) else math.nan


@dataclass(frozen=True, slots=True)
class ItemAgreement(Result):
    """One item of the protocol in one case.

    Attributes
    ----------
    item : str
    readers : tuple of str
        Who answered it.
    pairs : tuple of PairFigures
        Of drawn items; all instances together.
    instances : tuple of SharedInstance
        Of items with instances.
    values : tuple of ValueRow
        Answers; of segmentations the volumes.
    judged : float
        The protocol's statistic in this case, for the two readers who agree least; NaN where it has none.
    agreed : bool or None
        Whether the protocol lets the case pass without a reviewer on this item; None where it does not say.
    """

    item: str
    readers: tuple[str, ...]
    pairs: tuple[PairFigures, ...] = ()
    instances: tuple[SharedInstance, ...] = ()
    values: tuple[ValueRow, ...] = ()
    judged: float = math.nan
    agreed: bool | None = None


@dataclass(frozen=True, slots=True)
class CaseAgreement(Result):
    """One case.

    Attributes
    ----------
    case, patient : str
    readers : tuple of str
    items : tuple of ItemAgreement
        In the order of the protocol; items that nobody answered are left out.
    messages : tuple of str
        What a reviewer should know of how the figures were made.
    """

    case: str
    patient: str
    readers: tuple[str, ...]
    items: tuple[ItemAgreement, ...]
    messages: tuple[str, ...] = ()

    def item(self, item_id: str) -> ItemAgreement | None:
        """One item; None when nobody answered it."""
        return next((item for item in self.items if item.item == item_id), None)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CaseAgreement:
        """Read what `to_json` wrote."""
        return cls(
            document["case"],
            document["patient"],
            tuple(document["readers"]),
            tuple(_item(entry) for entry in document["items"]),
            tuple(document["messages"]),
        )


def _item(entry: Mapping[str, Any]) -> ItemAgreement:
    return ItemAgreement(
        item=entry["item"],
        readers=tuple(entry["readers"]),
        pairs=tuple(_pair(pair) for pair in entry["pairs"]),
        instances=tuple(
            SharedInstance(one["number"], one["members"], tuple(_pair(pair) for pair in one["pairs"]))
            for one in entry["instances"]
        ),
        values=tuple(ValueRow(row["subject"], row["values"]) for row in entry["values"]),
        judged=_number(entry["judged"]),
        agreed=entry["agreed"],
    )


def _pair(entry: Mapping[str, Any]) -> PairFigures:
    figures = {name: _number(value) for name, value in entry["figures"].items()}
    return PairFigures(entry["a"], entry["b"], entry["state"], figures)


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)

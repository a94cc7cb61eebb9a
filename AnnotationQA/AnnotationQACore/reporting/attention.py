"""What needs a person: worst cases, split items, missed thresholds.

Every item is ranked by figures of its own kind; nothing is averaged over items.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from AnnotationQACore.agreement.results import Result
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement
from AnnotationQACore.protocol.items import Classification, Item, Measurement, Rating
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.reporting.item_analysis import found_in

__all__ = ["CaseAttention", "SplitAnswer", "WorstCase", "case_attention", "is_split", "split_answers", "worst_cases"]


@dataclass(frozen=True, slots=True)
class CaseAttention(Result):
    """A case that a reviewer should see: the items on which its readers do not agree."""

    case: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorstCase(Result):
    """A case by one figure of one item.

    Attributes
    ----------
    value : float
        The protocol's statistic for the two readers who agree least, or the largest difference of two readers.
    detail : str
        Why, in words.
    """

    case: str
    item: str
    statistic: str
    value: float
    detail: str


@dataclass(frozen=True, slots=True)
class SplitAnswer(Result):
    """A question for which no answer has more readers than another, so that no vote decides."""

    case: str
    item: str
    subject: str
    detail: str


def case_attention(agreement: ProjectAgreement) -> tuple[CaseAttention, ...]:
    """Cases with items that the protocol does not let pass, those with most such items first."""
    found = [
        CaseAttention(case.case, items)
        for case in agreement.study.cases
        if (items := tuple(one.item for one in case.items if one.agreed is False))
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.items), one.case)))


def worst_cases(agreement: ProjectAgreement, item: Item, limit: int = 10) -> tuple[WorstCase, ...]:
    """The cases of an item on which readers agree least, worst first; those in which they all agree are left out."""
    found = [worst for case, one in found_in(agreement, item.id) if (worst := _worst(item, case, one)) is not None]
    larger = item.agreement is not None and STATISTICS[item.agreement.statistic].better == "larger"
    rising = larger and _is_judged_by_case(item)
    return tuple(sorted(found, key=lambda one: ((one.value if rising else -one.value), one.case))[:limit])


def split_answers(agreement: ProjectAgreement, item: Item) -> tuple[SplitAnswer, ...]:
    """Lesions that exactly half of the readers drew, and categories with a tie."""
    return tuple(_splits(agreement, item))


def is_split(values: Sequence[object]) -> bool:
    """Whether the two most frequent of several values are equally frequent."""
    counts = sorted(Counter(values).values(), reverse=True)
    return len(counts) > 1 and counts[0] == counts[1]


def _splits(agreement: ProjectAgreement, item: Item) -> Iterator[SplitAnswer]:
    nominal = isinstance(item, Classification) or (isinstance(item, Rating) and item.scale == "nominal")
    for case, one in found_in(agreement, item.id):
        for lesion in one.instances:
            if 2 * len(lesion.members) == len(one.readers):
                who = ", ".join(sorted(lesion.members))
                yield SplitAnswer(case.case, item.id, f"lesion {lesion.number}", f"drawn by {who} only")
        for row in one.values if nominal else ():
            given = {reader: value for reader, value in row.values.items() if value is not None}
            if is_split(list(given.values())):
                words = ", ".join(f"{reader}: {value}" for reader, value in sorted(given.items()))
                yield SplitAnswer(case.case, item.id, row.subject, words)


def _is_judged_by_case(item: Item) -> bool:
    return item.agreement is not None and STATISTICS[item.agreement.statistic].of_one_case


def _worst(item: Item, case: CaseAgreement, one: ItemAgreement) -> WorstCase | None:
    if item.agreement is not None and STATISTICS[item.agreement.statistic].of_one_case:
        if math.isnan(one.judged) or one.agreed:
            return None
        return WorstCase(case.case, item.id, STATISTICS[item.agreement.statistic].title, one.judged, _detail(one))
    if isinstance(item, Measurement) or (isinstance(item, Rating) and item.scale == "ordinal"):
        spreads = [(row.spread, row) for row in one.values if row.spread > 0]
        if not spreads:
            return None
        spread, row = max(spreads, key=lambda pair: pair[0])
        words = ", ".join(f"{reader}: {value:g}" for reader, value in sorted(row.values.items()))
        return WorstCase(
            case.case, item.id, "Largest difference of two readers", spread, f"{row.subject} {words}".strip()
        )
    return None


def _detail(one: ItemAgreement) -> str:
    alone = [pair for pair in one.pairs if pair.state in ("only a", "only b")]
    if alone:
        drew = sorted({pair.a if pair.state == "only a" else pair.b for pair in alone})
        not_drawn = sorted({pair.b if pair.state == "only a" else pair.a for pair in alone})
        return f"drawn by {', '.join(drew)}; not by {', '.join(not_drawn)}"
    missed = sum(len(lesion.members) < len(one.readers) for lesion in one.instances)
    return f"{missed} of {len(one.instances)} lesions not drawn by all" if missed else ""

"""What needs a person: worst cases, split items, missed thresholds.

Every item is ranked by figures of its own kind; nothing is averaged over items.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.evaluation.drawn_statistics import TITLES
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement
from AnnotationQACore.protocol.items import Classification, Item, Measurement, Rating
from AnnotationQACore.reporting.drawn_analysis import pair_statistic
from AnnotationQACore.reporting.item_analysis import found_in
from AnnotationQACore.reporting.naming import subject_words

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
    mean : float
        The same over all pairs of readers, which ranks cases with equal `value`.
    detail : str
        Why, in words.
    """

    case: str
    item: str
    statistic: str
    value: float
    mean: float
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
    """The cases of an item on which readers agree least, worst first; those that agree are left out.

    Drawn items are ranked by the protocol's statistic (or the first there is), measurements and ordered ratings by the
    largest difference of two readers; nominal answers have no rank, see `split_answers`.
    """
    found = found_in(agreement, item.id)
    name = pair_statistic(item, found)
    if name:
        larger = "mm" not in TITLES[name]
        drawn = [worst for case, one in found if (worst := _drawn(name, case, one, larger=larger)) is not None]
        sign = 1.0 if larger else -1.0
        return tuple(sorted(drawn, key=lambda one: (sign * one.value, sign * one.mean, one.case))[:limit])
    if isinstance(item, Measurement) or (isinstance(item, Rating) and item.scale == "ordinal"):
        spread = [worst for case, one in found if (worst := _spread(case, one)) is not None]
        return tuple(sorted(spread, key=lambda one: (-one.value, -one.mean, one.case))[:limit])
    return ()


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


def _drawn(name: str, case: CaseAgreement, one: ItemAgreement, *, larger: bool) -> WorstCase | None:
    values = [pair.figures.get(name, math.nan) for pair in one.pairs]
    values = [value for value in values if not math.isnan(value)]
    if not values or one.agreed:
        return None
    worst = min(values) if larger else max(values)
    return WorstCase(case.case, one.item, TITLES[name], worst, sum(values) / len(values), _detail(one))


def _spread(case: CaseAgreement, one: ItemAgreement) -> WorstCase | None:
    spreads = [(row.spread, row) for row in one.values if row.spread > 0]
    if not spreads or one.agreed:
        return None
    spread, row = max(spreads, key=lambda pair: pair[0])
    words = ", ".join(f"{reader}: {value:g}" for reader, value in sorted(row.values.items()))
    mean = sum(value for value, _ in spreads) / len(one.values)
    title = "Largest difference of two readers"
    return WorstCase(case.case, one.item, title, spread, mean, f"{subject_words(row.subject)}; {words}")


def _detail(one: ItemAgreement) -> str:
    alone = [pair for pair in one.pairs if pair.state in ("only a", "only b")]
    if alone:
        drew = sorted({pair.a if pair.state == "only a" else pair.b for pair in alone})
        not_drawn = sorted({pair.b if pair.state == "only a" else pair.a for pair in alone})
        return f"drawn by {', '.join(drew)}; not by {', '.join(not_drawn)}"
    missed = sum(len(lesion.members) < len(one.readers) for lesion in one.instances)
    return f"{missed} of {len(one.instances)} lesions not drawn by all" if missed else ""

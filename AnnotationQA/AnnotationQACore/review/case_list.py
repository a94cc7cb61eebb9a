"""The list of cases with the agreement of each item, the worst first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, PairFigures
from AnnotationQACore.evaluation.study import FailedCase
from AnnotationQACore.project.state import CaseStatus, Decision, State
from AnnotationQACore.protocol.items import Box, Item, Landmarks, Measurement, Polygon, Rating, Segmentation
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.review.case_readings import lost_readers
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.reader_names import in_text, names_in_review

__all__ = ["CaseFilter", "CaseRow", "ItemCell", "Judgement", "case_list", "proposals"]

CLOSE = 0.1
"""A figure that misses its threshold by less than this part of it is close."""


class Judgement(StrEnum):
    """Class of a figure by its threshold; a list shows it as colour."""

    AGREED = "agreed"
    CLOSE = "close"
    DIFFERENT = "different"
    UNDEFINED = "undefined"
    ONE_READER = "one reader"
    NOT_JUDGED = "not judged"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class ItemCell:
    """Agreement on one item in one case.

    Attributes
    ----------
    item : str
    statistic : str
        That of the protocol; empty where it names none.
    value : float
        For the two readers who agree least; NaN where it is undefined or a figure of all cases only.
    threshold : float
        NaN where the protocol names none for one case.
    judgement : Judgement
    shortfall : float
        How far the threshold is missed, as a part of it, in [0, 1]; 0 where readers agree or nothing is judged.
    readers : tuple of str
        Who answered.
    kinds : frozenset of Kind
        What disagreement there is, as far as is known without looking at voxels.
    """

    item: str
    statistic: str
    value: float
    threshold: float
    judgement: Judgement
    shortfall: float
    readers: tuple[str, ...]
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of the list.

    Attributes
    ----------
    case : str
    status : CaseStatus
    readers : mapping of reader to str
        What they are called, blinded where the protocol says so, in the order of these names.
    cells : mapping of item ID to ItemCell
    conflicts : tuple of pairs of Decision
    messages : tuple of str
        One line each: what failed, what was resampled, whose key was revoked; with the names of `readers`.
    proposed : bool
        Whether everything that the protocol judges reaches its threshold, and nobody missed a structure, so that
        acceptance is proposed.
    pending : bool
        Whether the readings were not compared yet.
    """

    case: str
    status: CaseStatus
    readers: Mapping[str, str]
    cells: Mapping[str, ItemCell]
    conflicts: tuple[tuple[Decision, Decision], ...]
    messages: tuple[str, ...]
    proposed: bool
    pending: bool

    @property
    def kinds(self) -> frozenset[Kind]:
        """All kinds of disagreement of the case."""
        return frozenset(kind for cell in self.cells.values() for kind in cell.kinds)

    @property
    def badness(self) -> tuple[bool, int, float, int]:
        """Larger is worse: conflict, number of items below their threshold, largest shortfall, missed structures."""
        below = [cell for cell in self.cells.values() if cell.judgement in (Judgement.CLOSE, Judgement.DIFFERENT)]
        missed = sum(Kind.MISSED_STRUCTURE in cell.kinds for cell in self.cells.values())
        return bool(self.conflicts), len(below), max((cell.shortfall for cell in below), default=0.0), missed


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are listed; what is empty does not filter."""

    items: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    statuses: frozenset[CaseStatus] = frozenset()

    def passes(self, row: CaseRow) -> bool:
        """Whether a case is listed: one of the items has one of the kinds, by one of the readers."""
        if self.statuses and row.status not in self.statuses:
            return False
        if self.readers and not self.readers & set(row.readers):
            return False
        cells = [cell for name, cell in row.cells.items() if not self.items or name in self.items]
        if self.readers:
            cells = [cell for cell in cells if self.readers & set(cell.readers)]
        if self.kinds:
            return any(self.kinds & cell.kinds for cell in cells)
        return not self.items or any(cell.judgement is not Judgement.AGREED for cell in cells)


def case_list(
    state: State,
    protocol: Protocol,
    compared: Iterable[CaseAgreement | FailedCase] = (),
    *,
    kinds: Mapping[str, Mapping[str, frozenset[Kind]]] | None = None,
    wanted: CaseFilter | None = None,
) -> tuple[CaseRow, ...]:
    """Cases that have a reading, the worst first; cases not compared yet follow, so that the list can fill in.

    Parameters
    ----------
    state : State
    protocol : Protocol
    compared : iterable of CaseAgreement or FailedCase
        What is known so far.
    kinds : mapping of case to mapping of item to kinds, optional
        What walks through the voxels found; added to what the figures tell.
    wanted : CaseFilter, optional
    """
    by_case = {one.case: one for one in compared}
    rows = []
    for case, record in state.cases.items():
        if record.excluded or not state.readings.get(case):
            continue
        row = _row(state, protocol, case, by_case.get(case), (kinds or {}).get(case, {}))
        if wanted is None or wanted.passes(row):
            rows.append(row)
    rows.sort(key=lambda row: (row.pending, *(-x for x in row.badness), row.case))
    return tuple(rows)


def proposals(rows: Iterable[CaseRow]) -> tuple[CaseRow, ...]:
    """Cases whose acceptance is proposed; nothing is accepted until a person says so."""
    return tuple(row for row in rows if row.proposed)


def _row(
    state: State,
    protocol: Protocol,
    case: str,
    compared: CaseAgreement | FailedCase | None,
    kinds: Mapping[str, frozenset[Kind]],
) -> CaseRow:
    readers = tuple(
        dict.fromkeys(
            one.reader
            for one in state.latest_readings(case)
            if not one.reader.startswith(("consensus:", "adjudicated:"))
        )
    )
    assigned = tuple(task.reader for task in state.tasks.get(case, ()))
    names = names_in_review(protocol, state, case, dict.fromkeys((*readers, *assigned)))
    cells: dict[str, ItemCell] = {}
    messages = list(lost_readers(state, case))
    if isinstance(compared, FailedCase):
        messages.append(compared.problem)
    elif compared is not None:
        messages += compared.messages
        cells = {one.item: _cell(protocol.item(one.item), one, kinds) for one in compared.items}
    if len(readers) == 1:
        messages.append("there is one reading only; nothing can be compared.")
    status = state.case_status(case)
    conflicts = state.conflicts(case)
    return CaseRow(
        case,
        status,
        {reader: names[reader] for reader in sorted(readers, key=lambda one: names[one])},
        cells,
        conflicts,
        tuple(in_text(message, names) for message in messages),
        status is CaseStatus.TO_REVIEW and _reaches(cells.values(), protocol),
        compared is None and len(readers) > 1,
    )


def _reaches(cells: Iterable[ItemCell], protocol: Protocol) -> bool:
    """Whether something was judged, and all that the protocol judges was agreed on.

    A structure that a reader missed is looked at by a person: a small lesion hardly moves the overlap of all lesions.
    """
    judged = [cell for cell in cells if protocol.item(cell.item).agreement is not None]
    is_missed = any(Kind.MISSED_STRUCTURE in cell.kinds for cell in judged)
    return bool(judged) and not is_missed and all(cell.judgement is Judgement.AGREED for cell in judged)


def _cell(item: Item, one: ItemAgreement, kinds: Mapping[str, frozenset[Kind]]) -> ItemCell:
    found = _kinds(item, one) | kinds.get(item.id, frozenset())
    agreement = item.agreement
    if len(one.readers) < 2:
        return ItemCell(item.id, "", math.nan, math.nan, Judgement.ONE_READER, 0.0, one.readers, found)
    if agreement is None:
        return ItemCell(item.id, "", math.nan, math.nan, Judgement.NOT_JUDGED, 0.0, one.readers, found)
    facts = STATISTICS[agreement.statistic]
    if facts.of_one_case:
        threshold, value = agreement.threshold, one.judged
        missed = _shortfall(value, threshold, facts.better == "larger", facts.range[0])
    else:
        threshold = math.nan if agreement.case_tolerance is None else agreement.case_tolerance
        spreads = [row.spread for row in one.values if not math.isnan(row.spread)]
        value = max(spreads, default=math.nan)
        missed = 0.0 if one.agreed is not False else _shortfall(value, threshold, False, 0.0) or 1.0
    judgement = _judgement(one, facts.of_one_case, value, missed)
    shortfall = missed if judgement in (Judgement.CLOSE, Judgement.DIFFERENT) else 0.0
    return ItemCell(item.id, agreement.statistic, value, threshold, judgement, shortfall, one.readers, found)


def _judgement(one: ItemAgreement, of_one_case: bool, value: float, missed: float) -> Judgement:
    if one.agreed is True:
        return Judgement.AGREED
    if one.agreed is False:
        return Judgement.CLOSE if missed < CLOSE else Judgement.DIFFERENT
    return Judgement.UNDEFINED if of_one_case and math.isnan(value) else Judgement.NOT_JUDGED


def _shortfall(value: float, threshold: float, larger_is_better: bool, lowest: float) -> float:
    if math.isnan(value):
        return 0.0
    if larger_is_better:
        return min(max((threshold - value) / max(threshold - lowest, 1e-12), 0.0), 1.0)
    return 0.0 if value <= threshold else 1.0 - threshold / value


def _kinds(item: Item, one: ItemAgreement) -> frozenset[Kind]:
    """Kinds that the figures tell of; which slices and which side is known to the walk only."""
    if isinstance(item, Segmentation):
        of_pairs = [kind for pair in one.pairs for kind in _pair_kinds(pair, one.agreed)]
        lesions = [Kind.MISSED_STRUCTURE for lesion in one.instances if len(lesion.members) < len(one.readers)]
        return frozenset([*of_pairs, *lesions])
    differs = one.agreed is False or any(pair.state.startswith("only") for pair in one.pairs)
    if isinstance(item, (Box, Polygon, Landmarks)):
        kind = {"box": Kind.BOX, "polygon": Kind.POLYGON, "landmarks": Kind.LANDMARK}[item.kind]
        return frozenset([kind] if differs else [])
    unlike = any(len(set(row.values.values())) > 1 for row in one.values)
    if not unlike or one.agreed is True:
        return frozenset()
    if isinstance(item, Measurement):
        return frozenset([Kind.MEASUREMENT])
    return frozenset([Kind.RATING if isinstance(item, Rating) and item.scale == "ordinal" else Kind.ANSWER])


def _pair_kinds(pair: PairFigures, agreed: bool | None) -> Sequence[Kind]:
    if pair.state.startswith("only"):
        return (Kind.MISSED_STRUCTURE,)
    return (Kind.BOUNDARY,) if pair.state == "both present" and agreed is not True else ()

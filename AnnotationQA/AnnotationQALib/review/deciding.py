"""Decisions item by item as a panel shows them: under a protocol, or on loose segmentations without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.review.adjudication import Adjudication
from AnnotationQACore.review.painting import CONSENSUS, EDITED, sources
from AnnotationQACore.review.reader_names import in_text
from AnnotationQACore.wording import worded
from AnnotationQALib.review.case_review import CaseReview

__all__ = ["METHOD_TITLES", "REGIONS", "Deciding", "DecisionRow"]

METHOD_TITLES: Mapping[str, str] = {
    "majority": "Majority",
    "staple": "STAPLE",
    "simple": "SIMPLE",
    "shape": "Shape-based average",
}
"""Methods of consensus by the names that papers give them."""

REGIONS = "regions"
"""Source of an item that was put together region by region."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """Where an item stands.

    Attributes
    ----------
    item : str
        Of the protocol; without one the segment.
    title : str
    is_segmented : bool
    segments : tuple of str
        Its structures in the result.
    source : str
        What was decided (see `adjudication.ItemDecision.source`); empty as long as nothing was.
    reason : str
    is_open : bool
        Whether it needs a decision.
    """

    item: str
    title: str
    is_segmented: bool
    segments: tuple[str, ...]
    source: str
    reason: str
    is_open: bool


class Deciding:
    """What is decided about a case.

    Parameters
    ----------
    review : CaseReview
    adjudication : Adjudication or None
        None on loose segmentations: then structures are decided, and no reason is asked for.
    """

    def __init__(self, review: CaseReview, adjudication: Adjudication | None = None) -> None:
        self._review = review
        self._adjudication = adjudication
        self._loose: dict[str, str] = {}

    @property
    def needs_reason(self) -> bool:
        """Whether the protocol asks for a reason."""
        return self._adjudication is not None and self._adjudication.protocol.design.reason_required

    @property
    def open_regions(self) -> int:
        """Number of regions about which nothing was decided."""
        return len(self._review.painting.undecided())

    def rows(self) -> tuple[DecisionRow, ...]:
        """All items that readers were asked about; those of the protocol in its order."""
        if self._adjudication is None:
            return tuple(self._loose_row(segment.id, segment.name) for segment in self._review.labels.segments)
        open_items = set(self._adjudication.open_items())
        newest = {one.item: one for one in self._adjudication.decisions}
        answered = {a.item for one in self._adjudication.readings.readings.values() for a in one.answers}
        rows = []
        for item in self._adjudication.protocol.items:
            segments = self._segments(item.id)
            if not segments and item.id not in answered and item.id not in open_items:
                continue
            made = newest.get(item.id)
            rows.append(
                DecisionRow(
                    item.id,
                    item.title,
                    isinstance(item, SegmentationItem),
                    segments,
                    made.source if made is not None else "",
                    made.reason if made is not None else "",
                    item.id in open_items,
                )
            )
        return tuple(rows)

    def sources(self, row: DecisionRow) -> tuple[str, ...]:
        """What can be accepted for an item: readers, and consensuses where voxels are decided."""
        found = sources(self._review.labels)
        return tuple(source for source, kind in found.items() if kind == "reader" or row.is_segmented)

    def name(self, source: str) -> str:
        """A source as the reviewer sees it."""
        if source.startswith(CONSENSUS):
            method = source.removeprefix(CONSENSUS)
            return METHOD_TITLES.get(method, method)
        words = {EDITED: "edited", REGIONS: "region by region"}
        return self._review.names.get(source, words.get(source, source))

    def told(self, line: str) -> str:
        """A line about readers, with the names that the reviewer sees."""
        return in_text(line, self._review.names)

    def accept(self, row: DecisionRow, source: str, reason: str = "") -> None:
        """Accept what a reader or a consensus has for an item; raises `InputError` as `Adjudication.accept`."""
        if self._adjudication is not None:
            self._adjudication.accept(row.item, source, reason)
        else:
            self._review.painting.take_structure(row.item, source)
            self._loose[row.item] = source
        if row.is_segmented:
            self._review.show_result()

    def accept_all(self, source: str, reason: str = "") -> None:
        """Accept one source for all items; answers without a consensus stay open where `source` is one."""
        for row in self.rows():
            if source in self.sources(row):
                self.accept(row, source, reason)

    def take_region(self, source: str, reason: str = "") -> None:
        """Paint the region at which the walk stands as `source` has it."""
        stop = self._review.walk.current
        self._review.take_region(source, self._adjudication, reason)
        if self._adjudication is None and stop is not None:
            self._loose |= dict.fromkeys(stop.items, REGIONS)

    def take_answer(self, reader: str, reason: str = "") -> None:
        """Accept what a reader says about the item at which the walk stands."""
        stop = self._review.walk.current
        if stop is None or stop.region is not None or self._adjudication is None:
            raise InputError(worded("review: go to a row in which answers differ first."))
        self._adjudication.accept(stop.items[0], reader, reason)

    def take_edited(self, segment_id: str, reason: str = "") -> tuple[str, ...]:
        """Take a structure as it was edited in the node of the result; returns the structures that lost voxels."""
        mask = self._review.edited_mask(segment_id)
        if self._adjudication is not None:
            lost = self._adjudication.take_edited(segment_id, mask, reason)
        else:
            lost = self._review.painting.take_edited(segment_id, mask)
            self._loose[segment_id] = EDITED
        self._review.show_result()
        return lost

    def decided_source(self, region: int | None, item: str) -> str:
        """What a row of the walk was decided from; empty as long as nothing was."""
        if region is not None:
            return self._review.painting.source_of(region) or ""
        if self._adjudication is None:
            return ""
        return next((one.source for one in self._adjudication.decisions if one.item == item), "")

    def _segments(self, item: str) -> tuple[str, ...]:
        ids = (segment.id for segment in self._review.labels.segments)
        return tuple(one for one in ids if one.partition("#")[0] == item)

    def _loose_row(self, segment: str, title: str) -> DecisionRow:
        painting = self._review.painting
        undecided = set(painting.undecided())
        involved = painting.disagreements.involving(segment).tolist()
        is_open = any(region in undecided for region in involved)
        return DecisionRow(segment, title, True, (segment,), self._loose.get(segment, ""), "", is_open)

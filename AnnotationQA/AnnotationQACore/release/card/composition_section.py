"""Sections of the card on what the dataset is made of, and what is rare or missing in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from AnnotationQACore.project.answers import MeasurementValue, NotApplicable, Presence, PresenceValue, SegmentationValue
from AnnotationQACore.protocol.items import Measurement, Segmentation
from AnnotationQACore.release.card.blocks import Bars, Block, Bullets, Facts, Paragraph, Table
from AnnotationQACore.release.card.sources import CardSources
from AnnotationQACore.release.choices import STRATA
from AnnotationQACore.release.composition import (
    Count,
    Spread,
    characteristics,
    count_by,
    imbalance,
    parts_in_order,
    reference_of,
    spread,
)
from AnnotationQACore.release.exporting import ReleaseCase
from AnnotationQACore.reporting.numbers import number

__all__ = ["composition_blocks", "coverage_blocks", "is_empty"]

_MOST_ROWS = 24

_FEWEST_AGES = 20
"""Below that a quartile is the age of somebody; the least and the greatest are so always, and decades are told."""


def is_empty(block: Block) -> bool:
    """Whether a block says nothing."""
    match block:
        case Paragraph(text):
            return not text
        case Facts(pairs):
            return not pairs
        case Bullets(lines):
            return not lines
        case Table(_, _, rows) | Bars(_, rows):
            return not rows


def composition_blocks(sources: CardSources) -> tuple[Block, ...]:
    """Counts by modality, scanner, site, sex and age, and the sizes of images and structures."""
    dataset = sources.gathered.dataset
    known = characteristics(dataset.protocol)
    blocks: list[Block] = []
    for name in ("modality", "scanner", "site", "sex", "age"):
        counts = count_by(dataset.cases, dataset.splits, known[name])
        if not counts or (name == "site" and len(counts) < 2):
            continue
        ordered = sorted(counts, key=lambda one: one.value) if name == "age" else counts
        blocks.append(_bars(STRATA[name].capitalize(), ordered, len(dataset.cases)))
    rows = tuple(_row(one) for one in _sizes(dataset.cases, sources) if one.n)
    if rows:
        columns = ("size", "unit", "n", "missing", "least", "quartiles and median", "greatest")
        blocks.append(Table("Sizes of images and labels", columns, rows, frozenset({2, 3, 4, 5, 6})))
    return tuple(blocks)


def coverage_blocks(sources: CardSources) -> tuple[Block, ...]:
    """How many cases answer each item, how often each finding occurs, in each part, and how uneven that is."""
    dataset = sources.gathered.dataset
    counts = count_by(dataset.cases, dataset.splits, characteristics(dataset.protocol)["findings"])
    parts = parts_in_order(dataset.splits.values())
    columns = ("finding", "cases", "patients", *parts)
    rows = tuple(
        (one.value, str(one.cases), str(one.patients), *(str(one.by_part.get(part, 0)) for part in parts))
        for one in counts[:_MOST_ROWS]
    )
    blocks: list[Block] = [Table("Cases by item", _COVERAGE, tuple(_coverage(sources)), frozenset(range(1, 6)))]
    if rows:
        more = f" (the {_MOST_ROWS} most frequent of {len(counts)})" if len(counts) > _MOST_ROWS else ""
        numbers = frozenset(range(1, len(columns)))
        blocks.append(Table(f"Cases by finding of the reference standard{more}", columns, rows, numbers))
    lines = tuple(_imbalances(sources))
    if lines:
        blocks += [Paragraph("Imbalance, the most frequent to the rarest value:"), Bullets(lines)]
    absent = [
        f"'{one.value}' is in no case of {', '.join(part for part in parts if not one.by_part.get(part))}."
        for one in counts
        if any(not one.by_part.get(part) for part in parts)
    ]
    if absent:
        more_absent = (f"And {len(absent) - _MOST_ROWS} more.",) if len(absent) > _MOST_ROWS else ()
        blocks += [Paragraph("Findings that a part lacks:"), Bullets((*absent[:_MOST_ROWS], *more_absent))]
    return tuple(blocks)


_COVERAGE = ("item", "answered", "of these absent", "not assessable", "not asked", "no answer")


def _coverage(sources: CardSources) -> Iterator[tuple[str, ...]]:
    dataset = sources.gathered.dataset
    for item in dataset.protocol.items:
        states: Counter[str] = Counter()
        for case in dataset.cases:
            reading = reference_of(case)
            values = [answer.value for answer in reading.answers if answer.item == item.id] if reading else []
            if not values:
                states["none"] += 1
            elif all(isinstance(value, NotApplicable) for value in values):
                states["not asked"] += 1
            elif all(_presence(value) is Presence.NOT_ASSESSABLE for value in values):
                states["not assessable"] += 1
            else:
                states["answered"] += 1
                states["absent"] += all(_presence(value) is Presence.ABSENT for value in values)
        yield (
            item.title,
            *(str(states[name]) for name in ("answered", "absent", "not assessable", "not asked", "none")),
        )


def _presence(value: object) -> Presence | None:
    return value.presence if isinstance(value, PresenceValue | SegmentationValue) else None


def _imbalances(sources: CardSources) -> Iterator[str]:
    dataset = sources.gathered.dataset
    known = characteristics(dataset.protocol)
    for name in ("modality", "scanner", "site", "sex", "age"):
        counts = count_by(dataset.cases, dataset.splits, known[name])
        ratio = imbalance(counts)
        if not math.isnan(ratio):
            first, last = counts[0], counts[-1]
            yield f"{name}: {first.value} ({first.cases}) to {last.value} ({last.cases}), {number(ratio, 1)} to 1."
    by_item: dict[str, list[Count]] = {}
    for one in count_by(dataset.cases, dataset.splits, known["findings"]):
        item, _, answer = one.value.partition(": ")
        by_item.setdefault(item, []).append(replace(one, value=answer))
    for item, counts_of in by_item.items():
        ratio = imbalance(counts_of)
        if not math.isnan(ratio):
            first, last = counts_of[0], counts_of[-1]
            yield f"{item}: {first.value} ({first.cases}) to {last.value} ({last.cases}), {number(ratio, 1)} to 1."


def _bars(caption: str, counts: Sequence[Count], whole: int) -> Bars:
    rows = [
        (one.value, float(one.cases), f"{one.cases} ({100 * one.cases / whole:.0f} %), {one.patients} patients")
        for one in counts[:_MOST_ROWS]
    ]
    return Bars(caption, tuple(rows))


def _sizes(cases: Sequence[ReleaseCase], sources: CardSources) -> Iterator[Spread]:
    first = [case.images[0].facts if case.images else None for case in cases]
    ages = spread("age", "years", (case.age_years for case in cases))
    if ages.n >= _FEWEST_AGES:
        yield replace(ages, least=math.nan, greatest=math.nan)
    yield spread("slices of a volume", "", (float(one.shape[0]) if one and one.shape else None for one in first))
    yield spread("slice thickness", "mm", (one.slice_thickness_mm if one else None for one in first))
    yield spread("pixel spacing", "mm", (one.spacing_mm[-1] if one and one.spacing_mm else None for one in first))
    yield from _label_sizes(cases, sources)


def _label_sizes(cases: Sequence[ReleaseCase], sources: CardSources) -> Iterator[Spread]:
    protocol = sources.gathered.dataset.protocol
    volumes: dict[str, list[float | None]] = {item.id: [] for item in protocol.segmentations}
    measured: dict[str, list[float | None]] = {i.id: [] for i in protocol.items if isinstance(i, Measurement)}
    for case in cases:
        reading = reference_of(case)
        if reading is None:
            continue
        drawn = reading.segmentation()
        for segment in drawn.segments if drawn is not None else ():
            name = segment.id.partition("#")[0]
            if drawn is not None and name in volumes:
                voxels = int((drawn.layers[segment.layer] == segment.value).sum())
                volumes[name].append(voxels * drawn.grid.voxel_volume / 1000)
        for answer in reading.answers:
            if isinstance(answer.value, MeasurementValue) and answer.item in measured:
                measured[answer.item].append(answer.value.value)
    for item in protocol.items:
        if isinstance(item, Segmentation):
            yield spread(f"{item.title}, each segment", "ml", volumes[item.id])
        elif isinstance(item, Measurement):
            yield spread(item.title, item.unit, measured[item.id])


def _row(one: Spread) -> tuple[str, ...]:
    middle = f"{number(one.lower_quartile, 1)} – {number(one.median, 1)} – {number(one.upper_quartile, 1)}"
    return (one.name, one.unit, str(one.n), str(one.missing), number(one.least, 1), middle, number(one.greatest, 1))

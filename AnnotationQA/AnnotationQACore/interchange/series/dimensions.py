"""What tells frames at one slice position apart: time, echo, b-value, cardiac phase, component."""

from __future__ import annotations

import enum
import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.headers import FileHeader, FrameHeader

__all__ = ["Dimension", "DimensionName", "FrameRef", "Split", "split_dimension"]


class DimensionName(enum.StrEnum):
    """Name of the fourth dimension of a series."""

    TIME = "time"
    ECHO = "echo"
    B_VALUE = "b-value"
    CARDIAC_PHASE = "cardiac phase"
    COMPONENT = "component"
    IMAGE_TYPE = "image type"
    ACQUISITION = "acquisition"
    COMBINED = "combined"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class FrameRef:
    """One frame and the file it is in."""

    file: FileHeader
    frame: FrameHeader


@dataclass(frozen=True, slots=True)
class Dimension:
    """Fourth dimension of a series: one value per volume, e.g. seconds from the first, or ms of echo time."""

    name: DimensionName
    values: tuple[float | str, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """Volumes made of the frames at each position.

    Attributes
    ----------
    volumes : tuple of tuple of FrameRef
        For each volume one frame per position; empty when the frames cannot be told apart.
    dimension : Dimension or None
        None for a single volume.
    findings : tuple of Finding
    spares : tuple of (FrameRef, FrameRef)
        Frames of the volume, each with one left out that lies at the same position.
    """

    volumes: tuple[tuple[FrameRef, ...], ...]
    dimension: Dimension | None = None
    findings: tuple[Finding, ...] = ()
    spares: tuple[tuple[FrameRef, FrameRef], ...] = ()


Key = float | str | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: DimensionName
    unit: str
    key: Callable[[FrameHeader], Key]


_CANDIDATES: Final = (
    _Candidate(DimensionName.TIME, "", lambda frame: frame.temporal_position),
    _Candidate(DimensionName.ECHO, "ms", lambda frame: frame.echo_time),
    _Candidate(DimensionName.B_VALUE, "s/mm²", lambda frame: frame.b_value),
    _Candidate(DimensionName.CARDIAC_PHASE, "%", lambda frame: frame.cardiac_phase),
    _Candidate(DimensionName.COMPONENT, "", lambda frame: frame.component or None),
    _Candidate(DimensionName.IMAGE_TYPE, "", lambda frame: frame.image_type or None),
    _Candidate(
        DimensionName.B_VALUE, "", lambda frame: " ".join(f"{x:.4f}" for x in frame.gradient) if frame.gradient else ""
    ),
    _Candidate(DimensionName.ACQUISITION, "", lambda frame: frame.acquisition),
)
_RANKED: Final = (
    _Candidate(DimensionName.CARDIAC_PHASE, "ms", lambda frame: frame.trigger_time),
    _Candidate(DimensionName.TIME, "s", lambda frame: frame.time),
)

_TIMED: Final = frozenset({DimensionName.TIME, DimensionName.ACQUISITION})

Places = Sequence[Sequence[FrameRef]]
Volumes = tuple[tuple[FrameRef, ...], ...]


def split_dimension(places: Places) -> Split:
    """Split the frames at each position into volumes.

    Parameters
    ----------
    places : sequence of sequence of FrameRef
        The frames at each position, positions in order.
    """
    counts = [len(place) for place in places]
    usual = statistics.mode(counts)
    if max(counts) == 1:
        return Split((tuple(place[0] for place in places),))
    if _copies(places):
        return _first_of_each(places)
    for size in (1, 2, 3):
        for candidates in itertools.combinations(_CANDIDATES, size):
            split = _split_by_value(places, candidates)
            if split is not None:
                return split
    if usual == 1:
        return _first_of_each(places)
    if min(counts) == max(counts):
        for candidate in _RANKED:
            split = _split_by_rank(places, candidate)
            if split is not None:
                return split
    return _split_by_instance(places)


def _copies(places: Places) -> bool:
    """Whether all frames that share a position also share instance and frame number, so that nothing differs."""
    return all(
        len({(ref.file.instance_number, ref.frame.number, *_identity(ref.frame)) for ref in place}) == 1
        for place in places
        if len(place) > 1
    )


def _identity(frame: FrameHeader) -> tuple[Key, ...]:
    return tuple(candidate.key(frame) for candidate in (*_CANDIDATES, *_RANKED))


def _first_of_each(places: Places) -> Split:
    extra = sum(len(place) - 1 for place in places)
    finding = Finding.warning(
        FindingCode.DUPLICATE_SLICE,
        f"{extra} {'slice is' if extra == 1 else 'slices are'} there more than once at the same position under "
        "different UIDs; the one with the lowest instance number is used.",
    )
    ordered = [sorted(place, key=_instance_order) for place in places]
    spares = tuple((place[0], spare) for place in ordered for spare in place[1:])
    return Split((tuple(place[0] for place in ordered),), None, (finding,), spares)


def _split_by_value(places: Places, candidates: tuple[_Candidate, ...]) -> Split | None:
    tables: list[dict[tuple[Key, ...], FrameRef]] = []
    for place in places:
        table = {tuple(candidate.key(ref.frame) for candidate in candidates): ref for ref in place}
        if len(table) < len(place) or any(part is None for key in table for part in key):
            return None
        tables.append(table)
    everywhere = set(tables[0]).intersection(*tables[1:])
    anywhere = set(tables[0]).union(*tables[1:])
    frames = sum(map(len, tables))
    kept = len(everywhere) * len(tables)
    if len(anywhere) < 2 or 2 * kept < frames:
        return None
    order = sorted(everywhere, key=lambda key: tuple((isinstance(part, str), part) for part in key))
    volumes = tuple(tuple(table[key] for table in tables) for key in order)
    names = [candidate.name for candidate in candidates]
    name = names[0] if len(set(names)) == 1 else DimensionName.COMBINED
    values = tuple(_value(key, candidates) for key in order)
    unit = candidates[0].unit if len(candidates) == 1 else ""
    dimension = (_in_seconds(volumes) if name in _TIMED else None) or Dimension(name, values, unit)
    findings: tuple[Finding, ...] = ()
    if len(everywhere) == 1:
        findings = (
            Finding.warning(
                FindingCode.DUPLICATE_SLICE,
                f"{frames - kept} further frames lie where others do and differ in {name}; too few for a volume of "
                "their own, they are left out.",
            ),
        )
    elif kept < frames:
        incomplete = len(anywhere) - len(everywhere)
        findings = (
            Finding.error(
                FindingCode.INCOMPLETE_DIMENSION,
                f"{incomplete} of {len(anywhere)} volumes along {name} lack slices; their {frames - kept} frames are "
                "left out.",
            ),
        )
    return _dimensional(volumes, dimension, findings)


def _value(key: tuple[Key, ...], candidates: tuple[_Candidate, ...]) -> float | str:
    if len(key) == 1 and key[0] is not None:
        return key[0]
    parts = (
        f"{part:g} {candidate.unit}".strip() if isinstance(part, float) else str(part)
        for part, candidate in zip(key, candidates, strict=True)
    )
    return ", ".join(part for part in parts if part)


def _in_seconds(volumes: Volumes) -> Dimension | None:
    """Seconds after the first volume, where each volume was taken later than the one before."""
    times = [[ref.frame.time for ref in volume if ref.frame.time is not None] for volume in volumes]
    if not all(times):
        return None
    moments = [statistics.median(each) for each in times]
    if any(second <= first for first, second in itertools.pairwise(moments)):
        return None
    return Dimension(DimensionName.TIME, tuple(round(moment - moments[0], 6) for moment in moments), "s")


def _split_by_rank(places: Places, candidate: _Candidate) -> Split | None:
    """Volumes by rank at each position: acquisition times differ from slice to slice."""
    ordered = []
    for place in places:
        keys = [candidate.key(ref.frame) for ref in place]
        numbers = [key for key in keys if isinstance(key, float)]
        if len(set(numbers)) < len(place):
            return None
        ordered.append([ref for _, ref in sorted(zip(numbers, place, strict=True), key=lambda pair: pair[0])])
    volumes = tuple(zip(*ordered, strict=True))
    moments = [_median(volume, candidate) for volume in volumes]
    start = moments[0] if candidate.unit == "s" else 0.0
    values = tuple(round(moment - start, 6) for moment in moments)
    return _dimensional(volumes, _diffusion(volumes) or Dimension(candidate.name, values, candidate.unit), ())


def _split_by_instance(places: Places) -> Split:
    counts = {len(place) for place in places}
    ordered = [sorted(place, key=_instance_order) for place in places]
    volumes = tuple(zip(*ordered, strict=False))
    if len(counts) > 1:
        if not _consecutive(volumes):
            return Split(
                (),
                None,
                (
                    Finding.error(
                        FindingCode.INCOMPLETE_DIMENSION,
                        f"between {min(counts)} and {max(counts)} frames lie at each position, and nothing in their "
                        "headers tells which belong together.",
                    ),
                ),
            )
        extra = sum(map(len, places)) - len(volumes) * len(places)
        incomplete = Finding.error(
            FindingCode.INCOMPLETE_DIMENSION,
            f"the last volume lacks slices (an acquisition that was stopped?); its {extra} frames are left out.",
        )
        findings: tuple[Finding, ...] = (incomplete,)
    else:
        findings = ()
    if len(volumes) == 1:
        return Split(volumes, None, findings)
    expected = volumes[0][0].file.temporal_positions or 0
    name = DimensionName.TIME if expected > 1 else DimensionName.UNNAMED
    diffusion = _diffusion(volumes)
    dimension = diffusion or Dimension(name, tuple(float(index) for index in range(len(volumes))))
    if dimension.name is DimensionName.UNNAMED:
        unnamed = Finding.warning(
            FindingCode.DIMENSION_UNNAMED,
            f"{len(volumes)} frames lie at each position, and only their instance numbers differ: volumes are formed "
            "in that order; check what they are.",
        )
        findings = (*findings, unnamed)
    return _dimensional(volumes, dimension, findings)


def _dimensional(volumes: Volumes, dimension: Dimension, findings: tuple[Finding, ...]) -> Split:
    if len(volumes) == 1:
        return Split(volumes, None, findings)
    said = Finding.info(
        FindingCode.FOUR_DIMENSIONAL, f"{len(volumes)} volumes along {dimension.name}, {len(volumes[0])} slices each."
    )
    expected = volumes[0][0].file.temporal_positions or 0
    if dimension.name is DimensionName.TIME and expected > len(volumes):
        missing = Finding.error(
            FindingCode.INCOMPLETE_DIMENSION,
            f"{len(volumes)} of {expected} time points are there; the rest is missing.",
        )
        findings = (*findings, missing)
    return Split(volumes, dimension, (said, *findings))


def _diffusion(volumes: Volumes) -> Dimension | None:
    """B-values as the dimension, where each volume has one and they vary."""
    values = [{ref.frame.b_value for ref in volume} for volume in volumes]
    if any(len(each) > 1 or None in each for each in values) or len(set.union(*values)) < 2:
        return None
    return Dimension(DimensionName.B_VALUE, tuple(next(iter(each)) or 0.0 for each in values), "s/mm²")


def _consecutive(volumes: Volumes) -> bool:
    orders = [[_instance_order(ref) for ref in volume] for volume in volumes]
    return all(max(first) < min(second) for first, second in itertools.pairwise(orders))


def _instance_order(ref: FrameRef) -> tuple[int, int, str]:
    return (ref.file.instance_number or 0, ref.frame.number, ref.file.instance_uid)


def _median(volume: Sequence[FrameRef], candidate: _Candidate) -> float:
    return statistics.median(key for ref in volume if isinstance(key := candidate.key(ref.frame), float))

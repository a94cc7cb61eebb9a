"""Change of segments from a baseline to a later time point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.growth import (
    NoduleGrowth,
    Response,
    nodule_growth,
    percent_change,
    recist_response,
    volume_doubling_days,
    volume_response,
)
from AnnotationQACore.measure.segments import SegmentMeasurements

__all__ = ["SegmentChange", "TargetChange", "segment_changes", "target_change"]


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """One segment at both time points; what is not there has a size of zero.

    Attributes
    ----------
    id, name : str
    state : str
        ``present``, ``appeared``, ``vanished`` or ``absent``.
    volume_before_mm3, volume_after_mm3, volume_percent : float
        Infinite percent when it appeared.
    longest_before_mm, longest_after_mm, longest_percent : float
        Longest in-plane diameter.
    doubling_days : float or None
        Negative when it shrinks, infinite when it does not change; None without days, or when one size is zero.
    nodule_growth : NoduleGrowth or None
        As a solid pulmonary nodule would be classed (van Klaveren et al. 2009); None where there is no doubling time.
    """

    id: str
    name: str
    state: str
    volume_before_mm3: float
    volume_after_mm3: float
    volume_percent: float
    longest_before_mm: float
    longest_after_mm: float
    longest_percent: float
    doubling_days: float | None
    nodule_growth: NoduleGrowth | None


@dataclass(frozen=True, slots=True)
class TargetChange:
    """All segments together, taken as target lesions (RECIST 1.1).

    Attributes
    ----------
    baseline_mm, nadir_mm, current_mm : float
        Sums of longest in-plane diameters.
    baseline_mm3, current_mm3 : float
        Sums of volumes.
    new_lesion : bool
    response, volume_response : Response
        By diameters, and by volumes with the limits carried over to a sphere.
    """

    baseline_mm: float
    nadir_mm: float
    current_mm: float
    baseline_mm3: float
    current_mm3: float
    new_lesion: bool
    response: Response
    volume_response: Response


def segment_changes(
    before: Sequence[SegmentMeasurements], after: Sequence[SegmentMeasurements], days: float | None = None
) -> tuple[SegmentChange, ...]:
    """Compare segments of the same ID, in the order of the baseline, then those that are new.

    Parameters
    ----------
    before, after : sequence of SegmentMeasurements
    days : float, optional
        Between the two, greater than zero.

    Raises
    ------
    InputError
        The days are not positive.
    """
    if days is not None and not (math.isfinite(days) and days > 0):
        raise InputError(f"change: {days:g} days between the scans; the second must be later than the baseline.")
    earlier, later = ({row.segment.id: row for row in rows} for rows in (before, after))
    return tuple(_change(earlier.get(key), later.get(key), days) for key in dict.fromkeys([*earlier, *later]))


def target_change(
    changes: Sequence[SegmentChange], *, nadir_mm: float | None = None, new_lesion: bool = False
) -> TargetChange:
    """Response of all segments together.

    Parameters
    ----------
    changes : sequence of SegmentChange
    nadir_mm : float, optional
        Smallest sum of diameters so far; without it that of the baseline.
    new_lesion : bool
        Whether there is a new lesion elsewhere; a segment that appeared is one anyhow.

    Raises
    ------
    InputError
        There was nothing at baseline, or the nadir is above it.
    """
    baseline = sum(change.longest_before_mm for change in changes)
    current = sum(change.longest_after_mm for change in changes)
    nadir = baseline if nadir_mm is None else nadir_mm
    volume_before = sum(change.volume_before_mm3 for change in changes)
    volume_after = sum(change.volume_after_mm3 for change in changes)
    is_new = new_lesion or any(change.state == "appeared" for change in changes)
    return TargetChange(
        baseline,
        nadir,
        current,
        volume_before,
        volume_after,
        is_new,
        recist_response(baseline, nadir, current, new_lesion=is_new),
        volume_response(volume_before, volume_before, volume_after, new_lesion=is_new),
    )


def _change(before: SegmentMeasurements | None, after: SegmentMeasurements | None, days: float | None) -> SegmentChange:
    segment = (after or before).segment  # type: ignore[union-attr]  # the ID comes from one of the two
    volume_before, volume_after = (row.volume_mm3 if row else 0.0 for row in (before, after))
    longest_before, longest_after = (
        row.in_plane.longest.length_mm if row and row.in_plane else 0.0 for row in (before, after)
    )
    if volume_before and volume_after:
        state = "present"
    else:
        state = "vanished" if volume_before else "appeared" if volume_after else "absent"
    doubling, growth = None, None
    if days is not None and state == "present":
        doubling = volume_doubling_days(volume_before, volume_after, days)
        growth = nodule_growth(volume_before, volume_after, days)
    return SegmentChange(
        id=segment.id,
        name=segment.name,
        state=state,
        volume_before_mm3=volume_before,
        volume_after_mm3=volume_after,
        volume_percent=percent_change(volume_before, volume_after),
        longest_before_mm=longest_before,
        longest_after_mm=longest_after,
        longest_percent=percent_change(longest_before, longest_after),
        doubling_days=doubling,
        nodule_growth=growth,
    )

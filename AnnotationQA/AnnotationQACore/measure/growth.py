"""Change between time points: growth, doubling time, and response categories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from AnnotationQACore.errors import InputError

__all__ = [
    "NoduleGrowth",
    "Response",
    "nodule_growth",
    "percent_change",
    "recist_response",
    "volume_doubling_days",
    "volume_response",
]


class Response(Enum):
    """Response categories of RECIST 1.1."""

    COMPLETE = "CR"
    PARTIAL = "PR"
    STABLE = "SD"
    PROGRESSIVE = "PD"


class NoduleGrowth(Enum):
    """Growth of a pulmonary nodule: van Klaveren et al. 2009, N Engl J Med 361:2221."""

    NONE = "no significant growth"
    SLOW = "growing, doubling time above 600 days"
    INTERMEDIATE = "growing, doubling time 400 to 600 days"
    FAST = "growing, doubling time below 400 days"


PARTIAL_DECREASE = 0.30
PROGRESSIVE_INCREASE = 0.20
PROGRESSIVE_MM = 5.0
SIGNIFICANT_NODULE_GROWTH = 0.25


@dataclass(frozen=True, slots=True)
class _Thresholds:
    decrease: float
    increase: float
    least: float


_DIAMETER = _Thresholds(PARTIAL_DECREASE, PROGRESSIVE_INCREASE, PROGRESSIVE_MM)
_SPHERE = _Thresholds(1.0 - (1.0 - PARTIAL_DECREASE) ** 3, (1.0 + PROGRESSIVE_INCREASE) ** 3 - 1.0, 0.0)


def percent_change(before: float, after: float) -> float:
    """Change in percent of the first value; infinite when something appears, 0 when both are zero."""
    _require_sizes(before, after)
    if before == 0:
        return 0.0 if after == 0 else math.inf
    return 100.0 * (after - before) / before


def volume_doubling_days(before: float, after: float, days: float) -> float:
    """Volume doubling time under exponential growth: ``days * ln 2 / ln(after / before)`` (Schwartz 1961).

    Parameters
    ----------
    before, after : float
        Volumes in one unit, greater than zero.
    days : float
        Between the two, greater than zero.

    Returns
    -------
    float
        Days; infinite without a change, negative (the halving time) for a structure that shrinks.
    """
    _require_sizes(before, after)
    if before == 0 or after == 0:
        raise InputError("doubling time: a volume is zero; something that appears or vanishes has none.")
    if not math.isfinite(days) or days <= 0:
        raise InputError(f"doubling time: {days} days between the scans; the second must be later than the first.")
    growth = math.log(after / before)
    return math.inf if growth == 0 else days * math.log(2.0) / growth


def nodule_growth(before: float, after: float, days: float) -> NoduleGrowth:
    """Class of growth of a solid pulmonary nodule as in the NELSON trial (van Klaveren et al. 2009).

    Growth is significant from an increase of the volume by 25 percent; then the doubling time decides, with limits at
    400 and 600 days.
    """
    days_to_double = volume_doubling_days(before, after, days)
    if after < (1.0 + SIGNIFICANT_NODULE_GROWTH) * before * (1.0 - 1e-12):
        return NoduleGrowth.NONE
    if days_to_double < 400:
        return NoduleGrowth.FAST
    return NoduleGrowth.INTERMEDIATE if days_to_double <= 600 else NoduleGrowth.SLOW


def recist_response(
    baseline_mm: float,
    nadir_mm: float,
    current_mm: float,
    *,
    new_lesion: bool = False,
    all_vanished: bool | None = None,
) -> Response:
    """Response of the target lesions (RECIST 1.1: Eisenhauer et al. 2009, Eur J Cancer 45:228).

    Parameters
    ----------
    baseline_mm : float
        Sum of the diameters (longest, but the short axis of lymph nodes) at baseline.
    nadir_mm : float
        Smallest sum so far, the baseline included.
    current_mm : float
        Sum now.
    new_lesion : bool
        Any new lesion is progression.
    all_vanished : bool, optional
        Whether every target lesion is gone and every node is below 10 mm in its short axis; by default, whether the
        sum is zero. Nodes of normal size add to the sum of a complete response.

    Returns
    -------
    Response
        ``PD`` from 20 percent and 5 mm above the nadir, ``PR`` from 30 percent below the baseline.
    """
    vanished = current_mm == 0 if all_vanished is None else all_vanished
    return _response(baseline_mm, nadir_mm, current_mm, _DIAMETER, new_lesion, vanished)


def volume_response(baseline_mm3: float, nadir_mm3: float, current_mm3: float, *, new_lesion: bool = False) -> Response:
    """Response by volumes, with the limits of RECIST carried over to a sphere: -65.7 and +72.8 percent.

    0.7 and 1.2 to the third power (as in Therasse et al. 2000, J Natl Cancer Inst 92:205, table 2). Volume measures
    smaller changes than these reliably; this answers only how RECIST would put it.
    """
    return _response(baseline_mm3, nadir_mm3, current_mm3, _SPHERE, new_lesion, current_mm3 == 0)


def _response(
    baseline: float, nadir: float, current: float, thresholds: _Thresholds, new_lesion: bool, vanished: bool
) -> Response:
    _require_sizes(baseline, nadir, current)
    if baseline == 0:
        raise InputError("response: the baseline is zero; there was no target lesion to follow.")
    if nadir > baseline * (1.0 + 1e-12):
        raise InputError("response: the nadir is above the baseline; it is the smallest sum so far, baseline included.")
    rounding = 1e-9 * baseline
    grown = current - nadir
    if new_lesion:
        return Response.PROGRESSIVE
    if vanished:
        return Response.COMPLETE
    if grown > 0 and grown >= thresholds.increase * nadir - rounding and grown >= thresholds.least - rounding:
        return Response.PROGRESSIVE
    return Response.PARTIAL if current <= (1.0 - thresholds.decrease) * baseline + rounding else Response.STABLE


def _require_sizes(*sizes: float) -> None:
    if not all(math.isfinite(size) and size >= 0 for size in sizes):
        raise InputError("growth: sizes must be finite and not negative; check the measurements.")

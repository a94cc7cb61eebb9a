"""How many cases must be read twice or more for an interval of a wanted width.

All answers are for the expected width: about half of studies of that size have a wider interval. Where several
structures come from one patient, `clustered` enlarges the number by the design effect.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.agreement.ratings.bland_altman import LimitsMethod, limit_reach
from AnnotationQACore.agreement.statistics.distributions import normal_quantile, t_quantile
from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.errors import InputError

__all__ = [
    "SampleSize",
    "cases_for_icc",
    "cases_for_kappa",
    "cases_for_limits",
    "cases_for_mean",
    "clustered",
    "kappa_variance",
]


@dataclass(frozen=True, slots=True)
class SampleSize(Result):
    """Cases needed.

    Attributes
    ----------
    cases : int
        Each read by `readers`.
    readers : int
    width : float
        Wanted full width of the interval.
    level : float
    method : str
        Formula and source.
    assumptions : str
        What was assumed; the number is as good as that.
    """

    cases: int
    readers: int
    width: float
    level: float
    method: str
    assumptions: str


def cases_for_kappa(
    kappa: float, width: float, prevalence: Sequence[float], *, readers: int = 2, level: float = 0.95
) -> SampleSize:
    """Cases for an interval of Fleiss' kappa (with two readers Scott's; Cohen's when readers have the same margins).

    Parameters
    ----------
    kappa : float
        Expected value, in [0, 1).
    width : float
    prevalence : sequence of float
        Share of each category; sums to one.
    readers, level

    Notes
    -----
    Large-sample variance under the common correlation model (Donner and Eliasziw 1992, Stat Med 11:1511): with
    probability kappa all readers agree, else they choose independently. For two readers and two categories it is that
    of Bloch and Kraemer 1989, Biometrics 45:269.
    """
    variance = kappa_variance(kappa, prevalence, readers=readers)
    _require_width(width, level)
    z = _normal_quantile(level)
    cases = max(2, math.ceil(4.0 * z**2 * variance / width**2))
    shares = ", ".join(f"{share:g}" for share in prevalence)
    return SampleSize(
        cases,
        readers,
        width,
        level,
        "large-sample variance of kappa, common correlation model (Donner and Eliasziw 1992; Bloch and Kraemer 1989)",
        f"kappa {kappa:g}, categories in shares {shares}",
    )


def kappa_variance(kappa: float, prevalence: Sequence[float], *, readers: int = 2) -> float:
    """Variance of kappa times the number of cases, under the common correlation model; see `cases_for_kappa`."""
    p = np.asarray(prevalence, dtype=np.float64)
    if not 0.0 <= kappa < 1.0:
        raise InputError(f"power: the expected kappa {kappa} is not in [0, 1); give what a pilot found.")
    if len(p) < 2 or np.any(p <= 0.0) or abs(p.sum() - 1.0) > 1e-6:
        raise InputError("power: the prevalences are not two or more positive shares that sum to one; correct them.")
    _require_readers(readers)
    chance = float((p**2).sum())
    observed = kappa + (1.0 - kappa) * chance
    variance = 0.0
    for chosen in itertools.combinations_with_replacement(range(len(p)), readers):
        counts = np.bincount(chosen, minlength=len(p))
        orders = math.factorial(readers) / math.prod(math.factorial(int(count)) for count in counts)
        probability = (1.0 - kappa) * orders * float((p**counts).prod())
        if counts.max() == readers:
            probability += kappa * float(p[chosen[0]])
        agreement = float((counts * (counts - 1)).sum()) / (readers * (readers - 1))
        shift = 2.0 * float((p * (counts / readers - p)).sum())
        influence = (agreement - observed - (1.0 - kappa) * shift) / (1.0 - chance)
        variance += probability * influence**2
    return variance


def cases_for_icc(icc: float, width: float, *, readers: int = 2, level: float = 0.95) -> SampleSize:
    """Cases for an interval of the single-reading ICC (Bonett 2002, Stat Med 21:1331).

    Parameters
    ----------
    icc : float
        Expected value, in [0, 1).
    width : float
    readers, level
    """
    if not 0.0 <= icc < 1.0:
        raise InputError(f"power: the expected ICC {icc} is not in [0, 1); give what a pilot found.")
    _require_width(width, level)
    _require_readers(readers)
    z, k = _normal_quantile(level), readers
    cases = 8.0 * z**2 * (1.0 - icc) ** 2 * (1.0 + (k - 1.0) * icc) ** 2 / (k * (k - 1.0) * width**2) + 1.0
    if k == 2 and icc >= 0.7:
        cases += 5.0 * icc  # Bonett's correction for two readers
    return SampleSize(max(2, math.ceil(cases)), readers, width, level, "Bonett 2002", f"ICC {icc:g}, one-way model")


def cases_for_limits(
    sd: float, width: float, *, multiplier: float = 1.96, level: float = 0.95, method: LimitsMethod = "exact"
) -> SampleSize:
    """Cases for an interval of each limit of agreement between two readers.

    Parameters
    ----------
    sd : float
        Expected standard deviation of the differences, in the unit of the measurement.
    width : float
        In the same unit.
    multiplier, level, method
        See `bland_altman`.
    """
    if not sd > 0.0:
        raise InputError(f"power: the standard deviation {sd} is not positive; give what a pilot found.")
    _require_width(width, level)

    def expected(n: int) -> float:
        inner, outer = limit_reach(n, multiplier, (1.0 + level) / 2.0, method)
        return (outer - inner) * sd

    return SampleSize(
        _smallest(expected, width, 3),
        2,
        width,
        level,
        f"interval of a limit of agreement, {method} (Bland and Altman 1986; Carkeet 2015)",
        f"differences are normal with standard deviation {sd:g}",
    )


def cases_for_mean(sd: float, width: float, *, readers: int = 2, level: float = 0.95) -> SampleSize:
    """Cases for an interval of a mean over cases, such as mean Dice (Student's t).

    Parameters
    ----------
    sd : float
        Expected standard deviation between cases.
    width : float
    readers : int
        Who read each case; the mean over their pairs is one value of the case.
    level : float
    """
    if not sd > 0.0:
        raise InputError(f"power: the standard deviation {sd} is not positive; give what a pilot found.")
    _require_width(width, level)
    _require_readers(readers)

    def expected(n: int) -> float:
        return 2.0 * t_quantile((1.0 + level) / 2.0, n - 1) * sd / math.sqrt(n)

    return SampleSize(
        _smallest(expected, width, 2), readers, width, level, "Student's t interval", f"standard deviation {sd:g}"
    )


def clustered(size: SampleSize, per_patient: float, correlation: float) -> SampleSize:
    """Enlarge a number of cases for clusters by the design effect 1 + (m - 1) r (Kish 1965).

    Parameters
    ----------
    size : SampleSize
    per_patient : float
        Mean number of cases (lesions) of a patient, m.
    correlation : float
        Intraclass correlation of the statistic within patients, r.
    """
    if per_patient < 1.0 or not 0.0 <= correlation <= 1.0:
        raise InputError("power: a patient has at least one case, and the correlation is in [0, 1]; correct them.")
    effect = 1.0 + (per_patient - 1.0) * correlation
    return SampleSize(
        math.ceil(size.cases * effect),
        size.readers,
        size.width,
        size.level,
        size.method,
        f"{size.assumptions}; {per_patient:g} cases of a patient, correlated by {correlation:g}",
    )


def _smallest(expected_width: Callable[[int], float], width: float, least: int) -> int:
    """Smallest n from `least` whose expected width is not above the wanted one; the width falls with n."""
    low, high = least - 1, least
    while expected_width(high) > width:
        low, high = high, 2 * high
        if high > 10**9:
            raise InputError(f"power: no study is large enough for a width of {width:g}; want a wider interval.")
    while high - low > 1:
        middle = (low + high) // 2
        if expected_width(middle) > width:
            low = middle
        else:
            high = middle
    return high


def _normal_quantile(level: float) -> float:
    return normal_quantile((1.0 + level) / 2.0)


def _require_width(width: float, level: float) -> None:
    if not width > 0.0 or not 0.0 < level < 1.0:
        raise InputError("power: the width must be positive and the level between 0 and 1; correct the options.")


def _require_readers(readers: int) -> None:
    if readers < 2:
        raise InputError("power: agreement needs at least two readers; correct the number.")

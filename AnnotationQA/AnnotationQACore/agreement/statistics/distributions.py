"""Quantiles and tails of the distributions behind intervals and tests.

The figures are those of `scipy.stats`, which takes half a second to load; `scipy.special` has what computes them.
Probabilities `p` lie between 0 and 1, without the two; what is not defined is NaN.
"""

from __future__ import annotations

import math

from scipy import special

__all__ = [
    "chi2_quantile",
    "f_quantile",
    "f_tail",
    "noncentral_t_quantile",
    "normal_quantile",
    "normal_tail",
    "t_quantile",
    "t_tail",
    "wilson_interval",
]


def normal_quantile(p: float) -> float:
    """Value below which a standard normal variable lies with probability `p`."""
    return float(special.ndtri(p))


def normal_tail(z: float) -> float:
    """Probability that a standard normal variable lies above `z`."""
    return float(special.ndtr(-z))


def t_quantile(p: float, df: float) -> float:
    """Value below which Student's t with `df` degrees of freedom lies with probability `p`."""
    return float(special.stdtrit(df, p))


def t_tail(t: float, df: float) -> float:
    """Probability that Student's t with `df` degrees of freedom lies above `t`."""
    return float(special.stdtr(df, -t))


def noncentral_t_quantile(p: float, df: float, shift: float) -> float:
    """Value below which the noncentral t with `df` degrees of freedom, moved by `shift`, lies with probability `p`."""
    return float(special.nctdtrit(df, shift, p))


def f_quantile(p: float, df1: float, df2: float) -> float:
    """Value below which F with `df1` and `df2` degrees of freedom lies with probability `p`."""
    return float(special.fdtri(df1, df2, p))


def f_tail(f: float, df1: float, df2: float) -> float:
    """Probability that F with `df1` and `df2` degrees of freedom lies above `f`, which is 0 or more."""
    return float(special.fdtrc(df1, df2, f))


def chi2_quantile(p: float, df: float) -> float:
    """Value below which chi-squared with `df` degrees of freedom lies with probability `p`."""
    return 2.0 * float(special.gammaincinv(df / 2.0, p))


def wilson_interval(successes: int, n: int, level: float) -> tuple[float, float]:
    """Interval of a proportion by the score test, without correction for continuity (Wilson 1927).

    Parameters
    ----------
    successes, n : int
        `n` is 1 or more.
    level : float
        Such as 0.95.

    Returns
    -------
    tuple of 2 float
    """
    z = normal_quantile((1.0 + level) / 2.0)
    share = successes / n
    centre = (share + z**2 / (2.0 * n)) / (1.0 + z**2 / n)
    reach = z * math.sqrt(share * (1.0 - share) / n + z**2 / (4.0 * n**2)) / (1.0 + z**2 / n)
    return (0.0 if successes == 0 else centre - reach, 1.0 if successes == n else centre + reach)

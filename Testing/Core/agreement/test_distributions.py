"""The distributions are those of scipy.stats, far into the tails."""

import math
from itertools import product

import pytest
from scipy import stats

from AnnotationQACore.agreement.statistics.distributions import (
    chi2_quantile,
    f_quantile,
    f_tail,
    noncentral_t_quantile,
    normal_quantile,
    normal_tail,
    t_quantile,
    t_tail,
    wilson_interval,
)

P = (1e-300, 1e-12, 1e-6, 0.005, 0.025, 0.3, 0.5, 0.7, 0.975, 0.995, 1 - 1e-6, 1 - 1e-12)
DF = (1, 1.5, 2, 3, 10.7, 30, 1000, 1e5)
FAR = (0.0, 1e-3, 0.1, 1.0, 3.0, 8.0, 20.0, 37.0, 1e4)


def equal(value: float, expected: float) -> bool:
    return math.isclose(value, expected, rel_tol=1e-12, abs_tol=0.0)


def test_normal():
    assert all(equal(normal_quantile(p), stats.norm.ppf(p)) for p in P)
    assert all(equal(normal_tail(z), stats.norm.sf(z)) for z in (*FAR, *(-z for z in FAR)))


def test_t():
    assert all(equal(t_quantile(p, df), stats.t.ppf(p, df)) for p, df in product(P, DF))
    assert all(equal(t_tail(t, df), stats.t.sf(t, df)) for t, df in product((*FAR, *(-t for t in FAR)), DF))


def test_f():
    assert all(equal(f_quantile(p, a, b), stats.f.ppf(p, a, b)) for p, a, b in product(P[1:], DF, DF))
    assert all(equal(f_tail(f, a, b), stats.f.sf(f, a, b)) for f, a, b in product(FAR, DF, DF))


def test_chi2():
    assert all(equal(chi2_quantile(p, df), stats.chi2.ppf(p, df)) for p, df in product(P, DF))


def test_noncentral_t():
    for p, df, shift in product((0.005, 0.025, 0.5, 0.975, 0.995), (1, 5, 99), (0.5, 1.96, 19.6)):
        assert equal(noncentral_t_quantile(p, df, shift), stats.nct.ppf(p, df, shift))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_interval_of_a_proportion(level):
    for n in (1, 2, 10, 37, 10**6):
        for successes in {0, 1, n // 3, n - 1, n}:
            low, high = wilson_interval(successes, n, level)
            expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
            assert low == pytest.approx(expected.low, rel=1e-12, abs=1e-15)
            assert high == pytest.approx(expected.high, rel=1e-12)


def test_published_values():
    """Fisher and Yates, Statistical Tables (1963); Newcombe, Stat Med 17 (1998) 857, table I: 81 of 263."""
    assert round(t_quantile(0.975, 10), 3) == 2.228
    assert round(f_quantile(0.95, 3, 20), 2) == 3.10
    assert round(chi2_quantile(0.95, 5), 2) == 11.07
    low, high = wilson_interval(81, 263, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_what_is_not_defined_is_nan():
    assert math.isnan(t_quantile(0.975, 0))
    assert math.isnan(f_tail(1.0, 3, 0))
    assert math.isnan(f_quantile(0.975, math.nan, 3))

"""Bootstrap intervals and delta-method errors against loops and scipy."""

import numpy as np
import pytest
from scipy import stats

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import alpha_statistic, coefficient_statistic
from AnnotationQACore.agreement.ratings.icc import icc_statistic
from AnnotationQACore.agreement.statistics.intervals import (
    SumStatistic,
    bootstrap,
    combined,
    mean_statistic,
    standard_errors,
)
from AnnotationQACore.agreement.statistics.resampling import DistinctCases, Resampling
from AnnotationQACore.errors import Cancelled, InputError


@pytest.fixture
def skewed():
    return np.random.default_rng(0).lognormal(size=40)


def test_percentile_and_bca_equal_scipys_in_the_long_run(skewed):
    ours = bootstrap(mean_statistic(skewed), resamples=20_000, seed=1)["mean"]
    for method, found in (("percentile", (ours.low, ours.high)), ("BCa", (ours.bca_low, ours.bca_high))):
        theirs = stats.bootstrap((skewed,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(2))
        low, high = theirs.confidence_interval
        width = high - low
        assert found == pytest.approx((low, high), abs=0.03 * width), method
    assert ours.bca_high > ours.high  # BCa follows the skew
    assert (ours.n, ours.undefined, ours.resamples) == (40, 0, 20_000)


def test_weights_give_what_a_loop_over_drawn_cases_gives():
    generator = np.random.default_rng(4)
    codes = generator.integers(0, 3, size=(30, 3)).astype(float)
    codes[generator.random(codes.shape) < 0.1] = np.nan
    ratings = CategoryRatings.from_values(codes, ["a", "b", "c"], categories=[0, 1, 2])
    statistic = combined([coefficient_statistic(ratings), alpha_statistic(ratings, "ordinal")])
    for _ in range(10):
        drawn = generator.integers(0, 30, 30)
        looped = CategoryRatings.from_values(codes[drawn], ["a", "b", "c"], categories=[0, 1, 2])
        slow = [*coefficient_statistic(looped).estimates(), *alpha_statistic(looped, "ordinal").estimates()]
        fast = statistic.values(np.bincount(drawn, minlength=30) @ statistic.terms)
        np.testing.assert_allclose(fast, slow, atol=1e-12)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_an_interval_is_that_of_tables_of_the_drawn_cases(level):
    codes = np.random.default_rng(9).integers(1, 6, size=(50, 4))
    names = ["a", "b", "c", "d"]
    statistic = alpha_statistic(CategoryRatings.from_values(codes, names, range(1, 6)), level)
    resampling = Resampling.of(DistinctCases.of(statistic.terms))
    first = [np.flatnonzero(resampling.cases.of_case == row)[0] for row in range(len(resampling.cases.counts))]
    tables = [codes[np.repeat(first, times.astype(int))] for times in resampling.draw(np.random.default_rng(7), 60)]
    direct = [
        alpha_statistic(CategoryRatings.from_values(table, names, range(1, 6)), level).estimates()[0]
        for table in tables
    ]
    found = bootstrap(statistic, resamples=60, seed=7)["krippendorff"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(direct, [0.025, 0.975])), abs=1e-12)
    assert found.standard_error == pytest.approx(np.std(direct, ddof=1), abs=1e-12)


def test_the_seed_decides_and_statistics_share_their_resamples(skewed):
    one, other = (bootstrap(mean_statistic(skewed), seed=seed)["mean"] for seed in (5, 6))
    assert one == bootstrap(mean_statistic(skewed), seed=5)["mean"]
    assert one != other
    doubled = SumStatistic(("doubled",), mean_statistic(skewed).terms, lambda sums: 2 * sums[..., 1:2] / sums[..., 0:1])
    together = bootstrap(combined([mean_statistic(skewed), doubled]), seed=5)
    assert together["doubled"].low == pytest.approx(2 * together["mean"].low)


def test_clusters_are_drawn_whole():
    generator = np.random.default_rng(8)
    patients = np.repeat(np.arange(30), 5)
    values = generator.normal(size=30)[patients] + 0.1 * generator.normal(size=150)
    by_case = bootstrap(mean_statistic(values))["mean"]
    by_patient = bootstrap(mean_statistic(values), clusters=patients.tolist())["mean"]
    assert (by_patient.n, by_patient.n_drawn) == (150, 30)
    ratio = (by_patient.high - by_patient.low) / (by_case.high - by_case.low)
    assert ratio == pytest.approx(np.sqrt(5), rel=0.15)  # the design effect of fully alike cases
    robust = standard_errors(mean_statistic(values), clusters=patients.tolist())[0]
    assert robust == pytest.approx(by_patient.standard_error, rel=0.1)


def test_undefined_resamples_are_counted_and_left_out():
    values = [["x", "x"]] * 9 + [["y", "y"]]
    ratings = CategoryRatings.from_values(values, ["a", "b"])
    interval = bootstrap(alpha_statistic(ratings), resamples=2000)["krippendorff"]
    share_without_y = 0.9**10 + 0.1**10
    assert interval.undefined == pytest.approx(2000 * share_without_y, abs=70)
    assert interval.low == interval.high == 1.0
    undefined = bootstrap(alpha_statistic(CategoryRatings.from_values([["x", "x"]] * 3, ["a", "b"])))["krippendorff"]
    assert undefined.undefined == undefined.resamples
    assert undefined.to_json()["low"] is None


def test_bootstrap_interval_of_the_icc_covers_as_often_as_it_says():
    generator, hits, rounds, n, k, true = np.random.default_rng(9), 0, 150, 60, 3, 0.6
    for _ in range(rounds):
        values = np.sqrt(true) * generator.normal(size=(n, 1)) + np.sqrt(1 - true) * generator.normal(size=(n, k))
        interval = bootstrap(icc_statistic(values), resamples=500)["icc(1,1)"]
        hits += interval.bca_low <= true <= interval.bca_high
    assert hits / rounds == pytest.approx(0.94, abs=0.055)


def test_delta_method_is_exact_for_a_mean(skewed):
    assert standard_errors(mean_statistic(skewed))[0] == pytest.approx(stats.sem(skewed), rel=1e-6)
    assert np.isnan(standard_errors(mean_statistic(skewed[:1]))[0])


def test_missing_values_leave_the_mean(skewed):
    with_gap = np.append(skewed, np.nan)
    assert mean_statistic(with_gap).estimates()[0] == pytest.approx(skewed.mean())


def test_bad_requests_are_refused(skewed):
    for options in ({"resamples": 0}, {"level": 1.0}, {"clusters": ["p"]}):
        with pytest.raises(InputError, match="bootstrap"):
            bootstrap(mean_statistic(skewed), **options)
    with pytest.raises(InputError, match="no case"):
        bootstrap(mean_statistic(np.empty(0)))


def test_progress_can_cancel(skewed):
    def cancel(done, total, message=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        bootstrap(mean_statistic(skewed), progress=cancel)

"""ICC, limits of agreement and concordance against published worked examples, and their properties."""

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from AnnotationQACore.agreement.ratings.bland_altman import bland_altman, limit_reach, limits_statistic
from AnnotationQACore.agreement.ratings.continuous import (
    agree_on_measurements,
    concordance,
    concordance_statistic,
    repeatability,
)
from AnnotationQACore.agreement.ratings.icc import ICC_FORMS, icc_statistic, intraclass_correlations
from AnnotationQACore.agreement.statistics.intervals import bootstrap
from AnnotationQACore.errors import InputError

bounded = settings(max_examples=40, deadline=None, derandomize=True)
FORM_KEYS = ["ICC11", "ICC21", "ICC31", "ICC1k", "ICC2k", "ICC3k"]


@pytest.fixture(scope="module")
def published(shared_data):
    examples = json.loads((shared_data / "agreement" / "measurements.json").read_text())
    return {example["id"]: example for example in examples}


def test_shrout_and_fleiss_table(published):
    example = published["shrout_fleiss_1979"]
    expected = example["expected"]
    table = intraclass_correlations(np.array(example["data"], float))
    digits = list(example["digits6"].values())
    for column, (form, key) in enumerate(zip(ICC_FORMS, FORM_KEYS, strict=True)):
        icc = table.form(form)
        assert icc.value == pytest.approx(expected[key], abs=example["tol"])
        assert icc.value == pytest.approx(digits[column], abs=1e-12)
        assert (icc.low, icc.high) == pytest.approx(expected["ci95"][key], abs=example["tol"])
        assert icc.f == pytest.approx(expected["F"][column % 3], abs=0.05)
        assert (icc.df1, icc.df2) == (expected["df1"], expected["df2"][column % 3])
        assert icc.p == pytest.approx(expected["p"][column % 3], abs=6e-5)
    np.testing.assert_allclose(icc_statistic(np.array(example["data"], float)).estimates(), digits, atol=1e-12)


def test_incomplete_cases_are_dropped_and_counted(published):
    data = np.array(published["shrout_fleiss_1979"]["data"], float)
    with_gaps = np.vstack([data, [[1, np.nan, 2, 3], [np.nan] * 4]])
    table = intraclass_correlations(with_gaps)
    assert (table.n_cases, table.n_dropped) == (6, 2)
    np.testing.assert_allclose(icc_statistic(with_gaps).estimates(), icc_statistic(data).estimates(), atol=1e-12)


def test_icc_of_degenerate_tables_is_undefined_with_a_reason():
    equal = intraclass_correlations(np.full((4, 3), 2.5))
    assert all(math.isnan(form.value) and "equal" in form.reason for form in equal.forms)
    single = intraclass_correlations(np.array([[1.0, 2.0]]))
    assert all(math.isnan(form.value) and "fewer than two" in form.reason for form in single.forms)
    perfect = intraclass_correlations(np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]))
    assert all(form.value == pytest.approx(1.0) and math.isnan(form.low) and form.reason for form in perfect.forms)
    shifted = intraclass_correlations(np.array([[1.0, 2.0], [2.0, 3.0], [4.0, 5.0]]))
    assert shifted.form("3,1").value == pytest.approx(1.0)
    assert 0 < shifted.form("2,1").value < 1
    same_cases = intraclass_correlations(np.array([[1.0, 2.0], [1.0, 2.0]]))
    assert math.isnan(same_cases.form("3,1").value)
    assert perfect.to_json()["forms"][0]["low"] is None


@pytest.mark.parametrize(
    ("values", "readers", "message"),
    [
        (np.empty((0, 2)), ("a", "b"), "no cases"),
        (np.ones((3, 1)), ("a",), "at least two readers"),
        (np.ones((3, 2)), ("a", "a"), "more than once"),
    ],
)
def test_bad_tables_are_refused(values, readers, message):
    with pytest.raises(InputError, match=message):
        agree_on_measurements(values, readers)


matrices = st.tuples(st.integers(3, 8), st.integers(2, 4), st.integers(0, 10**6)).map(
    lambda size: np.random.default_rng(size[2]).normal(size=size[:2]) + np.arange(size[0])[:, None]
)


@bounded
@given(matrices, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_icc_does_not_change_with_unit_offset_or_order(values, offset, unit):
    before = icc_statistic(values).estimates()
    np.testing.assert_allclose(icc_statistic(offset + unit * values).estimates(), before, atol=1e-8)
    np.testing.assert_allclose(icc_statistic(values[::-1, ::-1]).estimates(), before, atol=1e-10)


@bounded
@given(matrices)
def test_icc_keeps_the_order_that_theory_gives(values):
    table = intraclass_correlations(values)
    for form in table.forms:
        assert form.low <= form.value <= form.high
    single, consistent = table.form("2,1").value, table.form("3,1").value
    if consistent >= 0 and table.anova.between_readers >= table.anova.residual:
        assert single <= consistent + 1e-12


@pytest.mark.parametrize(("cases", "readers"), [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_every_small_table_of_two_values_has_figures_or_none(cases, readers):
    for values in product((1.0, 2.0), repeat=cases * readers):
        for form in intraclass_correlations(np.reshape(values, (cases, readers))).forms:
            assert math.isnan(form.value) == bool(form.reason and "interval" not in form.reason)
            assert math.isnan(form.low) == math.isnan(form.high)
            if not math.isnan(form.low):
                assert form.low <= form.value + 1e-12 <= form.high + 2e-12


def test_an_icc_without_total_variance_is_undefined_and_never_above_one():
    values = np.array([[0.0, 1, 2], [1, 2, 0], [2, 0, 1.2]])
    form = intraclass_correlations(values).form("2,k")
    assert math.isnan(form.value)
    assert form.reason == "the estimate of the total variance is not positive"
    bootstrapped = bootstrap(icc_statistic(np.array([[1.0, 1, 1], [2, 2, 3], [3, 3, 3], [4, 5, 4], [5, 4, 4]])))
    for interval in bootstrapped.values():
        assert interval.high <= 1.0
        assert not interval.bca_high > 1.0
    assert bootstrapped["icc(2,k)"].undefined > 0


def test_one_way_f_test_equals_analysis_of_variance():
    values = np.random.default_rng(1).normal(size=(7, 3)) + np.arange(7)[:, None]
    f, p = stats.f_oneway(*values)
    icc = intraclass_correlations(values).form("1,1")
    assert (icc.f, icc.p) == pytest.approx((f, p))


def test_peak_flow_limits_of_agreement_of_the_1986_paper(published):
    example = published["bland_altman_1986_pefr"]
    expected, tolerance = example["expected"], example["tol"]
    result = bland_altman(example["x"], example["y"], multiplier=2, method="approximate")
    assert result.bias == pytest.approx(expected["bias"], abs=tolerance)
    assert result.sd == pytest.approx(expected["sd"], abs=tolerance)
    assert (result.lower, result.upper) == pytest.approx(expected["loa_2sd"], abs=tolerance)
    assert (result.bias_low, result.bias_high) == pytest.approx(expected["ci_bias"], abs=tolerance)
    # The paper goes on from bias -2.1, sd 38.8, standard error 16.3 and t 2.12, each rounded; its ends are 0.2 wider.
    assert (result.lower_low, result.lower_high) == pytest.approx(expected["ci_lower_loa"], abs=2 * tolerance)
    assert (result.upper_low, result.upper_high) == pytest.approx(expected["ci_upper_loa"], abs=2 * tolerance)
    # Its formula, t times the root of 3 s^2 / n, with its t of 2.12, and nothing else rounded.
    assert (result.upper_high - result.upper) / result.sd == pytest.approx(2.12 * math.sqrt(3 / 17), abs=5e-5)
    assert (result.lower - result.lower_low) / result.sd == pytest.approx(2.12 * math.sqrt(3 / 17), abs=5e-5)
    assert result.correlation == pytest.approx(expected["r"], abs=0.005)
    usual = bland_altman(example["x"], example["y"])
    assert (usual.lower, usual.upper) == pytest.approx((-78.10, 73.86), abs=0.005)


def chance_that_a_limit_is_below(reach, multiplier, n):
    """Chance that mean + reach * sd of n normal differences is at least mu + multiplier * sigma, from its definition.

    Given the standard deviation s in units of sigma, the mean is normal; s has the scaled chi distribution. No
    noncentral t is used. With 95 % of a population below the limit this is the one-sided tolerance factor.
    """

    def integrand(s):
        return stats.chi.pdf(s, n - 1, scale=1 / math.sqrt(n - 1)) * stats.norm.cdf((reach * s - multiplier) * n**0.5)

    chance, _ = integrate.quad(integrand, 0, 8, points=[0.25, 0.5, 0.75, 1, 1.25, 1.5, 2], epsabs=1e-12, limit=400)
    return chance


@pytest.mark.parametrize("n", [3, 5, 10, 43, 200])
@pytest.mark.parametrize("multiplier", [float(stats.norm.ppf(0.95)), 1.96, 2.0])
def test_exact_interval_of_a_limit_has_its_level_by_definition(n, multiplier):
    inner, outer = limit_reach(n, multiplier, 0.975, "exact")
    assert chance_that_a_limit_is_below(outer, multiplier, n) == pytest.approx(0.975, abs=1e-9)
    assert chance_that_a_limit_is_below(inner, multiplier, n) == pytest.approx(0.025, abs=1e-9)


def test_exact_interval_of_a_limit_covers_as_often_as_it_says():
    generator, n, hits, rounds = np.random.default_rng(7), 12, {"exact": 0, "approximate": 0}, 1500
    for difference in generator.normal(size=(rounds, n)):
        for method in hits:
            result = bland_altman(difference, np.zeros(n), method=method)
            hits[method] += result.upper_low <= 1.96 <= result.upper_high
    assert hits["exact"] / rounds == pytest.approx(0.95, abs=0.017)  # three binomial standard errors


def test_proportional_bias_is_the_regression_of_difference_on_mean():
    generator = np.random.default_rng(3)
    a = generator.uniform(10, 50, 30)
    b = 1.2 * a + generator.normal(size=30)
    found = bland_altman(a, b).proportional
    fit = stats.linregress((a + b) / 2, a - b)
    assert (found.slope, found.intercept, found.p) == pytest.approx((fit.slope, fit.intercept, fit.pvalue))
    assert found.slope_high < 0


def test_bland_altman_drops_missing_pairs_and_names_what_it_cannot_do():
    result = bland_altman([1, 2, np.nan, 4], [1, 3, 3, np.nan])
    assert (result.n, result.n_dropped) == (2, 2)
    assert result.proportional.reason == "fewer than three pairs"
    empty = bland_altman([np.nan], [1.0])
    assert empty.reason == "fewer than two pairs"
    assert empty.to_json()["bias"] is None
    with pytest.raises(InputError, match="no pairs"):
        bland_altman([1, 2], [1])
    with pytest.raises(InputError, match="must be positive"):
        bland_altman([1, 2], [1, 2], multiplier=0)
    with pytest.raises(InputError, match="unknown"):
        bland_altman([1, 2], [1, 2], method="guess")


@bounded
@given(matrices)
def test_swapping_the_readers_mirrors_the_limits(values):
    there, back = bland_altman(values[:, 0], values[:, 1]), bland_altman(values[:, 1], values[:, 0])
    assert there.bias == pytest.approx(-back.bias)
    assert (there.lower, there.lower_low) == pytest.approx((-back.upper, -back.upper_high))
    estimates = limits_statistic(values[:, 0], values[:, 1]).estimates()
    np.testing.assert_allclose(estimates, [there.bias, there.lower, there.upper], atol=1e-9)


def test_lins_coefficient(published):
    example = published["ccc_pefr"]
    expected, tolerance = example["expected"], example["tol"]
    lin = concordance(example["x"], example["y"])
    assert lin.value == pytest.approx(expected["ccc_1_over_n"], abs=tolerance)
    assert lin.value == pytest.approx(expected["published_3_digits"], abs=5e-4)
    unbiased = concordance(example["x"], example["y"], unbiased=True)
    assert unbiased.value == pytest.approx(expected["ccc_unbiased_var"], abs=tolerance)
    assert lin.value == pytest.approx(lin.precision * lin.accuracy)
    assert concordance_statistic(example["x"], example["y"]).estimates()[0] == pytest.approx(lin.value)


def test_lins_interval_covers_as_often_as_it_says():
    generator, rounds, hits = np.random.default_rng(11), 800, 0
    true = 2 * 0.9 / (1 + 1 + 0.2**2)
    for _ in range(rounds):
        x, y = generator.multivariate_normal([0, 0.2], [[1, 0.9], [0.9, 1]], size=50).T
        found = concordance(x, y)
        hits += found.low <= true <= found.high
    assert hits / rounds == pytest.approx(0.95, abs=0.025)


def test_concordance_of_degenerate_readings():
    assert concordance([1, 1], [1, 1]).reason == "all values are equal"
    constant = concordance([1, 1, 1], [1, 2, 3])
    assert constant.value == 0.0
    assert constant.reason
    assert concordance([1], [1]).reason == "fewer than two pairs"
    assert concordance([1, 2, 3], [1, 2, 3]).value == pytest.approx(1.0)


def test_repeatability_of_two_readings_is_the_classic_formula():
    generator = np.random.default_rng(5)
    first, second = generator.normal(10, 1, size=(2, 25))
    table = np.column_stack([first, second])
    result = repeatability(np.vstack([table, [[3.0, np.nan]]]))
    within = math.sqrt(((first - second) ** 2).sum() / (2 * 25))
    assert result.within_subject_sd == pytest.approx(within)
    assert result.repeatability_coefficient == pytest.approx(1.96 * math.sqrt(2) * within)
    assert (result.df, result.n) == (25, 25)
    assert result.low < within < result.high
    assert repeatability([[1.0, np.nan]]).reason == "no case has two readings"


def test_everything_at_once_keeps_the_readers_names():
    values = np.random.default_rng(2).normal(size=(9, 3)) + np.arange(9)[:, None]
    values[0, 2] = np.nan
    result = agree_on_measurements(values, ("ann", "bob", "cem"))
    assert [(pair.a, pair.b) for pair in result.pairs] == [("ann", "bob"), ("ann", "cem"), ("bob", "cem")]
    assert result.pairs[1].bland_altman.n_dropped == 1
    assert result.icc.n_dropped == 1
    json.dumps(result.to_json(), allow_nan=False)

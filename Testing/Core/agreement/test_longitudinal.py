"""Readers over time: planted biases and drifts are found, steady readers are left in peace."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from AnnotationQACore.agreement.ratings.longitudinal import (
    gold_categories,
    gold_measurements,
    leave_one_out_differences,
    reader_histories,
    reader_history,
    repeat_categories,
    repeat_measurements,
)
from AnnotationQACore.errors import InputError


def test_leave_one_out_differences_have_a_sign_and_leave_gaps():
    values = [[10, 12, 14], [1, np.nan, 3], [5, np.nan, np.nan]]
    found = leave_one_out_differences(values)
    np.testing.assert_allclose(found, [[-3, 0, 3], [-2, np.nan, 2], [np.nan] * 3])
    np.testing.assert_allclose(leave_one_out_differences([[1, 2, 90, 4]], "median")[0, 0], -3)


def test_bias_and_drift_of_the_right_reader_are_found():
    generator = np.random.default_rng(0)
    days = np.arange(120.0)
    truth = generator.normal(50, 10, size=(120, 1))
    values = truth + generator.normal(size=(120, 4))
    values[:, 1] += 2.0
    values[:, 2] += 0.05 * (days - 60)
    steady, biased, drifting, other = reader_histories(days, values, ["s", "b", "d", "o"])
    assert biased.bias_low > 1.5
    assert biased.first_signal is not None
    assert biased.first_signal < 15
    assert drifting.slope == pytest.approx(0.05, abs=0.01)
    assert drifting.slope_low > 0
    assert drifting.slope_p < 1e-6
    assert abs(steady.slope) < 0.02 > abs(other.slope)
    assert drifting.chart[-1].outside
    json.dumps([history.to_json() for history in (steady, biased, drifting)], allow_nan=False)


def test_slope_is_the_regression():
    generator = np.random.default_rng(1)
    times, differences = generator.uniform(0, 100, 30), generator.normal(size=30)
    fit = stats.linregress(times, differences)
    found = reader_history(times, differences)
    assert (found.slope, found.slope_p) == pytest.approx((fit.slope, fit.pvalue))
    assert found.slope_high - found.slope == pytest.approx(stats.t.ppf(0.975, 28) * fit.stderr)


def test_control_chart_by_hand():
    found = reader_history([3, 1, 2], [1.0, 0.0, 2.0], weight=0.5, limit=2)
    assert [point.time for point in found.chart] == [1, 2, 3]
    assert [point.ewma for point in found.chart] == [0.0, 1.0, 1.0]
    sd = 1.5 / 1.128379
    assert found.sd == pytest.approx(sd, rel=1e-6)
    assert found.chart[0].upper == pytest.approx(2 * sd * 0.5)
    assert found.chart[1].upper == pytest.approx(2 * sd * math.sqrt(1 / 3 * (1 - 0.5**4)))


def test_false_alarms_are_rare():
    generator = np.random.default_rng(2)
    alarms = sum(
        any(point.outside for point in reader_history(np.arange(50), generator.normal(size=50)).chart)
        for _ in range(200)
    )
    assert alarms / 200 < 0.2  # in-control run length of EWMA(0.2, 3) is about 560: 50 cases signal in some 9 %


def test_a_baseline_defines_what_is_normal():
    generator = np.random.default_rng(3)
    differences = generator.normal(5.0, 1.0, 60)
    differences[40:] += 2.0
    against_zero = reader_history(np.arange(60), differences)
    against_start = reader_history(np.arange(60), differences, baseline=30)
    assert against_zero.first_signal < 5
    assert 40 <= against_start.first_signal < 50
    assert against_start.centre == pytest.approx(5.0, abs=0.5)


def test_short_and_constant_histories_are_defined():
    short = reader_history([1, 2], [0.0, np.nan])
    assert (short.n, short.n_undefined, short.reason) == (1, 1, "fewer than three readings")
    constant = reader_history([1, 2, 3], [1.0, 1.0, 1.0])
    assert constant.chart == ()
    assert constant.reason == "the differences do not vary"
    nothing = reader_history([], [])
    assert nothing.to_json()["bias"] is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reader_history([1], [1, 2]), "one for each"),
        (lambda: reader_history([np.nan], [1.0]), "no time"),
        (lambda: reader_history([1], [1.0], weight=0), "weight"),
        (lambda: reader_histories([1], [[1.0, 2.0]], ["a", "a"]), "more than once"),
    ],
)
def test_bad_histories_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_gold_standard_measurements():
    found = gold_measurements([11, 9, 12, np.nan], [10, 10, 10, 10])
    assert found.bland_altman.bias == pytest.approx(2 / 3)
    assert found.mean_absolute_error == pytest.approx(4 / 3)
    assert found.root_mean_square_error == pytest.approx(math.sqrt(2))


def test_gold_standard_categories():
    reader = ["yes"] * 8 + ["no"] * 2 + ["yes"] * 5 + ["no"] * 85 + [None]
    gold = ["yes"] * 10 + ["no"] * 90 + ["yes"]
    found = gold_categories(reader, gold, ["no", "yes"])
    yes = found.categories[1]
    assert (found.n, found.accuracy) == (100, 0.93)
    assert yes.sensitivity == pytest.approx(0.8)
    assert yes.specificity == pytest.approx(85 / 90)
    assert yes.positive_predictive_value == pytest.approx(8 / 13)
    low, high = stats.binomtest(93, 100).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_repeated_readings():
    measured = repeat_measurements([10, 20, 30], [11, 21, 31])
    assert measured.bland_altman.bias == 1.0
    assert measured.repeatability.within_subject_sd == pytest.approx(math.sqrt(0.5))
    rated = repeat_categories([1, 2, 3, 3], [1, 2, 3, 2], [1, 2, 3])
    assert rated.percent_agreement == 0.75
    assert rated.quadratic.value > rated.kappa.value

"""Growth and response categories."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

FEW = settings(max_examples=50, deadline=None, derandomize=True)


def test_something_that_doubles_in_90_days_has_that_doubling_time():
    assert volume_doubling_days(100, 200, 90) == pytest.approx(90)
    assert volume_doubling_days(100, 400, 90) == pytest.approx(45)
    assert volume_doubling_days(200, 100, 90) == pytest.approx(-90)
    assert volume_doubling_days(100, 100, 90) == math.inf
    # a sphere whose diameter grows by 26 percent doubles its volume
    assert volume_doubling_days(10**3, (10 * 2 ** (1 / 3)) ** 3, 365) == pytest.approx(365)


@FEW
@given(st.floats(1, 1e4), st.floats(1.001, 50), st.integers(1, 2000))
def test_growth_at_the_doubling_time_leads_from_one_volume_to_the_other(before, factor, days):
    doubling = volume_doubling_days(before, before * factor, days)
    assert before * 2 ** (days / doubling) == pytest.approx(before * factor, rel=1e-9)


@pytest.mark.parametrize(
    ("before", "after", "days"), [(0, 5, 90), (5, 0, 90), (5, 6, 0), (5, 6, -3), (-5, 6, 9), (5, math.nan, 9)]
)
def test_doubling_times_that_do_not_exist_are_refused(before, after, days):
    with pytest.raises(InputError):
        volume_doubling_days(before, after, days)


def test_percent_change():
    assert percent_change(80, 100) == pytest.approx(25)
    assert percent_change(80, 0) == -100
    assert percent_change(0, 3) == math.inf
    assert percent_change(0, 0) == 0


@pytest.mark.parametrize(
    ("after", "days", "expected"),
    [
        (124, 100, NoduleGrowth.NONE),
        (60, 100, NoduleGrowth.NONE),
        (125, 100, NoduleGrowth.FAST),
        (200, 399, NoduleGrowth.FAST),
        (200, 400, NoduleGrowth.INTERMEDIATE),
        (200, 600, NoduleGrowth.INTERMEDIATE),
        (200, 601, NoduleGrowth.SLOW),
    ],
)
def test_nodules_are_classed_as_in_the_nelson_trial(after, days, expected):
    assert nodule_growth(100, after, days) is expected


@pytest.mark.parametrize(
    ("baseline", "nadir", "current", "options", "expected"),
    [
        (100, 100, 100, {}, Response.STABLE),
        (100, 100, 70.1, {}, Response.STABLE),
        (100, 100, 70, {}, Response.PARTIAL),
        (100, 50, 59.9, {}, Response.PARTIAL),
        (
            100,
            50,
            60,
            {},
            Response.PROGRESSIVE,
        ),  # 20 percent and 10 mm above the nadir, though 40 percent below baseline
        (100, 20, 24.5, {}, Response.PARTIAL),  # 22 percent, but not 5 mm
        (100, 20, 25, {}, Response.PROGRESSIVE),
        (100, 100, 119.9, {}, Response.STABLE),
        (100, 100, 120, {}, Response.PROGRESSIVE),
        (0.3, 0.3, 0.21, {}, Response.PARTIAL),  # 0.7 x 0.3 is a little below 0.21 in binary
        (100, 0, 0, {}, Response.COMPLETE),
        (100, 0, 5, {}, Response.PROGRESSIVE),  # comes back
        (100, 0, 0, {"new_lesion": True}, Response.PROGRESSIVE),
        (100, 14, 14, {"all_vanished": True}, Response.COMPLETE),  # two nodes below 10 mm
        (100, 14, 14, {"all_vanished": False}, Response.PARTIAL),
    ],
)
def test_response_by_diameters_is_that_of_recist(baseline, nadir, current, options, expected):
    assert recist_response(baseline, nadir, current, **options) is expected


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (343.0, Response.PARTIAL),
        (344.0, Response.STABLE),
        (1727.0, Response.STABLE),
        (1728.0, Response.PROGRESSIVE),
        (0.0, Response.COMPLETE),
    ],
)
def test_response_by_volumes_carries_the_limits_to_a_sphere(current, expected):
    assert volume_response(1000.0, min(1000.0, current) if current == 0 else 1000.0, current) is expected


@pytest.mark.parametrize(("baseline", "nadir", "current"), [(0, 0, 5), (10, 11, 5), (10, -1, 5), (10, 5, math.inf)])
def test_sums_that_cannot_be_are_refused(baseline, nadir, current):
    with pytest.raises(InputError):
        recist_response(baseline, nadir, current)

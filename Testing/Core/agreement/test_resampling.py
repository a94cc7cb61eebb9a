"""Drawing cases with replacement, those that are alike counted together: against the multinomial distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import COEFFICIENTS, coefficient_statistic
from AnnotationQACore.agreement.statistics.resampling import DistinctCases, Resampling
from AnnotationQACore.errors import InputError

FEW = settings(max_examples=25, deadline=None, derandomize=True)


def resampling(counts):
    """Cases of which so many are alike."""
    return Resampling.of(DistinctCases.of(np.repeat(np.arange(len(counts), dtype=float), counts)[:, None]))


@FEW
@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 1000), st.integers(1, 50))
def test_every_resample_has_as_many_cases_as_there_are(counts, seed, resamples):
    drawn = resampling(counts)
    times = drawn.draw(np.random.default_rng(seed), resamples)
    assert times.shape == (resamples, len(counts))
    assert times.min() >= 0
    assert (times.sum(axis=1) == sum(counts)).all()
    assert (times == drawn.draw(np.random.default_rng(seed), resamples)).all()


@pytest.mark.parametrize("counts", [[1, 1], [1] * 9, [3, 1, 5, 2], [1] * 150, [300, 40, 7, 1, 1, 60], [20_000, 30_000]])
def test_each_number_is_binomial(counts):
    """Goodness of fit of every cell's numbers; the seed is fixed, so that the outcome is too."""
    resamples, total = 20_000, sum(counts)
    times = resampling(counts).draw(np.random.default_rng(11), resamples)
    for cell in range(min(len(counts), 6)):
        law = stats.binom(total, counts[cell] / total)
        edges = np.unique(law.ppf(np.linspace(0, 1, 21)[1:-1]))
        expected = np.diff([0.0, *law.cdf(edges), 1.0]) * resamples
        found = np.bincount(np.searchsorted(edges, times[:, cell]), minlength=len(expected))
        kept = expected > 5
        deviation = ((found - expected)[kept] ** 2 / expected[kept]).sum()
        assert stats.chi2.sf(deviation, kept.sum() - 1) > 1e-4


def test_all_outcomes_of_few_cases_are_multinomial():
    counts, resamples = [2, 4, 10], 60_000
    times = resampling(counts).draw(np.random.default_rng(3), resamples)
    outcomes, found = np.unique(times, axis=0, return_counts=True)
    expected = stats.multinomial(16, np.array(counts) / 16).pmf(outcomes) * resamples
    kept = expected > 5
    assert kept.sum() > 40
    deviation = ((found - expected)[kept] ** 2 / expected[kept]).sum()
    assert stats.chi2.sf(deviation, kept.sum() - 1) > 1e-3


def test_alike_cases_are_found():
    terms = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], [0.0, 3.0]])
    cases = DistinctCases.of(terms)
    assert cases.of_case.tolist() == [0, 1, 0, 2, 1]
    assert cases.counts.tolist() == [2, 2, 1]
    np.testing.assert_array_equal(cases.terms[cases.of_case], terms)


def test_coefficients_can_be_asked_for_one_by_one():
    codes = np.random.default_rng(1).integers(-1, 3, size=(60, 4)).astype(float)
    codes[codes < 0] = np.nan
    ratings = CategoryRatings.from_values(codes, ["a", "b", "c", "d"])
    everything = coefficient_statistic(ratings)
    for place, name in enumerate(COEFFICIENTS):
        alone = coefficient_statistic(ratings, names=[name])
        assert alone.names == (name,)
        assert alone.estimates()[0] == pytest.approx(everything.estimates()[place], abs=1e-14)
    without_conger = coefficient_statistic(ratings, names=["fleiss"])
    assert len(DistinctCases.of(without_conger.terms).counts) < len(DistinctCases.of(everything.terms).counts)
    with pytest.raises(InputError, match="no coefficient 'scott'"):
        coefficient_statistic(ratings, names=["scott"])

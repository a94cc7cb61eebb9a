"""Sample sizes against published formulas, and against simulated studies of the size they ask for."""

import math

import numpy as np
import pytest
from scipy import stats

from AnnotationQACore.agreement.ratings.bland_altman import bland_altman
from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import coefficients
from AnnotationQACore.agreement.ratings.icc import intraclass_correlations
from AnnotationQACore.agreement.statistics.power import (
    cases_for_icc,
    cases_for_kappa,
    cases_for_limits,
    cases_for_mean,
    clustered,
    kappa_variance,
)
from AnnotationQACore.errors import InputError

STUDIES = 60
TOLERANCE = 0.1
"""Simulated mean widths may differ from the wanted one by this fraction: the formulas are for large samples."""


@pytest.mark.parametrize("kappa", [0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_variance_for_two_readers_and_categories_is_that_of_bloch_and_kraemer(kappa, p):
    published = (1 - kappa) * ((1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / (2 * p * (1 - p)))
    assert kappa_variance(kappa, [p, 1 - p]) == pytest.approx(published)


@pytest.mark.parametrize(
    ("kappa", "prevalence", "readers"), [(0.6, [0.3, 0.7], 2), (0.4, [0.2, 0.3, 0.5], 3), (0.7, [0.5, 0.5], 4)]
)
def test_kappa_studies_of_the_size_have_the_width(kappa, prevalence, readers):
    size = cases_for_kappa(kappa, 0.2, prevalence, readers=readers)
    generator, widths = np.random.default_rng(0), []
    for _ in range(STUDIES):
        alike = generator.random((size.cases, 1)) < kappa
        own = generator.choice(len(prevalence), size=(size.cases, readers), p=prevalence)
        values = np.where(alike, own[:, :1], own)
        found = coefficients(CategoryRatings.from_values(values.tolist(), [f"r{i}" for i in range(readers)]))["fleiss"]
        widths.append(found.high - found.low)
    assert np.mean(widths) == pytest.approx(0.2, rel=TOLERANCE)


@pytest.mark.parametrize(("icc", "readers"), [(0.5, 2), (0.8, 2), (0.7, 4)])
def test_icc_studies_of_the_size_have_the_width(icc, readers):
    size = cases_for_icc(icc, 0.2, readers=readers)
    generator, widths = np.random.default_rng(1), []
    for _ in range(STUDIES):
        case = math.sqrt(icc) * generator.normal(size=(size.cases, 1))
        values = case + math.sqrt(1 - icc) * generator.normal(size=(size.cases, readers))
        form = intraclass_correlations(values).form("1,1")
        widths.append(form.high - form.low)
    assert np.mean(widths) == pytest.approx(0.2, rel=TOLERANCE)


@pytest.mark.parametrize("method", ["exact", "approximate"])
def test_limits_of_agreement_studies_of_the_size_have_the_width(method):
    size = cases_for_limits(3.0, 2.0, method=method)
    generator = np.random.default_rng(2)
    results = [
        bland_altman(generator.normal(0, 3, size.cases), np.zeros(size.cases), method=method) for _ in range(STUDIES)
    ]
    assert np.mean([r.upper_high - r.upper_low for r in results]) == pytest.approx(2.0, rel=TOLERANCE)


def test_mean_dice_studies_of_the_size_have_the_width():
    size = cases_for_mean(0.08, 0.04)
    generator, widths = np.random.default_rng(3), []
    a = 0.77 * (0.77 * 0.23 / 0.08**2 - 1)
    for _ in range(STUDIES):
        dice = generator.beta(a, a * 0.23 / 0.77, size.cases)
        widths.append(2 * 1.96 * dice.std(ddof=1) / math.sqrt(size.cases))
    assert np.mean(widths) == pytest.approx(0.04, rel=TOLERANCE)


def test_published_sizes():
    # Bonett 2002, for rho 0.8, width 0.2 and 3 readers.
    n = 8 * 1.959964**2 * 0.2**2 * 2.6**2 / (3 * 2 * 0.2**2) + 1
    assert cases_for_icc(0.8, 0.2, readers=3).cases == math.ceil(n) == 36
    # Bland and Altman's advice: 100 cases give a limit within +/- 0.34 s.
    assert cases_for_limits(1.0, 0.68, method="approximate").cases == pytest.approx(100, abs=3)


def test_the_number_is_the_smallest():
    for n, width in ((cases_for_mean(1.0, 0.5), 0.5), (cases_for_mean(1.0, 3.0), 3.0)):

        def reach(count):
            return 2 * stats.t.ppf(0.975, count - 1) / math.sqrt(count)

        assert reach(n.cases) <= width < reach(n.cases - 1)


def test_narrower_and_surer_needs_more():
    assert cases_for_kappa(0.5, 0.1, [0.5, 0.5]).cases > 3.9 * cases_for_kappa(0.5, 0.2, [0.5, 0.5]).cases
    assert cases_for_icc(0.5, 0.2, level=0.99).cases > cases_for_icc(0.5, 0.2).cases
    assert cases_for_icc(0.5, 0.2, readers=4).cases < cases_for_icc(0.5, 0.2).cases
    assert cases_for_kappa(0.5, 0.2, [0.05, 0.95]).cases > cases_for_kappa(0.5, 0.2, [0.5, 0.5]).cases


def test_clusters_need_more_cases():
    size = cases_for_mean(0.1, 0.05)
    larger = clustered(size, 3, 0.5)
    assert larger.cases == math.ceil(2 * size.cases)
    assert "correlated by 0.5" in larger.assumptions
    assert larger.to_json()["cases"] == larger.cases


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cases_for_kappa(1.0, 0.1, [0.5, 0.5]), "kappa"),
        (lambda: cases_for_kappa(0.5, 0.1, [0.5, 0.6]), "sum to one"),
        (lambda: cases_for_kappa(0.5, 0.1, [0.5, 0.5], readers=1), "two readers"),
        (lambda: cases_for_icc(-0.1, 0.1), "ICC"),
        (lambda: cases_for_icc(0.5, 0.0), "width"),
        (lambda: cases_for_limits(0.0, 1.0), "standard deviation"),
        (lambda: cases_for_mean(1.0, 1e-9), "large enough"),
        (lambda: clustered(cases_for_mean(1.0, 1.0), 0.5, 0.1), "at least one case"),
    ],
)
def test_impossible_plans_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()

"""Categorical agreement against published worked examples, and its properties."""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.ratings.categories import CategoryRatings, reader_overlap
from AnnotationQACore.agreement.ratings.categories_coefficients import (
    COEFFICIENTS,
    alpha_coefficient,
    alpha_from_values,
    alpha_statistic,
    case_agreement,
    coefficient_statistic,
    coefficients,
    fleiss_z,
)
from AnnotationQACore.agreement.ratings.categories_pairs import (
    cohen_kappa,
    compare_pairs,
    contingency_table,
    kappa_statistic,
)
from AnnotationQACore.agreement.ratings.weights import WEIGHTS, agreement_weights, weights_from_disagreement
from AnnotationQACore.agreement.statistics.intervals import bootstrap, standard_errors
from AnnotationQACore.errors import InputError

bounded = settings(max_examples=40, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def published(shared_data):
    examples = json.loads((shared_data / "agreement" / "categorical.json").read_text())
    return {example["id"]: example for example in examples}


@pytest.fixture(scope="module")
def raw4raters(published):
    return CategoryRatings.from_values(published["irrCAC_raw4raters"]["data"], ["r1", "r2", "r3", "r4"])


def test_fleiss_kappa_and_z_of_the_psychiatric_diagnoses(published):
    example = published["fleiss1971_diagnoses"]
    ratings = CategoryRatings.from_values(example["data"], [f"r{i}" for i in range(6)])
    assert coefficients(ratings)["fleiss"].value == pytest.approx(example["expected"]["fleiss_kappa"], abs=5e-7)
    assert fleiss_z(ratings)[0] == pytest.approx(example["expected"]["z"], abs=1e-5)


def test_fleiss_kappa_and_case_agreement_from_counts(published):
    example = published["fleiss_counts_10x14"]
    ratings = CategoryRatings.from_counts(example["data"])
    assert coefficients(ratings)["fleiss"].value == pytest.approx(
        example["expected"]["fleiss_kappa"], abs=example["tol"]
    )
    np.testing.assert_allclose(case_agreement(ratings.counts), example["expected"]["P_i"], atol=example["tol"])


@pytest.mark.parametrize("weighted", [False, True])
def test_cohen_kappa_with_errors_as_sas_prints_them(published, weighted):
    example = published["sas_3x3"]
    expected, tolerance = example["expected"], example["tol"]
    kappa = cohen_kappa(example["data"], agreement_weights("linear", [1, 2, 3]) if weighted else None)
    prefix = "weighted_" if weighted else ""
    assert kappa.value == pytest.approx(expected["weighted_linear" if weighted else "kappa"], abs=tolerance)
    assert kappa.standard_error == pytest.approx(expected[f"{prefix}ase"], abs=tolerance)
    assert (kappa.low, kappa.high) == pytest.approx(expected[f"{prefix}ci95"], abs=tolerance)
    assert kappa.standard_error_h0 == pytest.approx(expected[f"{prefix}ase_h0"], abs=tolerance)
    assert kappa.z == pytest.approx(expected[f"{prefix}z_h0"], abs=tolerance)


def test_weighted_kappa_with_costs_of_cohen_1968(published):
    example = published["cohen1968_weighted"]
    weights = weights_from_disagreement(example["disagreement_weights"])
    weighted, plain = cohen_kappa(example["data"], weights, n=200), cohen_kappa(example["data"], n=200)
    assert weighted.value == pytest.approx(example["expected"]["weighted_kappa"], abs=example["tol"])
    assert plain.value == pytest.approx(example["expected"]["kappa"], abs=example["tol"])
    assert plain.n == 200


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval", "ratio"])
def test_krippendorff_alpha_with_missing_readers(published, metric):
    example = published["krippendorff_C_data"]
    ratings = CategoryRatings.from_values(example["data"], list("ABCD"))
    alpha = alpha_coefficient(ratings, metric)
    assert alpha.value == pytest.approx(example["expected"][metric], abs=example["tol"])
    assert alpha.n == 11  # the twelfth unit has one reading


def test_coefficients_errors_and_intervals_as_gwet_prints_them(published, raw4raters):
    expected = published["irrCAC_raw4raters"]["expected"]
    found = coefficients(raw4raters, variance="gwet")
    names = {"pa": "percent_agreement", "AC1": "gwet", "fleiss": "fleiss", "conger": "conger", "BP": "brennan_prediger"}
    for key, name in names.items():
        assert found[name].value == pytest.approx(expected[key]["coef"], abs=5e-6), key
        assert found[name].standard_error == pytest.approx(expected[key]["se"], abs=6e-6), key
        if "ci" in expected[key]:
            assert (found[name].low, found[name].high) == pytest.approx(expected[key]["ci"], abs=5e-4), key
    alpha = alpha_coefficient(raw4raters)
    assert alpha.value == pytest.approx(expected["krippendorff"]["coef"], abs=5e-6)
    assert alpha.standard_error == pytest.approx(expected["krippendorff"]["se"], abs=6e-6)
    assert (alpha.low, alpha.high) == pytest.approx(expected["krippendorff"]["ci_python_port"], abs=5e-4)


JUDGED = """
54.3 554. 121. ..55 4422 4442 3444 3... 45.4 1112
2213 3111 2433 234. .112 .122 1122 2112 .121 454.
.21. 53.. 4335 3232 13.1 .32. ..13 4545 22.2 5544
4.45 5555 1112 .12. 33.. 3.34 .54. .543 5533 .1.1
"""
"""Forty drawn cases x four readers on a scale of five, a dot is missing."""


def test_the_same_as_other_packages_on_a_table_with_gaps():
    values = [[None if digit == "." else int(digit) for digit in case] for case in JUDGED.split()]
    ratings = CategoryRatings.from_values(values, ["a", "b", "c", "d"])
    found = coefficients(ratings)
    irrcac = {"gwet": 0.18835, "fleiss": 0.18675, "conger": 0.19374, "brennan_prediger": 0.18803}  # irrCAC 0.4.4
    assert {name: found[name].value for name in irrcac} == pytest.approx(irrcac, abs=6e-6)
    quadratic = coefficients(ratings, agreement_weights("quadratic", ratings.scores))
    assert (quadratic["gwet"].value, quadratic["conger"].value) == pytest.approx((0.71077, 0.70897), abs=6e-6)
    krippendorff = {  # krippendorff 0.9.0
        "nominal": 0.2015156453715775,
        "ordinal": 0.7147482315994877,
        "interval": 0.7179140946502057,
        "ratio": 0.6306982583657934,
    }
    alphas = {metric: alpha_coefficient(ratings, metric).value for metric in krippendorff}
    assert alphas == pytest.approx(krippendorff, abs=1e-12)


def test_linearized_errors_are_those_of_the_bootstrap_where_many_cases_have_one_rating():
    generator = np.random.default_rng(0)
    values = [[int(v), int(v) if generator.random() < 0.7 else 1 - int(v)] for v in generator.integers(0, 2, 200)]
    values += [[int(v), None] for v in generator.integers(0, 2, 800)]
    ratings = CategoryRatings.from_values(values, ["a", "b"])
    intervals = bootstrap(coefficient_statistic(ratings))
    linearized, gwet = coefficients(ratings), coefficients(ratings, variance="gwet")
    for name, interval in intervals.items():
        assert linearized[name].standard_error == pytest.approx(interval.standard_error, rel=0.06), name
        assert linearized[name].n == 200
        assert gwet[name].standard_error > linearized[name].standard_error
    p = linearized["percent_agreement"].value
    assert linearized["percent_agreement"].standard_error == pytest.approx(math.sqrt(p * (1 - p) / 200), rel=0.01)


def test_weighted_coefficients_as_gwet_prints_them(published, raw4raters):
    expected = published["irrCAC_raw4raters"]["expected"]
    for name, value in expected["AC2"].items():
        weighted = coefficients(raw4raters, agreement_weights(name, raw4raters.scores))
        assert weighted["gwet"].value == pytest.approx(value, abs=6e-4), name
        if name in expected["AC2_pa"]:
            observed = weighted["percent_agreement"].value
            chance = (observed - weighted["gwet"].value) / (1.0 - weighted["gwet"].value)
            assert observed == pytest.approx(expected["AC2_pa"][name], abs=6e-4), name
            assert chance == pytest.approx(expected["AC2_pe"][name], abs=6e-4), name
        if name in expected["conger_weighted"]:
            assert weighted["conger"].value == pytest.approx(expected["conger_weighted"][name], abs=6e-4), name
    # "ordinal" is Krippendorff's metric in this function; Gwet's ordinal weights are another (README of irrCAC).
    gwets_ordinal = 1.0 - agreement_weights("ordinal", raw4raters.scores)
    ordinal = alpha_coefficient(raw4raters, gwets_ordinal).value
    assert ordinal == pytest.approx(expected["krippendorff_weighted"]["ordinal"], abs=6e-4)
    for name in ("linear", "quadratic", "ratio"):
        value = expected["krippendorff_weighted"][name]
        assert alpha_coefficient(raw4raters, name).value == pytest.approx(value, abs=6e-4), name


def test_contingency_table_of_three_abstractors_categories(published):
    example = published["cont3x3abstractors"]
    expected, exact, rounded = example["expected"], example["tol_unweighted"], example["tol"]
    ratings = CategoryRatings.from_contingency(example["data"])
    np.testing.assert_array_equal(contingency_table(ratings, 0, 1), example["data"])
    kappa = cohen_kappa(example["data"])
    assert (kappa.value, kappa.standard_error) == pytest.approx(expected["kappa"], abs=exact)
    statistic = coefficient_statistic(ratings)
    values = dict(zip(COEFFICIENTS, statistic.estimates(), strict=True))
    errors = dict(zip(COEFFICIENTS, standard_errors(statistic, ddof=0), strict=True))
    for key, name in {"scott": "fleiss", "AC1": "gwet", "BP": "brennan_prediger", "pa": "percent_agreement"}.items():
        assert (values[name], errors[name]) == pytest.approx(expected[key], abs=exact), key
    alpha = alpha_statistic(ratings).estimates()[0]
    error = standard_errors(alpha_statistic(ratings, small_sample=False), ddof=0)[0]
    assert (alpha, error) == pytest.approx(expected["alpha"], abs=exact)
    for name in ("linear", "quadratic"):
        weights = agreement_weights(name, ratings.scores)
        assert cohen_kappa(example["data"], weights).value == pytest.approx(expected[f"kappa_{name}"], abs=rounded)
        assert coefficients(ratings, weights)["gwet"].value == pytest.approx(expected[f"AC2_{name}"], abs=rounded)


def test_the_prevalence_paradox_shows_in_the_indices(published):
    balanced, skewed = (
        (table, compare_pairs(CategoryRatings.from_contingency(table["data"]))[0])
        for table in published["prevalence_paradox"]["tables"]
    )
    for table, pair in (balanced, skewed):
        assert pair.percent_agreement == pytest.approx(table["po"], abs=1e-12)
        assert pair.kappa.value == pytest.approx(table["kappa"], abs=0.005)
        assert pair.pabak == pytest.approx(2 * table["po"] - 1)
    assert balanced[1].prevalence_index == pytest.approx((45 - 40) / 100)
    assert skewed[1].prevalence_index == pytest.approx((5 - 80) / 100)
    assert skewed[1].bias_index == pytest.approx((5 - 10) / 100)
    # Cicchetti and Feinstein 1990: specific agreement 2a / (2a + b + c)
    positive, negative = skewed[1].categories[0].positive, skewed[1].categories[0].negative
    assert positive == pytest.approx(160 / 175)
    assert negative == pytest.approx(10 / 25)


def test_free_marginal_kappa(published):
    for case in published["free_marginal"]["cases"]:
        found = coefficients(CategoryRatings.from_counts(case["data"]))
        assert found["fleiss"].value == pytest.approx(case["fleiss"], abs=6e-6)
        assert found["brennan_prediger"].value == pytest.approx(case["randolph"], abs=6e-6)


def test_real_quality_ratings_with_a_common_subset(published, shared_data):
    example = published["mriqc_abide_two_raters"]
    with (shared_data / "agreement" / example["file"]).open(newline="") as file:
        rows = [[float(row[r]) if row[r] else None for r in ("rater_1", "rater_2")] for row in csv.DictReader(file)]
    ratings = CategoryRatings.from_values(rows, ["rater_1", "rater_2"])
    overlap = reader_overlap(ratings.codes >= 0)
    assert overlap.tolist() == [[601, 100], [100, 601]]
    pair = compare_pairs(ratings)[0]
    assert pair.n == example["expected"]["n_common"]
    assert pair.kappa.value == pytest.approx(example["expected"]["cohen_kappa"], abs=example["tol"])
    exclude = pair.categories[0]
    assert exclude.category == "-1"
    assert exclude.kappa == pytest.approx(example["expected"]["cohen_kappa_exclude_vs_rest"], abs=example["tol"])


def test_lidc_internal_structure_is_a_paradox_in_the_database_and_defined_here(shared_data):
    statistics = json.loads((shared_data / "lidc" / "lidc_whole_db_statistics.json").read_text())["internalStructure"]
    agreed, kappa = statistics["pairwise_exact"], statistics["fleiss_kappa_4readers"]
    # Two readers who disagree symmetrically about a category of prevalence p have kappa = 1 - (1 - agreed) / 2p(1 - p).
    p = (1 - math.sqrt(1 - 2 * (1 - agreed) / (1 - kappa))) / 2
    cases, apart = 1_000_000, (1 - agreed) / 2
    table = np.rint(cases * np.array([[1 - p - apart, apart], [apart, p - apart]]))
    pair = cohen_kappa(table)
    assert pair.observed == pytest.approx(agreed, abs=1e-5)
    assert pair.value == pytest.approx(kappa, abs=1e-3)
    assert coefficients(CategoryRatings.from_contingency(table // 100))["gwet"].value > 0.99


def test_lidc_ratings_of_forty_nodules(shared_data):
    with (shared_data / "lidc" / "ratings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        table.setdefault(row["nodule"], {})[row["reader_slot"]] = float(row["malignancy"])
    values = [[case.get(str(slot)) for slot in range(1, 5)] for case in table.values()]
    ratings = CategoryRatings.from_values(values, ["1", "2", "3", "4"], categories=[1, 2, 3, 4, 5])
    # Independent and slow: mean over all pairs of readings of one case, and over all pairs of readings.
    pooled = [[v for v in case if v is not None] for case in values]
    pooled = [case for case in pooled if len(case) > 1]
    everything = [v for case in pooled for v in case]
    observed = sum(
        (a - b) ** 2 / (len(case) - 1)
        for case in pooled
        for i, a in enumerate(case)
        for j, b in enumerate(case)
        if i != j
    ) / len(everything)
    expected = sum((a - b) ** 2 for a in everything for b in everything) / (len(everything) * (len(everything) - 1))
    assert alpha_coefficient(ratings, "interval").value == pytest.approx(1 - observed / expected, abs=1e-12)
    array = np.array([[np.nan if v is None else v for v in case] for case in values])
    assert alpha_from_values(array).estimates()[0] == pytest.approx(1 - observed / expected, abs=1e-12)


def test_undefined_values_have_a_reason_and_no_number():
    one_category = CategoryRatings.from_values([[1, 1], [1, 1]], ["a", "b"], categories=[1, 2])
    found = coefficients(one_category)
    assert math.isnan(found["fleiss"].value)
    assert "one category" in found["fleiss"].reason
    assert found["gwet"].value == 1.0  # AC1 has no paradox here
    assert math.isnan(alpha_coefficient(one_category).value)
    kappa = compare_pairs(one_category)[0].kappa
    assert math.isnan(kappa.value)
    assert kappa.reason
    assert kappa.to_json()["value"] is None
    apart = CategoryRatings.from_values([[1, None], [None, 2]], ["a", "b"])
    assert compare_pairs(apart)[0].kappa.reason == "no case was read by both"
    assert "two readers" in coefficients(apart)["fleiss"].reason
    assert "two readers" in alpha_coefficient(apart).reason
    single_scale = CategoryRatings.from_values([["x", "x"]], ["a", "b"])
    assert "one category" in coefficients(single_scale)["gwet"].reason
    resampled = bootstrap(coefficient_statistic(single_scale), resamples=20)
    assert {name: interval.undefined for name, interval in resampled.items() if interval.undefined} == dict.fromkeys(
        set(COEFFICIENTS) - {"percent_agreement"}, 20
    )


@pytest.mark.parametrize(
    ("values", "readers", "message"),
    [
        ([[1, 2]], ["a", "a"], "reader 'a' appears more than once"),
        ([[1], [2]], ["a"], "at least two readers"),
        ([], ["a", "b"], "no rating"),
        ([[None, None]], ["a", "b"], "no rating"),
        ([[1, 2, 3]], ["a", "b"], "does not fit 2 readers"),
    ],
)
def test_bad_tables_are_refused(values, readers, message):
    with pytest.raises(InputError, match=message):
        CategoryRatings.from_values(values, readers)


def test_values_off_the_scale_are_refused():
    with pytest.raises(InputError, match="'7' is not one of the categories 1, 2, 3; correct it"):
        CategoryRatings.from_values([[1, 7]], ["a", "b"], categories=[1, 2, 3])
    with pytest.raises(InputError, match="not negative"):
        alpha_statistic(CategoryRatings.from_values([[-1, 1]], ["a", "b"]), "ratio")


tables = st.integers(2, 4).flatmap(
    lambda readers: st.lists(
        st.lists(st.sampled_from([None, 1, 2, 3, 5]), min_size=readers, max_size=readers), min_size=3, max_size=12
    )
)


@bounded
@given(tables, st.randoms(use_true_random=False))
def test_coefficients_do_not_depend_on_the_order_of_cases_and_readers(values, random):
    if all(v is None for case in values for v in case):
        return
    readers = [f"r{i}" for i in range(len(values[0]))]
    order = random.sample(range(len(readers)), len(readers))
    mixed = [[case[i] for i in order] for case in random.sample(values, len(values))]
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        one, two = (
            alpha_statistic(CategoryRatings.from_values(v, readers, [1, 2, 3, 5]), metric) for v in (values, mixed)
        )
        np.testing.assert_allclose(one.estimates(), two.estimates(), atol=1e-12)
    for name in WEIGHTS:
        one, two = (
            coefficient_statistic(r, agreement_weights(name, r.scores))
            for r in (CategoryRatings.from_values(v, readers, [1, 2, 3, 5]) for v in (values, mixed))
        )
        np.testing.assert_allclose(one.estimates(), two.estimates(), atol=1e-12)


@bounded
@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_statistic_equals_the_table_and_renaming_categories_changes_nothing(table):
    counts = np.array(table)
    if counts.sum() == 0:
        return
    ratings = CategoryRatings.from_contingency(counts)
    value = cohen_kappa(counts).value
    np.testing.assert_allclose(kappa_statistic(ratings, 0, 1).estimates()[0], value, atol=1e-12)
    np.testing.assert_allclose(cohen_kappa(counts[::-1, ::-1]).value, value, atol=1e-12)
    np.testing.assert_allclose(cohen_kappa(counts.T).value, value, atol=1e-12)


def test_perfect_agreement_is_one_everywhere():
    ratings = CategoryRatings.from_values([[1, 1, 1], [2, 2, 2], [3, 3, None]], ["a", "b", "c"])
    for name in WEIGHTS:
        values = coefficient_statistic(ratings, agreement_weights(name, ratings.scores)).estimates()
        np.testing.assert_allclose(values, 1.0)
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        assert alpha_statistic(ratings, metric).estimates()[0] == pytest.approx(1.0)


def test_weights_are_symmetric_between_zero_and_one():
    for name in WEIGHTS:
        weights = agreement_weights(name, [1, 2, 4, 5])
        np.testing.assert_allclose(weights, weights.T)
        np.testing.assert_allclose(np.diag(weights), 1.0)
        assert weights.min() == pytest.approx(0.0)
    with pytest.raises(InputError, match="must increase"):
        agreement_weights("linear", [1, 1])

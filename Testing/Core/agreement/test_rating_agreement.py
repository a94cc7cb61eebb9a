"""One rating item as a whole: what each level allows, and why the rest is undefined."""

import json
import math

import numpy as np
import pytest

from AnnotationQACore.agreement.ratings.ratings import RatingOptions, agree_on_ratings
from AnnotationQACore.errors import InputError

LIKERT = [[1, 1, 2], [2, 2, 2], [3, 4, 3], [5, 5, 5], [4, 4, 5], [1, 2, 1], [3, 3, 3], [5, 4, 4]]


def test_an_ordinal_item_has_everything():
    result = agree_on_ratings(LIKERT, ["a", "b", "c"], RatingOptions(level="ordinal", categories=(1, 2, 3, 4, 5)))
    document = result.to_json()
    json.dumps(document, allow_nan=False)
    assert (document["n_cases"], document["n_readers"]) == (8, 3)
    assert set(document["cohen"]) == set(document["weighted"]["quadratic"]) == {"a|b", "a|c", "b|c"}
    assert set(document["icc"]) == {"1,1", "2,1", "3,1", "1,k", "2,k", "3,k"}
    for name in ("percent_agreement", "fleiss", "krippendorff", "gwet_ac1", "gwet_ac2"):
        interval = document["intervals"][name]
        assert interval["estimate"] == pytest.approx(document[name])
        assert interval["low"] <= document[name] <= interval["high"]
        assert (interval["n"], interval["resamples"]) == (8, 2000)
    assert document["intervals"]["icc.2,1"]["estimate"] == pytest.approx(document["icc"]["2,1"])
    assert document["intervals"]["cohen.a|b"]["estimate"] == pytest.approx(document["cohen"]["a|b"])
    quadratic = document["intervals"]["weighted.quadratic.a|c"]["estimate"]
    assert quadratic == pytest.approx(document["weighted"]["quadratic"]["a|c"])
    assert document["reasons"] == {}
    assert sum(row["share"] for row in document["per_category"]) == pytest.approx(1.0)


def test_nominal_codes_have_no_mean_and_no_weights():
    document = agree_on_ratings(LIKERT, ["a", "b", "c"], RatingOptions(level="nominal")).to_json()
    assert document["icc"]["2,1"] is None
    assert document["continuous"] is None
    assert document["weighted"]["linear"] == {}
    assert document["gwet_ac2"] is None
    assert "order" in document["reasons"]["gwet_ac2"]
    assert document["fleiss"] is not None


def test_without_a_level_categories_are_nominal_and_numbers_keep_their_icc():
    result = agree_on_ratings(LIKERT, ["a", "b", "c"])
    nominal = agree_on_ratings(LIKERT, ["a", "b", "c"], RatingOptions(level="nominal"))
    assert result.level == "nominal"
    assert result.coefficients["krippendorff"].value == nominal.coefficients["krippendorff"].value
    assert result.continuous is not None
    assert "nominal" in result.notes[0]


def test_measurements_have_no_kappa():
    values = np.random.default_rng(0).normal(size=(40, 2)) + np.arange(40)[:, None]
    result = agree_on_ratings(values.tolist(), ["a", "b"])
    document = result.to_json()
    assert (result.level, result.categories) == ("interval", ())
    assert document["fleiss"] is None
    assert document["cohen"] == {}
    assert document["krippendorff"] == pytest.approx(document["intervals"]["krippendorff"]["estimate"])
    assert document["icc"]["2,1"] > 0.9
    ratio = agree_on_ratings((values + 10).tolist(), ["a", "b"], RatingOptions(level="ratio")).to_json()
    assert ratio["krippendorff"] is None
    assert "different values" in ratio["reasons"]["krippendorff"]


def test_words_need_their_order():
    words = [["no", "no"], ["yes", "maybe"], ["maybe", "yes"]]
    assert agree_on_ratings(words, ["a", "b"]).to_json()["weighted"]["linear"] == {}
    with pytest.raises(InputError, match="need their order"):
        agree_on_ratings(words, ["a", "b"], RatingOptions(level="ordinal"))
    ordered = RatingOptions(level="ordinal", categories=("no", "maybe", "yes"))
    assert agree_on_ratings(words, ["a", "b"], ordered).to_json()["weighted"]["linear"]["a|b"] is not None
    with pytest.raises(InputError, match="'no' is no number"):
        agree_on_ratings(words, ["a", "b"], RatingOptions(level="interval"))


def test_a_useless_scale_is_undefined_everywhere_and_says_why():
    document = agree_on_ratings([[1, 1], [1, 1]], ["a", "b"]).to_json()
    for name in ("fleiss", "krippendorff", "gwet_ac1"):
        assert document[name] is None
        assert document["reasons"][name]
    assert document["cohen"]["a|b"] is None
    assert document["icc"]["1,1"] is None
    assert document["percent_agreement"] == 1.0


def test_patients_are_drawn_and_counted():
    patients = ["p1", "p1", "p2", "p2", "p3", "p3", "p4", "p4"]
    result = agree_on_ratings(LIKERT, ["a", "b", "c"], RatingOptions(level="ordinal"), clusters=patients)
    assert result.n_clusters == 4
    assert result.intervals["fleiss"].n_drawn == 4


def test_every_interval_carries_the_cases_that_count_for_it():
    values = [*LIKERT, [2, None, 3], [1, None, None]]
    document = agree_on_ratings(values, ["a", "b", "c"], RatingOptions(level="ordinal")).to_json()
    counted = {name: document["intervals"][name]["n"] for name in ("fleiss", "krippendorff", "icc.2,1", "cohen.a|b")}
    assert counted == {"fleiss": 9, "krippendorff": 9, "icc.2,1": 8, "cohen.a|b": 8}
    assert {interval["n_drawn"] for interval in document["intervals"].values()} == {10}


def test_percent_agreement_is_never_negative():
    found = agree_on_ratings([[1, 2], [2, 1], [3, 3]], ["a", "b"]).coefficients["percent_agreement"]
    assert (found.low, found.high) == (0.0, 1.0)


def test_cases_that_nobody_read_do_not_count():
    values = [*LIKERT, [None, None, None], [2, None, math.nan]]
    result = agree_on_ratings(values, ["a", "b", "c"], RatingOptions(level="ordinal", resamples=0))
    assert (result.n_cases, result.n_doubly_read, result.n_ratings) == (9, 8, 25)
    assert result.overlap == ((9, 8, 8), (8, 8, 8), (8, 8, 8))
    assert result.intervals == {}


@pytest.mark.parametrize(
    ("values", "readers", "message"),
    [
        ([[1, 1]], ["a", "a"], "more than once"),
        ([[1]], ["a"], "at least two"),
        ([], ["a", "b"], "no cases"),
        ([[None, ""]], ["a", "b"], "no rating"),
    ],
)
def test_bad_tables_are_refused(values, readers, message):
    with pytest.raises(InputError, match=message):
        agree_on_ratings(values, readers)


def test_an_identifier_column_is_not_taken_for_a_scale():
    values = [[i, i + 1000] for i in range(200)]
    with pytest.raises(InputError, match="different values are no nominal scale"):
        agree_on_ratings(values, ["a", "b"], RatingOptions(level="nominal"))


def test_specific_agreement_with_two_readers_is_the_classic_formula():
    values = [["y", "y"]] * 5 + [["y", "n"]] * 3 + [["n", "n"]] * 10
    (no, yes) = agree_on_ratings(values, ["a", "b"], RatingOptions(resamples=0)).specific
    assert yes.agreement == pytest.approx(10 / 13)
    assert no.agreement == pytest.approx(20 / 23)

"""Mode and Dawid-Skene on categories."""

import numpy as np
import pytest

from AnnotationQACore.consensus.categories import dawid_skene, mode
from AnnotationQACore.errors import InputError

# Dawid and Skene 1979, table 1: for each patient the fitness for general anaesthesia (1 to 4) by five anaesthetists,
# the first of whom assessed everyone three times.
ANAESTHETISTS = """
111 1 1 1 1 / 333 4 3 3 4 / 112 2 1 2 2 / 222 3 1 2 1 / 222 3 2 2 2 / 222 3 3 2 2 / 122 2 1 1 1 / 333 3 4 3 3 /
222 2 2 2 3 / 232 2 2 2 3 / 444 4 4 4 4 / 222 3 3 4 3 / 111 1 1 1 1 / 222 3 2 1 2 / 121 1 1 1 1 / 111 2 1 1 1 /
111 1 1 1 1 / 111 1 1 1 1 / 222 2 2 2 1 / 222 1 3 2 2 / 222 2 2 2 2 / 222 2 2 2 1 / 222 3 2 2 2 / 221 2 2 2 2 /
111 1 1 1 1 / 111 1 1 1 1 / 232 2 2 2 2 / 111 1 1 1 1 / 111 1 1 1 1 / 112 1 1 2 1 / 111 1 1 1 1 / 333 3 2 3 3 /
111 1 1 1 1 / 222 2 2 2 2 / 222 3 2 3 2 / 433 4 3 4 3 / 221 2 2 3 2 / 232 3 2 3 3 / 333 3 4 3 2 / 111 1 1 1 1 /
111 1 1 1 1 / 121 2 1 1 1 / 232 2 2 2 2 / 121 1 1 1 1 / 222 2 2 2 2
"""
PATIENTS = [[list(entry) for entry in patient.split()] for patient in ANAESTHETISTS.split("/")]
READERS = ["first", "second", "third", "fourth", "fifth"]


def test_the_published_prevalence_is_reproduced():
    result = dawid_skene(PATIENTS, READERS)
    assert result.categories == ("1", "2", "3", "4")
    prevalence = [result.parameters["prevalence"][category] for category in result.categories]
    assert prevalence == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.005)
    assert result.parameters["converged"]
    assert result.support.sum(axis=1) == pytest.approx(1.0)


def test_patients_whom_all_put_into_one_category_are_in_it():
    result = dawid_skene(PATIENTS, READERS)
    assert result.values[0] == "1"
    assert result.values[10] == "4"
    assert all(row.confusion[0, 0] > 0.75 for row in result.performance)


def simulated(rng, cases=8000):
    truth = rng.choice(2, p=[0.8, 0.2], size=cases)
    confusions = [np.array([[0.95, 0.05], [0.1, 0.9]])] + [np.array([[0.85, 0.15], [0.2, 0.8]])] * 3
    table = [[str(rng.choice(2, p=confusion[value])) for confusion in confusions] for value in truth]
    return truth, confusions, table


def test_error_rates_of_simulated_readers_are_recovered_with_readings_missing():
    rng = np.random.default_rng(2)
    truth, confusions, table = simulated(rng)
    holes = [[None if rng.random() < 0.2 else entry for entry in row] for row in table]
    result = dawid_skene(holes, READERS[:4])
    for row, confusion in zip(result.performance, confusions, strict=True):
        assert np.abs(row.confusion - confusion).max() < 0.05
    right = np.mean([int(value or -1) == expected for value, expected in zip(result.values, truth, strict=True)])
    by_vote = mode(holes, READERS[:4], ties="first").values
    assert right > np.mean([int(value or -1) == expected for value, expected in zip(by_vote, truth, strict=True)])


def test_agreeing_readers_leave_no_doubt():
    result = dawid_skene([["x"] * 3, ["y"] * 3, ["x"] * 3], "abc")
    assert result.values == ("x", "y", "x")
    assert result.uncertainty == pytest.approx([0, 0, 0], abs=1e-6)
    assert [row.agreement for row in result.performance] == [1.0, 1.0, 1.0]


TABLE = [["x", "x", "y"], ["x", "y", None], ["z", "y", "x"], [None, None, None], ["y", "y", "y"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("x", None, None, None, "y")),
        ({"ties": "first"}, ("x", "x", "x", None, "y")),
        ({"ties": "last"}, ("x", "y", "z", None, "y")),
        ({"ties": "reader", "tie_break_reader": "b"}, ("x", "y", "y", None, "y")),
        ({"ties": "reader", "tie_break_reader": "c"}, ("x", None, "x", None, "y")),
        ({"weights": {"a": 1, "b": 1, "c": 3}}, ("y", None, "x", None, "y")),
        ({"ties": "first", "categories": ["z", "y", "x"]}, ("x", "y", "z", None, "y")),
    ],
)
def test_the_mode_and_its_ties(options, expected):
    result = mode(TABLE, "abc", **options)
    assert result.values == expected
    assert any("1 of 5 cases were read by nobody" in warning for warning in result.warnings)


def test_the_mode_carries_support_uncertainty_and_performance():
    result = mode(TABLE, "abc", ties="first")
    assert result.support[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert np.isnan(result.support[3]).all()
    assert result.uncertainty[4] == pytest.approx(0.0, abs=1e-9)
    assert result.uncertainty[2] == pytest.approx(np.log2(3))
    assert [row.cases for row in result.performance] == [4, 4, 3]
    assert result.performance[0].agreement == pytest.approx(3 / 4)
    assert result.parameters["tied_cases"] == 2


def test_a_repeated_reading_is_one_vote():
    result = mode([[["x", "x", "y"], "y", None]], "abc")
    assert result.values == ("y",)
    assert result.support[0].tolist() == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("table", "readers", "options", "message"),
    [
        ([], "abc", {}, "empty"),
        ([["x"]], "a", {}, "at least two"),
        ([["x", "y"]], "aa", {}, "name of its own"),
        ([["x", "y"], ["x"]], "ab", {}, "row 2 has 1 ratings"),
        ([[None, None]], "ab", {}, "no rating"),
        ([["x", "q"]], "ab", {"categories": ["x", "y"]}, "category 'q'"),
        ([["x", "y"]], "ab", {"ties": "coin"}, "no ties policy"),
        ([["x", "y"]], "ab", {"ties": "reader"}, "tie-break reader"),
        ([["x", "y"]], "ab", {"weights": {"a": 1}}, "weight"),
    ],
)
def test_tables_that_cannot_be_combined_are_refused(table, readers, options, message):
    with pytest.raises(InputError, match=message):
        mode(table, readers, **options)


def test_dawid_skene_refuses_a_table_without_ratings():
    with pytest.raises(InputError, match="no rating"):
        dawid_skene([[None, None]], "ab", categories=["x", "y"])

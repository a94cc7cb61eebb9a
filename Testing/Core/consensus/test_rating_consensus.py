"""Median ratings."""

import json

import numpy as np
import pytest

from AnnotationQACore.consensus.ratings import median_rating
from AnnotationQACore.errors import InputError

NAN = float("nan")
TABLE = [[1, 2, 5, 5], [3, 3, 4, NAN], [NAN, NAN, NAN, NAN], [2, 2, 2, 2], [1, NAN, NAN, 4]]


@pytest.mark.parametrize(
    ("even", "expected"), [("lower", [2, 3, NAN, 2, 1]), ("upper", [5, 3, NAN, 2, 4]), ("mean", [3.5, 3, NAN, 2, 2.5])]
)
def test_the_median_of_an_even_number_is_as_asked(even, expected):
    result = median_rating(TABLE, "abcd", even)
    assert result.values.tolist() == pytest.approx(expected, nan_ok=True)
    assert result.lower[0] == 2
    assert result.upper[0] == 5
    assert result.parameters == {"even": even, "cases_between_two_ratings": 2}
    assert result.warnings == ("1 of 5 cases were read by nobody and have no consensus.",)


def test_readers_are_compared_with_it():
    result = median_rating([[1, 2, 4], [1, 3, 4], [2, 2, NAN]], "abc")
    bias = {row.reader: (row.cases, row.bias, row.mean_absolute_deviation) for row in result.performance}
    assert bias["a"] == (3, pytest.approx(-1), pytest.approx(1))
    assert bias["c"] == (2, pytest.approx(1.5), pytest.approx(1.5))
    assert result.uncertainty.tolist() == [1, 1, 0]


def test_a_reader_without_ratings_has_no_bias():
    row = median_rating([[1, NAN], [2, NAN]], "ab").performance[1]
    assert row.cases == 0
    assert np.isnan(row.bias)


@pytest.mark.parametrize("shape", [(0, 2), (3, 3), (4,)])
def test_what_is_no_table_is_refused(shape):
    with pytest.raises(InputError, match="no table"):
        median_rating(np.ones(shape), "ab")


@pytest.mark.parametrize(
    ("ratings", "readers", "even"),
    [([[1, 2]], "aa", "lower"), ([[1, np.inf]], "ab", "lower"), ([[1, 2]], "ab", "?")],
)
def test_bad_arguments_are_refused(ratings, readers, even):
    with pytest.raises(InputError, match="consensus"):
        median_rating(ratings, readers, even)


def test_real_ratings_have_a_median_among_them(shared_data):
    rows = (shared_data / "lidc/ratings.csv").read_text().splitlines()
    header = rows[0].split(",")
    name, slot, malignancy = (header.index(column) for column in ("nodule", "reader_slot", "malignancy"))
    table = {}
    for row in (line.split(",") for line in rows[1:]):
        table.setdefault(row[name], [NAN] * 4)[int(row[slot]) - 1] = float(row[malignancy])
    result = median_rating(list(table.values()), ["1", "2", "3", "4"])
    assert len(result.values) == len(json.loads((shared_data / "lidc/nodules.json").read_text()))
    for value, ratings in zip(result.values, table.values(), strict=True):
        assert value in ratings

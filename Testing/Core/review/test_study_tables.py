"""Tables over the cases, against numbers worked out by hand."""

import math

import numpy as np
import pytest

from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, PairFigures, ValueRow
from AnnotationQACore.review.study_tables import (
    bland_altman_data,
    confusion_tables,
    drift,
    pair_rows,
    reader_biases,
)


def volumes(case: str, a: float, b: float, shift: float, dice: float) -> CaseAgreement:
    pair = PairFigures("a", "b", "both present", {"dice": dice, "boundary_shift_mm": shift})
    item = ItemAgreement("liver", ("a", "b"), (pair,), values=(ValueRow("", {"a": a, "b": b}),))
    return CaseAgreement(case, case, ("a", "b"), (item,))


CASES = [volumes("1", 110.0, 100.0, 1.0, 0.9), volumes("2", 240.0, 200.0, 3.0, 0.7)]


def answers(case: str, a: object, b: object) -> CaseAgreement:
    item = ItemAgreement("grade", ("a", "b"), values=(ValueRow("", {"a": a, "b": b}),))
    return CaseAgreement(case, case, ("a", "b"), (item,))


def test_pair_rows_keep_the_order_of_the_cases() -> None:
    assert [(row.case, row.value) for row in pair_rows(CASES, "liver", "dice")] == [("1", 0.9), ("2", 0.7)]
    assert not pair_rows(CASES, "spleen", "dice")
    assert not pair_rows(CASES, "liver", "hd95")


def test_bland_altman_of_volumes() -> None:
    (data,) = bland_altman_data(CASES, "liver")
    np.testing.assert_allclose(data.means, [105.0, 220.0])
    np.testing.assert_allclose(data.differences, [10.0, 40.0])
    assert data.limits.bias == 25.0
    assert data.limits.upper == pytest.approx(25.0 + 1.96 * math.sqrt(450.0))
    assert data.cases == ("1", "2")
    assert not bland_altman_data(CASES[:1], "liver")  # one case has no limits


def test_over_segmentation_has_a_sign() -> None:
    a, b = reader_biases(CASES, "liver")
    assert (a.reader, a.volume_percent, a.boundary_shift_mm, a.n_cases) == ("a", pytest.approx(15.0), 2.0, 2)
    assert b.volume_percent == pytest.approx(-(100 / 11 + 100 / 6) / 2)
    assert b.boundary_shift_mm == -2.0


def test_confusion_counts_not_assessable_too() -> None:
    found = [answers("1", 2, 10), answers("2", 2, 10), answers("3", None, 2), answers("4", 10, 10)]
    (table,) = confusion_tables(found, "grade")
    assert table.answers == ("2", "10", "not assessable")
    assert table.counts.tolist() == [[0, 2, 0], [0, 1, 0], [1, 0, 0]]


def test_drift_is_in_the_readers_own_order() -> None:
    times = {("1", "a"): "2026-03-02", ("2", "a"): "2026-03-01", ("1", "b"): "2026-03-01"}
    found = drift(CASES, "liver", "dice", times)
    assert found == {"a": (("2026-03-01", 0.7), ("2026-03-02", 0.9)), "b": (("2026-03-01", 0.9),)}

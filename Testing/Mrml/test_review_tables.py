"""Agreement as table and plot nodes: what they hold, and that Slicer's plot pipeline finds it."""

from typing import Any

import numpy as np
import pytest
import slicer

from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, PairFigures, ValueRow
from AnnotationQACore.geometry import Grid
from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoices
from AnnotationQACore.review.labels import review_labels
from AnnotationQACore.review.study_tables import (
    bland_altman_data,
    confusion_tables,
    drift,
    pair_rows,
    reader_biases,
)
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.review.agreement_plots import (
    add_bland_altman,
    add_confusion,
    add_consensus_table,
    add_distribution,
    add_drift,
    add_pair_table,
    add_reader_bias,
    add_table,
)
from AnnotationQALib.review.deciding import METHOD_TITLES

NAMES = {"a": "Reader A", "b": "Reader B"}


@pytest.fixture
def cases() -> list[CaseAgreement]:
    found = []
    for number in range(6):
        dice = float("nan") if number == 5 else 0.7 + number / 20
        pair = PairFigures("a", "b", "both present", {"dice": dice, "boundary_shift_mm": 1.0})
        volume = ItemAgreement("liver", ("a", "b"), (pair,), values=(ValueRow("", {"a": 110.0 + number, "b": 100.0}),))
        grade = ItemAgreement("grade", ("a", "b"), values=(ValueRow("", {"a": number % 2, "b": 1}),))
        found.append(CaseAgreement(f"case-{number}", "p", ("a", "b"), (volume, grade)))
    return found


def column(node: Any, name: str) -> list[Any]:
    array = node.GetTable().GetColumnByName(name)
    return [array.GetValue(row) for row in range(array.GetNumberOfValues())]


def series(chart: Any) -> list[Any]:
    return [chart.GetNthPlotSeriesNode(number) for number in range(chart.GetNumberOfPlotSeriesNodes())]


def test_a_table_has_numbers_and_text(scene: Any) -> None:
    node = add_table(scene, "t", {"Reader": ["x", "y"], "Dice": [0.5, float("nan")]})
    assert column(node, "Reader") == ["x", "y"]
    assert column(node, "Dice")[0] == 0.5
    assert node.GetLocked()
    assert not node.GetSaveWithScene()


def test_pair_table_and_distribution(scene: Any, cases: list[CaseAgreement]) -> None:
    rows = pair_rows(cases, "liver", "dice")
    table = add_pair_table(scene, rows, "Dice", NAMES, {"liver": "Liver"})
    assert column(table, "A") == ["Reader A"] * 6
    chart = add_distribution(scene, rows, "Dice")
    (bars,) = series(chart)
    assert sum(column(bars.GetTableNode(), "Pairs")) == 5
    assert "1 undefined" in chart.GetTitle()
    add_distribution(scene, [], "Dice")


def test_bland_altman_chart(scene: Any, cases: list[CaseAgreement]) -> None:
    (data,) = bland_altman_data(cases, "liver")
    chart = add_bland_altman(scene, data, NAMES, "mm³")
    points, bias, lower, upper = series(chart)
    np.testing.assert_allclose(column(points.GetTableNode(), "Difference"), [10, 11, 12, 13, 14, 15])
    assert column(bias.GetTableNode(), "Difference") == [12.5, 12.5]
    assert column(lower.GetTableNode(), "Difference")[0] == pytest.approx(12.5 - 1.96 * np.std(range(6), ddof=1))
    assert column(upper.GetTableNode(), "Difference")[0] == pytest.approx(12.5 + 1.96 * np.std(range(6), ddof=1))
    assert chart.GetTitle() == "Reader A - Reader B"
    assert chart.GetYAxisTitle() == "Reader A - Reader B, mm³"
    for one in (points, bias, lower, upper):
        table = one.GetTableNode().GetTable()
        assert table.GetColumnByName(one.GetXColumnName()) is not None
        assert table.GetColumnByName(one.GetYColumnName()) is not None


def test_confusion_bias_and_drift(scene: Any, cases: list[CaseAgreement]) -> None:
    (counts,) = confusion_tables(cases, "grade")
    node = add_confusion(scene, counts, NAMES)
    assert column(node, "Reader A / Reader B") == ["0", "1"]
    assert column(node, "1") == [3.0, 3.0]
    chart = add_reader_bias(scene, reader_biases(cases, "liver"), NAMES)
    (bars,) = series(chart)
    assert bars.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeBar
    assert column(bars.GetTableNode(), "Boundary shift, mm") == [1.0, -1.0]
    times = {(case.case, reader): case.case for case in cases for reader in "ab"}
    lines = series(add_drift(scene, drift(cases, "liver", "dice", times), "Dice", NAMES))
    assert [line.GetName() for line in lines] == ["Reader A", "Reader B"]
    np.testing.assert_allclose(column(lines[0].GetTableNode(), "Dice"), [0.7, 0.75, 0.8, 0.85, 0.9])


def test_every_consensus_stands_next_to_the_others(scene: Any) -> None:
    layers = [np.zeros((1, 6, 12, 12), np.uint8) for _ in range(3)]
    for number, layer in enumerate(layers):
        layer[0, 1:5, 2:8, 2 : 8 + number] = 1
    readings = {
        name: Segmentation(layer, Grid((6, 12, 12)), (Segment("liver", "Liver", 1),))
        for name, layer in zip("abc", layers, strict=True)
    }
    choices = ConsensusChoices(review_labels(readings))
    node = add_consensus_table(scene, [choices.choice(method) for method in METHODS], NAMES)
    assert column(node, "Method") == [METHOD_TITLES[method] for method in METHODS for _ in range(3)]
    assert column(node, "Reader")[:3] == ["Reader A", "Reader B", "c"]
    assert column(node, "Dice")[1] == 1.0  # the majority is the middle reader
    assert all(0 <= value <= 1 for value in column(node, "Sensitivity") + column(node, "Specificity"))

"""Agreement over the cases as table nodes and plot nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import slicer
import vtk

from AnnotationQACore.review.consensus_choices import ConsensusChoice
from AnnotationQACore.review.study_tables import BlandAltmanData, ConfusionTable, PairRow, ReaderBias
from AnnotationQALib.review.deciding import METHOD_TITLES

__all__ = [
    "add_bland_altman",
    "add_confusion",
    "add_consensus_table",
    "add_distribution",
    "add_drift",
    "add_pair_table",
    "add_reader_bias",
    "add_table",
]

Names = Mapping[str, str]

BINS = 20
_SERIES = slicer.vtkMRMLPlotSeriesNode


def add_table(
    scene: slicer.vtkMRMLScene, name: str, columns: Mapping[str, Sequence[float] | Sequence[str]]
) -> slicer.vtkMRMLTableNode:
    """Add a table node; columns of text are text, others floating point. Kept out of the saved scene: it is derived."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    table = vtk.vtkTable()
    for title, values in columns.items():
        is_text = any(isinstance(value, str) for value in values)
        array = vtk.vtkStringArray() if is_text else vtk.vtkDoubleArray()
        array.SetName(title)
        for value in values:
            array.InsertNextValue(value)
        table.AddColumn(array)
    node.SetAndObserveTable(table)
    node.SetLocked(True)
    node.SetSaveWithScene(False)
    return node


def add_pair_table(
    scene: slicer.vtkMRMLScene, rows: Sequence[PairRow], figure: str, names: Names, titles: Names
) -> slicer.vtkMRMLTableNode:
    """A figure, called `figure`, of every case and pair of readers; `titles` are those of the items."""
    return add_table(
        scene,
        f"Agreement: {figure}",
        {
            "Case": [row.case for row in rows],
            "Item": [titles.get(row.item, row.item) for row in rows],
            "A": [names.get(row.a, row.a) for row in rows],
            "B": [names.get(row.b, row.b) for row in rows],
            figure: [row.value for row in rows],
        },
    )


def add_consensus_table(
    scene: slicer.vtkMRMLScene, choices: Iterable[ConsensusChoice], names: Names
) -> slicer.vtkMRMLTableNode:
    """Agreement of each reader with each consensus, next to each other, with sensitivity and specificity."""
    rows = [(choice.method, row) for choice in choices for row in choice.performance]
    return add_table(
        scene,
        "Consensus and readers",
        {
            "Method": [METHOD_TITLES.get(method, method) for method, _ in rows],
            "Structure": [row.segment for _, row in rows],
            "Reader": [names.get(row.reader, row.reader) for _, row in rows],
            "Dice": [row.dice for _, row in rows],
            "Sensitivity": [row.sensitivity for _, row in rows],
            "Specificity": [row.specificity for _, row in rows],
            "Weight": [row.weight for _, row in rows],
        },
    )


def add_distribution(scene: slicer.vtkMRMLScene, rows: Sequence[PairRow], figure: str) -> slicer.vtkMRMLPlotChartNode:
    """Histogram of a figure over cases and pairs; undefined and infinite ones are counted in the title."""
    values = np.array([row.value for row in rows if math.isfinite(row.value)], dtype=np.float64)
    left_out = len(rows) - len(values)
    counts, edges = np.histogram(values, bins=BINS) if len(values) else (np.zeros(1, int), np.array([0.0, 1.0]))
    centers = (edges[1:] + edges[:-1]) / 2
    table = add_table(scene, f"Distribution: {figure}", {figure: centers.tolist(), "Pairs": _floats(counts)})
    series = _series(scene, table, figure, "Pairs", _SERIES.PlotTypeScatterBar, "Pairs of readers")
    title = f"Distribution of {figure}" + (f" ({left_out} undefined)" if left_out else "")
    return _chart(scene, title, figure, "Pairs of readers", [series])


def add_bland_altman(
    scene: slicer.vtkMRMLScene, data: BlandAltmanData, names: Names, unit: str = ""
) -> slicer.vtkMRMLPlotChartNode:
    """Differences of two readers against their means, with bias and 95 % limits of agreement."""
    a, b = names.get(data.a, data.a), names.get(data.b, data.b)
    suffix = f", {unit}" if unit else ""
    points = add_table(
        scene,
        f"Bland-Altman: {a} and {b}",
        {"Mean": data.means.tolist(), "Difference": data.differences.tolist(), "Case": list(data.cases)},
    )
    scatter = _series(scene, points, "Mean", "Difference", _SERIES.PlotTypeScatter, "Cases")
    scatter.SetLineStyle(_SERIES.LineStyleNone)
    scatter.SetMarkerStyle(_SERIES.MarkerStyleCircle)
    scatter.SetLabelColumnName("Case")
    low, high = float(data.means.min()), float(data.means.max())
    ends = [low, high if high > low else low + 1.0]
    lines = [scatter]
    for title, value in (
        ("Bias", data.limits.bias),
        ("Lower limit", data.limits.lower),
        ("Upper limit", data.limits.upper),
    ):
        table = add_table(scene, f"{title}: {a} and {b}", {"Mean": ends, "Difference": [value, value]})
        line = _series(scene, table, "Mean", "Difference", _SERIES.PlotTypeScatter, f"{title} {value:.4g}")
        line.SetMarkerStyle(_SERIES.MarkerStyleNone)
        line.SetLineStyle(_SERIES.LineStyleSolid if title == "Bias" else _SERIES.LineStyleDash)
        lines.append(line)
    return _chart(scene, f"{a} - {b}", f"Mean of {a} and {b}{suffix}", f"{a} - {b}{suffix}", lines)


def add_confusion(scene: slicer.vtkMRMLScene, table: ConfusionTable, names: Names) -> slicer.vtkMRMLTableNode:
    """Answers of two readers against each other, those of the first by row."""
    a, b = names.get(table.a, table.a), names.get(table.b, table.b)
    columns: dict[str, Sequence[float] | Sequence[str]] = {f"{a} / {b}": list(table.answers)}
    columns |= {answer: _floats(table.counts[:, place]) for place, answer in enumerate(table.answers)}
    return add_table(scene, f"Confusion: {a} by row, {b} by column", columns)


def add_reader_bias(
    scene: slicer.vtkMRMLScene, biases: Sequence[ReaderBias], names: Names
) -> slicer.vtkMRMLPlotChartNode:
    """Over- or under-segmentation of each reader as bars; the table beside them has the boundary shift in mm."""
    table = add_table(
        scene,
        "Reader bias",
        {
            "Reader": [names.get(one.reader, one.reader) for one in biases],
            "Volume against the others, %": [one.volume_percent for one in biases],
            "Boundary shift, mm": [one.boundary_shift_mm for one in biases],
            "Cases": _floats([one.n_cases for one in biases]),
        },
    )
    volume = "Volume against the others, %"
    series = _series(scene, table, "", volume, _SERIES.PlotTypeBar, volume)
    series.SetLabelColumnName("Reader")
    return _chart(scene, "Reader bias", "Reader", volume, [series])


def add_drift(
    scene: slicer.vtkMRMLScene, rows: Mapping[str, Sequence[tuple[str, float]]], figure: str, names: Names
) -> slicer.vtkMRMLPlotChartNode:
    """A figure of each reader with the others, over the reader's own cases in the order read."""
    lines = []
    for reader, own in rows.items():
        name = names.get(reader, reader)
        order = _floats(range(1, len(own) + 1))
        columns: dict[str, Sequence[float] | Sequence[str]] = {
            "Case read": order, figure: [value for _, value in own], "Time": [time for time, _ in own]}  # fmt: skip
        table = add_table(scene, f"Drift: {name}", columns)
        line = _series(scene, table, "Case read", figure, _SERIES.PlotTypeScatter, name)
        line.SetMarkerStyle(_SERIES.MarkerStyleCircle)
        lines.append(line)
    return _chart(scene, f"{figure} over time", "Case read", figure, lines)


def _series(
    scene: slicer.vtkMRMLScene, table: slicer.vtkMRMLTableNode, x: str, y: str, plot_type: int, name: str
) -> slicer.vtkMRMLPlotSeriesNode:
    node = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    node.SetAndObserveTableNodeID(table.GetID())
    if x:
        node.SetXColumnName(x)
    node.SetYColumnName(y)
    node.SetPlotType(plot_type)
    node.SetSaveWithScene(False)
    return node


def _chart(
    scene: slicer.vtkMRMLScene, title: str, x: str, y: str, series: Sequence[slicer.vtkMRMLPlotSeriesNode]
) -> slicer.vtkMRMLPlotChartNode:
    node = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", title)
    node.SetTitle(title)
    node.SetXAxisTitle(x)
    node.SetYAxisTitle(y)
    for number, one in enumerate(series):
        one.SetColor(*_COLORS[number % len(_COLORS)])
        node.AddAndObservePlotSeriesNodeID(one.GetID())
    node.SetSaveWithScene(False)
    return node


_COLORS = ((0.30, 0.45, 0.69), (0.33, 0.66, 0.41), (0.77, 0.31, 0.32), (0.77, 0.31, 0.32), (0.51, 0.45, 0.70),
           (0.80, 0.73, 0.45))  # fmt: skip


def _floats(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]

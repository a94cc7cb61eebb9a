"""`.mrk.json` files go between us and Slicer's own storage nodes, both ways, unchanged."""

from pathlib import Path
from typing import Any

import pytest
import slicer

from AnnotationQACore.interchange.markups import (
    Markup,
    MarkupKind,
    MarkupPoint,
    PointStatus,
    Region,
    read_markups,
    write_markups,
)

POINTS = (
    MarkupPoint("T12", (10.0, -20.0, 30.5), description="upper end plate"),
    MarkupPoint("L1", (11.0, -21.0, -3.25)),
    MarkupPoint("L2", (12.0, 5.0, -60.0)),
)
MISSING = MarkupPoint("L3", None, PointStatus.MISSING)
TURNED = Region((10.0, -20.0, 30.0), (4.0, 5.0, 6.0), ((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0), (0.0, 0.0, 1.0)))
MARKUPS = [
    Markup(MarkupKind.FIDUCIAL, "levels", (*POINTS, MISSING)),
    Markup(MarkupKind.LINE, "diameter", POINTS[:2]),
    Markup(MarkupKind.ANGLE, "Cobb", POINTS),
    Markup(MarkupKind.CURVE, "spine", POINTS),
    Markup(MarkupKind.CLOSED_CURVE, "outline", POINTS),
    Markup(MarkupKind.ROI, "box", (), TURNED),
]


@pytest.fixture(autouse=True)
def markups_logic(scene: Any) -> Any:
    logic = slicer.vtkSlicerMarkupsLogic()
    logic.SetMRMLScene(scene)
    return logic


def _lps(position: Any) -> tuple[float, float, float]:
    return (-position[0], -position[1], position[2])


@pytest.mark.parametrize("markup", MARKUPS, ids=lambda markup: markup.kind.value)
def test_slicer_reads_ours_and_we_read_slicers(scene: Any, tmp_path: Path, markup: Markup) -> None:
    write_markups(tmp_path / "ours.mrk.json", [markup])
    node = scene.AddNewNodeByClass(f"vtkMRMLMarkups{markup.kind.value}Node")
    node.AddDefaultStorageNode()
    storage = node.GetStorageNode()
    storage.SetFileName(str(tmp_path / "ours.mrk.json"))
    assert storage.ReadData(node) == 1
    defined = [number for number, point in enumerate(markup.points) if point.position is not None]
    for number in defined:
        assert _lps(node.GetNthControlPointPosition(number)) == pytest.approx(markup.points[number].position)
        assert node.GetNthControlPointLabel(number) == markup.points[number].label
    if markup.region is not None:
        assert _lps(node.GetCenterWorld()) == pytest.approx(markup.region.center)
        assert tuple(node.GetSize()) == pytest.approx(markup.region.size)

    storage.SetFileName(str(tmp_path / "slicer.mrk.json"))
    assert storage.WriteData(node) == 1
    (back,) = read_markups(tmp_path / "slicer.mrk.json")
    assert back.kind is markup.kind
    if markup.region is None:
        assert [(p.label, p.status, p.description) for p in back.points] == [
            (p.label, p.status, p.description) for p in markup.points
        ]
        for number in defined:
            assert back.points[number].position == pytest.approx(markup.points[number].position)
    else:
        assert back.region is not None
        assert sum(back.region.directions, ()) == pytest.approx(sum(markup.region.directions, ()))

"""The embedded Segment Editor lets go of all nodes, and takes the person's choice of a segment only."""

from typing import Any

import pytest
import qt
import slicer

from AnnotationQALib.widgets.segment_editor_host import SegmentEditorHost
from pythonqt.wrapping import native_of


@pytest.fixture
def chosen() -> list[str]:
    """Segments that the person has selected."""
    return []


@pytest.fixture
def host(chosen: list[str]) -> SegmentEditorHost:
    """An editor at work on the segment "left"."""
    place = qt.QWidget()
    made = SegmentEditorHost(qt.QVBoxLayout(place), chosen.append)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for name in ("left", "right"):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    made.show(slicer.mrmlScene, segmentation, volume, "left", None)
    made.place = place  # type: ignore[attr-defined]  # as long as the host
    return made


def parameters() -> Any:
    (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentEditorNode")
    return node


def test_it_shows_what_it_was_given_and_tells_nobody(host: SegmentEditorHost, chosen: list[str]) -> None:
    assert parameters().GetSegmentationNode() is not None
    assert parameters().GetSourceVolumeNode() is not None
    assert parameters().GetSelectedSegmentID() == "left"
    assert chosen == []
    native_of(host.editor).select_segment("right")
    assert chosen == ["right"]


def test_it_forgets_the_image_as_well_as_the_segmentation(host: SegmentEditorHost) -> None:
    host.editor.setActiveEffectByName("Paint")
    host.forget_nodes()
    assert parameters().GetSourceVolumeNode() is None
    assert parameters().GetSegmentationNode() is None
    assert not parameters().GetActiveEffectName()


def test_it_begins_anew_after_the_scene_was_closed(host: SegmentEditorHost) -> None:
    host.forget_scene()
    slicer.mrmlScene.Clear(False)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.GetSegmentation().AddEmptySegment("left", "left")
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    host.show(slicer.mrmlScene, segmentation, volume, "left", None)
    assert parameters().GetSegmentationNode().GetID() == segmentation.GetID()
    assert parameters().GetSourceVolumeNode().GetID() == volume.GetID()
    assert not parameters().GetSaveWithScene()

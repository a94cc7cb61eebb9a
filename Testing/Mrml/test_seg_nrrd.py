"""`.seg.nrrd` files go between us and Slicer's own storage node, both ways, unchanged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node

OBLIQUE = Grid((5, 6, 7), (3.0, 0.5, 0.7), (10.0, -20.0, 30.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)))
CODES = {
    "category": Code("SCT", "49755003", "Morphologically Abnormal Structure"),
    "type": Code("SCT", "4147007", "Mass"),
    "type_modifier": Code("SCT", "14734007", "Small"),
    "region": Code("SCT", "39607008", "Lung"),
    "region_modifier": Code("SCT", "24028007", "Right"),
}


@pytest.fixture
def overlapping() -> Segmentation:
    layers = np.zeros((2, *OBLIQUE.shape), np.uint8)
    layers[0, 1:4, 2:5, 1:6] = 1
    layers[0, 4, 5, 6] = 4
    layers[1, 2:5, 1:3, 4:7] = 7
    return Segmentation(
        layers,
        OBLIQUE,
        (
            Segment("lung", "Lunge (übrige)", 1, 0, (0.5, 0.25, 0.75)),
            Segment("lesion#1", "Lesion 1", 7, 1, (1.0, 0.0, 0.0), **CODES),
            Segment("lesion#2", "Lesion 2", 4, 0, (0.0, 1.0, 0.0), CODES["category"], CODES["type"]),
            Segment("lesion#3", "Lesion 3, empty", 8, 1, (0.0, 0.0, 1.0)),
        ),
    )


@pytest.fixture
def single(overlapping: Segmentation) -> Segmentation:
    return Segmentation(overlapping.layers[:1], OBLIQUE, (overlapping.segments[0], overlapping.segments[2]))


def load(scene: Any, path: Path) -> Any:
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert storage.ReadData(node) == 1
    return node


def save(scene: Any, node: Any, path: Path, crop: bool) -> None:
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    storage.SetCropToMinimumExtent(crop)
    assert storage.WriteData(node) == 1


@pytest.mark.parametrize("name", ["overlapping", "single"])
def test_slicer_reads_ours(scene: Any, request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    segmentation = request.getfixturevalue(name)
    write_segmentation(tmp_path / "ours.seg.nrrd", segmentation)
    node = load(scene, tmp_path / "ours.seg.nrrd")
    back = segmentation_from_node(node, OBLIQUE)
    assert [(s.id, s.name) for s in back.segments] == [(s.id, s.name) for s in segmentation.segments]
    for ours, theirs in zip(segmentation.segments, back.segments, strict=True):
        assert theirs.color == pytest.approx(ours.color)
        np.testing.assert_array_equal(back.mask(ours.id).voxels, segmentation.mask(ours.id).voxels)
        _assert_codes(node.GetSegmentation().GetSegment(ours.id), ours)


def _assert_codes(segment: Any, ours: Segment) -> None:
    text = vtk.reference("")
    assert segment.GetTag("TerminologyEntry", text)
    entry = slicer.vtkSlicerTerminologyEntry()
    read = slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(str(text), entry)
    assert read or ours.type is None
    objects = {
        "category": entry.GetCategoryObject(),
        "type": entry.GetTypeObject(),
        "type_modifier": entry.GetTypeModifierObject(),
        "region": entry.GetRegionObject(),
        "region_modifier": entry.GetRegionModifierObject(),
    }
    for name, theirs in objects.items():
        code = getattr(ours, name)
        found = theirs and (theirs.GetCodingSchemeDesignator(), theirs.GetCodeValue(), theirs.GetCodeMeaning())
        assert (found if found and found[0] else None) == (code and (code.scheme, code.value, code.meaning))


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("name", ["overlapping", "single"])
def test_we_read_slicers(scene: Any, request: pytest.FixtureRequest, tmp_path: Path, name: str, crop: bool) -> None:
    segmentation = request.getfixturevalue(name)
    node = add_segmentation(scene, segmentation, "reading")
    save(scene, node, tmp_path / "slicer.seg.nrrd", crop)
    back = read_segmentation(tmp_path / "slicer.seg.nrrd")
    assert back.grid.differences(OBLIQUE) == ()
    assert {(s.id, s.name) for s in back.segments} == {(s.id, s.name) for s in segmentation.segments}
    for segment in segmentation.segments:
        np.testing.assert_array_equal(back.mask(segment.id).voxels, segmentation.mask(segment.id).voxels)


def test_file_through_slicer_comes_back_with_its_codes(scene: Any, overlapping: Segmentation, tmp_path: Path) -> None:
    write_segmentation(tmp_path / "ours.seg.nrrd", overlapping)
    save(scene, load(scene, tmp_path / "ours.seg.nrrd"), tmp_path / "slicer.seg.nrrd", crop=False)
    back = read_segmentation(tmp_path / "slicer.seg.nrrd")
    for ours, theirs in zip(overlapping.segments, back.segments, strict=True):
        assert theirs.color == pytest.approx(ours.color, abs=1e-5)
        assert [getattr(theirs, name) for name in CODES] == [getattr(ours, name) for name in CODES]
        np.testing.assert_array_equal(back.mask(ours.id).voxels, overlapping.mask(ours.id).voxels)

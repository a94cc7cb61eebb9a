"""What the Core knows of voxels goes into a real MRML scene and comes back unchanged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node
from AnnotationQALib.logic.volumes import add_volume, volume_from_node

OBLIQUE = Grid((5, 6, 7), (3.0, 0.5, 0.7), (10.0, -20.0, 30.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)))


@pytest.fixture
def overlapping() -> Segmentation:
    """Two segments that overlap and one without voxels, on an oblique grid."""
    layers = np.zeros((2, *OBLIQUE.shape), np.uint8)
    layers[0, 1:4, 2:5, 1:6] = 1
    layers[1, 2:5, 1:3, 4:7] = 7
    return Segmentation(
        layers,
        OBLIQUE,
        (
            Segment(
                "liver",
                "Liver",
                1,
                0,
                (0.5, 0.25, 0.75),
                Code("SCT", "123037004", "Anatomical Structure"),
                Code("SCT", "10200004", "Liver"),
            ),
            Segment("lesion#1", "Lesion 1", 7, 1, (1.0, 0.0, 0.0)),
            Segment("lesion#2", "Lesion 2", 8, 1),
        ),
    )


def _described(segment: Segment) -> Segment:
    """Without layer and value, which are MRML's own business."""
    return replace(segment, layer=0, value=1)


def test_a_segmentation_comes_back_to_the_last_voxel(scene: Any, overlapping: Segmentation) -> None:
    node = add_segmentation(scene, overlapping, "reading")
    back = segmentation_from_node(node, OBLIQUE)
    assert [_described(s) for s in back.segments] == [_described(s) for s in overlapping.segments]
    for segment in overlapping.segments:
        np.testing.assert_array_equal(back.mask(segment.id).voxels, overlapping.mask(segment.id).voxels)


def test_a_cropped_labelmap_is_put_in_its_place(scene: Any, overlapping: Segmentation) -> None:
    region = (slice(1, 5), slice(1, 6), slice(1, 7))
    part = Segmentation(overlapping.layers[:, *region], OBLIQUE.cropped(region), overlapping.segments)
    back = segmentation_from_node(add_segmentation(scene, part, "part"), OBLIQUE)
    np.testing.assert_array_equal(back.mask("liver").voxels, overlapping.mask("liver").voxels)


def test_another_geometry_is_refused(scene: Any, overlapping: Segmentation) -> None:
    node = add_segmentation(scene, overlapping, "reading")
    turned = Grid(OBLIQUE.shape, (2.0, 0.5, 0.7), OBLIQUE.origin, OBLIQUE.directions)
    with pytest.raises(InputError, match="another image geometry"):
        segmentation_from_node(node, turned)
    with pytest.raises(InputError, match="outside the image"):
        segmentation_from_node(node, OBLIQUE.cropped((slice(0, 2), slice(0, 6), slice(0, 7))))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_a_volume_comes_back(scene: Any, dtype: type[np.generic]) -> None:
    voxels = np.arange(5 * 6 * 7).reshape(OBLIQUE.shape).astype(dtype)
    node = add_volume(scene, Volume(voxels, OBLIQUE), "CT")
    back = volume_from_node(node)
    assert back.voxels.dtype == voxels.dtype
    np.testing.assert_array_equal(back.voxels, voxels)
    assert not back.grid.differences(OBLIQUE)

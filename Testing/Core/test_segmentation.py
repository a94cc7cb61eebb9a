"""Segmentations: segments in layers."""

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Mask, Segment, Segmentation

GRID = Grid((2, 3, 4))


def test_overlapping_segments_keep_their_voxels() -> None:
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[0, 0] = 1
    layers[1, :, 0] = 1
    both = Segmentation(layers, GRID, (Segment("a", "A", 1, 0), Segment("b", "B", 1, 1)))
    assert both.mask("a").voxels.sum() == 12
    assert both.mask("b").voxels.sum() == 8
    with pytest.raises(InputError, match="no segment 'c'"):
        both.mask("c")


@pytest.mark.parametrize(
    "segments",
    [
        (Segment("a", "A", 1), Segment("a", "B", 2)),
        (Segment("a", "A", 1), Segment("b", "B", 1)),
        (Segment("a", "A", 0),),
        (Segment("a", "A", 1, layer=1),),
    ],
)
def test_inconsistent_segments_are_refused(segments: tuple[Segment, ...]) -> None:
    with pytest.raises(InputError, match="segmentation"):
        Segmentation(np.zeros((1, *GRID.shape), np.uint8), GRID, segments)


def test_voxels_must_fit_the_grid() -> None:
    with pytest.raises(InputError, match="do not fit"):
        Mask(np.zeros((3, 3, 3), bool), GRID)

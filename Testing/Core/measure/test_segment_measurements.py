"""All measurements of the segments of a segmentation."""

import numpy as np
import pytest

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.measure.segments import DEFINITIONS, SegmentMeasurements, measure_segments
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

GRID = Grid((6, 20, 20), (3.0, 0.5, 0.5), (-10.0, 20.0, 5.0))
SEGMENTS = (Segment("a", "A", 1), Segment("b", "B", 1, layer=1), Segment("none", "None", 2))


def case():
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[0, 2:4, 4:12, 5:15] = 1
    layers[1, 3, 6:8, 6:8] = 1
    layers[1, 5, 0, 0] = 1
    image = np.full(GRID.shape, -100, np.int16)
    image[layers[0] == 1] = 40
    return Volume(image, GRID), Segmentation(layers, GRID, SEGMENTS)


def test_every_segment_is_measured_also_where_they_overlap():
    a, b, none = measure_segments(*case(), shell_mm=0.5)
    assert (a.voxels, a.volume_mm3, a.parts) == (160, pytest.approx(160 * 0.75), 1)
    assert a.largest_area.slice_index == 2
    assert a.largest_area.area_mm2 == pytest.approx(80 * 0.25)
    assert a.in_plane.tied_slices == (3,)
    assert (a.intensity.mean, a.intensity.voxels) == (40.0, 160)
    assert a.intensity_core.voxels == 2 * 6 * 8
    assert (b.voxels, b.parts) == (5, 2)
    assert b.intensity.minimum == -100
    assert none.voxels == none.parts == 0
    assert none.in_plane is none.longest_3d is none.largest_area is None
    assert np.isnan(none.intensity.mean)


def test_slices_are_counted_in_the_image_not_in_the_crop():
    a = next(measure_segments(*case(), only=["a"]))
    assert a.in_plane.slice_index == 2
    assert {end[2] for end in a.in_plane.longest.ends} == {5.0 + 2 * 3.0}
    assert a.intensity_core is None
    column = next(measure_segments(*case(), only=["a"], slice_axis=2))
    assert column.in_plane.slice_index == 5
    assert {end[0] for end in column.in_plane.longest.ends} == {-10.0 + 5 * 0.5}


def test_every_measurement_is_defined():
    measured = set(SegmentMeasurements.__slots__) - {"segment", "voxels", "surface"}
    assert measured == set(DEFINITIONS) - {"surface_volume_mm3", "surface_area_mm2"}


def test_an_unknown_segment_and_another_grid_are_refused():
    image, segmentation = case()
    with pytest.raises(InputError, match="no segment 'liver'; there are a, b, none"):
        list(measure_segments(image, segmentation, only=["liver"]))
    moved = Volume(image.voxels, Grid(GRID.shape, GRID.spacing, (0.0, 0.0, 0.0)))
    with pytest.raises(GridMismatch, match="the image and the segmentation differ in origin"):
        list(measure_segments(moved, segmentation))

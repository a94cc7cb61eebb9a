"""Ejection fraction."""

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.measure.heart import ejection, ejection_of_volumes
from AnnotationQACore.segmentation import Mask


def ventricle(voxels, spacing=(10.0, 1.0, 1.0)):
    mask = np.zeros((10, 40, 40), bool)
    mask.reshape(-1)[:voxels] = True
    return Mask(mask, Grid(mask.shape, spacing))


def test_volumes_are_in_ml_and_the_fraction_is_of_end_diastole():
    result = ejection(ventricle(12000), ventricle(4800))
    assert (result.end_diastolic_ml, result.end_systolic_ml, result.stroke_ml) == pytest.approx((120, 48, 72))
    assert result.fraction == pytest.approx(0.6)


def test_time_points_on_different_grids_are_compared_by_volume():
    assert ejection(ventricle(12000), ventricle(9600, (5.0, 1.0, 1.0))).fraction == pytest.approx(0.6)


def test_a_ventricle_that_does_not_move_ejects_nothing():
    assert ejection_of_volumes(100, 100).fraction == 0


@pytest.mark.parametrize(("diastole", "systole"), [(0, 0), (50, 60), (50, -1), (float("nan"), 5), (50, float("inf"))])
def test_volumes_that_cannot_be_are_refused(diastole, systole):
    with pytest.raises(InputError, match="ejection fraction"):
        ejection_of_volumes(diastole, systole)

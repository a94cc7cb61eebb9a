"""Overlap of turned boxes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.drawn.oriented_boxes import oriented_box_iou

AXES = np.eye(3)


def turned(angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def test_upright_boxes_overlap_as_computed_by_hand() -> None:
    assert oriented_box_iou((0, 0, 0), (2, 2, 2), AXES, (1, 0, 0), (2, 2, 2), AXES) == pytest.approx(1 / 3)
    assert oriented_box_iou((0, 0), (2, 2), np.eye(2), (1, 1), (2, 2), np.eye(2)) == pytest.approx(1 / 7)
    assert oriented_box_iou((0, 0, 0), (2, 2, 2), AXES, (3, 0, 0), (2, 2, 2), AXES) == 0.0


def test_a_square_turned_by_45_degrees_leaves_an_octagon() -> None:
    octagon = 8 * (math.sqrt(2) - 1)
    iou = oriented_box_iou((0, 0, 0), (2, 2, 1), AXES, (0, 0, 0), (2, 2, 1), turned(math.pi / 4))
    assert iou == pytest.approx(octagon / (8 - octagon))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(-3, 3), st.floats(-0.9, 0.9), st.floats(0.5, 4))
def test_it_is_symmetric_and_does_not_depend_on_the_frame(angle: float, shift: float, size: float) -> None:
    a = ((0.0, 0.0, 0.0), (2.0, 2.0, 2.0))
    b = (np.array([shift, 0.2, 0.0]), (size, 1.0, 1.5))
    iou = oriented_box_iou(*a, AXES, *b, turned(0.3))
    assert oriented_box_iou(*b, turned(0.3), *a, AXES) == pytest.approx(iou, abs=1e-9)
    frame = turned(angle)
    moved = oriented_box_iou(frame.T @ a[0], a[1], AXES @ frame, frame.T @ b[0], b[1], turned(0.3) @ frame)
    assert moved == pytest.approx(iou, abs=1e-6)


def test_two_empty_boxes_have_none() -> None:
    assert math.isnan(oriented_box_iou((0, 0, 0), (0, 1, 1), AXES, (0, 0, 0), (1, 0, 1), AXES))

"""Boxes: IoU in mm, matching, and average precision against a published example."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.drawn.boxes import box_iou, boxes_from_sizes, match_boxes
from AnnotationQACore.agreement.drawn.boxes_precision import average_precision
from AnnotationQACore.errors import InputError

bounded = settings(max_examples=40, deadline=None, derandomize=True)
whole_boxes = st.lists(
    st.tuples(*[st.integers(0, 6)] * 3, *[st.integers(1, 5)] * 3).map(lambda box: [box[:3], np.add(box[:3], box[3:])]),
    min_size=1,
    max_size=4,
).map(lambda boxes: np.array(boxes, float))


@pytest.fixture(scope="module")
def padilla(shared_data):
    return json.loads((shared_data / "agreement" / "boxes.json").read_text())[0]


def arguments(example):
    reference, found = np.array(example["gt_img_x_y_w_h"]), np.array(example["det_img_conf_x_y_w_h"])
    # The publication's boxes are x, y, width, height with the last pixel at x + width, both ends counted.
    return (
        boxes_from_sizes(reference[:, 1:3], reference[:, 3:]),
        reference[:, 0].tolist(),
        boxes_from_sizes(found[:, 2:4], found[:, 4:]),
        found[:, 0].tolist(),
        found[:, 1],
    )


def test_average_precision_of_the_published_example(padilla):
    every = average_precision(*arguments(padilla), iou_threshold=0.3, inclusive_pixels=True)
    eleven = average_precision(*arguments(padilla), iou_threshold=0.3, interpolation="11 points", inclusive_pixels=True)
    assert every.value == pytest.approx(padilla["expected"]["AP_every_point"], abs=padilla["tol"])
    assert eleven.value == pytest.approx(padilla["expected"]["AP_11_point"], abs=padilla["tol"])
    assert (every.references, len(every.recall)) == (15, 24)
    assert every.convention == "inclusive pixels"


def test_average_precision_in_mm_has_no_extra_pixel(padilla):
    plain = average_precision(*arguments(padilla), iou_threshold=0.3)
    assert plain.value == pytest.approx(0.225397, abs=1e-6)  # named in the example's note
    assert plain.convention == "mm"


@bounded
@given(whole_boxes, whole_boxes)
def test_iou_is_that_of_counted_voxels(a, b):
    grid = np.stack(np.meshgrid(*[np.arange(12)] * 3, indexing="ij"), axis=-1) + 0.5
    inside = [[((grid > box[0]) & (grid < box[1])).all(axis=-1) for box in boxes] for boxes in (a, b)]
    expected = [[(x & y).sum() / (x | y).sum() for y in inside[1]] for x in inside[0]]
    np.testing.assert_allclose(box_iou(a, b), expected)
    np.testing.assert_allclose(box_iou(b, a).T, expected)
    np.testing.assert_allclose(box_iou(2.5 * a - 7, 2.5 * b - 7), expected)


def test_matching_takes_the_best_assignment_and_lists_the_rest():
    a = np.array([[[0, 0], [10, 10]], [[20, 0], [30, 10]], [[50, 50], [60, 60]]], float)
    b = np.array([[[21, 0], [31, 10]], [[0, 1], [10, 13]]], float)
    found = match_boxes(a, b)
    assert [(match.a, match.b) for match in found.matches] == [(0, 1), (1, 0)]
    assert found.matches[0].iou == pytest.approx(90 / 130)
    assert found.matches[0].size_error_mm == (0.0, 2.0)
    assert found.matches[1].centre_distance_mm == pytest.approx(1.0)
    assert (found.missed, found.extra) == ((2,), ())
    assert found.detection.recall == pytest.approx(2 / 3)
    assert found.mean_iou == pytest.approx((90 / 130 + 90 / 110) / 2)


def test_boxes_on_one_slice_are_compared_in_their_plane():
    flat = [[[0, 0, 7], [10, 10, 7]]]
    others = [[[5, 0, 7], [15, 10, 7]], [[0, 0, 8], [10, 10, 8]], flat[0], [[0, 0, 0], [10, 10, 10]]]
    np.testing.assert_allclose(box_iou(flat, others), [[1 / 3, 0, 1, 0]])
    upright = [[[0, 0, 0], [10, 0, 10]]]
    assert box_iou(flat, upright)[0, 0] == 0.0


def test_degenerate_boxes_are_defined():
    point = [[[1, 1, 1], [1, 1, 1]]]
    assert box_iou(point, point)[0, 0] == 1.0
    assert box_iou(point, [[[1, 1, 2], [1, 1, 2]]])[0, 0] == 0.0
    assert box_iou(point, [[[0, 0, 0], [2, 2, 2]]])[0, 0] == 0.0
    assert box_iou(point, point, inclusive_pixels=True)[0, 0] == 1.0
    nothing = match_boxes(np.empty((0, 2, 3)), np.empty((0, 2, 3)))
    assert math.isnan(nothing.detection.f1)
    assert math.isnan(average_precision([], [], [], [], []).value)
    assert average_precision(point, ["x"], [], [], []).value == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: box_iou([[[1, 1], [0, 2]]], []), "upper corner lies below"),
        (lambda: box_iou([[[0, 0], [np.nan, 2]]], []), "not finite"),
        (lambda: box_iou([[0, 0, 1, 1]], []), "shape"),
        (lambda: box_iou([[[0, 0], [1, 1]]], [[[0, 0, 0], [1, 1, 1]]]), "2D and a 3D"),
        (lambda: match_boxes([], [], iou_above=1), "threshold"),
        (lambda: average_precision([], [], [], [], [0.5]), "one score"),
        (lambda: average_precision([], [], [[[0, 0], [1, 1]]], [1], [np.nan]), "not a number"),
        (lambda: average_precision([], [], [], [], [], iou_threshold=0), "in \\(0, 1\\]"),
    ],
)
def test_bad_boxes_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_second_detection_of_one_box_is_false_and_ties_keep_their_order():
    box = [[[0, 0], [10, 10]]]
    twice = average_precision(box, ["x"], [*box, *box], ["x", "x"], [0.5, 0.5])
    assert (twice.true_positives, twice.false_positives) == (1, 1)
    assert twice.value == 1.0
    elsewhere = average_precision(box, ["x"], [*box, *box], ["y", "x"], [0.5, 0.5])
    assert elsewhere.value == 0.5

"""Boxes of several readers."""

import numpy as np
import pytest

from AnnotationQACore.consensus.boxes import Box, box_consensus
from AnnotationQACore.errors import InputError


def cube(x, size=10.0, label=""):
    return Box((x, 0.0, 0.0), (x + size, size, size), label)


def test_corners_are_the_median_of_the_readers():
    result = box_consensus({"a": [cube(0)], "b": [cube(1)], "c": [cube(2.5)]})
    assert result.boxes == (Box((1, 0, 0), (11, 10, 10)),)
    cluster = result.clusters[0]
    assert cluster.support == 1.0
    assert cluster.iou["b"] == 1.0
    assert cluster.uncertainty == pytest.approx(1 - np.mean(list(cluster.iou.values())))
    assert result.performance == dict.fromkeys("abc", (1.0, 1.0))


def test_what_too_few_drew_is_kept_but_not_accepted():
    readings = {"a": [cube(0), cube(100)], "b": [cube(1)], "c": [], "d": [cube(0.5)]}
    result = box_consensus(readings)
    assert len(result.boxes) == 1
    assert [cluster.accepted for cluster in result.clusters] == [True, False]
    assert result.clusters[1].members == {"a": cube(100)}
    assert result.performance["a"] == (1.0, 0.5)
    assert result.performance["c"][0] == 0.0
    assert np.isnan(result.performance["c"][1])
    assert len(box_consensus(readings, minimum_readers=1).boxes) == 2


def test_one_readers_boxes_never_join_and_labels_stay_apart():
    close = box_consensus({"a": [cube(0), cube(1)], "b": [cube(0.9)]}, minimum_readers=1)
    assert sorted(len(cluster.members) for cluster in close.clusters) == [1, 2]
    assert close.clusters[0].members == {"a": cube(1), "b": cube(0.9)}
    kinds = box_consensus({"a": [cube(0, label="cyst")], "b": [cube(0, label="node")]}, minimum_readers=1)
    assert {cluster.box.label for cluster in kinds.clusters} == {"cyst", "node"}


def test_the_order_of_boxes_does_not_matter():
    boxes = [cube(x) for x in (0.0, 12.0, 30.0, 33.0)]
    forward = {"a": boxes, "b": [cube(1), cube(31)], "c": [cube(13), cube(32)]}
    backward = {name: drawn[::-1] for name, drawn in forward.items()}
    assert box_consensus(forward).boxes == box_consensus(backward).boxes


@pytest.mark.parametrize("corners", [((1, 0, 0), (0, 1, 1)), ((0, 0, np.nan), (1, 1, 1))])
def test_corners_that_make_no_box_are_refused(corners):
    with pytest.raises(InputError, match="box"):
        Box(*corners)


@pytest.mark.parametrize(
    ("readings", "options"),
    [({"a": []}, {}), ({"a": [], "b": []}, {"iou": 0.0}), ({"a": [], "b": []}, {"minimum_readers": 3})],
)
def test_bad_arguments_are_refused(readings, options):
    with pytest.raises(InputError, match="consensus"):
        box_consensus(readings, **options)


def test_no_boxes_at_all_are_a_result():
    result = box_consensus({"a": [], "b": []})
    assert result.boxes == ()
    assert np.isnan(result.performance["a"][0])

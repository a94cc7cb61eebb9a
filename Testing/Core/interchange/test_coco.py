import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coco import (
    CocoAnnotation,
    CocoImage,
    decode_runs,
    encode_runs,
    read_coco,
    write_coco,
)

IMAGE = CocoImage("Röntgen 1.png", 30, 40)
PYCOCOTOOLS = (  # pycocotools 2.0 on the mask below
    "01l3h0cL00000000\\OC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC==CC=a7E^I0000000"
)


@pytest.fixture
def mask() -> np.ndarray:
    result = np.zeros((40, 30), bool)
    result[5:30, 3:20] = True
    result[10:12, 8:28] = False
    result[33:40, 25:30] = True
    result[0, 0] = True
    return result


def test_runs_of_pycocotools(mask):
    assert np.array_equal(decode_runs({"size": [40, 30], "counts": PYCOCOTOOLS}), mask)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.floats(0, 1))
def test_runs_round_trip(seed, rows, columns, share):
    mask = np.random.default_rng(seed).random((rows, columns)) < share
    assert np.array_equal(decode_runs(json.loads(json.dumps(encode_runs(mask)))), mask)


def test_file_round_trip(mask, tmp_path):
    square = ((2.0, 1.0), (6.0, 1.0), (6.0, 4.5), (2.0, 4.5))
    written = [
        CocoAnnotation(IMAGE, "fracture", (2.0, 1.0, 4.0, 3.5), (square,), score=0.75),
        CocoAnnotation(CocoImage("2.png", 8, 9), "fracture", (1.0, 2.0, 3.0, 4.0)),
        CocoAnnotation(IMAGE, "lung", (0.0, 0.0, 30.0, 40.0), mask=mask, crowd=True),
    ]
    write_coco(tmp_path / "c.json", written)
    back = read_coco(tmp_path / "c.json")
    for ours, theirs in zip(written, back, strict=True):
        for name in ("image", "category", "box", "polygons", "score", "crowd"):
            assert getattr(theirs, name) == getattr(ours, name)
        assert np.array_equal(theirs.pixels(), ours.pixels())


def test_pixels_are_those_whose_centres_are_inside():
    square = ((2.0, 1.0), (6.0, 1.0), (6.0, 4.4), (2.0, 4.4))
    pixels = CocoAnnotation(IMAGE, "x", polygons=(square,)).pixels()
    assert np.argwhere(pixels).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(pixels).max(axis=0).tolist() == [3, 5]
    assert pixels.sum() == 12
    assert CocoAnnotation(IMAGE, "x", (2.0, 1.0, 4.0, 3.0)).pixels().sum() == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 9}, r"annotations\[0\]: lacks or garbles 9"),
        ({"category_id": "x"}, r"annotations\[0\]"),
        ({"bbox": [1, 2, 3]}, r"annotations\[0\]"),
        ({"bbox": [1, 2, -3, 4]}, "garbles bbox"),
        ({"segmentation": [[1, 2, 3, 4]]}, "garbles segmentation"),
        ({"segmentation": {"size": [40, 30], "counts": [5]}}, "do not add up"),
        ({"segmentation": {"size": [1, 2], "counts": [2]}}, "size is not that of the image"),
        ({"segmentation": {"size": [40, 30], "counts": "é"}}, "garbles counts"),
    ],
)
def test_wrong_annotation_is_named_by_its_place(tmp_path, change, message):
    document = {
        "images": [{"id": 1, "file_name": "1.png", "width": 30, "height": 40}],
        "categories": [{"id": 1, "name": "x"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, **change}],
    }
    (tmp_path / "c.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        read_coco(tmp_path / "c.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": [{"id": 1}], "categories": [], "annotations": []}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=r"c\.json"):
        read_coco(tmp_path / "c.json")

"""What is under review as Slicer's own libraries draw it: images with their boxes, and heads."""

from pathlib import Path

import numpy as np
from head_picture import head_picture
from slice_picture import review_picture

from DeidentifyStudyCore.faces.finding import Finding
from DeidentifyStudyCore.faces.store import FaceStore


def test_boxes_lie_where_the_rows_and_columns_say() -> None:
    pixels = np.zeros((120, 160), np.uint8)
    pixels[10:20, 30:90] = 255  # bright where the box must be
    pixels[100:, :] = 90  # and a floor, to see that it is upright

    picture = review_picture(pixels, [[-1, 10, 30, 10, 60]]).astype(int)  # five screen pixels for each of the image
    bright = picture.min(axis=2) > 150
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert abs(rows.min() - 50) <= 6
    assert abs(rows.max() - 99) <= 6
    assert abs(columns.min() - 150) <= 6
    assert abs(columns.max() - 449) <= 6
    assert picture[590, 400].tolist() == [90, 90, 90]
    coloured = picture.max(axis=2) - picture.min(axis=2) > 60
    edges_r, edges_c = np.flatnonzero(coloured.sum(axis=1) > 200), np.flatnonzero(coloured.sum(axis=0) > 30)
    assert abs(edges_r.min() - 50) <= 6
    assert abs(edges_r.max() - 99) <= 6
    assert abs(edges_c.min() - 150) <= 6
    assert abs(edges_c.max() - 449) <= 6


def test_heads_stand_upright_with_the_altered_one_on_the_left(tmp_path: Path) -> None:
    head = np.zeros((40, 30, 30), np.bool_)
    head[4:36, 8:26, 4:26] = True
    head[30:36, 12:20, 8:22] = True
    head[8:14, 2:8, 12:18] = True  # a nose, low and in front
    mask = np.zeros_like(head)
    mask[:20, :10] = True
    affine = np.array([[0, 0, 2.0, 0], [0, 2.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]])
    FaceStore(tmp_path).save(Finding("altered", "", (), "a" * 64, mask, affine, True, head))

    picture = head_picture(tmp_path, "a" * 64).astype(int)
    skin = picture[..., 0] > picture[..., 2] + 15  # the altered head is the only thing that is reddish
    columns = np.flatnonzero(skin.any(axis=0))
    assert len(columns) > 100
    assert columns.max() < 450
    beside = np.abs(picture[:, 500:] - picture[:, -1:]).sum(axis=2) > 60  # the background changes from row to row only
    assert beside.sum() > 5000

"""The image under review as Slicer's own libraries draw it: upright, with the boxes where the text is."""

import numpy as np
from slice_picture import review_picture


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

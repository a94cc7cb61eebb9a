"""Turns LIDC-IDRI contours into voxels.

The radiologists marked the first pixels *outside* a nodule (Armato et al. 2011, Medical Physics 38:915), so a voxel
belongs to it when its centre lies strictly inside the polygon through the marked pixels, and to a hole also when it
lies on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.lidc.database import Contour, Outline, Scan
from AnnotationQACore.segmentation import BoolArray

__all__ = ["MATRIX", "draw_outline", "fill", "outline_box", "scan_grid"]

MATRIX = 512
"""Rows and columns of every scan of the collection."""


def scan_grid(scan: Scan) -> Grid:
    """Grid of the whole scan.

    The database holds neither the position of the first column and row nor the orientation: the origin is zero in x and
    y, rows and columns are taken to run along x and y, and slices to be evenly spaced at their median distance.
    """
    positions = scan.slice_positions
    spacing = float(np.median(np.diff(positions))) if len(positions) > 1 else scan.slice_thickness
    return Grid(
        shape=(len(positions), MATRIX, MATRIX),
        spacing=(spacing, scan.pixel_spacing, scan.pixel_spacing),
        origin=(0.0, 0.0, float(positions[0])),
    )


def outline_box(scan: Scan, outline: Outline) -> NDArray[np.int64]:
    """First and last voxel index of the marked pixels, shape (2, 3) in order (k, j, i)."""
    slices = [slice_index(scan, contour) for contour in outline.contours]
    points = np.concatenate([contour.points for contour in outline.contours])
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([[min(slices), *low], [max(slices), *high]], dtype=np.int64)


def draw_outline(scan: Scan, outline: Outline, box: NDArray[np.int64]) -> BoolArray:
    """Voxels of a nodule within a box of voxel indices as `outline_box` gives it, last index included."""
    voxels = np.zeros(tuple(box[1] - box[0] + 1), dtype=bool)
    by_kind = sorted(outline.contours, key=lambda contour: not contour.includes)
    for contour in by_kind:
        inside = fill(contour.points - box[0, 1:], voxels.shape[1:], edge=not contour.includes)
        target = voxels[slice_index(scan, contour) - box[0, 0]]
        np.copyto(target, contour.includes, where=inside)
    return voxels


def slice_index(scan: Scan, contour: Contour) -> int:
    """Index of the slice on which a contour lies."""
    index = int(np.abs(scan.slice_positions - contour.z).argmin())
    if abs(scan.slice_positions[index] - contour.z) > scan.slice_thickness / 2:
        raise InputError(f"LIDC-IDRI scan {scan.patient_id}: a contour lies on no slice; the database is damaged.")
    return index


def fill(polygon: NDArray[np.integer], shape: tuple[int, ...], edge: bool = False) -> BoolArray:
    """Pixels whose centre lies inside a closed polygon.

    Parameters
    ----------
    polygon : int array, shape (n, 2)
        Row and column of its corners.
    shape : tuple of 2 int
        Rows and columns of the result.
    edge : bool
        Whether centres that lie on the polygon count as inside.
    """
    start = polygon.astype(np.float64)
    stop = np.roll(start, -1, axis=0)
    rows = np.arange(shape[0], dtype=np.float64)[:, None, None]
    columns = np.arange(shape[1], dtype=np.float64)[None, :, None]
    (row0, column0), (row1, column1) = start.T, stop.T
    # twice the signed area of the triangle (start, stop, pixel): zero on the line, its sign tells the side
    area = (row1 - row0) * (columns - column0) - (column1 - column0) * (rows - row0)
    spans_row = (row0 <= rows) != (row1 <= rows)
    crossings = np.sum(spans_row & ((area < 0) == (row1 > row0)) & (area != 0), axis=2)
    on_edge = np.any(
        (area == 0)
        & (rows >= np.minimum(row0, row1))
        & (rows <= np.maximum(row0, row1))
        & (columns >= np.minimum(column0, column1))
        & (columns <= np.maximum(column0, column1)),
        axis=2,
    )
    inside = crossings % 2 == 1
    result: BoolArray = inside | on_edge if edge else inside & ~on_edge
    return result

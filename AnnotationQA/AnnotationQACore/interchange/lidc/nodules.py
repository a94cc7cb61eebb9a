"""Which outlines of a scan show the same nodule, and which were drawn by the same radiologist.

The database says neither. Outlines of one nodule are those whose marked pixels come as near to each other as one slice
thickness. Outlines of one radiologist follow each other in the database and show different nodules; where that gives
more than four radiologists, the outlines of each nodule are dealt out in their order. So readers are exchangeable:
"reader 1" of two scans need not be one person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from AnnotationQACore.interchange.lidc.database import Outline, Scan

__all__ = ["READERS", "group_by_nodule", "group_by_reader"]

READERS = 4
"""Radiologists who read every scan of the collection."""

_TIGHTENING = 0.9
_SMALLEST_DISTANCE = 0.1


def group_by_nodule(scan: Scan) -> tuple[tuple[Outline, ...], ...]:
    """Outlines of each nodule, in the order of the database.

    The distance is tightened by tenths while a group holds more outlines than there were radiologists; neighbouring
    nodules that touch can still end in one group.
    """
    distances = _distances(scan)
    allowed = scan.slice_thickness
    while True:
        groups = _components(distances <= allowed)
        if allowed < _SMALLEST_DISTANCE or np.bincount(groups).max() <= READERS:
            break
        allowed *= _TIGHTENING
    return tuple(
        tuple(outline for outline, group in zip(scan.outlines, groups, strict=True) if group == number)
        for number in range(groups.max() + 1)
    )


def group_by_reader(nodules: tuple[tuple[Outline, ...], ...]) -> tuple[dict[int, Outline], ...]:
    """For each of the four readers, the nodules outlined: index in `nodules` to outline.

    An outline that finds no free reader (more than four in one group) is left out.
    """
    sessions = _consecutive_sessions(nodules)
    if len(sessions) > READERS:
        sessions = [
            {number: nodule[reader] for number, nodule in enumerate(nodules) if reader < len(nodule)}
            for reader in range(READERS)
        ]
    return tuple(sessions[reader] if reader < len(sessions) else {} for reader in range(READERS))


def _consecutive_sessions(nodules: tuple[tuple[Outline, ...], ...]) -> list[dict[int, Outline]]:
    placed = sorted(
        ((outline, number) for number, nodule in enumerate(nodules) for outline in nodule), key=lambda pair: pair[0].id
    )
    sessions: list[dict[int, Outline]] = [{}]
    for outline, number in placed:
        if number in sessions[-1]:
            sessions.append({})
        sessions[-1][number] = outline
    return sessions


def _distances(scan: Scan) -> NDArray[np.float64]:
    """Smallest distance in mm between the marked pixels of every two outlines."""
    trees = [cKDTree(_marked_points(scan, outline)) for outline in scan.outlines]
    distances = np.zeros((len(trees), len(trees)))
    for first, tree in enumerate(trees):
        for second in range(first):
            nearest, _ = tree.query(trees[second].data)
            distances[first, second] = distances[second, first] = nearest.min()
    return distances


def _marked_points(scan: Scan, outline: Outline) -> NDArray[np.float64]:
    return np.concatenate(
        [
            np.column_stack([np.full(len(contour.points), contour.z), contour.points * scan.pixel_spacing])
            for contour in outline.contours
        ]
    )


def _components(near: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number of the connected component of each outline, counted in the order of the outlines."""
    _, labels = connected_components(coo_array(near), directed=False)
    _, first = np.unique(labels, return_index=True)
    order = np.argsort(np.argsort(first))
    numbers: NDArray[np.int32] = order[labels].astype(np.int32)
    return numbers

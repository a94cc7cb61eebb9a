"""Readings of different lattices brought to one grid, and told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.errors import GridMismatch
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.segmentation import LabelArray, Segmentation

__all__ = ["OnOneGrid", "finest_grid", "on_one_grid", "resampled"]


@dataclass(frozen=True, slots=True, eq=False)
class OnOneGrid:
    """Segmentations by reader, all on `grid`, and one line for each that was resampled."""

    grid: Grid
    segmentations: Mapping[str, Segmentation]
    messages: tuple[str, ...]


def on_one_grid(segmentations: Mapping[str, Segmentation], grid: Grid | None = None) -> OnOneGrid:
    """Put the segmentations of all readers on one grid.

    What lies on the lattice of `grid` is placed there without a change of any voxel; what does not is resampled by the
    nearest neighbour, and named in the messages.

    Parameters
    ----------
    segmentations : mapping of reader to Segmentation
    grid : Grid, optional
        The reference grid. Without it: the smallest that holds all, when they share one lattice, else the finest.
    """
    if grid is None:
        grids = {reader: one.grid for reader, one in segmentations.items()}
        try:
            grid = joint_grid(grids) if grids else Grid((1, 1, 1))
        except GridMismatch:
            grid = finest_grid(grids)
    placed: dict[str, Segmentation] = {}
    messages = []
    for reader, one in segmentations.items():
        try:
            placed[reader] = placed_on(one, grid)
        except GridMismatch as error:
            placed[reader] = resampled(one, grid)
            if "outside" in str(error):
                messages.append(f"{reader}: has voxels outside the reference grid; they are left out here.")
                continue
            spacing = " x ".join(f"{mm:g}" for mm in one.grid.spacing)
            messages.append(
                f"{reader}: was drawn on another grid (spacing {spacing} mm); it is resampled to the common grid by "
                "the nearest neighbour."
            )
    return OnOneGrid(grid, placed, tuple(messages))


def finest_grid(grids: Mapping[str, Grid]) -> Grid:
    """The grid with the smallest voxels, on which readings of different grids are scored; the first of equals."""
    return min(grids.values(), key=lambda grid: grid.voxel_volume)


def resampled(segmentation: Segmentation, grid: Grid) -> Segmentation:
    """Segmentation on another grid by the nearest neighbour; what lies outside the given one is background."""
    from scipy import ndimage  # slow to load, and most studies lie on one grid

    matrix = np.linalg.inv(segmentation.grid.affine) @ grid.affine
    layers: LabelArray = np.stack(
        [
            ndimage.affine_transform(
                layer, matrix[:3, :3], matrix[:3, 3], grid.shape, order=0, mode="constant", cval=0, prefilter=False
            )
            for layer in segmentation.layers
        ]
    )
    return Segmentation(layers, grid, segmentation.segments)

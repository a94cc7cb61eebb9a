"""Disagreement as an image to lay over the scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.review.disagreements import Disagreements

__all__ = ["differing_readers"]


def differing_readers(disagreements: Disagreements) -> NDArray[np.uint8]:
    """Number of readers who are not of the opinion of most at each voxel, shape (k, j, i); 0 where all agree.

    An opinion is the set of structures that a reader gives to the voxel. Of two readers who differ, one differs.
    """
    has = disagreements.has
    readers = has.shape[1]
    alike = np.stack([np.all(has == has[:, reader : reader + 1], axis=2).sum(axis=1) for reader in range(readers)], 1)
    differing = (readers - alike.max(axis=1)).astype(np.uint8)
    image = np.zeros(int(np.prod(disagreements.labels.grid.shape)), dtype=np.uint8)
    image[disagreements.runs.voxels()] = np.repeat(
        differing[disagreements.pattern_of_run[disagreements.runs.source]], disagreements.runs.length
    )
    return image.reshape(disagreements.labels.grid.shape)

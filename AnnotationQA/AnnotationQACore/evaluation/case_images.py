"""The image on which a case was read, in grey levels as the protocol shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.project.cases import Case
from AnnotationQACore.protocol.imaging import WindowPreset
from AnnotationQACore.protocol.items import DrawnItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Volume

__all__ = ["CaseImage", "case_image", "window_of"]

GreyLevels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class CaseImage:
    """A scalar image with patient geometry, and what its series says it is."""

    volume: Volume
    description: str

    def slice_on(self, grid: Grid, window: WindowPreset | None) -> GreyLevels:
        """Grey levels at the voxels of a grid of one slice, shape (j, i), linearly interpolated; black outside.

        Parameters
        ----------
        grid : Grid
            Of one slice.
        window : WindowPreset or None
            From black to white; without it, the 1st to the 99th percentile of the image.
        """
        from scipy import ndimage  # slow to load

        indices = np.stack(np.meshgrid(*(np.arange(size) for size in grid.shape), indexing="ij"), axis=-1)
        places = self.volume.grid.to_index(grid.to_world(indices)).reshape(-1, 3).T
        voxels = self.volume.voxels
        values = ndimage.map_coordinates(voxels, places, np.float64, order=1, mode="nearest")
        inside = np.all((places > -0.5) & (places < np.array(voxels.shape)[:, None] - 0.5), axis=0)
        low, high = _range(window, voxels)
        grey = np.clip((values - low) / (high - low), 0.0, 1.0)
        if window is not None and window.inverted:
            grey = 1.0 - grey
        return (np.where(inside, grey, 0.0) * 255).astype(np.uint8).reshape(grid.shape[1:])


def case_image(project: Path, case: Case, role: str, images: Mapping[str, Sequence[Path]]) -> CaseImage | None:
    """Open the series of a case that has a role.

    Parameters
    ----------
    project : Path
        Folder of the project; locations of series are relative to it.
    case : Case
    role : str
    images : mapping of Series Instance UID to files
        Images that lie elsewhere.

    Returns
    -------
    CaseImage or None
        None when the images are not at hand.

    Raises
    ------
    InputError
        They cannot be read, or are no single scalar volume.
    """
    series = next((one for one in case.series if one.role == role), None)
    if series is None:
        return None
    source: Path | Sequence[Path]
    if series.uid in images:
        source = images[series.uid]
    elif series.location and (project / series.location).exists():
        source = project / series.location
    else:
        return None
    opened = open_series(source)
    if opened.is_color:
        raise InputError(f"case {case.id}: its images are in colour; grey ones are drawn.")
    return CaseImage(opened.volume(0), opened.description)


def window_of(protocol: Protocol, item: DrawnItem) -> WindowPreset | None:
    """The window preset in which an item is shown; None where the protocol names none."""
    named = item.view.window if item.view is not None and item.view.window else protocol.view.window
    return next((window for window in protocol.windows if window.id == named), None)


def _range(window: WindowPreset | None, voxels: NDArray[np.generic]) -> tuple[float, float]:
    if window is not None and window.center is not None and window.width is not None:
        return window.center - window.width / 2, window.center + window.width / 2
    percentiles = window.percentiles if window is not None and window.percentiles else (1.0, 99.0)
    low, high = np.percentile(voxels.astype(np.float64), percentiles)
    return float(low), float(high) if high > low else float(low) + 1.0

"""Pixels of images without patient geometry, and where they lie in a scene."""

from __future__ import annotations

from dataclasses import dataclass

from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.project.answers import Point

__all__ = ["ImagePlane", "flat_grid"]


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Between a scene and the pixels of an image that lies in it as one slice without meaning for the patient.

    The columns run along +x and the rows along +y of LPS, so that an axial view shows the image upright. Column and row
    count from the top left corner of the top left pixel (PS3.3 C.10.5.1.2), whose centre is the grid's origin.

    Attributes
    ----------
    spacing : tuple of 2 float
        Of rows and of columns, in scene units.
    """

    spacing: tuple[float, float]

    def to_pixels(self, position: Vector) -> Point:
        """Column and row of an LPS position in the scene."""
        return (position[0] / self.spacing[1] + 0.5, position[1] / self.spacing[0] + 0.5)

    def to_scene(self, pixel: Point) -> Vector:
        """LPS position in the scene of a column and row."""
        return ((pixel[0] - 0.5) * self.spacing[1], (pixel[1] - 0.5) * self.spacing[0], 0.0)


def flat_grid(rows: int, columns: int, spacing: tuple[float, float] | None, slices: int = 1) -> Grid:
    """Grid by which images without patient geometry are shown; pixels without known size are squares of 1."""
    row, column = spacing or (1.0, 1.0)
    return Grid((slices, rows, columns), (max(row, column), row, column))

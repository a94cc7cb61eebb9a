"""A loaded series: voxels, where and when they were taken, and what is worth knowing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.interchange.series.dimensions import Dimension
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.headers import Orientation
from AnnotationQACore.interchange.series.planar import PlanarSpacing
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.interchange.series.suv import SuvScale
from AnnotationQACore.interchange.series.ultrasound import UltrasoundRegion
from AnnotationQACore.segmentation import Volume

__all__ = ["FrameSource", "ImageSeries"]


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Where one frame comes from, and where and when it was taken.

    Attributes
    ----------
    path : Path
    sop_class_uid, instance_uid : str
    frame_number : int
        1-based in the file; of a mosaic, the tile.
    position : vector or None
        LPS mm of the centre of the first pixel.
    orientation : 6 floats or None
        Direction of the rows, then of the columns.
    time : float or None
        Acquisition time in seconds; only differences within a series have a meaning.
    original_uid : str
        Instance from which a legacy converted frame was made, or empty.
    """

    path: Path
    sop_class_uid: str
    instance_uid: str
    frame_number: int
    position: Vector | None
    orientation: Orientation | None
    time: float | None
    original_uid: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ImageSeries:
    """One image series in memory.

    Attributes
    ----------
    voxels : array
        Real values (rescaled). Shape (k, j, i), with a dimension (t, k, j, i), without geometry (frame, j, i); RGB has
        a last axis of 3.
    sources : tuple of tuple of FrameSource
        For each volume its slices, in the order of `voxels`; one volume where there is no dimension.
    kind : GeometryKind
    grid : Grid or None
        Of each volume; None for irregular slices (see their `position`) and images without patient geometry.
    spacing : PlanarSpacing
        Between rows and columns, with its meaning.
    dimension : Dimension or None
        What the first axis of four-dimensional voxels is.
    modality, photometric, units, description : str
        As stated; `photometric` is ``RGB`` for all color images.
    series_uid, study_uid, frame_of_reference : str
    body_part, sex : str
    age_years : float or None
    regions : tuple of UltrasoundRegion
    suv : SuvScale or None
        Factor that turns PET voxels into SUV.
    findings : tuple of Finding
    """

    voxels: NDArray[Any]
    sources: tuple[tuple[FrameSource, ...], ...]
    kind: GeometryKind
    grid: Grid | None
    spacing: PlanarSpacing
    dimension: Dimension | None
    modality: str
    photometric: str
    units: str
    description: str
    series_uid: str
    study_uid: str
    frame_of_reference: str
    body_part: str = ""
    sex: str = ""
    age_years: float | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    suv: SuvScale | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_color(self) -> bool:
        """Whether the last axis is RGB."""
        return self.photometric == "RGB"

    @property
    def shown_inverted(self) -> bool:
        """Whether low values are to be shown bright (MONOCHROME1)."""
        return self.photometric == "MONOCHROME1"

    def volume(self, index: int = 0) -> Volume:
        """One volume with its grid.

        Parameters
        ----------
        index : int
            Along `dimension`; 0 where there is none.

        Raises
        ------
        InputError
            The series is no regular volume of single values; the message says why.
        """
        if self.grid is None:
            why = next((finding.message for finding in self.findings if finding.code in _NO_VOLUME), "")
            raise InputError(f"{self.modality} series: it is no one volume ({why or self.kind}); use its frames.")
        if self.is_color:
            raise InputError(f"{self.modality} series: color images are no volume of single values; use its frames.")
        return Volume(self.voxels if self.dimension is None else self.voxels[index], self.grid)

    def has(self, code: FindingCode) -> bool:
        """Whether there is a finding of this kind."""
        return any(finding.code is code for finding in self.findings)


_NO_VOLUME = frozenset(
    {
        FindingCode.MISSING_SLICES,
        FindingCode.VARIABLE_SPACING,
        FindingCode.SHIFTED_SLICES,
        FindingCode.INCOMPLETE_DIMENSION,
        FindingCode.NO_PATIENT_GEOMETRY,
        FindingCode.BAD_ORIENTATION,
        FindingCode.ZERO_SPACING,
    }
)

"""The images that a protocol asks for, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from AnnotationQACore.protocol.constraints import PRESENTATION, Interval, Length, Positive, Slug, Text
from AnnotationQACore.protocol.terminology import Code

__all__ = ["ContrastPhase", "Imaging", "Layout", "Modality", "NamedFrame", "SeriesRole", "View", "WindowPreset"]

Modality = Literal[
    "CT", "MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "IO", "PX", "OP", "OPT", "SM", "ES", "OT"
]
ContrastPhase = Literal[
    "any",
    "none",
    "arterial",
    "late_arterial",
    "portal_venous",
    "nephrographic",
    "delayed",
    "hepatobiliary",
    "post_contrast",
]
Layout = Literal[
    "four_up",
    "three_planes",
    "axial",
    "sagittal",
    "coronal",
    "side_by_side",
    "axial_and_3d",
    "acquired",
    "acquired_cine",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFrame:
    """A moment of a series with several time points that items refer to.

    Attributes
    ----------
    id : str
        Stable identifier, unique within its series role.
    title : str
        For people.
    definition : str
        How a reader finds this frame.
    """

    id: Slug
    title: Text
    definition: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRole:
    """The part that one image series plays in a case.

    Attributes
    ----------
    id : str
        Stable identifier; items and views refer to it.
    title : str
        For people, for example "T1 after gadolinium".
    modalities : list of str
        DICOM modalities (0008,0060) of which the series may be.
    required : bool
        Whether a case cannot be read without this series.
    contrast_phase : str
        Contrast phase that the series must have.
    description : str
        Acquisition that is expected, in words.
    max_slice_thickness_mm : float or None
        Thickest slices that are accepted, in mm.
    description_hints : list of str
        Words in a series description (0008,103E) by which software proposes this role.
    frames : list of NamedFrame
        Time points that items refer to, in a cine or dynamic series.
    """

    id: Slug
    title: Text
    modalities: Annotated[tuple[Modality, ...], Length(1)]
    required: bool = True
    contrast_phase: ContrastPhase = "any"
    description: str = ""
    max_slice_thickness_mm: Positive | None = None
    description_hints: tuple[Text, ...] = field(default=(), metadata=PRESENTATION)
    frames: tuple[NamedFrame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imaging:
    """The images that make a case.

    Attributes
    ----------
    body_region : Code
        Region that is imaged.
    series : list of SeriesRole
        The series of a case; at least one is required.
    reference_series : str
        ID of the series role on whose grid everything is drawn and compared, unless an item names another.
    """

    body_region: Code
    series: Annotated[tuple[SeriesRole, ...], Length(1)]
    reference_series: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPreset:
    """Grey levels of a view: by centre and width in stored units, or by percentiles of the image.

    Attributes
    ----------
    id : str
        Stable identifier; views refer to it.
    title : str
        For people.
    center : float or None
        Centre of the window: HU in CT, SUV in PET, stored value elsewhere.
    width : float or None
        Width of the window, in the same unit.
    percentiles : list of 2 float, or None
        Percentiles of the image's values that become black and white; for MR and X-ray, whose units are arbitrary.
    inverted : bool
        Whether low values are white, as usual for PET.
    """

    id: Slug
    title: Text
    center: float | None = None
    width: Positive | None = None
    percentiles: tuple[Annotated[float, Interval(0, 100)], Annotated[float, Interval(0, 100)]] | None = None
    inverted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How images are shown; what is left out is as the protocol's own view says.

    Attributes
    ----------
    layout : str or None
        Arrangement of the views.
    window : str or None
        ID of the window preset of the background.
    background : str or None
        ID of the series role shown; the reference series unless said otherwise.
    foreground : str or None
        ID of the series role laid over it, such as PET over CT.
    foreground_window : str or None
        ID of the window preset of the foreground.
    interpolate : bool or None
        Whether voxels are smoothed on the screen.
    volume_rendering : str or None
        Name of a 3D Slicer volume rendering preset, for example "CT-Lung".
    """

    layout: Layout | None = None
    window: Slug | None = None
    background: Slug | None = None
    foreground: Slug | None = None
    foreground_window: Slug | None = None
    interpolate: bool | None = None
    volume_rendering: Text | None = None

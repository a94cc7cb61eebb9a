"""How a dataset is exported: what is done to images and labels on their way, which series and which labels.

Everything is a frozen dataclass that is read from and written to JSON; what is wrong is named by its path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.constraints import Interval, Pattern, Slug
from AnnotationQACore.protocol.decoding import decode
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.problems import Problem
from AnnotationQACore.protocol.shapes import shape_of

__all__ = [
    "Crop",
    "ExportOptions",
    "Intensity",
    "LabelValue",
    "Labels",
    "Pictures",
    "Resampling",
    "options_from_json",
    "options_to_json",
]

Millimetres = Annotated[float, Interval(0, 1000)]
Voxels = Annotated[int, Interval(0, 4096)]

_OPPOSITES = ("LR", "PA", "IS")
_ORIENTATION = "^([LRPAIS]{3})?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """The lattice of the exported images; exactly one of spacing, size and scale is given.

    Attributes
    ----------
    spacing_mm : list of 3 float, or None
        Along slices, rows and columns (k, j, i) after reorientation; 0 keeps that of the image.
    size : list of 3 int, or None
        Voxels along (k, j, i) into which the field of view is divided; 0 keeps that of the image.
    scale : float or None
        Factor of the number of voxels along every axis.
    image : str
        How image values between voxels are found: `nearest`, `linear` or cubic `bspline`.
    labels : str
        How labels between voxels are found: the `nearest`, or, smoother, the one with the largest `linear`ly
        interpolated share.
    """

    spacing_mm: tuple[Millimetres, Millimetres, Millimetres] | None = None
    size: tuple[Voxels, Voxels, Voxels] | None = None
    scale: Annotated[float, Interval(0.01, 100)] | None = None
    image: Literal["nearest", "linear", "bspline"] = "linear"
    labels: Literal["nearest", "linear"] = "nearest"

    def __post_init__(self) -> None:
        given = [name for name in ("spacing_mm", "size", "scale") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise InputError(f"export options: resampling: has {found}; give one of spacing_mm, size and scale.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """The part of the images that is exported.

    Attributes
    ----------
    to : str
        `labels`: the smallest box around all segments of all exported readings, or the whole image where there are
        none. `foreground`: around the voxels of the reference series above `threshold`.
    margin_mm : float
        Added on every side, as far as the image reaches.
    threshold : float
        Of the foreground, in the unit of the image.
    """

    to: Literal["labels", "foreground"] = "labels"
    margin_mm: Millimetres = 10.0
    threshold: float = -500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """What becomes of the values of some series; first they are clipped, then normalized.

    Attributes
    ----------
    series : list of str
        Roles of the series that are meant; empty for all.
    clip : list of 2 float, or None
        Lowest and highest value (HU in CT, SUV or stored value elsewhere).
    normalization : str
        `none`: values are kept. `unit`: the clipping range, or else least and greatest value, becomes 0 to 1. `zscore`:
        mean 0 and standard deviation 1 over the voxels of the image.
    """

    series: tuple[Slug, ...] = ()
    clip: tuple[float, float] | None = None
    normalization: Literal["none", "unit", "zscore"] = "none"

    def __post_init__(self) -> None:
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise InputError(f"export options: intensity.clip: {list(self.clip)} must be a lower and a higher value.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelValue:
    """Value of one item's voxels in label images.

    Attributes
    ----------
    item : str
        ID of the segmentation in the protocol.
    value : int
        From 1.
    """

    item: Slug
    value: Annotated[int, Interval(1, 65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Which segmentations are exported, and with which values.

    Attributes
    ----------
    items : list of str
        Segmentations of the protocol, of which those below a merged one need not be named; empty for all of them.
    merge_into : list of str
        Segmentations into which everything below them in the protocol's hierarchy is merged.
    values : list of LabelValue
        Label values other than the protocol's.
    consecutive : bool
        Number the labels 1, 2, 3... in the order of the protocol. nnU-Net and Decathlon need that, and get it anyway.
    overlaps : str
        What becomes of segments that share voxels, in a format of one value per voxel: `refuse` to write, or write them
        as `layers`, a label image for each.
    """

    items: tuple[Slug, ...] = ()
    merge_into: tuple[Slug, ...] = ()
    values: tuple[LabelValue, ...] = ()
    consecutive: bool = False
    overlaps: Literal["refuse", "layers"] = "refuse"

    def __post_init__(self) -> None:
        _require_distinct("labels.values", "item", (entry.item for entry in self.values))
        _require_distinct("labels.values", "value", (entry.value for entry in self.values))
        if self.consecutive and self.values:
            raise InputError("export options: labels.values: cannot be given with labels.consecutive; leave one out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """How slices become pictures.

    Attributes
    ----------
    bits : int
        8 or 16 bits a pixel.
    window : str or None
        Window preset of the protocol; that of its view unless named.
    only_labeled : bool
        Leave out slices on which nothing was drawn.
    """

    bits: Literal[8, 16] = 8
    window: Slug | None = None
    only_labeled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """How a dataset is exported.

    Attributes
    ----------
    series : list of str
        Roles of the exported image series; empty for all that the protocol names and a case has.
    orientation : str
        Patient directions towards which columns, rows and slices (i, j, k) are counted, such as `RAS` or `LPS`; empty
        as acquired. The axes of an oblique image are taken for the nearest ones, and stay oblique.
    resampling : Resampling or None
    crop : Crop or None
    intensity : list of Intensity
        The first that names a series, or all of them, counts for it.
    labels : Labels
    pictures : Pictures
    nnunet_dataset : int
        Number in the name of a dataset of nnU-Net, ``Dataset001_NAME``.
    parquet : bool
        Whether tables are written as Parquet too, for which the package pyarrow is needed.
    """

    series: tuple[Slug, ...] = ()
    orientation: Annotated[str, Pattern(_ORIENTATION, "three letters of L, R, P, A, I, S, such as 'RAS'")] = ""
    resampling: Resampling | None = None
    crop: Crop | None = None
    intensity: tuple[Intensity, ...] = ()
    labels: Labels = field(default_factory=Labels)
    pictures: Pictures = field(default_factory=Pictures)
    nnunet_dataset: Annotated[int, Interval(1, 999)] = 1
    parquet: bool = False

    def __post_init__(self) -> None:
        axes = [next((pair for pair in _OPPOSITES if letter in pair), "") for letter in self.orientation]
        if self.orientation and set(axes) != set(_OPPOSITES):
            raise InputError(
                f"export options: orientation: '{self.orientation[:10]}' must have one letter each of L or R, P or A, "
                "I or S, such as RAS."
            )


def options_to_json(options: ExportOptions) -> dict[str, Any]:
    """JSON object of what differs from the default; `options_from_json` gives equal options."""
    document: dict[str, Any] = to_document(options)
    return document


def options_from_json(document: object) -> ExportOptions:
    """Read what `options_to_json` or a person wrote; raises `InputError` naming the path of the first problem."""
    problems: list[Problem] = []
    options = decode(document, shape_of(ExportOptions), "", problems)
    if not isinstance(options, ExportOptions):
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InputError(f"export options: {problems[0]}{more}")
    return options


def _require_distinct(path: str, what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InputError(f"export options: {path}: the {what} '{value}' is given twice; give each its own.")
        seen.add(value)

"""What a protocol asks for: one class for each kind of item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from AnnotationQACore.protocol.conditions import Condition
from AnnotationQACore.protocol.constraints import PRESENTATION, Color, Count, Interval, Length, Positive, Slug, Text
from AnnotationQACore.protocol.design import Agreement
from AnnotationQACore.protocol.imaging import View
from AnnotationQACore.protocol.limits import LandmarkLimits, Limit, MeasurementLimits, RegionLimits
from AnnotationQACore.protocol.terminology import Code

__all__ = [
    "PRESENCE_CHOICES",
    "Box",
    "Choice",
    "Classification",
    "Codes",
    "DrawnItem",
    "EdgeCase",
    "ExamplePicture",
    "Item",
    "ItemBase",
    "LandmarkPoint",
    "Landmarks",
    "Level",
    "Measurement",
    "Polygon",
    "Quantity",
    "Rating",
    "Scope",
    "Segmentation",
    "TextAnswer",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an item is asked about.

    Attributes
    ----------
    level : str
        Once for each `case`, each `series`, each `image` (slice or frame), or each `instance` of another item.
    of : str or None
        With `instance` the ID of the item whose instances are meant; with `series` and `image` the ID of a series role,
        or nothing for every series of the case.
    """

    level: Literal["case", "series", "image", "instance"] = "case"
    of: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What an item means in coded terms, as in DICOM SEG and SR.

    Attributes
    ----------
    category : Code or None
        Segmented property category, for example "Anatomical structure" (PS3.16 CID 7150).
    type : Code or None
        The thing itself: structure, finding, or concept that is measured or rated.
    type_modifier : Code or None
        What kind of that thing.
    region : Code or None
        Where in the body it is.
    region_modifier : Code or None
        What part of the region.
    laterality : Code or None
        Side of the body.
    equivalent : list of Code
        The same thing in other schemes, such as RadLex and ICD-10.
    """

    category: Code | None = None
    type: Code | None = None
    type_modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None
    laterality: Code | None = None
    equivalent: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeCase:
    """A situation in which readers are in doubt.

    Attributes
    ----------
    situation : str
        What is seen.
    resolution : str
        What readers then do.
    """

    situation: Text
    resolution: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamplePicture:
    """A picture that shows readers what is meant.

    Attributes
    ----------
    image : str
        PNG, JPEG or SVG file: its name relative to the protocol file, or the picture itself as a `data:` URI. Loading a
        protocol embeds the file, so that the protocol and its hash include it.
    caption : str
        What there is to see.
    shows : str
        A `typical` finding, an `edge_case`, or what does `not` belong to the item.
    """

    image: Text
    caption: Text
    shows: Literal["typical", "edge_case", "not"] = "typical"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBase:
    """What all kinds of items have.

    Attributes
    ----------
    id : str
        Stable identifier, unique in the protocol. It names the answers in every reading and export: never reuse it for
        something else.
    title : str
        For people.
    definition : str
        What is meant, in words that two readers understand alike.
    inclusion : list of str
        What belongs to it.
    exclusion : list of str
        What does not belong to it.
    edge_cases : list of EdgeCase
        Situations of doubt, and how they are resolved.
    examples : list of ExamplePicture
        Pictures for readers.
    hint : str
        How it is done in the program, shown beside the form.
    group : str or None
        ID of the group of the form in which it is shown.
    parent : str or None
        ID of the item of which it is a part or a kind.
    synonyms : list of str
        Other words for it, such as reports use.
    codes : Codes
        What it means in coded terms.
    scope : Scope
        What it is asked about.
    required : bool
        Whether a reading cannot be submitted without it; with `when`, required where that holds.
    when : Condition or None
        Condition on other answers under which it is asked at all.
    view : View or None
        How images are shown while it is answered.
    agreement : Agreement or None
        When readers agree on it; nothing for an item that is not judged.
    """

    id: Slug
    title: Text
    definition: Text
    inclusion: tuple[Text, ...] = ()
    exclusion: tuple[Text, ...] = ()
    edge_cases: tuple[EdgeCase, ...] = ()
    examples: tuple[ExamplePicture, ...] = field(default=(), metadata=PRESENTATION)
    hint: str = field(default="", metadata=PRESENTATION)
    group: Slug | None = field(default=None, metadata=PRESENTATION)
    parent: Slug | None = None
    synonyms: tuple[Text, ...] = ()
    codes: Codes = field(default_factory=Codes)
    scope: Scope = field(default_factory=Scope)
    required: bool = True
    when: Condition | None = None
    view: View | None = field(default=None, metadata=PRESENTATION)
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer of a classification.

    Attributes
    ----------
    id : str
        Stable identifier; the value stored in readings.
    title : str
        For people.
    definition : str
        When to choose it.
    code : Code or None
        What it means in coded terms.
    parent : str or None
        ID of the more general choice to which it belongs.
    """

    id: Slug
    title: Text
    definition: str = ""
    code: Code | None = None
    parent: Slug | None = None


PRESENCE_CHOICES = (
    Choice(id="present", title="Present", code=Code("SCT", "52101004", "Present")),
    Choice(id="absent", title="Absent", code=Code("SCT", "2667000", "Absent")),
    Choice(id="uncertain", title="Uncertain", code=Code("SCT", "64957009", "Uncertain")),
    Choice(id="not_assessable", title="Not assessable", code=Code("SCT", "1156316003", "Cannot be determined")),
)
"""The answers to a presence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(ItemBase):
    """A choice among described answers.

    Attributes
    ----------
    kind : str
        Always `classification`.
    selection : str
        One choice (`single`), any number (`multiple`), or the four answers present, absent, uncertain and not
        assessable (`presence`), which are not listed.
    choices : list of Choice
        The answers of a single or multiple choice; at least two.
    """

    kind: Literal["classification"] = "classification"
    selection: Literal["single", "multiple", "presence"]
    choices: tuple[Choice, ...] = ()

    @property
    def answers(self) -> tuple[Choice, ...]:
        """The choices that readers see: those listed, or the four of a presence."""
        return PRESENCE_CHOICES if self.selection == "presence" else self.choices


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnItem(ItemBase):
    """What all items have that are drawn in the image.

    Attributes
    ----------
    series : str or None
        ID of the series role on which it is drawn; the reference series unless said otherwise.
    frame : str or None
        ID of the named frame of that series, in a cine or dynamic series.
    color : str
        Colour on the screen, `#RRGGBB`.
    instances : bool
        Whether there may be several, each of its own; otherwise there is one.
    may_be_absent : bool
        Whether a reader may answer "absent" instead of drawing it.
    """

    series: Slug | None = None
    frame: Slug | None = None
    color: Color = field(default="#FFC800", metadata=PRESENTATION)
    instances: bool = False
    may_be_absent: bool = True

    @property
    def rgb(self) -> tuple[float, float, float]:
        """Colour as red, green and blue in [0, 1]."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red / 255, green / 255, blue / 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation(DrawnItem):
    """Voxels that belong to a structure: semantic, or one segment for each instance.

    Attributes
    ----------
    kind : str
        Always `segmentation`.
    label_value : int
        Value of its voxels in every label map, from 1 to 65535; unique in the protocol.
    composed : bool
        Whether it is the union of the segmentations whose `parent` it is, computed and not drawn.
    may_overlap : list of str
        IDs of the segmentations with which it may share voxels; naming it on one of the two is enough.
    editable_intensity : Limit or None
        Intensities to which drawing tools are limited.
    limits : RegionLimits
        What is plausible.
    """

    kind: Literal["segmentation"] = "segmentation"
    label_value: Annotated[int, Interval(1, 65535)]
    composed: bool = False
    may_overlap: tuple[Slug, ...] = ()
    editable_intensity: Limit | None = None
    limits: RegionLimits = field(default_factory=RegionLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box(DrawnItem):
    """A box around a finding, along the axes of the image.

    Attributes
    ----------
    kind : str
        Always `box`.
    dimensions : int
        2 for a rectangle on one image or slice, 3 for a box in space.
    label_value : int or None
        Class number in exports; unique in the protocol.
    limits : RegionLimits
        What is plausible.
    """

    kind: Literal["box"] = "box"
    dimensions: Literal[2, 3]
    label_value: Annotated[int, Interval(1, 65535)] | None = None
    limits: RegionLimits = field(default_factory=RegionLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon(DrawnItem):
    """A line through points on one slice or image, closed to an outline unless said otherwise.

    Attributes
    ----------
    kind : str
        Always `polygon`.
    closed : bool
        Whether the last point is joined to the first.
    label_value : int or None
        Class number in exports; unique in the protocol.
    limits : RegionLimits
        What is plausible.
    """

    kind: Literal["polygon"] = "polygon"
    closed: bool = True
    label_value: Annotated[int, Interval(1, 65535)] | None = None
    limits: RegionLimits = field(default_factory=RegionLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandmarkPoint:
    """One named point.

    Attributes
    ----------
    id : str
        Stable identifier, unique within its item.
    title : str
        For people; unique within its item.
    definition : str
        Where exactly it is placed.
    code : Code or None
        What it means in coded terms.
    may_be_invisible : bool
        Whether a reader may answer "not visible".
    """

    id: Slug
    title: Text
    definition: str = ""
    code: Code | None = None
    may_be_invisible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks(DrawnItem):
    """Named points in a fixed order.

    Attributes
    ----------
    kind : str
        Always `landmarks`.
    points : list of LandmarkPoint
        The points in the order in which they are placed.
    limits : LandmarkLimits
        What is plausible.
    """

    kind: Literal["landmarks"] = "landmarks"
    points: Annotated[tuple[LandmarkPoint, ...], Length(1)]
    limits: LandmarkLimits = field(default_factory=LandmarkLimits)


Quantity = Literal[
    "length",
    "bidimensional",
    "angle",
    "area",
    "volume",
    "intensity",
    "mass",
    "stroke_volume",
    "ejection_fraction",
    "sum",
]

_UNITS: dict[str, str] = {
    "length": "mm",
    "bidimensional": "mm",
    "angle": "deg",
    "area": "mm2",
    "volume": "ml",
    "mass": "g",
    "stroke_volume": "ml",
    "ejection_fraction": "%",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(DrawnItem):
    """A number that a reader measures, or that is derived from what was drawn.

    Attributes
    ----------
    kind : str
        Always `measurement`.
    quantity : str
        `length` (mm), `bidimensional` (longest diameter and the longest one perpendicular to it, in one plane, mm) and
        `angle` (degrees) are drawn, or derived; `area` (mm²), `volume` (ml), `intensity`, `mass` (g), `stroke_volume`
        (ml), `ejection_fraction` (%) and `sum` are always derived.
    derived_from : list of str
        IDs of the items from which it is derived: one segmentation or polygon for length, bidimensional, area, volume,
        intensity and mass; landmarks for an angle or length; the segmentations at end-diastole and end-systole, in this
        order, for stroke volume and ejection fraction; one measurement, taken over all its instances, for a sum. What
        has instances is measured all together, unless the scope is each instance.
    points : list of str
        IDs of the landmarks between which a length (2) or an angle (3, the middle one at its vertex, or 4 for two
        lines) is derived.
    intensity_statistic : str
        Which statistic of the voxels inside an `intensity` is.
    intensity_unit : str
        Unit of an `intensity`.
    density_g_per_ml : float
        Density by which a `mass` is derived from a volume; 1.05 is that of myocardium.
    plane : str
        Plane in which a length or bidimensional is measured.
    limits : MeasurementLimits
        What is plausible.
    """

    kind: Literal["measurement"] = "measurement"
    quantity: Quantity
    derived_from: tuple[Slug, ...] = ()
    points: tuple[Slug, ...] = ()
    intensity_statistic: Literal["mean", "sd", "median", "min", "max", "p5", "p95"] = "mean"
    intensity_unit: Literal["HU", "SUV", "1"] = "HU"
    density_g_per_ml: Positive = 1.05
    plane: Literal["acquired", "axial", "sagittal", "coronal", "any"] = "acquired"
    limits: MeasurementLimits = field(default_factory=MeasurementLimits)

    @property
    def derived(self) -> bool:
        """Whether software computes it, so that the reader draws nothing for it."""
        return bool(self.derived_from)

    @property
    def unit(self) -> str:
        """Unit of its value; a sum has that of what it adds, and `""` here."""
        return self.intensity_unit if self.quantity == "intensity" else _UNITS.get(self.quantity, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a rating.

    Attributes
    ----------
    value : int
        The number stored in readings.
    title : str
        For people.
    definition : str
        When to choose it.
    code : Code or None
        What it means in coded terms.
    """

    value: int
    title: Text
    definition: str = ""
    code: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(ItemBase):
    """A choice among numbered, described levels.

    Attributes
    ----------
    kind : str
        Always `rating`.
    scale : str
        `ordinal` when the levels follow each other, `nominal` when the numbers are only names.
    levels : list of Level
        The levels, by rising value; at least two.
    """

    kind: Literal["rating"] = "rating"
    scale: Literal["ordinal", "nominal"] = "ordinal"
    levels: Annotated[tuple[Level, ...], Length(2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer(ItemBase):
    """Words of the reader.

    Attributes
    ----------
    kind : str
        Always `text`.
    multiline : bool
        Whether it may have several lines.
    max_length : int or None
        Largest number of characters.
    """

    kind: Literal["text"] = "text"
    multiline: bool = field(default=False, metadata=PRESENTATION)
    max_length: Count | None = None


Item = Classification | Segmentation | Box | Polygon | Landmarks | Measurement | Rating | TextAnswer

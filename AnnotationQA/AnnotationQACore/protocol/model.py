"""The labeling protocol: what is labeled, how, by whom, and when readers agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from AnnotationQACore.canonical import canonical_hash
from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.conditions import AllOf, AnyOf, Comparison, Condition, condition_holds
from AnnotationQACore.protocol.constraints import PRESENTATION, Length, Pattern, Slug, Text
from AnnotationQACore.protocol.design import Agreement, Blinding, Statistic, StudyDesign
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.imaging import Imaging, NamedFrame, SeriesRole, View, WindowPreset
from AnnotationQACore.protocol.items import (
    PRESENCE_CHOICES,
    Box,
    Choice,
    Classification,
    Codes,
    DrawnItem,
    EdgeCase,
    ExamplePicture,
    Item,
    LandmarkPoint,
    Landmarks,
    Level,
    Measurement,
    Polygon,
    Rating,
    Scope,
    Segmentation,
    TextAnswer,
)
from AnnotationQACore.protocol.limits import Inside, LandmarkLimits, Limit, MeasurementLimits, RegionLimits
from AnnotationQACore.protocol.terminology import Code

__all__ = [
    "PRESENCE_CHOICES",
    "Agreement",
    "AllOf",
    "AnyOf",
    "Blinding",
    "Box",
    "Choice",
    "Classification",
    "Code",
    "Codes",
    "Comparison",
    "Condition",
    "DrawnItem",
    "EdgeCase",
    "ExamplePicture",
    "Group",
    "Imaging",
    "Inside",
    "Item",
    "LandmarkLimits",
    "LandmarkPoint",
    "Landmarks",
    "Level",
    "Limit",
    "Measurement",
    "MeasurementLimits",
    "NamedFrame",
    "Polygon",
    "Protocol",
    "Rating",
    "RegionLimits",
    "Scope",
    "Segmentation",
    "SeriesRole",
    "Statistic",
    "StudyDesign",
    "TextAnswer",
    "View",
    "WindowPreset",
    "condition_holds",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items that the form shows together.

    Attributes
    ----------
    id : str
        Stable identifier; items refer to it.
    title : str
        For people.
    description : str
        What the group is about.
    """

    id: Slug
    title: Text
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The written, versioned definition of what is labeled and how.

    Attributes
    ----------
    id : str
        Stable identifier, the same in all versions.
    title : str
        For people.
    version : str
        MAJOR.MINOR.PATCH: a new MAJOR when answers mean something else, MINOR when something is added, PATCH when only
        help or looks changed.
    change_note : str
        What changed since the version before, and why.
    purpose : str
        What the labels are for.
    clinical_decision : str
        The decision about a patient that the labels support.
    authors : list of str
        Who wrote it.
    references : list of str
        Publications and guidelines that it follows.
    imaging : Imaging
        The images that make a case.
    design : StudyDesign
        How the cases are read.
    windows : list of WindowPreset
        Window presets that views refer to; the reader can choose among all of them.
    view : View
        How images are shown unless an item says otherwise.
    groups : list of Group
        Groups of the form, in their order.
    items : list of Item
        What is asked for, in the order of the form.
    """

    id: Slug
    title: Text
    version: Annotated[
        str, Pattern(r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$", "three numbers such as 1.0.0")
    ]
    change_note: Text
    purpose: Text
    clinical_decision: Text
    authors: tuple[Text, ...] = field(default=(), metadata=PRESENTATION)
    references: tuple[Text, ...] = field(default=(), metadata=PRESENTATION)
    imaging: Imaging
    design: StudyDesign
    windows: tuple[WindowPreset, ...] = field(default=(), metadata=PRESENTATION)
    view: View = field(default_factory=View, metadata=PRESENTATION)
    groups: tuple[Group, ...] = field(default=(), metadata=PRESENTATION)
    items: Annotated[tuple[Item, ...], Length(1)]

    @property
    def hash(self) -> str:
        """SHA-256 in hexadecimal that identifies this protocol everywhere.

        It is the canonical hash (`canonical.canonical_hash`) of the normalized document: fields that equal their
        default are left out, example pictures are embedded, `$schema` is dropped, whole numbers have no fraction. So it
        does not depend on white space, the order of keys, how numbers and characters are spelt, whether a default is
        written out, or on fields that a later version of this software adds. Everything else counts: version, change
        note, order of lists, wording and looks.
        """
        return canonical_hash(to_document(self))

    def item(self, item_id: str) -> Item:
        """The item of this ID; raises `InputError` when there is none."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise InputError(f"protocol '{self.id}' {self.version}: no item '{item_id}'; it has {self.item_ids}.")

    @property
    def item_ids(self) -> tuple[str, ...]:
        """IDs of all items, in the order of the form."""
        return tuple(item.id for item in self.items)

    @property
    def segmentations(self) -> tuple[Segmentation, ...]:
        """All segmentations, in the order of the form."""
        return tuple(item for item in self.items if isinstance(item, Segmentation))

    def per_instance(self, item_id: str) -> Iterator[Item]:
        """Items that are asked for each instance of an item, in the order of the form."""
        return (item for item in self.items if item.scope.level == "instance" and item.scope.of == item_id)

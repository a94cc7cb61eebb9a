"""Layouts with the readers side by side, as Slicer's layout manager takes them: XML, and which view shows whom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.wording import worded

__all__ = ["LAYOUT_ID", "MOST_SOURCES", "OVERLAID", "Pane", "ReviewLayout", "ThreeD", "add_layout", "review_layout"]

LAYOUT_ID = 8207
"""Number of the review's layout in Slicer; one number, whose description is replaced."""

VIEW_GROUP = 8207
"""View group of all views of a review, so that they are linked with each other and with no other view."""

MOST_SOURCES = 7
"""Six readers and the result."""

OVERLAID = "overlaid"
"""Source of the 3D view in which everything is laid over each other."""

ThreeD = Literal["none", "each", "overlaid"]

_ORIENTATIONS = ("Axial", "Coronal", "Sagittal")
_COLORS = ("#F34A33", "#6EB04B", "#4A90D9", "#EDD54C", "#B36AE2", "#E28A3C", "#9AA5B1")


@dataclass(frozen=True, slots=True)
class Pane:
    """One view of the layout.

    Attributes
    ----------
    tag : str
        Singleton tag and layout name of its view node.
    source : str
        Whom it shows: a reader, the result, or `OVERLAID`.
    label : str
        Name of the source as the reviewer sees it.
    orientation : str
        ``Axial``, ``Coronal``, ``Sagittal``, or empty for a 3D view.
    color : str
        Of the view's bar, the same for all views of a source.
    """

    tag: str
    source: str
    label: str
    orientation: str
    color: str

    @property
    def is_slice(self) -> bool:
        """Whether it is a slice view."""
        return bool(self.orientation)

    def xml(self) -> str:
        """Element of the layout's description."""
        label = escape(self.label, {'"': "&quot;"})
        if not self.is_slice:
            return (
                f'<item><view class="vtkMRMLViewNode" singletontag="{self.tag}">'
                f'<property name="viewlabel" action="default">{label}</property>'
                f'<property name="viewgroup" action="default">{VIEW_GROUP}</property></view></item>'
            )
        return (
            f'<item><view class="vtkMRMLSliceNode" singletontag="{self.tag}">'
            f'<property name="orientation" action="default">{self.orientation}</property>'
            f'<property name="viewlabel" action="default">{label}</property>'
            f'<property name="viewcolor" action="default">{self.color}</property>'
            f'<property name="viewgroup" action="default">{VIEW_GROUP}</property></view></item>'
        )


@dataclass(frozen=True, slots=True)
class ReviewLayout:
    """Views in rows.

    Attributes
    ----------
    rows : tuple of tuples of Pane
    """

    rows: tuple[tuple[Pane, ...], ...]

    @property
    def panes(self) -> tuple[Pane, ...]:
        """All views, row by row."""
        return tuple(pane for row in self.rows for pane in row)

    def xml(self) -> str:
        """Description for `vtkMRMLLayoutNode`."""
        rows = "".join(
            f'<item><layout type="horizontal" split="true">{"".join(pane.xml() for pane in row)}</layout></item>'
            for row in self.rows
        )
        return f'<layout type="vertical" split="true">{rows}</layout>'


def review_layout(
    sources: Mapping[str, str],
    planes: Literal[1, 3] = 1,
    three_d: ThreeD = "none",
    orientation: str = "Axial",
) -> ReviewLayout:
    """Lay out a view, or a row of three planes, for each source.

    Parameters
    ----------
    sources : mapping of source to label
        Readers, and the result if it is to be shown; one to seven.
    planes : int
        1 for one plane each, in as many rows as make the views nearly square; 3 for a row of planes each.
    three_d : {"none", "each", "overlaid"}
        A 3D view for each source, or one for all.
    orientation : str
        Of the single plane.

    Raises
    ------
    InputError
        There is no source, or more than fit.
    """
    if not 1 <= len(sources) <= MOST_SOURCES:
        raise InputError(
            worded(
                "review: {number} readings side by side; choose one to six, and the result if wished.",
                number=len(sources),
            )
        )
    if planes not in (1, 3) or orientation not in _ORIENTATIONS:
        raise InputError(worded("review: a layout has 1 or 3 planes, of {planes}.", planes=", ".join(_ORIENTATIONS)))
    wanted = _ORIENTATIONS if planes == 3 else (orientation,)
    groups = []
    for number, (source, label) in enumerate(sources.items()):
        color = _COLORS[number % len(_COLORS)]
        group = [Pane(f"Review{number + 1}{plane}", source, label, plane, color) for plane in wanted]
        if three_d == "each":
            group.append(Pane(f"Review{number + 1}3D", source, label, "", color))
        groups.append(tuple(group))
    rows = groups if planes == 3 else _grid(groups)
    if three_d == "overlaid":
        pane = Pane("ReviewOverlaid3D", OVERLAID, "All readings", "", "#9AA5B1")
        rows = [*rows[:-1], (*rows[-1], pane)]
    return ReviewLayout(tuple(rows))


def add_layout(layout_node: slicer.vtkMRMLLayoutNode, layout: ReviewLayout) -> int:
    """Put a layout into the layout node and choose it; returns its number."""
    description = layout.xml()
    if layout_node.IsLayoutDescription(LAYOUT_ID):
        layout_node.SetLayoutDescription(LAYOUT_ID, description)
    else:
        layout_node.AddLayoutDescription(LAYOUT_ID, description)
    layout_node.SetViewArrangement(LAYOUT_ID)
    return LAYOUT_ID


def _grid(groups: Sequence[tuple[Pane, ...]]) -> list[tuple[Pane, ...]]:
    """Nearly square rows; what belongs to one source stays together."""
    columns = len(groups) if len(groups) <= 3 else math.ceil(math.sqrt(len(groups)))
    return [
        tuple(pane for group in groups[start : start + columns] for pane in group)
        for start in range(0, len(groups), columns)
    ]

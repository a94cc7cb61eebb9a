"""Segmentations that another module has put into the scene, such as that of a model, as a start of the reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.seg_nrrd import write_seg_nrrd
from AnnotationQACore.project.answers import segment_id
from AnnotationQACore.project.kept_drafts import kept_folder
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.case_images import CASE_ATTRIBUTE
from AnnotationQALib.logic.segmentations import segmentation_from_node

__all__ = [
    "UNNAMED",
    "MatchedSegments",
    "discard_start",
    "keep_start",
    "kept_start",
    "matched_segments",
    "other_segmentations",
]

UNNAMED = "segmentation of the scene"
"""What a reading was started from, when nobody knows which module has made it."""


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSegments:
    """Segments of the protocol that another segmentation has, under the protocol's IDs.

    Attributes
    ----------
    segmentation : Segmentation
    others : tuple of str
        Names of the segments that are not of the protocol.
    """

    segmentation: Segmentation
    others: tuple[str, ...]


def other_segmentations(scene: slicer.vtkMRMLScene) -> tuple[slicer.vtkMRMLSegmentationNode, ...]:
    """Segmentation nodes that belong to no reading."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    nodes = [scene.GetNthNodeByClass(index, "vtkMRMLSegmentationNode") for index in range(count)]
    return tuple(node for node in nodes if node.GetAttribute(CASE_ATTRIBUTE) is None and not node.GetHideFromEditors())


def matched_segments(node: slicer.vtkMRMLSegmentationNode, protocol: Protocol, grid: Grid) -> MatchedSegments:
    """Take from a segmentation the segments that the protocol asks for.

    A segment is matched by its ID, else its name, else its codes. Of an item with instances every match is an instance,
    numbered in the order of the segments; of others the first one counts.

    Raises
    ------
    InputError
        It lies on another geometry than the image, or no segment is of the protocol.
    """
    found = segmentation_from_node(node, grid)
    items = [item for item in protocol.segmentations if not item.composed]
    taken: dict[str, int] = {}
    kept, others = [], []
    for segment in found.segments:
        item = _item_of(segment, items)
        if item is None or (taken.get(item.id) and not item.instances):
            others.append(segment.name)
            continue
        taken[item.id] = taken.get(item.id, 0) + 1
        number = taken[item.id] if item.instances else None
        title = item.title if number is None else f"{item.title} {number}"
        kept.append(
            replace(
                segment,
                id=segment_id(item.id, number),
                name=title,
                color=item.rgb,
                category=item.codes.category,
                type=item.codes.type,
                type_modifier=item.codes.type_modifier,
                region=item.codes.region,
                region_modifier=item.codes.region_modifier or item.codes.laterality,
            )
        )
    if not kept:
        wanted = ", ".join(item.title for item in items)
        raise InputError(
            worded(
                "segmentation: no segment is called as the protocol says ({wanted}); rename its segments.",
                wanted=wanted,
            )
        )
    return MatchedSegments(Segmentation(found.layers, found.grid, tuple(kept)), tuple(others))


def keep_start(project_id: str, case: str, reader: str, round_number: int, segmentation: Segmentation) -> None:
    """Keep on this computer what a reading was started from, so that changed voxels can be counted on later days."""
    path = _kept_file(project_id, case, reader, round_number)
    make_folder(path.parent)
    write_seg_nrrd(path, segmentation)


def kept_start(project_id: str, case: str, reader: str, round_number: int) -> Segmentation | None:
    """What `keep_start` has kept; None when it is not on this computer."""
    path = _kept_file(project_id, case, reader, round_number)
    return read_segmentation(path) if path.is_file() else None


def discard_start(project_id: str, case: str, reader: str, round_number: int) -> None:
    """Remove what `keep_start` has kept, such as after submitting."""
    _kept_file(project_id, case, reader, round_number).unlink(missing_ok=True)


def _kept_file(project_id: str, case: str, reader: str, round_number: int) -> Path:
    return kept_folder(project_id) / "starts" / f"{case}.{reader}.{round_number}.seg.nrrd"


def _item_of(segment: Segment, items: list[SegmentationItem]) -> SegmentationItem | None:
    name = segment.id.partition("#")[0].casefold()
    title = segment.name.casefold().strip()
    by_id = next((item for item in items if item.id.casefold() == name), None)
    by_title = next((item for item in items if title in (item.title.casefold(), item.id.casefold())), None)
    return by_id or by_title or next((item for item in items if _same_codes(segment, item)), None)


def _same_codes(segment: Segment, item: SegmentationItem) -> bool:
    if segment.type is None or item.codes.type is None:
        return False
    ours: Mapping[str, object] = {
        "type": item.codes.type,
        "type_modifier": item.codes.type_modifier,
        "region": item.codes.region,
        "region_modifier": item.codes.region_modifier or item.codes.laterality,
    }
    return all(_code(getattr(segment, name)) == _code(code) for name, code in ours.items())


def _code(code: object) -> tuple[str, str] | None:
    return None if code is None else (getattr(code, "scheme", ""), getattr(code, "value", ""))

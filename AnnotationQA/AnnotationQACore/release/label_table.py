"""Which label stands for which segment, after merging by the protocol's hierarchy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.labels import smallest_unsigned
from AnnotationQACore.protocol.items import Segmentation as SegmentationItem
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.options import Labels
from AnnotationQACore.segmentation import BoolArray, LabelArray, Segmentation

__all__ = ["Label", "LabelTable", "instance_maps", "label_layers", "label_table", "shared_voxels"]


@dataclass(frozen=True, slots=True)
class Label:
    """One label of the released label images.

    Attributes
    ----------
    item : SegmentationItem
        What it is called, its colour and codes.
    value : int
    members : tuple of str
        IDs of the segmentations of the protocol of which it is made, itself among them unless it is composed.
    """

    item: SegmentationItem
    value: int
    members: tuple[str, ...]

    @property
    def id(self) -> str:
        """ID of its item."""
        return self.item.id


@dataclass(frozen=True, slots=True)
class LabelTable:
    """All labels, in the order of the protocol, and the IDs of all its segmentations."""

    labels: tuple[Label, ...]
    known: frozenset[str]

    def of_item(self, item_id: str) -> Label | None:
        """The label to which an item's voxels go; None when they are not released."""
        return next((label for label in self.labels if item_id in label.members), None)

    @property
    def values(self) -> Mapping[str, int]:
        """Value of each label by its ID."""
        return {label.id: label.value for label in self.labels}


def label_table(protocol: Protocol, options: Labels, *, consecutive: bool = False) -> LabelTable:
    """Labels that the options ask for.

    Parameters
    ----------
    protocol : Protocol
    options : Labels
    consecutive : bool
        Number them from 1 in any case, for a format that asks for it.

    Raises
    ------
    InputError
        The options name what is no segmentation of the protocol, merge twice, or give two labels one value.
    """
    items = {item.id: item for item in protocol.segmentations}
    _check_names(protocol, options, items)
    targets = {item_id: _target(item_id, items, options.merge_into) for item_id in items}
    chosen = set(options.items) or set(items)
    made = []
    for target in dict.fromkeys(targets[item_id] for item_id in items):
        drawn = [m for m in items if targets[m] == target and not items[m].composed]
        members = tuple(m for m in drawn if target in chosen or m in chosen)
        if members:
            made.append((items[target], members))
    own = {entry.item: entry.value for entry in options.values}
    labels = [
        Label(item, place if consecutive or options.consecutive else own.get(item.id, item.label_value), members)
        for place, (item, members) in enumerate(sorted(made, key=lambda one: list(items).index(one[0].id)), start=1)
    ]
    _check_values(labels)
    return LabelTable(tuple(labels), frozenset(items))


def label_layers(segmentation: Segmentation, table: LabelTable, *, layered: bool, case: str) -> LabelArray:
    """Label images of a segmentation, shape (layer, k, j, i).

    Parameters
    ----------
    segmentation : Segmentation
        Segments are named ``item`` or ``item#N``.
    table : LabelTable
    layered : bool
        Whether every label has a layer of its own, in the order of the table; else there is one layer.
    case : str
        For messages.

    Raises
    ------
    InputError
        Labels share voxels and there is one layer only, or a segment belongs to no item of the protocol.
    """
    masks = _masks(segmentation, table, case)
    dtype = smallest_unsigned(max((label.value for label in table.labels), default=1))
    result = np.zeros((len(table.labels) if layered else 1, *segmentation.grid.shape), dtype)
    if not layered and (pairs := _shared(masks)):
        raise InputError(overlap_problem(case, pairs))
    for place, label in enumerate(table.labels):
        if label.id in masks:
            result[place if layered else 0][masks[label.id]] = label.value
    return result


def shared_voxels(segmentation: Segmentation, table: LabelTable, case: str) -> list[tuple[str, str]]:
    """Pairs of labels that share a voxel."""
    return _shared(_masks(segmentation, table, case))


def overlap_problem(case: str, pairs: Sequence[tuple[str, str]], *, has_layers: bool = True) -> str:
    """One line about labels that share voxels; `has_layers` says whether the format knows layers at all."""
    first, second = pairs[0]
    more = f" and {len(pairs) - 1} more pairs" if len(pairs) > 1 else ""
    remedy = "write layers (labels.overlaps), " if has_layers else ""
    return (
        f"case {case}: '{first}' and '{second}'{more} share voxels, which one label image cannot hold; {remedy}"
        "merge them (labels.merge_into) or leave one out (labels.items)."
    )


def instance_maps(segmentation: Segmentation, table: LabelTable, case: str) -> dict[str, LabelArray]:
    """For each released item with instances the number of the instance in each voxel, shape (k, j, i); 0 elsewhere.

    Raises
    ------
    InputError
        Two instances of an item share a voxel.
    """
    found: dict[str, LabelArray] = {}
    for segment in segmentation.segments:
        item, _, number = segment.id.partition("#")
        if not number.isdigit() or table.of_item(item) is None:
            continue
        mask = segmentation.layers[segment.layer] == segment.value
        numbered = found.setdefault(item, np.zeros(segmentation.grid.shape, np.uint16))
        if taken := int(numbered[mask].max(initial=0)):
            raise InputError(
                f"case {case}: '{item}#{taken}' and '{segment.id}' share voxels, which one image of instances cannot "
                "hold; use the format dicom or coco, or correct the reading."
            )
        numbered[mask] = int(number)
    return {item: numbered for item, numbered in found.items() if numbered.any()}


def _masks(segmentation: Segmentation, table: LabelTable, case: str) -> dict[str, BoolArray]:
    """Voxels of each label that has a segment, instances united."""
    masks: dict[str, BoolArray] = {}
    for segment in segmentation.segments:
        item = segment.id.partition("#")[0]
        if item not in table.known:
            raise InputError(
                f"case {case}: segment '{segment.id[:60]}' is none of the protocol's; correct the reading, so that "
                "nothing is dropped in silence."
            )
        label = table.of_item(item)
        if label is None:
            continue
        voxels = segmentation.layers[segment.layer] == segment.value
        masks[label.id] = masks[label.id] | voxels if label.id in masks else voxels
    return masks


def _shared(masks: Mapping[str, BoolArray]) -> list[tuple[str, str]]:
    names = list(masks)
    return [
        (first, second)
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if (masks[first] & masks[second]).any()
    ]


def _target(item_id: str, items: Mapping[str, SegmentationItem], merge_into: Sequence[str]) -> str:
    """The highest item above (or at) this one into which is merged; else the item itself."""
    target, at, seen = item_id, item_id, {item_id}
    while (parent := items[at].parent) in items and parent not in seen:
        assert parent is not None  # noqa: S101 - it is a key of `items`
        at = parent
        seen.add(at)
        if at in merge_into:
            target = at
    return target


def _check_names(protocol: Protocol, options: Labels, items: Mapping[str, SegmentationItem]) -> None:
    named = [
        *((f"labels.items[{n}]", item) for n, item in enumerate(options.items)),
        *((f"labels.merge_into[{n}]", item) for n, item in enumerate(options.merge_into)),
        *((f"labels.values[{n}].item", entry.item) for n, entry in enumerate(options.values)),
    ]
    for path, item in named:
        if item not in items:
            known = ", ".join(items) or "none"
            raise InputError(
                f"export options: {path}: '{item}' is no segmentation of protocol '{protocol.id}'; it has {known}."
            )
    for place, item in enumerate(options.merge_into):
        if not any(other.parent == item for other in items.values()):
            raise InputError(
                f"export options: labels.merge_into[{place}]: nothing is below '{item}' in the protocol; leave it out."
            )


def _check_values(labels: Sequence[Label]) -> None:
    seen: dict[int, str] = {}
    for label in labels:
        if label.value in seen:
            raise InputError(
                f"export options: labels.values: '{seen[label.value]}' and '{label.id}' both have the value "
                f"{label.value}; give each its own."
            )
        seen[label.value] = label.id

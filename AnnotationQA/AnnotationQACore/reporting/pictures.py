"""Cuts out the slice on which the readers of a case differ most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.evaluation.case_images import CaseImage
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import ItemAgreement
from AnnotationQACore.evaluation.segmentation_items import item_labels
from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.imaging import WindowPreset
from AnnotationQACore.protocol.items import Segmentation
from AnnotationQACore.segmentation import BoolArray, LabelArray

__all__ = ["SlicePicture", "pictures_of"]

MARGIN_MM = 5.0

Region = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class SlicePicture:
    """The slice of one structure on which readers differ most.

    Attributes
    ----------
    lesion : int or None
        Number of the lesion; None where the item has no instances.
    masks : mapping of str to bool array, shape (j, i)
        What each reader marked, cropped to the structure and a margin; empty of readers who drew nothing.
    spacing : (float, float)
        Of rows and columns in mm.
    position : float
        Of the slice along its normal, mm.
    axis : str
        What grows along the normal: ``S``, ``L`` or ``P`` (superior, left, posterior).
    sides : tuple of 4 str
        What lies at the left, right, top and bottom of the picture: ``R``, ``L``, ``A``, ``P``, ``I`` or ``S``.
    differing_mm2 : float
        Area that some but not all readers marked.
    image : uint8 array, shape (j, i), or None
        Grey levels of what lies beneath; None where the images are not at hand.
    image_name : str
        What the series says it is.
    """

    lesion: int | None
    masks: Mapping[str, BoolArray]
    spacing: tuple[float, float]
    position: float
    axis: str
    sides: tuple[str, str, str, str]
    differing_mm2: float
    image: NDArray[np.uint8] | None = None
    image_name: str = ""


def pictures_of(
    item: Segmentation,
    agreement: ItemAgreement,
    case: CaseReadings,
    image: CaseImage | None = None,
    window: WindowPreset | None = None,
) -> Iterator[SlicePicture]:
    """Pictures of a segmentation item: one of each lesion, or of the whole structure.

    `agreement` and `case` name the readers alike.
    """
    grid = next((one.grid for one in case.segmentations.values()), None)
    if grid is None:
        return
    from scipy import ndimage  # slow to load, and reports of ratings have no pictures

    labels = {name: item_labels(case.segmentations.get(name), item.id, grid) for name in agreement.readers}
    places = {name: ndimage.find_objects(array) for name, array in labels.items()}
    lesions: Sequence[tuple[int | None, Mapping[str, int]]] = (
        [(lesion.number, lesion.members) for lesion in agreement.instances]
        if item.instances
        else [(None, {name: 1 for name, found in places.items() if found})]
    )
    for number, members in lesions:
        boxes = [box for name, own in members.items() if (box := places[name][own - 1]) is not None]
        if boxes:
            yield _picture(number, members, labels, _union(boxes), grid, image, window)


def _picture(
    number: int | None,
    members: Mapping[str, int],
    labels: Mapping[str, LabelArray],
    box: Region,
    grid: Grid,
    image: CaseImage | None,
    window: WindowPreset | None,
) -> SlicePicture:
    region = _with_margin(box, grid)
    masks = {
        name: array[region] == members[name] if name in members else np.zeros_like(array[region], dtype=bool)
        for name, array in labels.items()
    }
    votes = np.sum(list(masks.values()), axis=0)
    differing = ((votes > 0) & (votes < len(masks))).sum(axis=(1, 2))
    k = int(differing.argmax() if differing.any() else votes.sum(axis=(1, 2)).argmax())
    normal = np.array(grid.directions[0])
    main = int(np.abs(normal).argmax())
    centre = grid.to_world([region[0].start + k, grid.shape[1] / 2, grid.shape[2] / 2])
    first = region[0].start + k
    shown = grid.cropped((slice(first, first + 1), region[1], region[2]))
    return SlicePicture(
        lesion=number,
        masks={name: mask[k] for name, mask in masks.items()},
        spacing=(grid.spacing[1], grid.spacing[2]),
        position=float(centre[main]),
        axis="LPS"[main],
        sides=(*_sides(grid.directions[2]), *_sides(grid.directions[1])),
        differing_mm2=float(differing[k]) * grid.spacing[1] * grid.spacing[2],
        image=None if image is None else image.slice_on(shown, window),
        image_name="" if image is None else image.description,
    )


def _union(boxes: Sequence[Region]) -> Region:
    first, second, third = (
        slice(min(box[axis].start for box in boxes), max(box[axis].stop for box in boxes)) for axis in range(3)
    )
    return first, second, third


def _with_margin(box: Region, grid: Grid) -> Region:
    """The same slices, and a margin within them."""
    in_plane = []
    for axis in (1, 2):
        margin = round(MARGIN_MM / grid.spacing[axis])
        in_plane.append(slice(max(box[axis].start - margin, 0), min(box[axis].stop + margin, grid.shape[axis])))
    return box[0], in_plane[0], in_plane[1]


def _sides(direction: Sequence[float]) -> tuple[str, str]:
    """Where an axis comes from and where it goes, in the patient."""
    axis = int(np.abs(np.array(direction)).argmax())
    ends = ("R", "L"), ("A", "P"), ("I", "S")
    low, high = ends[axis]
    return (low, high) if direction[axis] > 0 else (high, low)

"""Masks and outlines of a COCO file on the slices of a series, as segments on its grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.answer_coco import image_of_name
from AnnotationQACore.interchange.case_images import CaseImages
from AnnotationQACore.interchange.coco import CocoAnnotation
from AnnotationQACore.interchange.labels import smallest_unsigned
from AnnotationQACore.interchange.matching import as_in_protocol, plain_words
from AnnotationQACore.protocol.model import Protocol, Segmentation
from AnnotationQACore.segmentation import BoolArray, Segment
from AnnotationQACore.segmentation import Segmentation as Segments

__all__ = ["coco_segments", "segmentation_named"]


def segmentation_named(category: str, protocol: Protocol, mapping: Mapping[str, str]) -> Segmentation | None:
    """The segmentation of the protocol that a category names by ID, title or synonym; None unless it is one."""
    name = plain_words(mapping.get(category, category))
    found = [i for i in protocol.segmentations if name in {plain_words(text) for text in (i.id, i.title, *i.synonyms)}]
    return found[0] if len(found) == 1 else None


def coco_segments(
    annotations: Sequence[CocoAnnotation], protocol: Protocol, images: CaseImages, mapping: Mapping[str, str]
) -> tuple[Segments | None, list[str]]:
    """Segments drawn on slices, each in a layer of its own, and one line for each annotation that lies on no slice.

    Parameters
    ----------
    annotations : sequence of CocoAnnotation
        Those whose category is a segmentation of the protocol; on images named by SOP Instance UID.
    protocol : Protocol
    images : CaseImages
    mapping : mapping of str to str
        Item ID for the name of a category.

    Raises
    ------
    InputError
        The images are not at hand, or make no regular volume.
    """
    if not annotations:
        return None, []
    places = images.places()
    role = next((p.role for a in annotations if (p := places.get(_key(a))) is not None), None)
    series = (images.of_role(role) if role else None) or images.main
    grid = series.images.grid
    if grid is None:
        raise InputError("its images make no regular volume, so masks on them are no segments.")
    masks: dict[str, BoolArray] = {}
    named: dict[str, tuple[Segmentation, int | None]] = {}
    mismatches: list[str] = []
    for number, one in enumerate(annotations, start=1):
        place = places.get(_key(one))
        item = segmentation_named(one.category, protocol, mapping)
        if place is None or place.slice is None or place.role != series.role or item is None:
            mismatches.append(f"mask {number}: lies on no slice of the images of the case, known by their UIDs.")
            continue
        if (one.image.height, one.image.width) != grid.shape[1:]:
            mismatches.append(f"mask {number}: its image has another size than the slice.")
            continue
        instance = (one.instance or 1) if item.instances else None
        segment_id = f"{item.id}#{instance}" if instance else item.id
        named[segment_id] = item, instance
        masks.setdefault(segment_id, np.zeros(grid.shape, bool))[place.slice] |= one.pixels()
    if not masks:
        return None, mismatches
    layers = np.zeros((len(masks), *grid.shape), smallest_unsigned(max(item.label_value for item, _ in named.values())))
    segments = []
    for layer, (segment_id, mask) in enumerate(masks.items()):
        item, instance = named[segment_id]
        layers[layer][mask] = item.label_value
        plain = Segment(segment_id, item.title, item.label_value, layer)
        segments.append(as_in_protocol(plain, item, instance))
    return Segments(layers, grid, tuple(segments)), mismatches


def _key(one: CocoAnnotation) -> tuple[str, int | None]:
    return image_of_name(one.image.file_name) or ("", None)

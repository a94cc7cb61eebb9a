"""What a reading draws on images, and its segments slice by slice, as COCO annotations.

Images are named by their SOP Instance UID, because names of image files need not be unique and may identify a patient:
``<uid>.dcm``, or ``<uid>_frame-3.dcm`` for a frame. The way back is `coco_segments` and `matching_objects.match_coco`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.case_images import CaseImages, ImagePlace
from AnnotationQACore.interchange.coco import CocoAnnotation, CocoImage
from AnnotationQACore.interchange.left_out import LeftOut
from AnnotationQACore.interchange.placement import placed_on
from AnnotationQACore.project.readings import Answer, BoxValue, PolygonValue
from AnnotationQACore.protocol.model import Polygon, Protocol
from AnnotationQACore.segmentation import Segmentation

__all__ = ["answer_annotations", "image_name", "image_of_name", "segment_annotations"]

_NAME = re.compile(r"([0-9.]{3,64})(?:_frame-([1-9]\d*))?(?:\.\w+)?")


def image_name(uid: str, frame: int | None) -> str:
    """File name by which a COCO file of ours knows an image."""
    return f"{uid}_frame-{frame}.dcm" if frame else f"{uid}.dcm"


def image_of_name(name: str) -> tuple[str, int | None] | None:
    """SOP Instance UID and frame in a file name; None when it is no name by UID."""
    match = _NAME.fullmatch(name.replace("\\", "/").rpartition("/")[2])
    return (match[1].rstrip("."), int(match[2]) if match[2] else None) if match else None


def answer_annotations(
    answers: Sequence[Answer], protocol: Protocol, images: CaseImages
) -> tuple[list[CocoAnnotation], tuple[str, ...]]:
    """Boxes and outlines on images, and one line for each answer that COCO cannot hold."""
    annotations, left_out = [], LeftOut()
    places = images.places()
    for answer in answers:
        try:
            annotations.append(_annotation(answer, protocol, images, places))
        except InputError as error:
            drawn = isinstance(answer.value, BoxValue | PolygonValue)
            left_out.add(answer.segment_id if drawn else answer.item, str(error))
    return annotations, left_out.lines()


def segment_annotations(segmentation: Segmentation, images: CaseImages) -> list[CocoAnnotation]:
    """Masks of all segments on all images that they touch.

    Raises
    ------
    InputError
        The images are not at hand, or make no regular volume.
    GridMismatch
        The segmentation does not lie on their grid.
    """
    series = images.on_lattice(segmentation.grid)
    if series.images.grid is None:
        raise InputError("its images make no regular volume, so its segments lie on no image of theirs.")
    placed = placed_on(segmentation, series.images.grid)
    annotations = []
    for segment in placed.segments:
        item, _, number = segment.id.partition("#")
        mask = placed.mask(segment.id).voxels
        for k in np.flatnonzero(mask.any(axis=(1, 2))).tolist():
            frame = series.images.frames[k]
            name = image_name(str(frame.header.SOPInstanceUID), frame.number)
            image = CocoImage(name, mask.shape[2], mask.shape[1])
            instance = int(number) if number else None
            annotations.append(CocoAnnotation(image, item, mask=mask[k], instance=instance))
    return annotations


def _annotation(
    answer: Answer, protocol: Protocol, images: CaseImages, places: Mapping[tuple[str, int | None], ImagePlace]
) -> CocoAnnotation:
    value, subject = answer.value, answer.subject
    first = value.center if isinstance(value, BoxValue) else value.points[0] if isinstance(value, PolygonValue) else ()
    if not isinstance(value, BoxValue | PolygonValue) or len(first) != 2:
        raise InputError("no box or outline on an image.")
    series = images.of_role(subject.series or images.reference)
    uid = subject.image or (series.single_image if series else None)
    place = places.get((uid, subject.frame)) if uid else None
    if uid is None or place is None:
        raise InputError("lies on an image that is not at hand; name its folder with --images.")
    image = CocoImage(image_name(uid, subject.frame), place.columns, place.rows)
    if isinstance(value, PolygonValue):
        item = protocol.item(answer.item)
        if isinstance(item, Polygon) and not item.closed:
            raise InputError("is an open line, which COCO does not have.")
        outline = tuple((x, y) for x, y in value.points)
        return CocoAnnotation(image, answer.item, None, (outline,), instance=subject.instance)
    if value.directions and not np.allclose(np.abs(value.directions), np.eye(2)):
        raise InputError("is turned, which boxes of COCO are not.")
    (x, y), (width, height) = value.center, value.size
    box = (x - width / 2, y - height / 2, width, height)
    return CocoAnnotation(image, answer.item, box, instance=subject.instance)

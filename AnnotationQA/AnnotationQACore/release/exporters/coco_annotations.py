"""What a reading has on the pictures of a case, as COCO annotations without numbers of images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from AnnotationQACore.interchange.coco import encode_runs
from AnnotationQACore.interchange.contours import fill
from AnnotationQACore.project.answers import Answer, BoxValue, LandmarksValue, Point, PolygonValue, Subject
from AnnotationQACore.protocol.items import DrawnItem, Landmarks
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporters.pictures import CasePictures, Picture
from AnnotationQACore.release.label_table import LabelTable
from AnnotationQACore.release.preparation import PreparedReading
from AnnotationQACore.segmentation import BoolArray

__all__ = ["case_annotations", "left_out"]

_HALF = 0.5
Placed = tuple[Picture, list[tuple[float, float]]]


def case_annotations(
    one: PreparedReading,
    made: CasePictures,
    protocol: Protocol,
    table: LabelTable,
    categories: Mapping[str, int],
) -> Iterator[dict[str, Any]]:
    """Annotations of a reading, each with ``role`` and ``number`` of its picture.

    A structure gives one annotation on every slice that it meets, with its 3D instance as ``instance``. Boxes and
    landmarks in space stand on the slices that they meet, outlines on the slice nearest to them.
    """
    reference = protocol.imaging.reference_series
    first = next(iter(made.pictures))
    for segment_id, voxels in one.segments.items():
        item_id, _, number = segment_id.partition("#")
        label = table.of_item(item_id)
        if label is None:
            continue
        item = protocol.item(item_id)
        role = (item.series if isinstance(item, DrawnItem) else None) or reference
        role = role if role in made.pictures else first
        for k in np.flatnonzero(voxels.any(axis=(1, 2))).tolist():
            common = _common(role, k, categories[label.id], segment_id, number)
            yield common | _mask(voxels[k])
    for answer in one.reading.answers:
        if answer.item in categories:
            yield from _drawn(answer, made, protocol, categories[answer.item])


def left_out(
    one: PreparedReading, annotations: Sequence[Mapping[str, Any]], categories: Mapping[str, int]
) -> Iterator[str]:
    """One line for each shape that lies on none of the pictures, such as outside of a crop."""
    points: dict[str, int] = defaultdict(int)
    for annotation in annotations:
        points[annotation["segment"]] += annotation.get("num_keypoints", 1)
    for answer in one.reading.answers:
        if answer.item not in categories:
            continue
        match answer.value:
            case BoxValue() | PolygonValue():
                due = 1
            case LandmarksValue() as value:
                due = sum(mark.position is not None for mark in value.landmarks)
            case _:
                due = 0
        missing = due - points[answer.segment_id]
        if missing > 0:
            what = f"{missing} points of '{answer.segment_id}' lie" if due > 1 else f"'{answer.segment_id}' lies"
            yield f"{what} on none of the pictures."


def _drawn(answer: Answer, made: CasePictures, protocol: Protocol, category: int) -> Iterator[dict[str, Any]]:
    item = protocol.item(answer.item)
    role = answer.subject.series or (item.series if isinstance(item, DrawnItem) else None)
    role = role or protocol.imaging.reference_series
    role = role if role in made.pictures else next(iter(made.pictures))
    number = str(answer.subject.instance or "")
    match answer.value:
        case BoxValue() as box:
            for picture, points in _box(box, role, made, answer.subject):
                yield _common(role, picture.number, category, answer.segment_id, number) | _bounds(points)
        case PolygonValue(points=corners):
            for picture, points in _outline(corners, role, made, answer.subject):
                shape = _bounds(points) | {"segmentation": [[x for point in points for x in point]]}
                shape["area"] = float(fill(np.array([(y - _HALF, x - _HALF) for x, y in points]), _size(picture)).sum())
                yield _common(role, picture.number, category, answer.segment_id, number) | shape
        case LandmarksValue() as value if isinstance(item, Landmarks):
            yield from _keypoints(value, item, role, made, answer, category)


def _keypoints(
    value: LandmarksValue, item: Landmarks, role: str, made: CasePictures, answer: Answer, category: int
) -> Iterator[dict[str, Any]]:
    """One annotation on each picture with a landmark; landmarks of other slices are "not labeled" (0) there."""
    by_picture: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    for mark in value.landmarks:
        if mark.position is not None:
            for picture, points in _outline((mark.position,), role, made, answer.subject):
                by_picture[picture.number][mark.name] = points[0]
    for number, marks in sorted(by_picture.items()):
        flat: list[float] = []
        for point in item.points:
            flat += [*marks[point.id], 2] if point.id in marks else [0, 0, 0]
        shape = {"keypoints": flat, "num_keypoints": len(marks)} | _bounds(list(marks.values()))
        instance = str(answer.subject.instance or "")
        yield _common(role, number, category, answer.segment_id, instance) | shape


def _outline(points: Sequence[Point], role: str, made: CasePictures, subject: Subject) -> Iterator[Placed]:
    """The picture on which points lie, and the points in its pixels; nothing where they lie outside of all pictures."""
    if len(points[0]) == 2:
        picture = _picture(made.pictures[role], subject)
        if picture is not None:
            yield picture, [(point[0], point[1]) for point in points]
        return
    if made.grid is None:
        return
    indices = made.grid.to_index(points)
    number = round(float(indices[:, 0].mean()))
    if 0 <= number < len(made.pictures[role]) and np.abs(indices[:, 0] - number).max() <= 1.0:
        yield made.pictures[role][number], [(float(i) + _HALF, float(j) + _HALF) for _, j, i in indices]


def _box(box: BoxValue, role: str, made: CasePictures, subject: Subject) -> Iterator[Placed]:
    axes = np.array(box.directions) if box.directions else np.eye(len(box.center))
    signs = np.array(list(product((-1, 1), repeat=len(box.center))))
    corners = np.array(box.center) + signs * np.array(box.size) / 2 @ axes
    if len(box.center) == 2:
        yield from _outline([tuple(corner.tolist()) for corner in corners], role, made, subject)
        return
    if made.grid is None:
        return
    indices = made.grid.to_index(corners)
    low, high = indices.min(axis=0), indices.max(axis=0)
    numbers = range(int(np.ceil(low[0] - 1e-6)), int(np.floor(high[0] + 1e-6)) + 1)
    for number in numbers or [round(float((low[0] + high[0]) / 2))]:
        if 0 <= number < len(made.pictures[role]):
            ends = ((low[2], low[1]), (high[2], high[1]))
            yield made.pictures[role][number], [(float(x) + _HALF, float(y) + _HALF) for x, y in ends]


def _picture(pictures: Sequence[Picture], subject: Subject) -> Picture | None:
    """The picture that a two-dimensional answer names; the only one where it names none."""
    if subject.image:
        named = [one for one in pictures if one.image_uid == subject.image]
        return next((one for one in named if subject.frame in (None, one.frame)), None)
    if subject.frame:
        return next((one for one in pictures if one.number == subject.frame - 1), None)
    return pictures[0] if len(pictures) == 1 else None


def _common(role: str, number: int, category: int, segment: str, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = {"role": role, "number": number, "category_id": category, "iscrowd": 0, "segment": segment}
    return found | ({"instance": int(instance)} if instance else {})


def _mask(mask: BoolArray) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "segmentation": encode_runs(mask),
        "area": int(mask.sum()),
        "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
    }


def _bounds(points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    (left, top), (right, bottom) = np.min(points, axis=0).tolist(), np.max(points, axis=0).tolist()
    return {
        "segmentation": [],
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
    }


def _size(picture: Picture) -> tuple[int, int]:
    return picture.pixels.shape[0], picture.pixels.shape[1]

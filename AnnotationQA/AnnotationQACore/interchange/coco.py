"""COCO annotation files (https://cocodataset.org/#format-data): boxes, polygons and masks on single images.

Coordinates are pixels, (column, row), (0, 0) being the top left corner of the top left pixel, as in `project.readings`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.contours import fill
from AnnotationQACore.interchange.text import read_text
from AnnotationQACore.segmentation import BoolArray

__all__ = ["CocoAnnotation", "CocoImage", "decode_runs", "encode_runs", "read_coco", "write_coco"]

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image by its file name, and its size in pixels."""

    file_name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class CocoAnnotation:
    """One object on an image.

    Attributes
    ----------
    image : CocoImage
    category : str
        Name of its class.
    box : tuple of 4 float or None
        Left, top, width, height.
    polygons : tuple of Polygon
        Outlines, whose union it is.
    mask : bool array, shape (rows, columns), or None
        From a run-length encoding.
    instance : int or None
        Which instance it shows, where one is seen on several images (field ``instance_id``, ours).
    score : float or None
        Of a model.
    crowd : bool
        Whether it stands for many objects together.
    """

    image: CocoImage
    category: str
    box: tuple[float, float, float, float] | None = None
    polygons: tuple[Polygon, ...] = ()
    mask: BoolArray | None = None
    score: float | None = None
    crowd: bool = False
    instance: int | None = None

    def pixels(self) -> BoolArray:
        """Pixels whose centres it holds, shape (rows, columns); those of the box where there is nothing else."""
        shape = (self.image.height, self.image.width)
        if self.mask is not None:
            return self.mask
        result = np.zeros(shape, bool)
        polygons = list(self.polygons)
        if not polygons and self.box is not None:
            left, top, width, height = self.box
            polygons = [((left, top), (left + width, top), (left + width, top + height), (left, top + height))]
        for polygon in polygons:
            result |= fill(np.array([(row - 0.5, column - 0.5) for column, row in polygon]), shape)
        return result


def read_coco(path: Path) -> tuple[CocoAnnotation, ...]:
    """Read all annotations of a COCO file.

    Raises
    ------
    InputError
        The file is missing, no JSON, no COCO file, or an annotation refers to nothing or holds impossible numbers; the
        message names its place.
    """
    try:
        document = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON; check the file.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: is not a COCO file; check the file.")
    images = dict(_named(document, "images", path, _image))
    categories = dict(_named(document, "categories", path, lambda item: str(item["name"])))
    annotations = document.get("annotations")
    if not isinstance(annotations, list):
        raise InputError(f"{path}: has no list 'annotations'; is it a COCO file?")
    result = []
    for place, item in enumerate(annotations):
        try:
            result.append(_annotation(item, images, categories))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: annotations[{place}]: lacks or garbles {what}; correct it.") from error
    return tuple(result)


def write_coco(path: Path, annotations: Sequence[CocoAnnotation], description: str = "") -> None:
    """Write a COCO file, whole or not at all; image and category numbers follow the order of appearance.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    """
    images = {image: number for number, image in enumerate(dict.fromkeys(one.image for one in annotations), start=1)}
    names = dict.fromkeys(one.category for one in annotations)
    categories = {name: number for number, name in enumerate(names, start=1)}
    document = {
        "info": {"description": description, "version": "1.0"},
        "licenses": [],
        "images": [
            {"id": number, "file_name": image.file_name, "width": image.width, "height": image.height}
            for image, number in images.items()
        ],
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": [
            {
                "id": number,
                "image_id": images[one.image],
                "category_id": categories[one.category],
                **_annotation_json(one),
            }
            for number, one in enumerate(annotations, start=1)
        ],
    }
    atomic.write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def encode_runs(mask: BoolArray) -> dict[str, Any]:
    """Uncompressed run-length encoding: numbers of pixels outside and inside by turns, column by column."""
    flat = mask.T.ravel()
    borders = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *borders.tolist(), flat.size]).tolist()
    return {
        "size": [int(mask.shape[0]), int(mask.shape[1])],
        "counts": [0, *counts] if flat.size and flat[0] else counts,
    }


def decode_runs(runs: Mapping[str, Any]) -> BoolArray:
    """Mask of a run-length encoding, uncompressed or compressed as pycocotools does; raises `ValueError`."""
    rows, columns = (int(size) for size in runs["size"])
    counts = runs["counts"]
    numbers = _unpacked(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if min(rows, columns) < 1 or min(numbers, default=0) < 0 or sum(numbers) != rows * columns:
        raise ValueError("counts, which do not add up to the size")
    inside = np.arange(len(numbers)) % 2 == 1
    mask: BoolArray = np.repeat(inside, numbers).reshape(columns, rows).T
    return mask


def _unpacked(text: str) -> list[int]:
    """Numbers of COCO's text form: five bits a character, differences from the number before the last."""
    numbers: list[int] = []
    place = value = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError("counts")
        value |= (bits & 0x1F) << (5 * place)
        place += 1
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << (5 * place)
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        place = value = 0
    return numbers


def _named(document: Mapping[str, Any], key: str, path: Path, convert: Any) -> list[tuple[int, Any]]:
    items = document.get(key)
    if not isinstance(items, list):
        raise InputError(f"{path}: has no list '{key}'; is it a COCO file?")
    result = []
    for place, item in enumerate(items):
        try:
            result.append((int(item["id"]), convert(item)))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: {key}[{place}]: lacks or garbles {error}; correct it.") from error
    return result


def _image(item: Mapping[str, Any]) -> CocoImage:
    image = CocoImage(str(item["file_name"]), int(item["width"]), int(item["height"]))
    if min(image.width, image.height) < 1:
        raise ValueError("width or height")
    return image


def _annotation(
    item: Mapping[str, Any], images: Mapping[int, CocoImage], categories: Mapping[int, str]
) -> CocoAnnotation:
    image, shape = images[int(item["image_id"])], item.get("segmentation")
    mask, polygons = None, []
    if isinstance(shape, dict):
        mask = decode_runs(shape)
        if mask.shape != (image.height, image.width):
            raise ValueError("segmentation, whose size is not that of the image")
    elif shape:
        polygons = [_polygon(numbers) for numbers in shape]
    box = item.get("bbox")
    return CocoAnnotation(
        image=image,
        category=categories[int(item["category_id"])],
        box=_box(box) if box else None,
        polygons=tuple(polygons),
        mask=mask,
        score=None if item.get("score") is None else float(item["score"]),
        crowd=bool(item.get("iscrowd", 0)),
        instance=_instance(item.get("instance_id")),
    )


def _instance(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("instance_id")
    return value


def _polygon(numbers: Sequence[Any]) -> Polygon:
    values = [float(number) for number in numbers]
    if len(values) < 6 or len(values) % 2 or not all(map(math.isfinite, values)):
        raise ValueError("segmentation")
    return tuple(zip(values[::2], values[1::2], strict=True))


def _box(numbers: Sequence[Any]) -> tuple[float, float, float, float]:
    left, top, width, height = (float(number) for number in numbers)
    if not all(map(math.isfinite, (left, top, width, height))) or min(width, height) < 0:
        raise ValueError("bbox")
    return left, top, width, height


def _annotation_json(one: CocoAnnotation) -> dict[str, Any]:
    result: dict[str, Any] = {"iscrowd": int(one.crowd)}
    pixels = one.pixels()
    result["area"] = (
        one.box[2] * one.box[3] if one.box and not one.polygons and one.mask is None else float(pixels.sum())
    )
    if one.mask is not None:
        result["segmentation"] = encode_runs(one.mask)
    elif one.polygons:
        result["segmentation"] = [[number for point in polygon for number in point] for polygon in one.polygons]
    else:
        result["segmentation"] = []
    box = one.box or _bounds(pixels)
    if box is not None:
        result["bbox"] = list(box)
    if one.score is not None:
        result["score"] = one.score
    if one.instance is not None:
        result["instance_id"] = one.instance
    return result


def _bounds(pixels: BoolArray) -> tuple[float, float, float, float] | None:
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        return None
    left, top = float(columns[0]), float(rows[0])
    return left, top, float(columns[-1] + 1 - left), float(rows[-1] + 1 - top)

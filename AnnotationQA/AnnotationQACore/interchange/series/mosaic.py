"""Slices stored as tiles of one large image: Siemens MOSAIC and UIH GRID.

Neither is part of DICOM. The layout of the Siemens private header (CSA) is described in the nibabel documentation
("Siemens format DICOM with CSA header"); the position of the first tile follows from the scanner storing the corner
that the whole mosaic would have, were it one image centred on the slice.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.series.headers import FileHeader, FrameHeader

__all__ = ["BrokenMosaic", "demosaic", "is_mosaic", "read_csa_header", "tile_frames", "tile_shape"]

_CSA_IMAGE_HEADER: Final = (0x0029, "SIEMENS CSA HEADER", 0x10)
_SIEMENS_MR_HEADER: Final = (0x0019, "SIEMENS MR HEADER", 0x0A)
_UIH_FRAMES: Final = (0x0065, 0x1051)
_MAX_TAGS: Final = 1000


class BrokenMosaic(Exception):
    """A mosaic lacks what is needed to take it apart; the message says what."""


def is_mosaic(header: FileHeader) -> bool:
    """Whether the frames of a file are tiles of larger images."""
    return "MOSAIC" in header.image_type or header.tiles > 1


def tile_shape(rows: int, columns: int, tiles: int) -> tuple[int, int]:
    """Rows and columns of one tile of a mosaic of `tiles` slices."""
    across = math.ceil(math.sqrt(tiles))
    down = across if rows == columns else math.ceil(tiles / across)
    return rows // down, columns // across


def demosaic(image: NDArray[np.generic], tiles: int) -> NDArray[np.generic]:
    """Take a mosaic of shape (rows, columns) apart into slices of shape (tiles, tile rows, tile columns)."""
    rows, columns = tile_shape(image.shape[0], image.shape[1], tiles)
    down, across = image.shape[0] // rows, image.shape[1] // columns
    grid = image[: down * rows, : across * columns].reshape(down, rows, across, columns)
    return grid.swapaxes(1, 2).reshape(down * across, rows, columns)[:tiles]


def tile_frames(dataset: Any, header: FileHeader) -> tuple[FrameHeader, ...]:
    """Describe each tile of a mosaic as a frame of its own.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The file without its pixel data.
    header : FileHeader
        The same, of which `frames[0]` describes the whole mosaic.

    Raises
    ------
    BrokenMosaic
        The private elements that say how many slices there are, and where, are missing.
    """
    base = header.frames[0]
    if header.tiles > 1 and _UIH_FRAMES in dataset:
        return _uih_frames(dataset[_UIH_FRAMES].value, base)
    return _siemens_frames(dataset, header)


def read_csa_header(raw: bytes) -> dict[str, tuple[str, ...]]:
    """Read the values of a Siemens CSA header of version 1 or 2, by name; raises `BrokenMosaic`."""
    version_2 = raw[:4] == b"SV10"
    offset = 8 if version_2 else 0
    fields: dict[str, tuple[str, ...]] = {}
    try:
        (count, _) = struct.unpack_from("<2I", raw, offset)
        offset += 8
        if not 0 < count <= _MAX_TAGS:
            raise BrokenMosaic("its private CSA header cannot be read")
        first_length = 0
        for index in range(count):
            name, _, _, _, items, _ = struct.unpack_from("<64si4s3i", raw, offset)
            offset += 84
            values = []
            for item in range(items):
                lengths = struct.unpack_from("<4i", raw, offset)
                offset += 16
                if index == 0 and item == 0:
                    first_length = lengths[0]
                length = lengths[1] if version_2 else lengths[0] - first_length
                if not 0 <= length <= len(raw) - offset:
                    raise BrokenMosaic("its private CSA header cannot be read")
                values.append(raw[offset : offset + length].split(b"\0")[0].decode("latin-1").strip())
                offset += (length + 3) // 4 * 4
            fields[name.split(b"\0")[0].decode("latin-1")] = tuple(value for value in values if value)
    except struct.error as error:
        raise BrokenMosaic("its private CSA header cannot be read") from error
    return fields


def _uih_frames(items: Any, base: FrameHeader) -> tuple[FrameHeader, ...]:
    frames = []
    for number, item in enumerate(items, 1):
        position = item.get("ImagePositionPatient")
        if position is None:
            raise BrokenMosaic("a slice of its GRID has no position")
        frames.append(replace(base, number=number, position=_vector(position)))
    return tuple(frames)


def _siemens_frames(dataset: Any, header: FileHeader) -> tuple[FrameHeader, ...]:
    base = header.frames[0]
    csa = _csa_of(dataset)
    tiles = _tile_count(dataset, csa)
    if base.position is None or base.orientation is None or base.pixel_spacing is None:
        raise BrokenMosaic("it has no position, orientation or pixel spacing")
    distance = base.slice_spacing or base.thickness
    if not distance:
        raise BrokenMosaic("it has no slice spacing")
    across, down = np.array(base.orientation[:3]), np.array(base.orientation[3:])
    normal = np.cross(across, down)
    stated = csa.get("SliceNormalVector", ())
    if len(stated) == 3 and float(np.dot(normal, [float(x) for x in stated])) < 0:
        normal = -normal
    rows, columns = tile_shape(header.rows, header.columns, tiles)
    first = (
        np.array(base.position)
        + across * base.pixel_spacing[1] * (header.columns - columns) / 2
        + down * base.pixel_spacing[0] * (header.rows - rows) / 2
    )
    b_value = base.b_value if base.b_value is not None else _number(csa, "B_value")
    gradient = base.gradient or _csa_vector(csa, "DiffusionGradientDirection")
    return tuple(
        replace(
            base,
            number=index + 1,
            position=_vector(first + normal * distance * index),
            b_value=b_value,
            gradient=gradient,
        )
        for index in range(tiles)
    )


def _csa_of(dataset: Any) -> Mapping[str, tuple[str, ...]]:
    group, creator, element = _CSA_IMAGE_HEADER
    try:
        raw = dataset.private_block(group, creator)[element].value
    except KeyError:
        return {}
    return read_csa_header(bytes(raw))


def _tile_count(dataset: Any, csa: Mapping[str, tuple[str, ...]]) -> int:
    count = _number(csa, "NumberOfImagesInMosaic")
    if count is None:
        group, creator, element = _SIEMENS_MR_HEADER
        try:
            count = float(dataset.private_block(group, creator)[element].value)
        except (KeyError, TypeError, ValueError):
            raise BrokenMosaic("its private elements, which say how many slices it holds, were removed") from None
    if count < 1:
        raise BrokenMosaic("it says that it holds no slices")
    return int(count)


def _number(csa: Mapping[str, tuple[str, ...]], name: str) -> float | None:
    try:
        return float(csa[name][0])
    except (KeyError, IndexError, ValueError):
        return None


def _csa_vector(csa: Mapping[str, tuple[str, ...]], name: str) -> Vector | None:
    values = csa.get(name, ())
    return _vector([float(value) for value in values]) if len(values) == 3 else None


def _vector(values: Any) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))

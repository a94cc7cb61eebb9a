"""NRRD files with any number of axes (http://teem.sourceforge.net/nrrd/format.html).

Written here because `.seg.nrrd` files carry layers on a list axis, which ITK's reader mistakes for colour components.
"""

from __future__ import annotations

import bz2
import gzip
import io
import math
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.plausible import require_plausible

__all__ = ["Nrrd", "grid_fields", "is_nrrd", "nrrd_grid", "nrrd_header", "read_nrrd", "write_nrrd"]

_TYPES = {
    "int8": "signed char, int8, int8_t",
    "uint8": "uchar, unsigned char, uint8, uint8_t",
    "int16": "short, short int, signed short, signed short int, int16, int16_t",
    "uint16": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "int32": "int, signed int, int32, int32_t",
    "uint32": "uint, unsigned int, uint32, uint32_t",
    "int64": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "uint64": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "float32": "float",
    "float64": "double",
}
_DTYPES = {name: dtype for dtype, names in _TYPES.items() for name in names.split(", ")}
_NAMES = {
    "int8": "signed char",
    "uint8": "unsigned char",
    "int16": "short",
    "uint16": "unsigned short",
    "int32": "int",
    "uint32": "unsigned int",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}
_LPS_SIGNS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_HEADER_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Nrrd:
    """Contents of a NRRD file.

    Attributes
    ----------
    voxels : array
        Slowest axis first, so reversed with respect to the file's `sizes`.
    fields : mapping
        Header fields (``space``, ``kinds``...), names in lower case.
    keys : mapping
        Key/value pairs.
    """

    voxels: NDArray[Any]
    fields: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


def is_nrrd(path: Path) -> bool:
    """Whether the name is that of a NRRD file."""
    return path.name.lower().endswith((".nrrd", ".nhdr"))


def read_nrrd(path: Path) -> Nrrd:
    """Read a NRRD file with its data attached, or in one file beside it.

    Raises
    ------
    InputError
        The file is missing, truncated, not NRRD, or of an encoding that is not raw, gzip or bzip2.
    """
    try:
        with path.open("rb") as file:
            fields, keys = _header(file, path)
            voxels = _detached(path, fields) if "data file" in fields else _voxels(file, fields, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    return Nrrd(voxels, fields, keys)


def nrrd_header(path: Path) -> Nrrd:
    """Read what a NRRD file says of itself; its `voxels` have shape and type, and take no memory.

    Raises
    ------
    InputError
        The file is missing or not NRRD.
    """
    try:
        with path.open("rb") as file:
            fields, keys = _header(file, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    sizes, dtype = _layout(fields, path)
    return Nrrd(np.broadcast_to(np.zeros((), dtype), sizes[::-1]), fields, keys)


def write_nrrd(path: Path, nrrd: Nrrd, compress: bool = True) -> None:
    """Write a NRRD file with its data attached, whole or not at all.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    InputError
        NRRD has no such voxel type.
    """
    voxels = np.ascontiguousarray(nrrd.voxels)
    if voxels.dtype.name not in _NAMES:
        raise InputError(f"{path.name}: NRRD has no voxel type '{voxels.dtype}'; convert to an integer or float type.")
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    own = {
        "type": _NAMES[voxels.dtype.name],
        "dimension": str(voxels.ndim),
        "sizes": " ".join(str(size) for size in reversed(voxels.shape)),
        "encoding": "gzip" if compress else "raw",
        "endian": "little",
    }
    # "space" has to precede "space directions" and "space origin", and "dimension" all per-axis fields.
    fields = {name: own[name] for name in ("type", "dimension")}
    fields |= {name: value for name, value in nrrd.fields.items() if name not in own}
    fields |= {name: own[name] for name in ("sizes", "endian", "encoding")}
    lines = ["NRRD0005"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    lines += [f"{_key(name)}:={_escaped(value)}" for name, value in nrrd.keys.items()]
    header = ("\n".join(lines) + "\n\n").encode()
    with atomic.replacing(path) as temporary, temporary.open("wb") as file:
        file.write(header)
        if compress:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=2, mtime=0, filename="") as packed:
                packed.write(little.view(np.uint8).data)
        else:
            file.write(little.view(np.uint8).data)


def nrrd_grid(nrrd: Nrrd, path: Path) -> tuple[Grid, int | None]:
    """Grid of the three spatial axes, and the array axis of `voxels` that is no spatial one (or None).

    Raises
    ------
    InputError
        The header does not say where the voxels lie in the patient, or there are more than four axes.
    """
    space = nrrd.fields.get("space", "").strip().strip('"').lower()
    if space not in _LPS_SIGNS or "space directions" not in nrrd.fields:
        raise InputError(
            f"{path}: the NRRD header has no anatomical space and directions, so the place of its voxels in the "
            "patient is unknown; save it again with orientation (3D Slicer does)."
        )
    directions = [_vector(text, path) for text in _split_vectors(nrrd.fields["space directions"])]
    spatial = [axis for axis, direction in enumerate(directions) if direction is not None]
    if len(directions) != nrrd.voxels.ndim or len(spatial) != 3 or len(directions) > 4:
        raise InputError(f"{path}: a NRRD file of three spatial axes and at most one more is needed; check the file.")
    origin = _vector(nrrd.fields.get("space origin", "none"), path)
    if origin is None:
        raise InputError(f"{path}: the NRRD header has no origin; save it again with orientation (3D Slicer does).")
    affine = np.eye(4)
    signs = np.array(_LPS_SIGNS[space], dtype=np.float64)
    for column, axis in enumerate(reversed(spatial)):
        affine[:3, column] = signs * np.array(directions[axis])
    affine[:3, 3] = signs * np.array(origin)
    sizes = nrrd.voxels.shape
    extra = [axis for axis in range(len(directions)) if axis not in spatial]
    list_axis = len(directions) - 1 - extra[0] if extra else None
    shape = tuple(size for axis, size in enumerate(sizes) if axis != list_axis)
    return Grid.from_affine((shape[0], shape[1], shape[2]), affine), list_axis


def grid_fields(grid: Grid, layers: bool = False) -> dict[str, str]:
    """Header fields that place voxels on `grid`; with `layers`, for a file whose fastest axis is a list."""
    affine = grid.affine
    directions = [_vector_text(affine[:3, column]) for column in (2, 1, 0)]
    return {
        "space": "left-posterior-superior",
        "space directions": " ".join(["none"] * layers + directions),
        "kinds": " ".join(["list"] * layers + ["domain"] * 3),
        "space origin": _vector_text(affine[:3, 3]),
    }


def _header(file: IO[bytes], path: Path) -> tuple[dict[str, str], dict[str, str]]:
    if not re.fullmatch(rb"NRRD000\d", file.readline(16).rstrip(b"\r\n")):
        raise InputError(f"{path}: is not a NRRD file; check the file.")
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    while raw := file.readline(_HEADER_LIMIT):
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if not line:
            break
        if line.startswith("#"):
            continue
        key, assignment, value = line.partition(":=")
        name, separator, text = line.partition(": ")
        if assignment and (not separator or len(key) < len(name)):
            keys[_unescaped(key)] = _unescaped(value)
        elif separator:
            fields[name.strip().lower()] = text.strip()
        else:
            raise InputError(f"{path}: the NRRD header holds a line that is no field; the file is damaged.")
    for alias, standard in (("datafile", "data file"), ("lineskip", "line skip"), ("byteskip", "byte skip")):
        if alias in fields:
            fields[standard] = fields.pop(alias)
    return fields, keys


def _detached(path: Path, fields: dict[str, str]) -> NDArray[Any]:
    name = fields["data file"]
    if not name or name.startswith("LIST") or "%" in name or PurePath(name).name != name:
        raise InputError(f"{path}: its voxels are not in one file beside it; save it as a single .nrrd file.")
    with path.with_name(name).open("rb") as file:
        return _voxels(file, fields, path)


def _voxels(file: IO[bytes], fields: Mapping[str, str], path: Path) -> NDArray[Any]:
    sizes, dtype = _layout(fields, path)
    try:
        encoding = fields["encoding"].lower()
        lines, skip = int(fields.get("line skip", "0")), int(fields.get("byte skip", "0"))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: the NRRD header lacks or garbles {error}; the file is damaged.") from error
    count = math.prod(sizes) * dtype.itemsize
    require_plausible(Path(file.name), count, {"raw": "", "gz": "gzip"}.get(encoding, encoding))
    for _ in range(lines):
        file.readline()
    content = _content(file, encoding, skip, count, path)
    if len(content) < count:
        raise InputError(f"{path}: ends before its last voxel; the file is truncated, copy it again.")
    voxels = np.frombuffer(content, dtype=dtype, count=count // dtype.itemsize).reshape(sizes[::-1])
    return voxels.astype(dtype.newbyteorder("="), copy=False)


def _layout(fields: Mapping[str, str], path: Path) -> tuple[list[int], np.dtype[Any]]:
    """Sizes, fastest axis first, and type of the voxels."""
    try:
        sizes = [int(size) for size in fields["sizes"].split()]
        dtype = np.dtype(_DTYPES[fields["type"].lower()])
        dimension = int(fields.get("dimension", len(sizes)))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: the NRRD header lacks or garbles {error}; the file is damaged.") from error
    if min(sizes, default=0) < 1 or len(sizes) != dimension:
        raise InputError(f"{path}: the NRRD header's sizes contradict its dimension; the file is damaged.")
    if dtype.itemsize > 1:
        big = fields.get("endian", sys.byteorder).lower() == "big"
        dtype = dtype.newbyteorder(">" if big else "<")
    return sizes, dtype


def _content(file: IO[bytes], encoding: str, skip: int, count: int, path: Path) -> bytes:
    if encoding == "raw":
        if skip < 0:
            file.seek(-count, io.SEEK_END)
        else:
            file.seek(skip, io.SEEK_CUR)
        return file.read(count)
    if encoding not in {"gzip", "gz", "bzip2", "bz2"}:
        raise InputError(f"{path}: the NRRD encoding '{encoding}' is not read; save it with gzip or raw encoding.")
    unpack = gzip.open if encoding.startswith("g") else bz2.open
    try:
        with unpack(file) as unpacked:
            unpacked.read(max(skip, 0))
            return unpacked.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise InputError(f"{path}: its compressed voxels are damaged or truncated; copy the file again.") from error


def _split_vectors(text: str) -> list[str]:
    return re.findall(r"none|\([^)]*\)", text)


def _vector(text: str, path: Path) -> tuple[float, ...] | None:
    """Parse ``(x,y,z)``; None for an axis without direction, written ``none`` or with NaN."""
    if text == "none":
        return None
    try:
        numbers = tuple(float(number) for number in text.strip().strip("()").split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise InputError(f"{path}: the NRRD header holds '{text}' where a 3D vector is due; correct the header.")
    return numbers if np.all(np.isfinite(numbers)) else None


def _vector_text(vector: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(number)) for number in vector) + ")"


def _key(name: str) -> str:
    return _escaped(name).replace(":=", ": =")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\n])", lambda match: "\n" if match[1] == "n" else "\\", text)

"""NIfTI images (https://nifti.nimh.nih.gov/nifti-1), with sheared affines kept as they are.

Written here because ITK refuses to read a sheared affine and silently straightens it when it writes one.
"""

from __future__ import annotations

import contextlib
import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.plausible import require_plausible
from AnnotationQACore.segmentation import Volume

__all__ = ["NiftiHeader", "is_nifti", "nifti_header", "read_nifti", "write_nifti"]

_DTYPES = {
    2: "uint8",
    4: "int16",
    8: "int32",
    16: "float32",
    64: "float64",
    256: "int8",
    512: "uint16",
    768: "uint32",
    1024: "int64",
    1280: "uint64",
}
_CODES = {name: code for code, name in _DTYPES.items()}
_SCANNER = 1
_UNIT_MM = 2
_UNITS = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_HEADER_SIZES = {348: 1, 540: 2}
_LONGEST_HEADER = 540


@dataclass(frozen=True, slots=True)
class _Header:
    order: Literal["<", ">"]
    dim: tuple[int, ...]
    datatype: int
    offset: int
    slope: float
    intercept: float
    unit: int
    pixdim: tuple[float, ...]
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    sform: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What a NIfTI file holds: shape (k, j, i) of a volume, their number, the voxel type, the grid if it states one."""

    shape: tuple[int, int, int]
    volumes: int
    voxel_type: str
    grid: Grid | None


def is_nifti(path: Path) -> bool:
    """Whether the name is that of a NIfTI file."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI-1 or NIfTI-2 image of at most three dimensions, rescaled as its header says.

    The sform is preferred to the qform, as the standard and nibabel do. An image without either is refused.

    Raises
    ------
    InputError
        The file is missing, truncated, not NIfTI, has no orientation, or has several volumes or components.
    """
    with _opened(path) as (file, packed):
        head = file.read(_LONGEST_HEADER)
        header = _parse(head, path)
        shape = _shape(header, path)
        dtype = _dtype(header, path)
        count = int(np.prod(shape, dtype=np.int64))
        end = header.offset + count * dtype.itemsize
        if header.offset >= 0:
            require_plausible(path, end, packed)
        # no more than the header declares is unpacked, whatever else the file holds
        content = head + file.read(max(end - len(head), 0))
    if header.offset < 0 or len(content) < end:
        raise InputError(f"{path}: ends before its last voxel; the file is truncated, copy it again.")
    stored = np.frombuffer(content, dtype=dtype, count=count, offset=header.offset).reshape(shape)
    voxels: NDArray[Any] = stored.astype(dtype.newbyteorder("="), copy=False)
    if header.slope not in (0.0, 1.0) or (header.slope == 1.0 and header.intercept != 0.0):
        voxels = voxels * header.slope + header.intercept
    return Volume(voxels, Grid.from_ras_affine(shape, _ras_affine(header, path)))


def write_nifti(path: Path, volume: Volume) -> None:
    """Write a NIfTI-1 image whose sform is the grid, whole or not at all; the qform too, unless the grid is sheared.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    InputError
        NIfTI has no such voxel type, or an axis is too long for NIfTI-1.
    """
    voxels = np.ascontiguousarray(volume.voxels)
    if voxels.dtype.name not in _CODES:
        raise InputError(f"{path.name}: NIfTI has no voxel type '{voxels.dtype}'; convert to an integer or float type.")
    if max(voxels.shape) > np.iinfo(np.int16).max:
        raise InputError(f"{path.name}: an axis of {max(voxels.shape)} voxels is too long for NIfTI-1; write NRRD.")
    data = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    content = data.view(np.uint8).data
    with atomic.replacing(path) as temporary, temporary.open("wb") as file:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=2, mtime=0, filename="") as packed:
                packed.write(_header_bytes(voxels, volume.grid))
                packed.write(content)
        else:
            file.write(_header_bytes(voxels, volume.grid))
            file.write(content)


def nifti_header(path: Path) -> NiftiHeader:
    """Read what a NIfTI file says of itself, without its voxels.

    Raises
    ------
    InputError
        The file is missing, truncated within its header, or not NIfTI.
    """
    with _opened(path) as (file, _):
        header = _parse(file.read(_LONGEST_HEADER), path)
    dimensions = header.dim[0]
    if not 1 <= dimensions <= 7 or min(header.dim[1 : dimensions + 1]) < 1:
        raise InputError(f"{path}: the NIfTI header's dimensions are impossible; the file is damaged.")
    sizes = [*header.dim[1 : dimensions + 1], 1, 1, 1]
    shape = (sizes[2], sizes[1], sizes[0])
    has_place = header.sform_code > 0 or header.qform_code > 0
    return NiftiHeader(
        shape,
        int(np.prod(sizes[3:], dtype=np.int64)),
        _DTYPES.get(header.datatype, f"type {header.datatype}"),
        Grid.from_ras_affine(shape, _ras_affine(header, path)) if has_place else None,
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes] | gzip.GzipFile, str]]:
    """The unpacked stream of a file, and ``gzip`` where it is packed."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked, "gzip"
            else:
                yield file, ""
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: its compressed content is damaged or truncated; copy the file again.") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error


def _dtype(header: _Header, path: Path) -> np.dtype[Any]:
    if header.datatype not in _DTYPES:
        raise InputError(f"{path}: NIfTI data type {header.datatype} is no plain number; save it as integer or float.")
    return np.dtype(_DTYPES[header.datatype]).newbyteorder(header.order)


def _parse(content: bytes, path: Path) -> _Header:
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        size = struct.unpack(f"{order}i", content[:4])[0] if len(content) >= 4 else 0
        if size in _HEADER_SIZES and len(content) >= size:
            break
    else:
        raise InputError(f"{path}: is not a NIfTI file; check the file.")

    def get(form: str, offset: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + form, content, offset)

    if _HEADER_SIZES[size] == 2:
        return _Header(
            order=order,
            dim=get("8q", 16),
            datatype=get("h", 12)[0],
            offset=get("q", 168)[0],
            slope=get("d", 176)[0],
            intercept=get("d", 184)[0],
            unit=get("i", 500)[0],
            pixdim=get("8d", 104),
            qform_code=get("i", 344)[0],
            sform_code=get("i", 348)[0],
            quaternion=get("6d", 352),
            sform=get("12d", 400),
        )
    if content[344:347] not in (b"n+1", b"ni1"):
        raise InputError(f"{path}: is an Analyze file, which has no orientation; convert it to NIfTI.")
    return _Header(
        order=order,
        dim=get("8h", 40),
        datatype=get("h", 70)[0],
        offset=int(get("f", 108)[0]),
        slope=_finite(get("f", 112)[0]),
        intercept=_finite(get("f", 116)[0]),
        unit=get("b", 123)[0],
        pixdim=get("8f", 76),
        qform_code=get("h", 252)[0],
        sform_code=get("h", 254)[0],
        quaternion=get("6f", 256),
        sform=get("12f", 280),
    )


def _finite(number: float) -> float:
    return number if np.isfinite(number) else 0.0


def _shape(header: _Header, path: Path) -> tuple[int, int, int]:
    dimensions = header.dim[0]
    if not 1 <= dimensions <= 7 or min(header.dim[1 : dimensions + 1]) < 1:
        raise InputError(f"{path}: the NIfTI header's dimensions are impossible; the file is damaged.")
    sizes = [*header.dim[1 : dimensions + 1], 1, 1, 1]
    if any(size > 1 for size in sizes[3:]):
        raise InputError(f"{path}: holds several volumes or components; save one three-dimensional image per file.")
    return (sizes[2], sizes[1], sizes[0])


def _ras_affine(header: _Header, path: Path) -> NDArray[np.float64]:
    """RAS mm from (i, j, k, 1); sform (method 3), else qform (method 2)."""
    affine = np.eye(4)
    if header.sform_code > 0:
        affine[:3] = np.array(header.sform, dtype=np.float64).reshape(3, 4)
    elif header.qform_code > 0:
        b, c, d, *offset = (float(number) for number in header.quaternion)
        a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
            ]
        )
        handedness = -1.0 if header.pixdim[0] < 0 else 1.0
        affine[:3, :3] = rotation * (np.array(header.pixdim[1:4], dtype=np.float64) * (1.0, 1.0, handedness))
        affine[:3, 3] = offset
    else:
        raise InputError(
            f"{path}: has neither sform nor qform, so the place of its voxels in the patient is unknown; "
            "save it with its orientation."
        )
    affine[:3] *= _UNITS.get(header.unit & 7, 1.0)
    return affine


def _header_bytes(voxels: NDArray[Any], grid: Grid) -> bytes:
    affine = grid.ras_affine
    header = bytearray(352)
    depth, rows, columns = voxels.shape
    handedness, quaternion = _quaternion(grid)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, columns, rows, depth, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _CODES[voxels.dtype.name], voxels.dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, handedness, *reversed(grid.spacing), 0.0, 0.0, 0.0, 0.0)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)
    struct.pack_into("<b", header, 123, _UNIT_MM)
    struct.pack_into("<2h", header, 252, 0 if grid.is_sheared else _SCANNER, _SCANNER)
    struct.pack_into("<6f", header, 256, *quaternion, *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\x00"
    return bytes(header)


def _quaternion(grid: Grid) -> tuple[float, tuple[float, float, float]]:
    """Sign of the third axis and (b, c, d) of the rotation, as qform asks for; meaningless on a sheared grid."""
    rotation = grid.ras_affine[:3, :3] / np.array(grid.spacing)[::-1]
    handedness = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= handedness
    a, b, c, d = _unit_quaternion(rotation)
    sign = -1.0 if a < 0 else 1.0
    return handedness, (sign * b, sign * c, sign * d)


def _unit_quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """(a, b, c, d) with the real part first (Bar-Itzhack, J Guid Control Dyn 23 (2000) 1085)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    matrix = [
        [xx + yy + zz, zy - yz, xz - zx, yx - xy],
        [zy - yz, xx - yy - zz, xy + yx, xz + zx],
        [xz - zx, xy + yx, yy - xx - zz, yz + zy],
        [yx - xy, xz + zx, yz + zy, zz - xx - yy],
    ]
    a, b, c, d = np.linalg.eigh(matrix).eigenvectors[:, -1].tolist()
    return a, b, c, d

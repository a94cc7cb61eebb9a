"""Surfaces of segments for planning and 3D printing: STL, OBJ, PLY and glTF files, in LPS mm.

The surface separates voxels inside from voxels outside half-way between their centres, as a surface net (Gibson 1998):
one vertex for each cell of eight voxels that the border crosses, at the mean of the crossed edges, so that the surface
is closed and does not intersect itself at edges between voxels.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import Mask

__all__ = ["SUFFIXES", "Surface", "surface_of", "write_surface"]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Closed triangle mesh.

    Attributes
    ----------
    vertices : array of float64, shape (vertex, 3)
        LPS mm.
    triangles : array of int, shape (triangle, 3)
        Vertices, counter-clockwise as seen from outside.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]

    @property
    def volume(self) -> float:
        """Enclosed volume in mm³, by the divergence theorem."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def surface_of(mask: Mask, smoothing: int = 0) -> Surface:
    """Surface of a structure.

    Parameters
    ----------
    mask : Mask
        On any grid, sheared ones included.
    smoothing : int
        Steps of Taubin smoothing (1995), which does not shrink; 0 keeps the voxels' steps. 10 to 20 are usual.

    Raises
    ------
    InputError
        The mask is empty.
    """
    if not mask.voxels.any():
        raise InputError("surface: the structure has no voxels, so it has no surface.")
    inside = np.pad(mask.voxels, 1)
    vertices, index = _net_vertices(inside)
    quads = np.concatenate([_quads(inside, index, axis) for axis in range(3)])
    world = mask.grid.to_world(vertices - 1.0)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    if np.linalg.det(mask.grid.affine[:3, :3]) > 0:  # axes (k, j, i) of a right-handed image are left-handed
        triangles = triangles[:, ::-1]
    surface = Surface(world, triangles)
    return Surface(_smoothed(surface, smoothing), triangles) if smoothing else surface


def write_surface(
    path: Path, surface: Surface, name: str = "surface", color: tuple[float, float, float] = (0.8,) * 3
) -> None:
    """Write a surface in the format of the file name: ``.stl``, ``.ply`` (binary), ``.obj`` or ``.glb`` (glTF 2.0).

    Coordinates are LPS mm as everywhere in DICOM; `.glb` is in metres and says so by its format, LPS all the same.

    Raises
    ------
    InputError
        The name has another suffix.
    DestinationError
        The folder cannot be written to.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path.name}: is no surface format; use one of {', '.join(SUFFIXES)}.")
    plain = " ".join(name.split()) or "surface"
    atomic.write_bytes(path, writer(surface, plain, color))


def _net_vertices(inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One vertex for each crossed cell, in padded voxel coordinates, and its number for each cell (-1: none)."""
    shape = tuple(size - 1 for size in inside.shape)
    total = np.zeros((*shape, 3), np.float32)
    count = np.zeros(shape, np.uint8)
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        crossed = np.diff(inside, axis=axis)
        for first in (0, 1):
            for second in (0, 1):
                region = [slice(None)] * 3
                region[others[0]] = slice(first, inside.shape[others[0]] - 1 + first)
                region[others[1]] = slice(second, inside.shape[others[1]] - 1 + second)
                hit = crossed[tuple(region)]
                count += hit
                total[..., axis] += 0.5 * hit
                total[..., others[0]] += first * hit
                total[..., others[1]] += second * hit
    cells = count > 0
    index = np.full(shape, -1, np.int64)
    index[cells] = np.arange(int(cells.sum()))
    corners = np.argwhere(cells)
    return corners + total[cells] / count[cells][:, np.newaxis], index


def _quads(inside: NDArray[np.bool_], index: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """Quadrilaterals between the four cells around each crossed edge along `axis`."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    crossed = np.argwhere(np.diff(inside, axis=axis))
    offsets = np.zeros((4, 3), np.int64)
    offsets[[1, 2], one] = -1
    offsets[[2, 3], two] = -1
    corners = crossed[:, np.newaxis] + offsets
    quads: NDArray[np.int64] = index[corners[..., 0], corners[..., 1], corners[..., 2]]
    leaving = inside[tuple(crossed.T)]
    quads[leaving] = quads[leaving, ::-1]
    return quads


def _smoothed(surface: Surface, steps: int) -> NDArray[np.float64]:
    edges = np.concatenate([surface.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    first, second = np.concatenate([edges, edges[:, ::-1]]).T
    degree = np.bincount(first, minlength=len(surface.vertices))[:, np.newaxis]
    points = surface.vertices
    for _ in range(steps):
        for share in (0.5, -0.53):
            neighbours = np.stack([np.bincount(first, points[second, axis], len(points)) for axis in range(3)], axis=1)
            points = points + share * (neighbours / degree - points)
    return points


def _stl(surface: Surface, name: str, _color: tuple[float, float, float]) -> bytes:
    corners = surface.vertices[surface.triangles].astype("<f4")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records["normal"] = normals / np.where(lengths > 0, lengths, 1)
    records["corners"] = corners
    title = f"{name}; SPACE=LPS; UNIT=mm".encode("ascii", "replace")[:80].ljust(80)
    return title + struct.pack("<I", len(records)) + records.tobytes()


def _ply(surface: Surface, name: str, color: tuple[float, float, float]) -> bytes:
    faces = np.zeros(len(surface.triangles), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"] = 3
    faces["corners"] = surface.triangles
    points = np.zeros(len(surface.vertices), dtype=[("point", "<f4", 3), ("color", "u1", 3)])
    points["point"] = surface.vertices
    points["color"] = [round(255 * part) for part in color]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {name}; SPACE=LPS; UNIT=mm",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {part}" for part in ("red", "green", "blue")),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
        "",
    ]
    return "\n".join(header).encode("ascii", "replace") + points.tobytes() + faces.tobytes()


def _obj(surface: Surface, name: str, _color: tuple[float, float, float]) -> bytes:
    lines = ["# SPACE=LPS; UNIT=mm", f"o {name.replace(' ', '_')}"]
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in surface.vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (surface.triangles + 1).tolist()]
    return ("\n".join(lines) + "\n").encode()


def _glb(surface: Surface, name: str, color: tuple[float, float, float]) -> bytes:
    points = (surface.vertices / 1000).astype("<f4")  # glTF is in metres
    indices = surface.triangles.astype("<u4")
    data = points.tobytes() + indices.tobytes()
    document = {
        "asset": {"version": "2.0", "generator": "AnnotationQA"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name, "extras": {"space": "LPS"}}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [*color, 1.0], "metallicFactor": 0.0}}],
        "meshes": [{"name": name, "primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": points.nbytes, "target": 34962},
            {"buffer": 0, "byteOffset": points.nbytes, "byteLength": indices.nbytes, "target": 34963},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(points),
                "type": "VEC3",
                "min": points.min(axis=0).tolist(),
                "max": points.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": 5125, "count": indices.size, "type": "SCALAR"},
        ],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


_WRITERS: dict[str, Callable[[Surface, str, tuple[float, float, float]], bytes]] = {
    ".stl": _stl,
    ".ply": _ply,
    ".obj": _obj,
    ".glb": _glb,
}
SUFFIXES = tuple(_WRITERS)

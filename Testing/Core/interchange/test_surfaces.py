import json
import struct
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.surfaces import Surface, surface_of, write_surface
from AnnotationQACore.segmentation import Mask


def _sphere(radius: float, grid: Grid) -> Mask:
    points = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    center = grid.to_world((np.array(grid.shape) - 1) / 2)
    return Mask(np.linalg.norm(points - center, axis=-1) < radius, grid)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("sheared", [False, True])
def test_surface_is_closed_and_looks_outwards(data, seed, sheared, random_grids):
    grid = data.draw(random_grids(sheared=sheared))
    voxels = np.random.default_rng(seed).random(grid.shape) < 0.4
    voxels[1, 1, 1] = True
    surface = surface_of(Mask(voxels, grid))
    edges = Counter((int(t[a]), int(t[b])) for t in surface.triangles for a, b in ((0, 1), (1, 2), (2, 0)))
    assert all(edges[b, a] == count for (a, b), count in edges.items())
    assert surface.volume > 0


@pytest.mark.parametrize("smoothing", [0, 10])
def test_volume_of_a_sphere(smoothing):
    oblique = Grid((40, 44, 46), (1.0, 0.9, 0.8), (5.0, 6.0, 7.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)))
    sheared = Grid.from_affine(
        (44, 70, 46), oblique.affine + 0.3 * np.outer([0.0, 0.8, -0.6, 0.0], [1.0, 0.0, 0.0, 0.0])
    )
    for grid in (oblique, sheared):
        surface = surface_of(_sphere(14.0, grid), smoothing)
        assert surface.volume == pytest.approx(4 / 3 * np.pi * 14.0**3, rel=0.02)
        center = grid.to_world((np.array(grid.shape) - 1) / 2)
        distances = np.linalg.norm(surface.vertices - center, axis=1)
        assert np.abs(distances - 14.0).max() < 0.9


def test_smoothing_makes_it_smoother():
    mask = _sphere(14.0, Grid((40, 40, 40)))
    deviations = []
    for smoothing in (0, 10):
        vertices = surface_of(mask, smoothing).vertices
        deviations.append(np.std(np.linalg.norm(vertices - 19.5, axis=1)))
    assert deviations[1] < 0.7 * deviations[0]


def test_one_voxel():
    surface = surface_of(Mask(np.ones((1, 1, 1), bool), Grid((1, 1, 1))))
    assert len(surface.vertices) == 8
    assert len(surface.triangles) == 12


@pytest.fixture
def cube() -> Surface:
    return surface_of(Mask(np.ones((2, 3, 4), bool), Grid((2, 3, 4), origin=(10.0, 20.0, 30.0))))


def _triangles_of_stl(content: bytes) -> np.ndarray:
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(content[84:], record)["corners"]


def test_stl(cube, tmp_path):
    write_surface(tmp_path / "x.stl", cube, "Leber")
    content = (tmp_path / "x.stl").read_bytes()
    assert content[:80].startswith(b"Leber; SPACE=LPS; UNIT=mm")
    assert struct.unpack("<I", content[80:84])[0] == len(cube.triangles)
    assert np.allclose(_triangles_of_stl(content), cube.vertices[cube.triangles], atol=1e-4)


def test_obj_and_ply(cube, tmp_path):
    write_surface(tmp_path / "x.obj", cube, "left lung")
    lines = (tmp_path / "x.obj").read_text().splitlines()
    assert sum(line.startswith("v ") for line in lines) == len(cube.vertices)
    assert max(int(n) for line in lines if line.startswith("f ") for n in line.split()[1:]) == len(cube.vertices)
    write_surface(tmp_path / "x.ply", cube)
    header, _, body = (tmp_path / "x.ply").read_bytes().partition(b"end_header\n")
    assert f"element vertex {len(cube.vertices)}".encode() in header
    assert len(body) == 15 * len(cube.vertices) + 13 * len(cube.triangles)


def test_gltf(cube, tmp_path):
    write_surface(tmp_path / "x.glb", cube, "Leber", (1.0, 0.5, 0.0))
    content = (tmp_path / "x.glb").read_bytes()
    magic, version, length, size, kind = struct.unpack("<4sIII4s", content[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(content), b"JSON")
    document = json.loads(content[20 : 20 + size])
    data = content[28 + size :]
    assert len(data) == document["buffers"][0]["byteLength"]
    points = np.frombuffer(data, "<f4", 3 * len(cube.vertices)).reshape(-1, 3)
    assert np.allclose(points * 1000, cube.vertices, atol=1e-3)
    assert document["accessors"][0]["min"] == pytest.approx((cube.vertices.min(axis=0) / 1000).tolist())


def test_nothing_and_other_formats_are_refused(cube, tmp_path):
    with pytest.raises(InputError, match="no voxels"):
        surface_of(Mask(np.zeros((1, 1, 1), bool), Grid((1, 1, 1))))
    with pytest.raises(InputError, match=r"x\.vtp: is no surface format"):
        write_surface(tmp_path / "x.vtp", cube)
    assert list(tmp_path.iterdir()) == []

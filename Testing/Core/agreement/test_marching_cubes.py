"""The derived triangles close every surface, and their areas are those that geometry demands."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from AnnotationQACore.agreement.segmentations.marching_cubes import CORNERS, EDGES, N_CODES, surfel_areas, triangles

SPACING = np.diag([2.5, 0.8, 0.7])


def code_of(corners):
    return sum(1 << CORNERS.index(corner) for corner in corners)


def test_a_cube_has_twelve_edges():
    assert len(EDGES) == 12
    assert all(sum(abs(a - b) for a, b in zip(CORNERS[p], CORNERS[q], strict=True)) == 1 for p, q in EDGES)


def test_empty_and_full_cubes_have_no_surface():
    assert triangles(0) == triangles(N_CODES - 1) == ()
    areas = surfel_areas(SPACING)
    assert areas[0] == areas[N_CODES - 1] == 0
    assert np.all(areas[1:-1] > 0)


@pytest.mark.parametrize("axis", range(3))
def test_a_flat_boundary_has_the_area_of_the_face(axis):
    half = code_of([corner for corner in CORNERS if corner[axis] == 0])
    area = math.prod(SPACING[other, other] for other in range(3) if other != axis)
    assert surfel_areas(SPACING)[half] == pytest.approx(area, abs=1e-12)


def test_a_single_corner_is_cut_off_by_one_triangle():
    k, j, i = np.diag(SPACING)
    area = 0.5 * math.sqrt((j * i) ** 2 + (k * i) ** 2 + (k * j) ** 2) / 4
    areas = surfel_areas(SPACING)
    for bit in range(8):
        assert areas[1 << bit] == pytest.approx(area, abs=1e-12)


def test_inside_and_outside_can_be_exchanged():
    areas = surfel_areas(SPACING)
    np.testing.assert_allclose(areas, areas[::-1], rtol=1e-14)


@pytest.mark.parametrize("flipped", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_turning_the_cube_turns_the_areas(order, flipped):
    spacing = np.diag(SPACING)
    areas, turned_areas = surfel_areas(SPACING), surfel_areas(np.diag(spacing[list(order)]))
    for code in range(N_CODES):
        corners = [corner for bit, corner in enumerate(CORNERS) if code >> bit & 1]
        mirrored = [tuple(1 - x if flip else x for x, flip in zip(c, flipped, strict=True)) for c in corners]
        turned = code_of([tuple(corner[axis] for axis in order) for corner in mirrored])
        assert turned_areas[turned] == pytest.approx(areas[code], abs=1e-12)


def test_a_shear_that_keeps_faces_keeps_their_areas():
    sheared = SPACING.copy()
    sheared[1, 0] = 0.9
    across_slices = code_of([corner for corner in CORNERS if corner[0] == 0])
    assert surfel_areas(sheared)[across_slices] == pytest.approx(0.8 * 0.7, abs=1e-12)
    across_rows = code_of([corner for corner in CORNERS if corner[1] == 0])
    assert surfel_areas(sheared)[across_rows] == pytest.approx(math.hypot(2.5, 0.9) * 0.7, abs=1e-12)


def test_every_crossed_edge_and_no_other_is_used():
    for code in range(N_CODES):
        crossed = {n for n, (a, b) in enumerate(EDGES) if (code >> a & 1) != (code >> b & 1)}
        assert {edge for triangle in triangles(code) for edge in triangle} == crossed


def test_surfaces_of_random_masks_are_closed():
    """Every side of a triangle belongs to exactly two triangles, or to four where two sheets touch."""
    voxels = np.pad(np.random.default_rng(7).random((7, 7, 7)) < 0.5, 1)
    sides = Counter()
    for k, j, i in itertools.product(range(8), repeat=3):
        cube = voxels[k : k + 2, j : j + 2, i : i + 2]
        code = code_of([corner for corner in CORNERS if cube[corner]])
        for triangle in triangles(code):
            middles = [
                tuple(np.add(CORNERS[EDGES[e][0]], CORNERS[EDGES[e][1]]) + 2 * np.array((k, j, i))) for e in triangle
            ]
            for side in itertools.combinations(middles, 2):
                sides[frozenset(side)] += 1
    assert len(sides) > 1000
    assert all(count % 2 == 0 for count in sides.values())

"""Surfaces beside the main thread: the same as Slicer's own, structure by structure, and taken off again."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pytest
import slicer

from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQALib.logic.segmentations import add_segmentation, fill_segmentation
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.surfaces import CLOSED_SURFACE, Surfaces

GRID = Grid((20, 40, 50), (2.0, 0.8, 0.7), (-30.0, 12.0, -20.0))
SEGMENTS = (Segment("liver", "Liver", 1, 0), Segment("cyst", "Cyst", 2, 0), Segment("spleen", "Spleen", 1, 1))


def drawing(shift: int = 0) -> Segmentation:
    """A ball of liver that leaves the image, a cyst inside, and no spleen."""
    k, j, i = np.ogrid[:20, :40, :50]
    layers = np.zeros((2, *GRID.shape), np.uint8)
    layers[0][(k - 4) ** 2 * 4 + (j - 20) ** 2 + (i - 20 - shift) ** 2 < 180] = 1
    layers[0][2:6, 16:22, 16 + shift : 24 + shift] = 2
    return Segmentation(layers, GRID, SEGMENTS)


class Later(Executor):
    """Does nothing until it is told to: one piece of work after the other."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, lambda: work(*given, **named)))
        return future

    def do_one(self) -> None:
        """Do the next piece that nobody has cancelled."""
        future, work = self.waiting.pop(0)
        if future.set_running_or_notify_cancel():
            future.set_result(work())


@pytest.fixture
def node(scene: Any) -> Any:
    return add_segmentation(scene, drawing(), "Anna")


def surface(node: Any, segment: str) -> Any:
    return node.GetSegmentation().GetSegment(segment).GetRepresentation(CLOSED_SURFACE)


def points(surface: Any) -> np.ndarray:
    return np.array([surface.GetPoint(n) for n in range(surface.GetNumberOfPoints())])


def test_surfaces_are_those_that_slicer_makes_itself(scene: Any, node: Any) -> None:
    Surfaces().want(node)
    own = add_segmentation(scene, drawing(), "Slicer")
    own.CreateClosedSurfaceRepresentation()
    assert slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName() == CLOSED_SURFACE
    for segment in ("liver", "cyst"):
        found, wanted = surface(node, segment), surface(own, segment)
        assert found.GetNumberOfPolys() == wanted.GetNumberOfPolys() > 100
        np.testing.assert_allclose(points(found), points(wanted), atol=1e-3)
        normals = found.GetPointData().GetNormals()
        assert normals.GetNumberOfTuples() == found.GetNumberOfPoints()
    assert surface(node, "spleen").GetNumberOfPoints() == 0


def test_structures_come_one_after_the_other_and_those_looked_at_first(node: Any) -> None:
    later = Later()
    background = Background(pytest.fail, later)
    surfaces = Surfaces(background)
    surfaces.want(node)
    surfaces.prefer(["spleen"])
    seen = []
    while later.waiting:
        assert len(later.waiting) == 1, "other work of the reviewer waits for one structure at most"
        later.do_one()
        background.poll()
        seen.append([one for one in ("liver", "cyst", "spleen") if surface(node, one).GetNumberOfPoints()])
    assert seen == [["liver"], ["liver"], ["liver", "cyst"]]
    assert background.is_idle


def test_a_view_shows_nothing_that_slicer_would_have_to_compute(node: Any) -> None:
    """A 3D view makes what is missing on the main thread as soon as the first segment has a surface."""
    missing = []

    def look(*_event: Any) -> None:
        if node.GetDisplayNode().GetDisplayRepresentationName3D():
            missing.extend(one.id for one in SEGMENTS if surface(node, one.id) is None)

    node.GetSegmentation().AddObserver(slicer.vtkSegmentation.SegmentModified, look)
    surfaces = Surfaces(Background(pytest.fail, Later()))
    surfaces.want(node)
    assert node.GetDisplayNode().GetDisplayRepresentationName3D() == CLOSED_SURFACE
    assert missing == []


def test_changed_voxels_make_surfaces_anew_and_what_was_begun_is_dropped(node: Any) -> None:
    later = Later()
    background = Background(pytest.fail, later)
    surfaces = Surfaces(background)
    surfaces.want(node)
    for _ in SEGMENTS:
        later.do_one()
        background.poll()
    first = points(surface(node, "liver"))
    fill_segmentation(node, drawing(shift=5))
    surfaces.want(node)
    np.testing.assert_array_equal(points(surface(node, "liver")), first)  # the former one is shown meanwhile
    fill_segmentation(node, drawing(shift=10))
    surfaces.want(node)
    later.do_one()  # begun before the second change
    background.poll()
    np.testing.assert_array_equal(points(surface(node, "liver")), first)
    while later.waiting:
        later.do_one()
        background.poll()
    surfaces.want(node)
    assert background.is_idle, "nothing has changed"
    moved = points(surface(node, "liver"))
    np.testing.assert_allclose(moved[:, 0].max() - first[:, 0].max(), -7.0, atol=1e-3)


def test_surfaces_are_taken_off_again_but_not_those_of_the_user(scene: Any, node: Any) -> None:
    own = add_segmentation(scene, drawing(), "Slicer")
    own.CreateClosedSurfaceRepresentation()
    before = surface(own, "liver")
    later = Later()
    background = Background(pytest.fail, later)
    surfaces = Surfaces(background)
    surfaces.want(node)
    surfaces.want(own)
    assert surface(own, "liver") is before
    surfaces.remove()
    assert background.is_idle
    assert all(future.cancelled() for future, _work in later.waiting)
    assert surface(node, "liver") is None
    assert surface(own, "liver") is before

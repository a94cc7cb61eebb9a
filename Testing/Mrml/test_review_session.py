"""What is drawn beside segmentations, other time points, editing, and long work on other threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from AnnotationQACore.errors import Cancelled, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    Reading,
    Subject,
)
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.segmentations import add_segmentation, segmentation_from_node
from AnnotationQALib.logic.volumes import add_volume
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import CaseWork
from AnnotationQALib.review.deciding import REGIONS, Deciding
from AnnotationQALib.review.loose_readings import LooseReadings
from AnnotationQALib.review.project_review import ProjectReview
from AnnotationQALib.review.surfaces import bounds_of
from AnnotationQALib.review.time_points import TimePoint, TimePointViews, volume_of

GRID = Grid((12, 40, 40), (2.0, 1.0, 1.0), (-20.0, -20.0, -12.0))


@pytest.fixture
def volume(scene: Any) -> Any:
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    scene.AddNode(slicer.vtkMRMLCrosshairNode())
    return add_volume(scene, Volume(np.zeros(GRID.shape, np.int16), GRID), "CT")


@pytest.fixture
def spine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two readers have placed landmarks, an angle and a box; nothing is segmented."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    protocol = load_shipped("vertebra_landmarks")
    people = {name: create_identity(name, tmp_path / "keys") for name in ("lead", "anna", "ben")}
    lead = Project.create(tmp_path / "project", people["lead"], protocol, roles=(Role.LEAD, Role.ADJUDICATOR))
    for name in ("anna", "ben"):
        lead.add_member(name, name, [Role.READER], people[name].public_key)
    lead.add_cases([Case("case-1", "patient-1")])
    lead.assign([Assignment("case-1", name, 1, "reading", 1) for name in ("anna", "ben")])
    for name, shift in (("anna", 0.0), ("ben", 6.0)):
        answers = (
            Answer("vertebral_bodies", LandmarksValue((Landmark("l1", (shift, 0.0, 0.0)), Landmark("l2", None)))),
            Answer(
                "lumbar_lordosis",
                MeasurementValue(40.0 + shift, "deg", ((0.0, 0.0, 0.0), (5.0, 0.0, 0.0), (5.0, 5.0 + shift, 0.0))),
            ),
            Answer("fractured_vertebra", BoxValue((shift, 2.0, 0.0), (10.0, 8.0, 6.0)), Subject(instance=1)),
        )
        project = Project.open(tmp_path / "project", people[name])
        project.submit_reading(Reading("case-1", name, 1, 1, protocol.hash, answers))
    lead.refresh()
    return lead


def test_each_readers_markups_are_in_the_views_of_that_reader(scene: Any, volume: Any, spine: Project) -> None:
    reviews = ProjectReview(spine)
    reviews.compare("case-1")
    opened = reviews.open(scene, "case-1", volume)
    opened.review.open_views()
    opened.show_markups()
    views = opened.review.views
    for reader, nodes in opened.markups.nodes.items():
        kinds = sorted(node.GetClassName() for node in nodes)
        assert kinds == ["vtkMRMLMarkupsAngleNode", "vtkMRMLMarkupsFiducialNode", "vtkMRMLMarkupsROINode"]
        for node in nodes:
            assert set(node.GetDisplayNode().GetViewNodeIDs()) == set(views.view_ids(reader))
            assert node.GetLocked()
            assert node.GetName().startswith("Reader ")
    landmarks = next(n for n in opened.markups.nodes["ben"] if n.IsA("vtkMRMLMarkupsFiducialNode"))
    places = [n for n in range(landmarks.GetNumberOfControlPoints()) if landmarks.GetNthControlPointPositionStatus(n)
              == landmarks.PositionDefined]  # fmt: skip
    assert tuple(landmarks.GetNthControlPointPositionWorld(places[0])) == (-6.0, 0.0, 0.0)
    box = next(n for n in opened.markups.nodes["ben"] if n.IsA("vtkMRMLMarkupsROINode"))
    assert tuple(box.GetCenter()) == (-6.0, -2.0, 0.0)
    kinds = {opened.review.walk[place].kind for place in range(len(opened.review.walk))}
    assert {Kind.LANDMARK, Kind.BOX} <= kinds
    deciding = Deciding(opened.review, opened.adjudication)
    place = next(n for n in range(len(opened.review.walk)) if opened.review.walk[n].kind is Kind.LANDMARK)
    opened.review.go_to(place)
    deciding.take_answer("ben")
    assert opened.adjudication.decisions[0].source == "ben"
    with pytest.raises(InputError, match=r"nothing was segmented|region"):
        deciding.take_region("ben")
    opened.close()
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0


def test_who_is_not_shown_has_no_markups_in_any_view(scene: Any, volume: Any, spine: Project) -> None:
    opened = ProjectReview(spine).open(scene, "case-1", volume)
    opened.review.choose(["ben"])
    opened.review.open_views()
    opened.show_markups()
    assert not any(node.GetDisplayVisibility() for node in opened.markups.nodes["anna"])
    assert all(node.GetDisplayVisibility() for node in opened.markups.nodes["ben"])
    opened.close()


def reading(end: int, first: int = 2, last: int = 9) -> Segmentation:
    layer = np.zeros((1, *GRID.shape), np.uint8)
    layer[0, first:last, 10:30, 10:end] = 1
    layer[0, 2:4, 2:6, 2:6] = 2
    return Segmentation(layer, GRID, (Segment("liver", "Liver", 1), Segment("cyst", "Cyst", 2)))


@pytest.fixture
def loose(scene: Any, volume: Any) -> CaseReview:
    nodes = [add_segmentation(scene, reading(end), name) for name, end in (("a", 20), ("b", 26))]
    return CaseReview.of_nodes(scene, volume, nodes)


def test_editing_begins_with_a_source_and_decides_nothing(loose: CaseReview) -> None:
    deciding = Deciding(loose)
    node = loose.begin_edit("liver", "b")
    shown = segmentation_from_node(node, GRID)
    np.testing.assert_array_equal(shown.mask("liver").voxels, loose.labels.mask("b", "liver"))
    np.testing.assert_array_equal(shown.mask("cyst").voxels, loose.labels.mask("a", "cyst"))
    assert deciding.open_regions == len(loose.walk) == 1
    loose.begin_edit("liver", "consensus:majority")
    deciding.take_edited("liver")
    assert deciding.open_regions == 0
    assert [row.source for row in deciding.rows()] == ["edited", ""]
    loose.close()


def test_deciding_without_a_protocol(loose: CaseReview) -> None:
    deciding = Deciding(loose)
    loose.next()
    deciding.take_region("a")
    (liver, cyst) = deciding.rows()
    assert (liver.source, liver.is_open, cyst.is_open) == (REGIONS, False, False)
    assert deciding.name("consensus:shape") == "Shape-based average"
    deciding.accept_all("b")
    np.testing.assert_array_equal(loose.painting.layers, loose.labels.of("b"))
    with pytest.raises(InputError, match="answers differ"):
        deciding.take_answer("a")
    kept = loose.copy_result("mine")
    loose.close()
    np.testing.assert_array_equal(
        segmentation_from_node(kept, GRID).mask("liver").voxels, reading(26).mask("liver").voxels
    )


def test_time_points_have_their_own_images_and_give_displays_back(scene: Any, volume: Any) -> None:
    later = add_volume(scene, Volume(np.ones(GRID.shape, np.int16), GRID), "later")
    nodes = [add_segmentation(scene, reading(end), name) for name, end in (("t1", 20), ("t2", 26))]
    nodes[0].SetReferenceImageGeometryParameterFromVolumeNode(later)
    assert volume_of(nodes[0]) is later
    assert volume_of(nodes[1]) is None
    views = TimePointViews(scene, [TimePoint("t1", later, nodes[0]), TimePoint("t2", volume, nodes[1])])
    layout = views.open_views(3)
    assert len(layout.panes) == 6
    backgrounds = [node.GetBackgroundVolumeID() for node in views.views.composite_nodes()]
    assert backgrounds == [later.GetID()] * 3 + [volume.GetID()] * 3
    assert all(node.GetHotLinkedControl() for node in views.views.composite_nodes())
    views.set_style("fills")
    layout = views.open_views(1, "each")
    cameras = [scene.AddNewNodeByClass("vtkMRMLCameraNode") for _ in nodes]
    for camera, pane in zip(cameras, (pane for pane in layout.panes if not pane.is_slice), strict=True):
        camera.SetLayoutName(pane.tag)
    views.frame()
    for camera, node in zip(cameras, nodes, strict=True):
        low, high = np.array(bounds_of(node)).reshape(3, 2).T
        assert camera.GetFocalPoint() == pytest.approx((low + high) / 2), "each looks at what was drawn then"
    assert cameras[0].GetFocalPoint() != cameras[1].GetFocalPoint()
    views.close()
    assert not nodes[0].GetDisplayNode().GetViewNodeIDs()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSliceNode") == 0
    with pytest.raises(InputError, match="choose two to"):
        TimePointViews(scene, [TimePoint("t1", later, nodes[0])])


def test_work_goes_on_on_another_thread_in_the_order_that_a_reviewer_needs(scene: Any, volume: Any) -> None:
    nodes = [add_segmentation(scene, reading(end), name) for name, end in (("a", 20), ("b", 26))]
    loose = LooseReadings(volume, nodes)
    done = threading.Event()
    told: list[str] = []
    background = Background(told.append)
    here = threading.get_ident()
    threads: list[int] = []

    def labels() -> Any:
        threads.append(threading.get_ident())
        try:
            return loose.labels()
        finally:
            done.set()

    reviews: list[CaseReview] = []
    background.run("case", "Comparing", labels, lambda found: reviews.append(_review(scene, volume, loose, found)))
    assert background.title == "Comparing"
    assert not reviews, "nothing is handed over before it is asked for"
    assert done.wait(60)
    _poll(background, lambda: bool(reviews))
    assert threads != [here]
    order: list[str] = []
    work = CaseWork(reviews[0], background, lambda: order.append("found"), lambda: order.append("measured"))
    work.begin()
    work.want_consensus(order.append)
    work.want_consensus(order.append)  # asked twice, computed once
    _poll(background, lambda: background.is_idle)
    assert order[0] == "found"
    assert sorted(order[1:]) == sorted(["majority", "measured", "shape", "simple", "staple"])
    assert reviews[0].walk.is_measured()
    assert work.choice("staple").method == "staple"
    images: list[Any] = []
    work.want_heat_map("readers", lambda kind, image: images.append((kind, image)))
    _poll(background, lambda: bool(images))
    node = reviews[0].show_heat_map("readers", 0.5, images[0][1])
    assert node.GetAttribute("AnnotationQA.HeatMap") == "readers"
    background.close()
    reviews[0].close()


def test_what_is_forgotten_is_not_handed_over_and_errors_are_told_in_one_line() -> None:
    told: list[str] = []
    background = Background(told.append)
    results: list[int] = []

    def fail() -> int:
        raise InputError("a: is wrong; mend it.")

    def stop() -> int:
        raise Cancelled("stopped")

    background.run("a", "", lambda: 1, results.append)
    background.run("b", "", lambda: 2, results.append)
    background.forget("a")
    background.run("b", "", fail, results.append)
    background.run("b", "", stop, results.append)
    background.run("b", "", lambda: 1 // 0, results.append)
    with pytest.raises(ZeroDivisionError):
        _poll(background, lambda: background.is_idle)
    assert results == [2]
    assert told == ["a: is wrong; mend it."]
    background.close()


def _review(scene: Any, volume: Any, loose: LooseReadings, labels: Any) -> CaseReview:
    return CaseReview(scene, {}, volume, nodes=loose.nodes, labels=labels)


def _poll(background: Background, until: Callable[[], bool]) -> None:
    """Take results up until a condition holds."""
    for _ in range(100):
        background.poll()
        if until():
            return
        wait([step.future for step in background._steps], 60, FIRST_COMPLETED)
    raise AssertionError("the work does not end")

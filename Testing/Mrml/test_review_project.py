"""A project's case from the list to the reference standard, on a real scene."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.study import FailedCase
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQACore.project.readings import Answer, Presence, RatingValue, Reading, SegmentationValue, Subject
from AnnotationQACore.project.state import CaseStatus, Role
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.sending_back import Pin
from AnnotationQACore.segmentation import Segment, Segmentation, Volume
from AnnotationQALib.logic.volumes import add_volume
from AnnotationQALib.review.project_review import ProjectReview

GRID = Grid((10, 24, 24), (2.0, 1.0, 1.0))
ENDS = {"anna": 12, "ben": 12, "cleo": 15}


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Project]:
    """Opens the project as somebody; three readers have drawn a nodule, cleo a larger one with another rating."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    shipped = load_shipped("lung_nodule_ct")
    protocol = replace(shipped, design=replace(shipped.design, reason_required=False))
    roles = {**dict.fromkeys(ENDS, Role.READER), "adam": Role.ADJUDICATOR}
    people = {name: create_identity(name, tmp_path / "keys") for name in ("lead", *roles)}
    folder = tmp_path / "project"
    lead = Project.create(folder, people["lead"], protocol)
    for name, role in roles.items():
        lead.add_member(name, f"Dr {name.title()}", [role], people[name].public_key)
    lead.add_cases([Case("case-1", "patient-1"), Case("case-2", "patient-2")])
    lead.assign([Assignment("case-1", reader, 1, "reading", 1) for reader in ENDS])
    subject = Subject(instance=1)
    for reader, end in ENDS.items():
        layer = np.zeros((1, *GRID.shape), np.uint8)
        layer[0, 3:7, 6:12, 6:end] = 1
        path = tmp_path / f"{reader}.seg.nrrd"
        write_segmentation(path, Segmentation(layer, GRID, (Segment("nodule#1", "Nodule 1", 1),)))
        answers = (
            Answer("nodule", SegmentationValue(Presence.PRESENT), subject),
            Answer("malignancy", RatingValue(5 if reader == "cleo" else 2), subject),
        )
        Project.open(folder, people[reader]).submit_reading(
            Reading("case-1", reader, 1, 1, protocol.hash, answers), path
        )
    return lambda name: Project.open(folder, people[name])


@pytest.fixture
def volume(scene: Any) -> Any:
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    return add_volume(scene, Volume(np.zeros(GRID.shape, np.int16), GRID), "CT")


def test_from_the_list_to_the_reference_standard(scene: Any, volume: Any, act: Callable[[str], Project]) -> None:
    reviews = ProjectReview(act("adam"))
    assert reviews.pending() == ("case-1",)
    reviews.compare("case-1")
    (row,) = reviews.rows()
    assert Kind.RATING in row.cells["malignancy"].kinds
    assert not reviews.pending()
    opened = reviews.open(scene, "case-1", volume)
    opened.review.open_views()
    assert set(opened.review.names.values()) == {"Reader A", "Reader B", "Reader C"}
    rating, region = opened.review.next(), opened.review.next()
    assert (rating.kind, region.kind) == (Kind.RATING, Kind.BOUNDARY)
    opened.review.take_region("cleo", opened.adjudication)
    with pytest.raises(InputError, match="not decided yet: malignancy"):
        opened.sign_off()
    opened.adjudication.accept("malignancy", "anna")
    submitted = opened.sign_off("read together")
    state = reviews.project.state
    assert state.case_status("case-1") is CaseStatus.DECIDED
    voxels = read_segmentation(reviews.project.segmentation_path(submitted)).mask("nodule#1").voxels
    assert voxels.sum() == 4 * 6 * 9
    assert reviews.rows()[0].readers["anna"] == "Dr Anna"  # no longer blinded
    before = scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    opened.close()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before - 4


def test_pins_are_sent_from_where_they_were_moved_to(scene: Any, volume: Any, act: Callable[[str], Project]) -> None:
    reviews = ProjectReview(act("adam"))
    opened = reviews.open(scene, "case-1", volume)
    opened.pins.add(Pin("vessel, not nodule", "nodule", (1.0, 2.0, 3.0), reader="cleo"))
    opened.pins.add(Pin("look here", "nodule", (1.0, 2.0, 3.0), (5.0, 6.0, 7.0)))
    opened.pins.add(Pin("redo"))
    nodes = [scene.GetFirstNodeByClass(f"vtkMRMLMarkups{kind}Node") for kind in ("Fiducial", "Line")]
    assert tuple(nodes[0].GetNthControlPointPositionWorld(0)) == (-1.0, -2.0, 3.0)
    nodes[0].SetNthControlPointPositionWorld(0, (-4.0, -2.0, 9.0))
    opened.pins.remove(2)
    opened.send_back(["cleo"])
    assert reviews.project.state.case_status("case-1") is CaseStatus.SENT_BACK
    comments = act("cleo").worklist("cleo")[0].comments
    assert [comment["position"] for comment in comments] == [[4.0, 2.0, 9.0], [1.0, 2.0, 3.0]]
    assert comments[1]["towards"] == [5.0, 6.0, 7.0]
    assert scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode") is None
    assert len(opened.pins) == 0
    assert opened.changes("cleo") is None
    opened.close()


def test_a_damaged_file_fails_its_case_and_is_said_without_names(act: Callable[[str], Project]) -> None:
    reviews = ProjectReview(act("adam"))
    submitted = next(one for one in reviews.project.state.latest_readings("case-1") if one.reader == "anna")
    (reviews.project.folder / submitted.files[1].path).write_bytes(b"NRRD0004")
    assert isinstance(reviews.compare("case-1"), FailedCase)
    (row,) = reviews.rows()
    assert any("was changed after it was submitted" in message for message in row.messages)
    assert "anna" not in " ".join(row.messages)


def test_a_case_that_nobody_read_is_refused(scene: Any, act: Callable[[str], Project]) -> None:
    with pytest.raises(InputError, match="nobody has read it yet"):
        ProjectReview(act("adam")).open(scene, "case-2")

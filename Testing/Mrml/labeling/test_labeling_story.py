"""A reader works down a worklist, on a real scene: drawn, saved, resumed, checked, submitted, sent back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from AnnotationQACore.checks.problems import CheckKind, Severity
from AnnotationQACore.errors import InputError, ProtocolError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.markups import read_markups
from AnnotationQACore.interchange.matching_answers import match_markups
from AnnotationQACore.interchange.seg_nrrd import write_seg_nrrd
from AnnotationQACore.project.readings import (
    ChoiceValue,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Presence,
    Reading,
    SegmentationValue,
    StartedFrom,
    Subject,
)
from AnnotationQACore.project.state import Action, TaskStatus
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Mask, Segmentation
from AnnotationQALib.logic import segment_painting
from AnnotationQALib.logic.autosave import SaveState
from AnnotationQALib.logic.form import ItemKey, ItemState
from AnnotationQALib.logic.open_case import OpenCase
from AnnotationQALib.logic.reading_editor import ReadingEditor

LESION = ItemKey("lesion")
ORGAN = ItemKey("organ")


def paint(case: OpenCase, key: ItemKey, region: tuple[slice, ...]) -> None:
    target = case.editor.drawing.activate(key)
    grid = case.images.grid(case.images.roles[0])
    voxels = np.zeros(grid.shape, bool)
    voxels[region] = True
    segment_painting.set_voxels(case.editor.segmentation_node, target.segment_id, Mask(voxels, grid))


def place(case: OpenCase, key: ItemKey, *points: tuple[float, float, float]) -> None:
    for x, y, z in points:
        target = case.editor.drawing.activate(key)
        count = target.node.GetNumberOfControlPoints()
        if target.point < count:
            target.node.SetNthControlPointPositionWorld(target.point, -x, -y, z)
        else:
            target.node.AddControlPointWorld(vtk.vtkVector3d(-x, -y, z))


def rest(study: Any, case: OpenCase, seconds: float = 3.0) -> None:
    """A pause of the reader, in which the panel's timer ticks."""
    study.clock.go(seconds)
    for _ in range(4):
        case.tick()


def answer_all(case: OpenCase) -> ItemKey:
    """Answer and draw everything."""
    editor = case.editor
    paint(case, ORGAN, np.s_[2:10, 5:35, 5:40])
    first = editor.add_instance(LESION)
    paint(case, first, np.s_[3:6, 10:20, 10:20])
    second = editor.add_instance(LESION)
    paint(case, second, np.s_[7:9, 22:30, 12:20])
    for number in (1, 2):
        editor.rate(ItemKey("grade", Subject(instance=number)), number)
    box = editor.add_instance(ItemKey("box"))
    node = editor.drawing.activate(box).node
    node.SetCenter((3.0, 2.0, 1.0))
    node.SetSize((7.0, 6.0, 5.0))
    place(case, ItemKey("outline"), (-10.0, -8.0, -4.0), (0.0, -8.0, -4.5), (0.0, 3.0, -3.6))
    editor.drawing.snap_to_slice(ItemKey("outline"))
    place(case, ItemKey("marks"), (1.0, 2.0, 3.0), (1.5, 2.5, 3.5))
    editor.drawing.mark_not_visible(ItemKey("marks"), "p3")
    place(case, ItemKey("axes"), (-10.0, 0.0, -5.0), (2.0, 0.0, -5.0), (-4.0, -3.0, -5.0), (-4.0, 5.0, -5.0))
    place(case, ItemKey("angle"), (0.0, 5.0, 0.0), (0.0, 0.0, 0.0), (5.0, 0.0, 0.0))
    editor.choose(ItemKey("kind"), ["b", "a"])
    editor.choose(ItemKey("seen"), ["present"])
    editor.remark(ItemKey("kind"), "both")
    return second


def plain(segmentation: Segmentation | None) -> dict[str, Any]:
    """Voxels and description of every segment, without the layers that MRML arranges as it likes."""
    assert segmentation is not None
    return {
        s.id: (replace(s, layer=0, value=1), segmentation.mask(s.id).voxels.tobytes()) for s in segmentation.segments
    }


def test_a_whole_reading_is_submitted_and_shown_again_unchanged(
    studies: Any, sessions: Any, everything: Protocol
) -> None:
    study = studies(everything)
    session = sessions(study)
    assert str(session.header.progress) == "0 of 3 read"
    case = session.open_next()
    assert case.item.case == "case-1"
    answer_all(case)
    assert [p.message for p in case.check()] == []
    submitted = session.submit()
    assert session.case is None
    assert str(session.header.progress) == "1 of 3 read"
    reading = session.project.load_reading(submitted)
    assert reading.answer("kind").value == ChoiceValue(("a", "b"))
    assert reading.answer("kind").comment == "both"
    assert reading.answer("why").value == NotApplicable()
    assert reading.answer("lesion_volume", Subject(instance=1)).value.value == pytest.approx(3 * 100 * 1.6 / 1000)
    axes = reading.answer("axes").value
    assert isinstance(axes, MeasurementValue)
    assert (axes.value, axes.short_axis) == pytest.approx((12.0, 8.0))
    assert reading.answer("angle").value.value == pytest.approx(90.0)
    marks = reading.answer("marks").value
    assert isinstance(marks, LandmarksValue)
    assert [m.position is None for m in marks.landmarks] == [False, False, True]

    voxels = read_segmentation(session.project.segmentation_path(submitted))
    images = session.open_case(session.worklist()[0].item).images  # another case with the same kind of image
    fresh = slicer.vtkMRMLScene()
    again = ReadingEditor(fresh, everything, images, reading, voxels).snapshot(reading.activity)
    contents = again.complete(session.case.sources)
    assert replace(contents.reading, segmentation=reading.segmentation) == reading
    assert plain(contents.segmentation) == plain(voxels)


def test_files_are_those_of_slicer(
    studies: Any, sessions: Any, everything: Protocol, scene: Any, tmp_path: Path
) -> None:
    logic = slicer.vtkSlicerMarkupsLogic()
    logic.SetMRMLScene(scene)
    study = studies(everything)
    case = sessions(study).open_next()
    answer_all(case)
    contents = case.editor.snapshot().contents()
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "slicer.seg.nrrd"))
    assert storage.WriteData(case.editor.segmentation_node) == 1
    assert {k: v[1] for k, v in plain(read_segmentation(tmp_path / "slicer.seg.nrrd")).items()} == {
        k: v[1] for k, v in plain(contents.segmentation).items()
    }
    marks = case.editor.drawing.nodes(ItemKey("marks"))[0]
    marks.AddDefaultStorageNode()
    marks.GetStorageNode().SetFileName(str(tmp_path / "Marks.mrk.json"))
    assert marks.GetStorageNode().WriteData(marks) == 1
    matched = match_markups(read_markups(tmp_path / "Marks.mrk.json"), everything)
    assert matched.mismatches == ()
    theirs, ours = matched.answers[0].value, contents.reading.answer("marks").value
    assert isinstance(theirs, LandmarksValue)
    assert isinstance(ours, LandmarksValue)
    assert [m.name for m in theirs.landmarks] == [m.name for m in ours.landmarks]
    for one, other in zip(theirs.landmarks, ours.landmarks, strict=True):
        assert (one.position is None) == (other.position is None)
        if one.position is not None:
            assert one.position == pytest.approx(other.position)


def test_segments_are_as_the_protocol_says(studies: Any, sessions: Any, everything: Protocol) -> None:
    case = sessions(studies(everything)).open_next()
    target = case.editor.drawing.activate(ORGAN)
    segment = case.editor.segmentation_node.GetSegmentation().GetSegment("organ")
    assert target.segment_id == "organ"
    assert segment.GetName() == "Organ"
    assert segment.GetColor() == pytest.approx((0x40 / 255, 0x80 / 255, 0xC0 / 255))
    assert "52988006" in segment.GetTerminology()
    with pytest.raises(InputError, match="add an instance first"):
        case.editor.drawing.activate(LESION)
    assert case.editor.drawing.activate(case.editor.add_instance(LESION)).segment_id == "lesion#1"


def test_a_draft_is_resumed_after_a_crash(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    crashed = sessions(study).open_next()
    answer_all(crashed)
    rest(study, crashed)
    assert crashed.autosave.state == SaveState.SAVED, crashed.autosave.message
    before = crashed.editor.snapshot().contents()

    session = sessions(study, slicer.vtkMRMLScene())
    assert session.worklist()[0].item.status == TaskStatus.DRAFT
    resumed = session.open_next()
    assert resumed.notices == ("Your draft was resumed.",)
    after = resumed.editor.snapshot().contents()
    assert after.reading.answers == before.reading.answers
    assert plain(after.segmentation) == plain(before.segmentation)


def test_two_sessions_on_one_draft(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    one = sessions(study).open_next()
    one.editor.set_comment("first")
    rest(study, one)
    session = sessions(study, slicer.vtkMRMLScene())
    two = session.open_next()
    one.editor.set_comment("first again")
    rest(study, one)
    two.editor.set_comment("second")
    rest(study, two)
    assert one.autosave.state == SaveState.SAVED
    assert two.autosave.state == SaveState.CONFLICT
    assert "another session saved it meanwhile" in str(two.autosave.message)
    session.close_case()
    third = sessions(study, slicer.vtkMRMLScene()).open_next()
    assert third.editor.comment == "first again"
    assert "the other is still kept" in third.notices[0]


def test_a_project_out_of_reach_while_drawing(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    session = sessions(study)
    case = session.open_next()
    away = study.folder.with_name("away")
    study.folder.rename(away)
    answer_all(case)
    rest(study, case)
    assert case.autosave.state == SaveState.KEPT_HERE
    assert "written when the project is back" in str(case.autosave.message)
    assert not session.header.health.is_healthy
    assert not study.folder.exists()  # nothing was made in its place
    away.rename(study.folder)
    rest(study, case, 20.0)
    assert case.autosave.state == SaveState.SAVED
    assert session.project.load_draft("case-1").reading.answer("kind") is not None


def test_work_kept_here_is_resumed(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    case = sessions(study).open_next()
    away = study.folder.with_name("away")
    study.folder.rename(away)
    case.editor.set_comment("kept")
    rest(study, case)
    away.rename(study.folder)
    resumed = sessions(study, slicer.vtkMRMLScene()).open_next()
    assert resumed.editor.comment == "kept"
    assert resumed.notices == ("Work that was kept on this computer was resumed.",)


def test_a_sent_back_case(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    session = sessions(study)
    case = session.open_next()
    answer_all(case)
    submitted = session.submit()
    comment = {"text": "too large", "item": "lesion", "position": [1.0, 2.0, 3.0]}
    study.as_("rita").decide("case-1", Action.SEND_BACK, [submitted.id], comments=[comment])
    session.refresh()
    assert str(session.header.progress) == "0 of 3 read, 1 sent back"
    again = session.open_next()
    assert (again.item.case, again.item.revision) == ("case-1", 2)
    assert [c.text for c in again.pins.comments] == ["too large"]
    assert again.pins.node.GetNthControlPointPositionWorld(0) == pytest.approx((-1.0, -2.0, 3.0))
    paint(again, LESION.of_instance(2), np.s_[7:9, 22:30, 12:19])
    second = session.submit()
    reading = session.project.load_reading(second)
    assert reading.revision == 2
    assert reading.answer("kind").value == ChoiceValue(("a", "b"))
    assert reading.started_from == StartedFrom(submitted.id, 2 * 8)


def test_start_from_a_model(studies: Any, sessions: Any, everything: Protocol, tmp_path: Path) -> None:
    study = studies(everything)
    session = sessions(study)
    assert session.open_next() is not None
    assert session.start_offers() == ()
    case = session.case
    paint(case, ORGAN, np.s_[2:10, 5:35, 5:40])
    write_seg_nrrd(tmp_path / "model.seg.nrrd", case.editor.snapshot().contents().segmentation)
    organ = case.editor.snapshot().contents().reading.answers
    model = Reading("case-1", "model:net", 1, 1, everything.hash, organ)
    study.as_("lead").submit_reading(model, tmp_path / "model.seg.nrrd")
    session.refresh()
    paint(case, ORGAN, np.s_[0:1, 0:1, 0:1])
    offers = session.start_offers()
    assert [offer.title for offer in offers] == ["net"]
    session.start_from(offers[0])
    paint(case, ORGAN, np.s_[2:10, 5:35, 5:39])
    contents = case.editor.snapshot().complete(case.sources)
    assert contents.reading.started_from == StartedFrom(model.id, 8 * 30)
    assert contents.reading.answer("organ").value == SegmentationValue(Presence.PRESENT)


@pytest.mark.parametrize("harm", ["changed", "moved"])
def test_images_that_are_not_as_they_were(studies: Any, sessions: Any, everything: Protocol, harm: str) -> None:
    study = studies(everything)
    image = study.folder.parent / "images" / "case-1" / "ct.nrrd"
    if harm == "changed":
        image.write_bytes(image.read_bytes()[:-1] + b"x")
    else:
        image.rename(image.with_name("elsewhere.nrrd"))
    session = sessions(study)
    wanted = "not those that were added" if harm == "changed" else "not at their place"
    with pytest.raises(InputError, match=wanted):
        session.open_next()
    assert session.case is None
    assert session.open_case(session.worklist()[1].item).item.case == "case-2"


def test_a_deleted_segment_comes_back(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    case = sessions(study).open_next()
    answer_all(case)
    rest(study, case)
    before = plain(case.autosave.contents.segmentation)["lesion#1"][1]
    case.editor.segmentation_node.GetSegmentation().RemoveSegment("lesion#1")
    lesion = LESION.of_instance(1)
    assert case.editor.drawing.deleted_segments() == (lesion,)
    states = {entry.key: entry.state for entry in case.editor.entries()}
    assert states[lesion] == ItemState.PROBLEM
    assert any("was deleted" in problem.message for problem in case.check())
    rest(study, case)  # saved once more, without the segment
    case.restore_segment(lesion)
    assert case.editor.drawing.deleted_segments() == ()
    assert plain(case.editor.snapshot().contents().segmentation)["lesion#1"][1] == before


def test_a_segment_that_is_not_of_the_protocol(studies: Any, sessions: Any, everything: Protocol) -> None:
    case = sessions(studies(everything)).open_next()
    case.editor.segmentation_node.GetSegmentation().AddEmptySegment("Segment_1", "Segment_1")
    assert case.editor.drawing.foreign_segments() == ("Segment_1",)
    assert any(p.kind == CheckKind.SEGMENTS and p.severity == Severity.ERROR for p in case.check())


def test_voxels_on_another_geometry_are_not_lost(studies: Any, sessions: Any, everything: Protocol, user: Path) -> None:
    study = studies(everything)
    case = sessions(study).open_next()
    paint(case, ORGAN, np.s_[2:10, 5:35, 5:40])
    rest(study, case)
    labelmap = case.editor.segmentation_node.GetSegmentation().GetSegment("organ").GetRepresentation("Binary labelmap")
    labelmap.SetSpacing(0.5, 0.5, 0.5)
    labelmap.Modified()
    case.editor.segmentation_node.GetSegmentation().Modified()
    case.editor.set_comment("changed")
    rest(study, case)
    assert case.autosave.state == SaveState.FAILED
    assert "another image geometry" in str(case.autosave.message)
    kept = list(user.rglob("layer-*.seg.nrrd"))
    assert len(kept) == 1
    assert read_segmentation(kept[0]).mask("organ").voxels.any()
    with pytest.raises(InputError, match="another image geometry"):
        case.check()
    labelmap.SetSpacing(0.8, 0.8, 2.5)


def test_a_warning_needs_a_reason_and_an_error_cannot_be_submitted(
    studies: Any, sessions: Any, everything: Protocol
) -> None:
    study = studies(everything)
    session = sessions(study)
    case = session.open_next()
    second = answer_all(case)
    paint(case, second, np.s_[7:12, 22:30, 12:20])  # beyond the organ
    (problem,) = case.check()
    assert (problem.kind, problem.severity) == (CheckKind.INSIDE, Severity.WARNING)
    assert problem.spot.position is not None
    with pytest.raises(InputError, match="without a reason"):
        session.submit()
    case.editor.clear(ItemKey("seen"))
    with pytest.raises(InputError, match="cannot be submitted: Seen"):
        session.submit({problem: "it bulges"})
    case.editor.choose(ItemKey("seen"), ["absent"])
    reading = session.project.load_reading(session.submit({problem: "it bulges"}))
    assert reading.answer("lesion", Subject(instance=2)).warning_reason == "it bulges"


def test_a_protocol_newer_than_the_module(studies: Any, sessions: Any, everything: Protocol) -> None:
    study = studies(everything)
    file = next((study.folder / "protocols").iterdir())
    file.write_text(file.read_text().replace('"version"', '"novelty": 1, "version"'))
    with pytest.raises(ProtocolError, match="update the extension"):
        sessions(study)


def test_nothing_of_a_case_stays_in_the_scene(studies: Any, sessions: Any, everything: Protocol, scene: Any) -> None:
    before = scene.GetNumberOfNodes()
    session = sessions(studies(everything))
    for _ in range(3):
        case = session.open_next()
        answer_all(case)
        session.close_case()
    colors = scene.GetNumberOfNodesByClass("vtkMRMLColorNode")
    assert scene.GetNumberOfNodes() - colors <= before + 1


def test_the_next_case_is_read_ahead(studies: Any, sessions: Any, everything: Protocol) -> None:
    session = sessions(studies(everything))
    session.open_next()
    session.preload()
    assert session.is_preloaded
    assert session.open_next().item.case == "case-2"

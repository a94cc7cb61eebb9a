"""The module Annotation QA inside a real Slicer: what the stand-in under Testing/Widgets cannot show.

Views, layouts, the Segment Editor with its undo, Sequences, the DICOM database, volume rendering, threads beside the
event loop, and the life of a module. An exception in a slot or observer, which Slicer only prints, fails the test.
"""

import os
import sys
import tempfile
import time
import traceback
import unittest
import unittest.mock
from pathlib import Path

import numpy as np
import slicer

WAIT_SECONDS = 120.0
FIRST_NODULE = (slice(14, 27), slice(50, 71), slice(30, 51))
"""Where the nodule of the first practice case lies, axes (k, j, i)."""


def let_slicer_work(until, seconds: float = WAIT_SECONDS) -> None:
    """Let timers and background threads work until a condition holds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s")
        slicer.app.processEvents()
        time.sleep(0.005)


def write_images(folder: Path, role, uid: str) -> Path:
    """A picture for an X-ray, a cine of three time points for MR with named frames, else a CT phantom."""
    folder.mkdir(parents=True)
    if role.modalities[0] in ("CR", "DX", "MG"):
        from PIL import Image

        path = folder / "image.png"
        Image.fromarray(np.arange(60 * 80, dtype=np.uint16).reshape(60, 80).astype(np.uint8)).save(path)
        return path
    from AnnotationQACore.geometry import Grid
    from AnnotationQACore.interchange.phantom import write_phantom_series
    from AnnotationQACore.segmentation import Mask

    grid = Grid((8, 32, 32), (2.5, 1.5, 1.5), (-24.0, -24.0, -10.0))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[2:5, 8:16, 8:16] = True
    if not role.frames:
        write_phantom_series(folder, Mask(mask, grid), "phantom", uid, seed=1)
        return folder
    import pydicom

    for point in range(3):
        work = folder.parent / f"work-{folder.name}-{point}"
        work.mkdir()
        write_phantom_series(work, Mask(mask, grid), "phantom", uid, seed=point)
        for number, path in enumerate(sorted(work.iterdir())):
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{uid}.{point}.{number + 1}"
            dataset.TriggerTime = 40.0 * point
            dataset.save_as(folder / f"{point}-{number}.dcm")
    return folder


def make_project(root: Path, protocol_name: str, identity) -> Path:
    """A project under a shipped protocol, with one case for the person who leads it."""
    from AnnotationQACore.project.assignments import Assignment
    from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
    from AnnotationQACore.project.folder import Project
    from AnnotationQACore.project.state import Role
    from AnnotationQACore.protocol.loading import load_shipped

    protocol = load_shipped(protocol_name)
    project = Project.create(root / "project", identity, protocol, roles=(Role.LEAD, Role.READER))
    series = []
    for number, role in enumerate(protocol.imaging.series, start=1):
        place = write_images(root / "images" / role.id, role, f"2.25.{70 + number}")
        files, sha256 = hash_series(place)
        series.append(SeriesReference(role.id, str(place), "", files, sha256))
    project.add_cases([Case("case-1", "patient-1", "", tuple(series))])
    project.assign([Assignment("case-1", identity.member, 1, "reading", 1)])
    return project.folder


class AnnotationQAInSlicer(unittest.TestCase):
    """The story of a reader and of a lead."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        former = os.environ.get("ANNOTATIONQA_HOME")
        os.environ["ANNOTATIONQA_HOME"] = str(self.folder / "user")
        self.addCleanup(lambda: _put_back(former))
        self.troubles = []
        hook = sys.excepthook
        sys.excepthook = lambda *error: self.troubles.append("".join(traceback.format_exception(*error)))
        self.addCleanup(lambda: setattr(sys, "excepthook", hook))
        slicer.util.selectModule("AnnotationQA")
        self.panel = slicer.util.getModuleWidget("AnnotationQA").panel
        self.close_project()

    def tearDown(self) -> None:
        self.close_project()
        slicer.mrmlScene.Clear()
        slicer.app.processEvents()
        assert self.troubles == [], "\n".join(self.troubles)

    # helpers; no name of them has the word by which unittest and Slicer find what is to be run

    def message(self) -> str:
        return str(self.panel.ui.messageLabel.text) if self.panel.ui.messageFrame.visible else ""

    def close_project(self) -> None:
        self.panel.projects.close()
        let_slicer_work(lambda: not self.panel.projects.is_saving)

    def open_project(self, folder: Path, identity) -> None:
        self.panel.projects.open(str(folder), identity)
        let_slicer_work(lambda: not self.panel.busy.is_busy)
        assert self.panel.session is not None, self.message()

    def wait_for_case(self) -> None:
        let_slicer_work(lambda: not self.panel.busy.is_busy)
        assert self.panel.session.case is not None, self.message()

    def open_practice(self) -> Path:
        """Open the first case of a new practice project."""
        from AnnotationQALib.widgets.practice_project import make_practice_project, practice_identity

        identity = practice_identity()
        project = make_practice_project(self.folder / "practice", identity)
        self.open_project(project, identity)
        self.panel.worklist.ui.nextButton.click()
        self.wait_for_case()
        return project

    def open_shipped(self, protocol: str) -> None:
        """Open the only case of a new project under a shipped protocol."""
        from AnnotationQACore.project.identities import create_identity

        identity = create_identity(f"lead-{protocol.replace('_', '-')}")
        self.open_project(make_project(self.folder / protocol, protocol, identity), identity)
        self.panel.worklist.ui.nextButton.click()
        self.wait_for_case()

    def nodule_voxels(self) -> np.ndarray:
        """The nodule by its density."""
        voxels = slicer.util.arrayFromVolume(self.panel.session.case.images.node("ct"))
        inside = np.zeros(voxels.shape, np.uint8)
        inside[FIRST_NODULE] = voxels[FIRST_NODULE] > -300
        return inside

    def paint_nodule(self) -> None:
        """Put the nodule into its segment, as an effect of the Segment Editor does."""
        case = self.panel.session.case
        volume, node = case.images.node("ct"), case.editor.segmentation_node
        slicer.util.updateSegmentBinaryLabelmapFromArray(self.nodule_voxels(), node, "nodule#1", volume)

    def drawn_voxels(self) -> np.ndarray:
        node = self.panel.session.case.editor.segmentation_node
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, "nodule#1")

    def answer_by_digits(self) -> None:
        """Answer every item that takes a digit, until the form goes no further."""
        page = self.panel.case.page
        for _ in range(100):
            if not page.digits:
                return
            before = page.entry.key
            page.press("1")
            if page.entry.key == before:
                return

    def give_reasons(self) -> None:
        checks = self.panel.checks.ui
        for row in range(checks.problemsTable.rowCount):
            checks.problemsTable.selectRow(row)
            if checks.reasonRow.visible:
                checks.reasonEdit.clear()
                checks.reasonEdit.insert("a phantom")

    # a reader

    def test_a_nodule_is_read_and_submitted(self) -> None:
        project = self.open_practice()
        case, page = self.panel.session.case, self.panel.case.page
        page._instance.addButton.click()
        editor = page.segment_editor.editor
        assert editor.currentSegmentID() == "nodule#1"
        assert editor.effectByName("Paint") is not None
        editor.setActiveEffectByName("Paint")
        assert editor.activeEffect() is not None
        self.paint_nodule()
        let_slicer_work(lambda: "volume" in str(page.ui.readoutLabel.text))
        let_slicer_work(lambda: case.autosave.state.value == "saved")
        self.panel.case.go_to_next()
        self.answer_by_digits()
        self.panel.submission.check()
        let_slicer_work(lambda: not self.panel.busy.is_busy)
        self.give_reasons()
        self.panel.submission.submit()
        let_slicer_work(lambda: not self.panel.busy.is_busy)
        assert self.panel.session.case is None, self.message()
        from AnnotationQACore.interchange.label_images import read_segmentation
        from AnnotationQACore.project.folder import Project

        opened = Project.open(project)
        submitted = opened.state.latest_readings("practice-1")[0]
        stored = read_segmentation(opened.segmentation_path(submitted))
        assert int(stored.mask("nodule#1").voxels.sum()) > 100
        assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
        assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []

    def test_views_are_as_the_protocol_says(self) -> None:
        self.open_practice()
        case = self.panel.session.case
        manager = slicer.app.layoutManager()
        volume = case.images.node("ct")
        for name in ("Red", "Yellow", "Green"):
            composite = manager.sliceWidget(name).mrmlSliceCompositeNode()
            assert composite.GetBackgroundVolumeID() == volume.GetID()
        applied = case.show()
        if applied.layout is not None:
            assert manager.layout == applied.layout
        display = volume.GetDisplayNode()
        before = (display.GetWindow(), display.GetLevel())
        self.panel.images.next_window()
        assert (display.GetWindow(), display.GetLevel()) != before
        self.panel.images.reset_view()
        assert (display.GetWindow(), display.GetLevel()) == before

    def test_a_volume_rendering_preset_is_applied_and_goes_with_the_case(self) -> None:
        from AnnotationQALib.widgets.views import show_volume_rendering

        self.open_practice()
        volume = self.panel.session.case.images.node("ct")
        assert show_volume_rendering(volume, "CT-Lung")
        assert not show_volume_rendering(volume, "no such preset")
        logic = slicer.modules.volumerendering.logic()
        assert logic.GetFirstVolumeRenderingDisplayNode(volume).GetVisibility()
        self.panel.cases.close()
        assert slicer.util.getNodesByClass("vtkMRMLVolumeRenderingDisplayNode") == []

    def test_strokes_and_answers_are_undone(self) -> None:
        self.open_practice()
        page = self.panel.case.page
        page._instance.addButton.click()
        editor = page.segment_editor.editor
        editor.saveStateForUndo()
        self.paint_nodule()
        assert self.drawn_voxels().any()
        editor.undo()
        assert not self.drawn_voxels().any()
        editor.redo()
        assert self.drawn_voxels().any()
        self.panel.case.go_to_next()
        key = page.entry.key
        page.press("1")
        assert self.panel.session.case.editor.value(key) is not None
        self.panel.cases.undo()
        assert self.panel.session.case.editor.value(key) is None
        self.panel.cases.redo()
        assert self.panel.session.case.editor.value(key) is not None

    def test_leaving_the_module_puts_the_tool_down(self) -> None:
        self.open_practice()
        page = self.panel.case.page
        page._instance.addButton.click()
        page.segment_editor.editor.setActiveEffectByName("Paint")
        slicer.util.selectModule("Data")
        assert page.segment_editor.editor.activeEffect() is None
        slicer.util.selectModule("AnnotationQA")
        assert self.panel.session.case is not None

    def test_closing_the_scene_keeps_the_draft(self) -> None:
        self.open_practice()
        self.panel.case.page._instance.addButton.click()
        self.paint_nodule()
        wanted = int(self.drawn_voxels().astype(bool).sum())
        slicer.mrmlScene.Clear()
        assert self.panel.session.case is None
        self.panel.worklist.ui.nextButton.click()
        self.wait_for_case()
        assert "resumed" in self.message()
        assert int(self.drawn_voxels().astype(bool).sum()) == wanted
        entry = next(e for e in self.panel.case.form.entries if e.key.item == "nodule" and e.key.instance == 1)
        self.panel.case.select(entry.key)
        self.panel.case.page._instance.addButton.click()  # the Segment Editor works in the new scene, too
        assert self.panel.case.page.segment_editor.editor.currentSegmentID() == "nodule#2"

    def test_opening_can_be_cancelled(self) -> None:
        self.open_practice()
        first = self.panel.session.case
        self.panel.cases.open_next()
        self.panel.ui.busyCancelButton.click()
        let_slicer_work(lambda: not self.panel.busy.is_busy)
        assert self.panel.session.case is not None
        if self.panel.session.case is first:  # it may have been read before the click
            self.panel.cases.open_next()
            let_slicer_work(lambda: not self.panel.busy.is_busy)
        assert self.panel.session.case.item.case != first.item.case

    def test_a_segment_deleted_elsewhere_is_restored(self) -> None:
        self.open_practice()
        self.panel.case.page._instance.addButton.click()
        self.paint_nodule()
        let_slicer_work(lambda: self.panel.session.case.autosave.state.value == "saved")
        wanted = int(self.drawn_voxels().astype(bool).sum())
        self.panel.session.case.editor.segmentation_node.GetSegmentation().RemoveSegment("nodule#1")
        let_slicer_work(lambda: self.panel.case.page._deleted is not None)
        self.panel.case.page._deleted.restoreButton.click()
        assert int(self.drawn_voxels().astype(bool).sum()) == wanted

    def test_every_row_of_every_protocol_has_a_page(self) -> None:
        from AnnotationQACore.protocol.loading import shipped_protocols

        for protocol in shipped_protocols():
            with self.subTest(protocol=protocol):
                self.open_shipped(protocol)
                page = self.panel.case.page
                for entry in self.panel.case.form.entries:
                    self.panel.case.select(entry.key)
                    assert page.entry.key == entry.key
                    assert str(page.ui.titleLabel.text) == entry.title
                    if page._instance is not None:
                        page._instance.addButton.click()
                    if page.markups is not None:
                        page.markups.placeButton.click()
                        slicer.app.processEvents()
                        page.markups.placeButton.click()
                    if page._frame is not None:
                        page._frame.chooseButton.click()
                self.panel.submission.check()
                let_slicer_work(lambda: not self.panel.busy.is_busy)
                assert self.panel.checks.ui.problemsTable.rowCount > 0
                for row in range(self.panel.checks.ui.problemsTable.rowCount):
                    self.panel.checks.ui.problemsTable.selectRow(row)
                    self.panel.checks._choose(row)
                self.panel.projects.close()

    def test_landmarks_are_placed_in_order(self) -> None:
        self.open_shipped("vertebra_landmarks")
        entry = next(e for e in self.panel.case.form.entries if e.item.kind == "landmarks")
        self.panel.case.select(entry.key)
        controls = self.panel.case.page.markups
        first = str(controls.placeButton.text)
        controls.placeButton.click()
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        assert interaction.GetCurrentInteractionMode() == interaction.Place
        node = self.panel.session.case.editor.drawing.nodes(entry.key)[0]
        node.SetNthControlPointPosition(0, 1.0, 2.0, 3.0)
        let_slicer_work(lambda: str(controls.placeButton.text) != first)
        self.panel.case.page.next_not_visible()
        marks = self.panel.session.case.editor.value(entry.key).landmarks
        assert [mark.position is None for mark in marks] == [False, True]
        self.panel.exit()
        assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
        self.panel.enter()

    def test_a_cine_is_stepped_and_played(self) -> None:
        self.open_shipped("left_ventricle_cine_mr")
        case = self.panel.session.case
        role = next(role for role in case.images.roles if case.images.browser(role) is not None)
        assert self.panel.case.cine.is_shown
        first = slicer.util.arrayFromVolume(case.images.node(role)).copy()
        self.panel.case.cine.step(True)
        slicer.app.processEvents()
        assert case.images.frame(role) == 2
        assert not np.array_equal(slicer.util.arrayFromVolume(case.images.node(role)), first)
        self.panel.case.cine.play_or_pause()
        assert case.images.browser(role).GetPlaybackActive()
        self.panel.case.cine.play_or_pause()
        assert not case.images.browser(role).GetPlaybackActive()

    def test_start_from_a_segmentation_of_the_scene(self) -> None:
        from dataclasses import replace

        self.open_practice()
        case = self.panel.session.case
        design = replace(case.protocol.design, start_from=("model",))
        case.protocol = case.editor.protocol = replace(case.protocol, design=design)
        result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "result")
        result.CreateDefaultDisplayNodes()
        volume = case.images.node("ct")
        result.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        segment = result.GetSegmentation().AddEmptySegment("", "Nodule")
        slicer.util.updateSegmentBinaryLabelmapFromArray(self.nodule_voxels(), result, segment, volume)
        with unittest.mock.patch.object(slicer.util, "confirmOkCancelDisplay", return_value=True):
            self.panel.starting.start_from_node(result)
        assert self.drawn_voxels().any(), self.message()
        assert case.editor.started_from.reading == "segmentation of the scene"

    # a lead

    def test_studies_of_the_dicom_database_become_cases(self) -> None:
        from DICOMLib import DICOMUtils

        from AnnotationQACore.project.folder import Project
        from AnnotationQACore.project.identities import create_identity
        from AnnotationQACore.project.state import Role
        from AnnotationQACore.protocol.loading import load_shipped

        protocol = load_shipped("lung_nodule_ct")
        identity = create_identity("lead")
        project = Project.create(self.folder / "study", identity, protocol, roles=(Role.LEAD, Role.READER))
        images = write_images(self.folder / "dicom", protocol.imaging.series[0], "2.25.99")
        with DICOMUtils.TemporaryDICOMDatabase(str(self.folder / "database")) as database:
            DICOMUtils.importDicom(str(images), database)
            self.open_project(project.folder, identity)
            lead = self.panel.lead.ui
            lead.databaseButton.click()
            assert lead.studiesTree.topLevelItemCount == 1
            import qt

            lead.studiesTree.topLevelItem(0).setCheckState(0, qt.Qt.Checked)
            lead.addStudiesButton.click()
            let_slicer_work(lambda: self.panel.lead._reading is None)
            assert len(self.panel.session.project.state.cases) == 1, self.message()
            lead.perCaseSpin.value = 1
            lead.repeatsSpin.value = 0
            lead.assignButton.click()
            self.panel.worklist.ui.nextButton.click()
            self.wait_for_case()
            assert self.panel.session.case.images.grid("ct").shape == (8, 32, 32)
            self.panel.projects.close()

    def test_a_project_is_closed_while_its_draft_is_written_and_opened_again(self) -> None:
        from AnnotationQALib.widgets.practice_project import practice_identity

        project = self.open_practice()
        case = self.panel.session.case.item.case
        self.panel.case.page._instance.addButton.click()
        self.paint_nodule()
        count = int(np.count_nonzero(self.drawn_voxels()))
        self.panel.projects.close()
        assert self.panel.session is None
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
        self.open_project(project, practice_identity())
        let_slicer_work(lambda: not self.panel.projects.is_saving)
        item = next(row.item for row in self.panel.session.worklist() if row.item.case == case)
        self.panel.cases.open(item)
        self.wait_for_case()
        assert "draft was resumed" in self.message()
        assert int(np.count_nonzero(self.drawn_voxels())) == count

    def test_garbage_with_qt_and_mrml_objects_is_left_to_the_main_thread(self) -> None:
        import gc
        import threading

        import qt

        from AnnotationQALib.logic.background import Workers

        destroyed = []

        class Holder:
            def __init__(self) -> None:
                self.timer = qt.QTimer()
                self.node = slicer.vtkMRMLScriptedModuleNode()
                self.node.AddObserver("DeleteEvent", lambda *_: None)
                self.callback = lambda: self

            def __del__(self) -> None:
                destroyed.append(threading.current_thread() is threading.main_thread())

        workers = Workers(1, "AnnotationQA-garbage")
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                Holder()
            work = workers.submit(gc.collect)
            let_slicer_work(work.done)
            assert destroyed == []
        finally:
            gc.enable()
        gc.collect()
        assert destroyed == [True] * 50
        workers.shutdown()

    def test_a_lead_checks_and_makes_a_release(self) -> None:
        """The gate, beside the event loop; the practice project is refused for want of de-identification."""
        from AnnotationQACore.project.folder import Project

        project = self.open_practice()
        self.panel.cases.close()
        release = self.panel.lead.release
        ui = release.ui
        self.panel.ui.leadButton.collapsed = False
        ui.releaseButton.collapsed = False
        for page in range(ui.releaseTabs.count):
            ui.releaseTabs.currentIndex = page
            slicer.app.processEvents()
        ui.trainSpin.value, ui.validationSpin.value, ui.testSpin.value = 60, 0, 40
        ui.planSplitButton.click()
        let_slicer_work(lambda: not release.work.is_busy)
        assert ui.splitTable.item(0, 1).text() == "3", self.message()
        ui.recordSplitButton.click()
        let_slicer_work(lambda: not release.work.is_busy)
        assert list(Project.open(project).state.splits) == ["main"], self.message()
        ui.gateButton.click()
        assert release.work.is_busy or ui.gateTable.rowCount
        let_slicer_work(lambda: not release.work.is_busy)
        assert ui.gateTable.rowCount > 3, self.message()
        ui.gateTable.selectRow(1)
        assert "Remedy" in str(ui.remedyLabel.text)
        ui.releasePathEdit.currentPath = str(self.folder / "dataset")
        ui.makeButton.click()
        let_slicer_work(lambda: not release.work.is_busy)
        assert "refused" in self.message().casefold()
        assert not (self.folder / "dataset").exists()
        ui.rankButton.click()
        let_slicer_work(lambda: not release.work.is_busy)
        assert ui.rankTable.rowCount == 3, self.message()


def _put_back(former) -> None:
    if former is None:
        os.environ.pop("ANNOTATIONQA_HOME", None)
    else:
        os.environ["ANNOTATIONQA_HOME"] = former


if __name__ == "__main__":
    unittest.main()

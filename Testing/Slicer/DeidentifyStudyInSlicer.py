"""The module De-identify Study inside a real Slicer: a run in PythonSlicer, the reviews in the views, loading.

What fails in a slot is told to the person, and fails the test here.
"""

import os
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import pydicom
import qt
import slicer
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT = "1.2.840.10008.5.1.4.1.1.2"
NAME = "Zyxwarth^Quillon"
SCREEN = (240, 320)
"""Rows and columns of the screen shot."""

MOST_SECONDS = 300


def write_object(path: Path, sop_class: str, number: int) -> None:
    """Write a small image of an invented patient."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    instance = f"1.2.826.0.1.3680043.2.1143.98.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = instance
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.2.1143.98"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.2.1143.98.1" + sop_class[-1]
    dataset.PatientName, dataset.PatientID = NAME, "MRN-7391846"
    dataset.StudyDate, dataset.Modality = "20240229", "CT" if sop_class == CT else "OT"
    dataset.InstanceNumber, dataset.SeriesNumber = number, 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [0, 0, float(number)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = 64
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.PixelData = np.full((64, 64), 100 * number, np.uint16).tobytes()
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def write_screen(path: Path, number: int) -> None:
    """Write a secondary capture of a phantom with the patient's name across its top, so that it waits for a person."""
    write_object(path, SECONDARY_CAPTURE, number)
    rows, columns = SCREEN
    j, i = np.mgrid[:rows, :columns]
    phantom = 90 * np.exp(-(((j - 140) / 60) ** 2 + ((i - 160) / 80) ** 2)) + 20
    image = Image.fromarray(phantom.astype(np.uint8))
    ImageDraw.Draw(image).text((8, 6), "ZYXWARTH QUILLON  MRN-7391846", fill=255, font=ImageFont.load_default(16))
    dataset = pydicom.dcmread(path)
    dataset.ConversionType, dataset.ImageType = "WSD", ["DERIVED", "SECONDARY"]
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = np.asarray(image).tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


def write_head(folder: Path) -> None:
    """Write a coarse CT of the project's own model of a head, nobody's face."""
    from DeidentifyStudyCore.faces.head_model import CT_VALUES, tissues_at

    folder.mkdir()
    j, i = np.mgrid[0:106, 0:90]
    values = np.array([CT_VALUES[tissue] for tissue in range(10)])
    for number, height in enumerate(np.arange(-140.0, 84.0, 5.0)):
        path = folder / f"{number}.dcm"
        write_object(path, CT, 100 + number)
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.2.1143.98.5"
        dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.2.1143.98.6"
        points = np.stack([i * 2.5 - 112, j * 2.5 - 148, np.full(i.shape, height)], axis=-1)
        dataset.Rows, dataset.Columns = i.shape
        dataset.RescaleIntercept = -1024
        dataset.PixelSpacing = [2.5, 2.5]
        dataset.ImagePositionPatient = [-112.0, -148.0, float(height)]
        dataset.PixelData = (values[tissues_at(points)] + 1024).astype("<u2").tobytes()
        dataset.save_as(path, enforce_file_format=True)


class DeidentifyStudyInSlicer(unittest.TestCase):
    """What the stand-in under Testing/Widgets cannot show."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        display = mock.patch.object(slicer.util, "errorDisplay")
        self.told = display.start()
        self.addCleanup(display.stop)
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # Windows keeps files of DICOM databases
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        studies = self.folder / "studies of Zyxwärth"  # a space and a letter that no code page of Windows has to know
        studies.mkdir()
        self.studies = studies
        for number in (1, 2, 3):
            write_object(studies / f"ct{number}.dcm", CT, number)
        write_screen(studies / "screen.dcm", 9)
        slicer.util.selectModule("DeidentifyStudy")
        self.panel = slicer.util.getModuleWidget("DeidentifyStudy").panel
        self.panel.source.ui.sourceFolderEdit.text = str(studies)
        self.panel.places.ui.destinationEdit.text = str(self.folder / "to givé away")
        self.panel.profile.ui.profileCombo.setCurrentText("gdpr-anonymous")

    def tearDown(self) -> None:
        self.panel.review.end()
        self.panel.faces.end()
        self.panel.source.forget()
        slicer.mrmlScene.Clear()
        assert not self.told.mock_calls, f"failed in a slot: {self.told.mock_calls}"

    def start(self) -> None:
        """Click on the button that starts a run."""
        assert self.panel.run_view.ui.applyButton.enabled, self.panel.run_view.ui.applyButton.toolTip
        self.panel.run_view.ui.applyButton.click()

    def wait(self) -> None:
        """Let Slicer work until the process has ended."""
        end = time.monotonic() + MOST_SECONDS
        while self.panel.run.is_active and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.02)

    def run_to_the_end(self) -> None:
        """Start, and let Slicer work until the process has ended well."""
        self.start()
        self.wait()
        run = self.panel.run
        said = f"{run.state.value}, {run.progress.done} of {run.progress.total} files: {run.message}"
        assert run.state.value == "done", f"the run is not done after {MOST_SECONDS} s or has failed: {said}"

    def own_database(self) -> Path:
        """A database with one patient; in testing mode Slicer has none of its own, and no settings of where it is."""
        from DICOMLib import DICOMUtils

        folder = self.folder / "own database"
        folder.mkdir()
        settings, key = qt.QSettings(), slicer.dicomDatabaseDirectorySettingsKey
        former = settings.value(key)
        self.addCleanup(lambda: settings.remove(key) if former is None else settings.setValue(key, former))
        settings.setValue(key, str(folder))
        assert DICOMUtils.openDatabase(str(folder)), "no database could be made"
        DICOMUtils.importDicom(str(self.studies))
        return folder

    def test_run_in_python_slicer_and_load(self) -> None:
        self.run_to_the_end()
        assert "3 objects were written and verified" in self.panel.result.ui.resultSummary.text
        written = list((self.folder / "to givé away").rglob("*.dcm"))
        assert len(written) == 3
        assert not [path for path in written if NAME in str(pydicom.dcmread(path).get("PatientName", ""))]
        own = self.own_database()
        self.panel.result.ui.loadButton.click()
        assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"), self.panel.result.ui.resultSummary.text
        assert Path(slicer.dicomDatabase.databaseDirectory) == own
        assert len(slicer.dicomDatabase.patients()) == 1, "the person's own database is not as it was"
        slicer.dicomDatabase.closeDatabase()
        if os.name != "nt":  # there Slicer keeps the file of the emptied database, as DICOMUtils says
            assert not list(Path(slicer.app.temporaryPath).glob("deidentify-results-*"))

    def test_cancelled_in_python_slicer_and_done_by_the_next(self) -> None:
        """The process is asked by a file, which works on Windows too, and leaves nothing half-written."""
        self.start()
        self.panel.run_view.ui.cancelButton.click()
        self.wait()
        assert self.panel.run.state.value == "cancelled", self.panel.run.message
        assert not [path for path in self.folder.rglob("*") if path.name.startswith(".tmp-")]
        self.run_to_the_end()
        assert "3 objects were written and verified" in self.panel.result.ui.resultSummary.text

    def test_studies_of_the_dicom_database(self) -> None:
        """They are listed by what the database knows, collected under numbers, and taken away again."""
        from DICOMLib import DICOMUtils

        with DICOMUtils.TemporaryDICOMDatabase(str(self.folder / "database")) as database:
            DICOMUtils.importDicom(str(self.studies), database)
            self.panel.source.ui.databaseRadio.checked = True
            table = self.panel.source.ui.studiesTable
            assert table.rowCount == 1
            shown = [table.item(0, column).text() for column in range(table.columnCount)]
            assert "Zyxwarth" in shown[1]
            assert shown[2:] == ["20240229", "4"]
            table.item(0, 0).setCheckState(qt.Qt.Checked)
            self.run_to_the_end()
            self.panel.source.ui.folderRadio.checked = True
        assert "3 objects were written and verified" in self.panel.result.ui.resultSummary.text
        assert not list(Path(slicer.app.temporaryPath).glob("deidentify-studies-*"))

    def test_the_red_view_is_given_back_as_it_was(self) -> None:
        self.run_to_the_end()
        own = slicer.util.addVolumeFromArray(np.zeros((4, 20, 30), np.uint8))
        red = slicer.app.layoutManager().sliceWidget("Red")
        node, composite = red.mrmlSliceNode(), red.mrmlSliceCompositeNode()
        composite.SetForegroundVolumeID(own.GetID())
        node.SetOrientationToSagittal()
        red.fitSliceToBackground()
        shown = node.GetOrientation(), composite.GetForegroundVolumeID()
        self.panel.review.ui.beginReviewButton.click()
        assert node.GetOrientation() == "Axial"
        assert not composite.GetForegroundVolumeID()
        self.panel.review.ui.beginReviewButton.click()
        assert (node.GetOrientation(), composite.GetForegroundVolumeID()) == shown
        for _turn in range(20):
            slicer.app.processEvents()
        across, down = (node.GetFieldOfView()[axis] / node.GetDimensions()[axis] for axis in (0, 1))
        assert abs(across / down - 1) < 0.02, "the image is distorted"

    def test_a_box_is_drawn_by_two_corners(self) -> None:
        """As the mouse places them: the first click alone is no box."""
        self.run_to_the_end()
        self.panel.review.ui.beginReviewButton.click()
        table = self.panel.review.ui.boxesTable
        before = table.rowCount
        self.panel.review.ui.drawButton.click()
        logic = slicer.app.applicationLogic()
        assert logic.GetInteractionNode().GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
        box = slicer.mrmlScene.GetNodeByID(logic.GetSelectionNode().GetActivePlaceNodeID())
        box.AddNControlPoints(1, "", [-30, -50, 0])
        slicer.app.processEvents()
        assert table.rowCount == before
        box.AddNControlPoints(1, "", [-90, -60, 0])
        for _turn in range(20):
            slicer.app.processEvents()
        assert table.rowCount == before + 1
        drawn = [int(table.item(before, column).text()) for column in (3, 4)]
        assert abs(drawn[0] - 10) <= 1
        assert abs(drawn[1] - 60) <= 1
        self.panel.review.ui.removeButton.click()
        assert table.rowCount == before

    def test_review_in_the_red_view_leaves_nothing_in_the_scene(self) -> None:
        self.run_to_the_end()
        before = slicer.app.layoutManager().layout
        self.panel.review.ui.beginReviewButton.click()
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        volume = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID())
        assert slicer.util.arrayFromVolume(volume).shape == (1, *SCREEN)
        assert not volume.GetSaveWithScene()
        self.panel.review.ui.rejectButton.click()
        self.panel.review.ui.beginReviewButton.click()
        assert not slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        assert slicer.app.layoutManager().layout == before

    def test_faces_in_the_3d_view_leave_nothing_in_the_scene(self) -> None:
        """A phantom of the project's own head model stands in the 3D view, before and after, until the review ends."""
        for path in self.studies.iterdir():
            path.unlink()
        write_head(self.studies / "head")
        options = self.panel.profile.ui.optionsTable
        row = next(row for row in range(options.rowCount) if options.item(row, 0).text() == "Clean faces")
        options.item(row, 0).setCheckState(qt.Qt.Checked)
        self.run_to_the_end()
        layout = slicer.app.layoutManager().layout
        self.panel.faces.ui.beginFacesButton.click()
        slicer.app.processEvents()
        heads = [n for n in slicer.util.getNodesByClass("vtkMRMLModelNode") if n.GetName().startswith("Head under")]
        assert heads
        assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView
        assert not [node for node in heads if node.GetSaveWithScene()]
        camera = slicer.app.layoutManager().threeDWidget(0).threeDView().cameraNode()
        sight = np.subtract(camera.GetPosition(), camera.GetFocalPoint())
        assert abs(sight[1]) > 0.9 * np.linalg.norm(sight), f"the head is not seen from the front: {sight}"
        assert sight[1] > 0, "the head is seen from the back"
        bounds = np.zeros((len(heads), 6))
        for head, box in zip(heads, bounds, strict=True):
            head.GetRASBounds(box)
        low, high = bounds[:, ::2].min(axis=0), bounds[:, 1::2].max(axis=0)
        focus = np.array(camera.GetFocalPoint())
        assert (low < focus).all(), f"the camera looks past the head: {focus}"
        assert (focus < high).all(), f"the camera looks past the head: {focus}"
        for _face in range(10):
            if "waits" not in self.panel.faces.ui.facePositionLabel.text:
                break
            assert not self.panel.faces.ui.confirmButton.enabled, "a face can be confirmed without a name"
            self.panel.faces.ui.rejectFaceButton.click()
        assert "waits" not in self.panel.faces.ui.facePositionLabel.text, self.panel.faces.ui.facesSummary.text
        self.panel.faces.ui.beginFacesButton.click()
        assert not [n for n in slicer.util.getNodesByClass("vtkMRMLModelNode") if n.GetName().startswith("Head under")]
        assert slicer.app.layoutManager().layout == layout

    def test_nothing_identifying_is_in_log_or_settings(self) -> None:
        self.panel.preview.ui.previewButton.click()
        assert self.panel.preview.ui.previewTable.rowCount > 10
        self.run_to_the_end()
        self.panel.review.ui.beginReviewButton.click()
        self.panel.review.ui.rejectButton.click()
        self.panel.source.ui.sourceFolderEdit.text = str(self.studies / ("Quillon" * 100))  # no file system has it
        log = Path(slicer.app.currentLogFile()).read_text(encoding="utf-8", errors="replace")
        settings = slicer.app.userSettings()
        stored = "".join(f"{key}={settings.value(key)}" for key in settings.allKeys())
        nodes = [slicer.mrmlScene.GetNthNode(number) for number in range(slicer.mrmlScene.GetNumberOfNodes())]
        scene = "".join(str(node) for node in nodes)
        for word in ("Zyxwarth", "Zyxwärth", "Quillon", "7391846"):
            assert word not in log
            assert word not in stored
            assert word not in scene


if __name__ == "__main__":
    unittest.main()

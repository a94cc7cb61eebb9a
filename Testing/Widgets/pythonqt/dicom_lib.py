"""`DICOMLib.DICOMUtils`, as far as panels load files by it: the database is switched, files are read by pydicom.

What is asked of the functions, what they return, raise and leave behind is that of Slicer 5.12: the application has one
database object, which a temporary database points to another folder for a while; a loaded patient is a list with the
IDs of all nodes that came into the scene but storage and display nodes; a folder that cannot be imported is False.
"""

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import qt
import slicer
import vtk
from pydicom.errors import InvalidDicomError
from vtk.util.numpy_support import numpy_to_vtk

__all__ = ["SETTINGS_KEY", "DICOMUtils"]

SETTINGS_KEY = "DatabaseDirectoryTest_0.8.1"
"""Where Slicer's settings say which folder the database has."""

_DATABASE = "ctkDICOM.sql"


class TemporaryDICOMDatabase:
    """Slicer's own database object on another folder, until the block ends."""

    def __init__(self, directory: str | None = None) -> None:
        self._folder = Path(slicer.app.temporaryPath, directory or "TempDICOMDatabase")
        self._former: tuple[Any, Any] = (None, None)

    def __enter__(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / _DATABASE).touch()
        settings, native = qt.QSettings(), slicer.dicomDatabase._native
        self._former = (settings.value(SETTINGS_KEY), native.content)
        settings.setValue(SETTINGS_KEY, str(self._folder))
        native.content = {}
        return slicer.dicomDatabase

    def __exit__(self, *_error: object) -> None:
        folder, slicer.dicomDatabase._native.content = self._former
        qt.QSettings().setValue(SETTINGS_KEY, folder)


def importDicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """Index the files of a folder; what is no DICOM file is passed over."""
    if not isinstance(dicomDataDir, str):
        return False
    content: dict[str, Any] = (dicomDatabase or slicer.dicomDatabase)._native.content
    patients: dict[str, str] = {}
    for path in sorted(Path(dicomDataDir).rglob("*")):
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True) if path.is_file() else None
        except InvalidDicomError:
            continue
        if dataset is None or not dataset.get("SeriesInstanceUID"):
            continue
        patient = patients.setdefault(str(dataset.get("PatientID", "")), str(len(patients) + 1))
        studies = content.setdefault(patient, {})
        series = studies.setdefault(str(dataset.StudyInstanceUID), {})
        series.setdefault(str(dataset.SeriesInstanceUID), []).append(str(path))
    return True


def loadPatientByUID(
    patientUID: Any,
    messages: list[str] | None = None,
    progressCallback: Callable[[str, float], bool] | None = None,
    enabledPluginClassNames: list[str] | None = None,
) -> list[str]:
    """Load all series of a patient of the database."""
    if str(patientUID) not in slicer.dicomDatabase.patients():
        raise OSError(f"No patient found with DICOM database UID {patientUID}")
    added: list[str] = []

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def note(_scene: Any, _event: str, node: Any) -> None:
        if not node.IsA("vtkMRMLStorageNode") and not node.IsA("vtkMRMLDisplayNode"):
            added.append(node.GetID())

    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, note)
    studies = slicer.dicomDatabase.studiesForPatient(str(patientUID))
    everything = [series for study in studies for series in slicer.dicomDatabase.seriesForStudy(study)]
    for step, series in enumerate(everything, start=1):
        if progressCallback and progressCallback(series, step * 100 / len(everything)):
            break
        if not _load(slicer.dicomDatabase.filesForSeries(series)) and messages is not None:
            messages.append(f"Could not load: {series} as a Scalar Volume")
    slicer.mrmlScene.RemoveObserver(tag)
    return added


def _load(files: list[str]) -> bool:
    """Show a series as a volume; False where it has no pixels, or pixels of several sizes."""
    read = sorted((pydicom.dcmread(file) for file in files), key=lambda one: int(one.get("InstanceNumber") or 0))
    if any("PixelData" not in one for one in read) or len({one.pixel_array.shape for one in read}) != 1:
        return False
    voxels = np.ascontiguousarray(np.stack([one.pixel_array for one in read]))
    if voxels.ndim != 3:
        return False
    image = vtk.vtkImageData()
    image.SetDimensions(voxels.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel(), deep=True))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", "colours that come with a volume")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"{read[0].get('SeriesNumber', '')}: series")
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return True


DICOMUtils = types.ModuleType("DICOMLib.DICOMUtils", "Stand-in of Slicer's DICOMUtils.")
DICOMUtils.TemporaryDICOMDatabase = TemporaryDICOMDatabase  # type: ignore[attr-defined]
DICOMUtils.importDicom = importDicom  # type: ignore[attr-defined]
DICOMUtils.loadPatientByUID = loadPatientByUID  # type: ignore[attr-defined]

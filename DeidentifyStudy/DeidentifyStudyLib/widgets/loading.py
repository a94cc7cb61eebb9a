"""Brings de-identified studies into Slicer."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _

__all__ = ["load_results"]


def load_results(folder: Path) -> str:
    """Load all studies of a folder, as long as the person does not cancel; returns a line for the person.

    A database of its own is used for it and taken away again, so that Slicer's stays as it is.
    """
    if getattr(slicer, "dicomDatabase", None) is None:
        return _("Slicer's module DICOM is not loaded, which reads the files.")
    from DICOMLib import DICOMUtils

    place = tempfile.mkdtemp(prefix="deidentify-results-", dir=slicer.app.temporaryPath)
    loaded: list[str] = []
    problems: list[str] = []
    try:
        with DICOMUtils.TemporaryDICOMDatabase(place) as database:
            DICOMUtils.importDicom(str(folder), database)
            patients = database.patients()
            dialog = slicer.util.createProgressDialog(maximum=len(patients), windowTitle=_("Load results"))
            dialog.setModal(True)
            try:
                for number, patient in enumerate(patients):
                    dialog.labelText = _("Patient {number} of {count}").format(number=number + 1, count=len(patients))
                    dialog.value = number
                    if dialog.wasCanceled:
                        break
                    loaded += DICOMUtils.loadPatientByUID(patient, problems, lambda *_step: dialog.wasCanceled)
            finally:
                dialog.close()
                dialog.deleteLater()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return _summary(loaded, problems)


def _summary(loaded: Sequence[str], problems: Sequence[str]) -> str:
    """Say how much can be seen; colours and the like, which come with it, do not count."""
    nodes = (slicer.mrmlScene.GetNodeByID(node_id) for node_id in loaded)
    count = sum(node is not None and bool(node.IsA("vtkMRMLDisplayableNode")) for node in nodes)
    lines = [
        _("Loaded into the scene: {count}.").format(count=count) if count else _("Slicer has loaded none of them.")
    ]
    if problems:
        lines.append(_("Slicer could not load: {count}.").format(count=len(problems)))
    return " ".join(lines)

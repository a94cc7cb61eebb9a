"""Brings de-identified studies into Slicer."""

from pathlib import Path

from slicer.i18n import tr as _

__all__ = ["load_results"]


def load_results(folder: Path) -> str:
    """Load all studies of a folder; returns a line for the person.

    A database of its own is used for it, so that Slicer's stays as it is.
    """
    from DICOMLib import DICOMUtils

    loaded = []
    with DICOMUtils.TemporaryDICOMDatabase() as database:
        DICOMUtils.importDicom(str(folder), database)
        for patient in database.patients():
            loaded += DICOMUtils.loadPatientByUID(patient)
    if not loaded:
        return _("Slicer could load none of them.")
    return _("Loaded into the scene: {count}.").format(count=len(loaded))

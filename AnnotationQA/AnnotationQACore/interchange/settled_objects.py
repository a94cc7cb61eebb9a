"""Objects that do not depend on when they were written, so that the same reading gives the same file."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from AnnotationQACore.interchange.derived import ObjectInfo, write_dicom

__all__ = ["settle"]

_LIBRARY = "highdicom"


def settle(path: Path, info: ObjectInfo) -> None:
    """Put the time of the reading, and UIDs made from its key, where highdicom puts the present time and random ones.

    Parameters
    ----------
    path : Path
        Object that highdicom wrote; replaced, whole or not at all.
    info : ObjectInfo
        With which it was written; its key is not empty.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    """
    dataset = dcmread(path)
    dataset.InstanceCreationDate = info.when.strftime("%Y%m%d")
    dataset.InstanceCreationTime = info.when.strftime("%H%M%S")
    for equipment in dataset.get("ContributingEquipmentSequence", ()):
        if _LIBRARY in str(equipment.get("ManufacturerModelName", "")).lower():
            equipment.ContributionDateTime = info.when.strftime("%Y%m%d%H%M%S")
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(sequence, ()):
            item.DimensionOrganizationUID = info.uid("dimensions")
    write_dicom(path, dataset)

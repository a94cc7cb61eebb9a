"""What all DICOM objects that we write have in common: who made them, when, their UIDs, and how they reach the disk."""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.coded import long_string

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = [
    "MANUFACTURER",
    "ObjectInfo",
    "add_equipment",
    "equipment",
    "person_name",
    "quiet_highdicom",
    "software_version",
    "write_dicom",
]

MANUFACTURER = "AnnotationQA"
_SERIAL_NUMBER = "0"
_NAMESPACE = uuid.UUID("0c9a4a0e-6b0f-4c7c-9f1c-8b6a5f0f3f5d")
"""UIDs are made from it and the key of the object, as PS3.5 B.2 allows for UUIDs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """Who made an object, when, and what it is called.

    Attributes
    ----------
    description : str
        Series description, for people.
    creator : str
        Who made the content, such as the ID of the reader; no name of a patient.
    label : str
        Content label, a DICOM code string: capitals, digits, spaces and underscores.
    series_number : int
    when : datetime
    key : str
        What identifies the content, such as the hash of a reading: objects of the same key have the same UIDs, so
        that sending one again makes no duplicate. With an empty key, UIDs are random.
    """

    description: str
    creator: str = ""
    label: str = "ANNOTATION"
    series_number: int = 100
    when: datetime = field(default_factory=datetime.now)
    key: str = ""

    def uid(self, part: str) -> str:
        """UID for one part of the object, such as ``series``; the same whenever key and part are the same."""
        identity = uuid.uuid5(_NAMESPACE, f"{self.key}\0{part}") if self.key else uuid.uuid4()
        return f"2.25.{identity.int}"


def software_version() -> str:
    """Version of this software."""
    from importlib.metadata import PackageNotFoundError, version  # slow to load, and only what is written names it

    try:
        return version("annotation-qa")
    except PackageNotFoundError:
        return "in Slicer"


def equipment() -> dict[str, Any]:
    """Attributes of the (enhanced) general equipment module, named as highdicom's arguments."""
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": software_version(),
        "device_serial_number": _SERIAL_NUMBER,
    }


def add_equipment(dataset: Dataset) -> None:
    """Say in a dataset which software wrote it."""
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = software_version()
    dataset.DeviceSerialNumber = _SERIAL_NUMBER


def person_name(text: str) -> str:
    """Text as the family name of a DICOM person name."""
    return long_string(text.replace("^", " ").replace("=", " "))


@contextlib.contextmanager
def quiet_highdicom(kind: str) -> Iterator[None]:
    """Keep back highdicom's warnings on names in the images, and turn its errors into `InputError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"source images: no {kind} can be derived from them ({reason}); check the files."
            ) from error


def write_dicom(path: Path, dataset: Dataset) -> None:
    """Write a DICOM file, whole or not at all.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    InputError
        A value is not what its attribute can hold.
    """
    dataset.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    with atomic.replacing(path) as temporary:
        try:
            dataset.save_as(temporary, enforce_file_format=True)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path.name}: an attribute cannot be encoded ({type(error).__name__}).") from error

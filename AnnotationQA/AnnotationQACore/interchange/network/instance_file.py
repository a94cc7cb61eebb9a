"""One DICOM object in a file: what it is, and whether it is whole."""

from __future__ import annotations

import hashlib
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from AnnotationQACore.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["InstanceFile", "NotDicom", "file_hash", "read_instance_file", "safe_name"]

_DEFERRED: Final = 64 * 1024
_UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_PREAMBLE: Final = 128
_DICOMDIR: Final = "1.2.840.10008.1.3.10"
_PLAIN_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom raises on a damaged file, besides its own errors."""


class NotDicom(InputError):
    """The file is no DICOM object at all."""


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """What a DICOM file (PS3.10) says that it is.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    sop_uid, sop_class, study_uid, series_uid, transfer_syntax : str
    """

    path: Path
    size: int
    sop_uid: str
    sop_class: str
    study_uid: str
    series_uid: str
    transfer_syntax: str


def read_instance_file(path: Path) -> InstanceFile:
    """Parse a DICOM file to its end; long values are passed over, not read into memory.

    Raises
    ------
    NotDicom
        It is no DICOM file, or an index of others (DICOMDIR).
    InputError
        It cannot be read, is cut or damaged, or lacks an identifier that every object has.
    """
    from pydicom import dcmread  # pydicom is loaded with the first DICOM file
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if file.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
                raise NotDicom(f"{path}: is not a DICOM file.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path, defer_size=_DEFERRED)
            found = _identified(path, size, dataset)
            is_cut = _is_cut(dataset, size)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    except (*_DAMAGE, BytesLengthException, InvalidDicomError) as error:
        raise InputError(f"{path}: is a damaged DICOM file ({type(error).__name__}); copy it again.") from error
    if is_cut:
        raise InputError(f"{path}: ends within an element; the file is truncated, copy it again.")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(uid: str) -> str:
    """Name for a file or folder that is the UID, or made from its hash where it is none: it came from elsewhere."""
    if len(uid) <= 64 and _PLAIN_UID.fullmatch(uid):
        return uid
    return f"uid-{hashlib.sha256(uid.encode(errors='replace')).hexdigest()[:32]}"


def _identified(path: Path, size: int, dataset: Dataset) -> InstanceFile:
    meta = dataset.file_meta
    if meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
        raise NotDicom(f"{path}: is a DICOMDIR, an index of other files.")
    uids = {
        keyword: str(dataset.get(keyword) or "")
        for keyword in ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")
    }
    uids["TransferSyntaxUID"] = str(meta.get("TransferSyntaxUID") or "")
    for keyword, uid in uids.items():
        if not uid:
            raise InputError(f"{path}: has no {keyword}; no server can file it, export it again.")
    if str(meta.get("MediaStorageSOPInstanceUID") or uids["SOPInstanceUID"]) != uids["SOPInstanceUID"]:
        raise InputError(f"{path}: names two SOP Instance UIDs, in its file meta and inside; export it again.")
    return InstanceFile(
        path,
        size,
        uids["SOPInstanceUID"],
        uids["SOPClassUID"],
        uids["StudyInstanceUID"],
        uids["SeriesInstanceUID"],
        uids["TransferSyntaxUID"],
    )


def _is_cut(dataset: Dataset, size: int) -> bool:
    """Whether the last element is shorter than it says; pydicom does not mind."""
    if dataset.file_meta.TransferSyntaxUID.is_deflated:  # whole, or it could not be inflated
        return False
    last = max(dataset.values(), key=lambda element: element.tag, default=None)
    length, value, start = (getattr(last, name, None) for name in ("length", "value", "value_tell"))
    if not isinstance(length, int) or length == _UNDEFINED_LENGTH:
        return False
    if isinstance(value, bytes):
        return length != len(value)
    return isinstance(start, int) and value is None and start + length > size

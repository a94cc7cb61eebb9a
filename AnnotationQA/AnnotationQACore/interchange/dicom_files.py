"""Reading of DICOM objects that are small enough for memory, with errors that say what is wrong."""

from __future__ import annotations

import contextlib
import struct
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from AnnotationQACore.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["read_object", "understanding"]

_UNDEFINED_LENGTH = 0xFFFFFFFF
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom and our own interpretation raise on a file that is not what it says, besides pydicom's own errors."""


@contextlib.contextmanager
def understanding(path: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong while the elements of a damaged `kind` of object are interpreted into `InputError`."""
    from pydicom.errors import BytesLengthException  # pydicom is loaded with the first DICOM file

    try:
        yield
    except (*_DAMAGE, BytesLengthException) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: lacks or garbles what a {kind} must have ({reason}); it is damaged.") from error


def read_object(path: Path, sop_classes: Collection[str] = (), kind: str = "DICOM object") -> Dataset:
    """Read a whole DICOM file.

    Parameters
    ----------
    path : Path
    sop_classes : collection of str
        SOP Class UIDs that are accepted; all when empty.
    kind : str
        What is expected, named in errors.

    Raises
    ------
    InputError
        The file is missing, no DICOM, of another SOP class, or ends within an element.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError  # see `understanding`

    try:
        dataset = _read(path)
    except InvalidDicomError as error:
        raise InputError(f"{path}: is not a DICOM file; check the file.") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    except (*_DAMAGE, BytesLengthException) as error:
        raise InputError(f"{path}: is a damaged DICOM file ({type(error).__name__}); copy it again.") from error
    with understanding(path, kind):
        is_other, is_cut = bool(sop_classes) and dataset.get("SOPClassUID") not in sop_classes, _is_cut(dataset)
    if is_other:
        raise InputError(f"{path}: is not a {kind}; check the file.")
    if is_cut:  # pydicom does not mind
        raise InputError(f"{path}: ends within an element; the file is truncated, copy it again.")
    return dataset


def _read(path: Path) -> Dataset:
    from pydicom import dcmread  # see `understanding`
    from pydicom.errors import InvalidDicomError

    try:
        return dcmread(path)
    except InvalidDicomError:
        with warnings.catch_warnings():  # of what it takes for elements in a file that is no DICOM
            warnings.simplefilter("ignore")
            dataset = dcmread(path, force=True)  # some old software leaves the preamble out
        if "SOPClassUID" not in dataset:
            raise
        return dataset


def _is_cut(dataset: Dataset) -> bool:
    """Whether the last element is shorter than it says."""
    tags = sorted(dataset.keys())
    last = dataset.get_item(tags[-1]) if tags else None
    length, value = getattr(last, "length", None), getattr(last, "value", None)
    return isinstance(value, bytes) and isinstance(length, int) and length not in (_UNDEFINED_LENGTH, len(value))

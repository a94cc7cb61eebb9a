"""The exceptions of De-identify Study.

::

    DeidentifyError
    ├── InputError                a file, table or argument cannot be used as it is
    │   ├── MalformedFile         a DICOM file breaks off, or holds what no DICOM file may hold
    │   ├── ProfileError          a profile is invalid
    │   └── KeyFileError          a key file is missing, damaged, or its passphrase is wrong
    ├── DestinationError          the result cannot be written where it was asked for
    ├── Quarantined               this object cannot be cleaned; it carries a reason code
    ├── MissingExtra              an optional package is needed and not installed
    └── Cancelled                 the user cancelled a long operation

Every message is one line that says what is wrong, where, and the remedy, and holds nothing that identifies a patient:
no value of an element, and no name of a source file, since hospitals put names of patients into names of files.
The command line prints it and ends with exit code 2.
"""

__all__ = [
    "Cancelled",
    "DeidentifyError",
    "DestinationError",
    "InputError",
    "KeyFileError",
    "MalformedFile",
    "MissingExtra",
    "ProfileError",
    "Quarantined",
]


class DeidentifyError(Exception):
    """Base of all errors that a user can mend."""


class InputError(DeidentifyError):
    """A file, table or argument cannot be used as it is."""


class MalformedFile(InputError):
    """A DICOM file breaks off, or holds what no DICOM file may hold.

    Attributes
    ----------
    reason : str
        A code from `quarantine.REASONS`.
    offset : int
        Bytes from the start of the (inflated) data where the trouble is.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"malformed DICOM file: {reason} at byte {offset}; get the object again from its source.")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type["MalformedFile"], tuple[str, int]]:
        return type(self), (self.reason, self.offset)


class ProfileError(InputError):
    """A profile is invalid."""


class KeyFileError(InputError):
    """A key file is missing, damaged, or its passphrase is wrong."""


class DestinationError(DeidentifyError):
    """The result cannot be written where it was asked for."""


class Quarantined(DeidentifyError):
    """This object cannot be cleaned.

    Attributes
    ----------
    reason : str
        A code from `quarantine.REASONS`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"object quarantined: {reason}.")
        self.reason = reason

    def __reduce__(self) -> tuple[type["Quarantined"], tuple[str]]:
        return type(self), (self.reason,)


class MissingExtra(DeidentifyError):
    """An optional package is needed and not installed."""


class Cancelled(DeidentifyError):
    """The user cancelled a long operation."""

"""The exceptions of AnnotationQA.

::

    AnnotationQAError
    ├── InputError                a file, table or argument cannot be used as it is
    │   └── GridMismatch          two images do not lie on the same grid
    ├── ProtocolError             a labeling protocol is invalid
    │   └── InvalidProtocol       its file has problems, all of them named
    ├── ProjectError              a project folder cannot be used as asked
    │   ├── DraftConflict         another session saved the same draft meanwhile
    │   └── ReleaseRefused        the gate keeps a dataset back; its report says why
    ├── DestinationError          the result cannot be written where it was asked for
    ├── NetworkError              a server cannot be reached, or does not do what it is asked
    ├── MissingExtra              an optional package is needed and not installed
    └── Cancelled                 the user cancelled a long operation

Every message is one line that says what is wrong, where, and the remedy, and holds nothing that identifies a patient.
The command line prints it and ends with exit code 2.
"""

from typing import Self

from AnnotationQACore.wording import Wording, worded

__all__ = [
    "AnnotationQAError",
    "Cancelled",
    "DestinationError",
    "DraftConflict",
    "GridMismatch",
    "InputError",
    "InvalidProtocol",
    "MissingExtra",
    "NetworkError",
    "ProjectError",
    "ProtocolError",
    "ReleaseRefused",
]


class AnnotationQAError(Exception):
    """Base of all errors that a user can mend.

    Its argument is the message, as text or as a `Wording`, which the panels can tell in another language.
    """

    @property
    def wording(self) -> Wording | None:
        """The message as a wording; None for one that was given as text."""
        message = self.args[0] if self.args else None
        return message if isinstance(message, Wording) else None


class InputError(AnnotationQAError):
    """A file, table or argument cannot be used as it is."""


class GridMismatch(InputError):
    """Two images do not lie on the same grid."""


class ProtocolError(AnnotationQAError):
    """A labeling protocol is invalid."""


class InvalidProtocol(ProtocolError):
    """The file of a labeling protocol has problems.

    Attributes
    ----------
    source : str
        The file.
    problems : tuple of str
        Everything that is wrong, each with its path in the file and the remedy.
    """

    def __init__(self, source: str, problems: tuple[str, ...]) -> None:
        template = (
            "{source}: {problem} ({number} more: annotation-qa protocol check lists them)"
            if len(problems) > 1
            else "{source}: {problem}"
        )
        super().__init__(worded(template, source=source, problem=problems[0], number=len(problems) - 1))
        self.source = source
        self.problems = problems

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[str, ...]]]:
        return type(self), (self.source, self.problems)


class ProjectError(AnnotationQAError):
    """A project folder cannot be used as asked."""


class DraftConflict(ProjectError):
    """Another session saved the same draft meanwhile."""


class ReleaseRefused(ProjectError):
    """The gate keeps a dataset back.

    Attributes
    ----------
    problems : tuple of str
        Everything that is in the way, each with its remedy.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        template = (
            "refused: {problem} ({number} more: annotation-qa release check lists them)"
            if len(problems) > 1
            else "refused: {problem}"
        )
        super().__init__(worded(template, problem=problems[0], number=len(problems) - 1))
        self.problems = problems

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class DestinationError(AnnotationQAError):
    """The result cannot be written where it was asked for."""


class NetworkError(AnnotationQAError):
    """A server cannot be reached, or does not do what it is asked."""


class MissingExtra(AnnotationQAError):
    """An optional package is needed and not installed.

    Attributes
    ----------
    requirements : tuple of str
        What pip is to be asked for; empty where no package alone mends it.
    """

    def __init__(self, message: str, requirements: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.requirements = requirements

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[str, ...]]]:
        return type(self), (self.args[0], self.requirements)


class Cancelled(AnnotationQAError):
    """The user cancelled a long operation."""

"""Reading a project before it is shown: the ledger, and the protocol in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from AnnotationQACore.errors import InvalidProtocol, ProjectError, ProtocolError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import Identity
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.wording import worded

__all__ = ["OpenedProject", "open_project"]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedProject:
    """A project that a reader may work in.

    Attributes
    ----------
    project : Project
    protocol : Protocol
        In force.
    reader : str
    """

    project: Project
    protocol: Protocol
    reader: str


def open_project(
    folder: Path | str,
    identity: Identity,
    *,
    utc: Callable[[], datetime] = utc_now,
    progress: Progress = silent,
) -> OpenedProject:
    """Read a project on any thread; see `Project.open` for what may be wrong with the folder.

    Raises
    ------
    ProjectError
        The identity is of no member of the project.
    ProtocolError
        The protocol in force cannot be read by this version.
    """
    project = Project.open(folder, identity, clock=utc, progress=progress)
    if identity.member not in project.state.members:
        raise ProjectError(
            worded(
                "reader '{reader}': is unknown to the project; give the lead your public key.", reader=identity.member
            )
        )
    return OpenedProject(project, _protocol_in_force(project), identity.member)


def _protocol_in_force(project: Project) -> Protocol:
    try:
        return project.protocol()
    except ProtocolError as error:
        record = project.state.protocols[-1]
        first = error.problems[0].rstrip(".") if isinstance(error, InvalidProtocol) else str(error)
        raise ProtocolError(
            worded(
                "protocol '{title}' {version}: cannot be read by this version of AnnotationQA; update the "
                "extension, or ask the lead ({problem}).",
                title=record.title,
                version=record.version,
                problem=first,
            )
        ) from error

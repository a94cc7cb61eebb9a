"""What a worker is told of a file."""

from dataclasses import dataclass, field

from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.indexing.index import FileFacts

__all__ = ["Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """One file: what the index knows of it, its number in the listing, where it goes, and what is known of faces."""

    number: int
    facts: FileFacts
    output: str
    face: FaceState = field(default_factory=FaceState)

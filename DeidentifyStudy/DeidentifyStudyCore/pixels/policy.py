"""What a run does with pixels, what a person decided, and what becomes of one object.

Light on purpose: everything that looks at pixels is imported by `step`, and that only for objects that need it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from DeidentifyStudyCore.dicom.pixeldata import PixelPlan
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.device_rules import DeviceRule

if TYPE_CHECKING:  # it loads decoders, which most runs do not need
    from DeidentifyStudyCore.pixels.redaction import Area

__all__ = ["CLAIM", "FACE_CLAIM", "Cleaned", "Decision", "NeedsReview", "PixelPolicy", "Row"]

CLAIM, FACE_CLAIM = "113101", "113102"
"""Clean Pixel Data Option and Clean Recognizable Visual Features Option, CID 7050."""
Row = list[int]
"""``[frame, row, column, height, width]``; frame -1 stands for every frame."""


@dataclass(frozen=True, slots=True)
class PixelPolicy:
    """What a run does with pixels; it travels to the workers.

    Attributes
    ----------
    clean : bool
        The option *clean pixel data* is on.
    review : bool
        Objects wait for a person where their rung (`risk.Rung`) is not reached without one.
    everything : bool
        Objects without a risk in their header are searched too.
    method : str
        How frames are searched, see `search.METHODS`; empty for the best that is installed.
    pictures : Path or None
        Folder for the pictures of the queue.
    """

    clean: bool
    review: bool
    everything: bool = False
    method: str = ""
    rules: tuple[DeviceRule, ...] = ()
    pictures: Path | None = None

    def concerns(self, risks: tuple[str, ...], decision: "Decision | None") -> bool:
        """Whether the pixels of an object must be looked at."""
        if decision is not None:
            return self.clean or bool(decision.boxes)
        if self.clean:
            return bool(risks) or self.everything
        return self.review and bool(risks) and risks != ("projection",)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person accepted.

    Attributes
    ----------
    boxes : list of Row
        To be filled.
    seen : list of Row
        What was proposed, whether or not the person let it be filled.
    """

    boxes: list[Row]
    seen: list[Row]


@dataclass(slots=True)
class Cleaned:
    """What is done with the pixels of one object.

    Attributes
    ----------
    plan : PixelPlan or None
        For the pixel data; None hands them over as they are.
    claims : tuple of str
        Codes earned.
    steps : list of str
        What was done, for reports.
    boxes, known : mapping
        Boxes to fill, and boxes that a person has seen, by frame.
    areas : mapping
        Facial surface to fill, by frame.
    searched : bool
        Whether the object was searched for text, or is when it was written.
    rounds : int
        How many times the second search found more.
    searched_again : bool
        Whether what was written was searched.
    """

    plan: PixelPlan | None = None
    claims: tuple[str, ...] = ()
    steps: list[str] = field(default_factory=list)
    boxes: dict[int, list[Box]] = field(default_factory=dict)
    known: dict[int, list[Box]] = field(default_factory=dict)
    areas: "dict[int, Area]" = field(default_factory=dict)
    searched: bool = False
    reviewed: bool = False
    hidden_bits: bool = False
    rounds: int = 0
    searched_again: bool = False

    def report(self) -> list[str]:
        """Say what was done, in order."""
        return [*self.steps, *(["searched again after filling"] if self.searched_again else [])]


class NeedsReview(Quarantined):
    """A person must look at the object first.

    Attributes
    ----------
    rows : list of Row
        Boxes that are proposed.
    sources : list of str
        What found each of them.
    """

    def __init__(self, rows: list[Row], sources: list[str]) -> None:
        super().__init__("burned-in-risk")
        self.rows = rows
        self.sources = sources

"""Sends a case back to its readers with comments and pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.project.events import Event
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import CASE_WIDE, Point, Subject
from AnnotationQACore.project.state import Action
from AnnotationQACore.review.case_readings import original_readings

__all__ = ["Pin", "send_back"]


@dataclass(frozen=True, slots=True)
class Pin:
    """A comment to readers, pinned to a place if wished.

    Attributes
    ----------
    text : str
    item : str
        What it is about; empty for the case.
    position : Point or None
        LPS mm in the image.
    towards : Point or None
        LPS mm where an arrow that begins at `position` ends.
    reader : str
        Whom it is for; empty for all to whom the case is sent back.
    subject : Subject
    """

    text: str
    item: str = ""
    position: Point | None = None
    towards: Point | None = None
    reader: str = ""
    subject: Subject = CASE_WIDE

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InputError("comment: it has no text; write what the reader should look at.")
        if self.towards is not None and self.position is None:
            raise InputError("comment: an arrow needs a place at which it begins.")

    def to_json(self) -> dict[str, Any]:
        """As a comment of a decision (see `project.state.Decision`)."""
        comment: dict[str, Any] = {"text": self.text.strip()}
        if self.item:
            comment["item"] = self.item
        if self.position is not None:
            comment["position"] = list(self.position)
        if self.towards is not None:
            comment["towards"] = list(self.towards)
        if self.reader:
            comment["reader"] = self.reader
        if self.subject != CASE_WIDE:
            comment["subject"] = self.subject.to_json()
        return comment

    @classmethod
    def from_json(cls, comment: Any) -> Pin:
        """Read a comment of a decision."""
        position, towards = comment.get("position"), comment.get("towards")
        return cls(
            comment["text"],
            comment.get("item", ""),
            None if position is None else tuple(position),
            None if towards is None else tuple(towards),
            comment.get("reader", ""),
            Subject.from_json(comment["subject"]) if "subject" in comment else CASE_WIDE,
        )


def send_back(
    project: Project, case: str, pins: Sequence[Pin], readers: Sequence[str] = (), round_number: int = 1
) -> Event:
    """Send a case back; it comes to the top of the readers' worklists, and back as a new revision.

    Parameters
    ----------
    project : Project
    case : str
    pins : sequence of Pin
        At least one.
    readers : sequence of str
        To whom; all readers of the round without it.
    round_number : int

    Raises
    ------
    InputError
        There is no comment, or one is for a reader to whom the case is not sent back.
    ProjectError
        A reader has no reading of the case, or the project refuses.
    """
    project.refresh()
    found = {one.reader: one for one in original_readings(project, case, round_number)}
    chosen = list(readers) or list(found)
    if not pins:
        raise InputError(f"case '{case}': it is sent back without a comment; say what is to be changed.")
    for reader in chosen:
        if reader not in found:
            raise ProjectError(f"case '{case}': there is no reading by '{reader}'; choose one of {', '.join(found)}.")
    if not chosen:
        raise ProjectError(f"case '{case}': nobody has read it; there is nothing to send back.")
    for pin in pins:
        if pin.reader and pin.reader not in chosen:
            raise InputError(f"comment for '{pin.reader}': the case is not sent back to that reader; add the reader.")
    reason = "; ".join(dict.fromkeys(pin.text.strip() for pin in pins))
    return project.decide(
        case,
        Action.SEND_BACK,
        [found[reader].id for reader in chosen],
        comments=[pin.to_json() for pin in pins],
        reason=reason,
    )

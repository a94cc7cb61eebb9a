"""What the logic says, in the words of the reader's language."""

from __future__ import annotations

from slicer.i18n import tr as _

from AnnotationQACore.project.state import CaseStatus
from AnnotationQALib.logic.case_contents import Notice

__all__ = ["case_status_text", "flag_texts", "notice_text", "quantity_text"]


def notice_text(notice: Notice) -> str:
    """What the reader should know when a case is opened."""
    return {
        Notice.DRAFT_RESUMED: _("Your draft was resumed."),
        Notice.KEPT_RESUMED: _("Work that was kept on this computer was resumed."),
        Notice.KEPT_DIFFERS: _(
            "Work kept on this computer and the draft in the project differ: another session saved it meanwhile. "
            "The draft of the project is shown; the other is still kept."
        ),
        Notice.PROTOCOL_CHANGED: _(
            "The protocol was changed since; the reading goes on under the version in force. "
            "Answers to items that are no longer asked are left out when it is submitted."
        ),
        Notice.START_MISSING: _(
            "What this reading was started from is not on this computer: how many voxels are changed cannot be counted."
        ),
    }[notice]


def flag_texts() -> dict[str, str]:
    """What a reader may flag a case for: as it is stored, and as it is shown."""
    return {
        "poor quality": _("Poor quality"),
        "wrong series": _("Wrong series"),
        "burned-in identity": _("Burned-in identity"),
        "edge case": _("Edge case"),
    }


def case_status_text(status: CaseStatus) -> str:
    """Where a case stands."""
    return {
        CaseStatus.NEW: _("new"),
        CaseStatus.READING: _("reading"),
        CaseStatus.TO_REVIEW: _("to review"),
        CaseStatus.SENT_BACK: _("sent back"),
        CaseStatus.CONFLICT: _("conflict"),
        CaseStatus.DECIDED: _("decided"),
        CaseStatus.EXCLUDED: _("excluded"),
    }[status]


def quantity_text(name: str) -> str:
    """Name of a measured quantity; percentiles are called as they are."""
    return {
        "volume": _("volume"),
        "longest diameter": _("longest diameter"),
        "perpendicular": _("perpendicular"),
        "long axis": _("long axis"),
        "short axis": _("short axis"),
        "area": _("area"),
        "mean": _("mean"),
        "SD": _("SD"),
        "median": _("median"),
    }.get(name, name)

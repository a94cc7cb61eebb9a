"""What the gate says, in the words of the panel: a remedy names what to click, and not a command."""

from __future__ import annotations

from slicer.i18n import tr as _

from AnnotationQACore.release.gate import remedies
from AnnotationQACore.release.gate.problems import Problem
from AnnotationQALib.logic.release_form import SHEET_FIELDS
from AnnotationQALib.widgets.wordings import told

__all__ = ["remedy_text", "where_text"]


def remedy_text(problem: Problem) -> str:
    """What to do about a problem."""
    looking = _("click Look, look at the page, and click Sign off")
    words = {
        remedies.SIGN_TEXT: _("send the reading back to be corrected, or {looking}").format(looking=looking),
        remedies.SIGN_REASON: _("exclude the case again with a reason in other words, or {looking}").format(
            looking=looking
        ),
        remedies.SIGN_RETAINED: _("{looking}, or de-identify more strictly").format(looking=looking),
        remedies.SIGN_IDENTIFIER: _(
            "give it a pseudonym that is derived from nothing of the patient's, or {looking}"
        ).format(looking=looking),
        remedies.SIGN_IMAGES: looking,
        remedies.PART_PAIR: _(
            "exclude one, record a new split under Split, or click Look, write both IDs, and click Are different"
        ),
        remedies.PLACE_CASES: _("go to Split, enter the name of this split, click Preview, and click Record"),
        remedies.READ_AGAIN: _("have it read again: open Rounds, go to Read again, click List, and click Send back"),
        remedies.RESTORE_LEDGER: _("restore the file from a backup, and open the project again"),
        remedies.CHOOSE_NAME: _("enter another name above"),
        remedies.CHOOSE_FORMAT: _("tick one under Data"),
        remedies.NAME_IMAGES: _("choose their folder under Data, Images, or exclude the case"),
        remedies.NAME_REPORT: _(
            "choose the report under Data, De-identified; if there is none, run the module De-identify Study on the "
            "images"
        ),
        remedies.EXPLAIN_IMAGES: _("say under Card, Images without report, why they identify nobody"),
    }
    return str(words.get(problem.remedy, problem.remedy))


def where_text(problem: Problem) -> str:
    """Where a problem is; a field of the release sheet is called as the panel calls it."""
    for one in SHEET_FIELDS:
        if problem.where == f"release sheet, field '{one.name}'":
            return str(_("Card, {field}").format(field=told(one.title)))
    return problem.where

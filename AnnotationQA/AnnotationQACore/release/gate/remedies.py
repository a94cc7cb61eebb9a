"""What a lead does about a problem, where that is a command; a panel has words of its own for each of these."""

from __future__ import annotations

__all__ = [
    "CHOOSE_FORMAT",
    "CHOOSE_NAME",
    "EXPLAIN_IMAGES",
    "NAME_IMAGES",
    "NAME_REPORT",
    "PART_PAIR",
    "PLACE_CASES",
    "READ_AGAIN",
    "RESTORE_LEDGER",
    "SIGN_IDENTIFIER",
    "SIGN_IMAGES",
    "SIGN_REASON",
    "SIGN_RETAINED",
    "SIGN_TEXT",
]

SIGN_TEXT = "send the reading back to be corrected, or sign the text off: annotation-qa release look, sign-off"
SIGN_REASON = "exclude the case again with a reason in other words, or sign the text off"
SIGN_RETAINED = "look at it and sign it off (annotation-qa release look, then sign-off), or de-identify more strictly"
SIGN_IDENTIFIER = "give it a pseudonym that is derived from nothing of the patient's, or sign it off as a text"
SIGN_IMAGES = "look at the thumbnails (annotation-qa release look) and sign them off (release sign-off --thumbnails)"
PART_PAIR = "exclude one, make a new split, or sign off that they are different (release sign-off --different)"
PLACE_CASES = "place the new cases: annotation-qa release split with --name and the name of this split"
READ_AGAIN = "have it read again (annotation-qa release redo)"
RESTORE_LEDGER = "restore the file from a backup, then run annotation-qa verify"
CHOOSE_NAME = "choose another name with --name"
CHOOSE_FORMAT = "name one with --formats"
NAME_IMAGES = "name their folder with --images, or exclude the case"
NAME_REPORT = (
    "name the report.json with --deidentification; where there is none yet, de-identify them "
    "(deidentify-study run --option retain_uids) and name the result with --images"
)
EXPLAIN_IMAGES = "say in the release sheet (images_without_report) why they identify nobody"

"""Sentences whose remedy is a command, in the words of the panel: they name what to click instead."""

from __future__ import annotations

from slicer.i18n import tr as _

__all__ = ["panel_remedies"]


def panel_remedies() -> dict[str, str]:
    """What the panel says, translated, by the template that the command line tells."""
    return {
        "{folder}: is not a project (no {file}); choose another, or make one with: annotation-qa init.": _(
            "this is not a project; choose another folder, or create a project in the Lead's corner."
        ),
        "{folder}: was opened without identity; say who acts (--as NAME).": _(
            "the project was opened without a key; open it again, and choose under 'I am' who you are."
        ),
        "identity '{member}': no key in {folder}; make one with: annotation-qa identity new NAME.": _(
            "identity '{member}': has no key on this computer; make one with New key, or copy the key of your other "
            "computer into {folder}."
        ),
        "{path}: is not an Ed25519 key; make one with: annotation-qa identity new NAME.": _(
            "{path}: is no key of AnnotationQA; restore the file, or make another one with New key."
        ),
        "public key: must be 32 bytes in base64, as annotation-qa identity show prints it.": _(
            "public key: is not complete; ask the person for the line that the panel shows when a key is made."
        ),
        "send the lead your public key (annotation-qa identity show)": _(
            "make a key with New key, and send the line that is shown to the lead"
        ),
        "reading {reading}: did not count; see annotation-qa verify.": _(
            "reading {reading}: did not count; ask the lead to verify the project."
        ),
        "no reader can sign readings yet; add readers with the keys that they show (annotation-qa member add "
        "--public-key), or name others with --readers.": _(
            "no reader can sign readings yet; add readers in the Lead's corner, under People, with the keys that they "
            "show."
        ),
        "re-reads: the project has no reader with a key; add readers with annotation-qa member add, or name others "
        "with --readers.": _(
            "re-reads: the project has no reader with a key; add readers in the Lead's corner, under People, "
            "with the keys that they show."
        ),
        "re-reads: '{reader}' is no reader of the project; see annotation-qa member list, and correct --readers.": _(
            "re-reads: '{reader}' is no reader of the project; look in the Lead's corner, under People, who is."
        ),
        "{source}: {problem} ({number} more: annotation-qa protocol check lists them)": _(
            "{source}: {problem} ({number} more; correct this one first, and choose the file again.)"
        ),
        "refused: {problem} ({number} more: annotation-qa release check lists them)": _(
            "refused: {problem} ({number} more; click Check to list them.)"
        ),
        "{path}: cannot be read as text; make one with: annotation-qa release sheet.": _(
            "{path}: cannot be read as text; choose another file, or fill in the table and click Save."
        ),
        "{folder}: holds the release '{name}', which only was not moved to its place; finish it with --name {name}, "
        "or choose another folder.": _(
            "{folder}: holds the release '{name}', which only was not moved to its place; finish it under this name, "
            "or choose another folder."
        ),
        "{folder}: the release cannot be moved there ({reason}); run the command again.": _(
            "{folder}: the release cannot be moved there ({reason}); click Make release again: it goes on from there."
        ),
    }

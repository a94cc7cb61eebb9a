"""The keys of the module: those of the Segment Editor, of the views and of Slicer's menus stay free."""

from __future__ import annotations

from html import escape

from slicer.i18n import tr as _

__all__ = ["CLOSER", "CONSENSUS", "HEAT", "NEXT", "NEXT_CASE", "PREVIOUS", "SIGN_OFF", "STYLE", "TAKE", "keys_page"]

NEXT, PREVIOUS = "F6", "Shift+F6"
STYLE, HEAT = "F7", "F8"
CLOSER = "Shift+F7"
NEXT_CASE = "F9"
SIGN_OFF = "Ctrl+Return"
TAKE = tuple(f"Alt+{digit}" for digit in "123456789")
CONSENSUS = "Alt+0"


def keys_page() -> str:
    """HTML of the help on keys."""
    rows = (
        (NEXT, _("next disagreement; all views are centred on it")),
        (PREVIOUS, _("disagreement before")),
        (f"{TAKE[0]} – {TAKE[-1]}", _("take what the first, second... reader has here")),
        (CONSENSUS, _("take what the chosen consensus has here")),
        (STYLE, _("outlines, fills, or both")),
        (CLOSER, _("closer to the disagreement, and back to the whole image")),
        (HEAT, _("next heat map, or none")),
        (NEXT_CASE, _("open the worst case that is not decided")),
        (SIGN_OFF, _("sign off the case")),
    )
    lines = "".join(f"<tr><td><b>{escape(key)}</b>&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>" for key, text in rows)
    note = escape(_("All keys of the Segment Editor and of the views work as usual."))
    return f"<table cellspacing='2'>{lines}</table><p>{note}</p>"

"""What is still open, and the signature that makes the result the reference standard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slicer.i18n import tr as _

from AnnotationQALib.review.deciding import DecisionRow
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["SignOffView"]


class SignOffView:
    """The last step.

    Parameters
    ----------
    on_sign, on_keep : callable
        Called when the case is signed off, and when the result is wanted as a segmentation of the scene.

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    """

    def __init__(self, on_sign: Callable[[], None], on_keep: Callable[[], None]) -> None:
        self.widget, self.ui = load_ui("ReviewSignOff.ui")
        connect(self.ui.signButton, "clicked()", on_sign)
        connect(self.ui.copyResultButton, "clicked()", on_keep)
        connect(self.ui.segCheck, "toggled(bool)", lambda _on: self._show_export())
        self.ui.folderEdit.retrieveHistory()
        self._show_export()

    @property
    def wants_objects(self) -> bool:
        """Whether the reference standard is to be exported."""
        return bool(self.ui.segCheck.checked)

    @property
    def wants_report(self) -> bool:
        """Whether an SR is wanted, too."""
        return bool(self.ui.srCheck.checked)

    @property
    def folder(self) -> str:
        """Where to."""
        return str(self.ui.folderEdit.currentPath).strip()

    def show(
        self, rows: Sequence[DecisionRow], open_regions: int, minority: Sequence[str], refusal: str, is_project: bool
    ) -> None:
        """Show what is open.

        Parameters
        ----------
        rows : sequence of DecisionRow
        open_regions : int
        minority : sequence of str
            Opinions that would be kept, one line each.
        refusal : str
            Why whoever is signed in cannot sign; empty when they can.
        is_project : bool
            Without one there is nothing to sign, and the result is kept in the scene.
        """
        waiting = [row.title for row in rows if row.is_open]
        lines = []
        if waiting:
            lines.append(_("To be decided: {items}.").format(items=", ".join(waiting)))
        if open_regions:
            lines.append(_("{number} regions are open.").format(number=open_regions))
        self.ui.openLabel.text = " ".join(lines) or _("Everything is decided.")
        if minority:
            shown = "\n".join(minority[:6]) + ("\n…" if len(minority) > 6 else "")
            self.ui.minorityLabel.text = _("Kept as minority opinions ({number}):").format(number=len(minority)) + (
                "\n" + shown
            )
        self.ui.minorityLabel.visible = bool(minority)
        reason = refusal or " ".join(lines)
        self.ui.signButton.enabled = not reason
        self.ui.signButton.toolTip = reason or _("Make the result the reference standard of the case")
        for widget in (self.ui.signButton, self.ui.segCheck, self.ui.srCheck, self.ui.folderEdit):
            widget.visible = is_project
        self._show_export(is_project)

    def _show_export(self, is_project: bool = True) -> None:
        self.ui.srCheck.visible = is_project
        self.ui.srCheck.enabled = self.wants_objects
        self.ui.folderEdit.visible = is_project and self.wants_objects

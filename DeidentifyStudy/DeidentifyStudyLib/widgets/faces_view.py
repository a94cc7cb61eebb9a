"""Section "Review of faces": the altered head in the 3D view, and keys for the decisions."""

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyLib.logic.face_review import FaceReview
from DeidentifyStudyLib.logic.head_scene import HeadScene
from DeidentifyStudyLib.widgets.review_section import ReviewSection, SectionWidgets, SectionWords
from DeidentifyStudyLib.widgets.three_d_display import ThreeDDisplay

__all__ = ["FacesView"]

_PICTURE_WIDTH = 400
_NARROWEST = 200


class FacesView(ReviewSection[FaceReview, HeadScene]):
    """Shows a review of faces; its keys are those of the review of burned-in text, and never on together with it."""

    def __init__(self, ui: Any, review: Callable[[], FaceReview], display: ThreeDDisplay) -> None:
        self.ui = ui
        words = SectionWords(
            before=_("Faces that the option Clean faces alters are listed here after a run."),
            waiting=_("Heads and bodies that wait for a person: {count}."),
            nothing_waits=_("Nothing waits."),
            counts=_("{pending} wait, {accepted} confirmed, {rejected} rejected"),
            all_decided=_("All decided: {accepted} confirmed, {rejected} rejected. Start the run again to write them."),
        )
        widgets = SectionWidgets(
            ui.beginFacesButton,
            ui.facesSummary,
            ui.previousFaceButton,
            ui.nextFaceButton,
            ui.facePositionLabel,
            ui.facesBody,
        )
        super().__init__(widgets, words, review, lambda: HeadScene(slicer.mrmlScene), display)
        self._connect(ui.originalCheck, "toggled(bool)", lambda _on: self._show_head())
        self._connect(ui.confirmButton, "clicked()", lambda: self._decide("accepted"))
        self._connect(ui.rejectFaceButton, "clicked()", lambda: self._decide("rejected"))
        self._connect(ui.undoFaceButton, "clicked()", self._undo)
        self._connect(ui.reviewerEdit, "textChanged(QString)", lambda _text: self._check_buttons())

    def _actions(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "Ctrl+Return": lambda: self._decide("accepted"),
            "Ctrl+Backspace": lambda: self._decide("rejected"),
            "Ctrl+Shift+Z": self._undo,
            "Ctrl+PgDown": lambda: self._step(1),
            "Ctrl+PgUp": lambda: self._step(-1),
        }

    def _is_decided(self) -> bool:
        return bool(self._review.entry.decision != "pending")

    def _show_nothing(self, text: str) -> None:
        self.ui.facePicture.clear()
        super()._show_nothing(text)

    def _show(self) -> None:
        review = self._review
        if review is None:
            return
        entry = review.entry
        decisions = {
            "pending": _("waits"),
            "accepted": _("confirmed by {name}").format(name=entry.confirmed_by),
            "rejected": _("rejected"),
        }
        self._show_position(decisions[entry.decision])
        self._show_picture()
        self._show_head()
        self._check_buttons()

    def _show_picture(self) -> None:
        review = self._review
        if review is None:
            return
        picture = qt.QPixmap(str(review.picture))
        if picture.isNull():
            self.ui.facePicture.text = _("There is no picture: start the run again to make it anew.")
        else:
            self.ui.facePicture.setPixmap(picture.scaledToWidth(self._width(), qt.Qt.SmoothTransformation))

    def _width(self) -> int:
        """Of the picture: what the panel has."""
        return int(max(_NARROWEST, min(_PICTURE_WIDTH, self.ui.facesSummary.width)))

    def _show_head(self) -> None:
        review, scene = self._review, self._scene
        if review is None or scene is None:
            return
        why = _("Found: {why}.").format(why=review.why())
        try:
            head = review.head()
        except DeidentifyError as error:
            head, why = None, str(error)
        self.ui.whyFaceLabel.text = why
        self.ui.originalCheck.visible = head is not None
        self.ui.askLabel.text = (
            _("Turn the head in the 3D view. Is its facial surface altered, from above the eyes to below the chin?")
            if head is not None
            else _("Nothing would be altered. Do you see no face in any of these images?")
        )
        if head is None:
            scene.clear()
            self._display.give_back()
        else:
            scene.show(head, original=self.ui.originalCheck.checked)
            self._display.show()

    def _check_buttons(self) -> None:
        named = bool(self.ui.reviewerEdit.text.strip())
        self.ui.confirmButton.enabled = named
        self.ui.confirmButton.toolTip = (
            _("Confirm under your name, and go to the next (Ctrl+Return)")
            if named
            else _("Type your name first: it is in the signed report")
        )

    def _decide(self, decision: str) -> None:
        review = self._review
        if review is None:
            return
        if not self.ui.reviewerEdit.text.strip():
            self.ui.reviewerEdit.setFocus()
        review.decide(decision, self.ui.reviewerEdit.text)
        review.show_next_pending()
        self._show()

    def _undo(self) -> None:
        if self._review is not None and self._review.undo():
            self._show()

"""Section "Review of faces": the altered head in the 3D view, and keys for the decisions."""

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyLib.logic.face_review import FaceReview
from DeidentifyStudyLib.logic.head_scene import HeadScene
from DeidentifyStudyLib.widgets.three_d_display import ThreeDDisplay

__all__ = ["FacesView"]

_PICTURE_WIDTH = 400


class FacesView:
    """Shows a review of faces; `review` makes it anew from the queue of the last run, or raises what to say.

    Keys are on while the review is; they are those of the review of burned-in text, and never on together with it.
    """

    def __init__(self, ui: Any, review: Callable[[], FaceReview], display: ThreeDDisplay) -> None:
        self.ui = ui
        self._make_review = review
        self._display = display
        self._review: FaceReview | None = None
        self._scene: HeadScene | None = None
        self._shortcuts: list[Any] = []
        ui.beginFacesButton.connect("toggled(bool)", self._begin_or_end)
        ui.previousFaceButton.connect("clicked()", lambda: self._step(-1))
        ui.nextFaceButton.connect("clicked()", lambda: self._step(1))
        ui.originalCheck.connect("toggled(bool)", lambda _on: self._show_head())
        ui.confirmButton.connect("clicked()", lambda: self._decide("accepted"))
        ui.rejectFaceButton.connect("clicked()", lambda: self._decide("rejected"))
        ui.undoFaceButton.connect("clicked()", self._undo)
        ui.reviewerEdit.connect("textChanged(QString)", lambda _text: self._check_buttons())
        self._show_nothing("")

    @property
    def is_on(self) -> bool:
        """Whether a review is going on."""
        return self._review is not None

    def waiting(self, count: int) -> None:
        """Say how many faces wait, after a run."""
        if not self.is_on:
            self.ui.beginFacesButton.enabled = count > 0
            self.ui.facesSummary.text = (
                _("Heads and bodies that wait for a person: {count}.").format(count=count)
                if count
                else _("Nothing waits.")
            )

    def end(self) -> None:
        """End the review: nothing of it stays in the scene."""
        blocked = self.ui.beginFacesButton.blockSignals(True)
        self.ui.beginFacesButton.checked = False
        self.ui.beginFacesButton.blockSignals(blocked)
        self._end()

    def forget_scene(self) -> None:
        """The scene was closed: nodes are gone already."""
        if self._scene is not None:
            self._scene = None
            self.end()

    def _begin_or_end(self, begin: bool) -> None:
        if not begin:
            self._end()
            return
        try:
            self._review = self._make_review()
        except DeidentifyError as error:
            self.end()
            self.ui.facesSummary.text = str(error)[:1].upper() + str(error)[1:]
            return
        self._scene = HeadScene(slicer.mrmlScene)
        self.ui.beginFacesButton.text = _("End review")
        self._make_shortcuts()
        if self._review.entry.decision != "pending":
            self._review.show_next_pending()
        self._show_face()

    def _end(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []
        self._display.give_back()
        if self._scene is not None:
            self._scene.clear()
        self._review = self._scene = None
        self.ui.beginFacesButton.text = _("Begin review")
        self._show_nothing(self.ui.facesSummary.text)

    def _show_nothing(self, text: str) -> None:
        self.ui.facePicture.clear()
        for widget in (
            self.ui.facesBody,
            self.ui.previousFaceButton,
            self.ui.nextFaceButton,
            self.ui.facePositionLabel,
        ):
            widget.visible = False
        self.ui.facesSummary.text = text or _("Faces that the option Clean faces alters are listed here after a run.")
        self.ui.beginFacesButton.enabled = False

    def _make_shortcuts(self) -> None:
        parent = slicer.util.mainWindow() or self.ui.facesBody.window()
        for keys, action in (
            ("Ctrl+Return", lambda: self._decide("accepted")),
            ("Ctrl+Backspace", lambda: self._decide("rejected")),
            ("Ctrl+Shift+Z", self._undo),
            ("Ctrl+PgDown", lambda: self._step(1)),
            ("Ctrl+PgUp", lambda: self._step(-1)),
        ):
            shortcut = qt.QShortcut(parent)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.connect("activated()", action)
            self._shortcuts.append(shortcut)

    def _show_face(self) -> None:
        review = self._review
        if review is None:
            return
        for widget in (
            self.ui.facesBody,
            self.ui.previousFaceButton,
            self.ui.nextFaceButton,
            self.ui.facePositionLabel,
        ):
            widget.visible = True
        self.ui.beginFacesButton.enabled = True
        counts = review.counts()
        if counts["pending"]:
            text = _("{pending} wait, {accepted} confirmed, {rejected} rejected").format(**counts)
        else:
            text = _(
                "All decided: {accepted} confirmed, {rejected} rejected. Start the run again to write them."
            ).format(**counts)
        self.ui.facesSummary.text = text
        entry = review.entry
        decision = {
            "pending": _("waits"),
            "accepted": _("confirmed by {name}").format(name=entry.confirmed_by),
            "rejected": _("rejected"),
        }[entry.decision]
        self.ui.facePositionLabel.text = _("{position} of {count}: {decision}").format(
            position=review.position + 1, count=len(review.digests), decision=decision
        )
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
            self.ui.facePicture.setPixmap(picture.scaledToWidth(_PICTURE_WIDTH, qt.Qt.SmoothTransformation))

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
        try:
            review.decide(decision, self.ui.reviewerEdit.text)
        except DeidentifyError as error:
            self.ui.facesSummary.text = str(error)[:1].upper() + str(error)[1:]
            self.ui.reviewerEdit.setFocus()
            return
        review.show_next_pending()
        self._show_face()

    def _undo(self) -> None:
        if self._review is not None and self._review.undo():
            self._show_face()

    def _step(self, by: int) -> None:
        review = self._review
        if review is None or not 0 <= review.position + by < len(review.digests):
            return
        review.show(review.position + by)
        self._show_face()

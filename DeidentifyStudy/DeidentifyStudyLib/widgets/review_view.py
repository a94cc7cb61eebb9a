"""Section "Review of burned-in text": the image with its boxes in a slice view, and keys for the decisions."""

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyLib.logic.review import ALL_FRAMES, Review
from DeidentifyStudyLib.logic.review_scene import ReviewScene
from DeidentifyStudyLib.widgets.common import fill, style_table
from DeidentifyStudyLib.widgets.guard import guarded
from DeidentifyStudyLib.widgets.review_section import ReviewSection, SectionWidgets, SectionWords
from DeidentifyStudyLib.widgets.slice_display import SliceDisplay

__all__ = ["ReviewView"]


class ReviewView(ReviewSection[Review, ReviewScene]):
    """Shows a review of burned-in text; none of its keys is one of the Segment Editor's."""

    def __init__(self, ui: Any, review: Callable[[], Review], display: SliceDisplay) -> None:
        self.ui = ui
        self._busy = False
        words = SectionWords(
            before=_("Objects that may show burned-in text are listed here after a run."),
            waiting=_("Objects that wait for a person: {count}."),
            nothing_waits=_("No object waits."),
            counts=_("{pending} wait, {accepted} accepted, {rejected} rejected"),
            all_decided=_("All decided: {accepted} accepted, {rejected} rejected. Start the run again to write them."),
        )
        widgets = SectionWidgets(
            ui.beginReviewButton, ui.reviewSummary, ui.previousButton, ui.nextButton, ui.positionLabel, ui.reviewBody
        )
        super().__init__(widgets, words, review, lambda: ReviewScene(slicer.mrmlScene, self._boxes_dragged), display)
        style_table(ui.boxesTable, 5)
        self._connect(ui.frameSlider, "valueChanged(int)", self._show_frame)
        self._connect(ui.drawButton, "clicked()", self._draw)
        self._connect(ui.removeButton, "clicked()", self._remove)
        self._connect(ui.acceptButton, "clicked()", lambda: self._decide("accepted"))
        self._connect(ui.rejectButton, "clicked()", lambda: self._decide("rejected"))
        self._connect(ui.undoButton, "clicked()", self._undo)
        self._connect(ui.boxesTable, "itemSelectionChanged()", self._check_buttons)

    def _actions(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "Ctrl+Return": lambda: self._decide("accepted"),
            "Ctrl+Backspace": lambda: self._decide("rejected"),
            "Ctrl+B": self._draw,
            "Ctrl+Delete": self._remove,
            "Ctrl+Shift+Z": self._undo,
            "Ctrl+PgDown": lambda: self._step(1),
            "Ctrl+PgUp": lambda: self._step(-1),
        }

    def _is_decided(self) -> bool:
        return bool(self._review.decision_of(self._review.position) != "pending")

    def _take_over(self) -> None:
        self._read_boxes()

    def _show(self) -> None:
        """Show the object as the queue has it: what the views hold belongs to another state."""
        if self._scene is not None:
            self._scene.show_boxes([])
        self._show_object()

    def _show_object(self) -> None:
        review = self._review
        if review is None:
            return
        decisions = {"pending": _("waits"), "accepted": _("accepted"), "rejected": _("rejected")}
        self._show_position(decisions[review.decision_of(review.position)])
        self._show_frame(review.frame)

    def _show_frame(self, number: int) -> None:
        review, scene = self._review, self._scene
        if review is None or scene is None or self._busy:
            return
        self._read_boxes()
        self._busy = True
        try:
            self._show_image(review, scene, number)
        finally:
            self._busy = False
        self._show_boxes()

    def _show_image(self, review: Review, scene: ReviewScene, number: int) -> None:
        review.frame = number
        frame = review.image()
        self.ui.whyLabel.text = frame.problem or _("It waits because: {why}.").format(why=review.why())
        slider = self.ui.frameSlider
        slider.maximum = frame.count - 1
        slider.value = review.frame
        self.ui.frameNumber.text = f"{review.frame + 1}/{frame.count}"
        for widget in (self.ui.frameLabel, slider, self.ui.frameNumber, self.ui.everyFrameCheck):
            widget.visible = frame.count > 1
        if frame.pixels is None:
            scene.clear()
        else:
            scene.show(frame.pixels, review.boxes())
        self._display.show(scene.volume)

    def _show_boxes(self) -> None:
        review = self._review
        if review is None:
            return
        rows = [
            (
                _("all") if row[0] == ALL_FRAMES else str(row[0] + 1),
                *map(str, row[1:]),
                review.source_of_box(row),
            )
            for _number, row in review.boxes()
        ]
        fill(self.ui.boxesTable, rows)
        self._check_buttons()

    def _chosen(self) -> set[int]:
        """Numbers of the boxes whose rows are selected."""
        boxes = self._review.boxes() if self._review is not None else []
        rows = {item.row() for item in self.ui.boxesTable.selectedItems()}
        return {boxes[row][0] for row in rows if row < len(boxes)}

    def _check_buttons(self) -> None:
        chosen = self._chosen()
        if self._scene is not None:
            self._scene.mark(chosen)
        self.ui.removeButton.enabled = bool(chosen)
        self.ui.drawButton.enabled = self._scene is not None and self._scene.volume is not None

    def _boxes_dragged(self, number: int | None) -> None:
        if not self._busy:  # the node is still at work in its own event
            qt.QTimer.singleShot(0, guarded(lambda: self._take_dragged(number)))

    def _take_dragged(self, number: int | None) -> None:
        try:
            changed = self._review is not None and self._read_boxes()
            if changed:
                self._show_object()
        except DeidentifyError as error:
            self._say(error)
            return
        if changed or number is not None:  # the first corner of a box is no box
            self._choose(number)

    def _choose(self, number: int | None) -> None:
        """Select the row of a box; of the last one where there is no number."""
        if self._review is None:
            return
        rows = [row for row, (found, _box) in enumerate(self._review.boxes()) if number is None or found == number]
        if rows:
            self.ui.boxesTable.clearSelection()  # else a key that is held down would toggle the row
            self.ui.boxesTable.selectRow(rows[-1])

    def _read_boxes(self) -> bool:
        """Take over what was dragged or drawn in the view; whether there is something new."""
        review, scene = self._review, self._scene
        if review is None or scene is None or scene.volume is None:
            return False
        before = [list(row) for row in review.entry.boxes]
        for number, row, column, height, width in scene.rows():
            if number is None:
                review.add_box(row, column, height, width, self.ui.everyFrameCheck.checked)
            else:
                review.move_box(number, row, column, height, width)
        if review.entry.boxes != before:
            scene.show_boxes(review.boxes())
            return True
        return False

    def _draw(self) -> None:
        if self._scene is not None and self._scene.volume is not None:
            self._display.place(self._scene.begin_drawing())

    def _remove(self) -> None:
        review, chosen = self._review, self._chosen()
        if review is None or not chosen:
            return
        self._read_boxes()
        review.remove_boxes(chosen)
        self._show()

    def _decide(self, decision: str) -> None:
        review = self._review
        if review is None:
            return
        self._read_boxes()
        review.decide(decision)
        review.show_next_pending()
        self._show()

    def _undo(self) -> None:
        if self._review is not None and self._review.undo():
            self._show()

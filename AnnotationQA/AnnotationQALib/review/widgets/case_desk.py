"""The open case: views, walk, decisions, comments, changes and signature around one review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.project.state import Action, SubmittedReading
from AnnotationQACore.review.conflicts import Conflict
from AnnotationQACore.review.sending_back import Pin
from AnnotationQALib.review.agreement_plots import add_consensus_table
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import GROUP, CaseWork
from AnnotationQALib.review.deciding import Deciding, DecisionRow
from AnnotationQALib.review.layouts import LAYOUT_ID
from AnnotationQALib.review.project_review import OpenReview
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.surfaces import Surfaces
from AnnotationQALib.review.time_points import TimePoint, TimePointViews
from AnnotationQALib.review.widgets.cells import time_text
from AnnotationQALib.review.widgets.changes_view import ChangesView
from AnnotationQALib.review.widgets.comments_view import CommentActions, CommentsView
from AnnotationQALib.review.widgets.display_view import DisplayView
from AnnotationQALib.review.widgets.items_view import ItemActions, ItemsView
from AnnotationQALib.review.widgets.pin_placing import PinPlacing
from AnnotationQALib.review.widgets.sign_off_view import SignOffView
from AnnotationQALib.review.widgets.walk_view import WalkView
from AnnotationQALib.widgets.segment_editor_host import SegmentEditorHost
from AnnotationQALib.widgets.tab_pages import fit_to_page
from AnnotationQALib.widgets.tables import cell, fill, prepare, selected_row
from AnnotationQALib.widgets.ui_files import load_ui

__all__ = ["CaseDesk", "DeskActions"]

EDITOR_TAG = "AnnotationQAReview"
"""Singleton tag of the Segment Editor's parameters here, so that a drawing in Annotation QA is not disturbed."""

CLOSE_UP_MM = 60.0
WALK, ITEMS, COMMENTS, CHANGES, SIGN = range(5)


@dataclass(frozen=True, slots=True)
class DeskActions:
    """What the desk asks of the panel.

    Attributes
    ----------
    show_error, show_message : callable
        Called with one line.
    closed : callable
        Called after the reviewer has closed the case.
    recorded : callable
        Called with one line after something was written to the ledger that ends the review of the case.
    signed : callable
        Called with the reference standard when the case is signed off, before `recorded`.
    beside : callable
        Called with the ID of another case that is to be shown beside, or an empty text.
    """

    show_error: Callable[[str], None]
    show_message: Callable[[str], None]
    closed: Callable[[], None]
    recorded: Callable[[str], None]
    signed: Callable[[SubmittedReading], None]
    beside: Callable[[str], None]


class CaseDesk:
    """One review at a time: of a case, of loose segmentations, or time points that are only looked at.

    Parameters
    ----------
    scene : vtkMRMLScene
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    background : Background
    actions : DeskActions

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    review : CaseReview or None
    opened : OpenReview or None
        None on loose segmentations.
    """

    def __init__(
        self, scene: Any, application_logic: Any, layout_manager: Any, background: Background, actions: DeskActions
    ) -> None:
        self.widget, self.ui = load_ui("ReviewCase.ui")
        self.review: CaseReview | None = None
        self.opened: OpenReview | None = None
        self.deciding: Deciding | None = None
        self.work: CaseWork | None = None
        self.time_points: TimePointViews | None = None
        self._scene = scene
        self._layout_manager = layout_manager
        self._background = background
        self._actions = actions
        self._session: ReviewSession | None = None
        self._titles: dict[str, str] = {}
        self._conflicts: tuple[Conflict, ...] = ()
        self._editing = ""
        self._is_close = False
        self._former_layout: int | None = None
        self._notices: tuple[str, ...] = ()
        self.display = DisplayView(
            self._lay_out,
            self._show_style,
            self._show_heat_map,
            self._show_opacity,
            self._show_crosshair,
            self._show_window,
            actions.beside,
        )
        self.walk = WalkView(self.go_to, self.take)
        self.items = ItemsView(
            ItemActions(
                self._accept,
                self._accept_all,
                self._begin_edit,
                self._take_edited,
                self._discard_edit,
                self._copy,
                self._show_consensus,
                self._consensus_table,
            )
        )
        self.comments = CommentsView(
            CommentActions(self._add_comment, self._remove_comment, self._go_to_comment, self._send_back)
        )
        self.changes = ChangesView(self._show_changes, self._center)
        self.sign_off_view = SignOffView(self.sign_off, self._keep_result)
        self.pin_placing = PinPlacing(scene, application_logic)
        for place, view in (
            (self.ui.viewsPlace, self.display),
            (self.ui.walkTab, self.walk),
            (self.ui.itemsTab, self.items),
            (self.ui.commentsTab, self.comments),
            (self.ui.changesTab, self.changes),
            (self.ui.signTab, self.sign_off_view),
        ):
            place.layout().addWidget(view.widget)
        fit_to_page(self.ui.tabs)
        self.editor = SegmentEditorHost(self.items.ui.editorPlace.layout(), lambda _segment: None, EDITOR_TAG)
        prepare(self.ui.conflictTable, 3)
        self.ui.closeButton.connect("clicked()", self._close_clicked)
        self.ui.keepButton.connect("clicked()", self._keep_decision)
        self.ui.conflictTable.connect("itemSelectionChanged()", self._enable_keeping)
        self.ui.conflictReasonEdit.connect("textChanged(QString)", lambda _text: self._enable_keeping())
        self.ui.tabs.connect("currentChanged(int)", lambda _tab: self._show_tab())
        self.ui.reasonEdit.connect("textChanged(QString)", lambda _text: self._show_signature())

    @property
    def is_open(self) -> bool:
        """Whether there is something in review."""
        return self.review is not None or self.time_points is not None

    @property
    def reason(self) -> str:
        """What the reviewer gives as reason."""
        return str(self.ui.reasonEdit.text).strip()

    # opening and closing

    def show_loose(self, review: CaseReview) -> None:
        """Show segmentations without a project."""
        self._show(review, None, None, review.messages)

    def show_case(self, session: ReviewSession, opened: OpenReview, notices: Sequence[str] = ()) -> None:
        """Show a case of a project; `notices` are what else is known of it, such as how it was scored."""
        told = [*opened.messages, *notices, *([session.notice] if session.notice else [])]
        self._show(opened.review, session, opened, tuple(dict.fromkeys(told)))

    def show_time_points(self, points: Sequence[TimePoint], title: str) -> None:
        """Show time points side by side; nothing is decided about them."""
        self.time_points = TimePointViews(self._scene, points, Surfaces(self._background))
        self.ui.titleLabel.text = f"<b>{title}</b>"
        names = {str(number): point.name for number, point in enumerate(points)}
        self.display.show(names, tuple(names), is_review=False)
        for widget in (self.ui.tabs, self.ui.reasonRow, self.ui.noticesLabel, self.ui.conflictFrame):
            widget.visible = False
        self._lay_out()

    def close(self) -> None:
        """Let the case go; the scene and the layout are as they were before."""
        self._background.forget(GROUP)
        self.pin_placing.stop()
        self.editor.forget_nodes()
        self._editing = ""
        self.items.show_editing("")
        self._put_layout_back()
        if self.opened is None and self.review is not None:
            self.review.close()
        if self.time_points is not None:
            self.time_points.close()
        self.review = self.opened = self.deciding = self.work = self.time_points = self._session = None
        self._conflicts = ()

    def stop_work(self) -> None:
        """Compute nothing any more for what is open."""
        self._background.forget(GROUP)
        if self.review is not None:
            self.review.surfaces.stop()

    def leave(self) -> None:
        """The module is left: nothing of ours stays on keys and mouse."""
        self.pin_placing.stop()
        self.editor.leave()

    def enter(self) -> None:
        """The module is shown again."""
        self.editor.take_keys()

    def forget_scene(self) -> None:
        """The scene closes."""
        self.editor.forget_scene()

    # walking and taking

    def go_to(self, place: int) -> None:
        """Go to a row of the walk and centre all views on it."""
        if self.review is None or self.work is None or not self.work.is_found:
            return
        stop = self.review.go_to(place)
        self.review.surfaces.prefer(stop.items if stop is not None else ())
        if stop is not None and stop.position is not None and len(stop.position) == 2:
            self._center_pixel(stop.position)
        if self._is_close:
            self._close_up()
        self.walk.show_place()

    def take(self, source: str) -> None:
        """Take what a source has where the walk stands, and go on to what is still open."""
        review, deciding = self.review, self.deciding
        if review is None or deciding is None or review.walk.current is None:
            return
        stop = review.walk.current
        if stop.region is None:
            made = self._succeeds(lambda: deciding.take_answer(source, self.reason))
        else:
            made = self._succeeds(lambda: deciding.take_region(source, self.reason))
        if made:
            self._show_decisions()

    def next_style(self) -> None:
        """Outlines, fills, or both."""
        self.display.next_style()

    def next_heat_map(self) -> None:
        """The next heat map."""
        if self.work is not None and self.work.is_found:
            self.display.next_heat_map()

    def toggle_close_up(self) -> None:
        """Closer to the disagreement, or back to the whole image."""
        self._is_close = not self._is_close
        if self._is_close:
            self._close_up()
        else:
            self._fit()

    def sign_off(self) -> None:
        """Record the result as the reference standard."""
        opened = self.opened
        if opened is None or not self.sign_off_view.ui.signButton.enabled:
            return
        reason = self.reason
        self.ui.tabs.enabled = False
        self._background.run(
            GROUP, _("Signing off"), lambda: opened.sign_off(reason), self._signed, self._signing_failed
        )

    # inside: opening

    def _show(
        self,
        review: CaseReview,
        session: ReviewSession | None,
        opened: OpenReview | None,
        notices: tuple[str, ...],
    ) -> None:
        self.review, self._session, self.opened, self._notices = review, session, opened, notices
        review.surfaces = Surfaces(self._background)
        self._titles = {segment.id: segment.name for segment in review.labels.segments}
        if session is not None:
            self._titles = {item.id: item.title for item in session.reviews.protocol.items} | self._titles
        name = opened.case if opened is not None else _("segmentations of the scene")
        count = len(review.labels.readers)
        self.ui.titleLabel.text = f"<b>{name}</b> &nbsp; " + (
            _("{number} readings").format(number=count) if count > 1 else _("one reading")
        )
        self._show_notices()
        self.ui.tabs.visible = True
        self.ui.tabs.enabled = True
        is_project = opened is not None
        for tab in (COMMENTS, CHANGES):
            self.ui.tabs.setTabVisible(tab, is_project)
        self.ui.tabs.setTabText(SIGN, _("Sign off") if is_project else _("Result"))
        self.ui.tabs.currentIndex = WALK
        self.ui.reasonRow.visible = is_project
        windows: list[tuple[str, str]] = []
        others: tuple[str, ...] = ()
        if session is not None and opened is not None:
            windows = [(one.title, one.id) for one in session.reviews.protocol.windows] if session.images else []
            others = session.related_cases(opened.case)
            needs = session.reviews.protocol.design.reason_required
            self.ui.reasonLabel.text = _("Reason (asked for):") if needs else _("Reason:")
            self.ui.reasonEdit.clear()
            items = [(item.title, item.id) for item in session.reviews.protocol.items]
            self.comments.show(review.names, opened.readers, items, session.may_review)
            revisions = {reader: opened.revision(reader) for reader in opened.readers}
            self.changes.show_readers(revisions, review.names, self._titles)
            self.ui.tabs.setTabText(CHANGES, _("Changes ●") if self.changes.reader else _("Changes"))
            self._show_conflicts()
        else:
            self.ui.conflictFrame.visible = False
        self.display.show(review.names, review.shown, windows, others)
        self.walk.show_waiting()
        self.items.show(None, self._titles)
        self._is_close = False
        self._lay_out()
        self.work = CaseWork(review, self._background, self._found, self.walk.refresh)
        self.work.begin()

    def _found(self) -> None:
        """The regions are known: the walk and the decisions can begin."""
        review = self.review
        if review is None:
            return
        adjudication = self.opened.adjudication if self.opened is not None else None
        self.deciding = Deciding(review, adjudication)
        self.walk.show(review.walk, self.deciding, review.names, self._titles)
        self.items.show(self.deciding, self._titles)
        if len(review.walk):
            self.go_to(0)
        self._show_signature()

    def _show_notices(self) -> None:
        """What the reviewer must know, and which readings are not shown."""
        hidden = [message for message in self.review.messages if message not in self._notices] if self.review else []
        lines = [line for line in (*self._notices, *hidden) if line]
        self.ui.noticesLabel.text = "\n".join(f"• {line}" for line in lines)
        self.ui.noticesLabel.visible = bool(lines)

    def may_close(self) -> bool:
        """Ask before decisions that are not signed off are lost; True where nothing is."""
        if not self._has_decisions():
            return True
        question = _("Leave the case? What you decided is not signed off, and is lost.")
        return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Leave the case")))

    def _close_clicked(self) -> None:
        if self.may_close():
            self._actions.closed()

    def _has_decisions(self) -> bool:
        if self.opened is None or self.deciding is None:
            return False
        return bool(self.opened.adjudication.decisions) or len(self.opened.pins) > 0

    # inside: views

    def _layout_node(self) -> Any:
        return self._scene.GetFirstNodeByClass("vtkMRMLLayoutNode")

    def _lay_out(self) -> None:
        node = self._layout_node()
        if node is not None and self._former_layout is None and node.GetViewArrangement() != LAYOUT_ID:
            self._former_layout = node.GetViewArrangement()
        display = self.display
        if self.time_points is not None:
            self.time_points.open_views(display.planes, display.three_d, display.orientation, node)
            self.time_points.set_style(display.style)
        elif self.review is not None:
            if display.readers:
                self._attempt(lambda: self.review.choose(display.readers))  # type: ignore[union-attr]  # checked above
            with_result = bool(display.ui.resultCheck.checked)
            self.review.open_views(display.planes, display.three_d, with_result, display.orientation, node)
            self.review.set_style(display.style)
            if self.opened is not None:
                self.opened.show_markups()
            self.review.show_heat_map(display.heat_map if self._has_heat_map() else None, display.opacity)
            self._show_notices()
        else:
            return
        self._show_crosshair()
        self._fit_and_go_back()
        if self._layout_manager is not None:
            qt.QTimer.singleShot(0, self._fit_and_go_back)  # new views get their size in the event loop only

    def _fit_and_go_back(self) -> None:
        """The whole image in every view, at the place where the walk stands."""
        self._fit()
        stop = self.review.walk.current if self.review is not None and self.work and self.work.is_found else None
        if stop is not None:
            self.go_to(self.review.walk.place)  # type: ignore[union-attr]  # there is a stop, so there is a review

    def _put_layout_back(self) -> None:
        node = self._layout_node()
        if node is not None and self._former_layout is not None and node.GetViewArrangement() == LAYOUT_ID:
            node.SetViewArrangement(self._former_layout)
        self._former_layout = None

    def _views(self) -> Any:
        source = self.time_points if self.time_points is not None else self.review
        return source.views if source is not None else None

    def _fit(self) -> None:
        """The whole image in every view."""
        views = self._views()
        if views is None:
            return
        if self.review is not None and self.review.volume is None:
            grid = self.review.labels.grid
            middle = [(size - 1) / 2 for size in grid.shape]
            extent = max(size * step for size, step in zip(grid.shape, grid.spacing, strict=True))
            views.fit([float(x) for x in grid.to_world(middle)], extent * 1.05)
        elif self._layout_manager is not None:
            self._layout_manager.resetSliceViews()

    def _close_up(self) -> None:
        stop = self.review.walk.current if self.review is not None else None
        views = self._views()
        if stop is None or stop.position is None or len(stop.position) != 3 or views is None:
            return
        width = CLOSE_UP_MM
        if stop.region is not None and self.review is not None:
            box = self.review.disagreements.region(stop.region).box
            spacing = self.review.labels.grid.spacing
            extent = max((part.stop - part.start) * step for part, step in zip(box, spacing, strict=True))
            width = max(CLOSE_UP_MM, 1.5 * float(extent))
        views.fit(stop.position, width)

    def _center(self, position: Any) -> None:
        views = self._views()
        if views is not None:
            views.center(position)

    def _center_pixel(self, pixel: Sequence[float]) -> None:
        """Centre on a pixel of an image without a place in the patient."""
        images = self._session.images if self._session is not None else None
        flat = images.flat_roles if images is not None else ()
        plane = images.plane(flat[0]) if images is not None and flat else None
        if plane is not None:
            self._center(plane.to_scene(tuple(pixel)))

    def _show_style(self) -> None:
        source = self.time_points if self.time_points is not None else self.review
        if source is not None:
            source.set_style(self.display.style)

    def _has_heat_map(self) -> bool:
        kind = self.display.heat_map
        return kind is not None and self.review is not None and self.review.has_heat_map(kind)

    def _show_heat_map(self) -> None:
        review, work, kind = self.review, self.work, self.display.heat_map
        self.display.ui.opacitySlider.enabled = kind is not None
        if review is None or work is None:
            return
        if kind is None or review.has_heat_map(kind):
            review.show_heat_map(kind, self.display.opacity)
        elif work.is_found:
            work.want_heat_map(kind, self._heat_map_computed)

    def _heat_map_computed(self, kind: Any, image: np.ndarray) -> None:
        if self.review is not None and self.display.heat_map == kind:
            self.review.show_heat_map(kind, self.display.opacity, image)

    def _show_opacity(self) -> None:
        if self.review is not None and self._has_heat_map():
            self.review.show_heat_map(self.display.heat_map, self.display.opacity)

    def _show_crosshair(self) -> None:
        views = self._views()
        if views is not None:
            views.set_crosshair(bool(self.display.ui.crosshairCheck.checked))

    def _show_window(self, window: str) -> None:
        if self._session is not None and window:
            self._session.show_window(window)

    # inside: decisions

    def _accept(self, row: DecisionRow, source: str) -> None:
        deciding = self.deciding
        if deciding is not None and self._succeeds(lambda: deciding.accept(row, source, self.reason)):
            self._show_decisions()

    def _accept_all(self, source: str) -> None:
        deciding = self.deciding
        if deciding is not None and self._succeeds(lambda: deciding.accept_all(source, self.reason)):
            self._show_decisions()

    def _begin_edit(self, segment: str, source: str) -> None:
        review = self.review
        if review is None:
            return
        if not self.display.ui.resultCheck.checked:
            self.display.ui.resultCheck.checked = True
        node = self._attempt(lambda: review.begin_edit(segment, source))
        if node is None:
            return
        self._editing = segment
        self.items.show_editing(self._titles.get(segment, segment))
        self.editor.show(self._scene, node, review.volume, segment, None)

    def _take_edited(self) -> None:
        deciding = self.deciding
        if deciding is None or not self._editing:
            return
        self.editor.leave()
        lost = self._attempt(lambda: deciding.take_edited(self._editing, self.reason))
        if lost is None:
            self.editor.take_keys()
            return
        if lost:
            names = ", ".join(self._titles.get(one, one) for one in lost)
            self._actions.show_message(_("These structures lost voxels to what you drew: {names}.").format(names=names))
        self._end_edit()
        self._show_decisions()

    def _discard_edit(self) -> None:
        self._end_edit()
        if self.review is not None:
            self.review.show_result()

    def _end_edit(self) -> None:
        self._editing = ""
        self.editor.forget_nodes()
        self.items.show_editing("")

    def _copy(self, source: str) -> None:
        review = self.review
        node = self._attempt(lambda: review.copy_to_mine(source)) if review is not None else None
        if node is not None:
            self._actions.show_message(_("'{name}' is in the scene; it is yours to edit.").format(name=node.GetName()))

    def _keep_result(self) -> None:
        if self.review is not None:
            node = self.review.copy_result()
            self._actions.show_message(_("'{name}' is in the scene.").format(name=node.GetName()))

    def _show_consensus(self, method: str) -> None:
        if self.review is None or not method:
            return
        if not self.display.ui.resultCheck.checked:
            self.display.ui.resultCheck.checked = True
        review = self.review
        self._attempt(lambda: review.show_consensus(method))

    def _consensus_table(self) -> None:
        if self.work is None or self.review is None or self.review.consensus is None:
            return
        choices = [
            choice for method in ("majority", "staple", "simple", "shape") if (choice := self.work.choice(method))
        ]
        node = add_consensus_table(self._scene, choices, self.review.names)
        self._actions.show_message(_("'{name}' is among Slicer's tables.").format(name=node.GetName()))

    def _show_decisions(self) -> None:
        self.walk.show_decided()
        self.items.refresh()
        self._show_signature()

    def _show_tab(self) -> None:
        if self.ui.tabs.currentIndex == ITEMS and self.work is not None and self.work.is_found:
            self.work.want_consensus(self._consensus_computed)
        if self.ui.tabs.currentIndex == CHANGES and self.changes.reader:
            self._show_changes(self.changes.reader)
        self._show_signature()

    def _consensus_computed(self, method: str) -> None:
        choice = self.work.choice(method) if self.work is not None else None
        if choice is not None:
            self.items.add_choice(choice)

    def _show_signature(self) -> None:
        if self.deciding is None or self.ui.tabs.currentIndex != SIGN:
            return
        rows = self.deciding.rows()
        open_regions = self.deciding.open_regions
        is_open = bool(open_regions) or any(row.is_open for row in rows)
        minority: list[str] = []
        refusal = ""
        if self.opened is not None and self._session is not None:
            if not self._session.may_adjudicate:
                refusal = _("Only adjudicators of the project sign off cases.")
            elif self.deciding.needs_reason and not self.reason and not is_open and not self._all_have_reasons():
                refusal = _("The protocol asks for a reason; give one below.")
            if not is_open:
                found = self.opened.adjudication.result().minority
                minority = [
                    f"{self.deciding.name(one.reader)}, {self._titles.get(one.item, one.item)}: {one.text}"
                    for one in found
                ]
        self.sign_off_view.show(rows, open_regions, minority, refusal, self.opened is not None)

    def _all_have_reasons(self) -> bool:
        return self.opened is not None and all(one.reason for one in self.opened.adjudication.decisions)

    def _signed(self, submitted: SubmittedReading) -> None:
        self.ui.tabs.enabled = True
        case = self.opened.case if self.opened is not None else ""
        self._actions.signed(submitted)
        self._actions.recorded(_("Case {case} is signed off; the result is its reference standard.").format(case=case))

    def _signing_failed(self, line: str) -> None:
        self.ui.tabs.enabled = True
        self._actions.show_error(line)

    # inside: comments

    def _add_comment(self, text: str, item: str, reader: str, how: str) -> None:
        opened = self.opened
        if opened is None:
            return
        if how in ("point", "arrow"):
            self.comments.show_placing(how)
            self.pin_placing.start(
                text, 1 if how == "point" else 2, lambda points: self._placed(text, item, reader, points)
            )
            return
        position = self._crosshair() if how == "here" else None
        self._attempt(lambda: opened.pins.add(Pin(text, item, position, None, reader)))
        self._comments_changed()

    def _placed(self, text: str, item: str, reader: str, points: Sequence[tuple[float, float, float]]) -> None:
        if self.opened is None:
            return
        towards = points[1] if len(points) > 1 else None
        self.opened.pins.add(Pin(text, item, points[0], towards, reader))
        self._comments_changed()

    def _comments_changed(self) -> None:
        if self.opened is not None:
            self.comments.clear_text()
            self.comments.show_pins(self.opened.pins.pins)

    def _remove_comment(self, number: int) -> None:
        opened = self.opened
        if opened is not None:
            self._attempt(lambda: opened.pins.remove(number))
            self._comments_changed()

    def _go_to_comment(self, number: int) -> None:
        if self.opened is not None and number < len(self.opened.pins.pins):
            position = self.opened.pins.pins[number].position
            if position is not None and len(position) == 3:
                self._center(position)

    def _send_back(self, readers: Sequence[str]) -> None:
        opened = self.opened
        if opened is None:
            return
        if self._succeeds(lambda: opened.send_back(readers)):
            names = ", ".join(opened.names.get(reader, reader) for reader in readers)
            self._actions.recorded(
                _("Case {case} is sent back to {names}.").format(case=opened.case, names=names)
            )  # fmt: skip

    def _crosshair(self) -> tuple[float, float, float] | None:
        """Where the crosshair is, LPS mm; without one where the walk stands."""
        node = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is not None:
            x, y, z = node.GetCrosshairRAS()
            return (-x, -y, z)
        stop = self.review.walk.current if self.review is not None else None
        if stop is not None and stop.position is not None and len(stop.position) == 3:
            return stop.position
        return None

    # inside: changes and conflicts

    def _show_changes(self, reader: str) -> None:
        opened = self.opened
        if opened is None or not reader:
            return
        self._background.run(
            GROUP, _("Comparing revisions"), lambda: opened.changes(reader), self.changes.show, self._actions.show_error
        )

    def _show_conflicts(self) -> None:
        session, opened = self._session, self.opened
        if session is None or opened is None:
            return
        found = self._attempt(lambda: session.reviews.conflicts(opened.case))
        self._conflicts = found or ()
        self.ui.conflictFrame.visible = bool(self._conflicts)
        if not self._conflicts:
            return
        lines = [_("<b>Two decisions were made without knowledge of each other.</b> Keep one of them.")]
        for conflict in self._conflicts:
            if conflict.changes is not None:
                answers, structures = len(conflict.changes.answers), len(conflict.changes.segments)
                text = _("Their results differ in {answers} answers and {structures} structures.")
                lines.append(text.format(answers=answers, structures=structures))
        self.ui.conflictLabel.text = "<br>".join(lines)
        actions = {Action.ACCEPT: _("accepted"), Action.ADJUDICATE: _("adjudicated"), Action.SEND_BACK: _("sent back")}
        fill(
            self.ui.conflictTable,
            [
                [
                    cell(self._member(decision.actor)),
                    cell(time_text(decision.time)),
                    cell(actions.get(Action(decision.action), decision.action)),
                    cell(decision.reason or "–"),
                ]
                for decision in self._standing()
            ],
        )
        self._enable_keeping()

    def _member(self, member: str) -> str:
        members = self._session.project.state.members if self._session is not None else {}
        return members[member].name if member in members else member

    def _standing(self) -> list[Any]:
        decisions = [one for conflict in self._conflicts for one in (conflict.first, conflict.second)]
        return list({one.hash: one for one in decisions}.values())

    def _enable_keeping(self) -> None:
        reason = ""
        if selected_row(self.ui.conflictTable) < 0:
            reason = _("Select a decision first.")
        elif not str(self.ui.conflictReasonEdit.text).strip():
            reason = _("Say why this one is kept.")
        self.ui.keepButton.enabled = not reason
        self.ui.keepButton.toolTip = reason or _("Decide again as the selected decision did")

    def _keep_decision(self) -> None:
        session, opened = self._session, self.opened
        place = selected_row(self.ui.conflictTable)
        standing = self._standing()
        if session is None or opened is None or not 0 <= place < len(standing):
            return
        reason = str(self.ui.conflictReasonEdit.text).strip()
        kept = standing[place]
        if self._succeeds(lambda: session.reviews.keep(opened.case, kept.hash, reason)):
            self.ui.conflictReasonEdit.clear()
            self._actions.recorded(_("The conflict of case {case} is settled.").format(case=opened.case))

    def _attempt(self, act: Callable[[], Any]) -> Any:
        """What `act` returns; None when it was refused, which is told."""
        try:
            return act()
        except AnnotationQAError as error:
            self._actions.show_error(str(error))
            return None

    def _succeeds(self, act: Callable[[], None]) -> bool:
        """Whether something was done; a refusal is told."""
        try:
            act()
        except AnnotationQAError as error:
            self._actions.show_error(str(error))
            return False
        return True

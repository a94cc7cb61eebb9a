"""The open case: views, walk, decisions, comments, changes and signature around one review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import slicer
from slicer.i18n import tr as _

from AnnotationQACore.project.state import SubmittedReading
from AnnotationQALib.review.agreement_plots import add_consensus_table
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import GROUP, CaseWork
from AnnotationQALib.review.deciding import Deciding, DecisionRow
from AnnotationQALib.review.project_review import OpenReview
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.surfaces import Surfaces
from AnnotationQALib.review.time_points import TimePoint, TimePointViews
from AnnotationQALib.review.widgets.changes_view import ChangesView
from AnnotationQALib.review.widgets.conflicts_view import ConflictsView
from AnnotationQALib.review.widgets.desk_comments import DeskComments
from AnnotationQALib.review.widgets.desk_views import DeskViews
from AnnotationQALib.review.widgets.items_view import ItemActions, ItemsView
from AnnotationQALib.review.widgets.on_desk import OnDesk
from AnnotationQALib.review.widgets.review_context import ReviewContext
from AnnotationQALib.review.widgets.signing import Signing
from AnnotationQALib.review.widgets.structure_editing import StructureEditing
from AnnotationQALib.review.widgets.walk_view import WalkView
from AnnotationQALib.widgets.guard import connect
from AnnotationQALib.widgets.tab_pages import fit_to_page
from AnnotationQALib.widgets.ui_files import load_ui
from AnnotationQALib.widgets.wordings import told

__all__ = ["CaseDesk", "DeskActions"]

WALK, ITEMS, COMMENTS, CHANGES, SIGN = range(5)


@dataclass(frozen=True, slots=True)
class DeskActions:
    """What the desk asks of the panel.

    Attributes
    ----------
    closed : callable
        Called after the reviewer has closed the case.
    recorded : callable
        Called with one line after something was written to the ledger that ends the review of the case.
    signed : callable
        Called with the reference standard when the case is signed off, before `recorded`.
    beside : callable
        Called with the ID of another case that is to be shown beside, or an empty text.
    """

    closed: Callable[[], None]
    recorded: Callable[[str], None]
    signed: Callable[[SubmittedReading], None]
    beside: Callable[[str], None]


class CaseDesk:
    """One review at a time: of a case, of loose segmentations, or time points that are only looked at.

    Parameters
    ----------
    context : ReviewContext
    application_logic : vtkMRMLApplicationLogic
    layout_manager : qMRMLLayoutManager or None
    actions : DeskActions

    Attributes
    ----------
    widget : QWidget
    ui : children by name
    on_desk : OnDesk
        What is open.
    views : DeskViews
    walk : WalkView
    items : ItemsView
    editing : StructureEditing
    comments : DeskComments
    conflicts : ConflictsView
    changes : ChangesView
    signing : Signing
    """

    def __init__(
        self, context: ReviewContext, application_logic: Any, layout_manager: Any, actions: DeskActions
    ) -> None:
        self.widget, self.ui = load_ui("ReviewCase.ui")
        self.on_desk = desk = OnDesk()
        self._context = context
        self._actions = actions
        self._notices: tuple[str, ...] = ()
        self.views = DeskViews(context, layout_manager, desk, self._show_notices, self._go_back, actions.beside)
        self.walk = WalkView(self.go_to, self.take)
        self.items = ItemsView(
            ItemActions(
                self._accept,
                self._accept_all,
                lambda segment, source: self.editing.begin(segment, source),
                lambda: self.editing.take(),
                lambda: self.editing.discard(),
                self._copy,
                self._show_consensus,
                self._consensus_table,
            )
        )
        self.editing = StructureEditing(
            context, desk, self.items, self.views.show_result, lambda: self.reason, self._show_decisions
        )
        self.comments = DeskComments(context, application_logic, desk, self.views.center, actions.recorded)
        self.conflicts = ConflictsView(self.ui, context, desk, actions.recorded)
        self.changes = ChangesView(self._show_changes, self.views.center)
        self.signing = Signing(self.ui.tabs, context, desk, lambda: self.reason, actions.signed, actions.recorded)
        for place, view in (
            (self.ui.viewsPlace, self.views.display),
            (self.ui.walkTab, self.walk),
            (self.ui.itemsTab, self.items),
            (self.ui.commentsTab, self.comments.view),
            (self.ui.changesTab, self.changes),
            (self.ui.signTab, self.signing.view),
        ):
            place.layout().addWidget(view.widget)
        fit_to_page(self.ui.tabs)
        connect(self.ui.closeButton, "clicked()", self._close_clicked)
        connect(self.ui.tabs, "currentChanged(int)", lambda _tab: self._show_tab())
        connect(self.ui.reasonEdit, "textChanged(QString)", lambda _text: self._show_signature())

    @property
    def is_open(self) -> bool:
        """Whether there is something in review."""
        return not self.on_desk.is_empty

    @property
    def review(self) -> CaseReview | None:
        """The review that is open; None for time points."""
        return self.on_desk.review

    @property
    def opened(self) -> OpenReview | None:
        """The case of a project that is open; None on loose segmentations."""
        return self.on_desk.opened

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
        lines = [*opened.messages, *notices, *([told(session.notice)] if session.notice else [])]
        self._show(opened.review, session, opened, tuple(dict.fromkeys(lines)))

    def show_time_points(self, points: Sequence[TimePoint], title: str) -> None:
        """Show time points side by side; nothing is decided about them."""
        self.on_desk.time_points = TimePointViews(self._context.scene, points, Surfaces(self._context.background))
        self.ui.titleLabel.text = f"<b>{title}</b>"
        names = {str(number): point.name for number, point in enumerate(points)}
        self.views.display.show(names, tuple(names), is_review=False)
        for widget in (self.ui.tabs, self.ui.reasonRow, self.ui.noticesLabel, self.ui.conflictFrame):
            widget.visible = False
        self.views.lay_out()

    def close(self) -> None:
        """Let the case go; the scene and the layout are as they were before."""
        desk = self.on_desk
        self._context.background.forget(GROUP)
        self.comments.stop_placing()
        self.editing.end()
        self.views.put_layout_back()
        if desk.opened is None and desk.review is not None:
            desk.review.close()
        if desk.time_points is not None:
            desk.time_points.close()
        desk.clear()
        self.conflicts.hide()

    def may_close(self) -> bool:
        """Ask before decisions that are not signed off are lost; True where nothing is."""
        if not self.on_desk.has_decisions:
            return True
        question = _("Leave the case? What you decided is not signed off, and is lost.")
        return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Leave the case")))

    def stop_work(self) -> None:
        """Compute nothing any more for what is open."""
        self._context.background.forget(GROUP)
        if self.review is not None:
            self.review.surfaces.stop()

    def leave(self) -> None:
        """The module is left: nothing of ours stays on keys and mouse."""
        self.comments.stop_placing()
        self.editing.host.leave()

    def enter(self) -> None:
        """The module is shown again."""
        self.editing.host.take_keys()

    def forget_scene(self) -> None:
        """The scene closes."""
        self.editing.host.forget_scene()

    # walking and taking

    def go_to(self, place: int) -> None:
        """Go to a row of the walk and centre all views on it."""
        review = self.review
        if review is None or not self.on_desk.is_found:
            return
        stop = review.go_to(place)
        review.surfaces.prefer(stop.items if stop is not None else ())
        self.views.arrive(stop)
        self.walk.show_place()

    def take(self, source: str) -> None:
        """Take what a source has where the walk stands, and go on to what is still open."""
        review, deciding = self.on_desk.review, self.on_desk.deciding
        if review is None or deciding is None or review.walk.current is None:
            return
        stop = review.walk.current
        if stop.region is None:
            made = self._context.succeeds(lambda: deciding.take_answer(source, self.reason))
        else:
            made = self._context.succeeds(lambda: deciding.take_region(source, self.reason))
        if made:
            self._show_decisions()

    def next_style(self) -> None:
        """Outlines, fills, or both."""
        self.views.display.next_style()

    def next_heat_map(self) -> None:
        """The next heat map."""
        if self.on_desk.is_found:
            self.views.display.next_heat_map()

    def toggle_close_up(self) -> None:
        """Closer to the disagreement, or back to the whole image."""
        self.views.toggle_close_up()

    # inside: opening

    def _show(
        self,
        review: CaseReview,
        session: ReviewSession | None,
        opened: OpenReview | None,
        notices: tuple[str, ...],
    ) -> None:
        desk = self.on_desk
        desk.review, desk.session, desk.opened, self._notices = review, session, opened, notices
        review.surfaces = Surfaces(self._context.background)
        items = session.reviews.protocol.items if session is not None else ()
        desk.titles = {item.id: item.title for item in items} | {one.id: one.name for one in review.labels.segments}
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
            titles = [(item.title, item.id) for item in items]
            self.comments.view.show(review.names, opened.readers, titles, session.may_review)
            revisions = {reader: opened.revision(reader) for reader in opened.readers}
            self.changes.show_readers(revisions, review.names, desk.titles)
            self.ui.tabs.setTabText(CHANGES, _("Changes ●") if self.changes.reader else _("Changes"))
            self.conflicts.show()
        else:
            self.conflicts.hide()
        self.views.display.show(review.names, review.shown, windows, others)
        self.walk.show_waiting()
        self.items.show(None, desk.titles)
        self.views.begin()
        desk.work = CaseWork(review, self._context.background, self._found, self.walk.refresh)
        desk.work.begin()

    def _found(self) -> None:
        """The regions are known: the walk and the decisions can begin."""
        desk, review = self.on_desk, self.on_desk.review
        if review is None:
            return
        desk.deciding = Deciding(review, desk.opened.adjudication if desk.opened is not None else None)
        self.walk.show(review.walk, desk.deciding, review.names, desk.titles)
        self.items.show(desk.deciding, desk.titles)
        if len(review.walk):
            self.go_to(0)
        self._show_signature()

    def _show_notices(self) -> None:
        """What the reviewer must know, and which readings are not shown."""
        hidden = [message for message in self.review.messages if message not in self._notices] if self.review else []
        lines = [line for line in (*self._notices, *hidden) if line]
        self.ui.noticesLabel.text = "\n".join(f"• {line}" for line in lines)
        self.ui.noticesLabel.visible = bool(lines)

    def _go_back(self) -> None:
        """Go to where the walk stands."""
        review = self.review
        if review is not None and self.on_desk.is_found and review.walk.current is not None:
            self.go_to(review.walk.place)

    def _close_clicked(self) -> None:
        if self.may_close():
            self._actions.closed()

    # inside: decisions

    def _accept(self, row: DecisionRow, source: str) -> None:
        deciding = self.on_desk.deciding
        if deciding is not None and self._context.succeeds(lambda: deciding.accept(row, source, self.reason)):
            self._show_decisions()

    def _accept_all(self, source: str) -> None:
        deciding = self.on_desk.deciding
        if deciding is not None and self._context.succeeds(lambda: deciding.accept_all(source, self.reason)):
            self._show_decisions()

    def _copy(self, source: str) -> None:
        review = self.review
        node = self._context.attempt(lambda: review.copy_to_mine(source)) if review is not None else None
        if node is not None:
            self._context.messages.show(_("'{name}' is in the scene; it is yours to edit.").format(name=node.GetName()))

    def _show_consensus(self, method: str) -> None:
        if self.review is None or not method:
            return
        self.views.show_result()
        review = self.review
        self._context.attempt(lambda: review.show_consensus(method))

    def _consensus_table(self) -> None:
        if self.on_desk.work is None or self.review is None or self.review.consensus is None:
            return
        choices = [
            choice
            for method in ("majority", "staple", "simple", "shape")
            if (choice := self.on_desk.work.choice(method))
        ]
        node = add_consensus_table(self._context.scene, choices, self.review.names)
        self._context.messages.show(_("'{name}' is among Slicer's tables.").format(name=node.GetName()))

    def _show_decisions(self) -> None:
        self.walk.show_decided()
        self.items.refresh()
        self._show_signature()

    def _show_tab(self) -> None:
        work = self.on_desk.work
        if self.ui.tabs.currentIndex == ITEMS and work is not None and work.is_found:
            work.want_consensus(self._consensus_computed)
        if self.ui.tabs.currentIndex == CHANGES and self.changes.reader:
            self._show_changes(self.changes.reader)
        self._show_signature()

    def _consensus_computed(self, method: str) -> None:
        choice = self.on_desk.work.choice(method) if self.on_desk.work is not None else None
        if choice is not None:
            self.items.add_choice(choice)

    def _show_signature(self) -> None:
        if self.ui.tabs.currentIndex == SIGN:
            self.signing.show()

    def _show_changes(self, reader: str) -> None:
        opened = self.opened
        if opened is None or not reader:
            return
        self._context.background.run(
            GROUP,
            _("Comparing revisions"),
            lambda: opened.changes(reader),
            self.changes.show,
            self._context.messages.show_error,
        )

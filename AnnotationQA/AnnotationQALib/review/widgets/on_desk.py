"""What lies on the reviewer's desk; the parts of the desk share it."""

from __future__ import annotations

from dataclasses import dataclass, field

from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.case_work import CaseWork
from AnnotationQALib.review.deciding import Deciding
from AnnotationQALib.review.project_review import OpenReview
from AnnotationQALib.review.review_session import ReviewSession
from AnnotationQALib.review.review_views import ReviewViews
from AnnotationQALib.review.time_points import TimePointViews

__all__ = ["OnDesk"]


@dataclass(slots=True)
class OnDesk:
    """A case of a project, loose segmentations, or time points that are only looked at.

    Attributes
    ----------
    review : CaseReview or None
    session, opened : ReviewSession, OpenReview, or None
        None on loose segmentations.
    deciding, work : Deciding, CaseWork, or None
        `deciding` is there when the regions are known.
    time_points : TimePointViews or None
    titles : dict of str to str
        Of items and structures, by their IDs.
    """

    review: CaseReview | None = None
    session: ReviewSession | None = None
    opened: OpenReview | None = None
    deciding: Deciding | None = None
    work: CaseWork | None = None
    time_points: TimePointViews | None = None
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return self.review is None and self.time_points is None

    @property
    def is_found(self) -> bool:
        """Whether it is known where readers differ."""
        return self.work is not None and self.work.is_found

    @property
    def shown(self) -> CaseReview | TimePointViews | None:
        """What is in the views."""
        return self.time_points if self.time_points is not None else self.review

    @property
    def views(self) -> ReviewViews | None:
        """The views that are open."""
        return self.shown.views if self.shown is not None else None

    @property
    def has_decisions(self) -> bool:
        """Whether anything was decided or commented on that is not signed off."""
        if self.opened is None or self.deciding is None:
            return False
        return bool(self.opened.adjudication.decisions) or len(self.opened.pins) > 0

    def clear(self) -> None:
        """Nothing lies on the desk."""
        self.review = self.session = self.opened = self.deciding = self.work = self.time_points = None
        self.titles = {}

"""What is read again and what is read next, for a panel; each step opens the project anew, on any thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.assignments import active_readers, plan_assignments
from AnnotationQACore.project.ledger import utc_now
from AnnotationQACore.release.rounds.model_performance import ModelPerformance, model_performance
from AnnotationQACore.release.rounds.ranking import RankedCase, rank_cases
from AnnotationQACore.release.rounds.redo import ToRedo, readings_to_redo, send_back_for_redo
from AnnotationQACore.release.rounds.rereads import RereadPlan, plan_rereads
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.project_work import ProjectWork

__all__ = ["RoundsWork", "reread_rows"]


class RoundsWork(ProjectWork):
    """Rounds of one project, by one lead."""

    def to_redo(self, progress: Progress) -> tuple[ToRedo, ...]:
        """Readings that the protocol in force asks for again."""
        return readings_to_redo(self._project(progress), progress)

    def send_back(self, readings: Sequence[ToRedo], progress: Progress) -> int:
        """Send them back to their readers; returns the number of cases."""
        return send_back_for_redo(self._project(progress), readings, progress)

    def rank(self, weights: Mapping[str, float], decided: bool, progress: Progress) -> tuple[RankedCase, ...]:
        """Cases, those worth reading first on top."""
        return tuple(rank_cases(self._project(progress), weights=weights, decided=decided, progress=progress))

    def assign(self, cases: Sequence[str], per_case: int, seed: int, progress: Progress) -> Mapping[str, int]:
        """Give cases to readers until each has so many; returns the number of cases by reader."""
        if not cases:
            raise InputError(worded("cases: none is selected; select rows of the ranking."))
        project = self._project(progress)
        state = project.state
        planned = plan_assignments(state, active_readers(state), per_case, seed, now=utc_now(), cases=cases)
        if planned:
            project.assign(planned, seed)
        return Counter(entry.reader for entry in planned)

    def plan_rereads(
        self, per_quarter: int, quarters: int, washout_days: int, seed: int, progress: Progress
    ) -> RereadPlan:
        """What every reader would read again."""
        state = self._project(progress).state
        washout = timedelta(days=washout_days)
        readers = active_readers(state)
        return plan_rereads(state, readers, per_quarter, seed, now=utc_now(), quarters=quarters, washout=washout)

    def record_rereads(self, plan: RereadPlan, seed: int, progress: Progress) -> RereadPlan:
        """Record a plan."""
        if plan.assignments:
            self._project(progress).assign(plan.assignments, seed)
        return plan

    def drift(self, model: str, progress: Progress) -> ModelPerformance:
        """A model against the reference standard, over time."""
        return model_performance(self._project(progress), model, progress=progress)


def reread_rows(plan: RereadPlan) -> tuple[tuple[str, str, int], ...]:
    """Reader, first day, number of cases."""
    counts = Counter((one.reader, one.available_from[:10]) for one in plan.assignments)
    return tuple((reader, start, count) for (reader, start), count in sorted(counts.items()))

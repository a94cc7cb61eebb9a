"""What the card is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.evaluation.project import ProjectAgreement, kept_results_folder
from AnnotationQACore.evaluation.study import study_agreement
from AnnotationQACore.evaluation.summary import summarize
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Release
from AnnotationQACore.release.people import member_names
from AnnotationQACore.release.request import Gathered, ReleaseRequest

__all__ = ["CardSources", "card_sources"]


@dataclass(frozen=True, slots=True, eq=False)
class CardSources:
    """What the card is written from.

    Attributes
    ----------
    project : Project
    request : ReleaseRequest
    gathered : Gathered
    agreement : ProjectAgreement or None
        Of the released cases; None when none of them was read by two readers.
    names : mapping of member to str
        What people are called in the release.
    previous : Release or None
        The release before this one.
    made : datetime
    """

    project: Project
    request: ReleaseRequest
    gathered: Gathered
    agreement: ProjectAgreement | None
    names: Mapping[str, str]
    previous: Release | None
    made: datetime


def card_sources(
    project: Project,
    request: ReleaseRequest,
    gathered: Gathered,
    made: datetime,
    *,
    resamples: int = 2000,
    progress: Progress = silent,
) -> CardSources:
    """Collect what the card needs; the agreement of the readers is computed, or taken from this user's kept results."""
    protocol = gathered.dataset.protocol
    found = [case_files(project, case.id) for case in gathered.dataset.cases]
    compared = [files for files in found if len(files.readings) > 1]
    agreement = None
    if compared:
        study = study_agreement(compared, protocol, keep_in=kept_results_folder(project), progress=progress)
        summary = summarize(study, protocol, resamples=resamples, progress=progress)
        unread = tuple(files.case for files in found if len(files.readings) < 2)
        agreement = ProjectAgreement(protocol, study, summary, unread)
    names = member_names(project, request.selection.coded_readers)
    former = [release for release in project.state.releases if release.name != request.name]
    return CardSources(project, request, gathered, agreement, names, former[-1] if former else None, made)

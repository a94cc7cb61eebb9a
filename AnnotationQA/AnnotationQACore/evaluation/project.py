"""The whole comparison of a project in one call, for the command line, the report and the release."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import ProjectError
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.evaluation.study import StudyAgreement, study_agreement
from AnnotationQACore.evaluation.summary import StudySummary, summarize
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import user_folder
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.protocol.model import Protocol

__all__ = ["ProjectAgreement", "kept_results_folder", "project_agreement"]


@dataclass(frozen=True, slots=True)
class ProjectAgreement:
    """How far the readers of a project agree.

    Attributes
    ----------
    protocol : Protocol
    study : StudyAgreement
        Case by case.
    summary : StudySummary
        Over the cases.
    unread : tuple of str
        Cases with fewer than two readings, which are in neither.
    """

    protocol: Protocol
    study: StudyAgreement
    summary: StudySummary
    unread: tuple[str, ...]


def kept_results_folder(project: Project) -> Path:
    """Folder of this user in which the results of the cases of a project are kept."""
    folder = user_folder() / "agreement" / project.id
    make_folder(folder)
    return folder


def project_agreement(
    project: Project,
    *,
    executor: Executor | None = None,
    keep_in: Path | None = None,
    resample: bool = False,
    resamples: int = 2000,
    seed: int = 0,
    progress: Progress = silent,
) -> ProjectAgreement:
    """Compare the readings of all cases that two readers or more have read, and summarize.

    Parameters are those of `study.study_agreement` and `summary.summarize`.

    Raises
    ------
    ProjectError
        No case was read by two readers.
    """
    protocol = project.protocol()
    found = [case_files(project, case) for case, record in project.state.cases.items() if not record.excluded]
    compared = [files for files in found if len(files.readings) > 1]
    if not compared:
        raise ProjectError(f"{project.folder}: no case was read by two readers yet; agreement needs two.")
    study = study_agreement(
        compared, protocol, executor=executor, keep_in=keep_in, resample=resample, progress=progress
    )
    summary = summarize(study, protocol, resamples=resamples, seed=seed)
    return ProjectAgreement(protocol, study, summary, tuple(files.case for files in found if len(files.readings) < 2))

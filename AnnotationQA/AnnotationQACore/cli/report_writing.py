"""What `annotation-qa report` does."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime

from AnnotationQACore.cli.acting import open_project
from AnnotationQACore.cli.agreement_project import evaluate
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.study import StudyAgreement
from AnnotationQACore.evaluation.summary import summarize
from AnnotationQACore.project.folder import Project
from AnnotationQACore.reporting.contents import collect
from AnnotationQACore.reporting.writing import require_own_folder, write_report

__all__ = ["write"]


def write(arguments: argparse.Namespace) -> int:
    """Compare the readings, and write the report."""
    require_own_folder(arguments.output)
    project = open_project(arguments)
    unknown = sorted(set(arguments.cases or ()) - project.state.cases.keys())
    if unknown:
        raise InputError(f"--cases: '{unknown[0]}' is not a case of this project; see annotation-qa status.")
    images = images_below(arguments.images) if arguments.images else {}
    agreement = _agreement(project, arguments)
    contents = collect(project, agreement, made=datetime.now(UTC), show_names=arguments.names)
    write_report(
        arguments.output,
        project,
        contents,
        pictures=not arguments.no_pictures,
        images=images,
        progress=ConsoleProgress("writing the report"),
    )
    compared, failed = len(agreement.study.cases), len(agreement.study.failed)
    print(f"{compared} cases in {arguments.output / 'index.html'}; {len(contents.attention)} need a reviewer.")
    if failed:
        print(f"{failed} cases could not be compared; the report says why.")
    return 0


def _agreement(project: Project, arguments: argparse.Namespace) -> ProjectAgreement:
    agreement = evaluate(project, arguments)
    return agreement if arguments.cases is None else _only(agreement, arguments.cases)


def _only(agreement: ProjectAgreement, cases: list[str]) -> ProjectAgreement:
    """The same agreement on some of the cases."""
    study = agreement.study
    wanted = set(cases)
    study = StudyAgreement(
        study.protocol,
        tuple(one for one in study.cases if one.case in wanted),
        tuple(one for one in study.failed if one.case in wanted),
    )
    if not study.cases:
        raise InputError("--cases: none of these cases could be compared; name one that two readers have read.")
    summary = summarize(study, agreement.protocol, resamples=agreement.summary.resamples, seed=agreement.summary.seed)
    return replace(
        agreement, study=study, summary=summary, unread=tuple(one for one in agreement.unread if one in wanted)
    )

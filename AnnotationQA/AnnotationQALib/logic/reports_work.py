"""Labels out of reports, for a panel; each step opens the project anew, on any thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.interchange.report_texts import ReportTexts, read_reports
from AnnotationQACore.progress import Progress
from AnnotationQACore.textlabels.labelling import (
    CheckedReports,
    FindingCount,
    ImportedReports,
    check_reports,
    count_findings,
    import_reports,
    label_reports,
)
from AnnotationQACore.textlabels.language import load_language
from AnnotationQACore.textlabels.vocabulary import vocabulary_of
from AnnotationQALib.logic.project_work import ProjectWork

__all__ = ["ReadReports", "ReportsWork"]


@dataclass(frozen=True, slots=True)
class ReadReports:
    """What reports say, without a word of theirs.

    Attributes
    ----------
    reports, mentions : int
    findings : tuple of FindingCount
    problems : tuple of str
        One line for each file that was not read.
    """

    reports: int
    mentions: int
    findings: tuple[FindingCount, ...]
    problems: tuple[str, ...]


class ReportsWork(ProjectWork):
    """Reports of one project, for one lead."""

    def read(self, reports: Path, language: str, progress: Progress) -> ReadReports:
        """Count what the reports say; nothing is recorded."""
        project = self._project(progress)
        spoken = load_language(language)
        vocabulary = vocabulary_of(project.protocol(), spoken)
        texts = read_reports(reports, progress)
        labelled = label_reports(texts.reports, vocabulary, spoken, progress)
        mentions = sum(len(one.mentions) for one in labelled)
        return ReadReports(len(texts.reports), mentions, count_findings(labelled, vocabulary), texts.problems)

    def bring_in(
        self, reports: Path, language: str, reader: str, progress: Progress
    ) -> tuple[ImportedReports, ReportTexts]:
        """Bring the labels into the project as a reader of their own."""
        texts = read_reports(reports, progress)
        return import_reports(self._project(progress), texts.reports, load_language(language), reader, progress), texts

    def check(self, reports: Path, language: str, against: str, progress: Progress) -> CheckedReports:
        """Compare with a reader, or with the reference standard where none is named."""
        texts = read_reports(reports, progress)
        return check_reports(self._project(progress), texts.reports, load_language(language), against, progress)

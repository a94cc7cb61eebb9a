"""Labels of many reports: counted, brought into a project as a reader, or checked against the labels of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as TypingProtocol

from AnnotationQACore.errors import ProjectError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import Role, SubmittedReading
from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.image_labels import Comparison, compare_with_images
from AnnotationQACore.textlabels.labels import ReportLabel, label_report
from AnnotationQACore.textlabels.language import Language
from AnnotationQACore.textlabels.mentions import Mention, find_mentions
from AnnotationQACore.textlabels.report_reading import DEFAULT_READER, report_reading
from AnnotationQACore.textlabels.vocabulary import Vocabulary, vocabulary_of

__all__ = [
    "CheckedFinding",
    "CheckedReports",
    "FindingCount",
    "ImportedReports",
    "LabelledReport",
    "Report",
    "check_reports",
    "count_findings",
    "import_reports",
    "label_reports",
]


class Report(TypingProtocol):
    """The text of a report and the case that it is of."""

    @property
    def case(self) -> str:
        """ID of the case."""

    @property
    def text(self) -> str:
        """All of it."""


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report with what was found in it."""

    report: Report
    mentions: tuple[Mention, ...]
    labels: tuple[ReportLabel, ...]


@dataclass(frozen=True, slots=True)
class FindingCount:
    """In how many reports a finding is said to be there, perhaps there, or not there, or is not mentioned."""

    finding: str
    present: int
    uncertain: int
    absent: int
    not_said: int


@dataclass(frozen=True, slots=True)
class ImportedReports:
    """What `import_reports` did.

    Attributes
    ----------
    readings, answers : int
        That were submitted.
    were_there : int
        Cases that had a reading of this reader before.
    """

    readings: int
    answers: int
    were_there: int


@dataclass(frozen=True, slots=True)
class CheckedFinding:
    """A finding of a case, as the report and as the images have it.

    Attributes
    ----------
    case, finding : str
    report, images : str
        Assertion and presence; empty where nothing is said.
    outcome : str
        ``agrees``, ``differs``, ``only in the images``, or ``said by one only``.
    """

    case: str
    finding: str
    report: str
    images: str
    outcome: str

    @property
    def is_worth_a_look(self) -> bool:
        """Whether report and images do not tell the same."""
        return self.outcome in {"differs", "only in the images"}


@dataclass(frozen=True, slots=True)
class CheckedReports:
    """All findings that could be compared, and the cases that have no reading of the images to compare with."""

    findings: tuple[CheckedFinding, ...]
    without: tuple[str, ...]


def label_reports(
    reports: Sequence[Report], vocabulary: Vocabulary, language: Language, progress: Progress = silent
) -> tuple[LabelledReport, ...]:
    """Find mentions and labels in reports."""
    labelled = []
    for done, report in enumerate(reports):
        progress(done, len(reports), report.case)
        mentions = find_mentions(report.text, vocabulary, language)
        labelled.append(LabelledReport(report, mentions, label_report(mentions, vocabulary)))
    progress(len(reports), len(reports))
    return tuple(labelled)


def count_findings(labelled: Sequence[LabelledReport], vocabulary: Vocabulary) -> tuple[FindingCount, ...]:
    """Count the labels of each finding of the protocol, in its order."""
    counts = Counter((str(label.finding), label.assertion) for one in labelled for label in one.labels)
    found = []
    for finding in map(str, vocabulary.terms):
        present, uncertain, absent = (
            counts[finding, said] for said in (Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT)
        )
        not_said = len(labelled) - present - uncertain - absent
        found.append(FindingCount(finding, present, uncertain, absent, not_said))
    return tuple(found)


def import_reports(
    project: Project,
    reports: Sequence[Report],
    language: Language,
    reader: str = DEFAULT_READER,
    progress: Progress = silent,
) -> ImportedReports:
    """Submit the labels of reports as readings of a reader of their own; no word of a report is kept.

    Parameters
    ----------
    project : Project
        Opened with the identity of a lead.
    reports : sequence of Report
    language : Language
    reader : str
        Is made a member when it is none.
    progress : Progress

    Raises
    ------
    ProjectError
        A report is of no case of the project, or whoever acts may not submit for the reader; nothing is submitted.
    """
    protocol = project.protocol()
    _require_cases(project, reports)
    there = {reading.case for reading in project.state.all_readings() if reading.reader == reader}
    todo = [report for report in reports if report.case not in there]
    readings = [
        report_reading(one.report.case, one.labels, protocol, reader)
        for one in label_reports(todo, vocabulary_of(protocol, language), language, progress)
    ]
    if readings and reader not in project.state.members:
        project.add_member(reader, f"labels out of reports ({language.title})", [Role.READER])
    project.submit_readings(((reading, None) for reading in readings), progress)
    answers = sum(len(reading.answers) for reading in readings)
    return ImportedReports(len(readings), answers, len(reports) - len(todo))


def check_reports(
    project: Project, reports: Sequence[Report], language: Language, against: str = "", progress: Progress = silent
) -> CheckedReports:
    """Compare the labels of reports with those of the images.

    Parameters
    ----------
    project : Project
    reports : sequence of Report
    language : Language
    against : str
        A reader; empty for the reference standard of each case.
    progress : Progress

    Raises
    ------
    ProjectError
        A report is of no case of the project.
    """
    _require_cases(project, reports)
    vocabulary = vocabulary_of(project.protocol(), language)
    found, without = [], []
    for one in label_reports(reports, vocabulary, language, progress):
        case = one.report.case
        submitted = _image_reading(project, case, against)
        if submitted is None:
            without.append(case)
            continue
        for compared in compare_with_images(one.labels, project.load_reading(submitted), vocabulary):
            said = str(compared.report.assertion) if compared.report else ""
            found.append(CheckedFinding(case, str(compared.finding), said, compared.image or "", _outcome(compared)))
    return CheckedReports(tuple(found), tuple(without))


def _require_cases(project: Project, reports: Sequence[Report]) -> None:
    unknown = [report.case for report in reports if report.case not in project.state.cases]
    if unknown:
        raise ProjectError(
            f"case '{unknown[0]}': is not in the project ({len(unknown)} are not); name the reports as its cases."
        )


def _image_reading(project: Project, case: str, reader: str) -> SubmittedReading | None:
    if not reader:
        return reference_standard(project.state, case)
    own = [one for one in project.state.latest_readings(case) if one.reader == reader]
    return own[-1] if own else None


def _outcome(one: Comparison) -> str:
    if one.differs:
        return "differs"
    if one.unmentioned:
        return "only in the images"
    return "agrees" if one.report is not None and one.image is not None else "said by one only"

"""Find in radiology reports what a protocol asks for, and whether it is said to be there."""

import argparse
import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.cli.acting import add_actor, add_project, identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.init import protocol_of
from AnnotationQACore.cli.output import rows_as_text, write_json
from AnnotationQACore.errors import ProjectError
from AnnotationQACore.interchange.report_texts import ReportText, read_reports
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Role
from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.image_labels import Comparison, compare_with_images
from AnnotationQACore.textlabels.labels import ReportLabel, label_report
from AnnotationQACore.textlabels.language import Language, load_language
from AnnotationQACore.textlabels.mentions import Mention, find_mentions
from AnnotationQACore.textlabels.report_reading import DEFAULT_READER, report_reading
from AnnotationQACore.textlabels.vocabulary import Vocabulary, vocabulary_of

__all__ = ["add_arguments", "run"]

_COLUMNS = ("case", "finding", "assertion", "start", "stop", "words", "trigger", "section", "label")
_SOME_PROBLEMS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `textlabels`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    read = actions.add_parser(
        "read",
        help="label reports, and write every label with its place in the text",
        description="Label reports. The outputs quote the reports: keep them where the reports may be.",
    )
    _add_reports(read)
    read.add_argument("--protocol", required=True, metavar="FILE|NAME", help="protocol file, or name of a shipped one")
    read.add_argument("--json", type=Path, metavar="FILE", help="write labels and mentions")
    read.add_argument("--csv", type=Path, metavar="FILE", help="write one row for each mention")
    into = actions.add_parser(
        "import",
        help="bring the labels into a project as a reader of its own",
        description="Submit the labels as readings of a model, signed by the lead: readers may start from them "
        "where the protocol allows it, and agreement is measured with them. No word of a report is kept.",
    )
    add_project(into)
    _add_reports(into)
    into.add_argument("--reader", default=DEFAULT_READER, help=f"name of the reader (default: {DEFAULT_READER})")
    add_actor(into)
    check = actions.add_parser(
        "check",
        help="compare the labels of reports with those of the images",
        description="List where report and image labels differ, and what the images show and the report leaves out.",
    )
    add_project(check)
    _add_reports(check)
    check.add_argument("--against", metavar="READER", help="a reader (default: the reference standard of each case)")
    check.add_argument("--csv", type=Path, metavar="FILE", help="write every finding of every case")


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reports", metavar="REPORTS", type=Path, help=".txt, .csv or DICOM SR, or a folder of them")
    parser.add_argument("--language", default="en", metavar="ID|FILE", help="language of the reports (default: en)")


def run(arguments: argparse.Namespace) -> int:
    """Label, import or check."""
    return {"read": _read, "import": _import, "check": _check}[arguments.action](arguments)


def _read(arguments: argparse.Namespace) -> int:
    protocol = protocol_of(arguments.protocol)
    language = load_language(arguments.language)
    vocabulary = vocabulary_of(protocol, language)
    reports, code = _reports(arguments)
    labelled = _label(reports, vocabulary, language)
    counts: Counter[tuple[str, Assertion]] = Counter()
    for _, _, labels in labelled:
        counts.update((str(label.finding), label.assertion) for label in labels)
    shown = (Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT)
    rows = [["finding", *shown, "not said"]]
    for finding in map(str, vocabulary.terms):
        numbers = [counts[finding, assertion] for assertion in shown]
        rows.append([finding, *map(str, numbers), str(len(reports) - sum(numbers))])
    print(rows_as_text(rows))
    print(f"{len(reports)} reports, {sum(len(mentions) for _, mentions, _ in labelled)} mentions.")
    if arguments.json:
        write_json(arguments.json, _document(labelled, protocol.hash, language))
    if arguments.csv:
        _write_csv(arguments.csv, _COLUMNS, [row for one in labelled for row in _mention_rows(*one)])
    return code


def _import(arguments: argparse.Namespace) -> int:
    project = open_project(arguments, identity_of(arguments))
    protocol = project.protocol()
    language = load_language(arguments.language)
    vocabulary = vocabulary_of(protocol, language)
    reports, code = _reports(arguments)
    unknown = [report.case for report in reports if report.case not in project.state.cases]
    if unknown:
        raise ProjectError(
            f"case '{unknown[0]}': is not in the project ({len(unknown)} are not); name the reports as its cases."
        )
    there = {reading.case for reading in project.state.all_readings() if reading.reader == arguments.reader}
    todo = [report for report in reports if report.case not in there]
    readings = [
        report_reading(report.case, labels, protocol, arguments.reader)
        for report, _, labels in _label(todo, vocabulary, language)
    ]
    if readings and arguments.reader not in project.state.members:
        project.add_member(arguments.reader, f"labels out of reports ({language.title})", [Role.READER])
    project.submit_readings(((reading, None) for reading in readings), ConsoleProgress("submitting"))
    answers = sum(len(reading.answers) for reading in readings)
    print(f"{len(readings)} readings of {arguments.reader} with {answers} answers, {len(there)} were there.")
    project.close()
    return code


def _check(arguments: argparse.Namespace) -> int:
    project = open_project(arguments)
    language = load_language(arguments.language)
    vocabulary = vocabulary_of(project.protocol(), language)
    reports, code = _reports(arguments)
    rows: list[list[str]] = []
    compared: Counter[str] = Counter()
    without = []
    for report, _, labels in _label(reports, vocabulary, language):
        reading = _image_reading(project, report.case, arguments.against)
        if reading is None:
            without.append(report.case)
            continue
        for one in compare_with_images(labels, reading, vocabulary):
            outcome = _outcome(one)
            compared[outcome] += 1
            said = one.report.assertion if one.report else ""
            rows.append([report.case, str(one.finding), said, one.image or "", outcome])
    worth_a_look = [row for row in rows if row[4] in {"differs", "only in the images"}]
    if worth_a_look:
        print(rows_as_text([["case", "finding", "report", "images", "outcome"], *worth_a_look]))
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(compared.items())) or "nothing to compare")
    for case in without:
        print(f"not compared: {case}: has no {'reading of ' + arguments.against if arguments.against else 'reference'}")
    if arguments.csv:
        _write_csv(arguments.csv, ("case", "finding", "report", "images", "outcome"), rows)
    return code


def _outcome(one: Comparison) -> str:
    if one.differs:
        return "differs"
    if one.unmentioned:
        return "only in the images"
    return "agrees" if one.report is not None and one.image is not None else "said by one only"


def _image_reading(project: Project, case: str, reader: str | None) -> Any:
    if case not in project.state.cases:
        raise ProjectError(f"case '{case}': is not in the project; name the reports as its cases.")
    prefix = "adjudicated:"
    found = [
        one
        for one in project.state.latest_readings(case)
        if (one.reader == reader if reader else one.reader.startswith(prefix))
    ]
    return project.load_reading(found[-1]) if found else None


def _reports(arguments: argparse.Namespace) -> tuple[tuple[ReportText, ...], int]:
    texts = read_reports(arguments.reports, ConsoleProgress("reading reports"))
    for problem in texts.problems:
        print(f"not read: {problem}")
    return texts.reports, _SOME_PROBLEMS if texts.problems else 0


Labelled = tuple[ReportText, tuple[Mention, ...], tuple[ReportLabel, ...]]


def _label(reports: Sequence[ReportText], vocabulary: Vocabulary, language: Language) -> list[Labelled]:
    progress = ConsoleProgress("labelling")
    labelled = []
    for done, report in enumerate(reports):
        mentions = find_mentions(report.text, vocabulary, language)
        labelled.append((report, mentions, label_report(mentions, vocabulary)))
        progress(done + 1, len(reports))
    return labelled


def _mention_rows(
    report: ReportText, mentions: Sequence[Mention], labels: Sequence[ReportLabel]
) -> list[Sequence[object]]:
    by_finding = {label.finding: label.assertion for label in labels}
    return [
        (
            report.case,
            str(one.finding),
            one.assertion,
            one.span.start,
            one.span.stop,
            report.text[one.span.start : one.span.stop],
            report.text[one.trigger.start : one.trigger.stop] if one.trigger else "",
            one.section,
            by_finding.get(one.finding, ""),
        )
        for one in mentions
    ]


def _document(labelled: Sequence[Labelled], protocol: str, language: Language) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "language": language.id,
        "reports": [
            {
                "case": report.case,
                "labels": [
                    {
                        "finding": str(label.finding),
                        "assertion": label.assertion,
                        "spans": [[m.span.start, m.span.stop] for m in label.mentions],
                        "implied_by": str(label.implied_by) if label.implied_by else None,
                        "contradicted": label.contradicted,
                    }
                    for label in labels
                ],
                "mentions": [
                    dict(zip(_COLUMNS[1:-1], row[1:-1], strict=True)) for row in _mention_rows(report, mentions, labels)
                ],
            }
            for report, mentions, labels in labelled
        ],
    }


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())

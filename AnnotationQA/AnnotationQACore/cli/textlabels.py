"""Find in radiology reports what a protocol asks for, and whether it is said to be there."""

import argparse
import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.init import protocol_of
from AnnotationQACore.cli.output import require_place, rows_as_text, show, write_json
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.interchange.report_texts import ReportText, read_reports
from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.labelling import (
    LabelledReport,
    check_reports,
    count_findings,
    import_reports,
    label_reports,
)
from AnnotationQACore.textlabels.language import Language, load_language
from AnnotationQACore.textlabels.report_reading import DEFAULT_READER
from AnnotationQACore.textlabels.vocabulary import vocabulary_of

__all__ = ["add_arguments", "run"]

_COLUMNS = ("case", "finding", "assertion", "start", "stop", "words", "trigger", "section", "label")
_CHECKED = ("case", "finding", "report", "images", "outcome")
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
    read.add_argument("--json", type=Path, metavar="FILE", help="write labels and mentions; - for the standard output")
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
    require_place(arguments.json, arguments.reports)
    require_place(arguments.csv, arguments.reports)
    protocol = protocol_of(arguments.protocol)
    language = load_language(arguments.language)
    vocabulary = vocabulary_of(protocol, language)
    reports, code = _reports(arguments)
    labelled = label_reports(reports, vocabulary, language, ConsoleProgress("labelling"))
    rows = [["finding", Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT, "not said"]]
    rows += [
        [one.finding, *map(str, (one.present, one.uncertain, one.absent, one.not_said))]
        for one in count_findings(labelled, vocabulary)
    ]
    counted = f"{len(reports)} reports, {sum(len(one.mentions) for one in labelled)} mentions."
    show(f"{rows_as_text(rows)}\n{counted}", arguments.json)
    if arguments.json:
        write_json(arguments.json, _document(labelled, protocol.hash, language))
    if arguments.csv:
        _write_csv(arguments.csv, _COLUMNS, [row for one in labelled for row in _mention_rows(one)])
    return code


def _import(arguments: argparse.Namespace) -> int:
    project = open_project(arguments, identity_of(arguments))
    language = load_language(arguments.language)
    reports, code = _reports(arguments)
    done = import_reports(project, reports, language, arguments.reader, ConsoleProgress("labelling"))
    print(f"{done.readings} readings of {arguments.reader} with {done.answers} answers, {done.were_there} were there.")
    project.close()
    return code


def _check(arguments: argparse.Namespace) -> int:
    require_place(arguments.csv, arguments.reports)
    project = open_project(arguments)
    reports, code = _reports(arguments)
    language = load_language(arguments.language)
    checked = check_reports(project, reports, language, arguments.against or "", ConsoleProgress("labelling"))
    rows = [[one.case, one.finding, one.report, one.images, one.outcome] for one in checked.findings]
    worth_a_look = [row for row, one in zip(rows, checked.findings, strict=True) if one.is_worth_a_look]
    if worth_a_look:
        print(rows_as_text([_CHECKED, *worth_a_look]))
    compared = Counter(one.outcome for one in checked.findings)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(compared.items())) or "nothing to compare")
    for case in checked.without:
        print(f"not compared: {case}: has no {'reading of ' + arguments.against if arguments.against else 'reference'}")
    if arguments.csv:
        _write_csv(arguments.csv, _CHECKED, rows)
    return code


def _reports(arguments: argparse.Namespace) -> tuple[tuple[ReportText, ...], int]:
    texts = read_reports(arguments.reports, ConsoleProgress("reading reports"))
    for problem in texts.problems:
        say(f"not read: {problem}")
    return texts.reports, _SOME_PROBLEMS if texts.problems else 0


def _mention_rows(labelled: LabelledReport) -> list[Sequence[object]]:
    report = labelled.report
    by_finding = {label.finding: label.assertion for label in labelled.labels}
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
        for one in labelled.mentions
    ]


def _document(labelled: Sequence[LabelledReport], protocol: str, language: Language) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "language": language.id,
        "reports": [
            {
                "case": one.report.case,
                "labels": [
                    {
                        "finding": str(label.finding),
                        "assertion": label.assertion,
                        "spans": [[m.span.start, m.span.stop] for m in label.mentions],
                        "implied_by": str(label.implied_by) if label.implied_by else None,
                        "contradicted": label.contradicted,
                    }
                    for label in one.labels
                ],
                "mentions": [dict(zip(_COLUMNS[1:-1], row[1:-1], strict=True)) for row in _mention_rows(one)],
            }
            for one in labelled
        ],
    }


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    atomic.write_text(path, text.getvalue())

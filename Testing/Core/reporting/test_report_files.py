"""The folder, its tables, and what a second run does."""

import csv
import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from AnnotationQACore import atomic
from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import Cancelled, DestinationError, InputError
from AnnotationQACore.evaluation.project import ProjectAgreement, project_agreement
from AnnotationQACore.project.folder import Project
from AnnotationQACore.reporting.contents import Contents, collect
from AnnotationQACore.reporting.writing import write_report


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def test_figures_round_trip(report: Path, contents: Contents) -> None:
    rows = rows_of(report / "figures.csv")
    expected = [(item.item, one) for item in contents.agreement.summary.items for one in item.figures]
    assert len(rows) == len(expected)
    for row, (item, one) in zip(rows, expected, strict=True):
        assert (row["item"], row["statistic"], int(row["n"]), row["of"]) == (item, one.name, one.n, one.of)
        for name in ("value", "low", "high"):
            value = getattr(one, name)
            assert (row[name] == "") if math.isnan(value) else float(row[name]) == value
    assert sum(row["judged"] == "1" for row in rows) == 10


def test_pairs_round_trip(report: Path, contents: Contents) -> None:
    rows = rows_of(report / "pairs.csv")
    shown = {
        (row["case"], row["item"], row["lesion"], row["reader_a"], row["reader_b"], row["statistic"]): row["value"]
        for row in rows
    }
    assert len(shown) == len(rows)
    infinite = 0
    for case in contents.agreement.study.cases:
        for item in case.items:
            for pair in item.pairs:
                for name, value in pair.figures.items():
                    text = shown[case.case, item.item, "", pair.a, pair.b, name]
                    assert (text == "") if math.isnan(value) else float(text) == value
                    infinite += text == "inf"
    assert infinite > 0  # one reader drew nothing


def test_answers_round_trip(report: Path, contents: Contents) -> None:
    rows = rows_of(report / "answers.csv")
    assert {row["patient"] for row in rows} == {f"patient-{number}" for number in range(4)}
    shown = {(row["case"], row["item"], row["subject"], row["reader"]): row["value"] for row in rows}
    case = contents.agreement.study.cases[2]
    for item in case.items:
        for values in item.values:
            for reader, value in values.values.items():
                text = shown[case.case, item.item, values.subject, reader]
                assert (float(text) if isinstance(value, (int, float)) else text) == value


def test_the_document_lists_all_files_and_holds_no_nan(report: Path) -> None:
    document = json.loads((report / "report.json").read_text(), parse_constant=pytest.fail)
    found = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert set(document["files"]) == found
    assert document["made"] == "2026-04-05T06:07:08+00:00"
    assert {case["case"] for case in document["case states"]} >= {"broken", "one-reader", "case-0"}


def test_the_same_input_gives_the_same_bytes(study: Any, contents: Contents, report: Path, tmp_path: Path) -> None:
    again = collect(study.project, contents_source(study), made=contents.made)
    write_report(tmp_path / "again", study.project, again)
    for path in report.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(report)).read_bytes(), path.name


def contents_source(study: Any) -> ProjectAgreement:
    return project_agreement(study.project, resamples=200, seed=3)


def test_names_are_shown_when_asked_for(study: Any, contents: Contents) -> None:
    named = collect(study.project, contents_source(study), made=contents.made, show_names=True)
    assert contents.names_hidden
    assert not named.names_hidden
    assert named.readers == ("anna", "ben", "cara")
    assert contents.readers == ("Reader A", "Reader B", "Reader C")
    assert named.agreement.summary.items[0].figures == contents.agreement.summary.items[0].figures


def test_a_time_without_zone_is_refused(study: Any, contents: Contents) -> None:
    with pytest.raises(InputError, match="no time zone"):
        collect(study.project, contents_source(study), made=contents.made.replace(tzinfo=None))


def test_a_second_report_replaces_the_first(study: Any, contents: Contents, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_report(folder, study.project, contents, pictures=False)
    assert "<path" not in (folder / "cases" / "case-1.html").read_text()
    (folder / "cases" / "mine.html").write_text("notes")
    cases = contents.agreement.study.cases
    fewer = replace(contents.agreement, study=replace(contents.agreement.study, cases=cases[:3]))
    write_report(folder, study.project, replace(contents, agreement=fewer), pictures=False)
    left = sorted(path.name for path in (folder / "cases").iterdir())
    assert left == ["case-0.html", "case-1.html", "case-2.html", "mine.html"]


@pytest.mark.parametrize("content", ['{"format": "something else"}', "{", "[]"])
def test_a_folder_with_other_things_is_refused(study: Any, contents: Contents, tmp_path: Path, content: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(DestinationError, match="holds no report"):
        write_report(tmp_path, study.project, contents)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_file_is_refused(study: Any, contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DestinationError, match="is a file"):
        write_report(tmp_path / "out", study.project, contents)


def test_cancelled_work_leaves_a_folder_that_is_taken_up_again(study: Any, contents: Contents, tmp_path: Path) -> None:
    def stop(done: int, total: int, message: str = "") -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_report(tmp_path / "out", study.project, contents, progress=stop)
    assert not (tmp_path / "out" / "index.html").exists()
    assert not list((tmp_path / "out").rglob(".tmp-*"))
    write_report(tmp_path / "out", study.project, contents)
    assert (tmp_path / "out" / "index.html").exists()


def test_a_report_that_could_not_be_begun_leaves_a_folder_that_is_taken_up_again(
    study: Any, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, text: str) -> None:
        raise DestinationError(f"{path}: cannot be written (No space left on device).")

    with monkeypatch.context() as full:
        full.setattr(atomic, "write_text", fail)
        with pytest.raises(DestinationError, match="No space left"):
            write_report(tmp_path / "out", study.project, contents)
    write_report(tmp_path / "out", study.project, contents, pictures=False)
    assert (tmp_path / "out" / "index.html").exists()


def test_a_reading_that_was_lost_since_is_named(study: Any, contents: Contents, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study.folder, copy)
    project = Project.open(copy)
    moved = collect(project, contents_source(study), made=contents.made)
    next((copy / "readings" / "case-2" / "ben").glob("*.seg.nrrd")).unlink()
    write_report(tmp_path / "out", project, moved)
    for name in ("index.html", "cases/case-2.html"):
        text = (tmp_path / "out" / name).read_text()
        assert "readings/case-2/Reader B/round-1" in text
        assert str(tmp_path) not in text
    assert "No image: outlines only" not in (tmp_path / "out" / "cases" / "case-2.html").read_text()
    assert "No image: outlines only" in (tmp_path / "out" / "cases" / "case-1.html").read_text()


def test_agreement_of_a_project_says_beside_the_table_what_a_figure_leaves_out(
    study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agreement", str(study.folder), "--resamples", "50", "--json", str(tmp_path / "all.json")]) == 0
    shown = capsys.readouterr().out
    items = json.loads((tmp_path / "all.json").read_text())["summary"]["items"]
    judged = [(item["title"], one) for item in items for one in item["figures"] if one["name"] == item["judged_by"]]
    notes = [f"note: {title}: {one['note']}" for title, one in judged if one["note"]]
    assert notes
    assert [line for line in shown.splitlines() if line.startswith("note: ")] == notes
    assert any("all resamples give this value" in note for note in notes)
    assert shown.splitlines()[-1] == "read by fewer than two readers: 1 case"


@pytest.mark.parametrize("case", ["case-1", "case-6"])
def test_a_report_on_one_case_in_which_an_answer_is_the_only_one(study: Any, tmp_path: Path, case: str) -> None:
    assert main(["report", str(study.folder), "-o", str(tmp_path / "one"), "--resamples", "20", "--cases", case]) == 0
    document = json.loads((tmp_path / "one" / "report.json").read_text())
    figures = [one for item in document["summary"]["items"] for one in item["figures"]]
    assert figures
    assert {one["low"] for one in figures} == {None}  # one patient tells nothing of others
    assert (tmp_path / "one" / "cases" / f"{case}.html").is_file()

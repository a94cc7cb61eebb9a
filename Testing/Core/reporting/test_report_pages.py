"""The pages as a browser and a program see them."""

import functools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from AnnotationQACore.evaluation import figure_names
from AnnotationQACore.evaluation.figure_names import FigureName
from AnnotationQACore.reporting.analysis_records import Estimate, ReaderEstimate, ReaderFigures
from AnnotationQACore.reporting.case_page import case_page
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.definitions import DEFINITIONS
from AnnotationQACore.reporting.html import _VOID
from AnnotationQACore.reporting.numbers import interval, number
from AnnotationQACore.reporting.project_page import project_page


class Page(HTMLParser):
    """Elements, links and text of a page; notes whatever is not well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td") and self.rows:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        if self.rows and ({"th", "td"} & set(self.open)):
            self.rows[-1][-1] += data


@functools.cache
def page_of(path: Path) -> Page:
    return Page(path.read_text())


def pages(report: Path) -> list[Path]:
    return [report / "index.html", *sorted((report / "cases").iterdir())]


def test_every_page_is_well_formed_and_without_script(report: Path) -> None:
    assert len(pages(report)) == 9
    for path in pages(report):
        page = page_of(path)
        assert not page.problems, path
        assert not page.open, path
        assert not {"script", "iframe", "link", "img", "object"} & set(page.tags), path
        assert not [name for name, _ in page.attributes if name.startswith("on")], path
        assert len(page.ids) == len(set(page.ids)), path


def test_nothing_comes_from_elsewhere(report: Path) -> None:
    for path in pages(report):
        text = path.read_text()
        page = page_of(path)
        for name, value in page.attributes:
            if name in ("href", "src", "data", "action"):
                target = (path.parent / value.split("#")[0]) if not value.startswith("#") else path
                assert target.is_file(), f"{path}: {value}"
                if "#" in value:
                    assert value.partition("#")[2] in page_of(target).ids, f"{path}: {value}"
        style = text[text.index("<style>") : text.index("</style>")]
        assert "url(" not in style
        assert "@import" not in style


def test_every_drawing_is_xml_with_a_title(report: Path) -> None:
    drawings = 0
    for path in pages(report):
        for found in re.findall(r"<svg.*?</svg>", path.read_text(), re.DOTALL):
            root = ElementTree.fromstring(found)
            hidden = root.get("aria-hidden") == "true"
            assert hidden or root.find("{http://www.w3.org/2000/svg}title").text  # type: ignore[union-attr]
            numbers = re.findall(r'"(-?nan|-?inf)"', found)
            assert not numbers, path
            drawings += 1
    assert drawings > 50


def test_what_users_wrote_is_text(report: Path) -> None:
    index = (report / "index.html").read_text()
    assert "<script" not in index
    page = page_of(report / "index.html")
    text = "".join(page.words)
    assert "Effusion <script>alert('x')</script> & \"quoted\" </style>" in text
    assert "Credit <script>" in text
    assert "cara <script>" in "".join(page_of(report / "cases" / "case-1.html").words)


def test_every_item_has_its_section(report: Path, contents: Contents) -> None:
    page = page_of(report / "index.html")
    for item in contents.protocol.items:
        assert f"item-{item.id}" in page.ids
    assert "No case has answers of two readers to this item." in "".join(page.words)  # the free text
    order = [name for name in page.ids if not name.startswith(("item-", "group-"))]
    assert order == ["summary", "attention", "readers", "time", "paper", "definitions", "ledger"]


def test_numbers_are_those_of_the_document(report: Path) -> None:
    document = json.loads((report / "report.json").read_text())
    rows = page_of(report / "index.html").rows
    shown = {tuple(row[:4]) for row in rows if len(row) == 8}
    checked = 0
    for item in document["summary"]["items"]:
        for one in item["figures"]:
            value, low, high = (float("nan") if one[name] is None else one[name] for name in ("value", "low", "high"))
            assert (one["title"], number(value), interval(low, high), str(one["n"])) in shown, one
            checked += 1
    assert checked > 60


def test_verdicts_are_words(report: Path) -> None:
    document = json.loads((report / "report.json").read_text())
    rows = [
        row for row in page_of(report / "index.html").rows if len(row) == 9 and row[4][:1] in "≥≤" and row[2] != "–"
    ]
    titles = {item["title"]: item for item in document["summary"]["items"]}
    assert len(rows) == len([item for item in titles.values() if item["reached"] is not None])
    for row in rows:
        word = "✓ reached" if titles[row[0]]["reached"] else "✗ missed"
        assert row[5].startswith(word)
        counts = [titles[row[0]][name] for name in ("agreed_cases", "review_cases")]
        assert row[7:] == ([str(count) for count in counts] if any(counts) else ["–", "–"])


def test_what_an_interval_does_not_show_is_said_beside_it(report: Path) -> None:
    document = json.loads((report / "report.json").read_text())
    results = {row[0]: row[5] for row in page_of(report / "index.html").rows if len(row) == 9}
    said = {"CI without width: all resamples alike": 0, "CI includes the threshold": 0}
    for item in document["summary"]["items"]:
        judged = next((one for one in item["figures"] if one["name"] == item["judged_by"]), None)
        if judged is None or judged["low"] is None:
            continue
        alike = judged["low"] == judged["high"]
        inside = judged["low"] <= item["threshold"] <= judged["high"]
        for words, holds in zip(said, (alike, inside), strict=True):
            assert (words in results[item["title"]]) == holds
            said[words] += holds
    assert all(said.values())


def test_readers_are_codes_everywhere(report: Path) -> None:
    for path in report.rglob("*"):
        if path.is_file():
            text = re.sub(r"(anna|ben|cara) (<|&lt;|\\u003c)script", "", path.read_text())
            assert not re.search(r"\b(anna|ben|cara)\b", text), path


@pytest.mark.parametrize("name", ["index.html", "cases/case-1.html"])
def test_tables_have_heads(report: Path, name: str) -> None:
    for found in re.findall(r"<table.*?</table>", (report / name).read_text(), re.DOTALL):
        head, _, body = found.partition("<tbody>")
        columns = head.count("<th ")
        assert columns > 0
        assert head.count('scope="col"') == columns
        for row in body.split("<tr")[1:]:
            assert row.count('<th scope="row"') == 1
            assert row.count("<td") == columns - 1


def test_pictures_say_that_there_is_no_image(report: Path) -> None:
    text = (report / "cases" / "case-1.html").read_text()
    assert "No image: outlines only." in text
    assert "outlines of 3 readers, no image" in text
    assert "10 mm</text>" in text  # the scale bar of the lung, 31 mm wide with its margins
    assert "Slice at S 10" in text


def test_a_judged_item_without_its_statistic_is_not_called_judged_by_another(report: Path) -> None:
    document = json.loads((report / "report.json").read_text())
    computed = {item["title"]: {one["title"] for one in item["figures"]} for item in document["summary"]["items"]}
    rows = [row for row in page_of(report / "index.html").rows if len(row) == 9 and row[0] in computed]
    assert len(rows) == 10
    for row in rows:
        assert (row[2] == "–") == row[5].startswith("not computed")
        assert row[2] == "–" or row[1] in computed[row[0]]


def test_few_patients_are_said(report: Path) -> None:
    assert "Intervals rest on 4 patients" in (report / "index.html").read_text()


def test_the_paper_names_what_grras_asks_for(report: Path) -> None:
    document = json.loads((report / "report.json").read_text())
    text = " ".join(paragraph["text"] for paragraph in document["text for a paper"])
    for words in ("3 readers read 8 cases of 4 patients", "200 resamples of patients (seed 3)", "AnnotationQA 0.",
                  "1 case could not be compared", "1 case with fewer than two readings", "Krippendorff's alpha",
                  document["protocol"]["hash"]):  # fmt: skip
        assert words in text
    for head in document["ledger"]["heads"]:
        assert head["hash"] in text


def test_decided_cases_do_not_wait(contents: Contents) -> None:
    def line(of: Contents) -> str:
        return re.search(r"Which cases need a decision\? </b>([^;]*);", project_page(of, {}, {}))[1]  # type: ignore[index]

    assert line(contents) == "7 of 8 compared cases on at least one item"
    states = tuple(replace(one, status="decided") if one.case == "case-6" else one for one in contents.cases)
    assert line(replace(contents, cases=states)) == "6 of 8 compared cases on at least one item (1 decided already)"


def test_case_pages_mark_where_readers_differ(report: Path) -> None:
    text = (report / "cases" / "case-6.html").read_text()
    section = text[text.index('id="item-nodule"') : text.index('id="item-malignancy"')]
    (row,) = re.findall(r'<tr class="differs">(.*?)</tr>', section)
    assert "lesion 1" in row
    assert row.count("not drawn") == 1
    malignancy = text[text.index('id="item-malignancy"') : text.index('id="item-fracture"')]
    assert "not answered" in malignancy  # who did not draw it was not asked


def test_figures_of_pairs_are_called_as_everywhere_else(contents: Contents, monkeypatch: pytest.MonkeyPatch) -> None:
    case = contents.agreement.study.cases[0]
    names = {name for one in case.items for pair in one.pairs for name in pair.figures}
    assert {"dice", "volume_difference_mm3", "boundary_shift_mm", "max_distance_mm", "disputed"} <= names
    renamed = {name: FigureName(f"Renamed {place}", "") for place, name in enumerate(sorted(names))}
    monkeypatch.setattr(figure_names, "FIGURES", renamed)
    heads = {cell for row in Page(case_page(contents, case, contents.cases[0], None, {})).rows for cell in row}
    assert {one.title for one in renamed.values()} <= heads


def test_a_definition_has_the_name_of_its_figure() -> None:
    for name in DEFINITIONS.keys() & figure_names.FIGURES.keys():
        assert DEFINITIONS[name].title == figure_names.figure_name(name).title.removesuffix(", mm")


@pytest.mark.parametrize(("high", "named"), [(0.3, True), (0.55, False)])
def test_who_agrees_less_with_the_others_is_named(contents: Contents, high: float, named: bool) -> None:
    readers = tuple(
        ReaderEstimate(reader, Estimate(value, value - 0.1, end, 8))
        for reader, value, end in (("Reader A", 0.6, 0.7), ("Reader B", 0.2, high), ("Reader C", 0.7, 0.8))
    )
    figures = ReaderFigures("agreement with the others", "Cohen's kappa, mean with the others", "cases", readers)
    analyses = {**contents.analyses, "signs": replace(contents.analyses["signs"], readers=(figures,))}
    page = project_page(replace(contents, analyses=analyses), {}, {})
    assert ("Reader B: Signs agrees less with the others" in page) is named

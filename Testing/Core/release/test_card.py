"""The card says what the project knows, alike in HTML, Markdown and Croissant."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from AnnotationQACore.project.state import Action
from AnnotationQACore.release.card import composition_section
from AnnotationQACore.release.card.blocks import Bars, DatasetCard, Section, Table
from AnnotationQACore.release.card.html_page import card_html
from AnnotationQACore.release.card.markdown import card_markdown
from AnnotationQACore.release.card.sections import dataset_card
from AnnotationQACore.release.card.sources import card_sources
from AnnotationQACore.release.composition import count_by, imbalance, spread
from AnnotationQACore.release.exporting import ReleaseCase
from AnnotationQACore.release.making import make_release
from AnnotationQACore.release.request import gather
from AnnotationQACore.release.selection import CaseFacts


def card_of(study: Any, **changes: Any) -> DatasetCard:
    project, request = study.as_("lead"), study.request(**changes)
    made = study.clock()
    return dataset_card(card_sources(project, request, gather(project, request), made, resamples=200))


def tables(card: DatasetCard, section: str) -> dict[str, Table]:
    (found,) = [one for one in card.sections if one.id == section]
    return {block.caption: block for block in found.blocks if isinstance(block, Table)}


def test_it_answers_everything_that_is_asked_of_a_card(ready_study: Any) -> None:
    text = card_markdown(card_of(ready_study))
    protocol = ready_study.as_("lead").protocol()
    for wanted in (
        "Find nodules.", protocol.hash, "version 1.0.0", "reader1", "Ten cases with feedback.", "CT", "7 cases of 6",
        "Dice coefficient", "0.955 to 0.955", "one reading accepted by a reviewer", "Phantoms are not people.",
        "research-shifted-dates", "CC-BY-4.0", "No approval is needed", "This is the first release",
    ):  # fmt: skip
        assert wanted in text.replace("\\", ""), wanted


def test_html_and_markdown_say_the_same(ready_study: Any) -> None:
    card = card_of(ready_study)
    page, text = card_html(card), card_markdown(card)
    shown = _Text.of(page)
    said = re.sub(r"[\\*|#]", "", text)
    for section in card.sections:
        assert section.title in shown
        assert section.title in said
        for block in section.blocks:
            rows = block.rows if isinstance(block, Table | Bars) else ()
            for row in rows:
                assert all(str(cell) in shown for cell in row if isinstance(cell, str))
                assert all(" ".join(cell.split()) in said for cell in row if isinstance(cell, str))


def test_the_page_needs_nothing_from_elsewhere_and_cannot_be_broken(ready_study: Any) -> None:
    sheet = replace(ready_study.request().sheet, title="<script>alert(1)</script>", summary="a | b `c` *d* <i>")
    card = card_of(ready_study, sheet=sheet)
    page = card_html(card)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert r"a \| b \`c\` \*d\* \<i\>" in card_markdown(card)


def test_counts_add_up(ready_study: Any) -> None:
    card = card_of(ready_study)
    split = tables(card, "split")["Parts of the split 'main'"]
    assert split.rows == (
        ("train", "60 %", "4", "3"),
        ("validation", "10 %", "1", "1"),
        ("test", "30 %", "2", "2"),
    )
    findings = tables(card, "coverage")["Cases by finding of the reference standard"]
    nodules = {row[0]: row[1:] for row in findings.rows if row[0].startswith("Nodule")}
    assert nodules == {"Nodule: absent": ("4", "4", "2", "1", "1"), "Nodule: present": ("3", "3", "2", "0", "1")}
    items = {row[0]: row[1:] for row in tables(card, "coverage")["Cases by item"].rows}
    assert items["Nodule"] == ("7", "4", "0", "0", "0")
    assert items["Comment"] == ("0", "0", "0", "0", "7")


def test_volumes_are_those_of_the_reference_standard(ready_study: Any) -> None:
    sizes = {row[0]: row for row in tables(card_of(ready_study), "composition")["Sizes of images and labels"].rows}
    voxel = 2.5 * 0.8 * 0.7 / 1000
    assert float(sizes["Lung, each segment"][4]) == pytest.approx(1320 * voxel, abs=0.05)


def test_how_disagreement_was_resolved_is_counted(ready_study: Any) -> None:
    rita = ready_study.as_("rita")
    rita.decide(
        "case-2",
        Action.ADJUDICATE,
        ["case-2/ben/round-1/revision-1"],
        comments=[{"text": "no nodule", "item": "nodule", "reader": "anna", "opinion": "minority"}],
    )
    card = card_of(ready_study)
    ways = dict(tables(card, "disagreement")["How the reference standard came about"].rows)
    assert ways == {"one reading accepted by a reviewer": "6", "decided anew by an adjudicator": "1"}
    assert "1 minority opinion " in card_markdown(card)


def test_changes_since_the_last_release(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    make_release(ready_study.as_("lead"), ready_study.request(), tmp_path / "one", exporters, screen, resamples=20)
    rita = ready_study.as_("rita")
    rita.decide("case-2", Action.ACCEPT, ["case-2/ben/round-1/revision-1"])
    ready_study.as_("lead").exclude_case("case-7", "motion artefact")
    card = card_of(ready_study, name="release-2")
    (section,) = [one for one in card.sections if one.id == "changes"]
    (facts,) = [block for block in section.blocks if hasattr(block, "pairs")]
    assert dict(facts.pairs) | {"Last release": ""} == {
        "Last release": "",
        "Cases added": "0",
        "Cases removed": "1",
        "Cases with another reference standard": "1",
        "Cases unchanged": "5",
    }
    assert "motion artefact" in card_markdown(card)
    excluded = tables(card, "collection")["Cases of the project that are not in the release"].rows
    assert excluded == (("excluded: motion artefact", "1"),)


def test_without_second_readers_it_says_that_nothing_is_known(ready_study: Any) -> None:
    project, request = ready_study.as_("lead"), ready_study.request()
    sources = card_sources(project, request, gather(project, request), ready_study.clock(), resamples=20)
    text = card_markdown(dataset_card(replace(sources, agreement=None)))
    assert "nothing is known of their agreement" in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, on which mlcroissant stands
def test_the_croissant_metadata_is_what_mlcroissant_validates(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    make_release(ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen, resamples=20)
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "out" / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    records = list(dataset.records("cases"))
    assert len(records) == 7
    assert {record["cases/split"] for record in records} == {b"train", b"validation", b"test"}


def test_the_croissant_metadata_holds_the_hashes_and_the_terms(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path
) -> None:
    made = make_release(
        ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen, resamples=20
    )
    document = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert document["license"] == "https://creativecommons.org/licenses/by/4.0/"
    objects = {one["@id"]: one for one in document["distribution"] if one["@type"] == "cr:FileObject"}
    assert {name: one["sha256"] for name, one in objects.items()} == {
        name: sha256
        for name, (_, sha256) in made.manifest.files.items()
        if not name.startswith("data/") and name != "croissant.json"
    }
    (files,) = [one for one in document["distribution"] if one["@type"] == "cr:FileSet"]
    assert files["includes"] == "data/labels/**/*.txt"
    (cases,) = [one for one in document["recordSet"] if one["@id"] == "cases"]
    with (tmp_path / "out" / "cases.csv").open() as file:
        assert [field["name"] for field in cases["field"]] == next(csv.reader(file))


def test_imbalance_and_spread() -> None:
    cases = [ReleaseCase(f"c{n}", f"p{n // 2}", sex="F" if n < 6 else "M") for n in range(8)]
    counts = count_by(cases, {}, lambda case: frozenset([case.sex]))
    assert [(one.value, one.cases, one.patients) for one in counts] == [("F", 6, 3), ("M", 2, 1)]
    assert imbalance(counts) == 3.0
    found = spread("age", "years", [1.0, 2.0, 3.0, None, float("nan")])
    assert (found.n, found.missing, found.least, found.median, found.greatest) == (3, 2, 1.0, 2.0, 3.0)


def test_a_section_that_says_nothing_is_left_out(ready_study: Any) -> None:
    sheet = replace(ready_study.request().sheet, limitations=())
    card = card_of(ready_study, sheet=sheet)
    assert "limits" not in {section.id for section in card.sections}
    assert all(isinstance(section, Section) for section in card.sections)


def test_a_draft_does_not_claim_that_somebody_looked(study: Any) -> None:
    text = card_markdown(card_of(study))
    assert "looked at 0 of 3 texts that stayed in headers, and at thumbnails of 0 of 7 images" in text


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @classmethod
    def of(cls, page: str) -> str:
        parser = cls()
        parser.feed(page)
        return " ".join(parser.parts)


def test_no_single_age_is_told(ready_study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven ages are those of single people; of many the quartiles are told, and never the least and the greatest."""
    ages = {case: CaseFacts(age_years=61.5 + 4 * n) for n, case in enumerate(ready_study.as_("lead").state.cases)}
    card = card_of(ready_study, facts=ages)
    assert "age" not in {row[0] for row in tables(card, "composition")["Sizes of images and labels"].rows}
    assert not re.search(r"61\.5|85\.5", card_html(card))
    monkeypatch.setattr(composition_section, "_FEWEST_AGES", 7)
    card = card_of(ready_study, facts=ages)
    (row,) = [row for row in tables(card, "composition")["Sizes of images and labels"].rows if row[0] == "age"]
    assert "73.5" in row[5]
    assert not re.search(r"61\.5|85\.5", card_html(card))

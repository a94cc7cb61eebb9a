"""Which cases and readings are released, and why others are not."""

import json
from pathlib import Path

import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.release.exporting import ReadingKind
from AnnotationQACore.release.filters import AgreementFilter, Filters, FindingFilter
from AnnotationQACore.release.selection import CaseFacts, Selected, Selection, select_cases


def chosen(project: Project, **filters: object) -> dict[str, str]:
    """Reason for which each case is left out; empty for those that are released."""
    found: Selected = select_cases(project, Selection(filters=Filters(**filters)))  # type: ignore[arg-type]
    return {case.id: "" for case in found.cases} | {one.case: one.reason for one in found.left_out}


def test_readings_by_kind(project: Project) -> None:
    selected = select_cases(project, Selection(readings=("reference", "readers", "probability")))
    assert not selected.problems
    assert not selected.left_out
    first = selected.cases[0]
    assert [(one.name, one.kind) for one in first.readings] == [
        ("reference", ReadingKind.REFERENCE),
        ("reader1", ReadingKind.READER),
        ("reader2", ReadingKind.READER),
        ("probability", ReadingKind.PROBABILITY),
    ]
    assert first.reading("reference").id == "case-1/anna/round-1/revision-1"
    assert (first.reading("probability").voters, len(first.reading("probability").sources)) == (2, 2)
    assert first.image("ct").facts.modality == "CT"  # type: ignore[union-attr]
    assert first.image("ct").facts.shape == (6, 24, 20)  # type: ignore[union-attr]
    third = reference_standard(project.state, "case-3")
    assert third is not None
    assert third.reader == "ben"


def test_names_of_readers_are_coded_unless_asked_for(project: Project) -> None:
    named = select_cases(project, Selection(readings=("readers",), coded_readers=False)).cases[0]
    assert [one.name for one in named.readings] == ["anna", "ben"]
    one = select_cases(project, Selection(readings=("ben",))).cases[0]
    assert [reading.name for reading in one.readings] == ["reader2"]


def test_every_filter_says_why(project: Project) -> None:
    assert chosen(project) == {"case-1": "", "case-2": "", "case-3": ""}
    assert chosen(project, cases=("case-1",))["case-2"] == "is not among the cases asked for"
    assert set(chosen(project, modalities=("MR",)).values()) == {"modality CT"}
    assert set(chosen(project, phases=("venous",)).values()) == {"phase unknown"}
    assert set(chosen(project, max_slice_thickness_mm=2.0).values()) == {"slice thickness 2.5 mm, above 2 mm"}
    assert set(chosen(project, max_slice_thickness_mm=2.5).values()) == {""}
    assert set(chosen(project, min_age=18).values()) == {"age unknown"}
    assert set(chosen(project, sexes=("F",)).values()) == {"sex unknown"}
    assert chosen(project, without_flags=("poor quality",)) == {
        "case-1": "", "case-2": "", "case-3": "is flagged 'poor quality'",
    }  # fmt: skip
    assert chosen(project, findings=(FindingFilter(item="effusion"),)) == {
        "case-1": "", "case-2": "'effusion' is not present", "case-3": "'effusion' is not present",
    }  # fmt: skip
    assert set(chosen(project, findings=(FindingFilter(item="signs", answers=("b",)),)).values()) == {""}


def test_filters_by_agreement(project: Project) -> None:
    # Ben rates case-3 higher, and draws a column more everywhere: Dice = 2 * 13 / (13 + 14) but for the lesions
    assert chosen(project, agreement=(AgreementFilter(item="quality"),)) == {
        "case-1": "", "case-2": "", "case-3": "the readers do not agree on 'quality'",
    }  # fmt: skip
    assert chosen(project, agreement=(AgreementFilter(item="organ", limit=0.96),))["case-1"] == ""
    assert (
        chosen(project, agreement=(AgreementFilter(item="organ", limit=0.97),))["case-1"] == "dice of 'organ' is 0.963"
    )


def test_facts_from_elsewhere_win(project: Project) -> None:
    facts = {"case-1": CaseFacts(site="north", scanner="A", sex="F", age_years=40.0)}
    selected = select_cases(project, Selection(filters=Filters(sexes=("F",), min_age=40, max_age=40)), facts=facts)
    assert [(case.id, case.site, case.scanner, case.age_years) for case in selected.cases] == [
        ("case-1", "north", "A", 40)
    ]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(readings=("zoe",)), r"selection: readings\[0\]: 'zoe' has no reading"),
        (Selection(filters=Filters(cases=("case-9",))), r"filters: cases\[0\]: 'case-9' is no case"),
        (Selection(filters=Filters(findings=(FindingFilter(item="x"),))), r"filters: findings\[0\].item: .* 'x'"),
        (
            Selection(filters=Filters(findings=(FindingFilter(item="quality", answers=("7",)),))),
            r"filters: findings\[0\].answers: '7' is no answer to 'quality'; use 1, 2, 3, not_assessable",
        ),
        (
            Selection(filters=Filters(agreement=(AgreementFilter(item="effusion"),))),
            r"filters: agreement\[0\].item: the protocol does not judge agreement on 'effusion'",
        ),
        (
            Selection(filters=Filters(agreement=(AgreementFilter(item="quality", limit=0.5),))),
            "is a statistic of many cases; leave limit out",
        ),
    ],
)
def test_what_the_project_does_not_have_is_named(project: Project, selection: Selection, message: str) -> None:
    with pytest.raises(InputError, match=message):
        select_cases(project, selection)


def test_an_empty_selection_of_readings_is_refused() -> None:
    with pytest.raises(InputError, match="readings: is empty"):
        Selection(readings=())


def test_a_case_without_reference_standard_is_a_problem_not_a_silence(project: Project, monkeypatch) -> None:
    decisions = {case: found for case, found in project.state.decisions.items() if case != "case-2"}
    monkeypatch.setattr(type(project.state), "decisions", decisions, raising=False)
    selected = select_cases(project, Selection())
    assert selected.problems == (
        "case case-2: no reference standard; accept or adjudicate it, or exclude it with a reason.",
    )
    assert [case.id for case in selected.cases] == ["case-1", "case-2", "case-3"]


def test_a_changed_reading_is_refused(project: Project, tmp_path: Path) -> None:
    submitted = reference_standard(project.state, "case-1")
    assert submitted is not None
    path = project.folder / submitted.files[0].path
    content = path.read_bytes()
    try:
        path.write_text(json.dumps({}))
        with pytest.raises(InputError, match="was changed after it was submitted"):
            select_cases(project, Selection())
    finally:
        path.write_bytes(content)

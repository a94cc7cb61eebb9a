"""Living datasets: readings to be redone, models over time, what is read next, and hidden re-reads."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.project.answers import Presence
from AnnotationQACore.project.fields import parse_time
from AnnotationQACore.project.state import Action, CaseStatus, TaskStatus
from AnnotationQACore.release.rounds import model_performance as module
from AnnotationQACore.release.rounds.item_disagreement import compare_readings, item_disagreement
from AnnotationQACore.release.rounds.model_performance import model_performance
from AnnotationQACore.release.rounds.ranking import rank_cases
from AnnotationQACore.release.rounds.redo import readings_to_redo, send_back_for_redo
from AnnotationQACore.release.rounds.rereads import plan_rereads, quarter_starts

CASES = [f"case-{number}" for number in range(1, 8)]


def redefined(document: dict[str, Any]) -> None:
    document["version"] = "2.0.0"
    document["items"][1]["definition"] = "Three or more."


def reworded(document: dict[str, Any]) -> None:
    document["version"] = "1.0.1"
    document["items"][1]["hint"] = "Press N."


def extended(document: dict[str, Any]) -> None:
    document["version"] = "1.1.0"
    document["items"].append(
        {"kind": "text", "id": "remark", "title": "Remark", "definition": "More.", "required": False}
    )


def test_under_the_same_protocol_nothing_is_redone(study: Any) -> None:
    assert readings_to_redo(study.as_("lead")) == ()


@pytest.mark.parametrize("change", [reworded, extended])
def test_looks_and_optional_items_ask_for_nothing_again(study: Any, change: Any) -> None:
    study.adopt(change)
    assert readings_to_redo(study.as_("lead")) == ()


def test_another_meaning_lists_every_reading_and_the_items(study: Any) -> None:
    study.adopt(redefined)
    found = readings_to_redo(study.as_("lead"))
    assert [(one.case, one.reader) for one in found] == [(case, reader) for case in CASES for reader in ("anna", "ben")]
    assert {tuple(one.items.items()) for one in found} == {(("nodule", "its meaning changed (definition)"),)}
    assert {one.version for one in found} == {"1.0.0"}


def test_sent_back_they_are_on_the_worklists_with_what_to_do(study: Any) -> None:
    study.adopt(redefined)
    study.as_("lead").exclude_case("case-7", "motion")
    reviewer = study.as_("rita")
    assert send_back_for_redo(reviewer, readings_to_redo(reviewer)) == 6
    state = study.as_("lead").state
    assert all(state.case_status(case) is CaseStatus.SENT_BACK for case in CASES[:6])
    work = study.as_("anna").worklist("anna")
    assert [item.status for item in work] == [TaskStatus.SENT_BACK] * 6
    assert [comment["text"] for comment in work[0].comments] == ["Protocol 2.0.0: its meaning changed (definition)."]
    study.read("case-1", "anna", revision=2)
    left = {(one.case, one.reader) for one in readings_to_redo(study.as_("lead"))}
    assert ("case-1", "anna") not in left
    assert ("case-1", "ben") in left


def test_a_reader_cannot_send_back(study: Any) -> None:
    study.adopt(redefined)
    project = study.as_("anna")
    with pytest.raises(ProjectError, match="not for reader"):
        send_back_for_redo(project, readings_to_redo(project))


def test_a_model_is_scored_against_the_reference_standard(study: Any) -> None:
    for case in CASES[:6]:
        study.read(case, "model:net", shift=2, quality=min(3, 2 + int(case[-1]) % 3), nodule=Presence.PRESENT)
    result = model_performance(study.as_("lead"), "model:net", resamples=200)
    assert result.n_cases == 6
    by_item = {item.item: item for item in result.items}
    assert by_item["lung"].mean == pytest.approx(20 / 22)  # 2 of 22 rows off on either side
    assert by_item["nodule"].mean == pytest.approx(2 / 6)
    assert by_item["nodule"].low < 2 / 6 < by_item["nodule"].high
    assert by_item["quality"].measure == "model minus reference"
    assert by_item["quality"].mean == pytest.approx(4 / 6)
    assert [quarter.name for quarter in by_item["lung"].quarters] == ["2026 Q2"]
    assert by_item["lung"].history is None


def test_a_model_that_gets_worse_gives_a_signal(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST", 6)
    study.clock.step = timedelta(days=10)
    for number, case in enumerate(CASES):
        study.read(case, "model:net", shift=(number % 2) if number < 3 else 7)
    item = next(one for one in model_performance(study.as_("lead"), "model:net").items if one.item == "lung")
    assert item.history is not None
    assert item.drifts
    assert item.history.first_signal is not None
    assert item.history.first_signal >= item.history.chart[3].time
    assert len(item.quarters) > 1


def test_cases_that_say_nothing_of_a_model_are_named(study: Any) -> None:
    study.read("case-1", "model:net")
    study.read("case-2", "model:net")
    study.as_("rita").decide("case-1", Action.SEND_BACK, ["case-1/ben/round-1/revision-1"])
    study.as_("rita").decide("case-2", Action.ACCEPT, ["case-2/model:net/round-1/revision-1"])
    result = model_performance(study.as_("lead"), "model:net")
    assert result.n_cases == 0
    assert result.left_out == (
        "case 'case-1': has no reference standard yet",
        "case 'case-2': its reference standard is the model's own reading",
    )
    with pytest.raises(InputError, match="import its predictions first"):
        model_performance(study.as_("lead"), "model:other")


def test_disagreement_is_a_number_from_0_to_1(study: Any) -> None:
    project = study.as_("lead")
    protocol = project.protocol()
    study.read("case-1", "model:net", quality=3, nodule=Presence.PRESENT, shift=0)
    project.refresh()
    readings = [one for one in project.state.latest_readings("case-1") if one.reader in ("anna", "model:net")]
    compared = compare_readings(project, "case-1", readings, protocol)
    found = {name: item_disagreement(protocol.item(name), one) for name, one in compared.items()}
    assert found == pytest.approx({"lung": 0.0, "nodule": 1.0, "quality": 0.5})


def test_the_next_cases_are_those_of_most_disagreement(study: Any) -> None:
    for case in CASES:
        study.read(case, "model:net", shift=8 if case == "case-6" else 0)
    ranked = rank_cases(study.as_("lead"), weights={"model": 1.0}, decided=True)
    assert ranked[0].case == "case-6"
    assert ranked[0].score == 1.0
    assert ranked[0].model > max(one.model for one in ranked[1:])
    assert rank_cases(study.as_("lead")) == ()


def test_rare_findings_come_first_when_rarity_counts(study: Any) -> None:
    study.as_("rita").decide("case-5", Action.SEND_BACK, ["case-5/anna/round-1/revision-1"])
    reading = study.read("case-5", "anna", revision=2, nodule=Presence.UNCERTAIN)
    study.as_("rita").decide("case-5", Action.ACCEPT, [reading])
    first, *others = rank_cases(study.as_("lead"), weights={"rarity": 1.0}, decided=True)
    assert (first.case, first.rarest) == ("case-5", "Nodule: uncertain")
    assert first.rarity == pytest.approx(2.807, abs=0.001)
    assert all(other.rarity < first.rarity for other in others)


@pytest.mark.parametrize("weights", [{"taste": 1.0}, {"model": -1.0}, {"model": 0.0}])
def test_weights_that_cannot_be_are_refused(study: Any, weights: dict[str, float]) -> None:
    with pytest.raises(InputError, match="ranking: weights must be"):
        rank_cases(study.as_("lead"), weights=weights)


NOW = datetime(2026, 4, 20, tzinfo=UTC)


def test_quarters_begin_with_their_months() -> None:
    starts = quarter_starts(datetime(2026, 11, 21, 13, 5, tzinfo=UTC), 3)
    assert [f"{start:%Y-%m-%d %H:%M}" for start in starts] == [
        "2027-01-01 00:00",
        "2027-04-01 00:00",
        "2027-07-01 00:00",
    ]


def test_every_reader_reads_as_many_again_and_each_case_before_any_twice(study: Any) -> None:
    state = study.as_("lead").state
    with pytest.raises(InputError, match="has no reader with a key; add readers with annotation-qa member add"):
        plan_rereads(state, [], 2, 5, now=NOW)
    plan = plan_rereads(state, ["anna", "ben"], 2, 5, now=NOW, quarters=3)
    assert not plan.short
    by_reader_and_quarter = Counter((one.reader, one.available_from) for one in plan.assignments)
    assert set(by_reader_and_quarter.values()) == {2}
    assert len(by_reader_and_quarter) == 6
    for reader in ("anna", "ben"):
        cases = [one.case for one in plan.assignments if one.reader == reader]
        assert len(set(cases)) == 6
    assert {one.purpose for one in plan.assignments} == {"repeat"}
    assert {one.round for one in plan.assignments} == {2}
    assert plan == plan_rereads(state, ["ben", "anna"], 2, 5, now=NOW, quarters=3)
    assert plan != plan_rereads(state, ["anna", "ben"], 2, 6, now=NOW, quarters=3)


def test_the_washout_is_kept_and_shortage_is_named(study: Any) -> None:
    state = study.as_("lead").state
    plan = plan_rereads(state, ["anna"], 5, 1, now=NOW, quarters=2, washout=timedelta(days=100))
    last = {task.case: parse_time(state.reading(f"{task.case}/anna/round-1/revision-1").time)
            for task in state.all_tasks() if task.reader == "anna"}  # fmt: skip
    for one in sorted(plan.assignments, key=lambda one: one.available_from):
        start = parse_time(one.available_from)
        assert start >= last[one.case] + timedelta(days=100)
        last[one.case] = start
    assert plan.short[-1] == "anna: 2 of 5 in the quarter from 2026-10-01"


def test_recorded_they_wait_hidden_in_the_worklist(study: Any) -> None:
    lead = study.as_("lead")
    lead.assign(plan_rereads(lead.state, ["anna"], 2, 5, now=NOW, quarters=1).assignments, 5)
    assert study.as_("anna").worklist("anna") == ()
    study.clock.time = datetime(2026, 7, 2, tzinfo=UTC)
    work = study.as_("anna").worklist("anna")
    assert len(work) == 2
    assert not hasattr(work[0], "purpose")
    again = plan_rereads(study.as_("lead").state, ["anna"], 7, 5, now=NOW, quarters=1)
    assert {one.case for one in again.assignments}.isdisjoint({item.case for item in work})


@pytest.mark.parametrize(
    ("readers", "per_quarter", "quarters"), [([], 1, 1), (["rita"], 1, 1), (["anna"], 0, 1), (["anna"], 1, 0)]
)
def test_plans_that_cannot_be_are_refused(study: Any, readers: list[str], per_quarter: int, quarters: int) -> None:
    with pytest.raises(InputError, match=r"^re-reads: "):
        plan_rereads(study.as_("lead").state, readers, per_quarter, 1, now=NOW, quarters=quarters)

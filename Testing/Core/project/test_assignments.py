"""Plans of who reads what are balanced, complete, and the same again for the same seed."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.assignments import plan_assignments
from AnnotationQACore.project.state import CaseRecord, Member, State, Task, TaskStatus
from AnnotationQACore.project.worklists import worklist

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def a_state(cases: int, readers: int) -> State:
    return State(
        project="p",
        members={f"r{n}": Member(f"r{n}", "", ("reader",)) for n in range(readers)},
        cases={f"c{n:03}": CaseRecord(f"c{n:03}", "p", {}) for n in range(cases)},
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 6), st.data())
def test_plans_are_complete_and_balanced(cases: int, readers: int, data) -> None:
    per_case = data.draw(st.integers(1, readers))
    state = a_state(cases, readers)
    names = list(state.members)
    plan = plan_assignments(state, names, per_case, data.draw(st.integers(0, 99)), now=NOW)
    assert Counter(entry.case for entry in plan) == dict.fromkeys(state.cases, per_case)
    assert len({(entry.case, entry.reader) for entry in plan}) == len(plan)
    load = Counter(entry.reader for entry in plan)
    assert max(load.values()) - min(load[name] for name in names) <= 1
    for name in names:
        assert sorted(e.order for e in plan if e.reader == name) == list(range(1, load[name] + 1))


def test_the_seed_makes_the_plan_again_and_another_seed_another() -> None:
    state = a_state(30, 4)
    plans = [plan_assignments(state, list(state.members), 2, seed, now=NOW) for seed in (7, 7, 8)]
    assert plans[0] == plans[1] != plans[2]
    orders = {tuple(e.case for e in plans[0] if e.reader == name) for name in state.members}
    assert len(orders) == 4
    assert all(list(order) != sorted(order) for order in orders)


def test_gold_cases_go_to_all_and_repeats_come_after_the_washout() -> None:
    state = a_state(20, 3)
    plan = plan_assignments(
        state, list(state.members), 1, 1, now=NOW, gold=["c000", "c001"], repeats=0.5, washout=timedelta(days=30)
    )
    assert Counter(e.reader for e in plan if e.purpose == "gold") == {"r0": 2, "r1": 2, "r2": 2}
    repeats = [e for e in plan if e.purpose == "repeat"]
    assert len(repeats) == 9
    for repeat in repeats:
        assert repeat.round == 2
        assert repeat.available_from == "2026-03-31T00:00:00.000000Z"
        assert any((e.case, e.reader, e.round) == (repeat.case, repeat.reader, 1) for e in plan)
    for name in state.members:
        own = sorted((e for e in plan if e.reader == name and e.round == 1), key=lambda e: e.order)
        assert [e.case for e in own] != sorted(e.case for e in own), "gold cases, the first two, are not put first"


def test_what_is_assigned_stays_and_only_what_is_missing_is_added() -> None:
    state = a_state(4, 3)
    state = replace(state, tasks={"c000": (Task("c000", "r0", 1, order=5),)})
    plan = plan_assignments(state, ["r0", "r1", "r2"], 2, 1, now=NOW)
    assert Counter(e.case for e in plan) == {"c000": 1, "c001": 2, "c002": 2, "c003": 2}
    assert all(e.reader != "r0" for e in plan if e.case == "c000")
    excluded = replace(state, cases=state.cases | {"c001": CaseRecord("c001", "p", {}, "motion")})
    assert not [e for e in plan_assignments(excluded, ["r1", "r2"], 2, 1, now=NOW) if e.case == "c001"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"readers": ["zoe"]}, "reader 'zoe'"),
        ({"readers": []}, "no reader can sign readings yet"),
        ({"cases": ["x"]}, "case 'x'"),
        ({"gold": ["x"]}, "case 'x'"),
        ({"readers_per_case": 4}, "4 readers per case of 3"),
        ({"readers_per_case": 0}, "0 readers per case"),
        ({"repeats": 1.5}, "repeats 1.5"),
    ],
)
def test_plans_that_cannot_be(options: dict, message: str) -> None:
    values = {"readers": ["r0", "r1", "r2"], "readers_per_case": 2, "seed": 1, "now": NOW} | options
    with pytest.raises(InputError, match=message):
        plan_assignments(a_state(3, 3), **values)


def test_worklists_do_not_tell_gold_and_repeats_from_others_and_keep_the_washout() -> None:
    tasks = (
        Task("c000", "r0", 1, "gold", 1),
        Task("c001", "r0", 1, "reading", 2, status=TaskStatus.DRAFT),
        Task("c002", "r0", 2, "repeat", 3, "2026-03-20T00:00:00.000000Z"),
        Task("c003", "r0", 1, "reading", 4, status=TaskStatus.SENT_BACK, revision=1),
        Task("c004", "r0", 1, "reading", 5, status=TaskStatus.SUBMITTED, revision=1),
        Task("c005", "r0", 1, "reading", 6, status=TaskStatus.WITHDRAWN),
        Task("c006", "r0", 1, "reading", 7, status=TaskStatus.STARTED),
    )
    state = replace(a_state(7, 1), tasks={task.case: (task,) for task in tasks})
    assert [item.case for item in worklist(state, "r0", NOW)] == ["c003", "c001", "c006", "c000"]
    later = worklist(state, "r0", NOW + timedelta(days=30), with_done=True)
    assert [item.case for item in later] == ["c003", "c001", "c006", "c000", "c002", "c004"]
    assert not any("gold" in repr(item) or "repeat" in repr(item) for item in later)

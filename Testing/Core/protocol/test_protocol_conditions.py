"""Conditions on other answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.protocol.conditions import AllOf, AnyOf, Comparison, condition_holds, items_in


@pytest.mark.parametrize(
    ("operator", "value", "answer", "holds"),
    [
        ("equals", "present", "present", True),
        ("equals", "present", "absent", False),
        ("equals", 1, True, False),
        ("equals", 3, 3.0, True),
        ("not_equals", "present", "absent", True),
        ("not_equals", "present", None, False),
        ("one_of", ("present", "uncertain"), "uncertain", True),
        ("one_of", ("present", "uncertain"), "absent", False),
        ("contains", "tube", ("line", "tube"), True),
        ("contains", "tube", (), False),
        ("contains", "tube", "tube", False),
        ("greater_than", 3, 3, False),
        ("greater_than", 3, 3.1, True),
        ("at_least", 3, 3, True),
        ("less_than", 3, 3, False),
        ("at_most", 3, 3, True),
        ("at_most", 3, "2", False),
        ("answered", None, (), True),
        ("answered", None, "", False),
        ("answered", None, 0, True),
        ("not_answered", None, None, True),
        ("not_answered", None, "absent", False),
    ],
)
def test_operators(operator, value, answer, holds):
    condition = Comparison(item="x", operator=operator, value=value)
    assert condition_holds(condition, {"x": answer}) is holds


def test_missing_answers_hold_nothing_but_not_answered():
    for operator in ("equals", "not_equals", "one_of", "contains", "greater_than", "at_most", "answered"):
        assert not condition_holds(Comparison(item="x", operator=operator, value="present"), {})
    assert condition_holds(Comparison(item="x", operator="not_answered"), {})


def test_no_condition_always_holds():
    assert condition_holds(None, {})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), min_size=1, max_size=5), st.lists(st.booleans(), min_size=1, max_size=5))
def test_all_and_any_combine_as_in_logic(first, second):
    answers = {f"a{i}": value for i, value in enumerate(first)} | {f"b{i}": value for i, value in enumerate(second)}
    every = AllOf(all=tuple(Comparison(item=f"a{i}", operator="equals", value=True) for i in range(len(first))))
    some = AnyOf(any=tuple(Comparison(item=f"b{i}", operator="equals", value=True) for i in range(len(second))))
    assert condition_holds(every, answers) is all(first)
    assert condition_holds(some, answers) is any(second)
    assert condition_holds(AllOf(all=(every, some)), answers) is (all(first) and any(second))
    assert condition_holds(AnyOf(any=(every, some)), answers) is (all(first) or any(second))
    assert [c.item for c in items_in(AllOf(all=(every, some)))] == list(answers)

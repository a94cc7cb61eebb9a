"""The reference standard of a case: the reading that was accepted, or made by adjudication, for the whole case."""

from __future__ import annotations

from AnnotationQACore.project.state import Action, State, SubmittedReading

__all__ = ["reference_standard", "why_no_reference"]


def reference_standard(state: State, case: str) -> SubmittedReading | None:
    """The reading that decisions name; None when there is none, several, or decisions are in conflict."""
    named = _named(state, case)
    return state.reading(named[0]) if len(named) == 1 and not state.conflicts(case) else None


def why_no_reference(state: State, case: str) -> str:
    """Why a case has no reference standard, in words; empty when it has one."""
    if reference_standard(state, case) is not None:
        return ""
    if state.conflicts(case):
        return "has decisions in conflict, so it has no reference standard"
    named = _named(state, case)
    if not named:
        return "has no reference standard; nobody accepted or adjudicated it"
    return f"its decision names {len(named)} readings, so it has no reference standard"


def _named(state: State, case: str) -> list[str]:
    decisions = [
        decision
        for decision in state.decisions.get(case, ())
        if not decision.item and decision.action in (Action.ACCEPT, Action.ADJUDICATE)
    ]
    return list(dict.fromkeys(name for decision in decisions for name in decision.readings))

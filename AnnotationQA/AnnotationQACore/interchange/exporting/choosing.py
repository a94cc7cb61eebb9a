"""Which readings of a project are exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.state import Action, State, SubmittedReading

__all__ = ["ChosenReadings", "readings_of", "reference_readings"]


@dataclass(frozen=True, slots=True)
class ChosenReadings:
    """Readings, and one line for each case that has none of those asked for."""

    readings: tuple[SubmittedReading, ...]
    without: tuple[str, ...]


def readings_of(
    state: State, readers: Sequence[str] | None, cases: Sequence[str] | None = None, round_number: int | None = None
) -> ChosenReadings:
    """The newest revision of the readings of some readers.

    Parameters
    ----------
    state : State
    readers : sequence of str or None
        ``consensus:METHOD`` for what was computed, ``model:NAME`` for a model; None for all readers, computed and
        adjudicated readings included.
    cases : sequence of str or None
        None for all that are not excluded.
    round_number : int or None
        None for all rounds.

    Raises
    ------
    InputError
        A case is not in the project, or a reader has no reading in it.
    """
    chosen, without = [], []
    for case in _cases(state, cases):
        latest = [one for one in state.latest_readings(case) if round_number in (None, one.round)]
        chosen += [one for one in latest if readers is None or one.reader in readers]
        missing = [name for name in readers or () if name not in {one.reader for one in latest}]
        without += [f"case {case}: has no reading of {name}." for name in missing]
        if not latest and readers is None:
            without.append(f"case {case}: has no reading.")
    found = {one.reader for one in chosen}
    for name in readers or ():
        if name not in found:
            rounds = f" of round {round_number}" if round_number else ""
            known = sorted({one.reader for one in state.all_readings()})
            having = f"those who have one: {', '.join(known[:20])}" if known else "none was submitted yet"
            raise InputError(f"reader '{name[:100]}': has no reading{rounds} in this project; {having}.")
    return ChosenReadings(tuple(chosen), tuple(without))


def reference_readings(state: State, cases: Sequence[str] | None = None) -> ChosenReadings:
    """The reference standard of each case: the reading that was accepted, or made by adjudication, for the whole case.

    Raises
    ------
    InputError
        A case is not in the project.
    """
    chosen, without = [], []
    for case in _cases(state, cases):
        decisions = [
            decision
            for decision in state.decisions.get(case, ())
            if not decision.item and decision.action in (Action.ACCEPT, Action.ADJUDICATE)
        ]
        named = list(dict.fromkeys(name for decision in decisions for name in decision.readings))
        readings = [one for name in named if (one := state.reading(name)) is not None]
        if state.conflicts(case):
            without.append(f"case {case}: has decisions in conflict, so it has no reference standard.")
        elif not decisions:
            without.append(f"case {case}: has no reference standard; nobody accepted or adjudicated it.")
        elif len(readings) != 1:
            without.append(
                f"case {case}: its decision names {len(readings)} readings, so it has no reference standard."
            )
        else:
            chosen += readings
    return ChosenReadings(tuple(chosen), tuple(without))


def _cases(state: State, cases: Sequence[str] | None) -> list[str]:
    if cases is None:
        return [name for name, record in state.cases.items() if not record.excluded]
    unknown = [name for name in cases if name not in state.cases]
    if unknown:
        raise InputError(f"case '{unknown[0][:100]}': is not in the project; see annotation-qa status.")
    return list(dict.fromkeys(cases))

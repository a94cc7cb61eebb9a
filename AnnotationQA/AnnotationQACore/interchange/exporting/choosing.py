"""Which readings of a project are exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.reference_standard import reference_standard, why_no_reference
from AnnotationQACore.project.state import State, SubmittedReading

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
        found = reference_standard(state, case)
        if found is not None:
            chosen.append(found)
        else:
            without.append(f"case {case}: {why_no_reference(state, case)}.")
    return ChosenReadings(tuple(chosen), tuple(without))


def _cases(state: State, cases: Sequence[str] | None) -> list[str]:
    if cases is None:
        return [name for name, record in state.cases.items() if not record.excluded]
    unknown = [name for name in cases if name not in state.cases]
    if unknown:
        raise InputError(f"case '{unknown[0][:100]}': is not in the project; see annotation-qa status.")
    return list(dict.fromkeys(cases))

"""Which cases to read next: where models and readers differ, where readers differ, and what is rare."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.evaluation.records import ItemAgreement
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import CaseStatus, SubmittedReading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.choices import WEIGHTS
from AnnotationQACore.release.composition import findings
from AnnotationQACore.release.rounds.item_disagreement import compare_readings, mean_disagreement

__all__ = ["RankedCase", "rank_cases"]


@dataclass(frozen=True, slots=True)
class RankedCase(Result):
    """A case and why it is worth reading next.

    Attributes
    ----------
    case, status : str
    score : float
        Weighted mean of the places among all ranked cases, in [0, 1]; the larger the sooner.
    model, readers : float
        Disagreement between models and people, and among people, in [0, 1]; NaN where unknown.
    rarity : float
        Bits: how surprising the rarest of its findings is; NaN where nobody read it.
    rarest : str
        That finding.
    """

    case: str
    status: str
    score: float
    model: float
    readers: float
    rarity: float
    rarest: str


def rank_cases(
    project: Project,
    *,
    weights: Mapping[str, float] = WEIGHTS,
    decided: bool = False,
    progress: Progress = silent,
) -> tuple[RankedCase, ...]:
    """Rank cases for the next round.

    The three reasons are of different kinds, so not their values but their places among the cases are averaged; a
    reason of which a case says nothing is left out of its mean.

    Parameters
    ----------
    project : Project
    weights : mapping
        Of `choices.WEIGHTS`; 0 leaves a reason out.
    decided : bool
        Rank the cases too that have a reference standard.
    progress : Progress

    Raises
    ------
    InputError
        A weight is unknown or negative, or all are 0.
    """
    if set(weights) - set(WEIGHTS) or any(weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise InputError(f"ranking: weights must be of {', '.join(WEIGHTS)}, not negative, and not all 0.")
    state = project.refresh()
    protocol = project.protocol()
    cases = [case for case, record in state.cases.items() if not record.excluded]
    said = {case: _findings(project, case, protocol) for case in cases}
    frequency = Counter(label for labels in said.values() for label in labels)
    read = sum(1 for labels in said.values() if labels)
    rows = []
    for done, case in enumerate(cases):
        progress(done, len(cases), case)
        status = state.case_status(case)
        if status is CaseStatus.DECIDED and not decided:
            continue
        model, readers = _disagreements(project, case, protocol)
        rarest = min(said[case], key=lambda label: (frequency[label], label), default="")
        rarity = -math.log2(frequency[rarest] / read) + 0.0 if rarest else math.nan
        rows.append((case, status.value, model, readers, rarity, rarest))
    progress(len(cases), len(cases))
    columns = {"model": 2, "readers": 3, "rarity": 4}
    places = {name: _places([row[columns[name]] for row in rows]) for name in columns}  # type: ignore[misc]  # floats
    ranked = []
    for number, (case, status_name, model, readers, rarity, rarest) in enumerate(rows):
        parts = [(weights.get(name, 0.0), places[name][number]) for name in columns]
        known = [(weight, place) for weight, place in parts if weight and not math.isnan(place)]
        whole = sum(weight for weight, _ in known)
        score = sum(weight * place for weight, place in known) / whole if known else 0.0
        ranked.append(RankedCase(case, status_name, score, model, readers, rarity, rarest))
    return tuple(sorted(ranked, key=lambda one: (-one.score, one.case)))


def _places(values: Sequence[float]) -> list[float]:
    """Rank of each value among the known ones, from 0 (least) to 1; ties share; NaN stays."""
    array = np.array(values, dtype=np.float64)
    known = ~np.isnan(array)
    places = np.full(array.shape, np.nan)
    count = int(known.sum())
    if count:
        _, of, ties = np.unique(array[known], return_inverse=True, return_counts=True)
        below = np.cumsum(ties) - ties
        places[known] = (below + (ties - 1) / 2)[of] / max(count - 1, 1)
    return [float(place) for place in places]


def _disagreements(project: Project, case: str, protocol: Protocol) -> tuple[float, float]:
    """Between models and people (or the reference standard, where there is one), and among people."""
    readings = [one for one in project.state.latest_readings(case) if one.round == 1]
    people = [one for one in readings if ":" not in one.reader]
    models = [one for one in readings if one.reader.startswith("model:")]
    reference = reference_standard(project.state, case)
    against = [reference] if reference is not None and reference not in models else people
    crossed = [
        mean_disagreement(protocol, _compared(project, case, (model, other), protocol))
        for model in models
        for other in against
    ]
    known = [value for value in crossed if not math.isnan(value)]
    among = mean_disagreement(protocol, _compared(project, case, people, protocol)) if len(people) > 1 else math.nan
    return (sum(known) / len(known) if known else math.nan), among


def _compared(
    project: Project, case: str, readings: Sequence[SubmittedReading], protocol: Protocol
) -> Mapping[str, ItemAgreement]:
    try:
        return compare_readings(project, case, readings, protocol)
    except AnnotationQAError:
        return {}  # a case that cannot be compared is not kept from the list; the other reasons rank it


def _findings(project: Project, case: str, protocol: Protocol) -> frozenset[str]:
    """Findings of the reference standard, else of all who read the case, models too."""
    reference = reference_standard(project.state, case)
    chosen: Iterable[SubmittedReading] = [reference] if reference else project.state.latest_readings(case)
    answers = [answer for one in chosen for answer in project.load_reading(one).answers]
    return findings(answers, protocol)

"""How a model holds up against the reference standard, over time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from AnnotationQACore.agreement.ratings.longitudinal import ReaderHistory, reader_history
from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.evaluation.records import ItemAgreement
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import State, SubmittedReading
from AnnotationQACore.protocol.items import Item, Measurement, Rating
from AnnotationQACore.release.rounds.item_disagreement import compare_readings, item_disagreement
from AnnotationQACore.reporting.estimates import Bootstrap

__all__ = ["ItemPerformance", "ModelPerformance", "Quarter", "model_performance"]

MODEL_PREFIX = "model:"

_FEWEST = 8
"""Cases from which a control chart is drawn; half of them, and 20 at most, are its baseline."""

_MOST_BASELINE = 20


@dataclass(frozen=True, slots=True)
class Quarter(Result):
    """Mean over the cases of a quarter of a year, with a 95 % interval by patient."""

    name: str
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ItemPerformance(Result):
    """A model on one item.

    Attributes
    ----------
    item, title : str
    measure : str
        What the figures are: ``score`` (1 is alike, see `item_disagreement`), or ``model minus reference`` with the
        unit.
    n : int
    mean, low, high : float
        Over all cases, with a 95 % interval by patient.
    quarters : tuple of Quarter
    history : ReaderHistory or None
        EWMA control chart against the first cases; None when there are too few.
    """

    item: str
    title: str
    measure: str
    n: int
    mean: float
    low: float
    high: float
    quarters: tuple[Quarter, ...]
    history: ReaderHistory | None

    @property
    def drifts(self) -> bool:
        """Whether the chart left its limits."""
        return self.history is not None and self.history.first_signal is not None


@dataclass(frozen=True, slots=True)
class ModelPerformance(Result):
    """A model on all items.

    Attributes
    ----------
    model : str
    items : tuple of ItemPerformance
    n_cases : int
        Cases with a reference standard and a prediction.
    left_out : tuple of str
        Cases that say nothing, and why, one line each.
    """

    model: str
    items: tuple[ItemPerformance, ...]
    n_cases: int
    left_out: tuple[str, ...]


def model_performance(
    project: Project,
    model: str,
    *,
    by: Literal["predicted", "decided"] = "predicted",
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress = silent,
) -> ModelPerformance:
    """Score the predictions of a model, which were imported as readings, against the reference standard.

    Parameters
    ----------
    project : Project
    model : str
        Reader with the prefix ``model:``.
    by : "predicted" or "decided"
        Which time counts: when the prediction was imported, or when the reference standard was decided.
    resamples, seed : int
        Of the bootstrap.
    progress : Progress

    Raises
    ------
    InputError
        It is a person or a consensus and no model, or the project has no reading by this model.
    """
    state = project.refresh()
    _require_model(state, model)
    protocol = project.protocol()
    pairs: list[tuple[SubmittedReading, SubmittedReading]] = []
    left_out = []
    read = 0
    for case, record in state.cases.items():
        own = [one for one in state.latest_readings(case) if one.reader == model and one.round == 1]
        if record.excluded or not own:
            continue
        read += 1
        reference = reference_standard(project.state, case)
        if reference is None:
            left_out.append(f"case '{case}': has no reference standard yet")
        elif reference.reader == model:
            left_out.append(f"case '{case}': its reference standard is the model's own reading")
        else:
            pairs.append((reference, own[0]))
    if not read:
        raise InputError(
            f"'{model[:100]}': has no reading in this project; import its predictions first"
            f"{_known(reading.reader for reading in state.all_readings())}."
        )
    rows: dict[str, list[tuple[str, datetime, float]]] = {}
    compared_cases = 0
    for done, (reference, predicted) in enumerate(pairs):
        progress(done, len(pairs), reference.case)
        try:
            compared = compare_readings(project, reference.case, (reference, predicted), protocol)
        except AnnotationQAError as error:
            left_out.append(f"case '{reference.case}': {error}")
            continue
        compared_cases += 1
        decisions = state.decisions[reference.case]
        time = datetime.fromisoformat(predicted.time if by == "predicted" else decisions[-1].time)
        for name, one in compared.items():
            value = _value(protocol.item(name), one, reference.reader, model)
            if not math.isnan(value):
                rows.setdefault(name, []).append((state.cases[reference.case].patient, time, value))
    progress(len(pairs), len(pairs))
    bootstrap = Bootstrap(resamples, seed)
    items = tuple(
        _performance(item, sorted(rows[item.id], key=lambda row: row[1]), bootstrap)
        for item in protocol.items
        if item.id in rows
    )
    return ModelPerformance(model, items, compared_cases, tuple(left_out))


def _require_model(state: State, model: str) -> None:
    """People are followed by the report, against each other: a reference standard is often their own work."""
    if not model.startswith(MODEL_PREFIX):
        known = _known(one.reader for one in state.all_readings())
        raise InputError(
            f"'{model[:100]}': is no model{known}; name one as model:NAME. How readers change is in the report."
        )


def _known(readers: Iterable[str]) -> str:
    models = sorted({reader for reader in readers if reader.startswith(MODEL_PREFIX)})
    return f" (there are {', '.join(models)})" if models else " (the project has no readings of models)"


def _is_signed(item: Item) -> bool:
    return isinstance(item, Measurement) or (isinstance(item, Rating) and item.scale == "ordinal")


def _value(item: Item, compared: ItemAgreement, reference: str, model: str) -> float:
    if not _is_signed(item):
        return 1.0 - item_disagreement(item, compared)
    differences = []
    for row in compared.values:
        theirs, own = row.values.get(reference), row.values.get(model)
        if isinstance(theirs, (int, float)) and isinstance(own, (int, float)):
            differences.append(float(own) - float(theirs))
    return float(np.mean(differences)) if differences else math.nan


def _performance(item: Item, rows: Sequence[tuple[str, datetime, float]], bootstrap: Bootstrap) -> ItemPerformance:
    patients = [patient for patient, _, _ in rows]
    values = np.array([value for _, _, value in rows])
    whole = bootstrap.mean(values, patients)
    unit = f", {item.unit}" if isinstance(item, Measurement) and item.unit else ""
    days = np.array([(time - rows[0][1]).total_seconds() / 86400 for _, time, _ in rows])
    history = None
    if len(rows) >= _FEWEST:
        baseline = min(_MOST_BASELINE, len(rows) // 2)
        history = reader_history(days, values, item.title, baseline=baseline)
    return ItemPerformance(
        item.id,
        item.title,
        f"model minus reference{unit}" if _is_signed(item) else "score",
        len(rows),
        whole.value,
        whole.low,
        whole.high,
        tuple(_quarters(rows, bootstrap)),
        history,
    )


def _quarters(rows: Sequence[tuple[str, datetime, float]], bootstrap: Bootstrap) -> Sequence[Quarter]:
    grouped: dict[str, list[tuple[str, float]]] = {}
    for patient, time, value in rows:
        grouped.setdefault(f"{time.year} Q{(time.month + 2) // 3}", []).append((patient, value))
    found = []
    for name, own in grouped.items():
        mean = bootstrap.mean(np.array([value for _, value in own]), [patient for patient, _ in own])
        found.append(Quarter(name, len(own), mean.value, mean.low, mean.high))
    return found

"""What every method of voxelwise consensus returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import LabelArray

__all__ = ["LabelConsensus", "ReaderPerformance", "compared_with", "image_of", "tabulated"]


@dataclass(frozen=True, slots=True)
class ReaderPerformance:
    """One reader on one label, compared with the consensus over its domain.

    Attributes
    ----------
    reader : str
    label : int
    sensitivity, specificity : float
        Estimated by the method where it estimates them (STAPLE), else counted against the consensus.
    precision, dice : float
        Counted against the consensus.
    weight : float
        Weight of the reader's vote on this label; 0 when the method discarded the reader.

    A value is NaN where there is nothing to measure: sensitivity of a label that the consensus does not have,
    Dice of a label that neither has.
    """

    reader: str
    label: int
    sensitivity: float
    specificity: float
    precision: float
    dice: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LabelConsensus:
    """Labels that several readers agree on, with the support they have.

    Attributes
    ----------
    method : str
    parameters : mapping
        All parameters of the method, the domain, and what the method found out (iterations, likelihood ...).
    decisions : Decisions
        What the readers decided, and the domain.
    voxels : integer array, shape (k, j, i) of the whole image
        Consensus label values.
    support : float array, shape (patterns, labels)
        For each joint decision the probability of each label; rows sum to 1.
    support_kind : str
        ``vote fraction``, ``weighted vote fraction`` or ``posterior probability``.
    performance : tuple of ReaderPerformance
        For each label other than background and each reader.
    warnings : tuple of str
    """

    method: str
    parameters: Mapping[str, object]
    decisions: Decisions
    voxels: LabelArray
    support: NDArray[np.float64]
    support_kind: str
    performance: tuple[ReaderPerformance, ...]
    warnings: tuple[str, ...] = field(default=())

    def probability(self, label: int) -> NDArray[np.float32]:
        """Map of the support for a label value, shape (k, j, i) of ``decisions.region``; 0 elsewhere in the image."""
        if label not in self.decisions.labels:
            raise InputError(f"consensus: no reader has label {label}; there are {list(self.decisions.labels)}.")
        return self.decisions.spread(self.support[:, self.decisions.labels.index(label)].astype(np.float32))

    def uncertainty(self) -> NDArray[np.float32]:
        """Map of the Shannon entropy of the support in bits, shape (k, j, i) of ``decisions.region``; 0 elsewhere."""
        bits = -np.sum(self.support * np.log2(np.maximum(self.support, np.finfo(float).tiny)), axis=1)
        return self.decisions.spread(np.maximum(bits, 0.0).astype(np.float32))


def image_of(decisions: Decisions, label_of_pattern: NDArray[np.intp]) -> LabelArray:
    """Label values of the whole image from the index of the label of each pattern."""
    highest = decisions.labels[-1]
    dtype = np.uint8 if highest < 256 else np.uint16 if highest < 65536 else np.uint32
    voxels: LabelArray = np.zeros(decisions.grid.shape, dtype=dtype)
    voxels[decisions.region] = decisions.spread(np.array(decisions.labels, dtype=dtype)[label_of_pattern])
    return voxels


def tabulated(decisions: Decisions, label_of_pattern: NDArray[np.intp]) -> NDArray[np.int64]:
    """Voxels of each pattern that have each label in the consensus, shape (patterns, labels)."""
    table = np.zeros((len(decisions.counts), len(decisions.labels)), dtype=np.int64)
    table[np.arange(len(table)), label_of_pattern] = decisions.counts
    return table


def compared_with(
    decisions: Decisions,
    table: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None = None,
    estimated: NDArray[np.float64] | None = None,
) -> tuple[ReaderPerformance, ...]:
    """Compare each reader with the consensus.

    Parameters
    ----------
    decisions : Decisions
    table : integer array, shape (patterns, labels)
        Voxels of each pattern with each consensus label.
    weights : float array, shape (readers, labels), optional
    estimated : float array, shape (readers, labels, 2), optional
        Sensitivity and specificity estimated by the method.
    """
    rows = []
    total = int(table.sum())
    for index, label in enumerate(decisions.labels[1:], start=1):
        truth = int(table[:, index].sum())
        for number, reader in enumerate(decisions.readers):
            said = decisions.patterns[:, number] == index
            positive, both = int(table[said].sum()), int(table[said, index].sum())
            sensitivity = _ratio(both, truth)
            specificity = _ratio(total - truth - positive + both, total - truth)
            if estimated is not None:
                sensitivity, specificity = (float(value) for value in estimated[number, index])
            weight = 1.0 if weights is None else float(weights[number, index])
            rows.append(
                ReaderPerformance(
                    reader,
                    label,
                    sensitivity,
                    specificity,
                    _ratio(both, positive),
                    _ratio(2 * both, positive + truth),
                    weight,
                )
            )
    return tuple(rows)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")

"""Several methods of consensus of the readers of a case, to choose from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.consensus.decisions import Decisions, joint_decisions
from AnnotationQACore.consensus.result import LabelConsensus, ReaderPerformance
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import InputError
from AnnotationQACore.review.labels import ReviewLabels
from AnnotationQACore.segmentation import LabelArray, Segmentation

__all__ = ["METHODS", "ConsensusChoice", "ConsensusChoices", "Performance"]

METHODS: Mapping[str, Callable[[Decisions], LabelConsensus]] = {
    "majority": majority,
    "staple": staple,
    "simple": simple,
    "shape": shape_based_average,
}
"""The methods of which a reviewer may choose, by the names used everywhere."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One reader on one structure, compared with a consensus (see `consensus.result.ReaderPerformance`)."""

    segment: str
    reader: str
    dice: float
    sensitivity: float
    specificity: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class ConsensusChoice:
    """Consensus by one method.

    Attributes
    ----------
    method : str
    layers : integer array, shape (layer, k, j, i)
        As the layers of the readers in `ReviewLabels`.
    performance : tuple of Performance
        Every reader on every structure. With STAPLE sensitivity and specificity are estimated, else counted.
    warnings : tuple of str
        With the names of structures; readers by their identifiers.
    """

    method: str
    layers: LabelArray
    performance: tuple[Performance, ...]
    warnings: tuple[str, ...]

    def of(self, segment_id: str) -> tuple[Performance, ...]:
        """All readers on one structure."""
        return tuple(row for row in self.performance if row.segment == segment_id)


class ConsensusChoices:
    """Consensus of the readers by any method, computed when first asked for, and kept.

    Parameters
    ----------
    labels : ReviewLabels
    leave_out : collection of str
        Readers who do not count, such as one whose key was revoked.

    Raises
    ------
    InputError
        Fewer than two readers are left.
    """

    def __init__(self, labels: ReviewLabels, leave_out: frozenset[str] = frozenset()) -> None:
        self.labels = labels
        self.readers = tuple(reader for reader in labels.readers if reader not in leave_out)
        if len(self.readers) < 2:
            raise InputError(f"consensus: {len(self.readers)} reading; a consensus needs at least two.")
        self._decisions: tuple[Decisions, ...] | None = None
        self._found: dict[str, ConsensusChoice] = {}

    def choice(self, method: str) -> ConsensusChoice:
        """Consensus by a method of `METHODS`; raises `InputError` for another."""
        if method not in METHODS:
            raise InputError(f"consensus: there is no method '{method}'; choose one of {', '.join(METHODS)}.")
        if method not in self._found:
            self._found[method] = self._compute(method)
        return self._found[method]

    def segmentation(self, method: str) -> Segmentation:
        """Consensus by a method as a segmentation with the structures of the readers."""
        return Segmentation(self.choice(method).layers, self.labels.grid, self.labels.segments)

    @property
    def decisions(self) -> tuple[Decisions, ...]:
        """What every reader decided at every voxel, layer by layer; all methods work on it."""
        if self._decisions is None:
            self._decisions = tuple(
                joint_decisions([self.labels.of(r)[layer] for r in self.readers], self.labels.grid, self.readers)
                for layer in range(len(self.labels.of(self.readers[0])))
            )
        return self._decisions

    def _compute(self, method: str) -> ConsensusChoice:
        results = [METHODS[method](decisions) for decisions in self.decisions]
        performance = [
            _performance(segment.id, row)
            for segment in self.labels.segments
            for row in results[segment.layer].performance
            if row.label == segment.value
        ]
        warnings = dict.fromkeys(
            self._with_structure(warning, layer) for layer, result in enumerate(results) for warning in result.warnings
        )
        layers = results[0].voxels[np.newaxis] if len(results) == 1 else np.stack([one.voxels for one in results])
        return ConsensusChoice(method, layers, tuple(performance), tuple(warnings))

    def _with_structure(self, warning: str, layer: int) -> str:
        """A warning about a label of a layer, with the name of the structure that it stands for."""
        names = {segment.value: segment.name for segment in self.labels.segments if segment.layer == layer}
        return re.sub(r"\blabel (\d+)\b", lambda found: names.get(int(found[1]), found[0]), warning)


def _performance(segment: str, row: ReaderPerformance) -> Performance:
    return Performance(segment, row.reader, row.dice, row.sensitivity, row.specificity, row.weight)

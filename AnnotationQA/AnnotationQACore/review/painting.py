"""The voxels of a decision: readings and consensuses put together structure by structure and region by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import require_same_grid
from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoices
from AnnotationQACore.review.disagreements import Disagreements
from AnnotationQACore.review.labels import ReviewLabels
from AnnotationQACore.segmentation import BoolArray, LabelArray, Mask, Segmentation

__all__ = ["CONSENSUS", "EDITED", "Painting", "Step", "consensus_method", "sources"]

CONSENSUS = "consensus:"
"""Begins the name of a source that is a consensus, as in ``consensus:staple``."""

EDITED = "edited"
"""Source of a structure that the reviewer drew."""


def consensus_method(source: str) -> str | None:
    """Method of a source such as ``consensus:staple``; None when it is a reader."""
    method = source.removeprefix(CONSENSUS)
    return method if source.startswith(CONSENSUS) and method in METHODS else None


@dataclass(frozen=True, slots=True)
class Step:
    """What was painted: a structure (or all) in a region (or the whole image) from a source."""

    source: str
    segment: str | None = None
    region: int | None = None


class Painting:
    """Result of a review, painted from the readings, which are never changed.

    A source is the name of a reader, or ``consensus:METHOD``. At first the result is what all readers agree on: where
    they differ, no structure in dispute is in it until something is taken.

    Parameters
    ----------
    disagreements : Disagreements
    consensus : ConsensusChoices, optional
        None with a single reader.
    """

    def __init__(self, disagreements: Disagreements, consensus: ConsensusChoices | None = None) -> None:
        self.disagreements = disagreements
        self.consensus = consensus
        self._layers: LabelArray = np.array(self.labels.of(self.labels.readers[0]), copy=True)
        flat = self._layers.reshape(len(self._layers), -1)
        flat[:, disagreements.runs.voxels()] = self._agreed_in_dispute()
        self._steps: list[Step] = []

        self._region_source: dict[int, str] = {}

    @property
    def labels(self) -> ReviewLabels:
        """What the readers drew."""
        return self.disagreements.labels

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was painted, in order."""
        return tuple(self._steps)

    @property
    def segmentation(self) -> Segmentation:
        """The result; a copy, so that later steps do not change it."""
        return Segmentation(self._layers.copy(), self.labels.grid, self.labels.segments)

    @property
    def layers(self) -> LabelArray:
        """The result as it is now, shape (layer, k, j, i), for display; not to be written to."""
        view = self._layers.view()
        view.flags.writeable = False
        return view

    def undecided(self) -> tuple[int, ...]:
        """Numbers of the regions about which nothing was decided yet, neither themselves nor all their structures."""
        return tuple(n for n in range(len(self.disagreements)) if n not in self._region_source)

    def source_of(self, region: int) -> str | None:
        """What a region was last painted from; None when nothing was decided about it."""
        return self._region_source.get(region)

    def take_region(self, region: int, source: str) -> None:
        """Give the voxels of a region to what `source` says there, in every structure."""
        if not 0 <= region < len(self.disagreements):
            raise InputError(f"review: there is no region {region}; there are {len(self.disagreements)}.")
        layers = self.source_layers(source)
        voxels = self.disagreements.voxels_of(region)
        flat = self._layers.reshape(len(self._layers), -1)
        flat[:, voxels] = layers.reshape(len(layers), -1)[:, voxels]
        self._region_source[region] = source
        self._steps.append(Step(source, None, region))

    def take_structure(self, segment_id: str, source: str) -> tuple[str, ...]:
        """Give a structure the extent that it has in `source`.

        Returns
        -------
        tuple of str
            Structures of the same layer that lost voxels to it.
        """
        segment = self.labels.segment(segment_id)
        lost = self._replace(segment_id, self.source_layers(source)[segment.layer] == segment.value)
        for region in self.disagreements.involving(segment_id).tolist():
            self._region_source[region] = source
        self._steps.append(Step(source, segment_id, None))
        return lost

    def take_all(self, source: str) -> None:
        """Take `source` everywhere."""
        self._layers[...] = self.source_layers(source)
        self._region_source = dict.fromkeys(range(len(self.disagreements)), source)
        self._steps.append(Step(source))

    def take_edited(self, segment_id: str, mask: Mask) -> tuple[str, ...]:
        """Give a structure the voxels that the reviewer drew; returns as `take_structure`.

        Raises
        ------
        GridMismatch
            It was drawn on another grid.
        """
        require_same_grid(self.labels.grid, mask.grid, ("the readings", "the edited structure"))
        lost = self._replace(segment_id, mask.voxels)
        for region in self.disagreements.involving(segment_id).tolist():
            self._region_source[region] = EDITED
        self._steps.append(Step(EDITED, segment_id, None))
        return lost

    def changed_voxels(self, reader: str) -> int:
        """Number of voxels whose structures differ from those of a reader."""
        return int(np.count_nonzero(np.any(self._layers != self.labels.of(reader), axis=0)))

    def _replace(self, segment_id: str, mask: np.ndarray) -> tuple[str, ...]:
        segment = self.labels.segment(segment_id)
        layer = self._layers[segment.layer]
        layer[layer == segment.value] = 0
        overwritten = set(np.unique(layer[mask]).tolist()) - {0}
        layer[mask] = segment.value
        return tuple(s.id for s in self.labels.segments if s.layer == segment.layer and s.value in overwritten)

    def source_layers(self, source: str) -> LabelArray:
        """Layers of a reader or of a consensus, shape (layer, k, j, i); raises `InputError` when there is none."""
        method = consensus_method(source)
        if method is None:
            return self.labels.of(source)
        if self.consensus is None:
            raise InputError("review: a consensus needs two readings or more; take the only one.")
        return self.consensus.choice(method).layers

    def _agreed_in_dispute(self) -> LabelArray:
        """Values in dispute voxels of the structures that all readers have there, shape (layer, voxel)."""
        found = self.disagreements
        everywhere: BoolArray = np.all(found.has, axis=1)
        values = np.zeros((len(self._layers), len(everywhere)), dtype=self._layers.dtype)
        for place, segment in enumerate(self.labels.segments):
            values[segment.layer, everywhere[:, place]] = segment.value
        pattern = found.pattern_of_run[found.runs.source]
        agreed: LabelArray = np.repeat(values[:, pattern], found.runs.length, axis=1)
        return agreed


def sources(labels: ReviewLabels) -> Mapping[str, str]:
    """What can be taken, with what it is: readers, and the methods of consensus when there are two or more."""
    found = dict.fromkeys(labels.readers, "reader")
    if len(labels.readers) > 1:
        found |= {CONSENSUS + method: "consensus" for method in METHODS}
    return found

"""What is computed about an open case while the reviewer already looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from AnnotationQACore.review.consensus_choices import METHODS, ConsensusChoice
from AnnotationQACore.review.depths import depth_image, region_distances
from AnnotationQACore.review.disagreements import Disagreements
from AnnotationQACore.review.heat_maps import differing_readers
from AnnotationQACore.wording import worded
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.deciding import METHOD_TITLES
from AnnotationQALib.review.overlays import HeatMap

__all__ = ["GROUP", "CaseWork"]

GROUP = "case"
"""Of the steps of the open case in its `Background`."""


class CaseWork:
    """Steps in the order in which a reviewer needs them: regions, distances, and consensus when it is asked for.

    Parameters
    ----------
    review : CaseReview
    background : Background
    found : callable
        Called when the regions are found.
    measured : callable
        Called after each structure whose distances are known.
    """

    def __init__(
        self, review: CaseReview, background: Background, found: Callable[[], None], measured: Callable[[], None]
    ) -> None:
        self._review = review
        self._background = background
        self._found = found
        self._measured = measured
        self._distances: Any = None
        self._choices: dict[str, ConsensusChoice] = {}
        self._asked: set[str] = set()
        self.is_found = False

    def begin(self) -> None:
        """Find the regions, then measure them."""
        self._background.run(
            GROUP, worded("Finding what the readers differ in"), self._review.find, lambda _: self._regions()
        )

    def choice(self, method: str) -> ConsensusChoice | None:
        """A consensus that is computed already; None as long as it is not."""
        return self._choices.get(method)

    def want_consensus(self, done: Callable[[str], None], methods: tuple[str, ...] = tuple(METHODS)) -> None:
        """Compute methods of consensus one after the other; `done` is called with the name of each."""
        consensus = self._review.consensus
        if consensus is None:
            return
        for method in methods:
            if method in self._asked:
                continue
            self._asked.add(method)
            self._background.run(
                GROUP,
                worded("Consensus: {method}", method=METHOD_TITLES.get(method, method)),
                lambda method=method: consensus.choice(method),  # type: ignore[misc]  # a default binds the name
                lambda choice, method=method: self._keep(method, choice, done),  # type: ignore[misc]  # as above
            )

    def want_heat_map(self, kind: HeatMap, done: Callable[[HeatMap, np.ndarray], None]) -> None:
        """Compute the voxels of a heat map; `done` is called with them."""
        found: Disagreements = self._review.disagreements
        compute = differing_readers if kind == "readers" else depth_image
        self._background.run(GROUP, worded("Heat map"), lambda: compute(found), lambda image: done(kind, image))

    def _keep(self, method: str, choice: ConsensusChoice, done: Callable[[str], None]) -> None:
        self._choices[method] = choice
        done(method)

    def _regions(self) -> None:
        self.is_found = True
        self._found()
        self._distances = region_distances(self._review.disagreements)
        self._measure()

    def _measure(self) -> None:
        self._background.run(GROUP, "", lambda: next(self._distances, None), self._take)

    def _take(self, one: Any) -> None:
        if one is None:
            return
        _, regions, distances = one
        self._review.walk.add_distances(regions, distances)
        self._measured()
        self._measure()

"""Agreement of any number of readers on the segmentation of one image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.agreement.segmentations.distance_distribution import (
    Pair,
    SurfaceDistances,
    one_empty,
    surface_agreement,
)
from AnnotationQACore.agreement.segmentations.empty_masks import Presence
from AnnotationQACore.agreement.segmentations.field_of_view import CommonView, on_common_view
from AnnotationQACore.agreement.segmentations.label_sources import (
    LabelSource,
    Place,
    Reading,
    as_sources,
    structures_of,
)
from AnnotationQACore.agreement.segmentations.overlap import (
    cohen_kappa,
    dice,
    fleiss_kappa,
    jaccard,
    label_kappa,
    precision,
    sensitivity,
    volume_similarity,
)
from AnnotationQACore.agreement.segmentations.runs import JointRuns, grouped, joint_runs
from AnnotationQACore.agreement.segmentations.segmentation_agreement import (
    Definition,
    LabelAgreement,
    PairAgreement,
    PairKappa,
    SegmentationAgreement,
    SurfaceAgreement,
)
from AnnotationQACore.agreement.segmentations.surfel_distance import SurfelGeometry, surfel_distances
from AnnotationQACore.agreement.segmentations.surfels import Majority, Structure
from AnnotationQACore.agreement.segmentations.windows import ONE_BOX, Extent, separate_boxes, spanned
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.segmentation import BoolArray

__all__ = ["CONSENSUS", "REFERENCE", "compare_masks", "compare_segmentations"]

REFERENCE = "reference"
CONSENSUS = "majority of the others"

_NOTHING = "no reader has any label: there was nothing to compare."


def compare_segmentations(
    readers: Mapping[str, Reading],
    grid: Grid | None = None,
    *,
    labels: Iterable[int | str] | None = None,
    tolerances_mm: Sequence[float] = (1.0, 2.0),
    definition: Definition | str = Definition.SURFEL,
    reference: Reading | None = None,
    against_consensus: bool = False,
    distances: bool = True,
    resample: bool = False,
    progress: Progress = silent,
) -> SegmentationAgreement:
    """Compare every two readers, and each with a reference and with the majority of the others, structure by structure.

    Parameters
    ----------
    readers : mapping of name to label map or Segmentation
        Two or more, or one and a reference. Label maps have shape (k, j, i) and hold whole numbers from zero. Among
        segmentations only, structures are matched by segment ID, else by label value. A value that does not occur in a
        label map is absent there; a segment that a segmentation does not list was not read.
    grid : Grid, optional
        Where the label maps lie; segmentations have their own.
    labels : iterable of int or str, optional
        Label values or segment IDs to compare; all without it.
    tolerances_mm : sequence of float
        Tolerances of the normalized surface Dice.
    definition : Definition or str
        Of the surface: ``surfel`` or ``subvoxel``.
    reference : label map or Segmentation, optional
        Reference standard.
    against_consensus : bool
        Whether to compare each reader with the strict majority of the others; a tie of the others is background.
    distances : bool
        Whether to measure surface distances; overlap alone needs a fraction of the time.
    resample : bool
        Whether segmentations on another lattice are resampled to that of the first reader, by the nearest neighbour;
        otherwise they are refused. Parts of one lattice need no resampling: what they have in common is compared.
    progress : Progress
        Called before each structure.

    Raises
    ------
    InputError
        Fewer than two readers, voxels that are no labels, or a tolerance that is negative or not finite.
    GridMismatch
        The segmentations do not lie on the same grid.
    """
    asked = _definition(definition)
    tolerances = _tolerances(tolerances_mm)
    everyone = _with_reference(readers, reference)
    view = on_common_view(as_sources(everyone, grid), resample)
    sources = view.sources
    names = [source.name for source in sources for _ in source.arrays]
    arrays = [array for source in sources for array in source.arrays]
    runs = joint_runs(arrays, names)
    common = _Common.of(view, arrays, runs, asked, tolerances, distances)
    structures = structures_of(sources, common.patterns, labels)
    results = {}
    for done, (key, places) in enumerate(structures.items()):
        progress(done, len(structures), key)
        title = next((source.names[key] for source in sources if key in source.names), key)
        results[key] = _compare_label(key, title, list(readers), places, against_consensus, common)
    progress(len(structures), len(structures))
    kappas, fleiss = _label_kappas(sources[: len(readers)], structures, common)
    return SegmentationAgreement(
        definition=asked,
        readers=tuple(readers),
        reference=None if reference is None else REFERENCE,
        labels=results,
        kappas=kappas,
        fleiss_kappa=fleiss,
        left_out_mm3=view.left_out_mm3,
        messages=(
            *view.messages,
            *((_NOTHING,) if labels is None and not results else ()),
            *_fallbacks(results.values()),
        ),
    )


def compare_masks(
    a: BoolArray,
    b: BoolArray,
    grid: Grid,
    *,
    tolerances_mm: Sequence[float] = (1.0, 2.0),
    definition: Definition | str = Definition.SURFEL,
) -> PairAgreement:
    """Compare two masks of shape (k, j, i); see `compare_segmentations`."""
    readers = {"a": np.asarray(a, dtype=np.bool_), "b": np.asarray(b, dtype=np.bool_)}
    result = compare_segmentations(readers, grid, labels=[1], tolerances_mm=tolerances_mm, definition=definition)
    return result.labels["1"].pairs[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """What is the same for all structures of an image.

    Attributes
    ----------
    patterns, counts : int64 arrays, shapes (pattern, label array) and (pattern,)
        Values that occur together, and on how many voxels that all readers saw.
    runs_of : list of int64 arrays or None
        For each pattern its runs; None where structures are not searched for: in small images.
    n_voxels : int
        Voxels that all readers saw.
    voxel_volume : float
        In mm³.
    """

    arrays: Sequence[NDArray[np.generic]]
    runs: JointRuns
    runs_of: Sequence[NDArray[np.int64]] | None
    patterns: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_voxels: int
    voxel_volume: float
    definition: Definition
    tolerances: tuple[float, ...]
    geometry: SurfelGeometry | None

    @classmethod
    def of(
        cls,
        view: CommonView,
        arrays: Sequence[NDArray[np.generic]],
        runs: JointRuns,
        definition: Definition,
        tolerances: tuple[float, ...],
        distances: bool,
    ) -> _Common:
        patterns, counts, of_run = runs.patterns()
        if view.n_unseen:
            # What not all readers saw is background in all label arrays; it is no agreement.
            counts[~patterns.any(axis=1)] -= view.n_unseen
        return cls(
            arrays=arrays,
            runs=runs,
            runs_of=grouped(of_run, len(patterns)) if distances and math.prod(runs.shape) > ONE_BOX else None,
            patterns=patterns,
            counts=counts,
            n_voxels=int(counts.sum()),
            voxel_volume=view.grid.voxel_volume,
            definition=definition,
            tolerances=tolerances,
            geometry=SurfelGeometry.of(view.grid) if distances else None,
        )

    def boxes(self, decisions: BoolArray, gap: tuple[int, int, int]) -> list[Extent]:
        """Boxes that hold all voxels of some masks, `gap` layers apart; `decisions` has shape (pattern, mask)."""
        if not decisions.any():
            return []
        if self.runs_of is None:
            k, j, i = self.runs.shape
            return [((0, k), (0, j), (0, i))]
        held = np.flatnonzero(np.any(decisions, axis=1)).tolist()
        runs = np.concatenate([self.runs_of[pattern] for pattern in held])
        return separate_boxes(self.runs.extents(runs), gap)


def _compare_label(
    key: str,
    name: str,
    readers: Sequence[str],
    places: Mapping[str, Place],
    against_consensus: bool,
    common: _Common,
) -> LabelAgreement:
    """Compare the masks of one structure: those of the readers, the reference, and majorities of other readers."""
    read_by = [reader for reader in readers if reader in places]
    masks = [*read_by, *([REFERENCE] if REFERENCE in places else [])]
    n_readers, n_structures = len(read_by), len(masks)
    majorities = _majorities(n_readers) if against_consensus else []
    masks += [CONSENSUS] * len(majorities)

    among_readers = list(combinations(range(n_readers), 2))
    with_reference = [(reader, n_readers) for reader in range(n_readers)] if n_structures > n_readers else []
    with_consensus = [(reader, n_structures + reader) for reader in range(len(majorities))]
    wanted = among_readers + with_reference + with_consensus

    placed = [places[mask] for mask in masks[:n_structures]]
    decisions = _decisions(placed, majorities, common)
    confusions = _confusions(decisions, wanted, common)
    surfaces, too_thin = _surfaces(placed, majorities, wanted, decisions, common)

    def agreements(pairs: Sequence[Pair]) -> tuple[PairAgreement, ...]:
        return tuple(
            _pair_agreement((masks[a], masks[b]), confusions[a, b], surfaces.get((a, b)), common.voxel_volume)
            for a, b in pairs
        )

    return LabelAgreement(
        label=key,
        name=name,
        pairs=agreements(among_readers),
        against_reference=agreements(with_reference),
        against_consensus=agreements(with_consensus),
        fleiss_kappa=_fleiss_kappa([confusions[pair] for pair in among_readers], n_readers),
        not_read=tuple(reader for reader in readers if reader not in places),
        too_thin=too_thin,
    )


def _majorities(n_readers: int) -> list[Majority]:
    """For each reader the majority of the others; none when nobody else read the structure."""
    if n_readers < 2:
        return []
    return [Majority(tuple(other for other in range(n_readers) if other != reader)) for reader in range(n_readers)]


def _decisions(places: Sequence[Place], majorities: Sequence[Majority], common: _Common) -> BoolArray:
    """Whether each mask has the voxels of each pattern, shape (pattern, mask)."""
    decisions = np.empty((len(common.patterns), len(places) + len(majorities)), dtype=np.bool_)
    for mask, (source, value) in enumerate(places):
        decisions[:, mask] = common.patterns[:, source] == value
    for mask, majority in enumerate(majorities, start=len(places)):
        decisions[:, mask] = 2 * decisions[:, majority.of].sum(axis=1) > len(majority.of)
    return decisions


def _confusions(decisions: BoolArray, pairs: Iterable[Pair], common: _Common) -> dict[Pair, Confusion]:
    """Confusion of each pair of masks; `decisions` has shape (pattern, mask)."""
    shared = ((decisions.T * common.counts) @ decisions).tolist()

    def confusion(a: int, b: int) -> Confusion:
        both, in_a, in_b = shared[a][b], shared[a][a], shared[b][b]
        return Confusion(both, in_a - both, in_b - both, common.n_voxels - in_a - in_b + both)

    return {(a, b): confusion(a, b) for a, b in pairs}


def _fleiss_kappa(confusions: Sequence[Confusion], n_readers: int) -> float | None:
    """Of readers of whom each two have a confusion, in the order of `itertools.combinations`."""
    if n_readers < 2:
        return None
    in_each = [confusions[0].in_a, *(confusion.in_b for confusion in confusions[: n_readers - 1])]
    votes = [(voxels, confusions[0].total - voxels) for voxels in in_each]
    return fleiss_kappa(sum(confusion.both + confusion.neither for confusion in confusions), votes)


def _surfaces(
    places: Sequence[Place],
    majorities: Sequence[Majority],
    pairs: Sequence[Pair],
    decisions: BoolArray,
    common: _Common,
) -> tuple[dict[Pair, SurfaceAgreement], bool]:
    """Surface figures of all pairs that have any; whether the structure is too thin for the definition asked for."""
    if common.geometry is None or not pairs:
        return {}, False
    structures = [Structure(common.arrays[source], value) for source, value in places]
    boxes = common.boxes(decisions[:, : len(places)], common.geometry.gap)
    smooth = None
    if common.definition is Definition.SUBVOXEL and boxes:
        from AnnotationQACore.agreement.segmentations.subvoxel_distance import subvoxel_distances  # loads scipy

        mm_from_index = common.geometry.mm_from_index
        smooth = subvoxel_distances(structures, majorities, pairs, spanned(boxes), mm_from_index)
    measured = smooth or surfel_distances(structures, majorities, pairs, boxes, common.geometry)
    used = Definition.SURFEL if smooth is None else Definition.SUBVOXEL
    figures = {pair: _surface(pair, measured, common.tolerances, used) for pair in pairs}
    too_thin = used is not common.definition and bool(boxes)
    return {pair: surface for pair, surface in figures.items() if surface is not None}, too_thin


def _surface(
    pair: Pair, measured: SurfaceDistances, tolerances: Sequence[float], definition: Definition
) -> SurfaceAgreement | None:
    """Figures of one pair; None when both masks are empty."""
    a, b = pair
    if (a, b) in measured.distances:
        return surface_agreement(measured.distances[a, b], measured.distances[b, a], tolerances, definition)
    area_a, area_b = (measured.areas[mask] or None for mask in pair)
    if area_a is None and area_b is None:
        return None
    return one_empty(area_a, area_b, tolerances, definition)


def _pair_agreement(
    names: tuple[str, str], confusion: Confusion, surface: SurfaceAgreement | None, voxel_volume: float
) -> PairAgreement:
    return PairAgreement(
        a=names[0],
        b=names[1],
        state=Presence.of(confusion.in_a, confusion.in_b),
        confusion=confusion,
        dice=dice(confusion),
        jaccard=jaccard(confusion),
        volume_similarity=volume_similarity(confusion),
        sensitivity=sensitivity(confusion),
        precision=precision(confusion),
        kappa=cohen_kappa(confusion),
        volume_a_mm3=confusion.in_a * voxel_volume,
        volume_b_mm3=confusion.in_b * voxel_volume,
        surface=surface,
    )


def _label_kappas(
    readers: Sequence[LabelSource], structures: Mapping[str, Mapping[str, Place]], common: _Common
) -> tuple[tuple[PairKappa, ...], float | None]:
    """Kappas over all structures at once, of readers who read them all and let none overlap."""
    complete = [
        reader
        for reader in readers
        if len(reader.arrays) == 1 and all(reader.name in places for places in structures.values())
    ]
    categories = np.zeros((len(complete), len(common.patterns)), dtype=np.int64)
    for category, places in enumerate(structures.values(), start=1):
        for given, reader in zip(categories, complete, strict=True):
            source, value = places[reader.name]
            given[common.patterns[:, source] == value] = category
    votes = [
        np.bincount(given, weights=common.counts, minlength=len(structures) + 1).astype(np.int64).tolist()
        for given in categories
    ]
    agreed = {
        (a, b): int(common.counts @ (categories[a] == categories[b])) for a, b in combinations(range(len(complete)), 2)
    }
    pairs = tuple(
        PairKappa(complete[a].name, complete[b].name, label_kappa(voxels, votes[a], votes[b]))
        for (a, b), voxels in agreed.items()
    )
    everyone = len(complete) == len(readers) > 1
    return pairs, fleiss_kappa(sum(agreed.values()), votes) if everyone else None


def _fallbacks(labels: Iterable[LabelAgreement]) -> Iterator[str]:
    """What to say of structures that the sub-voxel definition cannot measure."""
    for label in labels:
        if label.too_thin:
            yield f"{label.label}: too thin for the sub-voxel definition; its distances are by the surfel definition."


def _with_reference(readers: Mapping[str, Reading], reference: Reading | None) -> dict[str, Reading]:
    if REFERENCE in readers or CONSENSUS in readers:
        raise InputError(f"agreement: a reader cannot be called '{REFERENCE}' or '{CONSENSUS}'; choose another name.")
    everyone = dict(readers) if reference is None else {**readers, REFERENCE: reference}
    if not readers or len(everyone) < 2:
        raise InputError(f"agreement: {len(readers)} reader(s) cannot be compared; give two or more, or a reference.")
    return everyone


def _definition(definition: Definition | str) -> Definition:
    try:
        return Definition(definition)
    except ValueError:
        choices = ", ".join(f"'{choice.value}'" for choice in Definition)
        raise InputError(f"definition: '{definition}' is unknown; choose one of {choices}.") from None


def _tolerances(tolerances_mm: Sequence[float]) -> tuple[float, ...]:
    tolerances = tuple(dict.fromkeys(map(float, tolerances_mm)))
    if not all(math.isfinite(tolerance) and tolerance >= 0 for tolerance in tolerances):
        raise InputError(f"tolerances: {list(tolerances)} mm; each must be a finite number that is not negative.")
    return tolerances

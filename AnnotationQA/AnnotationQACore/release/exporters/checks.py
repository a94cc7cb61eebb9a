"""What keeps a dataset from being written, common to several formats; one line each, with case and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from AnnotationQACore.errors import InputError
from AnnotationQACore.release.exporting import Dataset, ReadingKind, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable, label_table, overlap_problem, shared_voxels
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import chosen_roles, volume_problem

__all__ = [
    "array_format_problems",
    "array_problems",
    "case_problems",
    "common_channels",
    "label_problems",
    "probability_problems",
    "series_problems",
    "sheared_problems",
]


def array_format_problems(dataset: Dataset, options: ExportOptions) -> list[str]:
    """Problems of a format that holds any arrays: channels alike in all cases, layers, instances, probabilities."""
    return [
        *case_problems(dataset),
        *series_problems(dataset, options),
        *array_problems(dataset, options),
        *common_channels(dataset, options)[1],
        *label_problems(dataset, options, layered=options.labels.overlaps == "layers"),
    ]


def case_problems(dataset: Dataset) -> Iterator[str]:
    """Cases without patient, readings without name, cases named alike."""
    if not dataset.cases:
        yield "the dataset has no cases; widen the filters, or import cases."
    for case in dataset.cases:
        if not case.patient:
            yield f"case {case.id}: has no patient identifier; give a pseudonym, so that no patient is in two splits."
        if not case.readings:
            yield f"case {case.id}: has no reading; accept or adjudicate it, or exclude it with a reason."
    ids = sorted(case.id for case in dataset.cases)
    yield from (f"case {a}: is there twice; keep one." for a, b in pairwise(ids) if a == b)
    lowered = {case.id.lower() for case in dataset.cases}
    if len(lowered) < len(set(ids)):
        yield "two cases have IDs that differ in capitals only, which some file systems take for one; rename one."


def series_problems(dataset: Dataset, options: ExportOptions) -> Iterator[str]:
    """Series that the protocol does not have."""
    known = [role.id for role in dataset.protocol.imaging.series]
    for place, role in enumerate(options.series):
        if role not in known and not any(case.image(role) for case in dataset.cases):
            yield f"export options: series[{place}]: '{role}' is no series of the protocol; it has {', '.join(known)}."


def array_problems(dataset: Dataset, options: ExportOptions) -> Iterator[str]:
    """Series that are no 3D volume."""
    for case in dataset.cases:
        roles = chosen_roles(case, dataset.protocol, options)
        if not roles:
            yield f"case {case.id}: has no images at hand; give them, or export tables."
        yield from filter(None, (volume_problem(case, role) for role in roles))


def sheared_problems(dataset: Dataset, options: ExportOptions, why: str) -> Iterator[str]:
    """Series with gantry tilt, for formats or readers that know no sheared axes."""
    if options.resampling is not None:
        return
    for case in dataset.cases:
        for role in chosen_roles(case, dataset.protocol, options):
            image = case.image(role)
            if image is not None and image.facts.geometry == "sheared":
                yield (
                    f"case {case.id}: series '{role}' has a gantry tilt, which {why}; "
                    "give a resampling, which straightens it."
                )


def label_problems(
    dataset: Dataset, options: ExportOptions, *, layered: bool, consecutive: bool = False, has_layers: bool = True
) -> Iterator[str]:
    """Label options that do not fit the protocol, and labels that share voxels where there are no layers.

    `has_layers` says whether the format knows layers at all, so that the remedy does not name what cannot be.
    """
    try:
        table = label_table(dataset.protocol, options.labels, consecutive=consecutive)
    except InputError as error:
        yield str(error)
        return
    for case in dataset.cases:
        yield from _overlaps(case, table, layered, has_layers)


def _overlaps(case: ReleaseCase, table: LabelTable, layered: bool, has_layers: bool) -> Iterator[str]:
    for reading in case.readings:
        if reading.kind is ReadingKind.PROBABILITY:
            continue
        try:
            segmentation = reading.segmentation()
            pairs = [] if segmentation is None else shared_voxels(segmentation, table, case.id)
        except InputError as error:
            yield str(error)
            continue
        if pairs and not layered:
            yield overlap_problem(f"{case.id}, reading '{reading.name}'", pairs, has_layers=has_layers)


def probability_problems(dataset: Dataset, fmt: str) -> Iterator[str]:
    """Probability maps, for formats that hold none."""
    if any(one.kind is ReadingKind.PROBABILITY for case in dataset.cases for one in case.readings):
        yield (f"{fmt} holds no probability maps; leave 'probability' out of the readings, or take bids, npz or zarr.")


def common_channels(dataset: Dataset, options: ExportOptions) -> tuple[tuple[str, ...], list[str]]:
    """Roles that are the channels of every case, and the cases that lack one."""
    roles: tuple[str, ...] = options.series
    if not roles:
        present = {image.role for case in dataset.cases for image in case.images}
        ordered = [role.id for role in dataset.protocol.imaging.series if role.id in present]
        reference = dataset.protocol.imaging.reference_series
        roles = tuple(sorted(ordered, key=lambda role: role != reference))
    problems = []
    for case in dataset.cases:
        lacking = [role for role in roles if case.image(role) is None]
        if lacking:
            problems.append(
                f"case {case.id}: lacks the series {', '.join(lacking)}, and every case has the same channels; "
                "choose series that all have (series), or leave the case out."
            )
    return roles, problems

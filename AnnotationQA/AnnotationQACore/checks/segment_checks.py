"""Whether segments are plausible: present or absent as said, of plausible size and place, whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from AnnotationQACore.checks.context import CheckContext, inner_position, problem_of
from AnnotationQACore.checks.derived_measurements import cropped_like
from AnnotationQACore.checks.limit_words import DIAMETER, VOLUME, limit_words, outside_limit
from AnnotationQACore.checks.plain_answers import plain_values
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity, Spot
from AnnotationQACore.checks.quick_shapes import pieces, quick_plane_diameters
from AnnotationQACore.errors import InputError
from AnnotationQACore.measure.size import voxel_volume
from AnnotationQACore.project.answers import Presence, SegmentationValue, Subject
from AnnotationQACore.protocol.conditions import condition_holds
from AnnotationQACore.protocol.limits import Inside, Limit
from AnnotationQACore.protocol.model import Segmentation
from AnnotationQACore.segmentation import BoolArray, Mask
from AnnotationQACore.wording import Wording, worded

__all__ = ["may_overlap", "outside_of", "segment_problems"]

_PRESENCES = {Presence.ABSENT: worded("absent"), Presence.NOT_ASSESSABLE: worded("not assessable")}
"""What must not have voxels."""


def segment_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Problems of all segments."""
    yield from _foreign(context)
    for item in context.protocol.segmentations:
        yield from _presence(context, item)
        for segment in context.segment_ids(item.id):
            subject = _subject(context, item, segment)
            mask = context.regions.mask(segment) if context.regions is not None else None
            if mask is not None:
                yield from _one(context, item, subject, mask)
    yield from _overlaps(context)


def _foreign(context: CheckContext) -> Iterator[ReadingProblem]:
    if context.regions is None:
        return
    items = {item.id: item for item in context.protocol.segmentations}
    for segment in context.regions.segmentation.segments:
        name, mark, number = segment.id.partition("#")
        item = items.get(name)
        if item is None or bool(mark) != item.instances or (mark and not number.isdecimal()):
            mask = context.regions.mask(segment.id)
            spot = Spot(inner_position(mask)) if mask is not None else None
            wording = worded(
                "segment '{name}': is not of the protocol; copy its voxels into the segment they belong to, "
                "and remove it.",
                name=segment.name,
            )
            yield ReadingProblem("", CheckKind.SEGMENTS, Severity.ERROR, wording, spot)


def _subject(context: CheckContext, item: Segmentation, segment: str) -> Subject:
    """Subject of the answer about a segment, or what it would be."""
    known = [a.subject for a in context.answers_to(item.id) if a.segment_id == segment]
    if known:
        return known[0]
    number = segment.partition("#")[2]
    base = context.base_subject(item)
    return Subject(base.series, base.image, base.frame, int(number) if number.isdecimal() else None)


def _presence(context: CheckContext, item: Segmentation) -> Iterator[ReadingProblem]:
    """Voxels of what is said to be absent, nothing of what is said to be present, and limits on the number."""
    role = context.role(item)
    drawn = list(context.segment_ids(item.id))
    for answer in context.answers_to(item.id):
        if not isinstance(answer.value, SegmentationValue) or item.composed:
            continue
        presence = answer.value.presence
        several = item.instances and answer.subject.instance is None
        own = drawn if several else [segment for segment in drawn if segment == answer.segment_id]
        title = context.title(item, answer.subject)
        if presence in _PRESENCES and own:
            template = "{title}: is said to be {presence}, but has voxels; remove them, or take the answer back."
            wording = worded(template, title=title, presence=_PRESENCES[presence])
            spot = _spot_of(context, own[0], role)
            yield problem_of(item, CheckKind.PRESENCE, Severity.ERROR, wording, answer.subject, spot)
        if presence == Presence.PRESENT and not own:
            wording = worded("{title}: is said to be present, but has no voxels; draw it.", title=title)
            yield problem_of(item, CheckKind.PRESENCE, Severity.ERROR, wording, answer.subject)
    if item.instances and context.regions is not None:
        said = {answer.segment_id for answer in context.answers_to(item.id)}
        for segment in context.regions.of_item(item.id):
            if segment not in drawn and segment not in said and "#" in segment:
                subject = _subject(context, item, segment)
                title = context.title(item, subject)
                wording = worded("{title}: has no voxels; draw it, or remove it.", title=title)
                yield problem_of(item, CheckKind.PRESENCE, Severity.ERROR, wording, subject)
    if drawn and item.limits.empty_when is not None:
        values = plain_values(context.protocol, context.reading.answers)
        if condition_holds(item.limits.empty_when, values):
            template = "{title}: must not be drawn, as other answers say; remove the voxels, or correct those."
            wording = worded(template, title=item.title)
            spot = _spot_of(context, drawn[0], role)
            yield problem_of(item, CheckKind.PRESENCE, Severity.ERROR, wording, context.base_subject(item), spot)
    count = item.limits.count
    said_absent = SegmentationValue(Presence.ABSENT) in [answer.value for answer in context.answers_to(item.id)]
    is_read = bool(drawn or context.answers_to(item.id))
    if count is not None and is_read and not (said_absent and not drawn) and not count.allows(len(drawn)):
        template = "{title}: {number} are drawn; plausible is {limit}."
        wording = worded(template, title=item.title, number=len(drawn), limit=limit_words(count))
        yield problem_of(item, CheckKind.COUNT, count.severity, wording, context.base_subject(item))


def _one(context: CheckContext, item: Segmentation, subject: Subject, mask: Mask) -> Iterator[ReadingProblem]:
    title, role, limits = context.title(item, subject), context.role(item), item.limits
    middle = Spot(inner_position(mask), role)
    if limits.volume_ml is not None:
        volume = voxel_volume(mask) / 1000.0
        yield from _limited(item, subject, title, VOLUME, volume, "ml", limits.volume_ml, middle)
    if limits.longest_diameter_mm is not None:
        diameters = quick_plane_diameters(mask)
        if diameters is not None:
            ends = np.mean(diameters.longest.ends, axis=0).tolist()
            spot = Spot((ends[0], ends[1], ends[2]), role)
            length = diameters.longest.length_mm
            yield from _limited(item, subject, title, DIAMETER, length, "mm", limits.longest_diameter_mm, spot)
    if limits.mean_intensity is not None:
        mean = _mean(context, item, subject, mask)
        if mean is not None:
            what = worded("its mean value")
            yield from _limited(item, subject, title, what, mean, "", limits.mean_intensity, middle)
    if not limits.skipped_slices:
        yield from _skipped(item, subject, title, mask, role)
    if limits.max_components is not None:
        yield from _islands(item, subject, title, mask, role, limits.max_components)
    inside = limits.inside
    if inside is not None:
        yield from _inside(context, item, subject, title, mask, inside)


def _limited(
    item: Segmentation,
    subject: Subject,
    title: str,
    what: Wording,
    value: float,
    unit: str,
    limit: Limit,
    spot: Spot,
) -> Iterator[ReadingProblem]:
    if not limit.allows(value):
        wording = outside_limit(title, what, value, unit, limit)
        yield problem_of(item, CheckKind.LIMIT, limit.severity, wording, subject, spot)


def _mean(context: CheckContext, item: Segmentation, subject: Subject, mask: Mask) -> float | None:
    image = context.image(item)
    if image is None or not image.volumes:
        return None
    volume = image.volumes[min(subject.frame or 1, len(image.volumes)) - 1]
    try:
        part = cropped_like(volume, mask)
    except InputError:  # another grid; told elsewhere
        return None
    mean = _masked_mean(part.voxels, mask.voxels)
    return None if mean is None else mean * (image.suv_factor or 1.0)


def _masked_mean(values: NDArray[np.generic], mask: BoolArray) -> float | None:
    """Mean of the finite values under a mask; None when there are none, or they are no numbers."""
    if values.dtype.kind in "iu":  # a sum over the whole box is faster than picking the values
        count = int(np.count_nonzero(mask))
        total = np.multiply(values, mask, dtype=values.dtype).sum(dtype=np.int64)
        return float(total) / count if count else None
    if values.dtype.kind not in "bf":
        return None
    picked = values[mask]
    finite = picked[np.isfinite(picked)] if values.dtype.kind == "f" else picked
    return float(finite.mean(dtype=np.float64)) if len(finite) else None


def _skipped(item: Segmentation, subject: Subject, title: str, mask: Mask, role: str) -> Iterator[ReadingProblem]:
    """Slices without voxels inside a connected stretch that would be whole with them.

    A gap between two separate pieces is no skipped slice when the structure may have several; here every gap counts,
    and the protocol says with `skipped_slices` where gaps are plausible.
    """
    filled = mask.voxels.any(axis=(1, 2))
    gaps = np.flatnonzero(~filled)  # the mask is cropped, so that its first and last slices have voxels
    if not len(gaps):
        return
    first = int(gaps[0])
    rows, columns = np.nonzero(mask.voxels[first - 1])
    x, y, z = mask.grid.to_world((first, int(np.median(rows)), int(np.median(columns)))).tolist()
    slices = worded("1 slice") if len(gaps) == 1 else worded("{number} slices", number=len(gaps))
    template = "{title}: {slices} inside it without voxels; fill them, or check that they are meant to be empty."
    wording = worded(template, title=title, slices=slices)
    yield problem_of(item, CheckKind.SKIPPED_SLICES, Severity.WARNING, wording, subject, Spot((x, y, z), role))


def _islands(
    item: Segmentation, subject: Subject, title: str, mask: Mask, role: str, allowed: int
) -> Iterator[ReadingProblem]:
    found = pieces(mask.voxels)
    if len(found) <= allowed:
        return
    size, index = found[0]
    x, y, z = mask.grid.to_world(index).tolist()
    wording = worded(
        "{title}: consists of {number} pieces, plausible is at most {allowed}; the smallest has {size} voxels. "
        "Remove stray islands, or check them.",
        title=title,
        number=len(found),
        allowed=allowed,
        size=size,
    )
    spot = Spot((x, y, z), role)
    yield problem_of(item, CheckKind.ISLANDS, Severity.WARNING, wording, subject, spot)


def _inside(
    context: CheckContext, item: Segmentation, subject: Subject, title: str, mask: Mask, inside: Inside
) -> Iterator[ReadingProblem]:
    parent = context.protocol.item(inside.item)
    outside = outside_of(context, inside, mask)
    if outside is None or not outside.any():
        return
    part = Mask(outside, mask.grid)
    wording = worded(
        "{title}: {number} of its voxels lie outside {parent}; correct one of the two.",
        title=title,
        number=int(np.count_nonzero(outside)),
        parent=parent.title,
    )
    spot = Spot(inner_position(part), context.role(item))
    yield problem_of(item, CheckKind.INSIDE, inside.severity, wording, subject, spot)


def outside_of(context: CheckContext, inside: Inside, mask: Mask) -> BoolArray | None:
    """Voxels of a mask farther outside of the enclosing structure than the margin; None while that is not drawn."""
    if context.regions is None:
        return None
    segments = list(context.segment_ids(inside.item))
    if not segments:
        return None
    image = context.regions.segmentation.grid
    reach = np.ceil(inside.margin_mm / np.array(mask.grid.spacing)).astype(int)
    start = np.rint(image.to_index(mask.grid.origin)).astype(int)
    low = np.maximum(start - reach, 0)
    high = np.minimum(start + mask.grid.shape + reach, image.shape)
    around = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    enclosing = np.zeros([int(b - a) for a, b in zip(low, high, strict=True)], dtype=bool)
    for segment in segments:
        described = next(s for s in context.regions.segmentation.segments if s.id == segment)
        enclosing |= context.regions.segmentation.layers[described.layer][around] == described.value
    own = tuple(slice(int(a), int(a) + size) for a, size in zip(start - low, mask.grid.shape, strict=True))
    outside: BoolArray = mask.voxels & ~enclosing[own]
    if inside.margin_mm == 0 or not outside.any() or not enclosing.any():
        return outside
    distance = distance_transform_edt(~enclosing, sampling=mask.grid.spacing)
    farther: BoolArray = outside & (distance[own] > inside.margin_mm + 1e-6)
    return farther


def _overlaps(context: CheckContext) -> Iterator[ReadingProblem]:
    """Voxels shared by segments that may not overlap; within a layer nothing can."""
    if context.regions is None or len(context.regions.segmentation.layers) < 2:
        return
    layer_of = {s.id: s.layer for s in context.regions.segmentation.segments}
    segments = [
        (item, segment)
        for item in context.protocol.segmentations
        if not item.composed
        for segment in context.segment_ids(item.id)
    ]
    for (first, a), (second, b) in combinations(segments, 2):
        if layer_of[a] == layer_of[b] or may_overlap(first, second):
            continue
        shared = _shared(context, a, b)
        if shared is None:
            continue
        subject = _subject(context, second, b)
        wording = worded(
            "{first} and {second} share {number} voxels; the protocol does not allow it. Give them to one of the two.",
            first=context.title(first, _subject(context, first, a)),
            second=context.title(second, subject),
            number=int(np.count_nonzero(shared.voxels)),
        )
        spot = Spot(inner_position(shared), context.role(second))
        yield problem_of(second, CheckKind.OVERLAP, Severity.ERROR, wording, subject, spot)


def may_overlap(first: Segmentation, second: Segmentation) -> bool:
    """Whether two segmentations may share voxels; naming it on one of the two is enough."""
    if (first.series, first.frame) != (second.series, second.frame):
        return True  # they lie beside each other in time
    return second.id in first.may_overlap or first.id in second.may_overlap


def _shared(context: CheckContext, a: str, b: str) -> Mask | None:
    if context.regions is None:
        return None
    first, second = context.regions.region(a), context.regions.region(b)
    if first is None or second is None:
        return None
    common = tuple(slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(first, second, strict=True))
    if any(axis.start >= axis.stop for axis in common):
        return None
    region = (common[0], common[1], common[2])
    source = context.regions.segmentation
    described = {s.id: s for s in source.segments}
    voxels = (source.layers[described[a].layer][region] == described[a].value) & (
        source.layers[described[b].layer][region] == described[b].value
    )
    return Mask(voxels, source.grid.cropped(region)) if voxels.any() else None


def _spot_of(context: CheckContext, segment: str, role: str) -> Spot | None:
    mask = context.regions.mask(segment) if context.regions is not None else None
    return Spot(inner_position(mask), role) if mask is not None else None

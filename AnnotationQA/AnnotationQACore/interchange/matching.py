"""What was read from files of others, matched to the items of a protocol, with every mismatch listed.

Codes are compared by scheme and value (meanings vary between vendors and languages); words without regard to case,
punctuation and spaces. Nothing is guessed: what fits several items fits none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from AnnotationQACore.interchange.coded import UNCODED, same_concept
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

__all__ = ["MatchedSegmentation", "as_in_protocol", "match_segments", "plain_words"]

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSegmentation:
    """Segments that the protocol asks for.

    Attributes
    ----------
    segmentation : Segmentation
        The matched segments, with ID (``item`` or ``item#2``), name, colour and codes of the protocol; voxels of others
        are left where they are, but no segment names them.
    sources : mapping of str to str
        ID in the file, for each ID in the protocol.
    mismatches : tuple of str
        One line for each segment that matches no item, item without a segment, and disagreement between codes.
    """

    segmentation: Segmentation
    sources: Mapping[str, str]
    mismatches: tuple[str, ...]


def match_segments(
    segmentation: Segmentation, protocol: Protocol, mapping: Mapping[str, str] = _NOTHING
) -> MatchedSegmentation:
    """Match segments to the segmentation items of a protocol.

    A segment is matched by the first of these that decides: the mapping; its ID; its codes (type, then region and
    laterality where several items share the type); its name; its label value, where the file has no names.

    Parameters
    ----------
    segmentation : Segmentation
    protocol : Protocol
    mapping : mapping of str to str, optional
        Item ID (``item`` or ``item#2``) for the ID, name or label value of a segment.
    """
    items = {item.id: item for item in protocol.segmentations}
    found: list[tuple[Segment, str, int | None]] = []
    mismatches: list[str] = []
    for segment in segmentation.segments:
        target = _target(segment, items, mapping)
        if isinstance(target, str):
            mismatches.append(target)
        else:
            found.append((segment, *target))
    matched, sources = [], {}
    for item_id, item in items.items():
        members = [(segment, number) for segment, chosen, number in found if chosen == item_id]
        if not members and item.required and item.when is None:
            mismatches.append(f"item '{item_id}': the file has no segment for it.")
        if len(members) > 1 and not item.instances:
            names = ", ".join(f"'{segment.name}'" for segment, _ in members)
            mismatches.append(f"item '{item_id}': several segments match it ({names}); name the one in the mapping.")
            continue
        for segment, number in _numbered(members) if item.instances else [(s, None) for s, _ in members]:
            new = as_in_protocol(segment, item, number)
            if new.id in sources:
                mismatches.append(f"segment '{segment.name}': is the second for '{new.id}'; number the instances.")
                continue
            mismatches += _code_differences(segment, new)
            sources[new.id] = segment.id
            matched.append(new)
    result = Segmentation(segmentation.layers, segmentation.grid, tuple(matched))
    return MatchedSegmentation(result, sources, tuple(mismatches))


def plain_words(text: str) -> str:
    """Text without case, punctuation and spaces, for comparison."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _target(
    segment: Segment, items: Mapping[str, SegmentationItem], mapping: Mapping[str, str]
) -> tuple[str, int | None] | str:
    """Item and instance number, or why there is none."""
    for key in (segment.id, segment.name, str(segment.value)):
        if key in mapping:
            item_id, _, number = mapping[key].partition("#")
            if item_id not in items:
                return f"mapping of '{key}': the protocol has no segmentation '{item_id}'; correct the mapping."
            return item_id, int(number) if number.isdigit() and int(number) else None
    item_id, _, number = segment.id.partition("#")
    if item_id in items:
        return item_id, int(number) if number.isdigit() and int(number) else None
    by_code = _by_code(segment, items)
    by_name = [item_id for item_id, item in items.items() if _is_named(segment.name, item)]
    candidates = by_code if len(by_code) == 1 or not by_name else [i for i in by_name if not by_code or i in by_code]
    if not candidates and segment.id == f"label-{segment.value}":  # a file without names
        by_value = [item_id for item_id, item in items.items() if item.label_value == segment.value]
        if by_value:
            return by_value[0], None
    if len(candidates) == 1:
        return candidates[0], _trailing_number(segment.name)
    if candidates:
        return f"segment '{segment.name}': matches several items ({', '.join(candidates)}); name one in the mapping."
    code = f" ({segment.type.scheme} {segment.type.value})" if segment.type else ""
    return f"segment '{segment.name}'{code}: matches no item of the protocol; name one in the mapping."


def _by_code(segment: Segment, items: Mapping[str, SegmentationItem]) -> list[str]:
    if segment.type is None or same_concept(segment.type, UNCODED):
        return []
    found = [
        item_id
        for item_id, item in items.items()
        if any(same_concept(segment.type, code) for code in (item.codes.type, *item.codes.equivalent) if code)
    ]
    exact = [item_id for item_id in found if all(_same(*pair) for pair in _places(segment, items[item_id]))]
    possible = [item_id for item_id in found if not any(_differ(*pair) for pair in _places(segment, items[item_id]))]
    return exact or possible


def _places(segment: Segment, item: SegmentationItem) -> list[tuple[Code | None, Code | None]]:
    """What narrows the type down, in the file and in the protocol."""
    codes = item.codes
    return [
        (segment.type_modifier, codes.type_modifier),
        (segment.region, codes.region),
        (segment.region_modifier, codes.region_modifier or codes.laterality),
    ]


def _same(theirs: Code | None, ours: Code | None) -> bool:
    return (theirs is None and ours is None) or (theirs is not None and ours is not None and same_concept(theirs, ours))


def _differ(theirs: Code | None, ours: Code | None) -> bool:
    return theirs is not None and ours is not None and not same_concept(theirs, ours)


def _is_named(name: str, item: SegmentationItem) -> bool:
    words = {plain_words(text) for text in (item.id, item.title, *item.synonyms)}
    plain = plain_words(name)
    return plain in words or (item.instances and re.sub(r"\d+$", "", plain) in words)


def _trailing_number(name: str) -> int | None:
    match = re.search(r"(\d{1,6})\s*$", name)
    return int(match[1]) or None if match else None


def _numbered(members: Sequence[tuple[Segment, int | None]]) -> list[tuple[Segment, int | None]]:
    """Instance numbers as the file gives them, else in order."""
    numbers = [number for _, number in members]
    if None not in numbers and len(set(numbers)) == len(numbers):
        return list(members)
    return [(segment, place) for place, (segment, _) in enumerate(members, start=1)]


def as_in_protocol(segment: Segment, item: SegmentationItem, number: int | None) -> Segment:
    """Give a segment the ID, name, colour and codes that the protocol has for the item (or its instance `number`)."""
    codes = item.codes
    return replace(
        segment,
        id=item.id if number is None else f"{item.id}#{number}",
        name=item.title if number is None else f"{item.title} {number}",
        color=item.rgb,
        category=codes.category or segment.category,
        type=codes.type or segment.type,
        type_modifier=codes.type_modifier or segment.type_modifier,
        region=codes.region or segment.region,
        region_modifier=codes.region_modifier or codes.laterality or segment.region_modifier,
    )


def _code_differences(segment: Segment, matched: Segment) -> list[str]:
    differences = []
    for name in ("type", "region"):
        theirs, ours = getattr(segment, name), getattr(matched, name)
        if _differ(theirs, ours) and not same_concept(theirs, UNCODED):
            what = f"{theirs.scheme} {theirs.value} in the file, {ours.scheme} {ours.value} in the protocol"
            differences.append(
                f"segment '{segment.name}': its {name} is {what}; matched to '{matched.id}' by its name."
            )
    return differences

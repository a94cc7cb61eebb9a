"""How an object was spliced, for the next one of its layout, which mostly differs in few elements."""

import re
from collections import Counter
from dataclasses import dataclass, field

from DeidentifyStudyCore.dicom.codestream import Piece
from DeidentifyStudyCore.dicom.dictionary import is_private_creator
from DeidentifyStudyCore.dicom.elements import Elements
from DeidentifyStudyCore.dicom.layouts import Layout
from DeidentifyStudyCore.dicom.pixeldata import Generated, Masked, PixelPlan
from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.rules.private import PrivateBlock, safe_vr

__all__ = ["HANDED_OVER", "Decision", "Keeping", "Pattern", "PatternKey", "Tally", "TallyKey", "Uses", "uses_of"]

TallyKey = tuple[tuple[int, ...], int, str, str]
"""Path of sequences, tag, rule, and what was done."""


class Uses(tuple[TallyKey, ...]):
    """What one decision counts; compared by identity, so that counting a decision thousands of times is cheap."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


Decision = tuple[bytes | Generated | None, Uses]
"""New bytes of an element (None: as it is; empty: none; `Generated` of long ones only) and what to count."""

Keeping = tuple[re.Pattern[bytes] | None, int, Decision]
"""Values of an element that are `harmless`, where they begin in its bytes, and the decision on them."""

HANDED_OVER: Decision = None, Uses(())
"""Stands for an element that no rule decided on: the pixels, and what is planned with them."""

PatternKey = tuple[int, str, bytes, tuple[tuple[int, bytes], ...]]
"""Layout, SOP class, Specific Character Set, and what is inserted."""


class Tally:
    """Counts what was done to the elements of many objects; those of a series mostly share one list."""

    def __init__(self) -> None:
        self._objects: dict[int, tuple[list[Uses], int]] = {}

    def add(self, uses: list[Uses]) -> None:
        """Count an object, by the list that it has."""
        self._objects[id(uses)] = uses, self._objects.get(id(uses), (uses, 0))[1] + 1

    def total(self) -> Counter[TallyKey]:
        """How often each thing was done."""
        decisions: Counter[Uses] = Counter()
        for uses, objects in self._objects.values():
            decisions.update(uses if objects == 1 else {used: n * objects for used, n in Counter(uses).items()})
        total: Counter[TallyKey] = Counter()
        for used, count in decisions.items():
            for key in used:
                total[key] += count
        return total


@dataclass(slots=True)
class Pattern:
    """How an object was spliced, for the next one of its layout.

    Attributes
    ----------
    layout : Layout
        Held so that its identity, which is in the key, stays its own.
    elements : Elements
        Of that object.
    uses : list of Uses
        What is counted of each of them; exchanged as a whole, so that the objects that count the same share it.
    parts : list of bytes
        What is written in their places, and the elements inserted between them.
    places : list of int
        Number of the part that stands for each element.
    private : PrivateBlock
        Of the private creators, which are the same in all objects that are written like it.
    pixels : int
        Number of the empty part that the pixel data follow; as many as there are parts where there are none.
    keeping : dict of int to Keeping
        By the number of the element, as they are asked for.
    """

    layout: Layout
    elements: Elements
    uses: list[Uses]
    parts: list[bytes]
    places: list[int]
    private: PrivateBlock
    pixels: int
    keeping: dict[int, Keeping] = field(default_factory=dict, init=False)

    @classmethod
    def of(
        cls, source: Source, taken: list[Decision], inserted: tuple[tuple[int, bytes], ...], private: PrivateBlock
    ) -> "Pattern | None":
        """Remember an object; None where its long elements must be looked at."""
        elements = source.elements
        if len(taken) != len(elements):
            return None
        parts: list[bytes] = []
        places: list[int] = []
        pixels: list[int] = []
        waiting = list(reversed(inserted))
        for span, raw, decision in zip(source.spans, elements, taken, strict=True):
            while waiting and waiting[-1][0] <= span[0]:
                parts.append(waiting.pop()[1])
            if decision is HANDED_OVER:
                pixels.append(len(parts))
            elif not raw and not _goes_anyway(span[0], private):
                return None
            places.append(len(parts))
            parts.append(_part(decision, raw))
        parts.extend(element for _, element in reversed(waiting))
        if len(pixels) > 1:
            return None
        return cls(source.layout, elements, uses_of(taken), parts, places, private, pixels[0] if pixels else len(parts))

    def exchange(self, elements: Elements, decided: list[tuple[int, bytes, Decision]]) -> None:
        """Take another object's elements; `decided` has those that differ, once all of them are decided on."""
        parts, places, uses = self.parts, self.places, self.uses
        for number, raw, decision in decided:
            parts[places[number]] = _part(decision, raw)
            if uses[number] is not decision[1]:
                uses = self.uses = [*uses[:number], decision[1], *uses[number + 1 :]]
        self.elements = elements

    def pieces(self, plan: PixelPlan | None) -> list[Piece | Masked | Generated]:
        """Join the headers around the pixels."""
        before, after = b"".join(self.parts[: self.pixels]), b"".join(self.parts[self.pixels :])
        return [before, *(plan.pieces if plan else ()), *([after] if after else ())]


def _goes_anyway(tag: int, private: PrivateBlock) -> bool:
    """Whether an element is removed whatever it holds."""
    return bool(tag & 0x10000) and not is_private_creator(tag) and not safe_vr(private.creator_of(tag), tag)


def _part(decision: Decision, raw: bytes) -> bytes:
    if decision is HANDED_OVER:
        return b""
    return raw if decision[0] is None else decision[0]  # type: ignore[return-value]  # none is long


def uses_of(taken: list[Decision]) -> list[Uses]:
    """What decisions count."""
    return [decision[1] for decision in taken]

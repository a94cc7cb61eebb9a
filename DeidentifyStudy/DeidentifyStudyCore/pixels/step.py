"""The ladder for one object: header risk, ultrasound regions, device rules, search, review, filling, second search.

What a run does with an object depends on the profile, on the rung that its risks put it on (`risk.Rung`), and on what a
person decided:

- The option *clean pixel data* is off: no pixel is changed without a person. Objects at risk are searched, and written
  as they are where nothing is found; the others wait, with the boxes that were found.
- It is on: objects at risk, radiographs where text recognition is installed, and all objects where the profile says so
  are searched, filled, and searched again once written. Boxes wait for a person on the upper rungs, and where no text
  recognition is installed.
- `burned_in_risk` is ``accept``: nothing waits because of its rung, but what only strokes suggest still does.

Code 113101 is claimed only when every step that applies to the object has run. A face that a person confirmed is
filled in the same pass, and earns 113102.
"""

from dataclasses import replace

from DeidentifyStudyCore.dicom.source import Source, text_of
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES, Box, covered
from DeidentifyStudyCore.pixels.cine import Placed, SearchResult, search_frames
from DeidentifyStudyCore.pixels.device_rules import matching_rules
from DeidentifyStudyCore.pixels.frames import UNDECODABLE, Frames, frames_of, source_value
from DeidentifyStudyCore.pixels.pictures import save_pictures
from DeidentifyStudyCore.pixels.policy import CLAIM, FACE_CLAIM, Cleaned, Decision, NeedsReview, PixelPolicy, Row
from DeidentifyStudyCore.pixels.redaction import (
    Area,
    boxes_of,
    differs_outside,
    hidden_bits,
    plan_redaction,
    touched_frames,
)
from DeidentifyStudyCore.pixels.risk import Rung, rung_of
from DeidentifyStudyCore.pixels.search import best_method
from DeidentifyStudyCore.pixels.ultrasound import boxes_outside_regions

__all__ = ["PixelStep"]

OUTSIDE_REGIONS = "outside ultrasound regions"
_MOST_ROUNDS = 3
_KNOWN, _FILLED_ANYWAY = 0.5, 1.0
_BURNED_IN, _RECOGNIZABLE = 0x00280301, 0x00280302
_OF_THE_PIXELS_THAT_WERE = (0x00280106, 0x00280107, 0x00880200)
"""Smallest and Largest Image Pixel Value, Icon Image Sequence."""
_BITS_ALLOCATED = 0x00280100
_ONE_BIT = (1, 0x100)
"""One, in either byte order."""


class PixelStep:
    """Takes objects through the ladder.

    Attributes
    ----------
    method : str
        How frames are searched, see `search.METHODS`.
    has_searched : bool
        Whether any was.
    """

    def __init__(self, policy: PixelPolicy) -> None:
        self._policy = policy
        self.method = policy.method or best_method()
        self.has_searched = False
        # strokes alone mislead too often to fill what they suggest without a person
        self._reads = self.method == "union"
        self._review = policy.review or (policy.clean and not self._reads)

    def prepare(
        self,
        source: Source,
        digest: str,
        risks: tuple[str, ...],
        decision: Decision | None = None,
        face: dict[int, Area] | None = None,
    ) -> Cleaned:
        """Decide on the pixels of an object before it is written.

        Parameters
        ----------
        digest : str
            Name of the object in the queue.
        decision : Decision, optional
            What a person accepted.
        face : mapping, optional
            Facial surface in the frames of the object, whose alteration a person confirmed; a frame without any has
            no entry, and an object of which no frame has one is altered with the others of its frame of reference.

        Raises
        ------
        NeedsReview
            A person must look at it; its pictures are in the folder of the queue.
        Quarantined
            Its pixels must be looked at and cannot be decoded.
        """
        cleaned = self._without_text(source, digest, risks, decision)
        if face is None or source.first(PIXEL_DATA) is None:
            return cleaned
        cleaned.areas = face
        cleaned.steps.append("facial surface altered")
        cleaned.claims = (*cleaned.claims, FACE_CLAIM)
        return self._planned(frames_of(source), cleaned)

    def _without_text(
        self, source: Source, digest: str, risks: tuple[str, ...], decision: Decision | None = None
    ) -> Cleaned:
        policy = self._policy
        if source.first(PIXEL_DATA) is None:
            return Cleaned()
        if decision is not None:
            return self._decided(source, decision)
        if not policy.concerns(risks, None):
            return Cleaned()
        if set(risks) <= {"projection"} and not policy.everything and not self._reads:
            return Cleaned()  # strokes alone take too much of a large radiograph for print
        if not risks and int.from_bytes(source_value(source, _BITS_ALLOCATED), "little") in _ONE_BIT:
            return Cleaned()  # a mask is no picture; nothing is claimed of it
        if not policy.clean:
            return self._unchanged(source, digest, risks)
        frames = frames_of(source)
        placed, steps = self._known(source, frames)
        found = self._search(frames)
        if policy.review:
            self._wait_by_rung(source, frames, digest, risks, placed, found.placed)
        elif found.placed and not self._reads:
            self._ask(source, digest, [*placed, *found.placed])
        placed += found.placed
        cleaned = Cleaned(steps=[*steps, found.how], boxes=_by_frame(placed, len(frames)), claims=self._earned())
        cleaned.hidden_bits, cleaned.searched = found.hidden_bits, True
        return self._planned(frames, cleaned)

    def _unchanged(self, source: Source, digest: str, risks: tuple[str, ...]) -> Cleaned:
        """Search an object whose pixels only a person may change; it is written where nothing needs one."""
        if rung_of(risks) is Rung.PERSON and self._policy.pictures is None:
            raise NeedsReview([], [])
        try:
            frames = frames_of(source)
            known, _ = self._known(source, frames)
            found = self._search(frames, first_only=self._policy.pictures is None)
        except Quarantined as error:
            if error.reason != UNDECODABLE:
                raise
            raise NeedsReview([], []) from None  # a person may know the object well enough to decide without pictures
        if any(place.by != OUTSIDE_REGIONS for place in known):
            self._ask(source, digest, [*known, *found.placed])
        self._wait_by_rung(source, frames, digest, risks, known, found.placed, fills=False)
        return Cleaned(steps=[found.how, "nothing found"])

    def _wait_by_rung(
        self,
        source: Source,
        frames: Frames,
        digest: str,
        risks: tuple[str, ...],
        known: list[Placed],
        found: list[Placed],
        *,
        fills: bool = True,
    ) -> None:
        """Put the object into the queue where its rung asks for a person; `fills` says whether finds may be filled."""
        rung, count = rung_of(risks), len(frames)
        filled = Cleaned(boxes=_by_frame(known, count) if fills else {})
        left = [place for place in found if not self._is_known(place, filled, count, _FILLED_ANYWAY)]
        if rung is Rung.PERSON or (left and (rung is Rung.NOTHING_FOUND or not fills or not self._reads)):
            self._ask(source, digest, [*known, *found])
        unread = self._traces(frames, risks) if rung is Rung.NOTHING_FOUND else []
        if left:  # an object that is known to hold print may hold more, which nobody reads
            boxes = Cleaned(boxes=_by_frame([*known, *found], count))
            strokes = search_frames(frames, "classical").placed
            unread = [place for place in strokes if not self._is_known(place, boxes, count)]
        if unread:
            self._ask(source, digest, [*known, *found, *unread])

    def _traces(self, frames: Frames, risks: tuple[str, ...]) -> list[Placed]:
        """What nobody reads, but may be print all the same."""
        if not self._reads and "declared-free" in risks:
            return []
        method = "classical" if self._reads else "traces"
        return search_frames(frames, method, first_only=self._policy.pictures is None).placed

    def check(self, cleaned: Cleaned, source: Source, output: Source, digest: str) -> Cleaned | None:
        """Look at what was written: that nothing outside the boxes changed, and the second search.

        Returns
        -------
        Cleaned or None
            None when all is well; else what must be written instead.

        Raises
        ------
        NeedsReview
            Text was found that no person has seen.
        Quarantined
            The pixels differ outside the boxes, or text keeps being found.
        """
        if cleaned.plan is None:
            return None
        before, after = frames_of(source), frames_of(output)
        count = len(before)
        changed = range(count) if cleaned.hidden_bits else touched_frames(cleaned.boxes, count, cleaned.areas)
        for number in changed:
            old, form = before.cells(number)
            new, _ = after.cells(number)
            if differs_outside(old, new, form, boxes_of(cleaned.boxes, number), cleaned.areas.get(number)):
                raise Quarantined("verification-failed")
        if not cleaned.searched:
            return None
        touched = touched_frames(cleaned.boxes, count)
        # frames without boxes were searched already in this run, unless a person's decision stood in for the search
        searched = None if cleaned.reviewed else touched
        if searched == []:
            return None
        cleaned.searched_again = True
        finds = [place for place in self._search(after, searched).placed if not self._is_known(place, cleaned, count)]
        if not finds:
            return None
        if self._review or cleaned.reviewed:
            self._ask(source, digest, [*_placed(cleaned.boxes), *finds])
        if cleaned.rounds >= _MOST_ROUNDS:
            raise Quarantined("burned-in-risk")
        boxes = {frame: list(own) for frame, own in cleaned.boxes.items()}
        for frame, own in _by_frame(finds, count).items():
            boxes.setdefault(frame, []).extend(own)
        cleaned.boxes, cleaned.rounds = boxes, cleaned.rounds + 1
        return self._planned(before, cleaned)

    def _search(self, frames: Frames, numbers: list[int] | None = None, *, first_only: bool = False) -> SearchResult:
        self.has_searched = True
        return search_frames(frames, self.method, numbers, first_only=first_only)

    @property
    def recognition(self) -> str:
        """Name and version of the text recognition that takes part; empty where none does."""
        return ocr.version() if self._reads else ""

    @staticmethod
    def _is_known(place: Placed, cleaned: Cleaned, count: int, share: float = _KNOWN) -> bool:
        frames = range(count) if place.first == ALL_FRAMES else range(place.first, place.last + 1)
        return all(
            covered(place.box, [*boxes_of(cleaned.known, frame), *boxes_of(cleaned.boxes, frame)]) >= share
            for frame in frames
        )

    def _known(self, source: Source, frames: Frames) -> tuple[list[Placed], list[str]]:
        """What is known without a search: outside of ultrasound regions, and where the device writes."""
        outside = boxes_outside_regions(source, frames.format)
        placed = [Placed(ALL_FRAMES, ALL_FRAMES, box, OUTSIDE_REGIONS) for box in outside]
        steps = ["filled outside of the ultrasound regions"] if placed else []
        for rule in matching_rules(self._policy.rules, source):
            name = f"device rule {rule.name}"
            placed += [Placed(ALL_FRAMES, ALL_FRAMES, box, name) for box in rule.placed(frames.format)]
            steps.append(name)
        return placed, steps

    def _decided(self, source: Source, decision: Decision) -> Cleaned:
        cleaned = Cleaned(steps=["reviewed by a person"], reviewed=True)
        if not decision.boxes and not self._policy.clean:
            return cleaned
        frames = frames_of(source)
        cleaned.boxes = _of_rows(decision.boxes, frames)
        cleaned.known = _of_rows(decision.seen, frames)
        if self._policy.clean:
            cleaned.hidden_bits = any(hidden_bits(*frames.cells(number)) for number in range(len(frames)))
            cleaned.claims, cleaned.searched = self._earned(), True
        return self._planned(frames, cleaned)

    def _earned(self) -> tuple[str, ...]:
        return (CLAIM,) if self._reads else ()

    @staticmethod
    def _planned(frames: Frames, cleaned: Cleaned) -> Cleaned:
        source = frames.source
        plan = plan_redaction(frames, cleaned.boxes, areas=cleaned.areas, clear_bits=cleaned.hidden_bits)
        elements = dict(plan.elements)
        for code, tag in ((CLAIM, _BURNED_IN), (FACE_CLAIM, _RECOGNIZABLE)):
            if code in cleaned.claims and text_of(source.value(tag)).upper() != "NO":
                elements[tag] = source.encoding.element(tag, b"CS", b"NO")
        if cleaned.areas:
            elements |= {tag: b"" for tag in _OF_THE_PIXELS_THAT_WERE if source.first(tag)}
        cleaned.plan = replace(plan, elements=elements)
        return cleaned

    def _ask(self, source: Source, digest: str, placed: list[Placed]) -> None:
        try:
            frames = frames_of(source)
            count = len(frames)
            if self._policy.pictures is not None:
                save_pictures(frames, digest, self._policy.pictures)
        except Quarantined as error:
            if error.reason != UNDECODABLE or self._policy.clean:
                raise
            count = 1  # a person may know the object well enough to decide on it without a picture
        raise NeedsReview(*_rows(placed, count))


def _by_frame(placed: list[Placed], count: int) -> dict[int, list[Box]]:
    result: dict[int, list[Box]] = {}
    for frame, box, _ in _spread(placed, count):
        result.setdefault(frame, []).append(box)
    return result


def _rows(placed: list[Placed], count: int) -> tuple[list[Row], list[str]]:
    spread = _spread(placed, count)
    return [[frame, box.row, box.column, box.height, box.width] for frame, box, _ in spread], [by for *_, by in spread]


def _spread(placed: list[Placed], count: int) -> list[tuple[int, Box, str]]:
    """Frame, box and source of every box, one for each frame where it does not hold for all."""
    return [
        (frame, place.box, place.by)
        for place in placed
        for frame in ([ALL_FRAMES] if place.first == ALL_FRAMES or count == 1 else range(place.first, place.last + 1))
    ]


def _placed(boxes: dict[int, list[Box]]) -> list[Placed]:
    return [Placed(frame, frame, box, "accepted before") for frame, own in sorted(boxes.items()) for box in own]


def _of_rows(rows: list[Row], frames: Frames) -> dict[int, list[Box]]:
    """Boxes of a queue, cut to the frame.

    Raises
    ------
    Quarantined
        A box is for a frame that the object does not have, or lies outside: the decision was made for another object.
    """
    result: dict[int, list[Box]] = {}
    for frame, row, column, height, width in rows:
        box = Box(row, column, height, width).within(frames.format.rows, frames.format.columns)
        if not ALL_FRAMES <= frame < len(frames) or not box.area:
            raise Quarantined("review-does-not-fit")
        result.setdefault(frame, []).append(box)
    return result

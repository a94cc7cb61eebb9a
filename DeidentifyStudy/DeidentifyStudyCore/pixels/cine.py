"""Text in all frames of an object: where it is found, and for how long it is held.

Frames of short cines are searched one by one. Of long ones, windows of some frames are searched: their brightest and
darkest values over time, in which text shows even when it flashes, and their first frame, in which it shows even when
it moves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES, Box
from DeidentifyStudyCore.pixels.frames import Frames, View, views_of
from DeidentifyStudyCore.pixels.redaction import hidden_bits
from DeidentifyStudyCore.pixels.search import find_text

__all__ = ["EVERY_FRAME", "WINDOW", "Placed", "SearchResult", "held", "search_frames"]

EVERY_FRAME = 32
"""Objects of at most so many frames are searched frame by frame."""
WINDOW = 8
_HELD = 16
"""A line that is missed in so many frames between two in which it is found stays covered."""
_MARGIN = 2
_SAME = 0.3


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """A box on some frames.

    Attributes
    ----------
    first, last : int
        Frames from 0, both included.
    by : str
        What found it.
    """

    first: int
    last: int
    box: Box
    by: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found.

    Attributes
    ----------
    placed : list of Placed
        By frame; `ALL_FRAMES` as first and last where a line stays.
    hidden_bits : bool
        Whether unused bits of pixel cells hold anything.
    how : str
        How it was searched, for reports.
    """

    placed: list[Placed]
    hidden_bits: bool
    how: str


def search_frames(
    frames: Frames,
    method: str,
    numbers: list[int] | None = None,
    step: Callable[[], None] = lambda: None,
    *,
    first_only: bool = False,
) -> SearchResult:
    """Search frames for text.

    Parameters
    ----------
    numbers : list of int, optional
        The frames to search, when not all.
    step : callable
        Called after each picture that was searched; it may raise to cancel.
    first_only : bool
        Stop at the first picture in which something is found.

    Raises
    ------
    Quarantined
        A frame cannot be decoded.
    """
    chosen = list(range(len(frames))) if numbers is None else numbers
    hidden = False
    found: list[Placed] = []
    pictures = _each(frames, chosen) if len(chosen) <= EVERY_FRAME else _windows(frames, chosen)
    seen: dict[bytes, list[tuple[Box, str]]] = {}
    for first, last, views, hides in pictures:
        hidden = hidden or hides
        for view in views:
            key = view.tobytes()
            if key not in seen:
                seen.clear()  # only runs of equal frames are worth remembering
                seen[key] = [(line.box, line.by) for line in find_text(view, method)]
            found += [Placed(first, last, box, by) for box, by in seen[key]]
            step()
        if found and first_only:
            break
    how = "every frame" if len(chosen) <= EVERY_FRAME else f"extremes of {WINDOW} frames"
    return SearchResult(held(found, len(frames)), hidden, f"searched by {method}, {how}")


def _each(frames: Frames, numbers: list[int]) -> Iterator[tuple[int, int, list[View], bool]]:
    for number in numbers:
        cells, form = frames.cells(number)
        yield number, number, views_of(cells, form), hidden_bits(cells, form)


def _windows(frames: Frames, numbers: list[int]) -> Iterator[tuple[int, int, list[View], bool]]:
    for start in range(0, len(numbers), WINDOW):
        window = numbers[start : start + WINDOW]
        brightest: list[NDArray[np.uint8]] = []
        darkest: list[NDArray[np.uint8]] = []
        firsts: list[View] = []
        hides = False
        for number in window:
            cells, form = frames.cells(number)
            hides = hides or hidden_bits(cells, form)
            views = views_of(cells, form)
            if not firsts:
                firsts = views
                brightest, darkest = [view.copy() for view in views], [view.copy() for view in views]
                continue
            for view, high, low in zip(views, brightest, darkest, strict=False):
                np.maximum(high, view, out=high)
                np.minimum(low, view, out=low)
        yield window[0], window[-1], [*brightest, *darkest], hides
        yield window[0], window[0], firsts, False


def held(found: list[Placed], count: int) -> list[Placed]:
    """Hold lines through frames in which they were missed.

    Finds that overlap in place, and lie at most 16 frames apart, are one line: the frames between are covered by the
    smallest box around both, and two frames before and after as well. A line that stands still in half of all frames
    or more is covered in every frame.
    """
    tracks: list[list[Placed]] = []
    for place in sorted(found):
        for track in tracks:
            if _follows(track, place):
                track.append(place)
                break
        else:
            tracks.append([place])
    if count == 1:
        return _distinct([Placed(ALL_FRAMES, ALL_FRAMES, place.box, place.by) for place in found])
    result: list[Placed] = []
    for track in tracks:
        result += _held_track(track, count)
    return _distinct(result)


def _follows(track: list[Placed], place: Placed) -> bool:
    return any(
        place.first - other.last <= _HELD
        and other.box.overlap(place.box) >= _SAME * min(other.box.area, place.box.area)
        for other in track[-4:]
    )


def _held_track(track: list[Placed], count: int) -> list[Placed]:
    hull = track[0].box
    for place in track[1:]:
        hull = hull.hull(place.box)
    first, last = track[0].first, max(place.last for place in track)
    by = track[0].by
    largest = max(place.box.area for place in track)
    if hull.area <= 1.5 * largest:
        if 2 * (last - first + 1) >= count:
            return [Placed(ALL_FRAMES, ALL_FRAMES, hull, by)]
        return [Placed(max(0, first - _MARGIN), min(count - 1, last + _MARGIN), hull, by)]
    result = []
    for index, place in enumerate(track):
        following = track[min(index + 1, len(track) - 1)]
        end = max(place.last, following.first)
        result.append(
            Placed(max(0, place.first - _MARGIN), min(count - 1, end + _MARGIN), place.box.hull(following.box), by)
        )
    return result


def _distinct(places: list[Placed]) -> list[Placed]:
    """Places without those that lie in another one of the same frames or more."""
    result: list[Placed] = []
    for place in sorted(set(places), key=lambda place: (-place.box.area, place)):
        if not any(
            (other.first == ALL_FRAMES or (other.first <= place.first and place.last <= other.last))
            and (place.first != ALL_FRAMES or other.first == ALL_FRAMES)
            and other.box.overlap(place.box) == place.box.area
            for other in result
        ):
            result.append(place)
    return sorted(result)

"""The rules by which readings and strokes are text, put together or left out; no text recognition is needed."""

import numpy as np
import pytest
from scipy import ndimage

from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.classical import Candidate, _crowding
from DeidentifyStudyCore.pixels.ocr import Reading
from DeidentifyStudyCore.pixels.search import (
    PRINT_ODDS,
    READ_ODDS,
    Found,
    _bridged,
    _is_sure,
    _is_text,
    _waiting,
    find_text,
)

NAME = Box(20, 30, 12, 80)


@pytest.fixture
def read(monkeypatch):
    """Stand-in for text recognition: what a frame holds, what strokes hold, and what lies along a line."""
    calls = {"boxes": []}

    def replace(lines, boxes, along=()):
        def read_boxes(_, wanted, *, as_they_are=False):
            if as_they_are:
                return [Reading(box, 0.0, 0) for box in wanted]
            calls["boxes"] += wanted
            return [next((r for r in boxes if r.box == box), Reading(box, 0.0, 0)) for box in wanted]

        monkeypatch.setattr(ocr, "read_lines", lambda _: list(lines))
        monkeypatch.setattr(ocr, "read_boxes", read_boxes)
        monkeypatch.setattr(ocr, "read_along", lambda *_: list(along))
        return calls

    return replace


@pytest.mark.parametrize(
    ("box", "confidence", "characters", "is_text"),
    [
        (NAME, 0.95, 8, True),
        (NAME, 0.95, 1, False),  # a side marker
        (Box(0, 0, 15, 18), 0.77, 2, False),  # a wire
        (Box(0, 0, 15, 24), 0.95, 2, True),  # initials
        (NAME, 0.6, 8, False),  # with nothing else that speaks for it
        (Box(0, 0, 14, 16), 0.87, 3, False),  # a dash of a catheter
        (Box(0, 0, 15, 36), 0.92, 3, True),  # three initials
        (Box(0, 0, 14, 13), 0.8, 4, False),  # four letters in a square: a corner of a ruler
        (Box(0, 0, 14, 13), 0.95, 4, True),  # ideographs above each other, say, which are read for certain
        (Box(0, 0, 60, 480), 0.8, 2, False),  # two letters as long as a trace
        (Box(0, 0, 80, 12), 0.8, 8, True),  # upright
    ],
)
def test_a_reading_is_text_when_it_is_sure_and_fits_its_box(box, confidence, characters, is_text):
    assert _is_text(Reading(box, confidence, characters), []) is is_text


def test_a_doubtful_reading_is_text_where_strokes_look_like_print():
    reading = Reading(NAME, 0.6, 8)
    assert _is_text(reading, [Candidate(NAME, 0.9, 1.0)])
    assert not _is_text(reading, [Candidate(NAME, 0.9, -1.0)])
    assert not _is_text(reading, [Candidate(Box(200, 30, 12, 80), 0.9, 5.0)])


def test_few_characters_are_text_only_when_certain_or_where_strokes_agree():
    box = Box(20, 30, 14, 36)
    print_like, unlike = Candidate(box, 0.9, 1.0), Candidate(box, 0.9, -0.5)
    for characters in (2, 3):
        assert _is_text(Reading(box, 0.75, characters), [print_like])
        assert not _is_text(Reading(box, 0.6, characters), [print_like])  # the spike of a trace
        assert not _is_text(Reading(box, 0.89, characters), [unlike])
        assert _is_text(Reading(box, 0.9, characters), [])
    assert _is_text(Reading(box, 0.6, 4), [print_like])
    assert not _is_sure(Reading(box, 0.89, 3), unlike)  # ticks
    assert _is_sure(Reading(box, 0.9, 3), unlike)
    assert _is_sure(Reading(box, 0.76, 3), print_like)
    assert _is_sure(Reading(box, 0.76, 4), unlike)


def test_strokes_are_text_when_read_for_sure_or_doubtfully_and_print():
    doubtful, sure = Reading(NAME, 0.72, 5), Reading(NAME, 0.8, 5)
    assert _is_sure(sure, Candidate(NAME, 0.5, READ_ODDS))
    assert _is_sure(doubtful, Candidate(NAME, 0.5, PRINT_ODDS))
    assert not _is_sure(doubtful, Candidate(NAME, 0.5, PRINT_ODDS - 0.1))
    assert _is_sure(Reading(NAME, 0.6, 8), Candidate(NAME, 0.5, PRINT_ODDS - 0.1))
    assert not _is_sure(Reading(NAME, 0.6, 5), Candidate(NAME, 0.5, 9.0))  # a trace
    assert not _is_sure(Reading(NAME, 0.99, 2), Candidate(NAME, 0.5, 9.0))


def test_strokes_wait_for_the_reader_once_and_by_their_odds():
    again, inside = Box(20, 30, 12, 78), Box(20, 30, 12, 30)
    lines = [
        Candidate(inside, 0.9, 1.0),
        Candidate(NAME, 0.9, 3.0),
        Candidate(again, 0.9, 2.0),
        Candidate(Box(100, 30, 12, 80), 0.9, READ_ODDS - 0.1),
        Candidate(Box(150, 30, 12, 80), 0.9, 4.0),
    ]
    assert [line.box for line in _waiting(lines, [])] == [Box(150, 30, 12, 80), NAME, inside]
    assert [line.box for line in _waiting(lines, [NAME])] == [Box(150, 30, 12, 80)]


def test_a_line_goes_on_over_a_gap_to_what_was_detected_on_it():
    line = Found(NAME, "ocr", 0.9)
    unread = Reading(Box(21, 125, 10, 20), 0.3, 1)
    longer = _bridged(line, [unread], 100, 300).box
    assert longer.overlap(NAME) == NAME.area
    assert longer.overlap(unread.box) == unread.box.area
    below, far, tall = Reading(Box(40, 60, 10, 20), 0.3, 1), Reading(Box(21, 180, 10, 20), 0.3, 1), Box(0, 112, 60, 30)
    assert _bridged(line, [below, far, Reading(tall, 0.3, 1)], 100, 300) == line


def test_an_upright_line_goes_on_over_a_gap_too():
    line = Found(Box(30, 20, 80, 12), "ocr", 0.9)
    unread = Reading(Box(125, 21, 20, 10), 0.3, 1)
    assert _bridged(line, [unread], 300, 100).box.overlap(unread.box) == unread.box.area


def test_what_only_strokes_suggest_is_read_and_followed_along_its_line(read, ink):
    frame = np.full((90, 300), 40, np.uint8)
    frame[ink(frame.shape, (30, 40), "QUILLON 7391846", 14)] = 220
    calls = read([], [])
    assert find_text(frame, "union") == []
    strokes = max(calls["boxes"], key=lambda box: box.area)
    rest = Reading(Box(strokes.row, strokes.right + 20, strokes.height, 60), 0.9, 6)
    read([], [Reading(strokes, 0.9, 12)], [rest])
    found = [line.box for line in find_text(frame, "union")]
    assert any(box.overlap(strokes) == strokes.area for box in found)
    assert any(box.overlap(rest.box) == rest.box.area for box in found)


def test_print_stands_alone_and_texture_does_not(ink):
    box = Box(6, 8, 14, 180)
    alone = ink((60, 300))
    texture = np.random.default_rng(4).random((60, 300)) < 0.3
    assert _crowding(box, alone) < 0.2
    assert 0.8 < _crowding(box, texture) < 1.2


def test_colour_doppler_without_text_has_next_to_no_print():
    rng = np.random.default_rng(8)
    speckle = np.abs(ndimage.gaussian_filter(rng.normal(0, 1, (300, 400)), (0.9, 2.2)))
    frame = np.repeat(np.clip(speckle * 250, 0, 255)[..., None], 3, axis=2)
    flow = ndimage.gaussian_filter(rng.normal(0, 1, (300, 400)), 4)
    inside = np.zeros((300, 400), np.bool_)
    inside[90:220, 120:280] = True
    frame[inside & (flow > flow.std() * 0.8)] = (230, 120, 10)
    frame[inside & (flow < -flow.std() * 0.8)] = (10, 90, 230)
    assert len(find_text(frame.astype(np.uint8), "classical")) <= 2

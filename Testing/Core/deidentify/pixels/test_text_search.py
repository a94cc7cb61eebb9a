"""The detectors: drawn text on real anatomy is found, anatomy alone is not; places are held through a cine."""

import sys

import numpy as np
import pydicom
import pytest

from DeidentifyStudyCore.errors import MissingExtra
from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES, Box, mask_of
from DeidentifyStudyCore.pixels.cine import Placed, held
from DeidentifyStudyCore.pixels.classical import find_lines
from DeidentifyStudyCore.pixels.search import LARGEST_THICKNESS, PRINT_ODDS, find_text

needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="needs the extra 'ocr'")


@pytest.fixture(scope="module")
def slice_of_head(shared_data) -> np.ndarray:
    dataset = pydicom.dcmread(shared_data / "dicom" / "ct_philips_5mm" / "I140.dcm")
    values = dataset.pixel_array.astype(np.float32) * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    return np.clip((values + 160) / 400 * 255, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [10, 14, 24, 40])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dark", [False, True])
def test_strokes_in_a_row_are_found(size, turned, dark, ink):
    shape = (60, 520)
    mask = ink(shape, (5, 10), "QUILLON 7391846", size)
    grey = np.full(shape, 200 if dark else 40, np.uint8)
    grey[mask] = 60 if dark else 210
    if turned:
        grey, mask = np.rot90(grey), np.rot90(mask)
    lines = find_lines(grey, PRINT_ODDS)
    assert mask_of([line.box.grown(2, *grey.shape) for line in lines], *grey.shape)[mask].mean() > 0.95
    for line in lines:
        assert line.box.overlap(Box(0, 0, *grey.shape)) == line.box.area


def test_flat_and_smooth_frames_hold_no_text():
    ramp = np.linspace(0, 255, 300).astype(np.uint8)
    assert find_lines(np.tile(ramp, (200, 1))) == []
    assert find_lines(np.zeros((200, 300), np.uint8)) == []


def test_a_box_thicker_than_any_print_is_rejected(ink):
    grey = np.zeros((600, 900), np.uint8)
    grey[ink((600, 900), (100, 20), "HUGE", 320)] = 255
    for line in find_text(grey, "classical"):
        assert min(line.box.height, line.box.width) <= LARGEST_THICKNESS + 4


@needs_ocr
@pytest.mark.parametrize("quarter_turns", [0, 1, 3])
def test_a_name_on_a_head_is_read(quarter_turns, slice_of_head, ink):
    frame = np.rot90(slice_of_head, -quarter_turns).copy()
    mask = ink(frame.shape, (20, 30), "ZYXWARTH^QUILLON 1957", 16)
    frame[mask] = 230
    frame, mask = np.rot90(frame, quarter_turns), np.rot90(mask, quarter_turns)
    boxes = [line.box for line in find_text(frame, "union")]
    assert mask_of(boxes, *frame.shape)[mask].all()
    assert mask_of(boxes, *frame.shape).mean() < 0.05


@needs_ocr
@pytest.mark.parametrize("drawn", ["trace", "line it stands on", "ruler at its end"])
def test_text_that_meets_a_line_is_read(drawn, ink):
    frame = np.full((120, 400), 30, np.uint8)
    mask = ink(frame.shape, (50, 60), "QUILLON 7391846", 16)
    rows, columns = np.nonzero(mask)
    across = np.arange(frame.shape[1])
    if drawn == "trace":
        heights = 30 * np.exp(-((across % 90 - 20) ** 2) / 8)
        for column, height in enumerate(np.round(heights).astype(int)):
            frame[62 - height : 64, column] = 200
    elif drawn == "line it stands on":
        frame[rows.max() + 1] = 200
    else:
        frame[10:110, columns.max() + 1] = 200
        frame[10:110:9, columns.max() + 1 : columns.max() + 6] = 200
    frame[mask] = 230
    assert mask_of([line.box for line in find_text(frame, "union")], *frame.shape)[mask].mean() > 0.95


@needs_ocr
def test_a_head_alone_holds_no_text(slice_of_head):
    assert find_text(slice_of_head, "union") == []


@needs_ocr
def test_small_print_on_a_large_radiograph_is_read_in_tiles(ink):
    frame = np.full((700, 900), 60, np.uint8)
    mask = ink(frame.shape, (630, 590), "QUILLON 7391846", 14)  # across the seams of tiles
    frame[mask] = 200
    assert mask_of([line.box for line in find_text(frame, "ocr")], *frame.shape)[mask].mean() > 0.98


@needs_ocr
def test_what_is_read_is_not_logged(ink, caplog, capfd):
    frame = np.full((100, 400), 60, np.uint8)
    frame[ink(frame.shape)] = 220
    caplog.set_level(0)
    find_text(frame, "union")
    printed = capfd.readouterr()
    assert "QUILLON" not in (caplog.text + printed.out + printed.err).upper()


def test_an_absent_extra_is_named_with_its_command(monkeypatch):
    ocr._engine.cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingExtra, match=r"pip install 'annotation-qa\[ocr\]'"):
        find_text(np.zeros((40, 40), np.uint8), "ocr")


BOX = Box(10, 10, 20, 100)


def test_a_line_missed_in_between_stays_covered():
    found = [Placed(n, n, BOX, "ocr") for n in (20, 22, 30)]
    assert held(found, 200) == [Placed(18, 32, BOX, "ocr")]


def test_a_line_that_comes_back_much_later_is_another_one():
    found = [Placed(n, n, BOX, "ocr") for n in (20, 80)]
    assert held(found, 200) == [Placed(18, 22, BOX, "ocr"), Placed(78, 82, BOX, "ocr")]


def test_a_line_that_stands_still_in_half_of_the_frames_is_covered_in_all():
    found = [Placed(n, n, BOX, "ocr") for n in range(10, 25)]
    assert held(found, 30) == [Placed(ALL_FRAMES, ALL_FRAMES, BOX, "ocr")]


def test_a_moving_line_is_covered_where_it_is_not_everywhere():
    found = [Placed(n, n, Box(5 * n, 10, 20, 100), "ocr") for n in range(0, 40, 2)]
    places = held(found, 40)
    for number in range(39):
        here = [place.box for place in places if place.first <= number <= place.last]
        mask = mask_of(here, 240, 120)
        assert mask[5 * number : 5 * number + 20, 10:110].all()
        assert mask.sum() < 240 * 100 * 0.5
    assert all(place.first != ALL_FRAMES for place in places)

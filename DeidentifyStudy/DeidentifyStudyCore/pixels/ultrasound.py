"""Ultrasound: what lies outside the regions of the image is the screen of the machine, with the patient's name on it.

Source: PS3.3, C.8.5.5.1 (Ultrasound Region Calibration): locations are inclusive, counted from 0.
"""

from DeidentifyStudyCore.dicom.sequences import opened_items
from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.dicom.tokenizer import IMPLICIT_LITTLE
from DeidentifyStudyCore.pixels.boxes import Box, outside
from DeidentifyStudyCore.pixels.frames import PixelFormat

__all__ = ["boxes_outside_regions", "regions"]

_REGIONS = 0x00186011
_MIN_X, _MIN_Y, _MAX_X, _MAX_Y = 0x00186018, 0x0018601A, 0x0018601C, 0x0018601E


def regions(source: Source, form: PixelFormat) -> list[Box]:
    """Regions of the image that are calibrated, cut to the frame; those that make no sense are left out."""
    found = []
    for span in source.spans:
        if span[0] != _REGIONS or span[4] == span[3]:
            continue
        inner = IMPLICIT_LITTLE if span[1] == b"UN" else source.encoding
        for item in opened_items(source.buffer, span, inner, 0):
            numbers = {}
            for tag, _, _, start, end, _ in item.spans:
                if tag in {_MIN_X, _MIN_Y, _MAX_X, _MAX_Y} and end - start == 4:
                    raw = bytes(source.buffer[start:end])
                    numbers[tag] = int.from_bytes(raw, "big" if inner.big else "little")
            if len(numbers) == 4 and numbers[_MIN_X] <= numbers[_MAX_X] and numbers[_MIN_Y] <= numbers[_MAX_Y]:
                box = Box.between(numbers[_MIN_Y], numbers[_MIN_X], numbers[_MAX_Y] + 1, numbers[_MAX_X] + 1)
                box = box.within(form.rows, form.columns)
                if box.area:
                    found.append(box)
    return found


def boxes_outside_regions(source: Source, form: PixelFormat) -> list[Box]:
    """Boxes that have every pixel outside all regions; none where the object has no regions."""
    found = regions(source, form)
    return outside(found, form.rows, form.columns) if found else []

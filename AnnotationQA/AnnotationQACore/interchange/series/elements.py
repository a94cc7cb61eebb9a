"""The DICOM attributes that the series loader needs, and the decoding of their values."""

import struct
from collections.abc import Mapping
from typing import Final

__all__ = ["PIXEL_DATA", "TEXT_VRS", "VRS", "Elements", "Value", "decode_value"]

Value = str | int | float | tuple[float, ...]
Elements = Mapping[int, Value]

PIXEL_DATA: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float Pixel Data, Double Float Pixel Data, Pixel Data."""

VRS: Final[dict[int, str]] = {
    0x00020002: "UI",  # Media Storage SOP Class UID
    0x00020010: "UI",  # Transfer Syntax UID
    0x00080008: "CS",  # Image Type
    0x00080016: "UI",  # SOP Class UID
    0x00080018: "UI",  # SOP Instance UID
    0x00080020: "DA",  # Study Date
    0x00080021: "DA",  # Series Date
    0x00080022: "DA",  # Acquisition Date
    0x00080023: "DA",  # Content Date
    0x0008002A: "DT",  # Acquisition DateTime
    0x00080031: "TM",  # Series Time
    0x00080032: "TM",  # Acquisition Time
    0x00080033: "TM",  # Content Time
    0x00080060: "CS",  # Modality
    0x00080070: "LO",  # Manufacturer
    0x0008103E: "LO",  # Series Description
    0x00100020: "LO",  # Patient ID
    0x00100030: "DA",  # Patient's Birth Date
    0x00100040: "CS",  # Patient's Sex
    0x00101010: "AS",  # Patient's Age
    0x00180010: "LO",  # Contrast/Bolus Agent
    0x00180015: "CS",  # Body Part Examined
    0x00180050: "DS",  # Slice Thickness
    0x00180081: "DS",  # Echo Time
    0x00180088: "DS",  # Spacing Between Slices
    0x00181030: "LO",  # Protocol Name
    0x00181060: "DS",  # Trigger Time
    0x00181063: "DS",  # Frame Time
    0x00181065: "DS",  # Frame Time Vector
    0x00181114: "DS",  # Estimated Radiographic Magnification Factor
    0x00181120: "DS",  # Gantry/Detector Tilt
    0x00181164: "DS",  # Imager Pixel Spacing
    0x00186011: "SQ",  # Sequence of Ultrasound Regions (only that it is there)
    0x00182010: "DS",  # Nominal Scanned Pixel Spacing
    0x00189087: "FD",  # Diffusion b-value
    0x00189089: "FD",  # Diffusion Gradient Orientation
    0x00189344: "CS",  # Contrast/Bolus Agent Phase
    0x0020000D: "UI",  # Study Instance UID
    0x0020000E: "UI",  # Series Instance UID
    0x00200011: "IS",  # Series Number
    0x00200012: "IS",  # Acquisition Number
    0x00200013: "IS",  # Instance Number
    0x00200032: "DS",  # Image Position (Patient)
    0x00200037: "DS",  # Image Orientation (Patient)
    0x00200052: "UI",  # Frame of Reference UID
    0x00200100: "IS",  # Temporal Position Identifier
    0x00200105: "IS",  # Number of Temporal Positions
    0x00209241: "FL",  # Nominal Percentage of Cardiac Phase
    0x00280002: "US",  # Samples per Pixel
    0x00280004: "CS",  # Photometric Interpretation
    0x00280006: "US",  # Planar Configuration
    0x00280008: "IS",  # Number of Frames
    0x00280010: "US",  # Rows
    0x00280011: "US",  # Columns
    0x00280030: "DS",  # Pixel Spacing
    0x00280100: "US",  # Bits Allocated
    0x00280101: "US",  # Bits Stored
    0x00280102: "US",  # High Bit
    0x00280103: "US",  # Pixel Representation
    0x00280A02: "CS",  # Pixel Spacing Calibration Type
    0x00281052: "DS",  # Rescale Intercept
    0x00281053: "DS",  # Rescale Slope
    0x00281054: "LO",  # Rescale Type
    0x00282110: "CS",  # Lossy Image Compression
    0x00283000: "SQ",  # Modality LUT Sequence (only that it is there)
    0x3004000C: "DS",  # Grid Frame Offset Vector
    0x3004000E: "DS",  # Dose Grid Scaling
    0x00540022: "SQ",  # Detector Information Sequence (only that it is there)
    0x00541001: "CS",  # Units
    0x00541300: "DS",  # Frame Reference Time
    0x0019100C: "IS",  # Siemens: b-value
    0x00431039: "IS",  # GE: b-value
    0x20011003: "FL",  # Philips: b-value
    0x00651009: "FD",  # UIH: b-value
    0x00651050: "DS",  # UIH: number of slices in a GRID
    0x52009230: "SQ",  # Per-frame Functional Groups Sequence (only that it is there)
}
"""Value representation of each wanted attribute, by tag."""

TEXT_VRS: Final = frozenset({"LO"})
"""Representations whose bytes depend on the Specific Character Set."""

_FORMATS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


def decode_value(vr: str, raw: bytes, *, little_endian: bool = True) -> Value:
    """Decode the bytes of one element; numbers of several values become a tuple.

    Raises
    ------
    ValueError
        A text value is not ASCII, so that its character set must be known.
    """
    if vr in _FORMATS:
        code = _FORMATS[vr]
        count = len(raw) // struct.calcsize(code)
        if count == 0:
            return ""
        numbers = struct.unpack_from(f"{'<' if little_endian else '>'}{count}{code}", raw)
        return numbers[0] if count == 1 else tuple(numbers)
    if vr == "SQ":
        return 1
    if vr in TEXT_VRS:
        return raw.decode("ascii").strip(" \0")
    return raw.decode("latin-1").strip(" \0")

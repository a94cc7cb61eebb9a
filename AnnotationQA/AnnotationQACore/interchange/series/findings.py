"""What is worth knowing about a series: nothing unusual stays silent."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Finding", "FindingCode", "Severity"]


class Severity(enum.StrEnum):
    """How much a finding matters to whoever uses the series.

    ``error``: part of the series is unusable or missing. ``warning``: look before use. ``info``: good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingCode(enum.StrEnum):
    """Kind of a finding; the value is stable and meant for programs, `meaning` is for people."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> FindingCode:
        """Make a member of its value and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    BROKEN_FILE = ("broken_file", "a file is truncated or cannot be decoded; it is left out")
    NOT_AN_IMAGE = ("not_an_image", "segmentation, report, contours: no image")
    CODEC_MISSING = ("codec_missing", "nothing installed decodes the compression")
    LOSSY = ("lossy", "the images were compressed with loss")
    DUPLICATE_FILE = ("duplicate_file", "two files have one SOP Instance UID; one is used")
    DUPLICATE_SLICE = ("duplicate_slice", "a slice is there more than once under different UIDs; one is used")
    CONFLICTING_SLICE = ("conflicting_slice", "slices at one position have different pixels")
    MISSING_SLICES = ("missing_slices", "gaps of whole slices: no one volume")
    VARIABLE_SPACING = ("variable_spacing", "the slice distance varies: no one volume")
    SHIFTED_SLICES = ("shifted_slices", "slices are shifted within their plane: no one volume")
    UNEVEN_POSITIONS = ("uneven_positions", "positions are slightly uneven, within tolerance")
    GANTRY_TILT = ("gantry_tilt", "the stack leans, and the header states a tilt")
    SHEARED = ("sheared", "the stack leans, and the header states no tilt")
    TILT_MISMATCH = ("tilt_mismatch", "the stated tilt is not that of the positions, which are used")
    SPACING_MISMATCH = ("spacing_mismatch", "the stated slice spacing is not that of the positions, which are used")
    SLICE_SPACING_ASSUMED = ("slice_spacing_assumed", "one slice without thickness; 1 mm is assumed")
    ZERO_SPACING = ("zero_spacing", "Pixel Spacing is missing or zero; slices cannot be placed")
    NO_PATIENT_GEOMETRY = ("no_patient_geometry", "a tomographic image without position or orientation")
    PARTLY_PLACED = ("partly_placed", "only part of the series has a position")
    BAD_ORIENTATION = ("bad_orientation", "the orientation is not two orthogonal unit vectors")
    MIXED_LOCALIZER = ("mixed_localizer", "a localizer is mixed in; it is kept apart")
    MIXED_MATRIX = ("mixed_matrix", "another matrix is mixed in; it is kept apart")
    MIXED_ORIENTATION = ("mixed_orientation", "another orientation or spacing is mixed in; it is kept apart")
    MIXED_PIXEL_FORMAT = ("mixed_pixel_format", "another pixel format is mixed in; it is kept apart")
    MIXED_FRAME_OF_REFERENCE = ("mixed_frame_of_reference", "another frame of reference is mixed in; it is kept apart")
    FOUR_DIMENSIONAL = ("four_dimensional", "several volumes along a dimension")
    DIMENSION_UNNAMED = ("dimension_unnamed", "several volumes that only instance numbers tell apart")
    INCOMPLETE_DIMENSION = ("incomplete_dimension", "volumes or time points are missing or lack slices")
    MOSAIC = ("mosaic", "Siemens MOSAIC or UIH GRID, taken apart")
    PER_FRAME_RESCALE = ("per_frame_rescale", "frames have rescale values of their own; each gets its own")
    MODALITY_LUT = ("modality_lut", "a Modality LUT is there, and not applied")
    UNUSED_BITS_SET = ("unused_bits_set", "bits outside the stored ones were set, and cleared")
    INVERTED = ("inverted", "MONOCHROME1: shown inverted, values as stored")
    COLOR_CONVERTED = ("color_converted", "palette, YBR or another color model became RGB")
    TURNED = ("turned", "a photograph was turned as its orientation tag asks")
    SPACING_CALIBRATED = ("spacing_calibrated", "the pixel spacing of a projection is calibrated")
    SPACING_AT_DETECTOR = ("spacing_at_detector", "the pixel spacing is that of the detector: lengths are magnified")
    SPACING_UNSPECIFIED = ("spacing_unspecified", "a pixel spacing that does not say what it means")
    NO_SPACING = ("no_spacing", "no pixel spacing: lengths in pixels only")
    ULTRASOUND_REGIONS = ("ultrasound_regions", "calibrated regions of an ultrasound image")
    SUV_UNAVAILABLE = ("suv_unavailable", "no SUV, and why")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing, in a sentence for people and a code for programs."""

    code: FindingCode
    severity: Severity
    message: str

    @classmethod
    def error(cls, code: FindingCode, message: str) -> Finding:
        """Build a finding that makes part of the series unusable."""
        return cls(code, Severity.ERROR, message)

    @classmethod
    def warning(cls, code: FindingCode, message: str) -> Finding:
        """Build a finding to look at before use."""
        return cls(code, Severity.WARNING, message)

    @classmethod
    def info(cls, code: FindingCode, message: str) -> Finding:
        """Build a finding that is good to know."""
        return cls(code, Severity.INFO, message)

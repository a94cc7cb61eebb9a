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
    """Kind of a finding; the value is stable and meant for programs."""

    BROKEN_FILE = "broken_file"
    NOT_AN_IMAGE = "not_an_image"
    CODEC_MISSING = "codec_missing"
    LOSSY = "lossy"
    DUPLICATE_FILE = "duplicate_file"
    DUPLICATE_SLICE = "duplicate_slice"
    CONFLICTING_SLICE = "conflicting_slice"
    MISSING_SLICES = "missing_slices"
    VARIABLE_SPACING = "variable_spacing"
    SHIFTED_SLICES = "shifted_slices"
    UNEVEN_POSITIONS = "uneven_positions"
    GANTRY_TILT = "gantry_tilt"
    SHEARED = "sheared"
    TILT_MISMATCH = "tilt_mismatch"
    SPACING_MISMATCH = "spacing_mismatch"
    SLICE_SPACING_ASSUMED = "slice_spacing_assumed"
    ZERO_SPACING = "zero_spacing"
    NO_PATIENT_GEOMETRY = "no_patient_geometry"
    PARTLY_PLACED = "partly_placed"
    BAD_ORIENTATION = "bad_orientation"
    MIXED_LOCALIZER = "mixed_localizer"
    MIXED_MATRIX = "mixed_matrix"
    MIXED_ORIENTATION = "mixed_orientation"
    MIXED_PIXEL_FORMAT = "mixed_pixel_format"
    MIXED_FRAME_OF_REFERENCE = "mixed_frame_of_reference"
    FOUR_DIMENSIONAL = "four_dimensional"
    DIMENSION_UNNAMED = "dimension_unnamed"
    INCOMPLETE_DIMENSION = "incomplete_dimension"
    MOSAIC = "mosaic"
    PER_FRAME_RESCALE = "per_frame_rescale"
    MODALITY_LUT = "modality_lut"
    UNUSED_BITS_SET = "unused_bits_set"
    INVERTED = "inverted"
    COLOR_CONVERTED = "color_converted"
    TURNED = "turned"
    SPACING_CALIBRATED = "spacing_calibrated"
    SPACING_AT_DETECTOR = "spacing_at_detector"
    SPACING_UNSPECIFIED = "spacing_unspecified"
    NO_SPACING = "no_spacing"
    ULTRASOUND_REGIONS = "ultrasound_regions"
    SUV_UNAVAILABLE = "suv_unavailable"


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

"""How slices lie in the patient: one regular volume, a sheared one, or none.

The axis along the slices is what the positions say, from the first slice to the last; neither Slice Thickness nor
Spacing Between Slices enters it. So a gantry tilt becomes a sheared affine that puts each slice where it was.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.headers import FrameHeader, Orientation

__all__ = ["GeometryKind", "SliceGeometry", "distances_along", "normal_of", "slice_geometry", "valid_orientation"]

RELATIVE_TOLERANCE: Final = 0.01
"""Slices are evenly spaced when none is off its place by more than this fraction of their distance."""

ABSOLUTE_TOLERANCE: Final = 2e-3
"""...or by this many mm: positions are often written with two or three decimals."""

UNNOTICED: Final = 0.01
"""Deviations within tolerance are reported when larger than this, in mm."""


class GeometryKind(enum.StrEnum):
    """What one can build of the slices of a series.

    ``regular``: a grid with orthogonal axes. ``sheared``: an exact grid whose axes are not orthogonal (gantry tilt).
    ``irregular``: slices with a position each, but no one grid. ``none``: no position in the patient at all.
    """

    REGULAR = "regular"
    SHEARED = "sheared"
    IRREGULAR = "irregular"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SliceGeometry:
    """Kind of geometry, the grid where there is one, and why not where there is none."""

    kind: GeometryKind
    grid: Grid | None
    findings: tuple[Finding, ...] = ()


def valid_orientation(orientation: Orientation | None) -> bool:
    """Whether rows and columns are two orthogonal unit vectors, to 1e-3."""
    if orientation is None:
        return False
    a, b, c, d, e, f = orientation
    lengths = (math.hypot(a, b, c), math.hypot(d, e, f))
    return max(abs(length - 1) for length in lengths) < 1e-3 and abs(a * d + b * e + c * f) < 1e-3


def normal_of(orientation: Orientation) -> NDArray[np.float64]:
    """Unit vector along which slices are sorted: rows x columns."""
    normal: NDArray[np.float64] = np.cross(orientation[:3], orientation[3:])
    unit: NDArray[np.float64] = normal / np.linalg.norm(normal)
    return unit


def distances_along(orientation: Orientation, positions: Sequence[Vector]) -> NDArray[np.float64]:
    """Distance in mm of each position along the normal."""
    distances: NDArray[np.float64] = np.array(positions, dtype=np.float64).reshape(-1, 3) @ normal_of(orientation)
    return distances


def slice_geometry(slices: Sequence[FrameHeader], rows: int, columns: int, tilt: float | None) -> SliceGeometry:
    """Find the geometry of slices that are sorted along their normal, one per position.

    Parameters
    ----------
    slices : sequence of FrameHeader
        All with a position, a valid orientation (the same) and a positive pixel spacing (the same).
    rows, columns : int
        Matrix of each slice.
    tilt : float or None
        Gantry/Detector Tilt in degrees as stated, to compare with.
    """
    first = slices[0]
    if first.orientation is None or first.pixel_spacing is None or first.position is None:
        raise ValueError("slices need an orientation, a position and a pixel spacing")
    if len(slices) == 1:
        return _single_slice(first, rows, columns)
    positions = np.array([frame.position for frame in slices], dtype=np.float64)
    off = float(_off_even(positions).max())
    if off > max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * _mean_distance(positions)):
        why = _irregularity(positions, normal_of(first.orientation))
        return SliceGeometry(GeometryKind.IRREGULAR, None, (why,))
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    grid = _grid(first, step, (len(slices), rows, columns))
    findings = [*_shear_findings(first.orientation, step, tilt), *_spacing_findings(first, step)]
    if off > UNNOTICED:
        findings.append(
            Finding.info(
                FindingCode.UNEVEN_POSITIONS,
                f"slices are up to {off:.2g} mm off even spacing; that is within tolerance, and taken for rounding.",
            )
        )
    return SliceGeometry(GeometryKind.SHEARED if grid.is_sheared else GeometryKind.REGULAR, grid, tuple(findings))


def _single_slice(frame: FrameHeader, rows: int, columns: int) -> SliceGeometry:
    thickness = frame.thickness or frame.slice_spacing
    findings: tuple[Finding, ...] = ()
    if not thickness or thickness < 0:
        thickness = 1.0
        findings = (
            Finding.warning(
                FindingCode.SLICE_SPACING_ASSUMED,
                "one slice without Slice Thickness: 1 mm is assumed, so volumes in mm³ have no meaning.",
            ),
        )
    step = normal_of(_orientation(frame)) * thickness
    return SliceGeometry(GeometryKind.REGULAR, _grid(frame, step, (1, rows, columns)), findings)


def _grid(first: FrameHeader, step: NDArray[np.float64], shape: tuple[int, int, int]) -> Grid:
    orientation, spacing = _orientation(first), first.pixel_spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.array(orientation[3:]) * spacing[0]
    affine[:3, 2] = np.array(orientation[:3]) * spacing[1]
    affine[:3, 3] = first.position
    return Grid.from_affine(shape, affine)


def _off_even(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each position from its place on an evenly divided line from the first to the last."""
    off: NDArray[np.float64] = np.linalg.norm(
        positions - np.linspace(positions[0], positions[-1], len(positions)), axis=1
    )
    return off


def _mean_distance(positions: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(positions[-1] - positions[0])) / (len(positions) - 1)


def _irregularity(positions: NDArray[np.float64], normal: NDArray[np.float64]) -> Finding:
    count = len(positions)
    gaps = np.diff(positions @ normal)
    if gaps.min() < ABSOLUTE_TOLERANCE:
        return Finding.error(FindingCode.SHIFTED_SLICES, "slices lie side by side in one plane: no one regular volume.")
    unit = float(np.median(gaps))
    multiples = gaps / unit
    whole = np.rint(multiples)
    if np.all(whole >= 1) and np.all(np.abs(multiples - whole) <= RELATIVE_TOLERANCE * whole) and whole.max() > 1:
        missing = int(whole.sum()) - count + 1
        places = ", ".join(f"{int(n - 1)} after slice {index + 1} of {count}" for index, n in enumerate(whole) if n > 1)
        return Finding.error(
            FindingCode.MISSING_SLICES,
            f"{missing} {'slice is' if missing == 1 else 'slices are'} missing "
            f"({places}; slices are {unit:.4g} mm apart).",
        )
    if gaps.max() - gaps.min() > max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * unit):
        return Finding.error(
            FindingCode.VARIABLE_SPACING,
            f"the distance between slices varies from {gaps.min():.4g} to {gaps.max():.4g} mm: no one regular volume.",
        )
    return Finding.error(
        FindingCode.SHIFTED_SLICES,
        f"slices are shifted within their plane, by up to {_off_even(positions).max():.4g} mm off a line: "
        "no one regular volume.",
    )


def _shear_findings(orientation: Orientation, step: NDArray[np.float64], tilt: float | None) -> list[Finding]:
    normal = normal_of(orientation)
    along = float(step @ normal)
    angle = math.degrees(math.atan2(float(np.linalg.norm(step - along * normal)), along))
    stated = abs(tilt or 0.0)
    findings = []
    if angle > math.degrees(1e-3):
        code = FindingCode.GANTRY_TILT if stated else FindingCode.SHEARED
        name = "gantry tilt" if stated else "slices are displaced along a slanted line"
        findings.append(
            Finding.warning(
                code,
                f"{name}: the slice axis leans {angle:.2f}° off the slices' normal; the volume is sheared, exactly "
                "(software that assumes a right angle misplaces it).",
            )
        )
    if stated and abs(stated - angle) > 0.5:
        findings.append(
            Finding.info(
                FindingCode.TILT_MISMATCH,
                f"the header states a tilt of {stated:.2f}°, the positions say {angle:.2f}°; the positions are used.",
            )
        )
    return findings


def _spacing_findings(first: FrameHeader, step: NDArray[np.float64]) -> list[Finding]:
    measured = float(step @ normal_of(_orientation(first)))
    stated = abs(first.slice_spacing or 0.0)
    if stated and abs(stated - measured) > max(0.01, 0.01 * measured) and abs(stated - np.linalg.norm(step)) > 0.01:
        return [
            Finding.info(
                FindingCode.SPACING_MISMATCH,
                f"the header states {stated:.4g} mm between slices and the positions say {measured:.4g} mm; "
                "the positions are used.",
            )
        ]
    return []


def _orientation(frame: FrameHeader) -> Orientation:
    return frame.orientation or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

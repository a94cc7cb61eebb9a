"""Frames that belong together, in order, with the geometry that their positions give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from AnnotationQACore.geometry import Grid, Vector
from AnnotationQACore.interchange.series.dimensions import Dimension, FrameRef, split_dimension
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.mosaic import tile_shape
from AnnotationQACore.interchange.series.slice_geometry import (
    GeometryKind,
    distances_along,
    slice_geometry,
    valid_orientation,
)

__all__ = ["PROJECTION_MODALITIES", "Stack", "build_stack", "is_placed", "matrix_of"]

PROJECTION_MODALITIES: Final = frozenset({"CR", "DX", "IO", "PX", "RF", "RG", "XA", "XC", "ES", "OP", "SM", "GM"})
"""Modalities whose pixels lie in no plane of the patient, whatever a header says of positions."""

SAME_PLACE: Final = 1e-3
"""Frames nearer than this, in mm, lie at one position."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames of one matrix, orientation and pixel format: what becomes one image.

    Attributes
    ----------
    volumes : tuple of tuple of FrameRef
        For each value of `dimension` its slices, sorted along their normal (without geometry: by number).
    rows, columns : int
        Matrix of each frame (of each tile, in a mosaic).
    kind : GeometryKind
    grid : Grid or None
        Of each volume; None for irregular slices and images without geometry.
    dimension : Dimension or None
    findings : tuple of Finding
    spares : tuple of (FrameRef, FrameRef)
        Frames of the stack, each with one left out that lies at the same position.
    """

    volumes: tuple[tuple[FrameRef, ...], ...]
    rows: int
    columns: int
    kind: GeometryKind
    grid: Grid | None = None
    dimension: Dimension | None = None
    findings: tuple[Finding, ...] = ()
    spares: tuple[tuple[FrameRef, FrameRef], ...] = ()

    @property
    def frames(self) -> tuple[FrameRef, ...]:
        """All frames, volume by volume."""
        return tuple(ref for volume in self.volumes for ref in volume)

    @property
    def first(self) -> FrameRef:
        """First frame of the first volume."""
        return self.volumes[0][0]


def matrix_of(file: FileHeader) -> tuple[int, int]:
    """Rows and columns of one frame of a file, of one tile in a mosaic."""
    return tile_shape(file.rows, file.columns, file.tiles) if file.tiles > 1 else (file.rows, file.columns)


def is_placed(ref: FrameRef) -> bool:
    """Whether a frame has a plane in the patient."""
    frame = ref.frame
    return (
        frame.position is not None
        and valid_orientation(frame.orientation)
        and frame.pixel_spacing is not None
        and min(frame.pixel_spacing) > 0
        and ref.file.modality not in PROJECTION_MODALITIES
    )


def build_stack(refs: Sequence[FrameRef]) -> Stack:
    """Sort frames of one matrix, orientation and pixel spacing, and find their geometry and fourth dimension."""
    refs, copies = _without_copies(refs)
    rows, columns = matrix_of(refs[0].file)
    if not is_placed(refs[0]):
        ordered = sorted(refs, key=_number_order)
        return Stack((tuple(ordered),), rows, columns, GeometryKind.NONE, findings=(*copies, *_unplaced(ordered[0])))
    places = _places(refs)
    split = split_dimension(places)
    if not split.volumes:
        slices = tuple(ref for place in places for ref in place)
        return Stack((slices,), rows, columns, GeometryKind.IRREGULAR, findings=(*copies, *split.findings))
    first = split.volumes[0]
    tilt = first[0].file.tilt if first[0].file.modality == "CT" else None
    geometry = slice_geometry([ref.frame for ref in first], rows, columns, tilt)
    return Stack(
        split.volumes,
        rows,
        columns,
        geometry.kind,
        geometry.grid,
        split.dimension,
        (*copies, *geometry.findings, *split.findings),
        split.spares,
    )


def _without_copies(refs: Sequence[FrameRef]) -> tuple[Sequence[FrameRef], tuple[Finding, ...]]:
    """Keep the first file of each SOP Instance UID."""
    chosen: dict[str, FileHeader] = {}
    for ref in refs:
        known = chosen.get(ref.file.instance_uid)
        if known is None or ref.file.path < known.path:
            chosen[ref.file.instance_uid] = ref.file
    kept = [ref for ref in refs if chosen[ref.file.instance_uid] is ref.file]
    copies = len({ref.file.path for ref in refs}) - len({ref.file.path for ref in kept})
    if not copies:
        return refs, ()
    repeats = "file repeats" if copies == 1 else "files repeat"
    message = f"{copies} {repeats} the SOPInstanceUID of another; one of each is used."
    return kept, (Finding.warning(FindingCode.DUPLICATE_FILE, message),)


def _places(refs: Sequence[FrameRef]) -> list[list[FrameRef]]:
    """Frames by position, positions sorted along the normal of the first frame."""
    orientation = refs[0].frame.orientation
    positions = [ref.frame.position for ref in refs if ref.frame.position is not None]
    if orientation is None or len(positions) < len(refs):
        raise ValueError("frames need an orientation and a position")
    along = distances_along(orientation, positions)
    places: list[list[FrameRef]] = []
    near: list[list[FrameRef]] = []  # places at the present distance: more than one when slices lie side by side
    start = -np.inf
    for index in np.argsort(along, kind="stable"):
        ref, distance = refs[index], float(along[index])
        if distance - start > SAME_PLACE:
            start, near = distance, []
        home = next((place for place in near if _same_place(place[0].frame.position, ref.frame.position)), None)
        if home is None:
            home = []
            near.append(home)
            places.append(home)
        home.append(ref)
    return places


def _same_place(a: Vector | None, b: Vector | None) -> bool:
    return a is not None and b is not None and max(abs(x - y) for x, y in zip(a, b, strict=True)) <= 10 * SAME_PLACE


def _unplaced(ref: FrameRef) -> tuple[Finding, ...]:
    frame, file = ref.frame, ref.file
    if file.modality in PROJECTION_MODALITIES or frame.position is None or frame.orientation is None:
        if file.modality in {"CT", "MR", "PT", "NM", "RTDOSE"}:
            message = (
                "no position or orientation in the patient: frames stay a plain stack in the order of their numbers."
            )
            return (Finding.warning(FindingCode.NO_PATIENT_GEOMETRY, message),)
        return ()
    if not valid_orientation(frame.orientation):
        message = "Image Orientation (Patient) is not two orthogonal unit vectors; slices cannot be placed."
        return (Finding.error(FindingCode.BAD_ORIENTATION, message),)
    message = "Pixel Spacing is missing or zero; nothing can be measured in mm, and slices cannot be placed."
    return (Finding.error(FindingCode.ZERO_SPACING, message),)


def _number_order(ref: FrameRef) -> tuple[int, int, str]:
    return (ref.file.instance_number or 0, ref.frame.number, ref.file.instance_uid)

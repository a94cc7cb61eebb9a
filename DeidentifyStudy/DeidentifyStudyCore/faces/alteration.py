"""Filling the voxels of a mask in files: one value, and nothing else in the pixel data changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_encoder, iter_pixels
from pydicom.uid import UID, ExplicitVRLittleEndian

from DeidentifyStudyCore.atomic import replacing
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.faces.stack import ImageFile, read_header, rescale_of
from DeidentifyStudyCore.faces.volume import BoolVoxels, Floats, sampled
from DeidentifyStudyCore.pixels.redaction import Area
from DeidentifyStudyCore.rules.markers import FACE_STATEMENT

__all__ = ["FaceMask", "areas_of", "write_altered"]

_OPTION = ("113102", "DCM", "Clean Recognizable Visual Features Option")
_LOSSLESS = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90")
"""Transfer syntaxes in which touched frames are encoded again; files in others become Explicit VR Little Endian."""
_AIR_HU = -1000.0

_Cells = NDArray[Any]


@dataclass(frozen=True, slots=True)
class FaceMask:
    """Voxels to fill, on the working lattice of the examined series; `affine` maps (k, j, i, 1) to LPS mm."""

    voxels: BoolVoxels
    affine: Floats

    def of_frame(self, file: ImageFile, number: int) -> BoolVoxels:
        """Pixels of a frame to fill: those whose centre lies in a voxel of the mask.

        Raises
        ------
        Quarantined
            ``face-not-examined``: the file does not say where the frame lies.
        """
        plane = file.planes[number]
        if plane is None:
            raise Quarantined("face-not-examined")
        points = plane.points(file.rows, file.columns)
        inside: BoolVoxels = sampled(self.voxels.astype(np.float32), self.affine, points) > 0.5
        return inside


def areas_of(path: Path, mask: FaceMask) -> dict[int, Area]:
    """Pixels of a file to fill, by frame, and the value of air or of no signal in each.

    Raises
    ------
    Quarantined
        The file does not say where its frames lie, or has no grey values.
    """
    file = read_header(path)
    if file is None:
        raise Quarantined("face-not-examined")
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise Quarantined("undecodable-pixels")
        masks = {number: mask.of_frame(file, number) for number in range(file.frames)}
        return {number: Area(own, _fill_value(dataset, number)) for number, own in masks.items() if own.any()}
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
        raise Quarantined("face-not-examined") from None


def write_altered(file: ImageFile, mask: FaceMask, output: Path) -> int:
    """Write a file with the mask filled, and the statements that a confirmed alteration allows.

    What was written is read again and compared: every pixel outside the mask is as it was.

    Returns
    -------
    int
        Frames that were touched.

    Raises
    ------
    Quarantined
        The frames cannot be decoded, or what was written is not what was meant.
    DestinationError
        The file cannot be written.
    """
    masks = {number: mask.of_frame(file, number) for number in range(file.frames)}
    masks = {number: inside for number, inside in masks.items() if inside.any()}
    try:
        dataset = pydicom.dcmread(file.path)
        if masks:
            _fill(dataset, masks)
        _state(dataset)
        with replacing(output) as temporary:
            dataset.save_as(temporary, enforce_file_format=True)
            _verify(file.path, Path(temporary), masks)
    except (ValueError, TypeError, NotImplementedError, RuntimeError, AttributeError, KeyError, IndexError):
        raise Quarantined("undecodable-pixels") from None
    return len(masks)


def _fill(dataset: Dataset, masks: dict[int, BoolVoxels]) -> None:
    if int(dataset.get("SamplesPerPixel", 1)) != 1 or int(dataset.BitsAllocated) not in {8, 16, 32}:
        raise Quarantined("undecodable-pixels")
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    values = {number: _fill_value(dataset, number) for number in masks}
    if not syntax.is_compressed or syntax.is_deflated:
        content = bytearray(dataset.PixelData)
        cells = _native(dataset, content, big=not syntax.is_little_endian)
        for number, inside in masks.items():
            cells[number][inside] = values[number]
        dataset.PixelData = bytes(content)
    elif syntax in _LOSSLESS:
        _fill_encapsulated(dataset, syntax, masks, values)
    else:
        decoded = np.stack(list(iter_pixels(dataset, raw=True)))
        for number, inside in masks.items():
            decoded[number][inside] = values[number]
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        raw = decoded.tobytes()
        dataset.PixelData = raw + b"\0" * (len(raw) % 2)
        dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
        dataset["PixelData"].is_undefined_length = False
        for table in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if table in dataset:
                delattr(dataset, table)
    for name in ("SmallestImagePixelValue", "LargestImagePixelValue", "IconImageSequence"):
        if name in dataset:  # they describe the pixels that were
            delattr(dataset, name)


def _native(dataset: Dataset, content: bytearray, *, big: bool) -> _Cells:
    frames, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    kind = "i" if int(dataset.PixelRepresentation) else "u"
    dtype = np.dtype(f"{'>' if big else '<'}{kind}{int(dataset.BitsAllocated) // 8}")
    return np.frombuffer(content, dtype, frames * rows * columns).reshape(frames, rows, columns)


def _fill_encapsulated(dataset: Dataset, syntax: UID, masks: dict[int, BoolVoxels], values: dict[int, int]) -> None:
    count = int(dataset.get("NumberOfFrames") or 1)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
    touched = sorted(masks)
    for number, pixels in zip(touched, iter_pixels(dataset, indices=touched, raw=True), strict=True):
        filled = np.array(pixels)
        filled[masks[number]] = values[number]
        frames[number] = get_encoder(syntax).encode(
            filled,
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            samples_per_pixel=1,
            photometric_interpretation=str(dataset.PhotometricInterpretation),
            bits_allocated=int(dataset.BitsAllocated),
            bits_stored=int(dataset.BitsStored),
            pixel_representation=int(dataset.PixelRepresentation),
            number_of_frames=1,
        )
    for table in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if table in dataset:
            delattr(dataset, table)
    dataset.PixelData = encapsulate(frames, has_bot=True)


def _fill_value(dataset: Dataset, number: int) -> int:
    """Stored value of air (CT) or of no signal, within what the pixels can hold."""
    slope, intercept = rescale_of(dataset, number)
    wanted = _AIR_HU if dataset.get("Modality") == "CT" else 0.0
    stored = round((wanted - intercept) / slope) if slope else 0
    bits, signed = int(dataset.BitsStored), bool(int(dataset.PixelRepresentation))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1" and dataset.get("Modality") != "CT":
        stored = high
    return min(max(stored, low), high)


def _state(dataset: Dataset) -> None:
    """Say what is true now: PS3.15, E.1.1 and E.3.2; CID 7050."""
    methods = dataset.get("DeidentificationMethod") or []
    methods = [methods] if isinstance(methods, str) else list(methods)
    if FACE_STATEMENT not in methods:
        dataset.DeidentificationMethod = [*methods, FACE_STATEMENT]
    codes = list(dataset.get("DeidentificationMethodCodeSequence") or [])
    if not any(code.get("CodeValue") == _OPTION[0] for code in codes):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _OPTION
        dataset.DeidentificationMethodCodeSequence = [*codes, code]
    dataset.RecognizableVisualFeatures = "NO"


def _verify(before: Path, after: Path, masks: dict[int, BoolVoxels]) -> None:
    """Hold every frame of the written file against the source."""
    old, new = pydicom.dcmread(before), pydicom.dcmread(after)
    pairs = zip(iter_pixels(old, raw=True), iter_pixels(new, raw=True), strict=True)
    for number, (was, now) in enumerate(pairs):
        inside = masks.get(number)
        if inside is None:
            same = np.array_equal(was, now)
        else:
            same = np.array_equal(was[~inside], now[~inside]) and len(np.unique(now[inside])) == 1
        if not same:
            raise Quarantined("verification-failed")

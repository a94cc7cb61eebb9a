"""Pixels of one file as stored: read straight into place where uncompressed, else by a decoder."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.series.codecs import CODECS, NATIVE, SIMPLEITK, decoder_for, install_hint
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.mosaic import demosaic

__all__ = ["Undecodable", "decode_into", "is_color", "is_native", "stored_dtype"]

_FLOAT_DTYPES: Final[dict[int, np.dtype[Any]]] = {0x7FE00008: np.dtype(np.float32), 0x7FE00009: np.dtype(np.float64)}
_LITTLE_ENDIAN: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"


class Undecodable(Exception):
    """The pixels of a file cannot be decoded: it is broken."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def is_color(file: FileHeader) -> bool:
    """Whether the frames of a file become RGB."""
    return file.samples == 3 or file.photometric == "PALETTE COLOR"


def is_native(file: FileHeader) -> bool:
    """Whether the pixels can be copied from the file as they are."""
    return (
        file.pixels is not None
        and file.pixels.length >= 0
        and file.transfer_syntax in _LITTLE_ENDIAN
        and file.bits_allocated in {8, 16, 32, 64}
        and (file.samples == 1 or (file.photometric == "RGB" and not file.planar))
        and file.photometric != "PALETTE COLOR"
    )


def stored_dtype(file: FileHeader) -> np.dtype[Any]:
    """Type of the stored samples; that of RGB is ``uint8`` or ``uint16``."""
    if file.pixels is not None and file.pixels.tag in _FLOAT_DTYPES:
        return _FLOAT_DTYPES[file.pixels.tag]
    size = max(file.bits_allocated // 8, 1)
    return np.dtype(f"{'i' if file.signed else 'u'}{size}")


def decode_into(file: FileHeader, targets: Sequence[tuple[int, NDArray[Any]]]) -> None:
    """Write frames of one file into arrays.

    Parameters
    ----------
    file : FileHeader
    targets : sequence of (frame number, array)
        Number of each wanted frame, 1-based (of the tile, in a mosaic), and the C-contiguous array, shape (rows,
        columns) or (rows, columns, 3), that takes it.

    Raises
    ------
    Undecodable
        The file is broken.
    MissingExtra
        No decoder for its compression is installed.
    """
    try:
        if file.tiles > 1:
            image = next(_frames(file, [1]))
            tiles = demosaic(image, file.tiles)
            for number, target in targets:
                target[...] = tiles[number - 1]
        elif is_native(file):
            _read_into(file, targets)
        else:
            for (_, target), frame in zip(targets, _frames(file, [number for number, _ in targets]), strict=True):
                target[...] = frame
    except (OSError, EOFError) as error:
        raise Undecodable(file.path, "its pixel data cannot be read") from error


def _read_into(file: FileHeader, targets: Sequence[tuple[int, NDArray[Any]]]) -> None:
    if file.pixels is None:
        raise Undecodable(file.path, "it has no pixel data")
    with file.path.open("rb", buffering=0) as stream:
        for number, target in targets:
            stream.seek(file.pixels.offset + (number - 1) * target.nbytes)
            if _fill(stream, target) < target.nbytes:
                raise Undecodable(file.path, "the file ends inside its pixel data")
            if sys.byteorder == "big":
                target.byteswap(inplace=True)


def _fill(stream: Any, target: NDArray[Any]) -> int:
    view = target.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        count = stream.readinto(view[done:])
        if not count:
            break
        done += count
    return done


def _frames(file: FileHeader, numbers: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Decode frames by pydicom; color as RGB."""
    import pydicom
    from pydicom.pixels import get_decoder

    plugin = decoder_for(file.transfer_syntax, file.bits_stored)
    if plugin is None:
        raise MissingExtra(f"{file.modality} series: {install_hint(file.transfer_syntax)}", CODECS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(file.path, force=True)
            if "PixelData" not in dataset:
                raise Undecodable(file.path, "it has no pixel data")
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = file.transfer_syntax
            if plugin == SIMPLEITK:
                frames = _by_simpleitk(dataset)
                yield from (frames[number - 1] for number in numbers)
                return
            decoder = get_decoder(file.transfer_syntax)
            options = {} if plugin == NATIVE else {"decoding_plugin": plugin}
            for frame, _ in decoder.iter_array(dataset, indices=[number - 1 for number in numbers], **options):
                yield _palette_to_rgb(frame, dataset) if file.photometric == "PALETTE COLOR" else frame
        except (MissingExtra, Undecodable, OSError):
            raise
        except Exception as error:  # decoders raise whatever they stumble over
            raise Undecodable(file.path, f"its pixel data cannot be decoded ({type(error).__name__})") from error


def _palette_to_rgb(frame: NDArray[Any], dataset: Any) -> NDArray[Any]:
    """Apply the palette; tables of 16 bits become 8 where they hold no more."""
    from pydicom.pixels import apply_color_lut

    rgb: NDArray[Any] = apply_color_lut(frame, dataset)[..., :3]
    return (rgb >> 8).astype(np.uint8) if rgb.dtype == np.uint16 else rgb


def _by_simpleitk(dataset: Any) -> NDArray[Any]:
    """Decode all frames by the GDCM inside SimpleITK, from a file that holds the pixels and nothing of the patient."""
    import SimpleITK
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import generate_uid

    if dataset.SamplesPerPixel != 1 and dataset.PhotometricInterpretation != "RGB":
        raise MissingExtra(f"color images: {install_hint(dataset.file_meta.TransferSyntaxUID)}", CODECS)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = _SECONDARY_CAPTURE
    meta.MediaStorageSOPInstanceUID = generate_uid()
    bare = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    bare.SOPClassUID, bare.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword in (
        *("SamplesPerPixel", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated"),
        *("BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    ):
        if keyword in dataset:
            bare[keyword] = dataset[keyword]
    bare.PhotometricInterpretation = "RGB" if dataset.SamplesPerPixel == 3 else "MONOCHROME2"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.dcm"
        bare.save_as(path, enforce_file_format=True)
        array: NDArray[Any] = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    frames = int(dataset.get("NumberOfFrames") or 1)
    shape = (frames, int(dataset.Rows), int(dataset.Columns))
    return array.reshape(*shape, 3) if dataset.SamplesPerPixel == 3 else array.reshape(shape)

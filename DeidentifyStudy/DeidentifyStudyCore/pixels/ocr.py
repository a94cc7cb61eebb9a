"""Lines of text by optical character recognition: RapidOCR on onnxruntime, whose wheel carries its models.

An optional extra: it is imported only where it is used, and works without a network. What it reads never leaves this
module: only where the text is, and how sure the reading was.
"""

import logging
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from DeidentifyStudyCore.errors import MissingExtra
from DeidentifyStudyCore.pixels.boxes import Box, tiles

__all__ = ["TILE", "Reading", "is_installed", "read_along", "read_boxes", "read_lines", "version"]

ENLARGED, _ENLARGED_AGAIN = 2, 3
"""Small print is read far better at twice its size, and far worse in larger tiles; strips are read larger still."""
TILE, _TILE_OVERLAP = 640, 128
_SMALLEST_SIDE = 16
_LEAST_SIDE = 32
"""Of what the detector looks at; its own default would enlarge a strip until its short side had hundreds of pixels."""
_NEIGHBOURHOOD = 12

_Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reading:
    """A line that was read.

    Attributes
    ----------
    confidence : float
        Of the reading, in [0, 1].
    characters : int
        Letters and digits that were read.
    """

    box: Box
    confidence: float
    characters: int


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def version() -> str:
    """Name and version of what reads, for reports."""
    try:
        return f"rapidocr {metadata.version('rapidocr')}"
    except metadata.PackageNotFoundError:  # it was put beside the program without being installed
        return "rapidocr"


def read_lines(image: _Rgb) -> list[Reading]:
    """Find and read lines of text anywhere in an image of shape (rows, columns, 3), at twice its size.

    Large images are read in overlapping tiles, so that print does not shrink. Each tile is read three times: as it
    is, with its local contrast made even, in which faint print stands out and large letters do not, and the latter
    turned by 90 degrees, since faint vertical print is found less often.

    Raises
    ------
    MissingExtra
        RapidOCR is not installed.
    """
    engine = _engine()
    found = []
    for place in tiles(image.shape[0], image.shape[1], TILE, _TILE_OVERLAP):
        tile = image[place.row : place.bottom, place.column : place.right]
        even = _even(tile)
        readings = [*_read_tile(engine, tile), *_read_tile(engine, even)]
        readings += [_turned_back(reading, tile.shape[1]) for reading in _read_tile(engine, np.rot90(even))]
        found += [_shifted(reading, place.row, place.column) for reading in readings]
    return found


def read_boxes(image: _Rgb, boxes: list[Box], *, as_they_are: bool = False) -> list[Reading]:
    """Read what boxes hold, found by other means; in the order of the boxes.

    Parameters
    ----------
    as_they_are : bool
        Do not turn by 180 degrees what seems to be upside down, as scripts do that have turned letters.
    """
    engine = _engine()
    readings = []
    for box in boxes:
        grown = box.grown(max(2, min(box.height, box.width) // 4), image.shape[0], image.shape[1])
        part = image[grown.row : grown.bottom, grown.column : grown.right]
        if part.shape[0] > 1.5 * part.shape[1]:
            part = np.rot90(part)
        result = _silent(engine, _enlarged(part), use_det=False, use_cls=not as_they_are, use_rec=True)
        texts, scores = result.txts or ("",), result.scores or (0.0,)
        readings.append(Reading(box, float(scores[0]), _characters(texts[0])))
    return readings


def read_along(image: _Rgb, box: Box) -> list[Reading]:
    """Read the strip in which a line of text lies, at three times its size: on both sides by the line's own length.

    What a reader misses of a faint line among much else, it often finds when there is nothing else to look at.
    """
    engine = _engine()
    upright = box.height > box.width
    along, across = max(box.height, box.width), min(box.height, box.width)
    high, wide = (along, across) if upright else (across, along)
    strip = Box.between(box.row - high, box.column - wide, box.bottom + high, box.right + wide).within(*image.shape[:2])
    part = image[strip.row : strip.bottom, strip.column : strip.right]
    found = []
    for picture in (part, _even(part)):
        turned = np.rot90(picture) if upright else picture
        readings = _read_tile(engine, turned, _ENLARGED_AGAIN)
        found += [_turned_back(reading, part.shape[1]) for reading in readings] if upright else readings
    return [_shifted(reading, strip.row, strip.column) for reading in found]


def _read_tile(engine: Any, tile: _Rgb, scale: int = ENLARGED) -> list[Reading]:
    if min(tile.shape[:2]) < _SMALLEST_SIDE:
        return []
    result = _silent(engine, _enlarged(tile, scale), use_det=True, use_cls=True, use_rec=True)
    if result.boxes is None or result.txts is None:
        return []
    readings = []
    for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        x, y = np.asarray(corners, np.float64).T / scale
        box = Box.between(
            int(np.floor(y.min())), int(np.floor(x.min())), int(np.ceil(y.max())) + 1, int(np.ceil(x.max())) + 1
        ).within(*tile.shape[:2])
        readings.append(Reading(box, float(score), _characters(text)))
    return readings


def _even(tile: _Rgb) -> _Rgb:
    """Grey picture of a tile in which faint print stands out as strong print does."""
    grey = ndimage.gaussian_filter(tile.astype(np.float32).mean(axis=2), 0.6)
    mean = ndimage.gaussian_filter(grey, _NEIGHBOURHOOD)
    spread = np.sqrt(ndimage.gaussian_filter((grey - mean) ** 2, _NEIGHBOURHOOD))
    even = np.clip(128 + 45 * (grey - mean) / (spread + 6), 0, 255).astype(np.uint8)
    return np.repeat(even[..., None], 3, axis=2)


def _turned_back(reading: Reading, columns: int) -> Reading:
    """Reading in a tile that was turned by `numpy.rot90`, in the tile as it was."""
    box = reading.box
    back = Box(box.column, columns - box.bottom, box.width, box.height)
    return Reading(back, reading.confidence, reading.characters)


def _silent(engine: Any, image: _Rgb, **use: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library whose warnings may quote what it read
        return engine(image, **use)


def _enlarged(image: _Rgb, scale: int = ENLARGED) -> _Rgb:
    size = image.shape[1] * scale, image.shape[0] * scale
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BICUBIC))


def _characters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _shifted(reading: Reading, rows: int, columns: int) -> Reading:
    box = reading.box
    return Reading(Box(box.row + rows, box.column + columns, box.height, box.width), reading.confidence,
                   reading.characters)  # fmt: skip


@lru_cache(maxsize=1)
def _engine() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from rapidocr import RapidOCR

            engine = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Global.text_score": 0.0,  # what is unread is for the caller to say
                    "Det.thresh": 0.2,
                    "Det.box_thresh": 0.3,
                    "Det.limit_side_len": _LEAST_SIDE,
                    "Global.max_side_len": 2 * ENLARGED * TILE,
                    "EngineConfig.onnxruntime.intra_op_num_threads": int(os.environ.get("OMP_NUM_THREADS", "1")),
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                }
            )
    except ImportError:
        raise MissingExtra("text recognition is not installed; pip install 'annotation-qa[ocr]'.") from None
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)  # it would log what it read
    return engine

"""Grey pictures as PNG, for pages that hold them."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["png_data_uri"]


def png_data_uri(grey: NDArray[np.uint8]) -> str:
    """A grey picture, shape (row, column), as a ``data:`` URI with a PNG (ISO/IEC 15948) of 8 bits."""
    rows, columns = grey.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    unfiltered = np.pad(grey, ((0, 0), (1, 0))).tobytes()  # filter type 0 before each row
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(unfiltered, 9)), _chunk(b"IEND", b""))
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

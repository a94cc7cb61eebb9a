"""Metadata inside compressed frames: JPEG comments and application segments, JPEG 2000 comments, boxes of JPEG XL,
bytes after the image and between the segments of RLE.

Sources: ISO/IEC 10918-1 annex B (JPEG), 14495-1 (JPEG-LS), 15444-1 annex A (JPEG 2000), PS3.5 annex G (RLE). Frames are
not decoded, but for those that are deflated and nothing else.
"""

import re
import struct
import zlib
from itertools import pairwise

from DeidentifyStudyCore.dicom.jpegxl import code_stream_of, end_of_code_stream
from DeidentifyStudyCore.dicom.tokenizer import Buffer
from DeidentifyStudyCore.errors import Quarantined

__all__ = [
    "FRAMES_AS_THEY_ARE",
    "UNCOMPRESSED",
    "Piece",
    "begins_image",
    "is_stream_of_markers",
    "native_frame",
    "stripped",
]

Piece = bytes | tuple[int, int]
"""Bytes to write, or a range of the source to copy."""

_JPEG = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.(5\d|6\d|70|80|81)")
_JPEG_2000 = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.(90|91|92|93|201|202|203)")
_JPEG_XL = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.11[012]")
_VIDEO = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?")

_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MARKER_IN_LS_SCAN = re.compile(rb"\xff[\x80-\xfe]")  # JPEG-LS stuffs a zero bit after 0xFF, not a byte
_RLE = "1.2.840.10008.1.2.5"
UNCOMPRESSED, _DEFLATED_FRAMES = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"
FRAMES_AS_THEY_ARE = (UNCOMPRESSED, _DEFLATED_FRAMES)
"""Transfer syntaxes of frames in fragments that are as native ones are, or deflated (PS3.5, A.4.11 and A.4.13)."""
_DEFLATED_PART, _INFLATED_PART = 1 << 16, 1 << 20
_RLE_HEADER, _MOST_RLE_SEGMENTS = 64, 15
_LONG_RUNS = 6
"""Power of two of the pixels that runs tell in the mean, above which Python goes through them faster than Pillow."""
_LARGEST_PLANE = 1 << 24  # Pillow holds two of them
_SOI, _EOI, _SOS, _COM, _TEM = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
_JPEG_SEGMENTS = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8))
_OF_A_NUMBER, _LONGEST_NUMBER = frozenset((0xDC, 0xDD)), 6  # of lines, and the restart interval
_JPEG_2000_SEGMENTS = frozenset(
    0xFF00 | low
    for low in (*range(0x50, 0x54), *range(0x55, 0x5A), *range(0x5C, 0x62), 0x63, 0x64, *range(0x72, 0x7A), 0x90)
)
_END_OF_CODE_STREAM = re.compile(rb"(?<!\xff\x91\x00\x04)\xff\xd9")  # and no number of a packet


def stripped(
    buffer: Buffer, start: int, stop: int, transfer_syntax: str, plane: int = 0, frame: int = 0
) -> list[Piece]:
    """Pieces of a fragment that remain when metadata are taken out; one range over all of it when there are none.

    Parameters
    ----------
    plane : int
        Rows times columns, which is what a segment of RLE decodes to; 0 where that is not known.
    frame : int
        Bytes of a frame that is not compressed, or was by deflate alone; 0 where that is not known.

    Raises
    ------
    Quarantined
        The stream is a video, or carries metadata in a place that cannot be parsed.
    """
    if _VIDEO.fullmatch(transfer_syntax):
        raise Quarantined("video")
    if _JPEG.fullmatch(transfer_syntax):
        in_scan = _MARKER_IN_LS_SCAN if transfer_syntax.endswith((".80", ".81")) else _MARKER_IN_SCAN
        return _jpeg(buffer, start, stop, in_scan) if buffer[start : start + 2] == b"\xff\xd8" else [(start, stop)]
    if _JPEG_2000.fullmatch(transfer_syntax):
        if buffer[start + 4 : start + 8] == b"jP  ":
            start, stop = _code_stream(buffer, start, stop)
        return _jpeg_2000(buffer, start, stop) if buffer[start : start + 2] == b"\xff\x4f" else [(start, stop)]
    if transfer_syntax == _RLE:
        return _rle(buffer, start, stop, plane)
    if transfer_syntax in FRAMES_AS_THEY_ARE:
        return [(start, _end_of_frame(buffer, start, stop, transfer_syntax, frame))]
    if _JPEG_XL.fullmatch(transfer_syntax):
        return _jpeg_xl(buffer, start, stop)
    return [(start, stop)]


def begins_image(buffer: Buffer, start: int, stop: int, transfer_syntax: str = "") -> bool:
    """Whether a fragment begins a JPEG, JPEG 2000 or JPEG XL image, as a code stream or in a file of boxes, or one of
    RLE."""
    if _JPEG_XL.fullmatch(transfer_syntax):
        return buffer[start : start + 2] == b"\xff\x0a" or buffer[start + 4 : start + 8] == b"JXL "
    if transfer_syntax == _RLE:
        header = bytes(buffer[start : min(start + _RLE_HEADER, stop)])  # segments may end in later fragments
        return _bounds_of_segments(header, 1 << 32)[:1] == [_RLE_HEADER]
    return stop - start > 2 and (
        buffer[start : start + 2] in {b"\xff\xd8", b"\xff\x4f"} or buffer[start + 4 : start + 8] == b"jP  "
    )


def is_stream_of_markers(transfer_syntax: str) -> bool:
    """Whether images are those of JPEG, JPEG-LS or JPEG 2000, which tell where they begin and end."""
    return bool(_JPEG.fullmatch(transfer_syntax) or _JPEG_2000.fullmatch(transfer_syntax))


def _jpeg(buffer: Buffer, start: int, stop: int, in_scan: re.Pattern[bytes]) -> list[Piece]:
    pieces: list[Piece] = []
    run, position = start, start + 2
    while position < stop:
        marker, at = _next_marker(buffer, position, stop)
        if marker == _EOI:
            return _closed(pieces, run, at + 2)
        if marker in {_SOI, _TEM} or 0xD0 <= marker <= 0xD7:
            position = at + 2
            continue
        length = int.from_bytes(buffer[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > stop:
            raise Quarantined("compressed-metadata")
        if _is_metadata(buffer, marker, at, length):
            if at > run:
                pieces.append((run, at))
            run = end
        position = end
        if marker == _SOS:
            found = in_scan.search(buffer, position, stop)
            if found is None:
                break  # the image has no end
            position = found.start()
    return _closed(pieces, run, stop)


def _next_marker(buffer: Buffer, position: int, stop: int) -> tuple[int, int]:
    if buffer[position] != 0xFF:
        raise Quarantined("compressed-metadata")
    while position + 1 < stop and buffer[position + 1] == 0xFF:
        position += 1
    if position + 1 >= stop:
        raise Quarantined("compressed-metadata")
    return buffer[position + 1], position


def _is_metadata(buffer: Buffer, marker: int, at: int, length: int) -> bool:
    """Whether a segment may go; what decoders need to get the colours right stays, in its bare form."""
    if marker == _COM:
        return True
    if not 0xE0 <= marker <= 0xEF:
        if marker not in _JPEG_SEGMENTS or (marker in _OF_A_NUMBER and length > _LONGEST_NUMBER):
            raise Quarantined("compressed-metadata")
        return False
    body = bytes(buffer[at + 4 : at + 2 + min(length, 16)])
    bare_jfif = marker == 0xE0 and length == 16 and body.startswith(b"JFIF\0") and body[12:14] == b"\0\0"
    adobe = marker == 0xEE and length == 14 and body.startswith(b"Adobe")
    colour_transform = marker == 0xE8 and length <= 9 and body.startswith(b"mrfx")  # JPEG-LS
    return not (bare_jfif or adobe or colour_transform)


def _jpeg_2000(buffer: Buffer, start: int, stop: int) -> list[Piece]:
    pieces: list[Piece] = []
    run, position = start, start + 2
    part_end = 0
    while position + 2 <= stop:
        marker = int.from_bytes(buffer[position : position + 2], "big")
        if marker == 0xFFD9:
            return _closed(pieces, run, position + 2)
        if marker == 0xFF93:  # the data of a tile-part follow
            position = part_end if part_end > position else _end_of_image(buffer, position, stop)
            part_end = 0
            continue
        length = int.from_bytes(buffer[position + 2 : position + 4], "big")
        end = position + 2 + length
        if marker not in _JPEG_2000_SEGMENTS or length < 2 or end > stop:
            raise Quarantined("compressed-metadata")
        if marker == 0xFF90:
            part_length = int.from_bytes(buffer[position + 6 : position + 10], "big")
            part_end = position + part_length if position + part_length <= stop else 0
        if marker == 0xFF64:
            if position > run:
                pieces.append((run, position))
            if part_end:  # lengths of tile-parts are written elsewhere too: blank it, and nothing moves
                pieces.append(bytes(buffer[position : position + 6]) + bytes(length - 4))
            run = end
        position = end
    return _closed(pieces, run, stop)


def _code_stream(buffer: Buffer, start: int, stop: int) -> tuple[int, int]:
    """Find the code stream in a JP2 file, whose boxes have no place in DICOM (PS3.5, 8.2.4)."""
    while start + 8 <= stop:
        length = int.from_bytes(buffer[start : start + 4], "big")
        kind = buffer[start + 4 : start + 8]
        header = 8
        if length == 1:
            length, header = int.from_bytes(buffer[start + 8 : start + 16], "big"), 16
        end = stop if length == 0 else start + length
        if kind == b"jp2c" and end <= stop:
            return start + header, end
        if length < header or end > stop:
            break
        start = end
    raise Quarantined("compressed-metadata")


def _end_of_image(buffer: Buffer, position: int, stop: int) -> int:
    found = _END_OF_CODE_STREAM.search(buffer, position, stop)
    return found.start() if found else stop


def _closed(pieces: list[Piece], run: int, end: int) -> list[Piece]:
    if end > run:
        pieces.append((run, end))
    return pieces


def _jpeg_xl(buffer: Buffer, start: int, stop: int) -> list[Piece]:
    """The code stream, without the boxes around it and what follows."""
    data = bytes(buffer[start:stop])
    parts = code_stream_of(data)
    left = end_of_code_stream(data if parts == [(0, len(data))] else b"".join(data[a:b] for a, b in parts))
    pieces: list[Piece] = []
    for begin, end in parts:
        size = min(end - begin, left)
        pieces = _closed(pieces, start + begin, start + begin + size)
        left -= size
    return pieces


def _rle(buffer: Buffer, start: int, stop: int, plane: int) -> list[Piece]:
    """Blank what no segment needs: offsets stay, so that nothing moves."""
    frame = bytes(buffer[start:stop])
    bounds = _bounds_of_segments(frame[:_RLE_HEADER], len(frame))
    if not bounds:
        raise Quarantined("compressed-metadata")
    count = len(bounds) - 1
    unused = [(4 + 4 * count, bounds[0])]
    unused += [(_end_of_runs(frame, begin, end, plane), end) for begin, end in pairwise(bounds)]
    pieces: list[Piece] = []
    run = 0
    for begin, end in unused:
        if any(frame[begin:end]):
            pieces += [(start + run, start + begin), bytes(end - begin)]
            run = end
    return _closed(pieces, start + run, stop)


def native_frame(raw: bytes, transfer_syntax: str, size: int) -> bytes:
    """Inflate a frame of `FRAMES_AS_THEY_ARE`, and take its padding away.

    Raises
    ------
    Quarantined
        It is shorter than a frame, or no deflated one.
    """
    try:
        frame = (
            zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, size) if transfer_syntax == _DEFLATED_FRAMES else raw
        )
    except zlib.error:
        raise Quarantined("undecodable-pixels") from None
    if len(frame) < size:
        raise Quarantined("truncated-pixel-data")
    return frame[:size]


def _end_of_frame(buffer: Buffer, start: int, stop: int, transfer_syntax: str, size: int) -> int:
    """Where a frame of `FRAMES_AS_THEY_ARE` ends; a deflated one must hold it, a zero to fill it up, and no more."""
    if not size:
        raise Quarantined("compressed-metadata")
    if transfer_syntax != _DEFLATED_FRAMES:
        if stop - start < size:
            raise Quarantined("truncated-pixel-data")
        return start + size
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    at, told, last = start, 0, b""
    try:
        while not inflater.eof and told <= size + 1:
            chunk = inflater.unconsumed_tail
            if not chunk:
                chunk = bytes(buffer[at : min(at + _DEFLATED_PART, stop)])
                at += len(chunk)
            part = inflater.decompress(chunk, _INFLATED_PART)
            told, last = told + len(part), part[-1:] or last
            if not chunk and not part:
                break
    except zlib.error:
        raise Quarantined("compressed-metadata") from None
    if told < size:
        raise Quarantined("truncated-pixel-data")
    if not inflater.eof or told > size + size % 2 or (told > size and last != b"\0"):
        raise Quarantined("compressed-metadata")
    return at - len(inflater.unused_data)


def _bounds_of_segments(header: bytes, size: int) -> list[int]:
    """Where the segments of a frame begin, and where the last ends; nothing where that cannot be (PS3.5, G.5)."""
    if len(header) < _RLE_HEADER:
        return []
    count, *offsets = struct.unpack("<16I", header)
    bounds = [*offsets[:count], size]
    is_table = 1 <= count <= _MOST_RLE_SEGMENTS and bounds[0] >= _RLE_HEADER and bounds == sorted(bounds)
    return bounds if is_table else []


def _end_of_runs(frame: bytes, begin: int, stop: int, plane: int) -> int:
    """Where a segment of RLE has told its plane (PS3.5, G.3.2); all of it where the size is not known.

    Also all of it where nothing but zeros can be left over, since those need not be found.
    """
    if not plane:
        return stop
    position, left = _walk(frame, begin, stop, plane, plane >> _LONG_RUNS)
    if left and position < stop:
        told = frame[position:stop].rstrip(b"\0")[:-1]  # the last byte that may hold something, left over
        if left <= _LARGEST_PLANE and not _tells(told, left):
            return stop
        position, left = _walk(frame, position, stop, left, stop)
    return min(position, stop)


def _walk(frame: bytes, position: int, stop: int, left: int, runs: int) -> tuple[int, int]:
    """Go through some runs of RLE: where the next one begins, and how much of the plane it and others have to tell."""
    while left > 0 and position < stop and runs > 0:
        control = frame[position]
        if control < 128:
            position += control + 2
            left -= control + 1
        elif control > 128:
            position += 2
            left -= 257 - control
        else:
            position += 1
        runs -= 1
    return position, max(left, 0)


def _tells(runs: bytes, plane: int) -> bool:
    """Whether runs of RLE tell a plane; Pillow takes the same time for short ones as for long ones."""
    from PIL import Image  # most files are not RLE

    try:
        Image.frombytes("L", (plane, 1), runs, "packbits", "L")
    except ValueError:  # not enough image data
        return False
    return True

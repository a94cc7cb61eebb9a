"""Opening a DICOM file: preamble, file meta information, transfer syntax, and the data set as one buffer."""

import contextlib
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, Protocol, Self

from DeidentifyStudyCore.dicom.courses import PREAMBLE, TRANSFER_SYNTAX, is_long
from DeidentifyStudyCore.dicom.dictionary import transfer_syntaxes
from DeidentifyStudyCore.dicom.elements import Elements, ScannedElements
from DeidentifyStudyCore.dicom.irregular import write_regular
from DeidentifyStudyCore.dicom.layouts import Layout, Places, expected_ends, learned, recognized
from DeidentifyStudyCore.dicom.memory import Memory
from DeidentifyStudyCore.dicom.sequences import leaves_of
from DeidentifyStudyCore.dicom.tokenizer import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    PIXEL_DATA,
    SHORT_VRS,
    Buffer,
    Encoding,
    Span,
    scan_dataset,
)
from DeidentifyStudyCore.dicom.walk import Leaf, leaves
from DeidentifyStudyCore.errors import MalformedFile, Quarantined

__all__ = ["DEFLATED", "SHORT_RANGE", "Source", "opened", "text_of"]

DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT_LITTLE, _EXPLICIT_LITTLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_ENCODINGS = {_IMPLICIT_LITTLE: IMPLICIT_LITTLE, "1.2.840.10008.1.2.2": EXPLICIT_BIG}
_BLANK = b"  "
_READ_WHOLE = _LONGEST_END = 64 << 10
SHORT_RANGE = 4 << 20
"""Files up to this are held in memory, and ranges up to this read through the map of a larger one; what is longer must
not stay in memory."""
_MAGIC, _META_GROUP = b"DICM", b"\x02\x00"
_DEFLATE_CHUNK = 1 << 20
_LARGEST_INFLATED = 16 << 30
_LARGEST_RATIO = 1100  # deflate cannot do better than 1032:1 on anything but a bomb


class Closable(Protocol):
    def close(self) -> None: ...


@dataclass(slots=True)
class Source:
    """A DICOM file that has been scanned.

    Attributes
    ----------
    file : binary file
        What `buffer` shows, for copies made by the kernel.
    places : Places
        Where its elements lie.
    elements : Elements
        Bytes of each element in the order of `spans`, empty for long ones (`courses.is_long`).
    slack : int
        Bytes after the data set that belong to no element.
    size : int
        Bytes of the file itself, before inflating.
    held : list
        What is closed with the source, last first.
    is_remade : bool
        The buffer is not the file, but what was inflated or written anew from it.
    memory : Memory or None
        What the file is read into where it is looked at as a whole; other files are read into it too.
    beginning : bytes
        What was read of the file, where that told what elements there are.
    """

    _buffer: Buffer | None
    file: BinaryIO
    places: Places
    elements: Elements
    slack: int
    size: int
    held: list[Closable]
    is_remade: bool = False
    memory: Memory | None = None
    beginning: bytes = b""
    _leaves: dict[tuple[int, tuple[str, ...]], list[Leaf]] = field(default_factory=dict, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        _close(self.held)

    @property
    def buffer(self) -> Buffer:
        """The file, or the data set that was made of it; spans count from its start. Mapped, or read where
        there is `memory` for it, when it is asked for, where its beginning told what elements there are."""
        if self._buffer is None:
            small = SHORT_RANGE if self.memory is not None else 0
            self._buffer = _buffer(self.file, self.size, small, self.held)
        return self._buffer

    @property
    def layout(self) -> Layout:
        """The same object for all files of a layout."""
        return self.places.layout

    @property
    def encoding(self) -> Encoding:
        """Of the data set."""
        return self.places.layout.encoding

    @property
    def transfer_syntax(self) -> str:
        """UID as the file meta information has it, or as the data set shows where that is missing or wrong."""
        return self.places.layout.transfer_syntax

    @property
    def spans(self) -> list[Span]:
        """The elements of the data set, in the order of the file."""
        return self.places.spans

    @property
    def start(self) -> int:
        """Where the data set begins."""
        return self.places.span(0)[2] if self.layout.vrs else len(self.buffer)

    def part(self, number: int) -> tuple[Buffer, Span]:
        """Buffer and span to read one element from: its own bytes, or all of the file where it is long."""
        element = self.elements.part(number)
        if element:
            return element, self.places.layout.span(number, element)
        return self.buffer, self.places.span(number)

    def leaves(self, number: int, codecs: tuple[str, ...]) -> tuple[Buffer, Iterable[Leaf]]:
        """Leaves of one element, and the buffer that they lie in; those of short sequences are sought once.

        Raises
        ------
        MalformedFile
            A sequence cannot be parsed.
        """
        buffer, span = self.part(number)
        element = self.elements.part(number)
        if not element:
            return buffer, leaves(buffer, [span], self.encoding, codecs)
        found = self._leaves.get((number, codecs))
        if found is None:
            found = self._leaves[number, codecs] = leaves_of(element, span, self.encoding, codecs)
        return buffer, found

    def first(self, tag: int) -> Span | None:
        """First top-level element with this tag."""
        number = self.places.layout.first.get(tag)
        return None if number is None else self.places.span(number)

    def value(self, tag: int) -> bytes:
        """Value of the first top-level element with this tag, unpadded; empty when it is absent."""
        layout = self.places.layout
        number = layout.first.get(tag)
        if number is None:
            return b""
        element = self.elements.part(number)
        if element:
            return element[layout.inside[number]].rstrip(b" \0")
        _, _, _, value, stop, _ = self.places.span(number)
        return self.buffer[value:stop].rstrip(b" \0")

    def values(self, tags: tuple[int, ...]) -> tuple[bytes, ...]:
        """Values of several elements as `value` finds them, padding included; empty for long ones."""
        layout = self.places.layout
        return self.elements.values(tags, layout.first, layout.inside)

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes of the file, which are there until another source with the same memory is looked at."""
        memory = self.memory
        if memory is None or self._buffer is not None:
            return memoryview(self.buffer)[start:stop]
        if memory.holder is not self:
            if len(memory.read(self.file, 0, self.size)) != self.size:
                raise MalformedFile("truncated", self.size)  # it was cut short since it was opened
            memory.holder = self
        return memory.view[start:stop]

    def holds(self, content: bytes | memoryview, start: int) -> bool:
        """Whether these bytes stand at a place of the file."""
        if self.memory is not None and self.memory.holder is self:
            return self.memory.holds(content, start)
        if isinstance(self._buffer, bytes):
            return self._buffer.startswith(content, start)
        return content == self.read(start, start + len(content))

    def read(self, start: int, stop: int) -> bytes:
        """Bytes of the file without touching the map, so that they do not stay in memory."""
        if stop <= len(self.beginning):
            return self.beginning[start:stop]
        if hasattr(os, "pread") and not isinstance(self._buffer, bytes):
            return os.pread(self.file.fileno(), stop - start, start)
        return self.buffer[start:stop]


def text_of(value: bytes) -> str:
    """Decode a value that may hold ASCII only; other bytes become U+FFFD."""
    return value.decode("ascii", "replace").strip(" \0")


def opened(path: str | os.PathLike[str], *, whole: bool = False, memory: Memory | None = None) -> Source:
    """Open and scan a DICOM file, to be closed by a ``with`` block; small files are read, large ones are mapped.

    Parameters
    ----------
    whole : bool
        All of the file will be looked at: it counts as small up to `SHORT_RANGE`, since a map costs more then.
    memory : Memory, optional
        Of `SHORT_RANGE`, to read such files into, one after the other.

    Raises
    ------
    Quarantined
        The file is empty, is not DICOM, or has an unknown transfer syntax.
    MalformedFile
        The data set cannot be parsed.
    """
    file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115, PTH123  # the Source closes it
    held: list[Closable] = [file]
    small = SHORT_RANGE if whole else _READ_WHOLE
    try:
        size = os.fstat(file.fileno()).st_size
        if size > (small if memory is None else _READ_WHOLE):
            beginning, ending = _ends(file, size)
            found = recognized(beginning, size, ending)
            if found is not None:
                memory = memory if size <= small else None
                return Source(None, file, *found, 0, size, held, memory=memory, beginning=beginning)
        buffer = _buffer(file, size, small, held)
        size = len(buffer)
        if size == 0:
            raise Quarantined("empty-file")
        found = recognized(buffer, size)
        if found is not None:
            return Source(buffer, file, *found, 0, size, held)
        meta = _file_meta(buffer)
        encoding, syntax = _encoding(buffer, meta.end, meta.transfer_syntax)
        scanned = None if syntax == DEFLATED else _scanned(buffer, meta.end, encoding, syntax)
        remade = scanned is None
        if scanned is None:
            if syntax == DEFLATED:
                file, length = _inflated(buffer, meta.end, held)
            else:
                file, length = _regular(buffer, meta.end, encoding, held)
            buffer = _buffer(file, length, small, held)
            spans, end = scan_dataset(buffer, 0, length, EXPLICIT_LITTLE)
            places = Places(Layout.of(spans, EXPLICIT_LITTLE, syntax), scanned=spans)
        else:
            spans, end = scanned
            known_by = meta.spans if meta.begin and end == size else []
            places = learned(buffer, known_by, spans, encoding, syntax)
    except BaseException:
        _close(held)
        raise
    elements = ScannedElements([b"" if is_long(s) else buffer[s[2] : s[5]] for s in spans])
    return Source(buffer, file, places, elements, len(buffer) - end, size, held, remade)


def _close(held: list[Closable]) -> None:
    try:
        while held:
            held.pop().close()
    finally:
        if held:
            _close(held)


def _buffer(file: BinaryIO, size: int, small: int, held: list[Closable]) -> Buffer:
    if size > small:
        return _mapped(file, size, held)
    file.seek(0)
    return file.read(size)


def _ends(file: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """Read where the elements of a large file should be: its beginning, and its last bytes."""
    header, rest = expected_ends()
    beginning = file.read(min(header, _LONGEST_END))
    if not rest:
        return beginning, b""
    rest = min(rest, size, _LONGEST_END)
    file.seek(size - rest)
    return beginning, file.read(rest)


def _mapped(file: BinaryIO, size: int, held: list[Closable]) -> mmap.mmap:
    mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    held.append(mapped)
    return mapped


class _FileMeta(NamedTuple):
    """The file meta information, which begins at 0 where there is no preamble.

    `transfer_syntax` is empty where it is missing, and there are no `spans` where its elements are in implicit VR.
    """

    begin: int
    end: int
    transfer_syntax: str
    spans: list[Span]


def _file_meta(buffer: Buffer) -> _FileMeta:
    begin = _begin(buffer)
    end = begin
    syntax = ""
    spans: list[Span] = []
    implicit = False
    while True:
        head = buffer[end : end + 12]
        if head[:2] != _META_GROUP:
            return _FileMeta(begin, end, syntax, [] if implicit else spans)
        vr = head[4:6]
        if len(head) < 8:
            raise MalformedFile("truncated", end)
        long, short = vr in LONG_VRS, vr in SHORT_VRS
        implicit = implicit or not (long or short)
        value = end + (12 if long else 8)
        stop = value + int.from_bytes(head[8:12] if long else head[6:8] if short else head[4:8], "little")
        if stop > len(buffer):
            raise MalformedFile("truncated", end)
        tag = 0x00020000 | int.from_bytes(head[2:4], "little")
        if tag == TRANSFER_SYNTAX:
            syntax = text_of(buffer[value:stop])
        spans.append((tag, vr, end, value, stop, stop))
        end = stop


def _begin(buffer: Buffer) -> int:
    """Where the file meta information begins; a value may hold DICM where others have it behind the preamble."""
    after = PREAMBLE + len(_MAGIC)
    marked = buffer[PREAMBLE:after] == _MAGIC
    if marked and buffer[after : after + 2] == _META_GROUP:
        return after
    if buffer[:2] == _META_GROUP or _looks_like_dataset(buffer):
        return 0
    if marked:
        return after
    raise Quarantined("not-dicom")


def _looks_like_dataset(buffer: Buffer) -> bool:
    """Files without preamble must begin with a low standard group, as all composite objects do."""
    head = bytes(buffer[:12])
    if len(head) < 8:
        return False
    group = min(int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big"))
    if not 0x0004 <= group <= 0x0010:
        return False
    if head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS:
        return True
    return head[1] == 0 and 0 < int.from_bytes(head[4:8], "little") <= len(buffer) - 8


def _encoding(buffer: Buffer, start: int, syntax: str) -> tuple[Encoding, str]:
    """How a data set is encoded, as its first element shows, and its transfer syntax.

    Where the file meta information contradicts it, the data set is right.
    """
    head = bytes(buffer[start : start + 8])
    if syntax == DEFLATED:
        return EXPLICIT_LITTLE, syntax
    vr = head[4:6]
    explicit = vr in SHORT_VRS or vr in LONG_VRS or vr == _BLANK
    if not syntax:
        if explicit and head[:1] == b"\0" and head[1:2] != b"\0":
            return EXPLICIT_BIG, "1.2.840.10008.1.2.2"
        return (EXPLICIT_LITTLE, _EXPLICIT_LITTLE) if explicit else (IMPLICIT_LITTLE, _IMPLICIT_LITTLE)
    if syntax not in transfer_syntaxes():
        raise Quarantined("unknown-transfer-syntax")
    encoding = _ENCODINGS.get(syntax, EXPLICIT_LITTLE)
    if len(head) < 8 or encoding.implicit != explicit:
        return encoding, syntax
    if encoding.big:
        raise Quarantined("unknown-transfer-syntax")
    if explicit:
        return EXPLICIT_LITTLE, _EXPLICIT_LITTLE
    return IMPLICIT_LITTLE, _IMPLICIT_LITTLE if syntax == _EXPLICIT_LITTLE else syntax


def _scanned(buffer: Buffer, start: int, encoding: Encoding, syntax: str) -> tuple[list[Span], int] | None:
    """Elements of a data set, and where slack begins; None where it has to be written anew to be read."""
    if encoding.implicit and syntax != _IMPLICIT_LITTLE:
        return None  # PS3.5, A.4: compressed pixels stand in explicit VR
    try:
        spans, end = scan_dataset(buffer, start, len(buffer), encoding)
    except MalformedFile as error:
        if error.reason == "invalid-vr" and encoding == EXPLICIT_LITTLE:
            return None
        raise
    if end < len(buffer) and encoding == EXPLICIT_LITTLE and spans[-1][0] < PIXEL_DATA:
        with contextlib.suppress(MalformedFile):  # what is taken for slack may be elements without a VR
            write_regular(buffer, start, len(buffer), lambda _: None, implicit=False)
            return None
    return spans, end


def _regular(buffer: Buffer, start: int, encoding: Encoding, held: list[Closable]) -> tuple[BinaryIO, int]:
    """Write a data set anew into a temporary file, as it should be; returns it with its size."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the Source closes it
    held.append(file)
    write_regular(buffer, start, len(buffer), file.write, implicit=encoding.implicit)
    size = file.tell()
    file.seek(0)
    return file, size


def _inflated(buffer: Buffer, start: int, held: list[Closable]) -> tuple[BinaryIO, int]:
    """Inflate a data set into a temporary file, chunk by chunk; returns it with its size."""
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the Source closes it
    held.append(file)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(_LARGEST_INFLATED, (len(buffer) - start) * _LARGEST_RATIO + _DEFLATE_CHUNK)
    position, size = start, 0
    try:
        while not inflater.eof:
            chunk = inflater.unconsumed_tail or bytes(buffer[position : position + _DEFLATE_CHUNK])
            if not inflater.unconsumed_tail:
                position += len(chunk)
            if not chunk:
                raise MalformedFile("truncated", position)
            data = inflater.decompress(chunk, _DEFLATE_CHUNK)
            size += len(data)
            if size > limit:
                raise Quarantined("inflates-too-large")
            file.write(data)
    except zlib.error:
        raise MalformedFile("invalid-structure", position) from None
    if size == 0:
        raise MalformedFile("truncated", start)
    file.seek(0)
    return file, size

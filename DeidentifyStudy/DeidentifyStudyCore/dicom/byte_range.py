"""A long range of a file that is read in parts, so that it is never all in memory."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from DeidentifyStudyCore.dicom.tokenizer import Buffer

__all__ = ["ByteRange"]

_PART = 1 << 17
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range of a buffer; offsets count from its start.

    Parts are copied out of a map, since whoever holds a view of one keeps it from being closed, and their pages are
    given back, since they count as this process's memory.
    """

    buffer: Buffer
    start: int
    stop: int

    def __len__(self) -> int:
        """Number of bytes."""
        return self.stop - self.start

    def read(self, start: int, stop: int) -> bytes:
        """Bytes of a part, which may end before `stop` where the range does."""
        begin, end = self.start + start, min(self.start + stop, self.stop)
        part = bytes(self.buffer[begin:end])
        if isinstance(self.buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") and end > begin:
            page = begin - begin % mmap.PAGESIZE
            self.buffer.madvise(mmap.MADV_DONTNEED, page, end - page)
        return part

    def lines(self, padding: bytes) -> Iterator[bytes]:
        """Lines without what ends them, up to the last character that is none of `padding`.

        A line that is longer than a mebibyte comes in pieces.
        """
        end = self._end(padding)
        rest = b""
        for at in range(0, end, _PART):
            *lines, rest = (rest + self.read(at, min(at + _PART, end))).split(b"\n")
            yield from lines
            if len(rest) > _LONGEST_LINE:
                yield rest
                rest = b""
        if rest:
            yield rest

    def _end(self, padding: bytes) -> int:
        end = len(self)
        while end:
            begin = max(end - _PART, 0)
            kept = len(self.read(begin, end).rstrip(padding))
            if kept:
                return begin + kept
            end = begin
        return 0

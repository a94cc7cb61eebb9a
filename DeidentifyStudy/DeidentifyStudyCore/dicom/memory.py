"""Memory that one file after another is read into.

New memory costs a fault for each of its pages, which together take longer than the bytes that are read into it, and
bytes are copied faster to where a page begins.
"""

from typing import BinaryIO

import numpy as np

__all__ = ["Memory"]

_PAGE = 4096


class Memory:
    """Some bytes that begin where a page does.

    Attributes
    ----------
    view : memoryview
        All of them.
    holder : object or None
        Whose bytes they are; None where `read` was called since it was set.
    """

    __slots__ = ("_begin", "_bytes", "holder", "view")

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size + _PAGE)
        address = np.frombuffer(self._bytes, np.uint8).__array_interface__["data"][0]
        self._begin = -address % _PAGE
        self.view = memoryview(self._bytes)[self._begin : self._begin + size]
        self.holder: object | None = None

    def read(self, file: BinaryIO, start: int, stop: int) -> memoryview:
        """Read a part of an unbuffered file to the beginning; shorter where the file ends before `stop`."""
        self.holder = None
        file.seek(start)
        target = rest = self.view[: stop - start]
        while rest and (count := file.readinto(rest)):  # type: ignore[attr-defined]  # raw files have it
            rest = rest[count:]
        return target[: len(target) - len(rest)] if rest else target

    def holds(self, content: bytes | memoryview, at: int) -> bool:
        """Whether these bytes stand at a place."""
        return self._bytes.startswith(content, self._begin + at)

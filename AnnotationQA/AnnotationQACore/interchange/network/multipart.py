"""Messages of several parts (RFC 2046, multipart/related of RFC 2387), read and written as streams."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from email.message import Message
from pathlib import Path
from typing import Final

__all__ = ["BrokenMultipart", "FilesBody", "media_type", "read_parts"]

_BLOCK: Final = 1 << 20
_LONGEST_HEADER: Final = 64 * 1024


class BrokenMultipart(Exception):
    """The message ends before its last part does, or is none."""


def media_type(content_type: str) -> tuple[str, str]:
    """Media type in lower case, and the boundary, empty when there is none, of a Content-Type."""
    message = Message()
    message["Content-Type"] = content_type or "application/octet-stream"
    return message.get_content_type(), message.get_boundary() or ""


def read_parts(chunks: Iterable[bytes], boundary: str) -> Iterator[Iterator[bytes]]:
    """Contents of the parts, each a stream that is to be read before the next is asked for.

    Raises
    ------
    BrokenMultipart
        The closing boundary never comes, also raised from within a part.
    """
    reader = _Reader(iter(chunks), boundary.encode())
    reader.skip_to_first_part()
    while not reader.at_end():
        reader.skip_headers()
        part = reader.content()
        yield part
        for _ in part:  # what the caller left
            pass


class _Reader:
    """Buffer over the chunks; it always starts right after a boundary or within a part."""

    def __init__(self, chunks: Iterator[bytes], boundary: bytes) -> None:
        self._chunks = chunks
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # so that a boundary at the very start is found, too

    def skip_to_first_part(self) -> None:
        for _ in self.content():
            pass

    def at_end(self) -> bool:
        self._need(2)
        return self._buffer.startswith(b"--")

    def skip_headers(self) -> None:
        """Drop the rest of the boundary's line, and the lines up to an empty one."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEADER:
                raise BrokenMultipart("a part has no end of its headers")
            self._more()
        del self._buffer[: end + 4]

    def content(self) -> Iterator[bytes]:
        """Content up to the next boundary, which is dropped."""
        keep = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                piece = bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
                yield piece
            self._more()
        rest = bytes(self._buffer[:end])
        del self._buffer[: end + len(self._delimiter)]
        yield rest

    def _need(self, count: int) -> None:
        while len(self._buffer) < count:
            self._more()

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise BrokenMultipart("the message ends before its last part does")
        self._buffer += chunk


class FilesBody:
    """Body of a STOW-RS request (PS3.18 10.5): files as parts, read from disk while they are sent.

    Its length is known before, as many servers want it, and it can be sent only once.
    """

    def __init__(self, files: Sequence[tuple[Path, int]]) -> None:
        """Take paths and their sizes in bytes."""
        self._boundary = secrets.token_hex(16)
        self._files = files
        self._head = f"--{self._boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._tail = f"--{self._boundary}--\r\n".encode()
        self._pieces = self._content()
        self._rest = b""

    @property
    def content_type(self) -> str:
        """Value of the Content-Type header."""
        return f'multipart/related; type="application/dicom"; boundary={self._boundary}'

    def __len__(self) -> int:
        return sum(len(self._head) + size + 2 for _, size in self._files) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self, size: int = -1) -> bytes:
        """Next bytes, at most `size`; empty at the end."""
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken

    def _content(self) -> Iterator[bytes]:
        for path, _ in self._files:
            yield self._head
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
            yield b"\r\n"
        yield self._tail

"""All leaves of a data set, sequences and UN that hold a sequence opened."""

from collections.abc import Iterator
from typing import NamedTuple

from DeidentifyStudyCore.dicom.charset import codecs_of, text_in
from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.tokenizer import IMPLICIT_LITTLE, Buffer, Encoding, Span, items, scan
from DeidentifyStudyCore.errors import MalformedFile

__all__ = ["CHARACTER_SET", "Leaf", "leaves"]

CHARACTER_SET = 0x00080005


class Leaf(NamedTuple):
    """An element that is no sequence.

    Attributes
    ----------
    vr : str
        The dictionary's where the file has UN.
    start, stop : int
        Where its value lies in the buffer.
    """

    path: tuple[int, ...]
    tag: int
    vr: str
    start: int
    stop: int
    codecs: tuple[str, ...]

    def text(self, buffer: Buffer) -> str:
        """Decode the value, without padding."""
        return text_in(bytes(buffer[self.start : self.stop]), self.codecs)


def leaves(
    buffer: Buffer,
    spans: list[Span],
    encoding: Encoding,
    codecs: tuple[str, ...],
    path: tuple[int, ...] = (),
    depth: int = 0,
) -> Iterator[Leaf]:
    """Yield every leaf in file order; UN that cannot be opened is a leaf itself.

    Raises
    ------
    MalformedFile
        A sequence cannot be parsed.
    """
    for span in spans:
        tag, file_vr, _, value, stop, end = span
        vr = file_vr
        if vr == b"UN":
            vr = b"SQ" if stop != end else dictionary_vr(tag)
        if vr != b"SQ":
            yield Leaf(path, tag, vr.decode("ascii"), value, stop, codecs)
            continue
        inner = IMPLICIT_LITTLE if file_vr == b"UN" else encoding
        try:
            opened = [
                scan(buffer, start, end_of, inner, depth + 1)
                for _, start, end_of, _ in items(buffer, span, inner, depth)
            ]
        except MalformedFile:
            if file_vr != b"UN":
                raise
            yield Leaf(path, tag, "UN", value, stop, codecs)
            continue
        for nested in opened:
            own = [s for s in nested if s[0] == CHARACTER_SET]
            below = codecs_of(bytes(buffer[own[0][3] : own[0][4]]).rstrip(b" \0")) if own else codecs
            yield from leaves(buffer, nested, inner, below, (*path, tag), depth + 1)

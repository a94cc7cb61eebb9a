"""Layouts of files: those of a series mostly have the same elements in the same order.

A layout is remembered with its course, by which its other files are found out much sooner than by a scan. Where the
length of an element differs from that in the files before, the course is learned anew, with this element as one that
varies: a few files of a series are scanned, and then no more.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from DeidentifyStudyCore.dicom.courses import TRANSFER_SYNTAX, Course, is_long
from DeidentifyStudyCore.dicom.elements import Elements
from DeidentifyStudyCore.dicom.tokenizer import Buffer, Encoding, Span

__all__ = ["OPENED", "Layout", "Places", "Plain", "expected_ends", "learned", "recognized"]

_MOST_LAYOUTS = 64
_MOST_TRIED = 16
_MOST_RECENT = 16
_MOST_ELEMENTS = 1000
_LONGEST_MASKED = 1 << 8
_LONGEST_NESTED = 1 << 12
_LARGEST_COMPARED = 1 << 16
_MORE_HEADER = 1 << 10
"""Bytes by which a header may be longer than the one its layout was learned from."""
OPENED = frozenset({b"SQ", b"UN"})
"""VRs of elements that are or may hold sequences."""


class Plain(NamedTuple):
    """An element that has nothing but a value: no sequence, nothing that may be one, and not long.

    Attributes
    ----------
    inside : slice
        Where the value lies in its bytes.
    """

    tag: int
    vr: str
    inside: slice


@dataclass(slots=True, eq=False)
class Layout:
    """Which elements files have, and in which order; shared by all files of a layout. Compared by identity.

    Attributes
    ----------
    transfer_syntax : str
        UID as the file meta information has it, or as the data set shows where that is missing.
    tags : list of int
    vrs : list of bytes
        Tag and VR of each element, as in `Span`.
    inside : list of slice
        Where the value of each element lies in its bytes.
    first : dict of int to int
        Number of the first element with each tag.
    groups : frozenset of int
        Numbers of the groups that there are.
    sequences, long : tuple of int
        Numbers of the elements that are or may hold sequences, and of the long ones (`is_long`).
    plain : list of Plain or None
        The elements that are neither.
    met : bool
        More than one file had it.
    """

    encoding: Encoding
    transfer_syntax: str
    tags: list[int]
    vrs: list[bytes]
    inside: list[slice]
    first: dict[int, int]
    groups: frozenset[int]
    sequences: tuple[int, ...]
    long: tuple[int, ...]
    plain: list[Plain | None]
    met: bool = False

    @classmethod
    def of(cls, spans: list[Span], encoding: Encoding, transfer_syntax: str) -> Self:
        """Layout of a data set with these elements."""
        first = {span[0]: number for number, span in reversed([*enumerate(spans)])}
        inside = [slice(span[3] - span[2], span[4] - span[5] or None) for span in spans]
        return cls(
            encoding,
            transfer_syntax,
            tags=[span[0] for span in spans],
            vrs=[span[1] for span in spans],
            inside=inside,
            first=first,
            groups=frozenset(tag >> 16 for tag in first),
            sequences=tuple(number for number, span in enumerate(spans) if span[1] in OPENED),
            long=tuple(number for number, span in enumerate(spans) if is_long(span)),
            plain=[
                None if span[1] in OPENED or is_long(span) else Plain(span[0], span[1].decode("ascii"), place)
                for span, place in zip(spans, inside, strict=True)
            ],
        )

    def span(self, number: int, element: bytes) -> Span:
        """Span of an element that is read by itself: its bytes are the buffer."""
        inside, end = self.inside[number], len(element)
        return self.tags[number], self.vrs[number], 0, inside.start, end + (inside.stop or 0), end

    def vr_of(self, tag: int) -> bytes:
        """VR of the first element with a tag; empty where there is none."""
        number = self.first.get(tag)
        return b"" if number is None else self.vrs[number]


@dataclass(slots=True, eq=False)
class Places:
    """Where the elements of one file lie: as a scan found them, or as the course of its layout leads to them.

    Attributes
    ----------
    course : Course or None
        None where the elements are known from a scan.
    begins : list of int
        Of its passage.
    scanned : list of Span
        From a scan, where there is no course.
    """

    layout: Layout
    course: Course | None = None
    begins: list[int] = field(default_factory=list)
    scanned: list[Span] = field(default_factory=list)
    _led_to: dict[int, Span] = field(default_factory=dict, init=False)

    def span(self, number: int) -> Span:
        """Return one element."""
        if self.course is None:
            return self.scanned[number]
        found = self._led_to.get(number)
        if found is None:
            found = self._led_to[number] = self.course.span(number, self.begins)
        return found

    @property
    def spans(self) -> list[Span]:
        """All elements, in the order of the file."""
        if self.course is None:
            return self.scanned
        return [self.span(number) for number in range(len(self.layout.vrs))]


_Key = tuple[Encoding, bytes, int, tuple[tuple[int, bytes, bool, bool], ...]]


@dataclass(slots=True, eq=False)
class _Known:
    """A layout that is remembered.

    Attributes
    ----------
    lengths : list of int
        Of the elements of the file meta information and of the data set.
    varying : set of int
        Numbers of those that vary.
    recent : dict of tuple to Places
        Of files before, by where their stretches begin: lengths are often equal.
    next : _Known or None
        What the file after the last one of this layout was of.
    """

    layout: Layout
    lengths: list[int]
    varying: set[int]
    course: Course
    recent: dict[tuple[int, ...], Places] = field(default_factory=dict)
    next: "_Known | None" = None

    def find(self, buffer: Buffer, size: int, ending: bytes) -> tuple[Places, Elements] | None:
        course, recent = self.course, self.recent
        passage = course.follow(buffer, size, ending)
        if passage is None:
            return None
        key = tuple(passage.begins)
        places = recent.get(key)
        if places is None or places.course is not course:
            if len(recent) >= _MOST_RECENT:
                recent.clear()
            places = recent[key] = Places(self.layout, course, passage.begins)
        return places, passage.elements

    def learn(self, buffer: Buffer, meta: list[Span], spans: list[Span]) -> None:
        """Learn what differs from the files before."""
        elements = [*meta, *spans]
        lengths = [span[5] - span[2] for span in elements]
        more = {number for number, (a, b) in enumerate(zip(lengths, self.lengths, strict=True)) if a != b}
        if more <= self.varying:  # the same lengths, but something else within those that have none
            more = {number for number, span in enumerate(elements) if span[4] != span[5]}
        if not more <= self.varying:
            self.varying |= more
            self.lengths = lengths
            self.course = Course.of(buffer, meta, spans, self.layout.encoding, self.varying)


_known: OrderedDict[_Key, _Known] = OrderedDict()
_latest: tuple[_Known, ...] = ()
"""Those that are tried, last met first; exchanged as a whole, since threads may open files at the same time."""


def expected_ends() -> tuple[int, int]:
    """Bytes at the beginning of the next file, and at its end, that should hold everything but its pixels; 0 where
    nothing is known."""
    latest = _latest
    if not latest:
        return 0, 0
    course = (latest[0].next or latest[0]).course
    return course.header + _MORE_HEADER, course.rest


def recognized(buffer: Buffer, size: int, ending: bytes = b"") -> tuple[Places, Elements] | None:
    """Find and read the elements of a file by a layout that was met before; None where there is none.

    Sources and what is written alternate: what came after a file of the last layout the time before is tried first.

    Parameters
    ----------
    buffer : bytes or mmap
        The file of `size` bytes, or its beginning, and then its `ending`, see `Course.follow`.
    """
    latest = _latest
    expected = latest[0].next if latest else None
    for known in latest if expected is None else (expected, *latest):
        found = known.find(buffer, size, ending)
        if found is not None:
            known.layout.met = True
            _try_first(known)
            return found
    return None


def _try_first(known: _Known) -> None:
    global _latest
    latest = _latest
    if latest:
        latest[0].next = known
    if not latest or latest[0] is not known:
        _latest = (known, *[other for other in latest if other is not known])[:_MOST_TRIED]


def learned(buffer: Buffer, meta: list[Span], spans: list[Span], encoding: Encoding, transfer_syntax: str) -> Places:
    """Remember the layout of a file that was scanned, if it is no larger than most are.

    Parameters
    ----------
    meta, spans : list of Span
        Elements of the file meta information and of the data set. The first is empty where the layout must not be
        remembered: where the file has slack, or no preamble, so that values of another could look like its headers.
    """
    if not meta or not spans or len(spans) > _MOST_ELEMENTS:
        return Places(Layout.of(spans, encoding, transfer_syntax), scanned=spans)
    key = _key(buffer, meta, spans, encoding)
    known = _known.get(key)
    if known is None:
        varying = {number for number, span in enumerate([*meta, *spans]) if _is_large(span)}
        course = Course.of(buffer, meta, spans, encoding, varying)
        layout = Layout.of(spans, encoding, transfer_syntax)
        if len(course.mask) > _LARGEST_COMPARED:
            return Places(layout, scanned=spans)
        known = _known[key] = _Known(layout, [span[5] - span[2] for span in (*meta, *spans)], varying, course)
        while len(_known) > _MOST_LAYOUTS:
            _known.popitem(last=False)
    else:
        _known.move_to_end(key)
        known.layout.met = True
        known.learn(buffer, meta, spans)
    _try_first(known)
    return Places(known.layout, scanned=spans)


def _key(buffer: Buffer, meta: list[Span], spans: list[Span], encoding: Encoding) -> _Key:
    """What files of a layout have in common; the length of the first element too, since it may look like a VR."""
    syntax = b"".join(buffer[span[2] : span[5]] for span in meta if span[0] == TRANSFER_SYNTAX)
    kinds = tuple([(s[0], s[1], s[4] != s[5], is_long(s)) for s in (*meta, *spans)])
    return encoding, syntax, spans[0][5] - spans[0][2], kinds


def _is_large(span: Span) -> bool:
    """An element that is left out of a mask, though its length may not vary."""
    return is_long(span) or span[5] - span[2] > (_LONGEST_MASKED if span[4] == span[5] else _LONGEST_NESTED)

"""After writing: the file is read again and searched for everything that had to go."""

import hashlib
import re
from collections.abc import Iterable

from DeidentifyStudyCore.cleaning.engine import Rewritten
from DeidentifyStudyCore.cleaning.stream import copied_ranges
from DeidentifyStudyCore.dicom.charset import codecs_of, text_in
from DeidentifyStudyCore.dicom.courses import LONGEST_REMEMBERED
from DeidentifyStudyCore.dicom.dictionary import is_private_creator, is_well_known
from DeidentifyStudyCore.dicom.digests import pixels_start
from DeidentifyStudyCore.dicom.elements import Elements
from DeidentifyStudyCore.dicom.layouts import Plain
from DeidentifyStudyCore.dicom.memory import Memory
from DeidentifyStudyCore.dicom.source import DEFLATED, Source, text_of
from DeidentifyStudyCore.dicom.standard import safe_private
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA, Buffer
from DeidentifyStudyCore.dicom.walk import Leaf
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import is_short_number
from DeidentifyStudyCore.identity.numerals import BINARY_NUMBERS
from DeidentifyStudyCore.rules.book import MARKERS
from DeidentifyStudyCore.rules.encapsulated import ENCAPSULATED_DOCUMENT, is_replacement
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.text import vocabulary

__all__ = ["Verifier"]

_NUMBER_VRS = frozenset({"DS", "IS"})
_READ_VRS = _NUMBER_VRS | {"UI", "CS", "LO", "SH", "ST", "LT", "UT", "UC", "PN", "AE", "UR"}
_BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN", *BINARY_NUMBERS})
_SEARCHED_VRS = _READ_VRS | _BYTES
_SHORTEST_SEARCHED = 3
_UID_IN_BYTES = re.compile(rb"\d+(?:\.\d+){4,}")
_UID_IN_TEXT = re.compile(r"\d+(?:\.\d+){4,}")
_LARGEST_SEARCHED = 1 << 20
_MOST_REMEMBERED = 20000
_COMPARED = 1 << 18
_CHARACTER_SET, _METHOD_CODES = 0x00080005, 0x00120064
_IDENTITY = (0x0020000D, 0x0020000E, 0x00080018)
_REFERENCED_INSTANCE = 0x00081155
_PHOTOMETRIC, _COLOURS = 0x00280004, b"PALETTE COLOR"
_PALETTES = frozenset({0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223})


class Verifier:
    """Searches the objects of one patient after they were written.

    It shares nothing with the rules but the echo dictionary: it reads the file from the disk and looks at every value.
    """

    def __init__(self, subject: Subject, *, uids_retained: bool, whole_bytes: bool = False) -> None:
        self._subject = subject
        self._uids_retained = uids_retained
        self._whole_bytes = whole_bytes
        self._clean: dict[tuple[str, tuple[str, ...]], set[bytes]] = {}
        self._last: dict[tuple[str, tuple[str, ...]], Elements] = {}
        self._referenced: dict[tuple[str, bytes], list[str]] = {}
        self._memory = Memory(_COMPARED)

    def check(self, output: Source, identity: tuple[str, str, str], references: set[str]) -> int:
        """Check an object that was just written and is open again.

        Parameters
        ----------
        identity : (str, str, str)
            Study, series and SOP Instance UID that it must have.
        references : set of str
            SOP Instance UIDs that it may refer to: the pseudonyms of those that the source refers to.

        Returns
        -------
        int
            Its references.

        Raises
        ------
        Quarantined
            It repeats an identifier, or is not the node of the reference graph that the source was.
        MalformedFile
            A sequence of it cannot be parsed.
        """
        own = tuple(map(text_of, output.values(_IDENTITY)))
        found = self._references(output)
        if output.slack or own != identity or not references.issuperset(found):
            raise Quarantined("verification-failed")
        self._search(output)
        return len(found)

    def _search(self, output: Source) -> None:
        layout, big = output.layout, output.encoding.big
        codecs = codecs_of(output.value(_CHARACTER_SET))
        read_as = layout.transfer_syntax, codecs
        clean = self._clean.setdefault(read_as, {b""})
        if len(clean) > _MOST_REMEMBERED:
            clean.clear()
            clean.add(b"")  # stands for the long ones
        elements = output.elements
        last = self._last.get(read_as)
        changed: Iterable[tuple[int, bytes]] = enumerate(elements)
        if last is not None and len(last) == len(elements):  # most are equal then, and were searched
            changed = elements.differing(last)
        for number, element in changed:
            plain = layout.plain[number]
            if plain is not None and _is_silent(plain, element):
                continue
            if element in clean:
                continue
            if plain is None:
                leaks = self._leaks(output, number, codecs)
            else:
                leaks = self._repeats((), plain.tag, plain.vr, element[plain.inside], codecs, big)
            if leaks:
                raise Quarantined("verification-failed")
            if len(element) <= LONGEST_REMEMBERED:
                clean.add(element)
        self._last[read_as] = elements
        if any(self._leaks(output, number, codecs) for number in layout.long):
            raise Quarantined("verification-failed")
        if self._whole_bytes and self._subject.echo.is_in_bytes(self._searched(bytes(output.buffer))):
            raise Quarantined("verification-failed")

    def _searched(self, raw: bytes) -> bytes:
        """Bytes without the UIDs that are retained: dates and numbers in them were asked for."""
        return _UID_IN_BYTES.sub(b"", raw) if self._uids_retained else raw

    def _leaks(self, output: Source, number: int, codecs: tuple[str, ...]) -> bool:
        """Whether one of the leaves of an element repeats an identifier."""
        if output.layout.tags[number] == PIXEL_DATA:
            return False
        buffer, found = output.leaves(number, codecs)
        big = output.encoding.big
        return any(self._is_leak(leaf, buffer, big) for leaf in found)

    def _is_leak(self, leaf: Leaf, buffer: Buffer, big: bool) -> bool:
        if leaf.vr in _BYTES and leaf.stop - leaf.start > _LARGEST_SEARCHED:
            return False
        value = bytes(buffer[leaf.start : leaf.stop])
        return self._repeats(leaf.path, leaf.tag, leaf.vr, value, leaf.codecs, big)

    def _repeats(
        self, path: tuple[int, ...], tag: int, vr: str, value: bytes, codecs: tuple[str, ...], big: bool
    ) -> bool:
        """Whether a value repeats an identifier."""
        if not value or tag in MARKERS or path[:1] == (_METHOD_CODES,):
            return False
        echo = self._subject.echo
        if vr in _BYTES:
            if tag == ENCAPSULATED_DOCUMENT and is_replacement(value, echo):
                return False
            if vr in BINARY_NUMBERS and echo.is_in_numbers(vr, value, big=big):
                return True
            if vr == "UN" and tag & 0x10000:  # may be a private UID, whose VR an implicit file does not tell
                value = self._searched(value)
            return len(value) > _SHORTEST_SEARCHED and echo.is_in_bytes(value)
        if vr not in _READ_VRS:
            return False
        text = text_in(value, codecs)
        if vr == "UI":
            return self._is_uid_leak(text)
        if vr in _NUMBER_VRS:
            return echo.is_among(text)
        if vr == "CS":
            return self._is_term_leak(text)
        if text == self._subject.pseudonym or (is_private_creator(tag) and text in safe_private()):
            return False
        return echo.is_in(text) or any(uid in echo.uids for uid in _UID_IN_TEXT.findall(text))

    def _is_uid_leak(self, text: str) -> bool:
        if self._uids_retained:
            return False
        uids = [part.strip(" \0") for part in text.split("\\")]
        return any(uid in self._subject.echo.uids and not is_well_known(uid) for uid in uids)

    def _is_term_leak(self, text: str) -> bool:
        for part in text.split("\\"):
            known = all(word in vocabulary() for word in re.split(r"[ _]", part.strip().lower()) if word)
            if not known and self._subject.echo.is_in(part):
                return True
        return False

    def _references(self, output: Source) -> list[str]:
        """SOP Instance UIDs that an object refers to, in file order; those of equal sequences are read once."""
        found: list[str] = []
        codecs = codecs_of(output.value(_CHARACTER_SET))
        for number in output.layout.sequences:
            element = output.elements.part(number)
            references = self._referenced.get((output.transfer_syntax, element)) if element else None
            if references is None:
                buffer, parsed = output.leaves(number, codecs)
                references = [leaf.text(buffer) for leaf in parsed if leaf.tag == _REFERENCED_INSTANCE]
                if 0 < len(element) <= LONGEST_REMEMBERED and len(self._referenced) < _MOST_REMEMBERED:
                    self._referenced[output.transfer_syntax, element] = references
            found += references
        return found

    def compare(self, source: Source, rewritten: Rewritten, output: Source) -> tuple[str, str]:
        """Compare the bulk data of an object with those of its source, and digest the pixels on the way where they were
        handed over whole, up to the last byte.

        Returns
        -------
        (str, str)
            SHA-256 of the source's pixels and of the output's, as `digests` defines them, when these share a range
            that begins with the pixels, so that it was read for both at once; else empty.

        Raises
        ------
        Quarantined
            They differ, or colours lost their palette, which hid text.
        """
        if (
            source.layout.first.keys() & _PALETTES - output.layout.first.keys()
            and source.value(_PHOTOMETRIC) == _COLOURS
        ):
            raise Quarantined("text-in-samples")
        begin = 0 if source.transfer_syntax == DEFLATED else len(rewritten.meta)
        pixels = pixels_start(source)
        digests = "", ""
        for at, there, length in copied_ranges(rewritten.pieces, begin):
            if pixels is None or not at <= pixels < at + length:
                self._same_bytes(source, at, output, there, length)
                continue
            before = pixels - at
            self._same_bytes(source, at, output, there, before)
            found = self._same_bytes(source, pixels, output, there + before, length - before)
            digests = _finished(found, source, at + length), _finished(found, output, there + length)
        return digests

    def _same_bytes(self, source: Source, at: int, output: Source, there: int, length: int) -> "hashlib._Hash":
        """SHA-256 of a range that is equal in both files, open for more."""
        digest = hashlib.sha256()
        for offset in range(0, length, _COMPARED):
            size = min(_COMPARED, length - offset)
            found = self._memory.read(output.file, there + offset, there + offset + size)
            if len(found) != size or not source.holds(found, at + offset):
                raise Quarantined("verification-failed")
            digest.update(found)
        return digest


def _is_silent(plain: Plain, element: bytes) -> bool:
    """Whether the bytes of an element tell that it repeats nothing: times, and numbers too short for anybody's."""
    if plain.vr in _NUMBER_VRS:
        return is_short_number(element, plain.inside.start)
    return plain.vr not in _SEARCHED_VRS


def _finished(begun: "hashlib._Hash", file: Source, at: int) -> str:
    """Digest what follows the shared range, such as padding that was dropped."""
    digest = begun.copy()
    for start in range(at, file.size, _COMPARED):
        digest.update(file.read(start, min(start + _COMPARED, file.size)))
    return digest.hexdigest()

"""The echo dictionary: every name, number and date of a patient, so that they are found again wherever they are
repeated."""

import binascii
import datetime
import html
import re
import struct
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os.path import commonprefix
from urllib.parse import unquote_to_bytes

from DeidentifyStudyCore.dicom.charset import search_forms
from DeidentifyStudyCore.identity.dates import parse_date, spellings
from DeidentifyStudyCore.identity.numerals import spoken_numbers, whole_number

__all__ = ["Echo", "EchoBuilder", "is_short_number", "normalized", "words_of"]

_WORD = re.compile(r"[^\W_]+")
_LONG_NUMBER = re.compile(r"\d{5,}")
_LONG_WHOLE = re.compile(r"\d{5}|[eE]")
_LONG_WHOLE_IN_ASCII = re.compile(_LONG_WHOLE.pattern.encode())
_UID_BYTES = re.compile(rb"[0-9]+(?:\.[0-9]+){4,}")
_WRAPPED = re.compile(r"[A-Za-z0-9+/]{8,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_SHORTEST_NAME = 3
_SHORTEST_SUBSTRING = 5
_SHORTEST_NUMBER = 3
_SHORTEST_SPOKEN, _LONGEST_SPOKEN = 5, 30
_SHORTEST_DATE = 8
_BEGINNING = 5
"""Characters of a date's spelling, fewer than any has, that few other texts begin with."""
_SHORTEST_JOINED_DIGITS, _LONGEST_JOINED = 6, 64
_MANY_WORDS = 20000
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ß": "ss"})
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_PREFIXES = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "md",
        "phd",
        "jr",
        "sr",
        "von",
        "van",
        "der",
        "den",
        "de",
        "la",
        "le",
        "du",
        "di",
        "da",
        "el",
        "al",
        "bin",
        "ibn",
        "st",
        "san",
        "and",
        "of",
        "the",
        "for",
        "und",
        "des",
        "md.",
        "no",
        "nr",
        "str",
        "street",
        "road",
    ]
)


def normalized(text: str) -> str:
    """Fold case, width and accents, as people do who copy a name."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_STROKES)
    return "".join(character for character in text if not unicodedata.combining(character))


def spelled_out(text: str) -> str:
    """Letters that people write as two where they have no key for them."""
    return text.casefold().translate(_DIGRAPHS)


def words_of(text: str) -> list[str]:
    """Runs of letters and digits of a normalized text."""
    return _WORD.findall(normalized(text))


def unwrapped(text: str) -> Iterator[bytes]:
    """What words would be if they were base64, hexadecimal, or escaped as in URLs and HTML."""
    for word in _WRAPPED.findall(text):
        if len(word) % 2 == 0 and _HEXADECIMAL.fullmatch(word):
            yield bytes.fromhex(word)
        if len(word) % 4 != 1:
            yield binascii.a2b_base64(word + "=" * (-len(word) % 4))
    if "%" in text:
        yield unquote_to_bytes(text)
    if "&" in text:
        yield html.unescape(text).encode("utf-8", "replace")


@dataclass(frozen=True)
class Echo:
    """What must not be repeated anywhere in a patient's objects.

    Attributes
    ----------
    words : frozenset of str
        Normalized words and numbers; matched as whole words, the longer ones also inside others.
    common : frozenset of str
        The patient's words that are words of the field as well (a patient named Chest): free text drops them, terms
        keep them.
    dates : frozenset of datetime.date
        Dates that must not be spelled in any text.
    uids : frozenset of str
        Original instance UIDs.
    births : frozenset of datetime.date
        Birth dates, which no option retains, wherever they stand.
    """

    words: frozenset[str]
    common: frozenset[str] = frozenset()
    dates: frozenset[datetime.date] = frozenset()
    uids: frozenset[str] = field(default=frozenset(), repr=False)
    births: frozenset[datetime.date] = frozenset()

    @cached_property
    def _inside(self) -> re.Pattern[str] | None:
        long = {word for word in self.words if _is_long(word)}
        return re.compile(_any_of(long)) if long else None

    @cached_property
    def _dates(self) -> frozenset[str]:
        return frozenset(spelling for date in self.dates for spelling in spellings(date))

    @cached_property
    def _beginnings(self) -> dict[str, tuple[str, ...]]:
        """Spellings of dates by their first characters: a patient of many years has thousands."""
        found: dict[str, list[str]] = {}
        for spelling in self._dates:
            found.setdefault(spelling[:_BEGINNING], []).append(spelling)
        return {beginning: tuple(spellings) for beginning, spellings in found.items()}

    def _tells_date(self, plain: str) -> bool:
        beginnings = self._beginnings
        return any(
            plain.startswith(beginnings[beginning], place)
            for place in range(len(plain))
            if (beginning := plain[place : place + _BEGINNING]) in beginnings
        )

    @cached_property
    def _plain(self) -> re.Pattern[bytes] | None:
        """Pattern of the words and dates in ASCII, in small letters."""
        texts = {word for word in self.words if word.isascii() and _is_long(word)}
        texts |= {spelling for spelling in self._dates if len(spelling) >= _SHORTEST_DATE}
        return re.compile(_any_of(texts).encode("ascii")) if texts else None

    @cached_property
    def _foreign(self) -> re.Pattern[bytes] | None:
        """Pattern of the other words in all character sets."""
        forms = {form for word in self.words if not word.isascii() and _is_long(word) for form in search_forms(word)}
        # one letter of Latin-1 for each byte
        return re.compile(_any_of({form.decode("latin-1") for form in forms}).encode("latin-1")) if forms else None

    def has_word(self, word: str) -> bool:
        """Whether a normalized word is the patient's, or contains a longer one that is."""
        return word in self.words or (self._inside is not None and self._inside.search(word) is not None)

    def is_in(self, text: str) -> bool:
        """Whether a text repeats a word, number or date, however it is spelled, split or joined."""
        if not text:
            return False
        plain = normalized(text)
        found = _WORD.findall(plain)
        if not self.words.isdisjoint(found):
            return True
        if self._inside is not None and (self._inside.search(plain) or self._inside.search("".join(found))):
            return True
        if self._dates and re.search(r"\d", plain) and self._tells_date(plain):
            return True
        return any(self._is_inside(raw) for raw in unwrapped(text))

    def _is_inside(self, raw: bytes) -> bool:
        """Whether one of the longer words is in bytes, whatever their case; the short ones are there by chance."""
        if self.is_in_bytes(raw):
            return True
        text = normalized(raw.decode("utf-8", "replace").replace("\0", ""))
        return self._inside is not None and self._inside.search(text) is not None

    def is_in_bytes(self, value: bytes) -> bool:
        """Whether opaque bytes hold a word or date in any character set, or an original UID."""
        if self._plain is not None:
            small = value.lower()
            narrow = small.replace(b"\0", b"")  # as UTF-16 has it
            if self._plain.search(small) is not None or (narrow != small and self._plain.search(narrow) is not None):
                return True
        if self._foreign is not None and self._foreign.search(value) is not None:
            return True
        return any(uid.decode() in self.uids for uid in _UID_BYTES.findall(value))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        """The patient's numbers and dates as the digits that a number shows, and as a FL rounds them."""
        found = {word.lstrip("0") for word in self.words if word.isdigit()}
        found |= {spelling.lstrip("0") for spelling in self._dates if spelling.isdigit()}
        for date in self.births:  # 470223; of other dates they are too many, and say less
            day, month, year = f"{date.day:02}", f"{date.month:02}", f"{date.year % 100:02}"
            found |= {form.lstrip("0") for form in (year + month + day, day + month + year, month + day + year)}
        found = {digits for digits in found if _SHORTEST_SPOKEN <= len(digits) <= _LONGEST_SPOKEN}
        rounded = {
            f"{struct.unpack('f', struct.pack('f', float(digits)))[0]:.0f}" for digits in found if len(digits) > 7
        }
        return frozenset(found | rounded)

    def is_number(self, text: str) -> bool:
        """Whether a whole number of five digits or more, however it is written, is one of the patient's or a date."""
        if _LONG_WHOLE.search(text) is None:
            return False
        number = whole_number(text)
        return number is not None and str(number) in self._numbers

    def is_among(self, values: str) -> bool:
        """Whether one of the numbers of a DS or IS value is, see `is_number`."""
        return any(map(self.is_number, values.split("\\")))

    def is_in_numbers(self, vr: str, value: bytes, *, big: bool) -> bool:
        """Whether one of the numbers (or tags) of an element in binary is the patient's, or a date."""
        if not self._numbers:
            return False
        return any(number.lstrip("0") in self._numbers for number in spoken_numbers(vr, value, big=big))


def is_short_number(value: bytes, begin: int) -> bool:
    """Whether bytes from `begin` on are ASCII, and hold no number that is long enough for `Echo.is_number`."""
    return _LONG_WHOLE_IN_ASCII.search(value, begin) is None and value.isascii()


def _any_of(words: Collection[str], start: int = 0) -> str:
    """Pattern that finds whether any of some words is there: branches of a tree, since a patient of many years has
    thousands of spellings, which would be tried one after the other at every place."""
    branches: dict[str, list[str]] = {}
    for word in words:
        if len(word) == start:
            return ""  # what goes on from here need not be found
        branches.setdefault(word[start], []).append(word)
    found = []
    for first, below in sorted(branches.items()):
        common = len(commonprefix(below))  # noqa: RUF071  # no paths: characters are meant
        found.append(re.escape(first + below[0][start + 1 : common]) + _any_of(below, common))
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


def _is_long(word: str) -> bool:
    if not word.isascii():
        return len(word) >= 2
    return len(word) >= _SHORTEST_SUBSTRING


class EchoBuilder:
    """Collects what the objects of one patient hold."""

    def __init__(self, vocabulary: frozenset[str] = frozenset()) -> None:
        self._vocabulary = vocabulary  # "General Hospital" must not forbid "general"
        self.words: set[str] = set()
        self.dates: set[datetime.date] = set()
        self.uids: set[str] = set()
        self.births: set[datetime.date] = set()

    def __getstate__(self) -> dict[str, object]:
        """Travel without the vocabulary: whoever merges what was found has no use for it."""
        return vars(self) | {"_vocabulary": frozenset()}

    def add_name(self, text: str) -> None:
        """Add the components of a person's name."""
        composed = unicodedata.normalize("NFC", text)
        for word in words_of(text) if text.isascii() else {*words_of(text), *words_of(spelled_out(composed))}:
            if word in _PREFIXES or (word.isascii() and len(word) < _SHORTEST_NAME) or len(self.words) > _MANY_WORDS:
                continue
            self.words.add(word)

    def add_identifier(self, text: str) -> None:
        """Add a number, an address, a telephone number: as words, and joined."""
        found = words_of(text)
        for word in found:
            has_digit = any(character.isdigit() for character in word)
            shortest = _SHORTEST_NUMBER if has_digit else _SHORTEST_NAME + 1
            if len(word) >= shortest and word not in _PREFIXES and word not in self._vocabulary:
                self.words.add(word)
        self.words.update(_LONG_NUMBER.findall(normalized(text)))
        joined = "".join(found)
        # JP-0087-4432 is also 00874432 where only digits belong
        digits = "".join(filter(str.isdigit, joined))
        if _SHORTEST_SUBSTRING <= len(joined) <= _LONGEST_JOINED and joined not in self._vocabulary:
            self.words.add(joined)
        elif digits and len(found) > 1 and _SHORTEST_SUBSTRING <= len(text.strip()) <= _LONGEST_JOINED:
            self.words.add(normalized(text.strip()))  # 12-34: its parts alone, and what they are joined, are too short
        if _SHORTEST_JOINED_DIGITS <= len(digits) <= _LONGEST_JOINED:
            self.words.add(digits)

    def add_date(self, text: str, *, of_birth: bool = False) -> None:
        """Add a DA value, or the date of a DT value."""
        date = parse_date(text[:10]) or parse_date(text[:8])
        if date is not None and date.year > 1800:
            self.dates.add(date)
            if of_birth:
                self.births.add(date)

    def merge(self, other: "EchoBuilder") -> None:
        """Take in what was found in further objects of the same patient."""
        self.words |= other.words
        self.dates |= other.dates
        self.uids |= other.uids
        self.births |= other.births

    def built(self, vocabulary: frozenset[str] = frozenset()) -> Echo:
        """Freeze, with the words of the field set apart."""
        words = frozenset(self.words)
        return Echo(
            words - vocabulary, words & vocabulary, frozenset(self.dates), frozenset(self.uids), frozenset(self.births)
        )

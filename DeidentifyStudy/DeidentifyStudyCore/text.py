"""Free text: what is kept are words of the field and short numbers; everything else goes.

The vocabulary (``data/vocabulary.txt``) is the project's own list. A word of it is still dropped when the patient's
echo dictionary has it. Dates, times, telephone numbers, addresses of mail, network and web, UIDs and long numbers go
by their pattern.
"""

import enum
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from DeidentifyStudyCore.dictionary import dictionary_words
from DeidentifyStudyCore.echo import Echo, normalized
from DeidentifyStudyCore.standard import coded_words

__all__ = ["Allowed", "clean_text", "has_identifier_pattern", "is_coded", "is_technical_token", "is_term", "vocabulary"]

_MONTHS = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|fevr(?:ier)?|mar(?:ch|s|z)?|apr(?:il)?|avr(?:il)?|may|mai|jun(?:e|i)?|juin|"
    "jul(?:y|i)?|juil(?:let)?|aug(?:ust)?|aout|sep(?:t|tember|tembre)?|o[ck]t(?:ober|obre)?|nov(?:ember|embre)?|"
    "de[cz](?:ember|embre)?"
)
_PATTERNS = re.compile(
    "|".join(
        (
            r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*",  # mail
            r"\b(?:https?|ftp|file|dicom|wado|urn|mailto|tel)s?:[^\s,;]+",  # web and other URIs
            r"\bwww\.[^\s,;]+",
            r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|de|fr|uk|ch|at|it|es|nl|eu|jp|cn|info|local|lan)\b[^\s,;]*",
            r"\\\\[^\s]+|\b[a-z]:\\[^\s]+|(?<!\w)/(?:\w+/)+\w+",  # paths
            r"\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b",  # GUID
            r"\b[\da-f]{2}(?:[:-][\da-f]{2}){5}\b",  # hardware address
            r"\b(?!\d(?:\.\d){3}(?![.\d]))(?:\d+\.){3,}\d+\b",  # IP addresses and UIDs, but not the version 5.3.1.0
            rf"\b(?:{_MONTHS})\b\.?\s*\d{{1,2}}(?:st|nd|rd|th)?,?\s*(?:\d{{4}}|'?\d{{2}})?\b",
            rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[\s/-]*(?:of\s+)?(?:{_MONTHS})\b\.?(?:[\s,/-]*(?:\d{{4}}|'?\d{{2}}\b))?",
            rf"\b(?:{_MONTHS})\.?[\s/-]*(?:\d{{4}}|'\d{{2}})\b",
            rf"(?<!\d)\d{{1,2}}[\s./-]?(?:{_MONTHS})\.?[\s./-]?(?:\d{{4}}|\d{{2}})(?!\d)",  # 15MAR57
            rf"\b(?:{_MONTHS})\d{{1,2}}[\s,/-]*\d{{2,4}}\b",
            rf"(?<!\d)\d{{4}}[\s./-]?(?:{_MONTHS})[\s./-]?\d{{1,2}}(?!\d)",
            r"\b\d{1,2}([,|;\s])\s?\d{1,2}\1\s?(?:19|20)\d{2}\b",
            r"\b\d{1,2}[.\s-]{1,2}(?:i{1,3}|iv|vi{0,3}|ix|xi{0,2})[.\s-]{1,2}(?:19|20)\d{2}\b",  # 4.III.2001
            r"\b(?:19|20)\d{2}-?w\d{2}(?:-?\d)?\b|\bq[1-4][\s./-]?(?:19|20)\d{2}\b|\b(?:19|20)\d{2}[\s./-]?q[1-4]\b",
            # dates in digits: nobody writes a year with one, so 5.3.1 is a version
            r"\b(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|\d{3,4}[./-]\d{1,2}[./-]\d)\b",
            r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\b)?",  # times
            r"(?:\+\s*)?\(?\d(?:[\s()./_-]{0,3}\d){5,}",  # telephone numbers, numbers in groups
            r"\b[^\W\d_](?:[\s./_-]{1,2}[^\W\d_]\b){3,}",  # words with their letters apart
            r"\b(?:9\d|1\d\d)[\s-]*(?:y\b|yo\b|y/o\b|yrs?\b|years?\b|j\b|jahre?n?\b|j[aä]hrig\w*|ans\b|a[nñ]os\b|"
            r"anni\b|anos\b|jaar\b|let\b|лет\b|岁|歳|세)",  # ages over 89
            r"\b(?:aged?|alter|age\s+de|âge|edad|idade|et[aà]|leeftijd|alder)\b[\s:=]{0,3}(?:9\d|1\d\d)\b",
        )
    ),
    re.IGNORECASE,
)
_SLASHED = r"\b(?:w/wo|wo/w|w/o|r/o|h/o|s/p|b/l|n/a)\b"  # apart they would mean something else: w/o is not w
_TOKEN = re.compile(rf"(?i:{_SLASHED})|\d+\.\d+(?![\d.])|[^\W_]+(?:['’][^\W\d_]+)?")
_UNITS = (
    "mm|cm|m|um|ml|cc|l|mg|ug|kg|g|s|sec|ms|us|min|h|hr|kv|kvp|kev|mev|ma|mas|mgy|cgy|gy|hz|khz|mhz|t|x|fps|bpm|deg|hu|mci|"
    "mbq|ph|d|w|mmhg|suv"
)
_TECHNICAL = re.compile(
    rf"\d{{1,3}}|\d{{1,4}}\.\d{{1,4}}|\d{{1,4}}(?:{_UNITS})|\d{{1,4}}x\d{{1,4}}(?:x\d{{1,4}})?(?:{_UNITS})?|"
    r"\d[a-z]|[a-z]\d{1,2}[a-z]?|[bijqs][a-z]\d{2}[a-z]?|[bt]\d{1,4}|"
    r"(?:te|tr|ti|fa|b|bval|ph|phase|echo|e|nex|sl|im|se|vol|ir|pa|dir|mb|snr|dose|cor|sag|tra|ax)\d{1,4}|"
    r"(?:c|th?|l|s)\d{1,2}(?:c|th?|l|s)\d{1,2}"
)
_REPLACED = "�"
_SHORTEST_UNKNOWN = 4
_MIXED = re.compile(r"(?=.{2,12}$)(?!.*\d{5})(?!.*[a-z]{5})(?=.*\d)[a-z\d]+")


class Allowed(enum.Enum):
    """Which words a text may keep, always minus the patient's echo dictionary.

    ``FIELD``: the vocabulary, for what people type. ``TERMS``: terms of the standard, of coding schemes and of
    equipment as well, for what devices write. ``CODED``: all words of code meanings besides, eponyms among them.
    ``ALL``: every word, for identities that the profile retains.
    """

    FIELD = "field"
    TERMS = "terms"
    CODED = "coded"
    ALL = "all"


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Words that free text may keep, normalized."""
    text = files("DeidentifyStudyCore").joinpath("data", "vocabulary.txt").read_text(encoding="utf-8")
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    return frozenset(normalized(word) for line in lines for word in line.split())


@lru_cache(maxsize=1)
def _terms() -> frozenset[str]:
    """Words of defined terms and of equipment, and of the names and keywords of attributes in PS3.6."""
    text = files("DeidentifyStudyCore").joinpath("data", "terms.txt").read_text(encoding="utf-8")
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    listed = {normalized(word) for line in lines for word in line.split()}
    return dictionary_words() | listed


@lru_cache(maxsize=20000)
def is_term(word: str) -> bool:
    """Whether a normalized word is a term of the field, of the standard, of a coding scheme or of equipment.

    Words of three letters and short mixtures of letters and digits (kernels, versions) are; five digits in a row never.
    """
    if len(word) < _SHORTEST_UNKNOWN and word.isascii():
        return True
    if word in vocabulary() or word in _terms() or is_technical_token(word) or _MIXED.fullmatch(word) is not None:
        return True
    parts = re.findall(r"[a-z]+|\d+", word) if any(character.isdigit() for character in word) else []
    if "".join(parts) == word and all(len(part) < _SHORTEST_UNKNOWN + 1 for part in parts if part.isdigit()):
        words = [part for part in parts if not part.isdigit() and len(part) >= _SHORTEST_UNKNOWN]
        if words and all(is_term(part) for part in words):
            return True
    return word.isascii() and word.isalpha() and word in coded_words().common


def is_coded(word: str) -> bool:
    """Whether a normalized word is a term, or a word of any code meaning: Barrett and Boston are."""
    return is_term(word) or word in coded_words().all


def is_technical_token(word: str) -> bool:
    """Whether a normalized token is a short number, a number with its unit, or an index such as T2, L5 or b1000."""
    return _TECHNICAL.fullmatch(word) is not None


def has_identifier_pattern(text: str) -> bool:
    """Whether a text holds a date, a telephone number, an address, a UID or a long number."""
    return any(True for _ in _patterned(text))


def _patterned(text: str) -> Iterator[tuple[int, int]]:
    """Spans of dates, addresses and numbers, also between underscores, which stand for spaces."""
    for form in (text, text.replace("_", " ")) if "_" in text else (text,):
        yield from (found.span() for found in _PATTERNS.finditer(form))


def clean_text(text: str, echo: Echo, allowed: Allowed = Allowed.FIELD) -> str:
    """Keep the words of the field, drop the rest; a text of which everything is kept comes back as it was.

    Parameters
    ----------
    text : str
        Plain text; line breaks survive.
    echo : Echo
        Words of it are dropped even when the vocabulary has them.
    allowed : Allowed
        Which words it may keep.
    """
    if _REPLACED in text:
        allowed = Allowed.FIELD
    pieces: list[str] = []
    position = 0
    everything = True
    for start, stop, kept in _tokens(text, echo, allowed):
        if kept:
            between = text[position:start]
            if not everything and not between.isspace():
                between = "\n" if "\n" in between else " "
            pieces.append((between if pieces or everything else "") + text[start:stop])
            position = stop
        else:
            everything = False
    result = text if everything else "".join(pieces).strip()
    # an echo that is spread over several tokens, or wrapped by what stands between them: nothing is safe
    return "" if echo.is_in(result) else result


def _tokens(text: str, echo: Echo, allowed: Allowed) -> list[tuple[int, int, bool]]:
    dropped = list(_patterned(text))
    words = vocabulary()
    result = [(start, stop, False) for start, stop in dropped]
    for found in _TOKEN.finditer(text):
        start, stop = found.span()
        if any(start < after and stop > before for before, after in dropped):
            continue
        word = normalized(found[0])
        known = word in words or is_technical_token(word) or allowed is Allowed.ALL
        known = known or (allowed is Allowed.TERMS and is_term(word)) or (allowed is Allowed.CODED and is_coded(word))
        ours = echo.has_word(word) or (allowed is Allowed.FIELD and word in echo.common)
        result.append((start, stop, known and not ours))
    result.sort()
    return result

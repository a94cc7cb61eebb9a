"""Free text: what is kept are words of the field and short numbers; everything else goes.

The vocabulary (``data/vocabulary.txt``) is the project's own list. A word of it is still dropped when the patient's
echo dictionary has it. Dates, times, ages over 89, telephone numbers, addresses of mail, network and web, UIDs, long
numbers, and names with a title before them go by their pattern.
"""

import enum
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

from DeidentifyStudyCore.dicom.dictionary import dictionary_words
from DeidentifyStudyCore.dicom.standard import coded_words
from DeidentifyStudyCore.identity.echo import Echo, normalized, words_of

__all__ = [
    "Allowed",
    "clean_text",
    "has_identifier_pattern",
    "is_coded",
    "is_maker",
    "is_technical_token",
    "is_term",
    "vocabulary",
]

_MONTHS = (
    "jan(?:uary|uar|uari|vier|eiro)?|enero|gennaio|feb(?:ruary|ruar|ruari|rero|braio)?|fev(?:r(?:ier)?|ereiro)?|"
    "mar(?:ch|s|z|zo|co)?|m(?:ae)?rz|maart|mrt|apr(?:il|ile)?|avr(?:il)?|abril|may|mai|mei|mayo|maio|maggio|"
    "jun(?:e|i|io|ho)?|juin|giugno|jul(?:y|i|io|ho)?|juil(?:let)?|luglio|aug(?:ust|ustus)?|aout|agosto|"
    "sep(?:t|tember|tembre|tiembre)?|settembre|setembro|o[ck]t(?:ober|obre|ubre)?|ottobre|outubro|"
    "nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|embro)?|di[cz]iembre|dicembre"
)
"""Without accents, which are folded."""
_ROMAN = "(?:i{1,3}|iv|vi{0,3}|ix|xi{0,2})"
_MONTHS_ELSEWHERE = (
    "stycz(?:en|nia)|lut(?:y|ego)|mar(?:ca|zec)|kwie(?:cien|tnia)|maja?|czerw(?:iec|ca)|lip(?:iec|ca)|sierp(?:ien|nia)|"
    "wrzes(?:ien|nia)|pazdziernika?|listopad[au]?|grud(?:zien|nia)|led(?:en|na)|unora?|brezn?a|dubna|kvetna|cervn?a|"
    "cervence|srpna|zari|rijna|prosince|(?:tammi|helmi|maalis|huhti|touko|kesa|heina|elo|syys|loka|marras|joulu)kuu(?:ta)?|"
    "ocak|subat|nisan|mayis|haziran|temmuz|agustos|eylul|ekim|kasim|aralik|desember|januari|februari|augusti|"
    "январ[ья]|феврал[ья]|марта?|апрел[ья]|ма[йя]|июн[ья]|июл[ья]|августа?|сентябр[ья]|октябр[ья]|ноябр[ья]|декабр[ья]"
)
"""Of further languages; with a day and a year only."""
_DATE_ELSEWHERE = re.compile(
    rf"(?<!\d)\d{{1,2}}(?:\.|\s?-?(?:st|th|e|er|o))?\s(?:{_MONTHS_ELSEWHERE})\.?,?\s(?:19|20)\d\d(?!\d)", re.IGNORECASE
)
_OLD = r"0?(?:9\d|1[01]\d)"
"""Years over 89 that people reach."""
_ISOTOPE = r"(?<![a-z]\^)(?<!tc[\s-])(?<!technetium\s)(?!\d+m(?:\^|[\s-]?(?:tc|technetium|indium)))"
"""Before a number that is no age: neither Tc-99m nor 99m-Tc."""
_NO_MEASURE = (
    r"(?!\d|[.,]\d|\s?[x*]\s?\d|\s?[%°]|\s?(?:mm|cm|ml|cc|m?g|kg|lbs?|msec|ms|sec|min|kvp?|mas?|hu|k?hz|mhz|bpm|"
    r"deg(?:rees?)?|mci|mbq|[mc]?gy|mmhg|[km]ev|percent|images?|slices?|frames?)\b)"
)
_SEX = (
    r"(?:[mf]|males?|females?|m[ae]n|wom[ae]n|gentleman|lady|mann|frau|m[aä]nnlich\w*|weiblich\w*|hommes?|femmes?|"
    r"masculin[oe]?|f[eé]minin[oea]?|femenin[oa]|hombre|mujer|uomo|donna|maschio|femmina|vrouw|kvinn?[ad]e?|homem|mulher)"
)
_ADDRESSES = re.compile(
    "|".join(
        (
            r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*",  # mail; limits, so that long texts take no time without end
            r"\b(?:https?|ftp|file|dicom|wado|urn|mailto|tel)s?:[^\s,;]+",  # web and other URIs
            r"\bwww\.[^\s,;]+",
            r"\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,20}\.(?:com|org|net|edu|gov|de|fr|uk|ch|at|it|es|nl|eu|jp|cn|info|local|lan)\b[^\s,;]*",
            r"\\\\[^\s]+|\b[a-z]:\\[^\s]+|(?<!\w)/(?:\w+/)+\w+",  # paths
            r"\b[\da-f]{2}(?:[:-][\da-f]{2}){5}\b",  # hardware address
            r"\b[^\W\d_](?:[\s./_-]{1,2}[^\W\d_]\b){3,}",  # words with their letters apart
            # escaped as in URLs and HTML
            r"(?<!\S)[^\s%]{0,64}%[2-9a-f][\da-f]\S*|(?<!\w)\w{0,64}&(?:[a-z]{2,8}|#x?[\da-f]{2,6});\S*",
        )
    ),
    re.IGNORECASE,
)
_WITH_DIGITS = re.compile(
    "|".join(
        (
            r"\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b",  # GUID
            r"\b(?!\d(?:\.\d){3}(?![.\d]))(?:\d+\.){3,}\d+\b",  # IP addresses and UIDs, but not the version 5.3.1.0
            rf"\b(?:{_MONTHS})\b\.?\s*\d{{1,2}}(?:st|nd|rd|th)?,?\s*(?:\d{{4}}|'?\d{{2}})?\b",
            rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[\s/-]*(?:(?:of|de)\s+)?(?:{_MONTHS})\b\.?"
            r"(?:[\s,/-]*(?:del?\s+)?(?:\d{4}|'?\d{2}\b))?",
            rf"\b(?:{_MONTHS})\.?[\s/-]*(?:\d{{4}}|'\d{{2}})\b",
            rf"(?<!\d)\d{{1,2}}[\s./-]?(?:{_MONTHS})\.?[\s./-]?(?:\d{{4}}|\d{{2}})(?!\d)",  # 15MAR57
            rf"\b(?:{_MONTHS})\d{{1,2}}[\s,/-]*\d{{2,4}}\b",
            rf"(?<!\d)\d{{4}}[\s./-]?(?:{_MONTHS})[\s./-]?\d{{1,2}}(?!\d)",
            r"\b\d{1,2}([,|;\s])\s?\d{1,2}\1\s?(?:19|20)\d{2}\b",
            rf"\b\d{{1,2}}[.\s/-]{{1,2}}{_ROMAN}[.\s/-]{{1,2}}(?:19|20)\d{{2}}\b",  # 4.III.2001
            rf"\b\d{{1,2}}([./])\s?{_ROMAN}\2\s?\d{{2}}\b",
            r"(?:明治|大正|昭和|平成|令和)?\s?(?:元|\d{1,4})\s?[年년]\s?\d{1,2}\s?[月월](?:\s?\d{1,2}\s?[日일])?",
            r"\b(?:19|20)\d{2}-?w\d{2}(?:-?\d)?\b|\bq[1-4][\s./-]?(?:19|20)\d{2}\b|\b(?:19|20)\d{2}[\s./-]?q[1-4]\b",
            # dates in digits: nobody writes a year with one, so 5.3.1 is a version
            r"\b(?!\d{1,4}[./-]00?[./-])(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|\d{3,4}[./-]\d{1,2}[./-]\d)\b",
            r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\b)?",  # times
            r"(?:\+\s*)?\(?\d(?:[\s()./_-]{0,3}\d){5,}",  # telephone numbers, numbers in groups
        )
    ),
    re.IGNORECASE,
)
_OVER_89 = re.compile(r"9\d|1\d\d")
_AGES = re.compile(
    "|".join(
        (
            r"\b0?(?:9\d|1\d\d)[\s-]*(?:y\b|yo[mf]?\b|y/o\b|y\.\s?o\b|ys\b|yrs?\b|years?\b|j\b|jahre?n?\b|j[aä]hrig\w*|"
            r"ans\b|a[nñ]os\b|anni\b|anos\b|jaar\b|let\b|år\w*|лет\b|岁|歳|세)",
            r"(?:\b(?:aged?|alter|age\s+de|edad|idade|et[aà]|leeftijd|alder|yo|y/o|y\.\s?o\.?)|\bâge)(?:\s(?:is|was|of|ist|von))?"
            r"[\s:=(,-]{0,3}(?:9\d|1\d\d)\b",
            rf"\b(?:patient(?:in)?|pt|subject|he|she)\s(?:is|was|ist|war)\s(?:now\s|aged?\s)?{_OLD}{_NO_MEASURE}\b",
            # w is with as well (94 w/o contrast), m/s a velocity, F-18 fluorine
            rf"(?<!\w)(?<!\d[.,]){_ISOTOPE}{_OLD}[\s/,;:(.-]{{0,2}}(?:[yw]?{_SEX}(?!/s\b|-mode|-18)\b|"
            r"y?w\b(?!/|\s(?:and|c|con|contrast|gad|gd|iv|km|wo)\b)|[男女])",
            # a window is written W 100 L 40
            rf"\b(?:w?{_SEX}|w(?!/\s|[\s:=]?\d+[\s,/]*[cl][\s:=]?-?\d))[\s/,;:(.-]{{0,2}}{_OLD}(?:\s?y(?:o|rs?)?\b)?"
            rf"{_NO_MEASURE}(?!\w)",
        )
    ),
    re.IGNORECASE,
)
_LISTED = re.compile(r"(?<![\w.])(?<!\d[,;|])(\d{1,2})([./|,;-])\s?(\d{1,2})\2\s?(\d{2})(?!\w|[.,;|/-]\s?\d)")
_ERA = re.compile(r"\b([mtshr])\s?(\d{1,2})([./-])\s?(\d{1,2})\3\s?(\d{1,2})(?!\w|[./-]\d)", re.IGNORECASE)
_YEARS_OF_ERA = {"m": 45, "t": 15, "s": 64, "h": 31, "r": 99}
_GROUPED = re.compile(r"(?<![\w.])\d{1,3}(?:([,;|:'’*+]\s?)\d{3}(?:\1\d{3})+)(?!\w)")
_TITLED = re.compile(
    r"\b(?:(?:Dres|Drs?|Dra|Profs?|Mrs?|Ms|Mme|Mlle|Miss|Frau|Herrn?|Nurse|Schwester|Doctor|Doktor|Docteur|Professor)\b\.?|"
    r"(?<!\d)(?<!\d\s)(?:Sra?|Srta|Hr|Fr|Dott|Sig)\.|(?:DR|PROF|MRS|MME|DRA|SRA)\.|(?:HERR|FRAU)\b|(?:dr|prof|mrs)\.)"
    r"(?:\s?(?:Dr|Prof|Drs|DR|PROF|dr|prof|med|habil|rer|nat|van|von|der|den|de|di|la|el|al|le)\b\.?)*"
    r"(?:\s?[A-Z]\.){0,4}\s?(?P<first>[^\W\d_]+(?:['’-][^\W\d_]+){0,4})(?:\s(?P<second>[^\W\d_]+(?:['’-][^\W\d_]+){0,4}))?"
)
_NAME = r"[^\W\d_]+(?:['’-][^\W\d_]+){0,4}"
_BY = re.compile(
    r"\b(?:(?i:(?:e-?)?signed|dictated|transcribed|interpreted|reported|read|reviewed|approved|verified|performed|"
    r"requested|ordered|referred|contoured|drawn)(?i:\s(?:electronically|off|and))*\s?(?::|(?i:by):?)|"
    r"(?i:name|radiologist|physician|referrer|technologist|technician|operator|surgeon|attending|befunder|"
    r"diktat|überweiser|uberweiser)\s?:)"
    rf"\s?(?:[A-Z]\.\s?){{0,4}}(?P<first>{_NAME})(?:\s(?P<second>{_NAME}))?"
)
"""Who did something, or whose name it is: what follows is a name, also where it is a word of the field."""
_CREDENTIALED = re.compile(
    r"\b(?!(?i:trace|mean|tensor)\b)(?:[A-Z]\.\s?){0,4}(?:[A-Z][^\W\d_]{2,}(?:['’-][^\W\d_]+){0,4}\s(?:[A-Z]\.\s)?)?"
    r"[A-Z][^\W\d_]{2,}(?:['’-][^\W\d_]+){0,4}"
    r"(?:,\s?(?:MD|M\.D\.|DO|PhD|Ph\.D\.|FRCR|FACR|MBBS|RN|RDMS|DVM|DDS|PA-C|RT\(R\))|\s(?:M\.D\.|Ph\.D\.|FRCR|MBBS|RDMS))"
    r"(?![\w-])"
)
"""Names before what their bearers are: Hand, MD. A map of MD is a mean diffusivity."""
_AFTER_TITLES = frozenset(
    (
        "no", "not", "non", "nor", "never", "without", "the", "there", "this", "with", "and", "is",
        "was", "are", "has", "for", "in", "of", "on", "to", "by", "at", "since", "kein",
        "keine", "keinen", "ohne", "mit", "nicht", "nie", "und", "sans", "avec", "pas", "sin", "con",
        "senza", "number", "practitioner",
    )
)  # fmt: skip
"""Small words, negations most of all, that begin what follows when a title is none."""
_SLASHED = r"\b(?:w/wo|wo/w|w/o|r/o|h/o|s/p|b/l|n/a)\b"  # apart they would mean something else: w/o is not w
_SIGNED = r"(?<!\w)(?:[^\W\d_]|gd|gad|km|ce|iv)(?:[+]|[-−–](?!\w))"  # C- is without contrast
_PLUS = r"(?<!\w)[+](?:c|gd|gad|km|ce|iv)\b"
_DOSES = r"(?:(?!20)[2-8]\d\d[05]|4256|6996)"  # in cGy
_PHRASE = (  # alone they are names
    r"\b(?:(?:bi|c|li|ni|o|pi|ti|vi)-rads|(?:white|gr[ae]y)\smatter|(?:long|short)[\s-]axis|circle\sof\swillis|"
    r"(?:kidney|renal|ureter(?:al|ic)?|bladder|gall)\sstone|"
    # target volumes and their doses, which are no years
    rf"[cgip]tv[a-z]?\d?[\s_-]?{_DOSES}|{_DOSES}\scgy|"
    # numerals are no words of their own: a single I or V is an initial as well
    r"(?:lead|grad[eo]?|typ[eo]?|tipo|stage|stadium|stade|class[es]?|clase|klasse|segment|zone|level|phase|category)\s"
    r"(?:(?:i{2,3}|iv|vi{1,3}|ix|xi{1,2})[ab]?|[ivx](?!\.\s?[^\W\d_])))\b"
)
_TOKEN = re.compile(
    rf"(?i:{_PHRASE})|(?i:{_SLASHED})|(?i:{_SIGNED})|(?i:{_PLUS})|\d+\.\d+(?![\d.])|(?:[^\W_]|\ufffd)+(?:['’][^\W\d_]+)?"
)
_IS_PHRASE = re.compile(_PHRASE).fullmatch
_BETWEEN = re.compile(r"[\s_-]|(?<=tv)(?=\d)")
_INITIAL = re.compile(r"[A-Z]\.(?!\d)")
_PARTS = re.compile(r"0\d{3}|\d{1,3}(?:c?Gy|[cm]m)?|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MANY_DIGITS = re.compile(r"\d.*[^\d].*\d|[1-9]\d{3}|\d{5}")
_SHORTEST_PART = 3
_PUNCTUATION = re.compile(r"[\s!-/:-@\[-`{-~]*")
_SIGNS = "+-−–"
_UNITS = (
    "mm|cm|m|um|ml|cc|l|mg|ug|kg|g|s|sec|ms|us|min|h|hr|kv|kvp|kev|mev|ma|mas|mgy|cgy|gy|hz|khz|mhz|t|x|fps|bpm|deg|hu|mci|"
    "mbq|ph|d|w|mmhg|suv"
)
_TECHNICAL = re.compile(
    rf"\d{{1,3}}|\d{{1,4}}\.\d{{1,4}}|\d{{1,4}}(?:{_UNITS})|\d{{1,4}}x\d{{1,4}}(?:x\d{{1,4}})?(?:{_UNITS})?|"
    r"\d[a-z]|[cgip]tv[a-z]?\d?|[a-z]\d{1,2}[a-z]?|[bijqs][a-z]\d{2}[a-z]?|[bt]\d{1,4}|"
    r"(?:te|tr|ti|fa|b|bval|ph|phase|echo|e|nex|sl|im|se|vol|ir|pa|dir|mb|snr|dose|cor|sag|tra|ax)\d{1,4}|"
    r"(?:c|th?|l|s)\d{1,2}(?:c|th?|l|s)\d{1,2}"
)
_MEDICAL = re.compile(
    r"[a-z]{4,}(?:carcinoma|sarcoma|blastoma|adenoma|fibroma|ectomy|ostomy|plasty|graphy|scopy|pathy|algia|[lmnrs]emia|"
    r"uria|megaly|plasia|trophy|sclerosis|stenosis|fibrosis|necrosis)|[a-z]{5,}itis"
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
    return _listed("vocabulary.txt")


@lru_cache(maxsize=1)
def _listed_terms() -> frozenset[str]:
    return _listed("terms.txt")


@lru_cache(maxsize=1)
def _makers() -> tuple[frozenset[str], frozenset[str]]:
    """Words that makers of equipment are called by, and those that firms are called by besides."""
    listed = _listed("makers.txt")
    return frozenset(w for w in listed if w[0] != "+"), frozenset(w[1:] for w in listed if w[0] == "+")


def is_maker(name: str) -> bool:
    """Whether a name is a maker's of medical equipment: all its words are, and at least one is no other firm's."""
    found = {*words_of(name.replace("_", " "))}
    makers, firms = _makers()
    return found <= makers | firms and (not makers.isdisjoint(found) or "ge" in found)


def _listed(name: str) -> frozenset[str]:
    """Words of a list of the project's own, normalized."""
    text = files("DeidentifyStudyCore").joinpath("data", name).read_text(encoding="utf-8")
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    return frozenset(normalized(word) for line in lines for word in line.split())


@lru_cache(maxsize=1)
def _terms() -> frozenset[str]:
    """Words of defined terms and of equipment, and of the names and keywords of attributes in PS3.6."""
    return dictionary_words() | {word for word in _listed_terms() if not word.startswith("-")}


@lru_cache(maxsize=1)
def _short_names() -> frozenset[str]:
    """Common names of three letters, where the vocabulary has no word that is written alike."""
    return frozenset(word[1:] for word in _listed_terms() if word.startswith("-")) - vocabulary()


@lru_cache(maxsize=20000)
def is_term(word: str) -> bool:
    """Whether a normalized word is a term of the field, of the standard, of a coding scheme or of equipment.

    Words of three letters are, but for common names, and so are short mixtures of letters and digits (kernels,
    versions); five digits in a row never.
    """
    if len(word) < _SHORTEST_UNKNOWN and word.isascii():
        return word not in _short_names()
    if word in vocabulary() or word in _terms() or is_technical_token(word) or _MIXED.fullmatch(word) is not None:
        return True
    parts = re.findall(r"[a-z]+|\d+", word) if any(character.isdigit() for character in word) else []
    if "".join(parts) == word and all(len(part) < _SHORTEST_UNKNOWN + 1 for part in parts if part.isdigit()):
        words = [part for part in parts if not part.isdigit() and len(part) >= _SHORTEST_UNKNOWN]
        if words and all(is_term(part) for part in words):
            return True
    return word.isascii() and word.isalpha() and word in coded_words().common


def is_coded(word: str) -> bool:
    """Whether a normalized word is a term, a word of any code meaning (Barrett and Boston are), or made as words of
    medicine are, since standard schemes have more codes than PS3.16 lists."""
    return is_term(word) or word in coded_words().all or _MEDICAL.fullmatch(word) is not None


def is_technical_token(word: str) -> bool:
    """Whether a normalized token is a short number, a number with its unit, or an index such as T2, L5 or b1000."""
    return _TECHNICAL.fullmatch(word) is not None


def has_identifier_pattern(text: str) -> bool:
    """Whether a text holds a date, an age over 89, a telephone number, an address, a UID or a long number."""
    return any(any(True for _ in _numbers(form)) for form, _ in _forms(text))


def _patterned(text: str) -> Iterator[tuple[int, int]]:
    """Spans of what goes by its pattern, names with titles among it."""
    for form, places in _forms(text):
        for start, stop in (*_numbers(form), *_names(form)):
            yield (start, stop) if places is None else (places[start], places[stop - 1] + 1)


def _forms(text: str) -> Iterator[tuple[str, list[int] | None]]:
    """A text as it is, with spaces for underscores, and without accents; there with where each character stood."""
    yield text, None
    if "_" in text:
        text = text.replace("_", " ")
        yield text, None
    if not text.isascii():
        yield _folded(text)


def _folded(text: str) -> tuple[str, list[int]]:
    """Text without accents and in half width, and where each of its characters stands in the original."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character):
            if not unicodedata.combining(letter):
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Spans of dates, ages, addresses and numbers."""
    yield from (found.span() for found in _ADDRESSES.finditer(text))
    if any(character.isdigit() for character in text):
        yield from (found.span() for found in _WITH_DIGITS.finditer(text))
        if "19" in text or "20" in text:
            yield from (found.span() for found in _DATE_ELSEWHERE.finditer(text))
        if _OVER_89.search(text):
            yield from (found.span() for found in _AGES.finditer(text))
        yield from (found.span() for found in _LISTED.finditer(text) if _is_listed_date(found))
        yield from (found.span() for found in _ERA.finditer(text) if _is_era_date(found))
        yield from (found.span() for found in _GROUPED.finditer(text) if not _is_list(found))


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Spans of titles and of who did something with the names after them, and of names with what follows them."""
    for found in _TITLED.finditer(text):
        stop = _end_of_name(found)
        if stop is not None:
            yield found.start(), stop
    for found in _BY.finditer(text):
        if found["first"][0].isupper() and normalized(found["first"]) not in _AFTER_TITLES:
            follows = found["second"] is not None and found["second"][0].isupper()
            yield found.start(), found.end("second" if follows else "first")
    yield from (found.span() for found in _CREDENTIALED.finditer(text))


def _is_listed_date(found: re.Match[str]) -> bool:
    """Whether three numbers of a list can be a date: 14,07,31 is one, the echo times 10,20,30 rise."""
    first, separator, second, third = found.groups()
    one, two, three = int(first), int(second), int(third)
    if not any(_is_month_and_day(*pair) for pair in ((one, two), (two, one), (two, three))):
        return False
    padded = any(number.startswith("0") for number in (first, second))
    rising = one <= two <= three or one >= two >= three
    return separator not in ",;" or padded or not rising


def _is_month_and_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _is_era_date(found: re.Match[str]) -> bool:
    """Whether it is a date in Japanese years: S6.7.14 is one, the segments T5/6/7 and the version R5.7.1 are none."""
    era, separator = found[1].lower(), found[3]
    year, month, day = int(found[2]), int(found[4]), int(found[5])
    if not (1 <= year <= _YEARS_OF_ERA[era] and _is_month_and_day(month, day)):
        return False
    neighbours = month == year + 1 and day == month + 1
    version = era == "r" and separator == "." and len(found[5]) == 1
    return not neighbours and not version


def _is_list(found: re.Match[str]) -> bool:
    """Whether groups of three digits are numbers of their own: all tens, as b values are (100,400,800), or apart and
    rising (images 101, 205, 330)."""
    numbers = [int(number) for number in re.findall(r"\d+", found[0])]
    return all(number % 10 == 0 for number in numbers) or (found[1][-1].isspace() and numbers == sorted(numbers))


def _end_of_name(found: re.Match[str]) -> int | None:
    """Where the name after a title ends; None when no name stands there."""
    title, first, second = found[0].split()[0], found["first"], found["second"]
    if normalized(first) in _AFTER_TITLES or not (first[0].isupper() or title.islower()):
        return None
    # the field's word after a given name is a surname: Dr. John Stone
    is_given = normalized(first) not in vocabulary()
    follows = second is not None and second[0].isupper() and second.isupper() == first.isupper()
    return found.end("second" if is_given and follows and normalized(second) not in _AFTER_TITLES else "first")


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
    everything = follows = True
    for start, stop, kept in _tokens(text, echo, allowed):
        if kept:
            between = text[position:start]
            if not (follows and (everything or _PUNCTUATION.fullmatch(between))) and not between.isspace():
                between = "\n" if "\n" in between else " "
            pieces.append((between if pieces or everything else "") + text[start:stop])
            position = stop
        else:
            everything = False
        follows = kept
    result = text if everything else "".join(pieces).strip()
    # an echo that is spread over several tokens, or wrapped by what stands between them: nothing is safe
    return "" if echo.is_in(result) else result


def _tokens(text: str, echo: Echo, allowed: Allowed) -> list[tuple[int, int, bool]]:
    dropped = _joined(_patterned(text))
    words = vocabulary()
    result = [(start, stop, False) for start, stop in dropped]
    for found in _TOKEN.finditer(text):
        start, stop = found.span()
        place = bisect_right(dropped, (stop - 1, len(text)))
        if place and dropped[place - 1][1] > start:
            continue
        word = normalized(found[0].strip(_SIGNS))
        known = (
            word in words
            or is_technical_token(word)
            or allowed is Allowed.ALL
            or _is_compound(found[0], echo, allowed)
            or _IS_PHRASE(word) is not None
            or (allowed is Allowed.TERMS and is_term(word))
            or (allowed is Allowed.CODED and is_coded(word))
        )
        ours = any(
            echo.has_word(part) or (allowed is Allowed.FIELD and part in echo.common) for part in _BETWEEN.split(word)
        )
        result.append((start, stop, known and not ours))
    result.sort()
    return _without_initials(text, result)


def _without_initials(text: str, tokens: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """Drop initials beside what is dropped: of M.J. Zyxwarth P. nothing stays."""
    if "." not in text or all(kept for *_, kept in tokens):
        return tokens
    for step in (1, -1):
        for place in range(len(tokens))[::-step]:
            start, stop, kept = tokens[place]
            beside = place + step
            if kept and 0 <= beside < len(tokens) and not tokens[beside][2] and _INITIAL.match(text, start):
                tokens[place] = (start, stop, False)
    return tokens


def _is_compound(token: str, echo: Echo, allowed: Allowed) -> bool:
    """Whether a token is words of the field written together, each with a capital letter: SpinalCord, PTV60Gy."""
    parts = _PARTS.findall(token)
    if len(parts) == 1 or "".join(parts) != token or not token[0].isalpha() or _MANY_DIGITS.search(token):
        return False
    words = [part.lower() for part in parts if not part[0].isdigit()]
    known = vocabulary().__contains__ if allowed is Allowed.FIELD else is_term
    shortest = _SHORTEST_PART if allowed is Allowed.FIELD else _SHORTEST_UNKNOWN
    return all(
        len(word) >= shortest and known(word) and not echo.has_word(word) and word not in echo.common for word in words
    )


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined

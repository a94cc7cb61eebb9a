"""Text of elements: Specific Character Set (PS3.5, 6.1; PS3.3, C.12.1.1.2) to Python and back."""

import warnings
from functools import lru_cache

from pydicom.charset import decode_bytes, encode_string, python_encoding

__all__ = ["codecs_of", "decoded", "encoded", "search_forms"]

_DELIMITERS = {ord(character) for character in "\\^=\r\n\f\t"}
_SEARCHED = (
    "utf-8",
    "latin-1",
    "iso8859-2",
    "iso8859-5",
    "iso8859-7",
    "cp932",
    "euc_jp",
    "euc_kr",
    "gb18030",
    "utf-16-le",
    "utf-16-be",
)


@lru_cache(maxsize=512)
def codecs_of(specific_character_set: bytes) -> tuple[str, ...]:
    """Python codecs of a Specific Character Set; ``ascii`` stands for the default repertoire and for unknown terms."""
    terms = specific_character_set.decode("ascii", "replace").split("\\")
    return tuple(_codec(term.strip(" \0")) for term in terms)


def _codec(term: str) -> str:
    found = python_encoding.get(term) or python_encoding.get(term.replace("_", " ").replace("ISO-IR", "ISO_IR"))
    if found is None and term.startswith(("ISO IR", "ISO-IR", "ISO 2022-IR")):
        found = python_encoding.get("ISO_IR " + term.split(" ")[-1].removeprefix("IR"))
    return "ascii" if found in {None, "iso8859"} and not term else found or "ascii"


def decoded(value: bytes, codecs: tuple[str, ...]) -> str:
    """Decode a value; what the character set does not have becomes U+FFFD, which no rule ever keeps."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    if codecs == ("ascii",):
        return value.decode("ascii", "replace")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(decode_bytes(value, list(codecs), _DELIMITERS))
        except (LookupError, UnicodeError, ValueError):
            return value.decode("ascii", "replace")


def encoded(text: str, codecs: tuple[str, ...]) -> bytes:
    """Encode text with the element's own character set; characters it does not have are dropped."""
    if text.isascii():
        return text.encode("ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bytes(encode_string(text, list(codecs)))
        except (LookupError, UnicodeError, ValueError):
            return text.encode("ascii", "ignore")


def search_forms(word: str) -> set[bytes]:
    """Bytes that a word becomes in the character sets of DICOM and of Windows, for a search in opaque bytes."""
    forms = set()
    for codec in _SEARCHED:
        for form in (word, word.upper(), word.title()):
            try:
                forms.add(form.encode(codec))
            except UnicodeEncodeError:
                continue
    if not word.isascii():
        for codec in ("euc_jp", "euc_kr", "gb2312"):  # ISO 2022 shifts the same codes into seven bits
            try:
                forms.add(bytes(byte & 0x7F for byte in word.encode(codec)))
            except UnicodeEncodeError:
                continue
    return {form for form in forms if len(form) >= 4}

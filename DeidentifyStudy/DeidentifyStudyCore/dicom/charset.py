"""Text of elements: Specific Character Set (PS3.5, 6.1; PS3.3, C.12.1.1.2) to Python and back."""

import contextlib
import re
import warnings
from functools import lru_cache

__all__ = ["codecs_of", "decoded", "encoded", "search_forms", "text_in"]

_PLAIN = {
    "": "ascii",
    "ISO_IR 6": "iso8859",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso_ir_126",
    "ISO_IR 127": "iso_ir_127",
    "ISO_IR 138": "iso_ir_138",
    "ISO_IR 144": "iso_ir_144",
    "ISO_IR 148": "iso_ir_148",
    "ISO_IR 166": "iso_ir_166",
    "ISO_IR 192": "UTF8",
}
"""Character sets without code extensions; pydicom, which takes longer to load than a small study does, has the rest."""
_PLAIN_CODECS = frozenset(_PLAIN.values())
_ESCAPE = b"\x1b"
_EXTENSIONS = {
    "iso2022_jp": ("iso2022_jp", b""),
    "iso2022_jp_2": ("iso2022_jp_1", b""),
    "iso_ir_58": ("gb2312", b"\x1b$)A"),
}
"""Codecs of pydicom that leave out an escape sequence beside the default repertoire: Python's, which write their own,
or need the one given."""
_CHINESE = "iso_ir_58"
_SEPARATORS = re.compile(r"([\\^=\r\n\f\t])")
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
    if term in _PLAIN:
        return _PLAIN[term]
    from pydicom.charset import python_encoding

    found = python_encoding.get(term) or python_encoding.get(term.replace("_", " ").replace("ISO-IR", "ISO_IR"))
    if found is None and term.startswith(("ISO IR", "ISO-IR", "ISO 2022-IR")):
        found = python_encoding.get("ISO_IR " + term.split(" ")[-1].removeprefix("IR"))
    return found or "ascii"


def decoded(value: bytes, codecs: tuple[str, ...]) -> str:
    """Decode a value; what the character set does not have becomes U+FFFD, which no rule ever keeps."""
    escaped = _ESCAPE in value
    if not escaped and value.isascii():
        return value.decode("ascii")
    if _CHINESE in codecs:  # pydicom leaves these escape sequences in what it reads, and out of what it writes
        bare = value.replace(b"\x1b$)A", b"").replace(b"\x1b(B", b"")
        with contextlib.suppress(UnicodeDecodeError):
            if _ESCAPE not in bare:
                return bare.decode("gb2312")
    if codecs == ("ascii",) or (codecs[0] in _PLAIN_CODECS and not escaped):
        return value.decode(codecs[0], "replace")
    from pydicom.charset import decode_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(decode_bytes(value, list(codecs), _DELIMITERS))
        except (LookupError, UnicodeError, ValueError):
            return value.decode("ascii", "replace")


def text_in(value: bytes, codecs: tuple[str, ...]) -> str:
    """Decode a value, without its padding."""
    return decoded(value, codecs).rstrip(" \0")


def encoded(text: str, codecs: tuple[str, ...]) -> bytes:
    """Encode text with the element's own character set; characters it does not have are dropped."""
    if text.isascii():
        return text.encode("ascii")
    if codecs[0] in _PLAIN_CODECS:
        with contextlib.suppress(UnicodeEncodeError):
            return text.encode(codecs[0])
    if codecs[0] in {"ascii", "iso8859"}:
        for codec in codecs[1:]:
            if codec in _EXTENSIONS:
                with contextlib.suppress(UnicodeEncodeError):
                    return _extended(text, *_EXTENSIONS[codec])
    from pydicom.charset import encode_string

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bytes(encode_string(text, list(codecs)))
        except (LookupError, UnicodeError, ValueError):
            return text.encode("ascii", "ignore")


def _extended(text: str, codec: str, escape: bytes) -> bytes:
    """Encode with one code extension, which is told anew after each separator (PS3.5, 6.1.2.5.3)."""
    parts = _SEPARATORS.split(text)
    return b"".join(part.encode("ascii") if part.isascii() else escape + part.encode(codec) for part in parts)


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

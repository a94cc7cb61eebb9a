"""The search for planted tokens: in bytes under every character set and wrapping, in texts however they are split."""

import base64
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO

import numpy as np
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

__all__ = ["Finder", "texts_of"]

_CODECS = (
    "utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_7", "cp1251", "gb18030", "shift_jis", "euc_jp", "euc_kr",
    "utf-16-le", "utf-16-be",
)  # fmt: skip
_OPAQUE = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_SHORTEST = 5
_SHORTEST_SPREAD = 8
_PREFIX = 4
_DEFLATED = "1.2.840.10008.1.2.1.99"


class Finder:
    """Looks for all tokens at once."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._patterns: dict[bytes, list[tuple[bytes, str]]] = {}
        spread: dict[str, str] = {}
        for token in tokens:
            if not _is_searched(token):
                continue
            for form in _forms(token):
                if len(form) >= _PREFIX:
                    self._patterns.setdefault(form[:_PREFIX], []).append((form, token))
            plain = _plain(token)
            if len(plain) >= _SHORTEST_SPREAD:
                spread[plain] = token
        self._prefixes = np.array(sorted(int.from_bytes(prefix, "little") for prefix in self._patterns), np.uint32)
        self._spread = Finder.of_plain(spread) if spread else None

    @classmethod
    def of_plain(cls, tokens: Mapping[str, str]) -> "Finder":
        """Make one that looks for these letters and digits only, and answers with what they stand for."""
        finder = cls(())
        for plain, token in tokens.items():
            form = plain.encode()
            finder._patterns.setdefault(form[:_PREFIX], []).append((form, token))
        finder._prefixes = np.array(sorted(int.from_bytes(prefix, "little") for prefix in finder._patterns), np.uint32)
        return finder

    def in_bytes(self, content: bytes) -> set[str]:
        """Tokens that the bytes hold."""
        if len(content) < _PREFIX or not len(self._prefixes):
            return set()
        raw = np.frombuffer(content, np.uint8).astype(np.uint32)
        windows = raw[:-3] | raw[1:-2] << 8 | raw[2:-1] << 16 | raw[3:] << 24
        at = np.searchsorted(self._prefixes, windows)
        hits = np.flatnonzero(self._prefixes[np.minimum(at, len(self._prefixes) - 1)] == windows)
        found = set()
        for position in hits.tolist():
            for form, token in self._patterns[content[position : position + _PREFIX]]:
                if token not in found and content.startswith(form, position):
                    found.add(token)
        return found

    def in_file(self, content: bytes) -> set[str]:
        """Tokens in the bytes of a DICOM file, in its deflated data set, and spread over the words of its texts."""
        found = self.in_bytes(content)
        dataset = pydicom.dcmread(BytesIO(content), force=True)
        if dataset.file_meta.get("TransferSyntaxUID") == _DEFLATED:
            begin = 144 + int.from_bytes(content[140:144], "little")
            found |= self.in_bytes(zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[begin:]))
        if self._spread is not None:
            found |= self._spread.in_bytes("\0".join(map(_plain, texts_of(dataset))).encode())
        return found


def texts_of(dataset: Dataset) -> list[str]:
    """Every value that is text or a number, as people see it."""
    found: list[str] = []
    for tag in dataset.keys():  # noqa: SIM118  # iterating over elements would decode, and stop at, invalid ones
        try:
            element = dataset[tag]
        except Exception:  # whatever pydicom makes of values that were planted to be invalid
            found.append(bytes(dataset.get_item(tag).value or b"").decode("latin-1"))
            continue
        if element.VR == "SQ":
            for item in element.value:
                found.extend(texts_of(item))
        elif element.VR not in _OPAQUE and element.value is not None:
            found.append(str(element.value))
            found.extend(_spoken(element))
    return found


def _spoken(element: DataElement) -> list[str]:
    """Numbers in binary, as the digits that a reader sees."""
    values = element.value if isinstance(element.value, (list, MultiValue)) else [element.value]
    if element.VR in {"FL", "FD", "DS"}:
        return [f"{float(value):.0f}" for value in values if value not in ("", None) and abs(float(value)) < 1e18]
    if element.VR == "AT":
        return [f"{int(value):08x}" for value in values]
    return []


def _is_searched(token: str) -> bool:
    shortest = 8 if token.isdigit() else _SHORTEST if token.isascii() else 2
    return len(token) >= shortest


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


def _forms(token: str) -> set[bytes]:
    found: set[bytes] = set()
    for word in {token, token.lower(), token.upper(), token.title()}:
        for codec in _CODECS:
            found |= _encoded(word, lambda text, codec=codec: text.encode(codec))
        if not word.isascii():
            for codec in ("euc_jp", "euc_kr", "gb2312"):  # what ISO 2022 shifts into seven bits
                found |= _encoded(word, lambda text, codec=codec: bytes(byte & 0x7F for byte in text.encode(codec)))
        raw = word.encode()
        if len(raw) >= 7:
            found |= {raw.hex().encode(), raw.hex().upper().encode()}
            for skipped in range(3):
                start, stop = (0, 2, 3)[skipped], -4
                found.add(base64.b64encode(b"\0" * skipped + raw)[start:stop])
    if token.isdigit():
        return {form for form in found if len(form) >= 8}
    return found


def _encoded(word: str, encode: Callable[[str], bytes]) -> set[bytes]:
    try:
        return {encode(word)}
    except UnicodeError:
        return set()

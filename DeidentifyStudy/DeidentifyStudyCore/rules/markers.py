"""What an object says of its de-identification: PS3.15, E.1.1, set to the truth and nothing more; and new file meta
information."""

from functools import lru_cache

from DeidentifyStudyCore.dicom.standard import method_codes
from DeidentifyStudyCore.dicom.tokenizer import EXPLICIT_LITTLE, ITEM, Encoding
from DeidentifyStudyCore.profile import Profile

__all__ = ["FACE_STATEMENT", "IMPLEMENTATION_CLASS_UID", "file_meta", "marker_elements", "method_text"]

FACE_STATEMENT = "facial surface altered, reviewer-confirmed"
"""What De-identification Method says beside code 113102; nothing more is known."""
_STATEMENTS = {"113102": FACE_STATEMENT}
IMPLEMENTATION_CLASS_UID = "2.25.283921049563022196538421739876012345"
_IMPLEMENTATION_VERSION = b"DEIDENTIFY_STUDY"


def method_text(profile: Profile) -> list[str]:
    """De-identification Method: program and profile, in values of 64 characters at most."""
    return ["De-identify Study (AnnotationQA), PS3.15 2026d", f"Profile {profile.name} {profile.version}"[:64]]


def marker_elements(
    profile: Profile, encoding: Encoding, claims: tuple[str, ...] = ()
) -> tuple[tuple[int, bytes], ...]:
    """Encode Patient Identity Removed, the methods, and what became of the dates, in order of tags.

    `claims` are codes of CID 7050 that this object earned beyond what the profile's work on headers earns.
    """
    codes = tuple(sorted({*profile.method_codes(), *claims}))
    stated = [_STATEMENTS[code] for code in codes if code in _STATEMENTS]
    return _encoded("\\".join([*method_text(profile), *stated]), codes, _temporal(profile.options), encoding)


def _temporal(options: frozenset[str]) -> bytes:
    if "retain_longitudinal_full_dates" in options:
        return b"UNMODIFIED"
    return b"MODIFIED" if "retain_longitudinal_modified_dates" in options else b"REMOVED"


@lru_cache(maxsize=64)
def _encoded(method: str, codes: tuple[str, ...], temporal: bytes, encoding: Encoding) -> tuple[tuple[int, bytes], ...]:
    meanings = method_codes()
    items = b""
    for code in codes:
        item = (
            encoding.element(0x00080100, b"SH", _even(code.encode()))
            + encoding.element(0x00080102, b"SH", _even(b"DCM"))
            + encoding.element(0x00080104, b"LO", _even(meanings[code].encode()))
        )
        items += encoding.header(ITEM, b"", len(item)) + item
    return (
        (0x00120062, encoding.element(0x00120062, b"CS", _even(b"YES"))),
        (0x00120063, encoding.element(0x00120063, b"LO", _even(method.encode()))),
        (0x00120064, encoding.element(0x00120064, b"SQ", items)),
        (0x00280303, encoding.element(0x00280303, b"CS", _even(temporal))),
    )


def file_meta(sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """Encode an empty preamble and the file meta information (PS3.10, 7.1)."""
    before, after = _around_instance(sop_class, transfer_syntax)
    elements = before + _uid(0x00020003, instance) + after
    length = EXPLICIT_LITTLE.element(0x00020000, b"UL", len(elements).to_bytes(4, "little"))
    return bytes(128) + b"DICM" + length + elements


@lru_cache(maxsize=64)
def _around_instance(sop_class: str, transfer_syntax: str) -> tuple[bytes, bytes]:
    before = EXPLICIT_LITTLE.element(0x00020001, b"OB", b"\0\1") + _uid(0x00020002, sop_class)
    after = (
        _uid(0x00020010, transfer_syntax)
        + _uid(0x00020012, IMPLEMENTATION_CLASS_UID)
        + EXPLICIT_LITTLE.element(0x00020013, b"SH", _IMPLEMENTATION_VERSION)
    )
    return before, after


def _uid(tag: int, uid: str) -> bytes:
    value = uid.encode("ascii", "replace")
    return EXPLICIT_LITTLE.element(tag, b"UI", value + b"\0" * (len(value) % 2))


def _even(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)

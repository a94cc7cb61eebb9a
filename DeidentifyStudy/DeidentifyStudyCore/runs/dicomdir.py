"""A DICOMDIR for the objects that were written: made anew from them, never from the one that was found (PS3.3, F)."""

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from DeidentifyStudyCore.atomic import write_bytes
from DeidentifyStudyCore.dicom.source import Source, opened
from DeidentifyStudyCore.dicom.tokenizer import EXPLICIT_LITTLE, ITEM
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.markers import file_meta
from DeidentifyStudyCore.runs.directory_records import (
    DUMMIES,
    PATIENT,
    ROOT_KINDS,
    SERIES,
    STUDY,
    Attribute,
    attributes_of,
    kind_of,
)

__all__ = ["write_dicomdir"]

_CLASS = "1.2.840.10008.1.3.10"
_ENCAPSULATED_CDA = "1.2.840.10008.5.1.4.1.1.104.2"
_HL7_INSTANCE = 0x0040E001
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_NUMBERS = frozenset({b"US", b"UL"})
_OPTIONAL = 3
_VERIFICATION_FLAG, _OBSERVERS, _VERIFIED_AT = 0x0040A493, 0x0040A073, 0x0040A030


@dataclass(slots=True)
class _Record:
    kind: bytes
    content: dict[int, tuple[bytes, bytes]]
    children: list["_Record"] = field(default_factory=list)
    offset: int = 0
    following: int = 0


def write_dicomdir(folder: Path, outputs: list[str], pseudonyms: Pseudonyms) -> str:
    """Write ``DICOMDIR`` into `folder` for objects named relative to it; returns its SHA-256."""
    roots: dict[str, _Record] = {}
    index: dict[tuple[str, ...], _Record] = {}
    for output in sorted(outputs):
        with opened(folder / output) as source:
            _add(source, output, roots, index)
    tops = list(roots.values())
    records = _ordered(tops)
    meta = file_meta(_CLASS, pseudonyms.new_uid("dicomdir\0" + "\0".join(sorted(outputs))), _EXPLICIT_LITTLE)
    position = begin = len(meta) + len(_head(0, 0, 0))
    for record in records:
        record.offset = position
        position += len(_encoded_record(record))
    for siblings in (tops, *(record.children for record in records)):
        for record, following in pairwise(siblings):
            record.following = following.offset
    head = _head(tops[0].offset if tops else 0, tops[-1].offset if tops else 0, position - begin)
    content = meta + head + b"".join(map(_encoded_record, records))
    write_bytes(folder / "DICOMDIR", content)
    return hashlib.sha256(content).hexdigest()


def _add(source: Source, output: str, roots: dict[str, _Record], index: dict[tuple[str, ...], _Record]) -> None:
    sop_class = source.value(0x00080016).decode("ascii", "replace")
    if not source.value(0x0020000D):
        if sop_class in ROOT_KINDS:
            roots[output] = _object_record(source, output, sop_class, ROOT_KINDS[sop_class])
        return
    patient, study, series, _ = output.split("/")
    levels = ((patient,), (patient, study), (patient, study, series))
    kinds = ((b"PATIENT", PATIENT), (b"STUDY", STUDY), (b"SERIES", SERIES))
    parent: _Record | None = None
    for key, (kind, attributes) in zip(levels, kinds, strict=True):
        record = index.get(key)
        if record is None:
            record = index[key] = _Record(kind, _values(source, attributes))
            if parent is None:
                roots[patient] = record
            else:
                parent.children.append(record)
        parent = record
    index[levels[2]].children.append(_object_record(source, output, sop_class, kind_of(sop_class)))


def _object_record(source: Source, output: str, sop_class: str, kind: bytes) -> _Record:
    content = _values(source, attributes_of(kind))
    if source.value(_VERIFICATION_FLAG).strip() == b"VERIFIED" and _VERIFICATION_FLAG in content:
        content[_VERIFIED_AT] = (b"DT", _verified_at(source))
    if sop_class != _ENCAPSULATED_CDA:
        content.pop(_HL7_INSTANCE, None)  # type 1C: in records of CDA alone
    content[0x00041500] = (b"CS", "\\".join(output.split("/")).encode())
    content[0x00041510] = (b"UI", sop_class.encode("ascii", "replace"))
    content[0x00041511] = (b"UI", source.value(0x00080018))
    content[0x00041512] = (b"UI", source.transfer_syntax.encode())
    return _Record(kind, content)


def _values(source: Source, attributes: tuple[Attribute, ...]) -> dict[int, tuple[bytes, bytes]]:
    result = {}
    for tag, vr, kind in attributes:
        value = _value(source, tag, vr)
        if not value and kind == 1:
            value = DUMMIES.get(vr, b"")
        if value or kind != _OPTIONAL:
            result[tag] = (vr, value)
    character_set = source.value(0x00080005)
    if character_set:
        result[0x00080005] = (b"CS", character_set)
    return result


def _value(source: Source, tag: int, vr: bytes) -> bytes:
    if vr == b"SQ":
        return _sequence(source, tag)
    if vr in _NUMBERS:
        (number,) = source.values((tag,))
        return number[::-1] if source.encoding.big else number
    return source.value(tag)


def _verified_at(source: Source) -> bytes:
    """When a report was verified last, which stands beside its observers; required of verified ones."""
    number = source.layout.first.get(_OBSERVERS)
    if number is None:
        return DUMMIES[b"DT"]
    buffer, parsed = source.leaves(number, ())
    found = [leaf.text(buffer) for leaf in parsed if leaf.tag == _VERIFIED_AT]
    return max(found, default="").encode("ascii", "replace") or DUMMIES[b"DT"]


def _sequence(source: Source, tag: int) -> bytes:
    """Items of a sequence, where they are in the encoding of a DICOMDIR already; else none."""
    span = source.first(tag)
    if span is None or source.encoding != EXPLICIT_LITTLE:
        return b""
    return bytes(source.buffer[span[3] : span[4]])


def _ordered(records: list[_Record]) -> list[_Record]:
    result = []
    for record in records:
        result.append(record)
        result.extend(_ordered(record.children))
    return result


def _encoded_record(record: _Record) -> bytes:
    lower = record.children[0].offset if record.children else 0
    elements = {
        0x00041400: (b"UL", record.following.to_bytes(4, "little")),
        0x00041410: (b"US", b"\xff\xff"),
        0x00041420: (b"UL", lower.to_bytes(4, "little")),
        0x00041430: (b"CS", record.kind),
        **record.content,
    }
    body = b"".join(_element(tag, *elements[tag]) for tag in sorted(elements))
    return EXPLICIT_LITTLE.header(ITEM, b"", len(body)) + body


def _head(first: int, last: int, size: int) -> bytes:
    return (
        _element(0x00041130, b"CS", b"")
        + _element(0x00041200, b"UL", first.to_bytes(4, "little"))
        + _element(0x00041202, b"UL", last.to_bytes(4, "little"))
        + _element(0x00041212, b"US", b"\0\0")
        + EXPLICIT_LITTLE.header(0x00041220, b"SQ", size)
    )


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return EXPLICIT_LITTLE.element(tag, vr, value)

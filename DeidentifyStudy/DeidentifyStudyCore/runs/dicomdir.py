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

__all__ = ["write_dicomdir"]

_CLASS = "1.2.840.10008.1.3.10"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_RECORD_TYPES = {
    "1.2.840.10008.5.1.4.1.1.104.1": b"ENCAP DOC",
    "1.2.840.10008.5.1.4.1.1.104.2": b"ENCAP DOC",
    "1.2.840.10008.5.1.4.1.1.481.2": b"RT DOSE",
    "1.2.840.10008.5.1.4.1.1.481.3": b"RT STRUCTURE SET",
    "1.2.840.10008.5.1.4.1.1.481.5": b"RT PLAN",
    "1.2.840.10008.5.1.4.1.1.66": b"RAW DATA",
    "1.2.840.10008.5.1.4.1.1.66.1": b"REGISTRATION",
    "1.2.840.10008.5.1.4.1.1.66.2": b"FIDUCIAL",
    "1.2.840.10008.5.1.4.1.1.88.59": b"KEY OBJECT DOC",
}
_PREFIXES = {
    "1.2.840.10008.5.1.4.1.1.88.": b"SR DOCUMENT",
    "1.2.840.10008.5.1.4.1.1.9.": b"WAVEFORM",
    "1.2.840.10008.5.1.4.1.1.11.": b"PRESENTATION",
}
# attributes of each level's record: tag and VR, type 1 or 2, so that absent ones are written empty
_PATIENT = ((0x00100010, b"PN"), (0x00100020, b"LO"))
_STUDY = (
    (0x00080020, b"DA"),
    (0x00080030, b"TM"),
    (0x00080050, b"SH"),
    (0x00081030, b"LO"),
    (0x0020000D, b"UI"),
    (0x00200010, b"SH"),
)
_SERIES = ((0x00080060, b"CS"), (0x0020000E, b"UI"), (0x00200011, b"IS"))
_INSTANCE = ((0x00200013, b"IS"),)
_DOCUMENT = ((0x00080023, b"DA"), (0x00080033, b"TM"), (0x0040A491, b"CS"), (0x0040A493, b"CS"), (0x0040A043, b"SQ"))


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
    patient, study, series, _ = output.split("/")
    levels = ((patient,), (patient, study), (patient, study, series))
    kinds = ((b"PATIENT", _PATIENT), (b"STUDY", _STUDY), (b"SERIES", _SERIES))
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
    sop_class = source.value(0x00080016).decode("ascii", "replace")
    kind = _RECORD_TYPES.get(sop_class) or next(
        (kind for prefix, kind in _PREFIXES.items() if sop_class.startswith(prefix)), b"IMAGE"
    )
    content = _values(source, _INSTANCE)
    if kind == b"SR DOCUMENT":
        content |= _values(source, _DOCUMENT)
    content[0x00041500] = (b"CS", "\\".join(output.split("/")).encode())
    content[0x00041510] = (b"UI", sop_class.encode("ascii", "replace"))
    content[0x00041511] = (b"UI", source.value(0x00080018))
    content[0x00041512] = (b"UI", source.transfer_syntax.encode())
    index[levels[2]].children.append(_Record(kind, content))


def _values(source: Source, attributes: tuple[tuple[int, bytes], ...]) -> dict[int, tuple[bytes, bytes]]:
    result = {}
    for tag, vr in attributes:
        result[tag] = (vr, _sequence(source, tag) if vr == b"SQ" else source.value(tag))
    character_set = source.value(0x00080005)
    if character_set:
        result[0x00080005] = (b"CS", character_set)
    return result


def _sequence(source: Source, tag: int) -> bytes:
    """Items of a sequence, where they are in the encoding of a DICOMDIR already; else none."""
    span = next((span for span in source.spans if span[0] == tag), None)
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

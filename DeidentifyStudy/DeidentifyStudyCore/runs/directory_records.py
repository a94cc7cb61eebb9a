"""Directory records of a DICOMDIR: which an object has, and the attributes that each must hold (PS3.3, F.5)."""

from typing import NamedTuple

__all__ = ["DUMMIES", "PATIENT", "ROOT_KINDS", "SERIES", "STUDY", "Attribute", "attributes_of", "kind_of"]


class Attribute(NamedTuple):
    """One attribute of a record; `kind` is its type: 1 always with a value, 2 perhaps without one, 3 where there is
    one."""

    tag: int
    vr: bytes
    kind: int


PATIENT = (Attribute(0x00100010, b"PN", 2), Attribute(0x00100020, b"LO", 1))
STUDY = (
    Attribute(0x00080020, b"DA", 1),
    Attribute(0x00080030, b"TM", 1),
    Attribute(0x00080050, b"SH", 2),
    Attribute(0x00081030, b"LO", 2),
    Attribute(0x0020000D, b"UI", 1),
    Attribute(0x00200010, b"SH", 1),
)
SERIES = (Attribute(0x00080060, b"CS", 1), Attribute(0x0020000E, b"UI", 1), Attribute(0x00200011, b"IS", 1))

DUMMIES = {
    b"DA": b"19000101",
    b"TM": b"000000",
    b"DT": b"19000101000000",
    b"IS": b"0",
    b"CS": b"REMOVED",
    b"SH": b"REMOVED",
    b"LO": b"REMOVED",
    b"US": bytes(2),
    b"UL": bytes(4),
}
"""Values of attributes of type 1 that the cleaned object has without a value, or not at all."""

_NUMBER = Attribute(0x00200013, b"IS", 1)
_CONTENT = (Attribute(0x00080023, b"DA", 1), Attribute(0x00080033, b"TM", 1))
_IDENTIFICATION = (Attribute(0x00700080, b"CS", 1), Attribute(0x00700081, b"LO", 2), Attribute(0x00700084, b"PN", 2))
_CONCEPT = Attribute(0x0040A043, b"SQ", 3)
_MANUFACTURER = Attribute(0x00080070, b"LO", 1)
_IDENTIFIED = (_NUMBER, *_CONTENT, *_IDENTIFICATION)

_ATTRIBUTES = {
    b"IMAGE": (_NUMBER,),
    b"RT DOSE": (_NUMBER, Attribute(0x3004000A, b"CS", 1)),
    b"RT STRUCTURE SET": (
        _NUMBER,
        Attribute(0x30060002, b"SH", 1),
        Attribute(0x30060008, b"DA", 2),
        Attribute(0x30060009, b"TM", 2),
    ),
    b"RT PLAN": (
        _NUMBER,
        Attribute(0x300A0002, b"SH", 1),
        Attribute(0x300A0006, b"DA", 2),
        Attribute(0x300A0007, b"TM", 2),
    ),
    b"RT TREAT RECORD": (_NUMBER, Attribute(0x30080250, b"DA", 2), Attribute(0x30080251, b"TM", 2)),
    b"PRESENTATION": (
        _NUMBER,
        *_IDENTIFICATION,
        Attribute(0x00700082, b"DA", 1),
        Attribute(0x00700083, b"TM", 1),
        Attribute(0x00081115, b"SQ", 3),
    ),
    b"WAVEFORM": (_NUMBER, *_CONTENT),
    b"SR DOCUMENT": (_NUMBER, *_CONTENT, Attribute(0x0040A491, b"CS", 1), Attribute(0x0040A493, b"CS", 1), _CONCEPT),
    b"KEY OBJECT DOC": (_NUMBER, *_CONTENT, _CONCEPT),
    b"SPECTROSCOPY": (
        _NUMBER,
        *_CONTENT,
        Attribute(0x00080008, b"CS", 1),
        Attribute(0x00280008, b"IS", 1),
        Attribute(0x00280010, b"US", 1),
        Attribute(0x00280011, b"US", 1),
        Attribute(0x00289001, b"UL", 1),
        Attribute(0x00289002, b"UL", 1),
        Attribute(0x00089092, b"SQ", 3),
    ),
    b"RAW DATA": (*_CONTENT, Attribute(0x00200013, b"IS", 2)),
    b"REGISTRATION": _IDENTIFIED,
    b"FIDUCIAL": _IDENTIFIED,
    b"VALUE MAP": _IDENTIFIED,
    b"SURFACE": _IDENTIFIED,
    b"TRACT": _IDENTIFIED,
    b"MEASUREMENT": (*_CONTENT, Attribute(0x00200013, b"IS", 2)),
    b"ENCAP DOC": (
        _NUMBER,
        Attribute(0x00080023, b"DA", 2),
        Attribute(0x00080033, b"TM", 2),
        Attribute(0x00420010, b"ST", 2),
        Attribute(0x00420012, b"LO", 1),
        Attribute(0x0040E001, b"ST", 3),
        Attribute(0x0040A043, b"SQ", 2),
    ),
    b"HANGING PROTOCOL": (
        Attribute(0x00720002, b"SH", 1),
        Attribute(0x00720004, b"LO", 1),
        Attribute(0x00720006, b"CS", 1),
        Attribute(0x00720008, b"LO", 1),
        Attribute(0x0072000A, b"DT", 1),
        Attribute(0x0072000C, b"SQ", 1),
        Attribute(0x0072000E, b"SQ", 2),
        Attribute(0x00720014, b"US", 1),
    ),
    b"PALETTE": (Attribute(0x00700080, b"CS", 1), Attribute(0x00700081, b"LO", 2)),
    b"IMPLANT": (
        _MANUFACTURER,
        Attribute(0x00221095, b"LO", 1),
        Attribute(0x00221097, b"LO", 1),
        Attribute(0x00686210, b"LO", 3),
    ),
    b"IMPLANT ASSY": (_MANUFACTURER, Attribute(0x00760001, b"LO", 1), Attribute(0x00760020, b"SQ", 1)),
    b"IMPLANT GROUP": (Attribute(0x00780001, b"LO", 1), Attribute(0x00780010, b"LO", 1)),
}
ROOT_KINDS = {
    "1.2.840.10008.5.1.4.38.1": b"HANGING PROTOCOL",
    "1.2.840.10008.5.1.4.39.1": b"PALETTE",
    "1.2.840.10008.5.1.4.43.1": b"IMPLANT",
    "1.2.840.10008.5.1.4.44.1": b"IMPLANT ASSY",
    "1.2.840.10008.5.1.4.45.1": b"IMPLANT GROUP",
}
"""Directory Record Types of objects without a study, by SOP class; of others there is none."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS = {
    "4.2": b"SPECTROSCOPY",
    "66": b"RAW DATA",
    "66.1": b"REGISTRATION",
    "66.2": b"FIDUCIAL",
    "66.3": b"REGISTRATION",
    "66.5": b"SURFACE",
    "66.6": b"TRACT",
    "67": b"VALUE MAP",
    "88.59": b"KEY OBJECT DOC",
    "481.2": b"RT DOSE",
    "481.3": b"RT STRUCTURE SET",
    "481.4": b"RT TREAT RECORD",
    "481.5": b"RT PLAN",
    "481.6": b"RT TREAT RECORD",
    "481.7": b"RT TREAT RECORD",
    "481.8": b"RT PLAN",
    "481.9": b"RT TREAT RECORD",
}
_PREFIXES = {
    "9.": b"WAVEFORM",
    "11.": b"PRESENTATION",
    "78.": b"MEASUREMENT",
    "88.": b"SR DOCUMENT",
    "104.": b"ENCAP DOC",
}


def kind_of(sop_class: str) -> bytes:
    """Directory Record Type of an object; images are all that have none of their own."""
    number = sop_class.removeprefix(_STORAGE)
    return _KINDS.get(number) or next(
        (kind for prefix, kind in _PREFIXES.items() if number.startswith(prefix)), b"IMAGE"
    )


def attributes_of(kind: bytes) -> tuple[Attribute, ...]:
    """Attributes of an object's record, by its type."""
    return _ATTRIBUTES[kind]

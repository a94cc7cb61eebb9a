"""CT images whose headers hold identifiers in every attribute, every VR, at every depth."""

import base64
import gzip
import json
import struct
from collections.abc import Callable, Iterator

import pydicom
from pydicom.datadict import DicomDictionary, RepeatersDictionary
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from DeidentifyStudyCore.dicom.standard import safe_private
from red_team.bases import add, image
from red_team.planting import Person, Plants, free_text, mentions

__all__ = ["header_objects"]

_TEXT = ("LO", "SH", "ST", "LT", "UT", "UC")
_LONG_TEXT = frozenset({"ST", "LT", "UT", "UC"})
_LENGTHS = {"SH": 16, "LO": 64, "CS": 16, "AE": 16}
_BYTES = ("OB", "OW", "OF", "OD", "OL", "OV", "UN")
_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
_STRUCTURAL = frozenset({
    0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060, 0x00280004, 0x00280008, 0x00280301,
    0x00080064,
    0x00287FE0, 0x00420010, 0x00420011, 0x00420012, 0x7FE00001, 0x7FE00002, 0x7FE00003, 0x00041220,
})  # fmt: skip
"""They turn the object into another kind, which must then go to quarantine."""

Object = tuple[str, Dataset, str]


def header_objects(plants: Plants, person: Person) -> Iterator[Object]:
    """Yield name, data set and transfer syntax."""
    yield "descriptions", _descriptions(plants, person), ExplicitVRLittleEndian
    yield "technical", _technical(plants, person), ImplicitVRLittleEndian
    for number, (name, vrs, value) in enumerate(_carpets(plants, person)):
        yield (
            f"carpet {name}",
            _carpet(image(plants, person), vrs, value),
            _SYNTAXES[number % 2 if vrs[-1] != "UN" else 0],
        )
    for number, mention in enumerate(mentions(plants, person)):
        yield f"mention {number}", _mentioned(plants, person, mention), _SYNTAXES[number % 4]
    for syntax in _SYNTAXES:
        yield "nested", _nested(plants, person), syntax
    yield "private", _private(plants, person), ExplicitVRLittleEndian
    yield "private", _private(plants, person), ImplicitVRLittleEndian
    yield "UN", _unknown(plants, person), ExplicitVRLittleEndian
    yield "numbers", _numbers(plants, person), ExplicitVRLittleEndian
    yield "numbers", _numbers(plants, person), ExplicitVRBigEndian
    yield "blobs", _blobs(plants, person), ExplicitVRLittleEndian
    yield "dates", _dates(plants, person), ExplicitVRLittleEndian


def _tags(vrs: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for tag, (vr, *_) in sorted(DicomDictionary.items()):
        if vr in vrs and 0x0008 <= tag >> 16 < 0x7FE0 and tag not in _STRUCTURAL:
            yield tag, vr
    for mask, (vr, *_) in sorted(RepeatersDictionary.items()):
        if vr in vrs and mask[:4] in {"50xx", "60xx", "0028", "0020", "1000", "1010", "7Fxx"}:
            tag = int(mask.replace("xx", "02").replace("x", "1"), 16)
            if not tag & 0x10000:
                yield tag, vr


def _carpet(dataset: Dataset, vrs: tuple[str, ...], value: Callable[[int, str], object]) -> Dataset:
    """Plant in every attribute of these VRs that the object does not have yet."""
    for tag, vr in _tags(vrs):
        if tag not in dataset:
            add(dataset, tag, vr, value(tag, vr))
    return dataset


def _carpets(plants: Plants, person: Person) -> Iterator[tuple[str, tuple[str, ...], Callable[[int, str], object]]]:
    word, number, pick = plants.word, plants.number, plants.random
    said = mentions(plants, person)
    birth, study = f"{person.birth:%Y%m%d}", f"{person.study:%Y%m%d}"

    def coined(tag: int, vr: str) -> str:
        return word(f"{tag:08x} {vr}", tag)[: _LENGTHS.get(vr)]

    def repeated(_: int, vr: str) -> str:
        return pick.choice(said).replace("\\", "/")[: _LENGTHS.get(vr)]

    def dated(_: int, vr: str) -> str:
        return {"DA": pick.choice((birth, study)), "DT": birth + "1011", "TM": "101112", "AS": "093Y"}[vr]

    def opaque(tag: int, vr: str) -> bytes:
        return (word(f"{tag:08x} {vr}", tag, 7)[:16]).encode().ljust(16)

    def opaque_repeated(*_: object) -> bytes:
        return pick.choice(said).encode(pick.choice(("utf-8", "utf-16-le"))).ljust(96)[:96]

    yield "coined text", _TEXT, coined
    yield "repeated text", _TEXT, repeated
    yield "paragraphs", ("ST", "LT", "UT"), lambda tag, _: free_text(plants, person, f"{tag:08x}", tag)
    yield "several values", ("LO", "SH"), lambda tag, vr: ["chest", coined(tag, vr), person.mrn, person.family[:16]]
    yield "coined terms", ("CS", "AE", "PN", "UR"), lambda tag, vr: coined(tag, vr).upper()
    yield "repeated terms", ("CS", "AE", "PN", "UR"), lambda tag, vr: repeated(tag, vr).upper()
    yield "coined numbers", ("IS", "DS"), lambda tag, vr: number(f"{tag:08x} {vr}", tag)
    yield "repeated numbers", ("IS", "DS"), lambda *_: pick.choice((person.mrn, birth, study, person.phone))
    yield (
        "UIDs",
        ("UI",),
        lambda tag, _: f"{person.root}.{study}.{tag & 0xFFFF}" if tag % 2 else f"1.2.{number(f'{tag:08x} UI')}.{birth}",
    )
    yield "dates", ("DA", "DT", "TM", "AS"), dated
    yield "no dates", ("DA", "DT", "TM", "AS"), lambda tag, vr: word(f"{tag:08x} {vr}", tag)
    yield "bytes", _BYTES, opaque
    yield "repeated bytes", _BYTES, opaque_repeated
    for vr, form in (("US", "H"), ("SS", "h"), ("UL", "I"), ("SL", "i"), ("UV", "Q"), ("SV", "q")):
        largest = 1 << 8 * struct.calcsize(form) - 1
        yield f"numbers in {vr}", (vr,), lambda *_, largest=largest: int(person.mrn) % largest
    yield "numbers in FL, FD", ("FL", "FD"), lambda *_: float(person.mrn)
    yield "tags", ("AT",), lambda *_: int(pick.choice((birth, study)), 16)
    yield (
        "numbers as text",
        ("US", "UL", "FL", "FD", "AT"),
        lambda _, vr: 0 if vr != "FD" else struct.unpack("<d", person.family.encode().ljust(8)[:8])[0],
    )


def _descriptions(plants: Plants, person: Person) -> Dataset:
    dataset = image(plants, person)
    for keyword in (
        "PatientComments", "AdditionalPatientHistory", "ImageComments", "AdmittingDiagnosesDescription", "Allergies",
        "DerivationDescription", "AcquisitionComments", "RequestedProcedureComments", "MedicalAlerts", "VisitComments",
    ):  # fmt: skip
        tag = pydicom.datadict.tag_for_keyword(keyword)
        add(
            dataset,
            tag,
            pydicom.datadict.dictionary_VR(tag),
            free_text(plants, person, keyword, tag).replace("\\", " "),
        )
    dataset.ProtocolName = f"CHEST^{person.family}{person.given}"
    dataset.SeriesDescription = f"{person.family[:4]} {person.family[4:]} chest"
    dataset.StudyDescription = f"{person.family.upper()}/{person.given} {person.birth:%d.%m.%Y} thorax"
    dataset.RequestedProcedureDescription = f"chest {person.family[0]}.{person.given[0]}. {person.accession}"
    return dataset


def _technical(plants: Plants, person: Person) -> Dataset:
    """Plant where names of software, kernels and terms stay."""
    dataset = image(plants, person)
    dataset.SoftwareVersions = [f"VB42 {person.family.upper()}", plants.number("SoftwareVersions", digits=8)]
    dataset.ConvolutionKernel = [f"B30f {person.given}", plants.word("ConvolutionKernel")]
    dataset.FilterType, dataset.BodyPartExamined = "_".join(person.family)[:16], person.family.upper()[:16]
    dataset.Manufacturer = f"SIEMENS {plants.word('Manufacturer')}"
    dataset.ManufacturerModelName = f"Somatom of {plants.word('ManufacturerModelName', 0x00081090)}"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", plants.word("ImageType").upper()[:16]]
    dataset.ScanOptions = [person.family.upper()[:16], plants.word("ScanOptions").upper()[:16]]
    dataset.SequenceName, dataset.StationName = "".join(reversed(person.family))[:16], person.mrn
    dataset.AcquisitionNumber, dataset.EchoNumbers = plants.number("AcquisitionNumber"), f"{person.birth:%Y%m%d}"
    dataset.TemporalPositionIdentifier = plants.number("TemporalPositionIdentifier")
    dataset.PositionReferenceIndicator = plants.word("PositionReferenceIndicator")
    return dataset


def _mentioned(plants: Plants, person: Person, mention: str) -> Dataset:
    """Plant one mention in places that stay, in text, and in opaque bytes."""
    dataset = image(plants, person)
    dataset.ImageComments = f"Nodule 8 mm in {mention} right upper lobe"
    dataset.SeriesDescription = mention.replace("\\", "/")[:64]
    dataset.ProtocolName = f"Thorax {mention}".replace("\\", "/")[:64]
    dataset.SoftwareVersions = mention.replace("\\", "/")[:64]
    add(dataset, 0x00080008, "CS", ["ORIGINAL", "PRIMARY", "AXIAL", mention.upper().replace("\\", "/")[:16]])
    dataset.AcquisitionContextSequence = []
    add(dataset, 0x00281201, "OW", (mention.encode("utf-8") + b"   ")[: 2 * (len(mention.encode()) // 2 + 1)])
    add(dataset, 0x00283006, "OW", (mention.encode("utf-16-le") + b"  "))
    return dataset


def _nested(plants: Plants, person: Person) -> Dataset:
    dataset = image(plants, person)
    level = dataset
    for depth, tag in enumerate((0x00400275, 0x00081140, 0x00089215, 0x00400555, 0x0040A730, 0x00081115, 0x30060010)):
        below = Dataset()
        below.PatientComments = free_text(plants, person, f"depth {depth}")
        below.PatientName, below.StudyDate = plants.word(f"depth {depth}"), f"{person.study:%Y%m%d}"
        below.StudyInstanceUID = f"{person.root}.1"
        below.add_new(0x00090010, "LO", f"ACME {plants.word('nested creator')}")
        below.add_new(0x00091010, "LO", plants.word("nested private"))
        add(level, tag, "SQ", [below])
        level = below
    return dataset


def _private(plants: Plants, person: Person) -> Dataset:
    dataset = image(plants, person)
    blocks: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for creator, elements in safe_private().items():
        for key, vr in elements.items():
            blocks.setdefault((int(key[:4], 16), creator), []).append((int(key[4:], 16), vr))
    used: dict[int, int] = {}
    for (group, creator), elements in sorted(blocks.items()):
        block = used[group] = used.get(group, 0x0F) + 1
        dataset.add_new(group << 16 | block, "LO", creator)
        for element, vr in elements:
            value = _private_value(plants, person, f"safe private {creator} {group:04x},xx{element:02x}", vr)
            if value is not None:
                add(dataset, group << 16 | block << 8 | element, vr, value)
        add(dataset, group << 16 | block << 8 | 0xFE, "LO", plants.word(f"unlisted element of {creator}"))
    dataset.add_new(0x00290080, "LO", f"SIEMENS CSA HEADER {plants.word('creator')}")
    csa = b"SV10\4\3\2\1" + struct.pack("<II", 2, 77) + plants.word("CSA").encode().ljust(64, b"\0")
    add(dataset, 0x00298010, "OB", csa + person.family.encode("utf-16-le"))
    dataset.add_new(0x00330010, "LO", plants.word("private creator"))
    add(dataset, 0x00331001, "PN", plants.word("private PN"))
    add(dataset, 0x00331002, "UN", plants.word("private UN").encode() + b" ")
    add(dataset, 0x00331003, "UN", _implicit_item(plants))
    add(dataset, 0x00335501, "LO", plants.word("private without creator"))
    dataset.add_new(0x00350010, "LO", "SIEMENS MED ")
    add(dataset, 0x00351001, "SH", plants.word("creator spelled nearly right", longest=16))
    add(dataset, 0x7FE10010, "LO", plants.word("creator after the pixels"))
    add(dataset, 0x7FE11001, "OB", plants.word("private after the pixels").encode() + b" ")
    return dataset


def _private_value(plants: Plants, person: Person, place: str, vr: str) -> object:
    if vr in {"LO", "SH", "ST", "LT", "CS"}:
        return plants.word(place)[:16].upper() if vr == "CS" else plants.word(place)[:16]
    if vr in {"OB", "OW", "UN"}:
        return plants.word(place).encode().ljust(10)
    if vr in {"IS", "DS"}:
        return plants.number(place)
    if vr == "UI":
        return f"{person.root}.1"
    if vr in {"UL", "SL"}:
        return int(person.mrn)
    if vr == "SQ":
        inner = Dataset()
        inner.PatientName, inner.PatientComments = plants.word(place), plants.word(place)
        inner.add_new(0x00110010, "LO", plants.word(place))
        inner.add_new(0x00111001, "LO", plants.word(place))
        return [inner]
    return None


def _implicit_item(plants: Plants) -> bytes:
    """Encode an item as the content of UN has it: implicit VR little endian."""
    body = b""
    for tag, text in ((0x00100010, plants.word("name in UN")), (0x00104000, plants.word("comment in UN"))):
        value = text.encode() + b" " * (len(text) % 2)
        body += struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body


def _unknown(plants: Plants, person: Person) -> Dataset:
    dataset = image(plants, person)
    add(dataset, 0x00400275, "UN", _implicit_item(plants))
    add(dataset, 0x00104000, "UN", free_text(plants, person, "comments as UN").encode())
    add(dataset, 0x00181030, "UN", b"Chest " + plants.word("protocol as UN").encode() + b" ")
    add(dataset, 0x00200052, "UN", f"{person.root}.7".encode())
    add(dataset, 0x00080022, "UN", f"{person.study:%Y%m%d}".encode())
    add(dataset, 0x0018FF01, "LO", plants.word("unknown even element"))
    add(dataset, 0x0018FF02, "SQ", [_described(plants)])
    add(dataset, 0x00040010, "LO", plants.word("group 4"))
    add(dataset, 0x00041130, "CS", plants.word("file-set ID")[:16].upper())
    add(dataset, 0x00080000, "UL", 42)
    add(dataset, 0x00180000, "LO", plants.word("group length as text"))
    add(dataset, 0x00100000, "OB", plants.word("group length as bytes").encode() + b" ")
    add(dataset, 0xFFFCFFFC, "OB", plants.word("padding").encode() + b" ")
    add(dataset, 0x00081140, "LO", plants.word("a sequence as text"))
    add(dataset, 0x00280010 + 0x22, "LO", plants.word("text where a number belongs"))
    add(dataset, 0x00180060, "LO", plants.word("KVP as LO"))
    add(dataset, 0x00181150, "UT", plants.word("ExposureTime as UT"))
    add(dataset, 0x00187001, "UC", plants.word("DetectorConditionsNominalFlag as UC"))
    return dataset


def _described(plants: Plants) -> Dataset:
    inner = Dataset()
    inner.PatientComments = plants.word("in a sequence that nobody knows")
    return inner


def _numbers(plants: Plants, person: Person) -> Dataset:
    """Plant the patient's numbers in every kind of number, and digits in parts of one."""
    dataset = image(plants, person)
    number, birth = person.mrn, f"{person.birth:%Y%m%d}"
    for tag, vr, value in (
        (0x00201208, "IS", number), (0x00181152, "IS", [1, int(number)]), (0x00180089, "IS", birth),
        (0x00180087, "DS", f"{number}.0"), (0x00181314, "DS", f"{int(number) / 1e7:.7f}E7"[:16]),
        (0x00181170, "IS", f"+{number}"), (0x00180093, "DS", f"-{number}"), (0x00180094, "DS", f" {number} "),
        (0x00289001, "UL", int(number)), (0x00289002, "UL", [1, int(number)]), (0x00186020, "SL", int(number)),
        (0x00189073, "FD", float(number)), (0x00189087, "FD", [0.5, float(birth)]), (0x00189104, "FD",
        float(person.phone)),
        (0x00186026, "FD", float(number)), (0x00280009, "AT", [0x00181063, int(birth, 16)]),
        (0x00182042, "US", [int(number) >> 16, int(number) & 0xFFFF]),
    ):  # fmt: skip
        add(dataset, tag, vr, value)
    return dataset


def _blobs(plants: Plants, person: Person) -> Dataset:
    """Plant text in wrappings: base64, hex, UTF-16, XML, JSON, URLs, and compressed."""
    dataset = image(plants, person)
    text = free_text(plants, person, "blob")
    document = f'<?xml version="1.0"?><p id="{person.mrn}"><n>{person.family}</n><c>{plants.word("XML")}</c></p>'
    record = json.dumps({"name": person.name, "id": person.mrn, "note": plants.word("JSON")})
    add(dataset, 0x0040A160, "UT", document)
    dataset.ImageComments = record
    dataset.AdditionalPatientHistory = base64.b64encode(text.encode()).decode()[:900]
    dataset.RequestedProcedureComments = text.encode().hex()[:900]
    dataset.DerivationDescription = (
        f"https://{plants.word('URL').lower()}.example/p?id={person.mrn}&name={person.family}"
    )
    add(dataset, 0x00281201, "OW", base64.b64encode(f"{person.family}^{person.given} {person.mrn}".encode())[:48])
    add(dataset, 0x00281202, "OW", f"{person.family}{person.mrn}".encode().hex().encode())
    add(dataset, 0x00281203, "OW", f"{person.family} {person.mrn}".encode("utf-16-be"))
    add(dataset, 0x00283006, "US", list(struct.unpack("<8H", person.family.encode().ljust(16)[:16])))
    block = dataset.private_block(0x0071, "VENDOR", create=True)
    block.add_new(1, "OB", gzip.compress(text.encode(), mtime=0).ljust(2000, b"\0"))
    block.add_new(2, "UT", base64.b64encode(document.encode()).decode())
    return dataset


def _dates(plants: Plants, person: Person) -> Dataset:
    """Plant dates in forms that are not those of their VR, and the birth date under other names."""
    dataset = image(plants, person)
    birth, study = person.birth, person.study
    dataset.StudyDate, dataset.SeriesDate = f"{study:%Y.%m.%d}", f"{study:%d.%m.%Y}"
    dataset.AcquisitionDate, dataset.ContentDate = f"{birth:%Y%m%d}", f"{study:%Y%m%d}-{birth:%Y%m%d}"
    dataset.InstanceCreationDate = f"{study:%Y-%m-%d}"
    dataset.AcquisitionDateTime = f"{birth:%Y%m%d}"
    dataset.PatientBirthDate = f"{birth:%Y.%m.%d}"
    dataset.PatientBirthTime = f"{birth:%d%m%y}"
    dataset.StudyTime, dataset.SeriesTime = f"{birth:%Y%m%d}", f"{birth:%d%m%Y}.{person.mrn[:6]}"
    dataset.TimezoneOffsetFromUTC = plants.word("time zone", longest=16)
    dataset.PatientAge = "104Y"
    dataset.DateOfLastCalibration = [f"{study:%Y%m%d}", f"{birth:%Y%m%d}"]
    dataset.ScheduledProcedureStepStartDateTime = f"{study:%Y%m%d}101112.000000+0100"
    return dataset

"""Identifiers planted wherever a DICOM file can hold one: none may come out, and nearly every object must."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from DeidentifyStudyCore.dicom.charset import search_forms
from DeidentifyStudyCore.profile import parse_profile, shipped_profiles

# made-up words that no vocabulary and no value of the standard holds
SECRETS = [
    *("Zyxwarth", "Quillon", "7391846", "ACC5550123", "5550123", "Vandermeersch", "Odile", "19570312", "1957-03-12"),
    *("12.03.1957", "Grobnitzweg", "Pfefferling", "Wexhallow", "555-0134-998", "qzw@example.org", "KLINIKUMXQ"),
    *("SN99XK4417", "1.2.826.0.1.3680043.2.1143", "Tschernobrod", "Mxyzptl", "00049-771-5512", "PROTX77123"),
    *("山田", "太郎", "やまだ", "김희중", "王小东", "Äneasuß", "Люкceмбyрг"),
]
DATES = ["20240229", "2024-02-29", "29.02.2024", "Feb 29, 2024"]
EVERYTHING = (
    "Zyxwarth, Quillon MRN-7391846 born 12.03.1957 Grobnitzweg 12 phone 555-0134-998 qzw@example.org ACC5550123"
)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def every_attribute(make: Callable[..., Dataset], vr: str, value: object) -> Dataset:
    """An object in which every standard attribute of a VR holds a secret."""
    dataset = make()
    for tag, entry in DicomDictionary.items():
        group = tag >> 16
        if entry[0] != vr or tag in dataset or group < 8 or group in {0x7FE0, 0xFFFE} or tag == 0x00080005:
            continue
        if tag in {0x00420010, 0x00420012, 0x00287FE0, 0x00080064}:  # they turn the object into another kind
            continue
        dataset.add_new(tag, vr, value)
    return dataset


def nested(make: Callable[..., Dataset]) -> Dataset:
    dataset = make()
    inner = Dataset()
    inner.PersonName = "Zyxwarth^Quillon"
    inner.TextValue = EVERYTHING
    inner.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.2.1143.99.1"
    for tag in (0x00081140, 0x00082112, 0x00089215, 0x00400555, 0x00081032, 0x0040A730, 0x00180012, 0x00101002):
        level = inner
        for _ in range(4):
            outer = Dataset()
            outer.PatientComments = EVERYTHING
            outer.add_new(tag, "SQ", Sequence([level]))
            level = outer
        dataset.add_new(tag, "SQ", Sequence([level]))
    return dataset


def structured_report(make: Callable[..., Dataset]) -> Dataset:
    dataset = make("1.2.840.10008.5.1.4.1.1.88.33", Modality="SR", ContentDate="20240229", ContentTime="101112")
    del dataset.PixelData
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [code("121060", "DCM", "History")]
    dataset.VerificationFlag, dataset.CompletionFlag = "VERIFIED", "COMPLETE"
    observer = Dataset()
    observer.VerifyingObserverName, observer.VerifyingOrganization = "Vandermeersch^Odile", "KLINIKUMXQ"
    observer.VerificationDateTime = "20240229101112"
    observer.VerifyingObserverIdentificationCodeSequence = [code("4711815", "99XQ", "Vandermeersch")]
    dataset.VerifyingObserverSequence = [observer]
    items = []
    for kind, tag, value, concept in (
        ("TEXT", "TextValue", EVERYTHING + " liver lesion 12 mm", ("121071", "DCM", "Finding")),
        ("PNAME", "PersonName", "Zyxwarth^Quillon", ("121008", "DCM", "Person Observer Name")),
        ("TEXT", "TextValue", "MRN-7391846", ("121030", "DCM", "Subject ID")),
        ("DATE", "Date", "19570312", ("121031", "DCM", "Subject Birth Date")),
        ("UIDREF", "UID", "1.2.826.0.1.3680043.2.1143.3", ("112040", "DCM", "Tracking Unique Identifier")),
        ("TEXT", "TextValue", "room of Wexhallow", ("X1", "99XQ", "Pfefferling asked on Feb 29, 2024")),
    ):
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", kind
        item.ConceptNameCodeSequence = [code(*concept)]
        setattr(item, tag, value)
        items.append(item)
    number = Dataset()
    number.RelationshipType, number.ValueType = "CONTAINS", "NUM"
    number.ConceptNameCodeSequence = [code("410668003", "SCT", "Length")]
    measured = Dataset()
    measured.NumericValue = "12.5"
    measured.MeasurementUnitsCodeSequence = [code("mm", "UCUM", "mm")]
    number.MeasuredValueSequence = [measured]
    number.ContentSequence = [items[0]]
    dataset.ContentSequence = [*items, number]
    return dataset


def presentation_state(make: Callable[..., Dataset]) -> Dataset:
    dataset = make("1.2.840.10008.5.1.4.1.1.11.1", Modality="PR")
    del dataset.PixelData
    dataset.ContentLabel, dataset.ContentDescription = "ZYXWARTH", "for Dr. Vandermeersch"
    dataset.ContentCreatorName, dataset.PresentationCreationDate = "Vandermeersch^Odile", "20240229"
    graphic, text = Dataset(), Dataset()
    text.UnformattedTextValue = EVERYTHING
    graphic.TextObjectSequence, graphic.GraphicLayer = [text], "WEXHALLOW"
    dataset.GraphicAnnotationSequence = [graphic]
    return dataset


def document(make: Callable[..., Dataset], sop_class: str, mime: str, content: bytes) -> Dataset:
    dataset = make(sop_class, Modality="DOC", DocumentTitle=EVERYTHING, BurnedInAnnotation="YES")
    del dataset.PixelData
    dataset.MIMETypeOfEncapsulatedDocument = mime
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return dataset


def charset(make: Callable[..., Dataset], term: str | list[str], name: str) -> Dataset:
    dataset = make(SpecificCharacterSet=term)
    dataset.PatientName = name
    dataset.PatientComments = name.replace("^", " ").replace("=", " ")
    dataset.ImageComments = "liver " + name.replace("^", " ").replace("=", " ")
    dataset.StudyDescription = name.split("=")[0].replace("^", " ")
    return dataset


def private(make: Callable[..., Dataset]) -> Dataset:
    dataset = make()
    for creator, group in (
        ("GEMS_ACQU_01", 0x0019),
        ("SIEMENS CSA HEADER", 0x0029),
        ("Philips Imaging DD 001", 0x2001),
    ):
        block = dataset.private_block(group, creator, create=True)
        block.add_new(0x23, "DS", "12.5")
        block.add_new(0x9E, "LO", EVERYTHING)
        block.add_new(0x10, "OB", b"\0\1Zyxwarth^Quillon\0\0")
        block.add_new(0x11, "UI", "1.2.826.0.1.3680043.2.1143.3")
        block.add_new(0x12, "PN", "Zyxwarth^Quillon")
        block.add_new(0x13, "SQ", Sequence([make()]))
        block.add_new(0x14, "UN", b"Quillon 19570312")
    dataset.add_new(0x00990001, "LO", "Zyxwarth")
    dataset.add_new(0x00091001, "LO", "Zyxwarth")
    return dataset


def overlays(make: Callable[..., Dataset]) -> Dataset:
    dataset = make()
    dataset.add_new(0x60000010, "US", 4)
    dataset.add_new(0x60000011, "US", 6)
    dataset.add_new(0x60000022, "LO", "Zyxwarth")
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", b"Quillon!")
    dataset.add_new(0x60004000, "LT", EVERYTHING)
    dataset.add_new(0x60020102, "US", 15)
    dataset.add_new(0x60020100, "US", 16)
    dataset.add_new(0x60021500, "LO", "Wexhallow")
    dataset.add_new(0x50000022, "LO", "Zyxwarth")
    dataset.add_new(0x50003000, "OW", b"Quillon!")
    icon = Dataset()
    icon.Rows = icon.Columns = 8
    icon.add_new(0x7FE00010, "OW", b"Quillon!" * 8)
    dataset.IconImageSequence = [icon]
    return dataset


def jpeg(make: Callable[..., Dataset], frame: bytes) -> Dataset:
    dataset = make()
    dataset.add_new(0x7FE00010, "OB", encapsulate([frame]))
    dataset["PixelData"].is_undefined_length = True
    return dataset


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


JPEG_FRAME = (
    b"\xff\xd8"
    + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    + segment(0xE1, b"Exif\0\0Zyxwarth Quillon 1957-03-12")
    + segment(0xFE, b"MRN-7391846 Pfefferling")
    + segment(0xED, b"Photoshop 3.0\0Wexhallow")
    + segment(0xDA, b"\1\1\0\0\x3f\0")
    + b"\x12\x34\xff\x00\x56"
    + segment(0xFE, b"Vandermeersch")
    + b"\xff\xd9Odile after the end"
)
J2K_FRAME = (
    b"\xff\x4f"
    + segment(0x51, b"\0" * 36)
    + segment(0x64, b"\0\1Zyxwarth MRN-7391846")
    + segment(0x90, struct.pack(">HIBB", 0, 12 + 4 + 9 + 2 + 6, 0, 1))
    + segment(0x64, b"\0\1Quillon")
    + b"\xff\x93"
    + b"abcdef"
    + b"\xff\xd9Wexhallow"
)


def numbers(make: Callable[..., Dataset]) -> Dataset:
    dataset = make(Occupation="7391846")
    dataset.add_new(0x00201208, "IS", "7391846")
    dataset.add_new(0x00181152, "IS", "7391846")
    dataset.add_new(0x00180089, "IS", "19570312")
    dataset.add_new(0x00189073, "FD", 1.5)
    dataset.add_new(0x00082124, "IS", "5550123")
    dataset.add_new(0x00289001, "UL", 7391846)
    dataset.add_new(0x00180087, "DS", "7391846")
    return dataset


def objects(make: Callable[..., Dataset], encode: Callable[..., bytes]) -> dict[str, bytes]:
    """Every object by the name of its file; names of files are secret too."""
    built: list[bytes] = []
    numbered = 0

    def add(dataset: Dataset, syntax: str | None = None) -> None:
        nonlocal numbered
        numbered += 1
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.2.1143.99.{numbered}"
        dataset.InstitutionName, dataset.DeviceSerialNumber = "KLINIKUMXQ", "SN99XK4417"
        dataset.PatientAddress, dataset.OperatorsName = "Grobnitzweg 12, Tschernobrod", "Pfefferling^Mxyzptl"
        dataset.OtherPatientIDs, dataset.PatientTelephoneNumbers = "PROTX77123", ["555-0134-998", "00049-771-5512"]
        built.append(encode(dataset, syntax) if syntax else encode(dataset))

    for vr in ("LO", "SH", "LT", "ST", "UT", "UC"):
        value = {"SH": "Zyxwarth 7391846"}.get(vr, EVERYTHING[: 64 if vr == "LO" else None])
        add(every_attribute(make, vr, value))
    add(every_attribute(make, "PN", "Zyxwarth^Quillon"))
    add(every_attribute(make, "UI", "1.2.826.0.1.3680043.2.1143.7391846"))
    add(every_attribute(make, "AE", "WEXHALLOW"))
    add(every_attribute(make, "UR", "https://pacs.klinikumxq.example/7391846"))
    add(every_attribute(make, "DA", "19570312"))
    add(every_attribute(make, "CS", "ZYXWARTH"))
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        add(nested(make), syntax)
        add(every_attribute(make, "LO", "Quillon Zyxwarth"), syntax)
    add(nested(make))
    add(structured_report(make))
    add(structured_report(make), ImplicitVRLittleEndian)
    add(presentation_state(make))
    add(document(make, "1.2.840.10008.5.1.4.1.1.104.1", "application/pdf", b"%PDF-1.4 Zyxwarth Quillon 7391846 %%EOF"))
    add(document(make, "1.2.840.10008.5.1.4.1.1.104.2", "text/xml", b"<ClinicalDocument>Zyxwarth</ClinicalDocument>"))
    add(charset(make, "ISO_IR 100", "Äneasuß^Quillon"))
    add(charset(make, "ISO_IR 144", "Люкceмбyрг^Quillon"))
    add(charset(make, ["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"))
    add(charset(make, ["", "ISO 2022 IR 149"], "Hong^Gildong=김희중^김희중"))
    add(charset(make, "GB18030", "Wang^XiaoDong=王^小东"))
    add(charset(make, "ISO_IR 192", "Wang^XiaoDong=王小东"))
    add(private(make))
    add(private(make), ImplicitVRLittleEndian)
    add(overlays(make))
    add(jpeg(make, JPEG_FRAME), JPEGBaseline8Bit)
    add(jpeg(make, J2K_FRAME), JPEG2000Lossless)
    add(numbers(make))
    unknown = make(SoftwareVersions=["VB17 Zyxwarth", "syngo 12.03.1957"], ConvolutionKernel="B30f Quillon")
    unknown.add_new(0x00111011, "LO", "Zyxwarth")
    unknown.add_new(0x00082FFF, "LO", "Quillon Zyxwarth")
    unknown.add_new(0x00FE0010, "UN", b"Zyxwarth")
    unknown.add_new(0x00104000, "UN", EVERYTHING.encode())
    unknown.add_new(0x00324000, "LT", EVERYTHING)
    add(unknown)
    ids = make(ProtocolName="AX T1 qzw@example.org", SeriesDescription="Zyxwarth_Quillon liver ARTERIAL phase")
    ids.StudyDescription = "QUILLON ZYXWARTH, 12 Mar 1957, Feb 29, 2024; CT abdomen with contrast"
    ids.BodyPartExamined, ids.PatientComments = "ABDOMEN", "ZyxwarthQuillon zyxwarth's"
    add(ids)
    for body in (b"Zyxwarth Quillon slack 7391846 " * 8, bytes(64)):
        add(make())
        built[-1] += body
    add(make())
    built[-1] = b"Zyxwarth Quillon 7391846".ljust(128, b"\0") + built[-1][128:]
    padded = make()
    padded.PixelData = bytes(range(48)) + b"Zyxwarth"
    padded.add_new(0xFFFCFFFC, "OB", b"Quillon!")
    add(padded)
    return {f"Zyxwarth_Quillon/7391846/IM{index}": content for index, content in enumerate(built)}


def written(destination: Path) -> dict[str, bytes]:
    return {p.relative_to(destination).as_posix(): p.read_bytes() for p in destination.rglob("*") if p.is_file()}


def searchable(content: bytes) -> bytes:
    """The file, and for a deflated one its data set as well."""
    marker = content.find(b"1.2.840.10008.1.2.1.99")
    if marker < 0:
        return content
    length = struct.unpack_from("<I", content, 140)[0]
    return content + zlib.decompressobj(-15).decompress(content[144 + length :])


def forms(secret: str) -> set[bytes]:
    found = search_forms(secret) | {secret.lower().encode(), secret.upper().encode(), secret.encode("utf-8")}
    for codec in ("iso2022_jp", "iso2022_kr"):
        try:
            found.add(secret.encode(codec).split(b"\x1b(B")[0].lstrip(b"\x1b$BC)\x0e").rstrip(b"\x0f"))
        except UnicodeEncodeError:
            continue
    return {form for form in found if len(form) >= 4}


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_no_planted_identifier_comes_out(name, make_dataset, encode, deidentify, tmp_path):
    files = objects(make_dataset, encode)
    profile = shipped_profiles()[name]
    content = profile.as_json() | {"key": "file"}
    outcome, destination = deidentify(files, parse_profile(json.dumps(content), "test"))
    outputs = written(destination)
    secrets = list(SECRETS)
    if "retain_longitudinal_full_dates" not in profile.options:
        secrets += DATES
    if "retain_institution_identity" in profile.options:
        secrets.remove("KLINIKUMXQ")
    if "retain_device_identity" in profile.options:
        secrets.remove("SN99XK4417")
    leaks = [
        (secret, path)
        for path, raw in outputs.items()
        for secret in secrets
        for form in forms(secret)
        if form in searchable(raw) or form.decode("latin-1") in path
    ]
    assert leaks == []
    refused = [result for result in outcome.files if result.reason]
    assert {result.reason for result in refused} <= {"encapsulated-document"}
    if profile.encapsulated_documents == "replace":
        assert len(outputs) / len(files) >= 0.94
    assert len(outputs) + len(refused) == len(files)
    for path in outputs:
        pydicom.dcmread(destination / path)

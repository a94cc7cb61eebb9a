"""Objects before anything special is planted: a patient, a technique, pixels; and their encoding as files."""

from collections.abc import Callable
from io import BytesIO

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from red_team.planting import Person, Plants

__all__ = ["CT", "add", "code", "encoded", "image", "instance", "item", "pixels"]

CT = "1.2.840.10008.5.1.4.1.1.2"


_ASCII_VRS = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"])


def _raw(value: object) -> object:
    return value.encode().decode("latin-1") if isinstance(value, str) else value  # pydicom encodes these as Latin-1


def item(**attributes: object) -> Dataset:
    """Make a data set of the given attributes."""
    result = Dataset()
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Make the item of a code sequence."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def add(dataset: Dataset, tag: int, vr: str, value: object) -> None:
    """Set an element without any check of its value; text that its VR does not allow is written as UTF-8."""
    if vr in _ASCII_VRS:
        value = [_raw(part) for part in value] if isinstance(value, list) else _raw(value)
    dataset.add(DataElement(tag, vr, value, validation_mode=0))


def instance(plants: Plants, person: Person, sop_class: str = CT, modality: str = "CT", series: int = 1) -> Dataset:
    """Make a valid object of a patient, with identifiers where scanners write them."""
    date = f"{person.study:%Y%m%d}"
    return item(
        SpecificCharacterSet=person.charset, SOPClassUID=sop_class, SOPInstanceUID=person.uid(),
        StudyInstanceUID=f"{person.root}.1", SeriesInstanceUID=f"{person.root}.2.{series}",
        FrameOfReferenceUID=f"{person.root}.7", PatientName=person.name, PatientID=f"MRN-{person.mrn}",
        PatientBirthDate=f"{person.birth:%Y%m%d}", PatientSex="O", PatientAge="093Y", AccessionNumber=person.accession,
        StudyDate=date, SeriesDate=date, ContentDate=date, AcquisitionDate=date, StudyTime="091533.123",
        ContentTime="091533.123", AcquisitionDateTime=f"{date}091533.123456+0100", Modality=modality,
        Manufacturer="SIEMENS", ManufacturerModelName="SOMATOM Definition AS+", SoftwareVersions="syngo CT 2012B",
        DeviceSerialNumber=plants.number("device serial", 0x00181000), PatientTelephoneNumbers=person.phone,
        PatientAddress=f"{person.city} 12", PatientTelecomInformation=person.mail,
        StationName=plants.word("station", 0x00081010, longest=16),
        InstitutionName=f"{plants.word('institution', 0x00080080)} Hospital",
        InstitutionAddress=f"{plants.word('street', 0x00080081)} Avenue, {plants.word('city', 0x00080081)}",
        ReferringPhysicianName=f"{plants.word('referring')}^{plants.word('referring')}^^Dr",
        PerformingPhysicianName=[f"{plants.word('performing')}^A", f"{plants.word('performing')}^B"],
        OperatorsName=f"{plants.word('operator')}, {plants.word('operator')} RT",
        SeriesNumber=series, InstanceNumber=person.objects, StudyID=plants.number("study ID", digits=9),
    )  # fmt: skip


def pixels(dataset: Dataset, plants: Plants, rows: int = 16, columns: int = 16, bits: int = 16) -> None:
    """Give an object an image."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns, dataset.PixelRepresentation = rows, columns, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.add_new(0x7FE00010, "OW" if bits == 16 else "OB", plants.random.randbytes(rows * columns * bits // 8))


def image(plants: Plants, person: Person, series: int = 1) -> Dataset:
    """Make a CT image."""
    dataset = instance(plants, person, series=series)
    pixels(dataset, plants)
    for keyword, value in {
        "KVP": "120", "XRayTubeCurrent": "220", "SliceThickness": "0.625", "ImageType": ["ORIGINAL", "PRIMARY",
        "AXIAL"],
        "ImagePositionPatient": [-1.5, 2, 3.25], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0.7,
        0.7],
        "RescaleIntercept": "-1024", "RescaleSlope": "1", "RescaleType": "HU", "ConvolutionKernel": "B30f",
        "BodyPartExamined": "CHEST", "PatientPosition": "HFS", "ProtocolName": "Thorax Routine", "AcquisitionNumber": 1,
        "SeriesDescription": "Chest 1.0 B30f", "WindowCenter": ["40", "-600"], "WindowWidth": ["400", "1600"],
        "GantryDetectorTilt": "0", "PositionReferenceIndicator": "", "TableHeight": "155.2", "ExposureTime": "500",
        "Exposure": "110", "FilterType": "FLAT",
    }.items():  # fmt: skip
        setattr(dataset, keyword, value)
    return dataset


def encoded(
    dataset: Dataset,
    plants: Plants,
    syntax: str = ExplicitVRLittleEndian,
    patch: Callable[[bytes], bytes] = lambda content: content,
) -> bytes:
    """Encode an object as a file whose preamble and file meta information identify as well."""
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # pydicom counts
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = f"1.2.3.{plants.number('file meta 0002,0012')}"
    meta.ImplementationVersionName = plants.word("file meta 0002,0013", longest=16)
    for element in (0x0016, 0x0017, 0x0018):
        meta.add_new(0x00020000 | element, "AE", plants.word(f"file meta 0002,{element:04x}", longest=16))
    meta.add_new(0x00020026, "UR", "http://" + plants.word("file meta 0002,0026"))
    meta.PrivateInformationCreatorUID = f"1.2.3.{plants.number('file meta 0002,0100')}"
    meta.PrivateInformation = plants.word("file meta 0002,0102").encode() + b" "
    dataset.file_meta = meta
    text = plants.word("preamble").encode() + b" " + plants.word("preamble").encode("utf-16-le")
    dataset.preamble = text.ljust(128, b"\0")
    stream = BytesIO()
    pydicom.dcmwrite(
        stream, dataset, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian
    )
    return patch(stream.getvalue())

"""Objects that are no plain images: reports, presentation states, documents, waveforms, plans, segmentations."""

import struct
from collections.abc import Iterator
from io import BytesIO

from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from red_team.bases import CT, add, code, image, instance, item, pixels
from red_team.planting import Person, Plants, free_text

__all__ = ["document_objects"]

_SOP = "1.2.840.10008.5.1.4.1.1."
_ITEM = b"\xfe\xff\x00\xe0"


def document_objects(plants: Plants, person: Person) -> Iterator[tuple[str, Dataset, str]]:
    """Yield name, data set and transfer syntax."""
    yield "comprehensive SR", _report(plants, person, "88.33", "SR"), ExplicitVRLittleEndian
    yield "basic SR", _report(plants, person, "88.11", "SR"), ImplicitVRLittleEndian
    yield "key object selection", _report(plants, person, "88.59", "KO"), ExplicitVRLittleEndian
    yield "presentation state", _presentation_state(plants, person), ExplicitVRLittleEndian
    yield "structured display", _structured_display(plants, person), ExplicitVRLittleEndian
    for name, sop_class, mime, content in (
        ("PDF", "104.1", "application/pdf", b"%PDF-1.4 " + free_text(plants, person, "PDF").encode()),
        (
            "CDA",
            "104.2",
            "text/XML",
            f"<ClinicalDocument>{free_text(plants, person, 'CDA')}</ClinicalDocument>".encode(),
        ),
        ("STL", "104.3", "model/stl", plants.word("STL").encode().ljust(80) + struct.pack("<I", 1) + bytes(50)),
    ):
        yield name, _document(plants, person, sop_class, mime, content), ExplicitVRLittleEndian
    yield "overlays", _overlays(plants, person), ExplicitVRLittleEndian
    yield "JPEG", _compressed(plants, person, _jpeg(plants)), JPEGBaseline8Bit
    yield "JPEG 2000", _compressed(plants, person, _jpeg_2000(plants)), JPEG2000Lossless
    yield "RLE", _compressed(plants, person, _rle(plants)), RLELossless
    yield "fragments", _fragments(plants, person), JPEGBaseline8Bit
    yield "waveform", _waveform(plants, person), ExplicitVRLittleEndian
    yield "structure set", _structure_set(plants, person), ExplicitVRLittleEndian
    yield "plan", _plan(plants, person), ImplicitVRLittleEndian
    yield "segmentation", _segmentation(plants, person), ExplicitVRLittleEndian
    yield "enhanced MR", _enhanced(plants, person), ExplicitVRLittleEndian
    yield "PET", _pet(plants, person), ExplicitVRLittleEndian


def _content(relation: str, kind: str, concept: Dataset, **values: object) -> Dataset:
    return item(RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=[concept], **values)


def _report(plants: Plants, person: Person, sop_class: str, modality: str) -> Dataset:
    word, number = plants.word, plants.number
    dataset = instance(plants, person, _SOP + sop_class, modality, 2)
    dataset.VerificationFlag, dataset.CompletionFlag = "VERIFIED", "COMPLETE"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [code("126000", "DCM", "Imaging Measurement Report")]
    dataset.VerifyingObserverSequence = [
        item(
            VerifyingOrganization=word("verifying organization"), VerificationDateTime=f"{person.study:%Y%m%d}10",
            VerifyingObserverName=word("verifying observer"),
            VerifyingObserverIdentificationCodeSequence=[code(number("observer ID"), "99H", word("observer code"))],
        )
    ]  # fmt: skip
    finding, date = code("121071", "DCM", "Finding"), f"{person.study:%Y%m%d}"

    def measured(value: str) -> list[Dataset]:
        return [item(NumericValue=value, MeasurementUnitsCodeSequence=[code("mm", "UCUM", "millimeter")])]

    length = _content("CONTAINS", "NUM", code("410668003", "SCT", "Length"), MeasuredValueSequence=measured("12.5"))
    length.NumericValueQualifierCodeSequence = [code("X", "99LOC", word("qualifier"))]
    length.ContentSequence = [
        _content("HAS PROPERTIES", "TEXT", code("L1", "99PRIV", word("private concept")), TextValue=word("nested text"))
    ]
    referenced = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=f"{person.root}.9")
    private_code = code("P1", "99" + word("scheme")[:10], word("code meaning"))
    abused = code(word("standard scheme's value", longest=12), "SCT", word("standard scheme's meaning"))
    dataset.ContentSequence = [
        _content("CONTAINS", "TEXT", finding, TextValue=free_text(plants, person, "SR text")),
        _content("HAS OBS CONTEXT", "PNAME", code("121008", "DCM", "Person Observer Name"), PersonName=word("PNAME")),
        _content("HAS OBS CONTEXT", "UIDREF", code("121012", "DCM", "Device Observer UID"), UID=f"{person.root}.77"),
        _content("HAS OBS CONTEXT", "TEXT", code("121013", "DCM", "Device Observer Name"), TextValue=word("device")),
        _content("HAS OBS CONTEXT", "TEXT", code("121030", "DCM", "Subject ID"), TextValue=person.mrn),
        _content("CONTAINS", "DATE", code("111060", "DCM", "Study Date"), Date=date),
        _content("CONTAINS", "DATE", code("121031", "DCM", "Subject Birth Date"), Date=f"{person.birth:%Y%m%d}"),
        _content("CONTAINS", "DATETIME", code("111526", "DCM", "DateTime Started"), DateTime=date + "10"),
        _content("CONTAINS", "TIME", code("111061", "DCM", "Study Time"), Time="1011"),
        length,
        _content("CONTAINS", "NUM", code("121033", "DCM", "Subject ID"), MeasuredValueSequence=measured(person.mrn)),
        _content("CONTAINS", "CODE", finding, ConceptCodeSequence=[private_code]),
        _content("CONTAINS", "CODE", code("121071", "DCM", word("abused concept")), ConceptCodeSequence=[abused]),
        _content(
            "CONTAINS", "IMAGE", code("121112", "DCM", "Source of Measurement"), ReferencedSOPSequence=[referenced]
        ),
        _content("CONTAINS", "TCOORD", code("1", "99X", word("TCOORD")), ReferencedDateTime=date),
    ]
    dataset.ReferencedRequestSequence = [
        item(
            StudyInstanceUID=f"{person.root}.1", AccessionNumber=person.accession,
            RequestedProcedureID=number("request"),
            RequestedProcedureDescription=word("request"),
            PlacerOrderNumberImagingServiceRequest=number("placer order"),
        )
    ]  # fmt: skip
    dataset.CodingSchemeIdentificationSequence = [
        item(
            CodingSchemeDesignator="99PRIV", CodingSchemeName=word("scheme name"),
            CodingSchemeResponsibleOrganization=word("scheme's owner"), CodingSchemeVersion=word("version", longest=12),
        )
    ]  # fmt: skip
    return dataset


def _presentation_state(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "11.1", "PR", 5)
    dataset.ContentLabel = plants.word("content label").upper()[:16]
    dataset.ContentDescription = free_text(plants, person, "content description")[:64]
    dataset.ContentCreatorName = plants.word("content creator")
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = f"{person.study:%Y%m%d}", "1011"
    text = item(
        UnformattedTextValue=free_text(plants, person, "GSPS text"), BoundingBoxAnnotationUnits="PIXEL",
        AnchorPoint=[1, 2],
        AnchorPointAnnotationUnits="PIXEL", AnchorPointVisibility="Y",
    )  # fmt: skip
    layer = plants.word("layer").upper()[:16]
    dataset.GraphicAnnotationSequence = [item(GraphicLayer=layer, TextObjectSequence=[text])]
    description = plants.word("layer description")
    dataset.GraphicLayerSequence = [item(GraphicLayer=layer, GraphicLayerDescription=description, GraphicLayerOrder=1)]
    referenced = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=f"{person.root}.9")
    dataset.ReferencedSeriesSequence = [
        item(SeriesInstanceUID=f"{person.root}.2.1", ReferencedImageSequence=[referenced])
    ]
    return dataset


def _structured_display(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "131", "PR", 16)
    dataset.ContentLabel, dataset.ContentDescription = "A", plants.word("display")
    dataset.StructuredDisplayTextBoxSequence = [item(UnformattedTextValue=free_text(plants, person, "text box"))]
    return dataset


def _document(plants: Plants, person: Person, sop_class: str, mime: str, content: bytes) -> Dataset:
    dataset = instance(plants, person, _SOP + sop_class, "M3D" if sop_class.endswith(".3") else "DOC", 6)
    dataset.DocumentTitle = f"{plants.word('document title')} {free_text(plants, person, 'document title')[:200]}"
    dataset.MIMETypeOfEncapsulatedDocument, dataset.BurnedInAnnotation = mime, "YES"
    dataset.HL7InstanceIdentifier = plants.number("HL7 instance")
    dataset.EncapsulatedDocument = content + b" " * (len(content) % 2)
    dataset.EncapsulatedDocumentLength = len(content)
    dataset.ConceptNameCodeSequence = [code("1", "99L", plants.word("document's concept"))]
    return dataset


def _overlays(plants: Plants, person: Person) -> Dataset:
    """Plant in overlays of their own and in the bits of the pixels, in curves, an icon, and behind the pixels."""
    dataset = image(plants, person)
    dataset.BitsStored, dataset.HighBit = 12, 11
    cells = [(n % 4096) | 0x8000 * (n % 3 == 0) for n in range(256)]
    dataset.PixelData = struct.pack("<256H", *cells) + plants.word("behind the pixels").encode() + b" "
    for group, allocated, position in ((0x6000, 1, 0), (0x6002, 16, 15)):
        for element, vr, value in (
            (0x10, "US", 16), (0x11, "US", 16), (0x22, "LO", plants.word("overlay description")), (0x40, "CS", "G"),
            (0x50, "SS", [1, 1]), (0x100, "US", allocated), (0x102, "US", position),
            (0x1500, "LO", plants.word("overlay label")), (0x4000, "LT", plants.word("overlay comment")),
        ):  # fmt: skip
            dataset.add_new(group << 16 | element, vr, value)
    dataset.add_new(0x60003000, "OW", plants.word("overlay", syllables=6).encode().ljust(32))
    dataset.add_new(0x50000005, "US", 1)
    dataset.add_new(0x50000022, "LO", plants.word("curve description"))
    dataset.add_new(0x50002610, "LO", plants.word("curve label"))
    dataset.add_new(0x50003000, "OW", plants.word("curve").encode() + b" ")
    icon = Dataset()
    pixels(icon, plants, 4, 4, 8)
    icon.PixelData = plants.word("icon", syllables=8).encode().ljust(16)[:16]
    dataset.IconImageSequence = [icon]
    return dataset


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _jpeg(plants: Plants) -> bytes:
    stream = BytesIO()
    Image.frombytes("L", (16, 16), bytes(range(256))).save(stream, "JPEG", comment=plants.word("JPEG comment"))
    frame = stream.getvalue()
    exif = _segment(0xE1, b"Exif\0\0" + plants.word("EXIF").encode())
    photoshop = _segment(0xED, b"Photoshop 3.0\0" + plants.word("IPTC").encode())
    xmp = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + plants.word("XMP").encode())
    return frame[:2] + exif + photoshop + xmp + frame[2:] + plants.word("behind the end of the JPEG").encode()


def _jpeg_2000(plants: Plants) -> bytes:
    comment = _segment(0x64, b"\0\1" + plants.word("JPEG 2000 comment").encode())
    tile_comment = _segment(0x64, b"\0\1" + plants.word("tile comment").encode())
    length = 12 + len(tile_comment) + 2 + 6
    tile = _segment(0x90, struct.pack(">HIBB", 0, length, 0, 1)) + tile_comment + b"\xff\x93" + b"abcdef"
    size = _segment(0x51, bytes(36))
    return b"\xff\x4f" + size + comment + tile + b"\xff\xd9" + plants.word("behind the end of the codestream").encode()


def _rle(plants: Plants) -> bytes:
    """Sixteen runs of sixteen, with text in the offsets that are not used, before the segment and behind it."""
    header = struct.pack("<2I", 1, 96) + plants.word("unused RLE offsets").encode().ljust(56)[:56]
    runs = b"".join(struct.pack("bB", -15, value) for value in range(16))
    return header + plants.word("before the RLE segment").encode().ljust(32)[:32] + runs + plants.word("RLE").encode()


def _fragments(plants: Plants, person: Person) -> Dataset:
    """Text in the offset table, and in a fragment after the frame."""
    dataset = _compressed(plants, person, _jpeg(plants))
    stray = [plants.word(place).encode() for place in ("offset table", "stray fragment")]
    table, last = (
        _ITEM + struct.pack("<I", len(word) + len(word) % 2) + word + b" " * (len(word) % 2) for word in stray
    )
    frame = dataset.PixelData[8 + int.from_bytes(dataset.PixelData[4:8], "little") :]
    dataset.PixelData = table + frame + last
    return dataset


def _compressed(plants: Plants, person: Person, frame: bytes) -> Dataset:
    dataset = image(plants, person)
    pixels(dataset, plants, bits=8)
    dataset.add_new(0x7FE00010, "OB", encapsulate([frame + b"\0" * (len(frame) % 2)]))
    dataset["PixelData"].is_undefined_length = True
    return dataset


def _waveform(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "9.1.1", "ECG", 12)
    channel = item(
        ChannelLabel=plants.word("channel", longest=16), ChannelSourceCodeSequence=[code("2:1", "MDC", "Lead I")],
        WaveformBitsStored=16,
    )  # fmt: skip
    group = item(
        MultiplexGroupLabel=plants.word("multiplex group", longest=16), WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=1, NumberOfWaveformSamples=4, SamplingFrequency="500",
        ChannelDefinitionSequence=[channel], WaveformBitsAllocated=16, WaveformSampleInterpretation="SS",
    )  # fmt: skip
    group.add_new(0x54001010, "OW", struct.pack("<4h", 1, 2, 3, 4))
    hidden = item(WaveformBitsAllocated=8, MultiplexGroupLabel="A", WaveformSampleInterpretation="SB")
    hidden.add_new(0x54001010, "OB", f"{person.family} {person.mrn} ".encode().ljust(64))
    dataset.WaveformSequence = [group, hidden]
    note = free_text(plants, person, "waveform annotation")
    dataset.WaveformAnnotationSequence = [
        item(UnformattedTextValue=note, ReferencedWaveformChannels=[1, 0], AnnotationGroupNumber=1)
    ]
    dataset.AcquisitionContextSequence = []
    return dataset


def _structure_set(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "481.3", "RTSTRUCT", 13)
    dataset.StructureSetLabel, dataset.StructureSetName = (
        plants.word("label", longest=16),
        plants.word("name of the set"),
    )
    dataset.StructureSetDescription = free_text(plants, person, "structure set")
    dataset.StructureSetDate = f"{person.study:%Y%m%d}"
    dataset.StructureSetROISequence = [
        item(
            ROINumber=1, ROIName=f"GTV {plants.word('ROI name')}", ROIDescription=free_text(plants, person, "ROI"),
            ROIGenerationAlgorithm="MANUAL", ReferencedFrameOfReferenceUID=f"{person.root}.7",
        )
    ]  # fmt: skip
    dataset.RTROIObservationsSequence = [
        item(
            ObservationNumber=1, ReferencedROINumber=1, ROIObservationLabel=plants.word("observation", longest=16),
            RTROIInterpretedType="GTV", ROIInterpreter=plants.word("interpreter"),
        )
    ]  # fmt: skip
    contour = item(ContourGeometricType="POINT", NumberOfContourPoints=1, ContourData=[1.5, 2, 3])
    dataset.ROIContourSequence = [item(ReferencedROINumber=1, ContourSequence=[contour])]
    return dataset


def _plan(plants: Plants, person: Person) -> Dataset:
    word = plants.word
    dataset = instance(plants, person, _SOP + "481.5", "RTPLAN", 14)
    dataset.RTPlanLabel, dataset.RTPlanName = word("plan label", longest=16), word("plan name")
    dataset.RTPlanDescription = free_text(plants, person, "plan")
    dataset.PrescriptionDescription = free_text(plants, person, "prescription")
    dataset.RTPlanDate, dataset.ReviewerName = f"{person.study:%Y%m%d}", word("reviewer")
    dataset.TreatmentProtocols, dataset.TreatmentSites = word("treatment protocol"), word("treatment site")
    dataset.BeamSequence = [
        item(
            BeamNumber=1, BeamName=word("beam"), BeamDescription=free_text(plants, person, "beam"),
            TreatmentMachineName=word("machine", 0x300A00B2, longest=16), InstitutionName=word("institution",
            0x00080080),
        )
    ]  # fmt: skip
    return dataset


def _segmentation(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "66.4", "SEG", 15)
    pixels(dataset, plants, 8, 8, 8)
    dataset.SegmentationType, dataset.ImageType, dataset.ContentLabel = "FRACTIONAL", ["DERIVED", "PRIMARY"], "LABEL"
    dataset.ContentDescription, dataset.ContentCreatorName = plants.word("content"), plants.word("creator of contents")
    dataset.SegmentSequence = [
        item(
            SegmentNumber=1, SegmentLabel=f"Liver {plants.word('segment label')}", SegmentAlgorithmType="MANUAL",
            SegmentDescription=plants.word("segment description"), SegmentAlgorithmName=plants.word("algorithm"),
            TrackingID=plants.word("tracking ID"), TrackingUID=f"{person.root}.88",
            SegmentedPropertyCategoryCodeSequence=[code("85756007", "SCT", "Tissue")],
            SegmentedPropertyTypeCodeSequence=[code("10200004", "SCT", "Liver")],
        )
    ]  # fmt: skip
    return dataset


def _enhanced(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "4.1", "MR", 17)
    pixels(dataset, plants)
    dataset.NumberOfFrames, dataset.ImageType = "1", ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    content = item(
        FrameAcquisitionDateTime=f"{person.study:%Y%m%d}101112", FrameComments=free_text(plants, person, "frame"),
        FrameLabel=plants.word("frame label"), StackID=plants.word("stack", longest=16), InStackPositionNumber=1,
    )  # fmt: skip
    sequence = item(PulseSequenceName=f"ep2d {plants.word('sequence')}", EchoPulseSequence="SPIN")
    shared = item(MRPulseSequenceSequence=[sequence])
    add(shared, 0x00211001, "LO", plants.word("private in a functional group"))
    dataset.PerFrameFunctionalGroupsSequence = [item(FrameContentSequence=[content])]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.DimensionOrganizationSequence = [item(DimensionOrganizationUID=f"{person.root}.20230101")]
    dataset.ContentQualification, dataset.ApplicableSafetyStandardAgency = "PRODUCT", plants.word("agency", longest=16)
    modified = item(PatientName=plants.word("original name"), PatientID=plants.number("original ID"))
    dataset.OriginalAttributesSequence = [
        item(
            ModifyingSystem=plants.word("modifying system"), SourceOfPreviousValues=plants.word("previous source"),
            AttributeModificationDateTime=f"{person.study:%Y%m%d}10", ModifiedAttributesSequence=[modified],
        )
    ]  # fmt: skip
    return dataset


def _pet(plants: Plants, person: Person) -> Dataset:
    dataset = instance(plants, person, _SOP + "128", "PT", 18)
    pixels(dataset, plants)
    dataset.CountsAccumulated, dataset.ActualFrameDuration = "18374652", "180000"
    dataset.RadiopharmaceuticalInformationSequence = [
        item(
            Radiopharmaceutical=f"FDG {plants.word('tracer')}", RadionuclideTotalDose="370000000",
            RadiopharmaceuticalStartDateTime=f"{person.study:%Y%m%d}091000",
            RadiopharmaceuticalStartTime="091000", RadionuclideHalfLife="6586.2",
        )
    ]  # fmt: skip
    return dataset

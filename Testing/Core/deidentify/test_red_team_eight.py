"""What an outside examination found: bytes in images of several fragments, segments that nobody knows, documents in
images, and records of a directory."""

import json
import shutil
import struct
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.sequence import Sequence
from pydicom.sr._concepts_dict import concepts

from DeidentifyStudyCore.dicom.charset import codecs_of, decoded, encoded
from DeidentifyStudyCore.dicom.codestream import stripped
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.profile import load_profile, parse_profile
from DeidentifyStudyCore.rules.check_digits import proves_itself
from DeidentifyStudyCore.rules.text import clean_text

JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
SIDE = 64
SECRET = b"Quaxelbrindt"


def coded(syntax):
    pixels = np.random.default_rng(8).integers(0, 255, (SIDE, SIDE), np.uint8)
    stream = BytesIO()
    if syntax == JPEG:
        Image.fromarray(pixels).save(stream, "JPEG", progressive=True)  # tables between scans
    else:
        Image.fromarray(pixels).save(stream, "JPEG2000", irreversible=False, no_jp2=True)
    return stream.getvalue()


def comment(syntax, text=SECRET):
    if syntax == JPEG:
        return b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
    return b"\xff\x64" + struct.pack(">HH", len(text) + 4, 1) + text


def with_comments(syntax, code_stream):
    """One in the first fragment, of an odd length, and for JPEG one before the last scan."""
    if syntax == JPEG:
        last = code_stream.rindex(b"\xff\xda")
        code_stream = code_stream[:last] + comment(syntax) + code_stream[last:]
        return code_stream[:2] + comment(syntax, b"a " + SECRET[1:]) + code_stream[2:]
    start = code_stream.index(b"\xff\x52")
    return code_stream[:start] + comment(syntax, b"a " + SECRET[1:]) + code_stream[start:]


def in_fragments(content, number):
    """Parts of an even length."""
    content += bytes(len(content) % 2)
    step = len(content) // number // 2 * 2
    bounds = [*range(0, step * number, step), len(content)]
    return [content[start:stop] for start, stop in pairwise(bounds)]


def encapsulated(frames):
    items = [part for frame in frames for part in frame]
    return encapsulate(items, has_bot=False)


def fragments(path):
    """The offset table, and the fragments after it."""
    return list(generate_fragments(pydicom.dcmread(path).PixelData))


@pytest.fixture
def written(make_dataset, encode, deidentify):
    def run(syntax, frames):
        image = make_dataset(
            BitsAllocated=8, BitsStored=8, HighBit=7, Rows=SIDE, Columns=SIDE, NumberOfFrames=len(frames)
        )
        image.add_new(0x7FE00010, "OB", encapsulated(frames))
        image["PixelData"].is_undefined_length = True
        image.BurnedInAnnotation = "NO"
        outcome, destination = deidentify({"a": encode(image, syntax)})
        return next(destination.rglob("*.dcm"), None), [result.reason for result in outcome.files]

    return run


@pytest.mark.parametrize("syntax", [JPEG, JPEG_2000])
@pytest.mark.parametrize(
    "tail", [b"", SECRET, SECRET + b"\xff\xd9"], ids=["bare", "tail", "tail with an end of its own"]
)
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_images_in_several_fragments_keep_their_pixels_and_nothing_else(written, syntax, tail, parts):
    clean = coded(syntax)
    frames = [in_fragments(with_comments(syntax, clean) + tail, parts), in_fragments(clean, 1)]
    path, _ = written(syntax, frames)
    assert SECRET[1:] not in path.read_bytes()
    before, after = Image.open(BytesIO(clean)), [Image.open(BytesIO(frame)) for frame in fragments(path)[1:]]
    assert [np.array_equal(before, frame) for frame in after] == [True, True]


@pytest.mark.parametrize("syntax", [JPEG, JPEG_2000])
def test_an_untouched_image_in_several_fragments_keeps_them(written, syntax):
    clean = coded(syntax)
    if syntax == JPEG_2000:
        start = clean.index(b"\xff\x64")  # Pillow's own comment
        clean = clean[:start] + clean[start + 2 + int.from_bytes(clean[start + 2 : start + 4], "big") :]
    else:
        clean = clean[:2] + clean[20:]  # without JFIF
    parts = in_fragments(clean, 3)
    path, _ = written(syntax, [parts])
    assert fragments(path)[1:] == parts


@pytest.mark.parametrize("syntax", [JPEG, JPEG_2000])
def test_fragments_that_begin_no_image_are_not_copied(written, syntax):
    path, reasons = written(syntax, [[SECRET, coded(syntax) + bytes(len(coded(syntax)) % 2)]])
    assert path is None
    assert reasons == ["compressed-metadata"]


@pytest.mark.parametrize(
    ("syntax", "marker"), [(JPEG, 0xFFDC), (JPEG, 0xFFF3), (JPEG, 0xFF66), (JPEG_2000, 0xFF66), (JPEG_2000, 0xFF70)]
)
def test_segments_that_nobody_knows_are_not_copied(syntax, marker):
    clean = coded(syntax)
    at = 2 if syntax == JPEG else clean.index(b"\xff\x52")
    strange = clean[:at] + struct.pack(">HH", marker, len(SECRET) + 2) + SECRET + clean[at:]
    with pytest.raises(Quarantined, match="compressed-metadata"):
        stripped(strange, 0, len(strange), syntax)


def test_a_length_of_a_tile_that_reaches_beyond_the_image_hides_nothing():
    clean = coded(JPEG_2000)
    at = clean.index(b"\xff\x90")
    strange = clean[: at + 6] + struct.pack(">I", 1 << 30) + clean[at + 10 :] + SECRET
    left = b"".join(
        piece if isinstance(piece, bytes) else strange[slice(*piece)]
        for piece in stripped(strange, 0, len(strange), JPEG_2000)
    )
    assert SECRET not in left
    assert left.endswith(b"\xff\xd9")


@pytest.mark.parametrize("documents", ["replace", "quarantine"])
def test_a_document_in_an_image_goes_and_the_image_stays(make_dataset, encode, deidentify, documents):
    content = load_profile("research-shifted-dates").as_json() | {"encapsulated_documents": documents}
    profile = parse_profile(json.dumps(content), "test")
    image = make_dataset(EncapsulatedDocument=SECRET, EncapsulatedDocumentLength=12)
    item = Dataset()
    item.EncapsulatedDocument, item.MIMETypeOfEncapsulatedDocument = SECRET, "application/pdf"
    image.ReferencedImageSequence = Sequence([item])
    _, destination = deidentify({"a": encode(image)}, profile)
    (path,) = destination.rglob("*.dcm")
    assert SECRET not in path.read_bytes()
    result = pydicom.dcmread(path)
    assert "EncapsulatedDocument" not in result
    assert "EncapsulatedDocumentLength" not in result
    assert result.PixelData == image.PixelData


def test_an_object_of_an_unknown_kind_that_holds_a_document_waits(make_dataset, encode, deidentify):
    image = make_dataset("1.2.826.0.1.3680043.2.1143.77", EncapsulatedDocument=SECRET)
    outcome, destination = deidentify({"a": encode(image)})
    assert [result.reason for result in outcome.files] == ["encapsulated-document"]
    assert not list(destination.rglob("*.dcm"))


def test_descriptions_keep_words_as_scanners_spell_them(make_dataset, encode, deidentify):
    image = make_dataset(
        StudyDescription="MR Schaedel nativ", SeriesDescription="Wirbelsaeule Uebersicht laengs Mueller"
    )
    _, destination = deidentify({"a": encode(image)})
    result = pydicom.dcmread(next(destination.rglob("*.dcm")))
    assert result.StudyDescription == "MR Schaedel nativ"
    assert result.SeriesDescription == "Wirbelsaeule Uebersicht laengs"


@pytest.mark.parametrize(("kind", "has"), [(1, False), (2, True)], ids=["PDF", "CDA"])
def test_only_records_of_cda_tell_their_number(make_dataset, encode, deidentify, tmp_path, kind, has):
    folder = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    shutil.copytree(folder / "77654033", tmp_path / "source" / "77654033")
    shutil.copy(folder / "DICOMDIR", tmp_path / "source" / "DICOMDIR")
    document = make_dataset(
        f"1.2.840.10008.5.1.4.1.1.104.{kind}",
        EncapsulatedDocument=b"  ",
        MIMETypeOfEncapsulatedDocument="application/pdf" if kind == 1 else "text/XML",
        HL7InstanceIdentifier="1.2.3.4.5^17",
    )
    del document.PixelData
    _, destination = deidentify({"a": encode(document)})
    (record,) = [
        record
        for record in pydicom.dcmread(destination / "DICOMDIR").DirectoryRecordSequence
        if record.DirectoryRecordType == "ENCAP DOC"
    ]
    assert ("HL7InstanceIdentifier" in record) == has


def test_all_codes_that_ps3_16_lists_may_stay():
    listed = [(code, scheme) for scheme, words in concepts.items() for codes in words.values() for code in codes]
    assert len(listed) > 10_000
    assert [entry for entry in listed if not proves_itself(*entry)] == []


@given(st.integers(10**6, 10**17), st.sampled_from(["SCT", "LN", "DCM", "SRT"]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_of_ten_numbers_at_most_one_is_a_code(number, scheme):
    """A check digit finds every wrong last digit."""
    written = [f"{number}-{digit}" if scheme == "LN" else f"{number}{digit}" for digit in range(10)]
    assert sum(proves_itself(code, scheme) for code in written) <= 1


def test_numbers_of_persons_are_no_codes(make_dataset, encode, deidentify):
    def coded_as(value, scheme):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "Liver"
        return item

    kept, gone = (
        [("10200004", "SCT"), ("11524-6", "LN"), ("RID58", "RADLEX")],
        [("701812409", "SCT"), ("70181240", "DCM")],
    )
    image = make_dataset(AnatomicRegionSequence=Sequence([coded_as(*code) for code in kept + gone]))
    _, destination = deidentify({"a": encode(image)})
    items = pydicom.dcmread(next(destination.rglob("*.dcm"))).AnatomicRegionSequence
    assert [item.CodeValue for item in items] == [*(value for value, _ in kept), "REMOVED", "REMOVED"]
    assert {item.CodeMeaning for item in items} == {"Liver"}


@pytest.mark.parametrize(
    ("charset", "text", "kept"),
    [
        ("GB18030", "胸部 CT 欧阳建国琳", "胸部 CT"),
        (["", "ISO 2022 IR 87"], "頭部 単純 山城内", "頭部 単純"),
        (["", "ISO 2022 IR 149"], "CT 흉부 황보식", "CT 흉부"),
        (["", "ISO 2022 IR 87", "ISO 2022 IR 159"], "頭部 CT 山城内", "頭部 CT"),
        (["ISO 2022 IR 6", "ISO 2022 IR 58"], "头部 CT 欧阳建国琳", "头部 CT"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "頭部 CT 山城内", "頭部 CT"),
        ("ISO_IR 144", "КТ грудной клетки Птицынской", "КТ грудной клетки"),
    ],
)
def test_words_of_the_field_stay_in_scripts_of_their_own(make_dataset, encode, deidentify, charset, text, kept):
    image = make_dataset(StudyDescription=text)
    image.SpecificCharacterSet = charset
    _, destination = deidentify({"a": encode(image)})
    result = pydicom.dcmread(next(destination.rglob("*.dcm"))).StudyDescription
    assert result.replace("\x1b$)A", "") == kept  # which pydicom leaves in the text


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [  # PS3.5, H.3 to K.2: the escape sequences there
        ("\\ISO 2022 IR 87", "山田^太郎 x\\y", b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B x\\y"),
        ("\\ISO 2022 IR 58", "张\r\n小东 x", b"\x1b$)A\xd5\xc5\r\n\x1b$)A\xd0\xa1\xb6\xab x"),
        ("\\ISO 2022 IR 149", "김희중", b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf"),
    ],
)
def test_code_extensions_are_told_and_ended(terms, text, expected):
    codecs = codecs_of(terms.encode())
    assert encoded(text, codecs) == expected
    assert decoded(expected, codecs) == text


def test_a_calendar_goes_with_the_dates_in_it(make_dataset, encode, deidentify):
    image = make_dataset(PatientBirthDateInAlternativeCalendar="5717-06-09", PatientAlternativeCalendar="HEBREW")
    _, destination = deidentify({"a": encode(image)})
    result = pydicom.dcmread(next(destination.rglob("*.dcm")))
    assert "PatientAlternativeCalendar" not in result
    assert "PatientBirthDateInAlternativeCalendar" not in result


@pytest.mark.parametrize("keyword", ["SpectroscopyData", "PointCoordinatesData"])
def test_text_in_what_an_object_is_made_of_holds_it(make_dataset, encode, deidentify, keyword):
    text = b"Quaxelbrindt Wendelgard of Fernhollow Road" + bytes(2)
    outcome, destination = deidentify({"a": encode(make_dataset(**{keyword: text}))})
    assert [result.reason for result in outcome.files] == ["text-in-samples"]
    assert not list(destination.rglob("*.dcm"))


def test_colours_are_not_written_without_their_palette(make_dataset, encode, deidentify):
    ramp, text = bytes(range(256)), b"Quaxelbrindt Wendelgard of Fernhollow Road " * 6

    def image(number, photometric, blue):
        tables = {f"{colour}PaletteColorLookupTableData": ramp for colour in ("Red", "Green")}
        tables["BluePaletteColorLookupTableData"] = blue[:256]
        sizes = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 8] for colour in ("Red", "Green", "Blue")}
        return encode(make_dataset(number=number, PhotometricInterpretation=photometric, **tables, **sizes))

    kinds = [("PALETTE COLOR", ramp), ("PALETTE COLOR", text), ("MONOCHROME2", text), ("PALETTE COLOR", text)]
    outcome, destination = deidentify({f"{n}": image(n, *kind) for n, kind in enumerate(kinds)})
    reasons = [result.reason for result in outcome.files]
    assert [reasons[1], reasons[3]] == ["text-in-samples"] * 2
    for path in destination.rglob("*.dcm"):
        result = pydicom.dcmread(path)
        assert ("BluePaletteColorLookupTableData" in result) == (result.PhotometricInterpretation == "PALETTE COLOR")
    assert {reasons[0], reasons[2]} <= {"", "burned-in-risk"}


@pytest.mark.parametrize(
    "text",
    [
        "Lymph nodes up to 12 x 8 mm",
        "AX T2 3.0 x 3.0",
        "Kontrolle in 3 Monaten",
        "TNM cT2 N1 M0",
        "vor 62 Jahren",
        "RM encefalo con contrasto",
        "LWS 2 Ebenen",
        "SPECT Myocard Stress AC",
    ],
)
def test_measures_spans_and_stages_stay(text):
    assert clean_text(text, EchoBuilder().built()) == text


@pytest.mark.parametrize(
    "text", ["PTV_7000", "PTV5040", "GTVp_6600", "CTV 5600", "PTVn1_5600", "GTVn", "Dose 5040 cGy"]
)
def test_target_volumes_keep_their_doses(text):
    """Without them two structures of a plan would have the same name."""
    assert clean_text(text, EchoBuilder().built()) == text


def test_target_volumes_keep_neither_years_nor_the_patients_number():
    echo = EchoBuilder()
    echo.add_identifier("5040")
    assert clean_text("PTV_1951 CTV 2014 PTV5040 GTV_5040 5040 cGy", echo.built()) == "PTV CTV"


@pytest.mark.parametrize(
    ("text", "left"), [("Frau X, 12 x 8", "12 x 8"), ("93 Jahre", ""), ("im Jahr 1951", "im Jahr")]
)
def test_initials_ages_and_years_beside_them_go(text, left):
    assert clean_text(text, EchoBuilder().built()) == left

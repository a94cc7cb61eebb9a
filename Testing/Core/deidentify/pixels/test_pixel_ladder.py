"""The ladder from header risk to the second search, on whole runs; what is claimed is what was done."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from DeidentifyStudyCore.cleaning import writing
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.pixels import cine, ocr, step
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.device_rules import parse_device_rules
from DeidentifyStudyCore.pixels.risk import RISKS, Rung, burned_in_risks, rung_of
from DeidentifyStudyCore.pixels.search import Found
from DeidentifyStudyCore.reporting.picture_sections import risk_section
from DeidentifyStudyCore.reporting.report import build_report
from DeidentifyStudyCore.review import ReviewQueue

US, CR = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.1"
VISIBLE_LIGHT = "1.2.840.10008.5.1.4.1.1.77.1"
SLIDE, FUNDUS = f"{VISIBLE_LIGHT}.6", f"{VISIBLE_LIGHT}.5.1"
TISSUE = {
    "SOPClassUID": SLIDE,
    "Modality": "SM",
    "ConversionType": None,
    "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME"],
}
RETINA = {"SOPClassUID": FUNDUS, "Modality": "OP", "ConversionType": None}


def written(destination: Path) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in sorted(destination.rglob("*.dcm"))]


def codes(dataset: Dataset) -> set[str]:
    return {item.CodeValue for item in dataset.DeidentificationMethodCodeSequence}


@pytest.fixture
def frame(ink) -> np.ndarray:
    """Anatomy-like frame with the patient's name on it in white."""
    image = np.random.default_rng(1).integers(10, 180, (1, 120, 320), np.uint8)
    image[0][ink(image[0].shape)] = 255
    return image


def test_text_is_gone_and_everything_else_is_bit_identical(
    frame, ink, make_capture, encode, deidentify, cleaning, finds_white
):
    profile = cleaning(burned_in_risk="accept")
    outcome, destination = deidentify({"a": encode(make_capture(frame, BurnedInAnnotation="YES"))}, profile)
    (dataset,) = written(destination)
    mask = ink(frame[0].shape)
    assert (dataset.pixel_array[mask] == frame.min()).all()
    changed = np.argwhere(dataset.pixel_array != frame[0])
    where = np.argwhere(mask)
    assert (changed.min(0) >= where.min(0) - 4).all()
    assert (changed.max(0) <= where.max(0) + 4).all()
    assert dataset.BurnedInAnnotation == "NO"
    assert "113101" in codes(dataset)
    assert outcome.files[0].pixels == ("searched by union, every frame", "searched again after filling", "1 box filled")


def test_nothing_is_claimed_of_objects_that_nobody_looked_at(make_dataset, encode, deidentify, cleaning, finds_white):
    _, destination = deidentify({"ct": encode(make_dataset())}, cleaning(burned_in_risk="accept"))
    (dataset,) = written(destination)
    assert "113101" not in codes(dataset)
    assert "BurnedInAnnotation" not in dataset
    assert not finds_white


def test_all_objects_are_searched_when_the_profile_says_so(make_capture, encode, deidentify, cleaning, finds_white):
    image = np.random.default_rng(2).integers(10, 180, (1, 60, 90), np.uint8)
    ct = make_capture(image, SOPClassUID="1.2.840.10008.5.1.4.1.1.2", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    del ct.ConversionType
    _, destination = deidentify({"ct": encode(ct)}, cleaning(burned_in_risk="accept", pixel_search="all"))
    (dataset,) = written(destination)
    assert dataset.pixel_array.tobytes() == image[0].tobytes()
    assert "113101" in codes(dataset)
    assert dataset.BurnedInAnnotation == "NO"
    assert len(finds_white) == 1


def test_masks_are_no_pictures(make_dataset, encode, deidentify, cleaning, finds_white):
    mask = make_dataset(Rows=16, Columns=16, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(32))
    _, destination = deidentify({"seg": encode(mask)}, cleaning(burned_in_risk="accept", pixel_search="all"))
    (dataset,) = written(destination)
    assert "113101" not in codes(dataset)
    assert not finds_white


def test_the_second_search_finds_what_the_first_one_missed(
    frame, ink, make_capture, encode, deidentify, cleaning, monkeypatch
):
    halves = [Box(4, 4, 20, 120), Box(4, 124, 20, 190)]

    def find(view: np.ndarray, method: str) -> list[Found]:
        left = [half for half in halves if (view[half.row : half.bottom, half.column : half.right] == 255).any()]
        return [Found(box, "ocr", 0.9) for box in left[:1]]

    monkeypatch.setattr(cine, "find_text", find)
    monkeypatch.setattr(step, "best_method", lambda: "union")
    _, destination = deidentify({"a": encode(make_capture(frame))}, cleaning(burned_in_risk="accept"))
    (dataset,) = written(destination)
    assert not (dataset.pixel_array[ink(frame[0].shape)] == 255).any()
    assert "113101" in codes(dataset)


def test_text_that_keeps_being_found_goes_to_quarantine(frame, make_capture, encode, deidentify, cleaning, monkeypatch):
    places = iter(range(0, 100, 6))
    monkeypatch.setattr(cine, "find_text", lambda *_: [Found(Box(next(places), 0, 4, 9), "ocr", 0.9)])
    monkeypatch.setattr(step, "best_method", lambda: "union")
    outcome, destination = deidentify({"a": encode(make_capture(frame))}, cleaning(burned_in_risk="accept"))
    assert [result.reason for result in outcome.files] == ["burned-in-risk"]
    assert not written(destination)
    assert not [path for path in destination.rglob("*") if path.is_file()]


def test_without_text_recognition_finds_wait_for_a_person_and_nothing_is_claimed(
    frame, make_capture, encode, deidentify, cleaning, monkeypatch, tmp_path
):
    monkeypatch.setattr(cine, "find_text", lambda *_: [Found(Box(6, 8, 20, 200), "classical", 0.9)])
    monkeypatch.setattr(step, "best_method", lambda: "classical")
    profile = cleaning(burned_in_risk="accept")
    outcome, destination = deidentify(
        {"a": encode(make_capture(frame))}, profile, queue=ReviewQueue.load(tmp_path / "q")
    )
    assert [result.reason for result in outcome.files] == ["burned-in-risk"]
    queue = ReviewQueue.load(tmp_path / "q")
    next(iter(queue.entries.values())).decision = "accepted"
    deidentify({}, profile, queue=queue)
    (dataset,) = written(destination)
    assert "113101" not in codes(dataset)
    assert "BurnedInAnnotation" not in dataset


def us_regions(*boxes: tuple[int, int, int, int]) -> Sequence:
    items = []
    for top, left, bottom, right in boxes:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
        item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
        items.append(item)
    return Sequence(items)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
def test_ultrasound_is_blank_outside_its_regions_and_searched_inside(
    syntax, ink, make_capture, encode, deidentify, cleaning, finds_white
):
    image = np.random.default_rng(3).integers(10, 180, (1, 160, 200, 3), np.uint8)
    image[0][ink(image.shape[1:3], (2, 2))] = 250  # the title of the screen, which nobody recognizes here
    image[0][ink(image.shape[1:3], (60, 40), "LIVER 12")] = 255
    ultrasound = make_capture(
        image,
        SOPClassUID=US,
        Modality="US",
        SequenceOfUltrasoundRegions=us_regions((30, 20, 149, 99), (30, 110, 149, 189)),
    )
    outcome, destination = deidentify({"us": encode(ultrasound, syntax)}, cleaning(burned_in_risk="accept"))
    (dataset,) = written(destination)
    inside = np.zeros((160, 200), bool)
    inside[30:150, 20:100] = inside[30:150, 110:190] = True
    assert (dataset.pixel_array[~inside] == 0).all()
    word = ink((160, 200), (60, 40), "LIVER 12")
    assert (dataset.pixel_array[word & inside] == 0).all()
    grown = np.argwhere(word)
    near = np.zeros_like(inside)
    near[grown[:, 0].min() - 4 : grown[:, 0].max() + 5, grown[:, 1].min() - 4 : grown[:, 1].max() + 5] = True
    np.testing.assert_array_equal(dataset.pixel_array[inside & ~near], image[0][inside & ~near])
    assert outcome.files[0].pixels[0] == "filled outside of the ultrasound regions"
    assert "113101" in codes(dataset)


def test_a_device_rule_is_applied_where_it_matches_only(make_capture, encode, deidentify, cleaning, finds_white):
    rules = parse_device_rules(
        '{"format": "deidentify-device-rules/1", "rules": [{"name": "corner", "source": "our own machine", '
        '"match": {"manufacturer": "ACME", "model": "Snap", "rows": 50, "columns": 80}, "boxes": [[0, 0, 10, 0.5]]}]}',
        "house.json",
    )
    image = np.random.default_rng(4).integers(10, 180, (1, 50, 80), np.uint8)
    files = {
        name: encode(make_capture(image, number, Manufacturer="Acme Inc.", ManufacturerModelName=name))
        for number, name in enumerate(("SNAP 3000", "Other"), 1)
    }
    outcome, destination = deidentify(files, cleaning(burned_in_risk="accept"), device_rules=rules)
    by_model = {dataset.ManufacturerModelName: dataset.pixel_array for dataset in written(destination)}
    assert (by_model["SNAP 3000"][:10, :40] == image.min()).all()
    np.testing.assert_array_equal(by_model["SNAP 3000"][10:], image[0, 10:])
    np.testing.assert_array_equal(by_model["Other"], image[0])
    assert sum("device rule corner" in result.pixels for result in outcome.files) == 1


def test_text_that_flashes_is_covered_while_it_shows_and_around(
    ink, make_capture, encode, deidentify, cleaning, finds_white
):
    frames = np.random.default_rng(5).integers(10, 180, (14, 60, 240), np.uint8)
    text = ink((60, 240))
    for number in (4, 6):  # it is missed in frame 5, as detectors do
        frames[number][text] = 255
    frames[5][text] = 250
    _, destination = deidentify({"a": encode(make_capture(frames))}, cleaning(burned_in_risk="accept"))
    after = written(destination)[0].pixel_array
    assert not (after[2:9][:, text] > 180).any()
    for number in (0, 1, 9, 13):
        np.testing.assert_array_equal(after[number], frames[number])


def test_text_that_moves_is_covered_in_each_frame(ink, make_capture, encode, deidentify, cleaning, finds_white):
    frames = np.random.default_rng(6).integers(10, 180, (40, 120, 260), np.uint8)
    for number in range(40):
        frames[number][ink((120, 260), (2 + 2 * number, 8), "QUILLON", 20)] = 255
    _, destination = deidentify({"a": encode(make_capture(frames))}, cleaning(burned_in_risk="accept"))
    after = written(destination)[0].pixel_array
    assert not (after == 255).any()
    np.testing.assert_array_equal(after[:, :, 140:], frames[:, :, 140:])


def test_text_in_unused_bits_is_cleared_where_it_hides_only(
    ink, make_capture, encode, deidentify, cleaning, finds_white
):
    image = np.random.default_rng(7).integers(0, 4000, (1, 60, 240)).astype(np.uint16)
    hidden = image | (ink((60, 240)).astype(np.uint16) << 14)
    dataset = make_capture(hidden, BitsStored=12, HighBit=11)
    outcome, destination = deidentify({"a": encode(dataset)}, cleaning(burned_in_risk="accept"))
    after = np.frombuffer(written(destination)[0].PixelData, np.uint16).reshape(60, 240)
    np.testing.assert_array_equal(after, image[0])
    assert "unused bits cleared" in outcome.files[0].pixels


def test_signs_in_unused_bits_stay(make_capture, encode, deidentify, cleaning, finds_white):
    image = np.random.default_rng(8).integers(-2000, 2000, (1, 60, 240)).astype(np.int16)
    dataset = make_capture(image, BitsStored=12, HighBit=11)
    _, destination = deidentify({"a": encode(dataset)}, cleaning(burned_in_risk="accept"))
    assert written(destination)[0].PixelData == image.tobytes()


def test_overlays_go_with_the_text_in_them(ink, make_capture, encode, deidentify, cleaning, finds_white):
    image = np.random.default_rng(9).integers(10, 180, (1, 60, 240), np.uint8)
    dataset = make_capture(image)
    dataset.add_new(0x60000010, "US", 60)
    dataset.add_new(0x60000011, "US", 240)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", np.packbits(ink((60, 240)).ravel(), bitorder="little").tobytes())
    _, destination = deidentify({"a": encode(dataset)}, cleaning(burned_in_risk="accept"))
    (after,) = written(destination)
    assert not [element for element in after if element.tag.group == 0x6000]


def test_pixels_that_cannot_be_decoded_are_not_let_through(make_capture, encode, deidentify, cleaning, finds_white):
    dataset = make_capture(np.zeros((1, 20, 20), np.uint8))
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xc3broken"])
    dataset["PixelData"].is_undefined_length = True
    files = {"a": encode(dataset, "1.2.840.10008.1.2.4.57")}
    outcome, destination = deidentify(files, cleaning(burned_in_risk="accept"))
    assert outcome.files[0].reason in {"undecodable-pixels", "compressed-metadata"}
    assert not written(destination)


def test_the_report_names_the_steps_and_nobody(frame, make_capture, encode, deidentify, cleaning, finds_white, secret):
    profile = cleaning(burned_in_risk="accept")
    outcome, _ = deidentify({"Zyxwarth": encode(make_capture(frame))}, profile)
    report = build_report(outcome, profile, secret, {"checked": 0, "new_errors": []})
    assert "<td>a secondary capture or a screen shot</td>" in risk_section(report["files"])
    assert report["files"][0]["pixels"][:2] == ["searched by union, every frame", "searched again after filling"]
    assert "Zyxwarth" not in str(report)


def test_a_long_cine_needs_memory_for_a_few_frames_only(make_capture, encode, tmp_path):
    """The frames of a mapped file are read one by one, and filled while they are written."""
    from DeidentifyStudyCore.dicom.pixeldata import Generated
    from DeidentifyStudyCore.dicom.source import opened
    from DeidentifyStudyCore.pixels.frames import frames_of
    from DeidentifyStudyCore.pixels.redaction import plan_redaction

    frames = np.random.default_rng(10).integers(10, 180, (50, 64, 64), np.uint8)
    path = tmp_path / "cine"
    path.write_bytes(encode(make_capture(frames)))
    with opened(path) as source:
        plan = plan_redaction(frames_of(source), {3: [Box(0, 0, 8, 8)]})
        (piece,) = [piece for piece in plan.pieces if isinstance(piece, Generated)]
        chunks = [len(chunk) for chunk in piece.chunks()]
    assert piece.size == frames.nbytes
    assert max(chunks) == frames[0].nbytes


@pytest.mark.skipif(not ocr.is_installed(), reason="needs the extra 'ocr'")
def test_a_name_on_a_real_slice_is_read_and_gone(shared_data, ink, make_capture, encode, deidentify, cleaning):
    slice_of_head = pydicom.dcmread(shared_data / "dicom" / "ct_philips_5mm" / "I140.dcm")
    values = slice_of_head.pixel_array[None, :, :].astype(np.int16).copy()
    mask = ink(values.shape[1:], (20, 40), size=16)
    values[0][mask] = values.max()
    outcome, destination = deidentify({"a": encode(make_capture(values))}, cleaning(burned_in_risk="accept"))
    (dataset,) = written(destination)
    assert (dataset.pixel_array[mask] == values.min()).all()
    changed = dataset.pixel_array != values[0]
    assert not changed[60:].any()
    assert "113101" in codes(dataset)
    assert outcome.files[0].pixels[0] == "searched by union, every frame"


NO_TEXT = np.random.default_rng(11).integers(60, 70, (1, 120, 320), np.uint8)
ALL_RUNGS = [
    ({"BurnedInAnnotation": "YES"}, Rung.PERSON),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4", "Modality": "XC", "BurnedInAnnotation": "NO"}, Rung.PERSON),
    ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "BurnedInAnnotation": "NO"}, Rung.PERSON),
    ({"SOPClassUID": CR, "Modality": "CR", "ConversionType": "DF"}, Rung.PERSON),
    ({"SOPClassUID": CR, "Modality": "CR", "ConversionType": "DF", "BurnedInAnnotation": "NO"}, Rung.NOTHING_FOUND),
    ({}, Rung.NOTHING_FOUND),
    ({"BurnedInAnnotation": "NO"}, Rung.NOTHING_FOUND),
    ({"SOPClassUID": US, "Modality": "US", "ConversionType": None}, Rung.NOTHING_FOUND),
    ({"SOPClassUID": US, "Modality": "US", "ConversionType": None, "Regions": True}, Rung.CLEANED),
    ({"SOPClassUID": CR, "Modality": "CR", "ConversionType": None}, Rung.CLEANED),
    (TISSUE, Rung.NOTHING_FOUND),
    (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, Rung.PERSON),
    (RETINA, Rung.NOTHING_FOUND),
    (RETINA | {"BurnedInAnnotation": "YES"}, Rung.PERSON),
]


def device(value: str) -> Sequence:
    """Acquisition Device Type Code Sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "device"
    return Sequence([item])


@pytest.mark.parametrize(
    ("attributes", "risks"),
    [
        (TISSUE, ("whole-slide",)),
        (TISSUE | {"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]}, ("whole-slide",)),
        (TISSUE | {"SpecimenLabelInImage": "NO"}, ("whole-slide",)),
        (TISSUE | {"SpecimenLabelInImage": "YES"}, ("photograph",)),
        (TISSUE | {"BurnedInAnnotation": "YES"}, ("declared", "whole-slide")),
        (TISSUE | {"BurnedInAnnotation": "NO"}, ("whole-slide", "declared-free")),
        (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL"]}, ("photograph",)),
        (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW"]}, ("photograph",)),
        (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY", "THUMBNAIL"]}, ("photograph",)),
        (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "LABEL"]}, ("photograph",)),
        (TISSUE | {"ImageType": ["ORIGINAL", "PRIMARY"]}, ("photograph",)),
        (TISSUE | {"ImageType": None}, ("photograph",)),
        (TISSUE | {"Modality": "XC"}, ("photograph",)),
        (RETINA, ("retina",)),
        (RETINA | {"AcquisitionDeviceTypeCodeSequence": device("409898007")}, ("retina",)),
        (RETINA | {"AcquisitionDeviceTypeCodeSequence": device("409903006")}, ("photograph",)),
        (RETINA | {"AcquisitionDeviceTypeCodeSequence": device("R-1021B")}, ("photograph",)),
        *((RETINA | {"SOPClassUID": f"{VISIBLE_LIGHT}.5.{last}"}, ("retina",)) for last in (2, 4, 5, 6, 7, 8)),
        *(
            (RETINA | {"SOPClassUID": f"{VISIBLE_LIGHT}.{last}", "Modality": "OT"}, ("photograph",))
            for last in ("1", "1.1", "2", "3", "4", "4.1", "5.3", "5.10", "7", "8", "9", "60")
        ),
    ],
)
def test_what_cannot_show_a_face_is_told_from_photographs(attributes, risks, make_capture, encode, tmp_path):
    """Classes of the header alone; each is explained, and only photographs and declared text need a person."""
    path = tmp_path / "object"
    path.write_bytes(encode(on_rung(make_capture, NO_TEXT, attributes)))
    with opened(path) as source:
        assert burned_in_risks(source) == risks
    assert set(risks) <= set(RISKS)
    assert rung_of(risks) is (Rung.PERSON if {"photograph", "declared"} & set(risks) else Rung.NOTHING_FOUND)


def on_rung(make_capture, frames: np.ndarray, attributes: dict[str, object]) -> Dataset:
    """Make an object of these attributes; None removes one, and regions leave out the first 24 rows."""
    regions = us_regions((24, 0, 119, 319)) if "Regions" in attributes else None
    rest = {name: value for name, value in attributes.items() if name != "Regions" and value is not None}
    dataset = make_capture(frames, **rest)
    for name, value in attributes.items():
        if value is None:
            del dataset[name]
    if regions is not None:
        dataset.SequenceOfUltrasoundRegions = regions
    return dataset


@pytest.mark.parametrize("reader", [True, False])
@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize(("attributes", "rung"), ALL_RUNGS)
def test_an_object_without_text_waits_on_the_last_rung_only(
    attributes, rung, clean, reader, make_capture, encode, deidentify, cleaning, untouched, finds_white, monkeypatch
):
    if not reader:
        monkeypatch.undo()
        monkeypatch.setattr(step, "best_method", lambda: "classical")
    dataset = on_rung(make_capture, NO_TEXT, attributes)
    profile = cleaning() if clean else untouched
    outcome, destination = deidentify({"a": encode(dataset)}, profile)
    assert rung_of(outcome.files[0].risks) is rung
    assert [result.reason for result in outcome.files] == (["burned-in-risk"] if rung is Rung.PERSON else [""])
    for after in written(destination):
        assert ("113101" in codes(after)) == (clean and reader)
        seen = after.pixel_array[24:] if "Regions" in attributes else after.pixel_array
        np.testing.assert_array_equal(seen, NO_TEXT[0][-len(seen) :])


@pytest.mark.parametrize("reader", [True, False])
@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize(("attributes", "rung"), ALL_RUNGS)
def test_text_is_filled_on_the_first_rung_and_waits_on_all_others(
    attributes,
    rung,
    clean,
    reader,
    ink,
    make_capture,
    encode,
    deidentify,
    cleaning,
    untouched,
    finds_white,
    monkeypatch,
):
    """Names in white, as large as print mostly is: none is in a file, with text recognition or without."""
    if not reader:
        monkeypatch.undo()
        monkeypatch.setattr(step, "best_method", lambda: "classical")
    frames = NO_TEXT.copy()
    mask = ink(frames.shape[1:], (60, 20))
    frames[0][mask] = 255
    profile = cleaning() if clean else untouched
    outcome, destination = deidentify({"a": encode(on_rung(make_capture, frames, attributes))}, profile)
    filled = rung is Rung.CLEANED and clean and reader
    assert [result.reason for result in outcome.files] == ([""] if filled else ["burned-in-risk"])
    for after in written(destination):
        assert (after.pixel_array[mask] < 70).all()
        assert "113101" in codes(after)


@pytest.mark.parametrize("modality", ["CT", "MR", "NM"])
def test_print_in_the_brightest_value_is_noticed_whatever_the_header_says(
    modality, ink, make_dataset, encode, deidentify, monkeypatch
):
    monkeypatch.setattr(step, "best_method", lambda: "classical")  # text recognition would read and fill it
    values = np.random.default_rng(12).normal(900, 60, (120, 320)).astype(np.uint16)
    plain = make_dataset(number=1, Modality=modality, Rows=120, Columns=320, PixelData=values.tobytes())
    values[ink(values.shape, size=12)] = 4095
    printed = make_dataset(number=2, Modality=modality, Rows=120, Columns=320, PixelData=values.tobytes())
    outcome, destination = deidentify({"plain": encode(plain), "printed": encode(printed)})
    assert [(result.reason, result.risks) for result in outcome.files] == [
        ("", ()),
        ("burned-in-risk", ("print-in-pixels",)),
    ]
    assert len(written(destination)) == 1


@pytest.mark.parametrize("said", ["NO", None])
def test_a_search_that_finds_nothing_is_claimed_where_the_pixels_stay_as_they_are(
    said, make_dataset, encode, deidentify, cleaning, finds_white, monkeypatch
):
    monkeypatch.setattr(writing, "has_peak_print", lambda *_, **__: True)
    dataset = make_dataset(**({"BurnedInAnnotation": said} if said else {}))
    outcome, destination = deidentify({"a": encode(dataset)}, cleaning(burned_in_risk="accept"))
    assert [(result.reason, result.risks) for result in outcome.files] == [("", ("print-in-pixels",))]
    (after,) = written(destination)
    assert "113101" in codes(after)
    assert after.BurnedInAnnotation == "NO"
    assert after.PixelData == dataset.PixelData


def test_saturated_anatomy_is_no_print(make_dataset, encode, deidentify):
    i, j = np.mgrid[0:200, 0:200]
    values = np.clip(4095 - 0.6 * ((i - 100) ** 2 + (j - 90) ** 2), 100, 3000).astype(np.uint16)
    ct = make_dataset(Rows=200, Columns=200, PixelData=values.tobytes())
    outcome, _ = deidentify({"a": encode(ct)})
    assert [(result.reason, result.risks) for result in outcome.files] == [("", ())]


def test_metal_with_its_streaks_is_no_print(make_dataset, encode, deidentify):
    """Clips and fillings are cut off at the largest value, and what radiates from them looks like strokes."""
    random = np.random.default_rng(7)
    j, i = np.mgrid[0:256, 0:256]
    slices = {}
    for number in range(12):
        values = random.normal(1000, 12, j.shape)
        for row, column in random.uniform(60, 190, (3, 2)):
            axes, angle = random.uniform(2, 14, 2), random.uniform(0, np.pi)
            along = (i - column) * np.cos(angle) + (j - row) * np.sin(angle)
            across = (j - row) * np.cos(angle) - (i - column) * np.sin(angle)
            values += 6000 * np.exp(-3 * np.maximum((along / axes[0]) ** 2 + (across / axes[1]) ** 2 - 1, 0))
            for ray in random.uniform(0, np.pi, 9):
                aside = (i - column) * np.sin(ray) - (j - row) * np.cos(ray)
                away = np.hypot(i - column, j - row) + 1
                values += random.uniform(-3e4, 3e4) * np.exp(-((aside / 2) ** 2)) / away
        pixels = np.clip(values, 0, 4095).astype(np.uint16).tobytes()
        slices[f"{number:02}"] = encode(make_dataset(number=number + 1, Rows=256, Columns=256, PixelData=pixels))
    outcome, _ = deidentify(slices)
    assert {(result.reason, result.risks) for result in outcome.files} == {("", ())}


def test_an_object_that_holds_print_is_searched_for_more_that_nobody_reads(
    ink, make_capture, encode, deidentify, cleaning, finds_white, monkeypatch
):
    frames = NO_TEXT.copy()
    frames[0][ink(frames.shape[1:], (60, 20))] = 255
    find = cine.find_text

    def reads_white_and_notices_more(view: np.ndarray, method: str) -> list[Found]:
        return [Found(Box(100, 8, 12, 200), "classical", 0.9)] if method == "classical" else find(view, method)

    monkeypatch.setattr(cine, "find_text", reads_white_and_notices_more)
    dataset = on_rung(make_capture, frames, {"SOPClassUID": CR, "Modality": "CR", "ConversionType": None})
    outcome, _ = deidentify({"a": encode(dataset)}, cleaning())
    assert [result.reason for result in outcome.files] == ["burned-in-risk"]
    assert outcome.files[0].sources == ["ocr", "classical"]


def test_compressed_frames_without_text_keep_their_bytes(encode, deidentify, cleaning, monkeypatch):
    monkeypatch.setattr(cine, "find_text", lambda *_: [])
    monkeypatch.setattr(step, "best_method", lambda: "union")
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("SC_rgb_jpeg_gdcm.dcm"))
    outcome, destination = deidentify({"a": encode(dataset, dataset.file_meta.TransferSyntaxUID)}, cleaning())
    (after,) = written(destination)
    assert outcome.files[0].pixels == ("searched by union, every frame",)
    assert after.PixelData == dataset.PixelData
    assert after.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID
    assert "113101" in codes(after)


def test_the_title_of_an_ultrasound_needs_nobody_where_its_place_is_filled_anyway(
    ink, make_capture, encode, deidentify, cleaning, monkeypatch
):
    """Text recognition is not installed, and what strokes suggest waits: but not outside of the regions."""
    monkeypatch.setattr(step, "best_method", lambda: "classical")
    frames = NO_TEXT.copy()
    frames[0][ink(frames.shape[1:], (2, 8))] = 255
    ultrasound = {"SOPClassUID": US, "Modality": "US", "ConversionType": None, "Regions": True}
    outcome, destination = deidentify({"a": encode(on_rung(make_capture, frames, ultrasound))}, cleaning())
    assert [result.reason for result in outcome.files] == [""]
    (after,) = written(destination)
    assert (after.pixel_array[:24] == after.pixel_array.min()).all()
    np.testing.assert_array_equal(after.pixel_array[24:], frames[0][24:])
    assert "113101" not in codes(after)

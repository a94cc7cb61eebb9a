"""Whole folders: what is written, what is refused and why, and that nothing is ever half done."""

import json
import os
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pydicom.fileset
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from DeidentifyStudyCore.cleaning import conformance, writing
from DeidentifyStudyCore.dicom.source import SHORT_RANGE, opened
from DeidentifyStudyCore.errors import Cancelled, DestinationError, InputError
from DeidentifyStudyCore.identity.crosswalk import read_supplied
from DeidentifyStudyCore.identity.keyfile import create_key, ephemeral_secret, load_crosswalk
from DeidentifyStudyCore.indexing import index
from DeidentifyStudyCore.indexing.folder_index import build_index
from DeidentifyStudyCore.profile import load_profile, parse_profile
from DeidentifyStudyCore.quarantine import REASONS
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyCore.runs.batch import BatchOptions, run_batch

RESEARCH = "research-shifted-dates"


def read_all(destination: Path) -> list[Dataset]:
    paths = sorted(path for path in destination.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    return [pydicom.dcmread(path) for path in paths]


def test_what_the_profile_keeps_is_kept_bit_for_bit(make_dataset, encode, deidentify):
    before = make_dataset(
        PatientWeight=70.5, PatientAge="045Y", ManufacturerModelName="Somatom Force", ConvolutionKernel="Br40d\\3",
        SoftwareVersions="syngo CT VB20A", SeriesDescription="Abdomen 2.5 Br40 ART", BodyPartExamined="ABDOMEN",
        SequenceName="*tfl3d1_16ns", WindowCenter=["40", "400"], ScanOptions="HELICAL MODE", RepetitionTime="2300",
    )  # fmt: skip
    outcome, destination = deidentify({"a": encode(before)})
    (after,) = read_all(destination)
    assert outcome.quarantined == 0
    for name in [
        "SOPClassUID",
        "Modality",
        "PatientSex",
        "PatientWeight",
        "PatientAge",
        "Manufacturer",
        "ManufacturerModelName",
        "ConvolutionKernel",
        "SoftwareVersions",
        "SeriesDescription",
        "BodyPartExamined",
        "SequenceName",
        "WindowCenter",
        "ScanOptions",
        "RepetitionTime",
        "StudyTime",
        "ImageType",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "KVP",
        "SeriesNumber",
        "InstanceNumber",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "RescaleIntercept",
        "RescaleSlope",
        "PhotometricInterpretation",
        "SamplesPerPixel",
        "PixelData",
        "SpecificCharacterSet",
        "AcquisitionNumber",
    ]:
        assert after[name].value == before[name].value, name


def test_what_must_go_is_gone_and_says_so(make_dataset, encode, deidentify):
    _, destination = deidentify({"a": encode(make_dataset()), "b": encode(make_dataset(number=2))})
    first, second = read_all(destination)
    assert (first.PatientName, first.PatientID) == ("SUBJ-00001", "SUBJ-00001")
    assert first.PatientBirthDate == first.AccessionNumber == first.StudyID == ""
    assert first.StudyDate not in {"", "20240229"}
    assert first.StudyInstanceUID == second.StudyInstanceUID != "1.2.826.0.1.3680043.2.1143.1"
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert first.PatientIdentityRemoved == "YES"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = {code.CodeValue for code in first.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113103", "113104", "113105", "113107", "113108", "113111"}
    assert "BurnedInAnnotation" not in first
    assert "RecognizableVisualFeatures" not in first


def test_references_between_objects_survive(make_dataset, encode, deidentify):
    image, derived = make_dataset(), make_dataset(number=2)
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    derived.SourceImageSequence = [reference]
    outcome, destination = deidentify({"a": encode(image), "b": encode(derived)})
    by_number = {dataset.InstanceNumber: dataset for dataset in read_all(destination)}
    assert by_number[2].SourceImageSequence[0].ReferencedSOPInstanceUID == by_number[1].SOPInstanceUID
    assert by_number[2].SourceImageSequence[0].ReferencedSOPClassUID == image.SOPClassUID
    assert sum(result.references for result in outcome.files) == 1


def test_every_bad_file_has_its_reason_and_stops_nothing(make_dataset, encode, deidentify, tmp_path):
    good = encode(make_dataset())
    outside = tmp_path / "outside.dcm"
    outside.write_bytes(encode(make_dataset(number=9)))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "link").symlink_to(outside)
    missing = make_dataset(number=5)
    del missing.StudyInstanceUID
    files = {
        "good": good,
        "copy of good": good,
        "empty": b"",
        "text": b"# not DICOM\n" * 50,
        "same uid": encode(make_dataset(KVP=80)),
        "short": encode(make_dataset(number=3))[:-20],
        "vr": encode(make_dataset(number=4)).replace(b"\x28\x00\x02\x00US", b"\x28\x00\x02\x00ZZ"),
        "no study": encode(missing),
        "us": encode(make_dataset("1.2.840.10008.5.1.4.1.1.6.1", 6, Modality="US", BurnedInAnnotation="YES")),
        "uid": encode(make_dataset(number=7, SeriesInstanceUID="not-a-uid", StudyDate="2024-13-99")),
    }
    outcome, destination = deidentify(files)
    assert Counter(result.reason for result in outcome.files) == Counter(
        {
            "": 2, "empty-file": 1, "not-dicom": 1, "duplicate-uid": 1, "truncated-pixel-data": 1, "invalid-vr": 1,
            "missing-identifiers": 1, "burned-in-risk": 1, "symbolic-link-outside": 1,
        }
    )  # fmt: skip
    assert all(result.reason in REASONS for result in outcome.files if result.reason)
    written = read_all(destination)
    assert len(written) == 2
    assert all(dataset.SeriesInstanceUID.startswith("2.25.") for dataset in written)
    assert not list(destination.rglob(".tmp-*"))


def test_a_reference_that_is_no_ascii_stops_nothing(make_dataset, encode, deidentify):
    dataset = make_dataset(number=1)
    reference = Dataset()
    reference.ReferencedSOPInstanceUID = "1.2.3.4"
    dataset.ReferencedImageSequence = [reference]
    content = encode(dataset).replace(b"1.2.3.4\0", b"1.2.\xe9.4\0")
    assert b"\xe9" in content
    outcome, destination = deidentify({"bad": content, "good": encode(make_dataset(number=2))})
    assert outcome.files[1].reason == ""
    assert "internal-error" not in {result.reason for result in outcome.files}
    assert len(list(destination.rglob("*.dcm"))) >= 1


def test_a_fault_of_the_index_stops_nothing_and_quotes_nothing(make_dataset, encode, deidentify, monkeypatch):
    def fails_on_the_first(source):
        if source.value(0x00200013).strip() == b"1":
            raise ValueError("Zyxwarth^Quillon")
        return ()

    monkeypatch.setattr(index, "burned_in_risks", fails_on_the_first)
    files = {"bad": encode(make_dataset(number=1)), "good": encode(make_dataset(number=2))}
    outcome, destination = deidentify(files)
    assert [result.reason for result in outcome.files] == ["internal-error", ""]
    assert len(list(destination.rglob("*.dcm"))) == 1


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_file_of_pydicom_is_written_or_quarantined(deidentify, tmp_path):
    source = tmp_path / "source"
    folder = Path(pydicom.data.__file__).parent / "test_files"
    shutil.copytree(folder, source)
    outcome, destination = deidentify({})
    assert {result.reason for result in outcome.files} >= {"", "not-dicom", "burned-in-risk"}
    assert "internal-error" not in {result.reason for result in outcome.files}
    assert "verification-failed" not in {result.reason for result in outcome.files}
    written = sum(bool(result.output) for result in outcome.files)
    assert written == len(read_all(destination)) > 90


def test_source_and_destination_must_not_hold_each_other(make_dataset, encode, deidentify, tmp_path, secret):
    deidentify({"a": encode(make_dataset())})
    source, profile = tmp_path / "source", load_profile(RESEARCH)
    for destination in (source / "out", source, tmp_path):
        with pytest.raises(InputError, match="inside each other"):
            run_batch(source, destination, profile, secret, BatchOptions(tmp_path.parent / "r"))
    with pytest.raises(InputError, match="report must lie outside"):
        run_batch(source, tmp_path / "new", profile, secret, BatchOptions(source / "r"))
    with pytest.raises(InputError, match="key lies inside"):
        run_batch(source, tmp_path / "new", profile, secret, BatchOptions(tmp_path / "r2", tmp_path / "new" / "key"))
    with pytest.raises(InputError, match="not a folder"):
        run_batch(tmp_path / "nowhere", tmp_path / "new", profile, secret, BatchOptions(tmp_path / "r2"))
    assert not (tmp_path / "new").exists()


def test_a_destination_with_files_is_refused(make_dataset, encode, deidentify, tmp_path):
    (tmp_path / "destination").mkdir()
    (tmp_path / "destination" / "mine").write_text("mine")
    with pytest.raises(DestinationError, match="not empty"):
        deidentify({"a": encode(make_dataset())})
    assert [path.name for path in (tmp_path / "destination").iterdir()] == ["mine"]


def test_a_full_disk_ends_the_run_with_one_message(make_dataset, encode, deidentify, monkeypatch, tmp_path):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_object", full)
    with pytest.raises(DestinationError, match="No space left"):
        deidentify({"Zyxwarth": encode(make_dataset())})
    assert [path for path in (tmp_path / "destination").rglob("*") if path.is_file()] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_destination_is_refused(make_dataset, encode, deidentify, tmp_path):
    (tmp_path / "destination").mkdir(mode=0o500)
    with pytest.raises(DestinationError, match="read-only"):
        deidentify({"a": encode(make_dataset())})


def many(make_dataset, encode, count=160):
    return {f"{number:03}": encode(make_dataset(number=number)) for number in range(count)}


def test_a_killed_run_goes_on_where_it_stopped(make_dataset, encode, deidentify, tmp_path):
    stopped_at = []

    def stop(done: int, total: int, message: str = "") -> None:
        if message == "writing" and done >= 32:
            stopped_at.append(done)
            raise Cancelled("cancelled")

    with pytest.raises(Cancelled):
        deidentify(many(make_dataset, encode), progress=stop)
    destination = tmp_path / "destination"
    before = {path: path.stat().st_mtime_ns for path in destination.rglob("*.dcm")}
    assert 0 < len(before) < 160
    # a line that the crash cut short, and a file that it left unfinished
    with (tmp_path / "report" / "journal.jsonl").open("a") as journal:
        journal.write('{"files": {"ab')
    unfinished = next(iter(before)).with_name(".tmp-0123456789ab-IMABCDEF.dcm")
    unfinished.write_bytes(b"half")
    outcome, _ = deidentify({})
    assert not unfinished.exists()
    assert outcome.journal.resumed
    assert len(outcome.files) == len(read_all(destination)) == 160
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_another_profile_or_key_does_not_resume(make_dataset, encode, deidentify, tmp_path):
    files = {"a": encode(make_dataset())}
    deidentify(files)
    with pytest.raises(DestinationError, match="another profile"):
        deidentify(files, "hipaa-safe-harbor")
    options = BatchOptions(tmp_path / "report")
    with pytest.raises(DestinationError, match="ephemeral"):
        run_batch(tmp_path / "source", tmp_path / "destination", load_profile(RESEARCH), ephemeral_secret(), options)


def test_workers_and_one_process_write_the_same(make_dataset, encode, deidentify, tmp_path, secret):
    _, destination = deidentify(many(make_dataset, encode, 70))
    with ThreadPoolExecutor(3) as executor:
        options = BatchOptions(tmp_path / "r2", executor=executor)
        outcome = run_batch(tmp_path / "source", tmp_path / "d2", load_profile(RESEARCH), secret, options)
    one, other = (
        {p.relative_to(d): p.read_bytes() for d in [root] for p in d.rglob("*.dcm")}
        for root in (destination, tmp_path / "d2")
    )
    assert one == other
    assert len(one) == 70
    assert [result.number for result in outcome.files] == sorted(result.number for result in outcome.files)


def test_runs_of_different_days_give_the_same_pseudonyms(make_dataset, encode, tmp_path):
    key_file = tmp_path / "key.json"
    secret = create_key(key_file, "correct horse")
    profile = load_profile(RESEARCH)
    ids = []
    for run, patients in enumerate((["A1111", "B2222"], ["B2222", "C3333"])):
        source = tmp_path / f"s{run}"
        source.mkdir()
        for number, patient in enumerate(patients):
            dataset = make_dataset(number=number + 10 * run, PatientID=patient, PatientName=f"{patient}^X")
            (source / patient).write_bytes(encode(dataset))
        run_batch(source, tmp_path / f"d{run}", profile, secret, BatchOptions(tmp_path / f"r{run}", key_file))
        ids.append({dataset.PatientID for dataset in read_all(tmp_path / f"d{run}")})
    assert len(ids[0] & ids[1]) == 1
    assert ids[0] | ids[1] == {"SUBJ-00001", "SUBJ-00002", "SUBJ-00003"}
    crosswalk = load_crosswalk(key_file, secret)
    assert {entry["original"] for entry in crosswalk["patients"].values()} == {"A1111", "B2222", "C3333"}
    assert b"A1111" not in key_file.with_name("key.json.crosswalk").read_bytes()


def test_objects_that_leave_out_the_issuer_are_of_the_patient_of_their_study(make_dataset, encode, deidentify):
    here = {"IssuerOfPatientID": "St. Quillon"}
    elsewhere = {
        "StudyInstanceUID": "1.2.826.0.1.3680043.2.1143.7",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.2.1143.8",
    }
    files = {
        "a": encode(make_dataset(number=1, **here)),
        "b": encode(make_dataset(number=2, ImageComments="liver Brindlecroft", PatientComments="x")),
        "c": encode(make_dataset(number=3, PatientName="Brindlecroft^A", **elsewhere)),
        "d": encode(make_dataset(number=4, PatientName="Brindlecroft^Z", AccessionNumber="ACC777")),
    }
    outcome, destination = deidentify(files)
    written = {dataset.InstanceNumber: dataset for dataset in read_all(destination)}
    assert len({written[number].PatientID for number in (1, 2, 4)}) == 1
    assert written[3].PatientID != written[1].PatientID  # another study that names no issuer is no evidence
    assert written[1].StudyDate == written[2].StudyDate
    assert "Brindlecroft" not in written[2].ImageComments  # a name of another object of the same patient
    assert outcome.quarantined == 0


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_supplied_crosswalk_is_used(separator, make_dataset, encode, deidentify, tmp_path):
    table = tmp_path / "ids.csv"
    table.write_text(f"patient_id{separator}pseudonym\nMRN-7391846{separator}SITE-9001\n")
    _, destination = deidentify({"a": encode(make_dataset())}, supplied=read_supplied(table))
    assert read_all(destination)[0].PatientID == "SITE-9001"
    assert [path.name for path in destination.iterdir()] == ["SITE-9001"]


@pytest.mark.parametrize(
    ("rows", "match"),
    [("A,S1\nB,S1\n", "share"), ("A,S 1\n", "row 2"), ("A,S1\nA,S2\n", "row 3"), ("", "no rows"), ("A,a\n", "row 2")],
)
def test_a_bad_crosswalk_names_the_row_only(rows, match, tmp_path):
    table = tmp_path / "ids.csv"
    table.write_text("patient_id,pseudonym\n" + rows)
    with pytest.raises(InputError, match=match):
        read_supplied(table)


def test_high_risk_objects_wait_for_a_person(make_dataset, encode, deidentify, tmp_path):
    photograph = encode(make_dataset("1.2.840.10008.5.1.4.1.1.77.1.4", 1, Modality="XC"))
    queue = ReviewQueue.load(tmp_path / "queue.json")
    outcome, destination = deidentify({"Zyxwarth": photograph}, queue=queue)
    assert [result.reason for result in outcome.files] == ["burned-in-risk"]
    assert b"Zyxwarth" not in (tmp_path / "queue.json").read_bytes()
    queue = ReviewQueue.load(tmp_path / "queue.json")
    (entry,) = queue.entries.values()
    assert (entry.decision, entry.risks) == ("pending", ("photograph",))
    entry.decision = "accepted"
    queue.save()
    outcome, _ = deidentify({}, queue=ReviewQueue.load(tmp_path / "queue.json"))
    assert outcome.quarantined == 0
    (dataset,) = read_all(destination)
    assert dataset.get("BurnedInAnnotation") is None  # accepted by a person is not the same as cleaned
    codes = {code.CodeValue for code in dataset.DeidentificationMethodCodeSequence}
    assert "113101" not in codes


def test_a_declared_burned_in_annotation_stays_declared(make_dataset, encode, deidentify):
    content = load_profile(RESEARCH).as_json() | {"burned_in_risk": "accept"}
    profile = parse_profile(json.dumps(content), "test")
    _, destination = deidentify({"a": encode(make_dataset(BurnedInAnnotation="YES"))}, profile)
    assert read_all(destination)[0].BurnedInAnnotation == "YES"


def test_a_dicomdir_is_made_anew(deidentify, tmp_path):
    folder = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    for name in ("77654033", "98892003"):
        shutil.copytree(folder / name, tmp_path / "source" / name)
    shutil.copy(folder / "DICOMDIR", tmp_path / "source" / "DICOMDIR")
    outcome, destination = deidentify({})
    directory = pydicom.dcmread(destination / "DICOMDIR")
    kinds = Counter(record.DirectoryRecordType for record in directory.DirectoryRecordSequence)
    written = sum(bool(result.output) for result in outcome.files)
    assert kinds["IMAGE"] == written
    assert kinds["PATIENT"] == 2
    for record in directory.DirectoryRecordSequence:
        if record.DirectoryRecordType == "IMAGE":
            path = destination.joinpath(*record.ReferencedFileID)
            assert pydicom.dcmread(path).SOPInstanceUID == record.ReferencedSOPInstanceUIDInFile
            assert all(len(part) <= 8 and part.isalnum() and part.upper() == part for part in record.ReferencedFileID)
    fileset = pydicom.fileset.FileSet(directory)  # walks the offsets
    assert len(fileset) == written
    fileset._stage["t"].cleanup()  # else pydicom leaves it to the collector, which warns
    assert b"Doe" not in (destination / "DICOMDIR").read_bytes()


def test_deflated_objects_come_out_deflated(make_dataset, encode, deidentify):
    _, destination = deidentify({"a": encode(make_dataset(), "1.2.840.10008.1.2.1.99")})
    (dataset,) = read_all(destination)
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99"
    assert dataset.PixelData == bytes(range(48))
    assert dataset.PatientID == "SUBJ-00001"


def test_embedded_overlay_bits_are_cleared_and_pixels_are_not(make_dataset, encode, deidentify):
    pixels = np.arange(24, dtype="<u2") | 0x8000
    dataset = make_dataset()
    dataset.PixelData = pixels.tobytes()
    dataset.add_new(0x60000102, "US", 15)
    dataset.add_new(0x60000100, "US", 16)
    outcome, destination = deidentify({"a": encode(dataset)})
    after = np.frombuffer(read_all(destination)[0].PixelData, "<u2")
    assert np.array_equal(after, np.arange(24))
    assert outcome.files[0].pixels == ("overlay bits cleared",)


def test_jpeg_frames_lose_their_metadata_and_nothing_else(make_dataset, encode, deidentify):
    from PIL import Image

    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 3)
    frames = []
    for _ in range(3):
        stream = BytesIO()
        image.save(stream, "JPEG", comment=b"Zyxwarth Quillon")
        frames.append(stream.getvalue())
    dataset = make_dataset(BitsAllocated=8, BitsStored=8, HighBit=7, Rows=8, Columns=8, NumberOfFrames=3)
    dataset.add_new(0x7FE00010, "OB", encapsulate(frames, has_bot=True))
    dataset["PixelData"].is_undefined_length = True
    _, destination = deidentify({"a": encode(dataset, "1.2.840.10008.1.2.4.50")})
    (after,) = read_all(destination)
    cleaned = list(generate_frames(after.PixelData, number_of_frames=3))
    assert len(cleaned) == 3
    for old, new in zip(frames, cleaned, strict=True):
        assert b"Zyxwarth" not in new
        assert np.array_equal(np.asarray(Image.open(BytesIO(old))), np.asarray(Image.open(BytesIO(new))))


def test_an_encapsulated_pdf_is_replaced_by_an_empty_one(make_dataset, encode, deidentify):
    dataset = make_dataset(
        "1.2.840.10008.5.1.4.1.1.104.1", Modality="DOC", MIMETypeOfEncapsulatedDocument="application/pdf"
    )
    del dataset.PixelData
    dataset.EncapsulatedDocument = b"%PDF-1.4 Zyxwarth!"
    dataset.EncapsulatedDocumentLength = 18
    _, destination = deidentify({"a": encode(dataset)})
    (after,) = read_all(destination)
    document = after.EncapsulatedDocument[: after.EncapsulatedDocumentLength]
    assert document.startswith(b"%PDF-1.4")
    assert document.endswith(b"%%EOF\n")
    start = int(document.split(b"startxref\n")[1].split(b"\n")[0])
    assert document[start : start + 4] == b"xref"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of files are text elsewhere")
def test_a_folder_whose_name_is_no_text_is_done_and_resumed(make_dataset, encode, secret, tmp_path):
    source, destination = tmp_path / os.fsdecode(b"Stud\xffien"), tmp_path / os.fsdecode(b"\xfe")
    source.mkdir()
    (source / os.fsdecode(b"\xfd")).write_bytes(encode(make_dataset()))
    for _ in range(2):
        outcome = run_batch(source, destination, load_profile(RESEARCH), secret, BatchOptions(tmp_path / "report"))
        assert [result.reason for result in outcome.files] == [""]
    assert len(read_all(destination)) == 1


def test_the_index_counts_and_names_nobody(make_dataset, encode, deidentify, tmp_path):
    deidentify({"a": encode(make_dataset()), "b": encode(make_dataset(number=2, PatientID="X"))})
    counts = build_index(tmp_path / "source", load_profile(RESEARCH)).counts()
    assert (counts["objects"], counts["patients"], counts["studies"]) == (2, 2, 1)


def test_nothing_identifying_is_in_the_report_folder(make_dataset, encode, deidentify, tmp_path):
    deidentify({"Zyxwarth_Quillon/7391846": encode(make_dataset()), "bad_Zyxwarth": b"x" * 500})
    content = b"".join(path.read_bytes() for path in (tmp_path / "report").rglob("*") if path.is_file())
    for secret_word in (b"Zyxwarth", b"Quillon", b"7391846", b"19570312", b"1.2.826.0.1.3680043.2.1143"):
        assert secret_word not in content


@pytest.mark.skipif(not conformance.is_available(), reason="needs dciodvfy (dicom3tools)")
def test_no_new_errors_of_conformance(shared_data, deidentify, tmp_path):
    shutil.copytree(shared_data / "dicom", tmp_path / "source")
    outcome, destination = deidentify({})
    errors, seen = [], set()
    for result in outcome.files:
        series = result.output.rpartition("/")[0]
        if result.output and series not in seen:
            seen.add(series)
            path = tmp_path / "source" / outcome.index.files[result.number].path
            errors += conformance.new_errors(path, destination / result.output) or []
    assert len(seen) > 15
    assert errors == []


def test_the_written_file_is_read_again(make_dataset, encode, deidentify, monkeypatch):
    """A writer that lets an identifier through, or damages pixels, is caught, and nothing is left behind."""
    honest = writing.write_object

    def leaking(source, rewritten, path):
        honest(source, rewritten, path)
        written = Path(path)
        written.write_bytes(written.read_bytes().replace(b"ORIGINAL", b"ZYXWARTH"))

    monkeypatch.setattr(writing, "write_object", leaking)
    outcome, destination = deidentify({"a": encode(make_dataset())})
    assert [result.reason for result in outcome.files] == ["verification-failed"]
    assert [path for path in destination.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("rows", [256, 8448])  # a file that is compared in memory, and one that is longer
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_damaged_bulk_data_are_caught(make_dataset, encode, deidentify, monkeypatch, rows, place):
    honest = writing.write_object
    size = rows * 256 * 2
    assert (size > SHORT_RANGE) == (rows > 256)

    def damaging(source, rewritten, path):
        honest(source, rewritten, path)
        written = Path(path)
        content = bytearray(written.read_bytes())
        content[{"first": -size, "middle": -size // 2, "last": -1}[place]] ^= 1
        written.write_bytes(content)

    monkeypatch.setattr(writing, "write_object", damaging)
    dataset = make_dataset(Rows=rows, Columns=256)
    dataset.PixelData = bytes(size)
    outcome, _ = deidentify({"a": encode(dataset)})
    assert [result.reason for result in outcome.files] == ["verification-failed"]


def test_group_lengths_padding_and_slack_are_dropped(make_dataset, encode, deidentify):
    dataset = make_dataset()
    dataset.PixelData = bytes(range(48)) + b"Zyxwarth"
    dataset.add_new(0xFFFCFFFC, "OB", b"Quillon!")
    content = b"Zyxwarth".ljust(128, b" ") + encode(dataset)[128:] + b"Zyxwarth slack"
    _, destination = deidentify({"a": content})
    (path,) = destination.rglob("*.dcm")
    raw = path.read_bytes()
    assert raw[:128] == bytes(128)
    with opened(path) as source:
        assert source.slack == 0
        assert source.spans[-1][0] == 0x7FE00010
        assert source.spans[-1][4] - source.spans[-1][3] == 48


def test_numbers_in_retained_uids_stop_no_search_of_whole_files(make_dataset, encode, deidentify):
    profile = replace(load_profile(RESEARCH), options=load_profile(RESEARCH).options | {"retain_uids"})
    uid = "1.2.826.0.1.7391846.20240229.1"
    content = encode(make_dataset(IrradiationEventUID=uid))
    outcome, destination = deidentify({"a": content}, profile, whole_bytes=True)
    (after,) = read_all(destination)
    assert (outcome.quarantined, after.IrradiationEventUID) == (0, uid)
    assert "7391846" not in str(after.PatientID)

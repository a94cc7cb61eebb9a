"""An object with the layout of one before is spliced as if it were the first: what is remembered changes nothing."""

import contextlib

import numpy as np
import pydicom
import pydicom.encaps
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from DeidentifyStudyCore.cleaning.deciding import Decider
from DeidentifyStudyCore.cleaning.engine import Engine
from DeidentifyStudyCore.cleaning.stream import write_object
from DeidentifyStudyCore.cleaning.verification import Verifier
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.index import _Indexer, index_files
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.text import vocabulary

# values of equal length, of which some stay, some are cleaned, some go, and some change private creators
CHOICES = {
    "ImageComments": ["liver with lesion", "Zyxwarth, Quillon", "liver  Zyxwarth  "],
    "SeriesDescription": ["CHEST PA", "Zyxwarth", "12.03.57"],
    "ConvolutionKernel": ["B30f", "B31f", "Qzwx"],
    "KVP": ["120", "100", "1e9"],
    "PatientComments": ["nothing", "Quillon"],
    "SliceLocation": ["-12.5", "-13.5", "-14.5"],
    "ContentTime": ["101112.0", "101113.5", "Zyxwarth"],
    "BodyPartExamined": ["ABDOMEN ", "ZYXWARTH"],
}


@pytest.fixture
def parts(secret):
    profile = load_profile("research-shifted-dates")
    builder = EchoBuilder(vocabulary())
    builder.add_name("Zyxwarth^Quillon")
    subject = Subject("ANON-1", -400, builder.built(vocabulary()))
    return RuleBook(profile), Pseudonyms.of(secret, profile.shift_days, retain_uids=False), subject


def objects(make_dataset, encode, syntax, seed):
    generator = np.random.default_rng(seed)
    for number in range(40):
        dataset = make_dataset(number=10 + number % 3)
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.2.1143.99.{100 + number}"
        for keyword, values in CHOICES.items():
            if generator.random() < 0.9:
                values = values[:1]
            setattr(dataset, keyword, values[generator.integers(len(values))])
        creator = ["GEMS_ACQU_01", "ACME 1.1"][int(generator.random() < 0.1)].ljust(12)
        dataset.add_new(0x00190010, "LO", creator)
        dataset.add_new(0x00191023, "DS", ["12.5", "13.5", "20240229"][int(generator.integers(3))])
        dataset.add_new(0x00191099, "OB", generator.bytes(70000))  # as large private elements of scanners do, it goes
        dataset.PixelData = bytes(range(48)) + [b"", b"slack"][int(generator.random() < 0.2)].ljust(6, b"\0")
        if generator.random() < 0.2:
            dataset.Rows, dataset.Columns = 6, 4
        yield encode(dataset, syntax)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_remembered_changes_nothing(syntax, seed, parts, make_dataset, encode, tmp_path):
    remembering = Engine(*parts)
    used = 0
    for number, content in enumerate(objects(make_dataset, encode, syntax, seed)):
        path, first, again = tmp_path / "in", tmp_path / "first", tmp_path / "again"
        path.write_bytes(content)
        with opened(path) as source:
            fresh = Engine(*parts).rewrite(source)
            write_object(source, fresh, first)
            before = set(map(id, remembering._patterns.values()))
            like = remembering.rewrite(source)
            used += bool(before) and before == set(map(id, remembering._patterns.values()))
            write_object(source, like, again)
        assert first.read_bytes() == again.read_bytes(), number
        assert [tuple(uses) for uses in like.uses] == [tuple(uses) for uses in fresh.uses]
    assert used > 5


def compressed(make_dataset, encode, tables):
    """Images of one or two JPEG frames, with comments and without, and what is left of these frames."""
    generator = np.random.default_rng(5)
    for number in range(40):
        dataset = make_dataset(number=10 + number)
        frames, kept = [], []
        for _ in range(1 + number % 2):
            comments = [generator.bytes(int(size)) for size in generator.integers(2, 40, generator.integers(3))]
            segments = b"".join(b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text for text in comments)
            codes = generator.bytes(int(generator.integers(8, 90))).replace(b"\xff", b"\xfe")
            scan = b"\xff\xda\0\x08\x01\x01\0\0\0\0" + codes + b"\xff\xd9"
            frames.append(b"\xff\xd8" + segments + scan)
            kept.append(b"\xff\xd8" + scan)
        data, *extended = pydicom.encaps.encapsulate_extended(frames)
        dataset.NumberOfFrames, dataset.PixelData = len(frames), data
        if tables:
            dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = extended
        dataset["PixelData"].VR = "OB"
        yield encode(dataset, JPEGBaseline8Bit), kept


@pytest.mark.parametrize("tables", [False, True])
def test_frames_that_lose_their_comments_are_written_like_those_before(tables, parts, make_dataset, encode, tmp_path):
    remembering = Engine(*parts)
    path, first, again = tmp_path / "in", tmp_path / "first", tmp_path / "again"
    used = 0
    for content, kept in compressed(make_dataset, encode, tables):
        path.write_bytes(content)
        with opened(path) as source:
            write_object(source, Engine(*parts).rewrite(source), first)
            before = set(map(id, remembering._patterns.values()))
            write_object(source, remembering.rewrite(source), again)
            used += bool(before) and before == set(map(id, remembering._patterns.values()))
        assert first.read_bytes() == again.read_bytes()
        written = pydicom.dcmread(again)
        extended = (written.ExtendedOffsetTable, written.ExtendedOffsetTableLengths) if tables else None
        found = pydicom.encaps.generate_frames(
            written.PixelData, number_of_frames=written.NumberOfFrames, extended_offsets=extended
        )
        assert [frame[: len(own)] for frame, own in zip(found, kept, strict=True)] == kept
    assert used > 5 or tables  # these change with the frames, and are worked out anew


def test_the_index_is_the_same_file_by_file_and_all_together(make_dataset, encode, tmp_path):
    profile = load_profile("research-shifted-dates")
    names = []
    for number, content in enumerate(objects(make_dataset, encode, ExplicitVRLittleEndian, 7)):
        (tmp_path / f"{number:02}").write_bytes(content)
        names.append((f"{number:02}", ""))
    together, patients = index_files(tmp_path, names, profile)
    alone = [index_files(tmp_path, [name], profile) for name in names]
    assert together == [facts for one, _ in alone for facts in one]
    (patient, builder), *none = patients.items()
    assert not none
    merged = EchoBuilder(vocabulary())
    for _, found in alone:
        merged.merge(found[patient])
    assert (builder.words, builder.dates, builder.uids) == (merged.words, merged.dates, merged.uids)


def test_pixels_of_bytes_are_not_mapped_to_look_for_names(make_dataset, encode, tmp_path, monkeypatch):
    names = []
    for number in range(4):
        dataset = make_dataset(number=number, Rows=300, Columns=300, BitsAllocated=8, BitsStored=8, HighBit=7)
        dataset.add_new(0x7FE00010, "OB", bytes(300 * 300))
        (tmp_path / str(number)).write_bytes(encode(dataset))
        names.append((str(number), ""))
    profile = load_profile("research-shifted-dates")
    index_files(tmp_path, names[:2], profile)  # their layout is learned
    monkeypatch.setattr("DeidentifyStudyCore.dicom.source._mapped", lambda *_: pytest.fail("mapped"))
    facts, _ = index_files(tmp_path, names[2:], profile)
    assert [each.reason for each in facts] == ["", ""]


def test_the_verifier_finds_a_leak_in_an_object_like_clean_ones(parts, make_dataset, encode, tmp_path):
    remembering = Verifier(parts[2], uids_retained=False)
    texts = ["liver with lesion"] * 4 + ["seen by Zyxwarth."]
    refused = []
    for text in texts:
        dataset = make_dataset(ImageComments=text, PatientName="", ReferringPhysicianName="")
        path = tmp_path / "in"
        path.write_bytes(encode(dataset))
        alone = Verifier(parts[2], uids_retained=False)
        refused.append([is_refused(verifier, path, dataset) for verifier in (remembering, alone)])
    assert refused == [[False, False]] * 4 + [[True, True]]


def is_refused(verifier, path, dataset):
    identity = str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID)
    with opened(path) as output:
        try:
            verifier.check(output, identity, set())
        except Quarantined:
            return True
    return False


def test_an_object_that_is_refused_half_way_leaves_nothing_in_the_next(
    parts, make_dataset, encode, tmp_path, monkeypatch
):
    """The fourth is refused for an element that is decided on after another one of it was."""
    engine, decide, refused = Engine(*parts), Decider.plain_action, []

    def refusing(self, plain, value, *arguments):
        if value == b"1e9 ":
            refused.append(value)
            raise Quarantined("invalid-value")
        return decide(self, plain, value, *arguments)

    monkeypatch.setattr(Decider, "plain_action", refusing)
    written = []
    for description, kvp in [("CHEST PA", "120 ")] * 3 + [("CHEST AP", "1e9 "), ("CHEST PA", "120 ")]:
        (tmp_path / "in").write_bytes(encode(make_dataset(SeriesDescription=description, KVP=kvp)))
        with opened(tmp_path / "in") as source, contextlib.suppress(Quarantined):
            write_object(source, engine.rewrite(source), tmp_path / "out")
            written.append(pydicom.dcmread(tmp_path / "out").SeriesDescription)
    assert written == ["CHEST PA"] * 4
    assert refused


def test_a_malformed_file_hides_no_name_that_the_next_repeats(make_dataset, encode, tmp_path):
    """It breaks off before a name that stands in the next file too, which differs from it nowhere else."""
    names = ["Vandermeersch^Odile", "Vandermeersch^Odile", "Quobblewick^Annette", "Quobblewick^Annette"]
    for number, name in enumerate(names):
        dataset = make_dataset(ReferencedStudySequence=[pydicom.Dataset()], VerifyingObserverName=name)
        dataset.ReferencedStudySequence[0].CodeValue = "1234"
        content = encode(dataset)
        assert content.count(b"\x08\0\0\1SH") == 1
        if number == 2:
            content = content.replace(b"\x08\0\0\1SH", b"\x08\0\0\1??")
        (tmp_path / str(number)).write_bytes(content)
    listing = [(str(number), "") for number in range(4)]
    facts, patients = index_files(tmp_path, listing, load_profile("research-shifted-dates"))
    assert [each.reason for each in facts] == ["", "", "invalid-vr", ""]
    (builder,) = patients.values()
    assert {"odile", "quobblewick"} <= builder.words


def test_large_elements_are_not_remembered_by_the_thousand(parts, make_dataset, encode, tmp_path):
    engine, verifier = Engine(*parts), Verifier(parts[2], uids_retained=False)
    indexer = _Indexer(load_profile("research-shifted-dates"))
    generator = np.random.default_rng(1)
    for number in range(20):
        dataset = make_dataset(number=number)
        dataset.Rows = dataset.Columns = 64
        dataset.PixelData = generator.bytes(2 * 64 * 64)
        dataset.add_new(0x00290010, "LO", "ACME 1.1")
        dataset.add_new(0x00291010, "OB", generator.bytes(30000))
        dataset.RedPaletteColorLookupTableData = generator.integers(0, 4096, 2048, np.uint16).tobytes()
        (tmp_path / "in").write_bytes(encode(dataset))
        assert not indexer.facts(tmp_path, "in").reason
        with opened(tmp_path / "in") as source:
            write_object(source, engine.rewrite(source), tmp_path / "out")
        assert not is_refused(verifier, tmp_path / "out", pydicom.dcmread(tmp_path / "out"))
    remembered = [*engine._memos.values(), *verifier._clean.values(), *indexer._seen.values()]
    assert len(remembered) == 3
    assert all(remembered)
    assert max(len(element) for elements in remembered for element in elements) <= 1024

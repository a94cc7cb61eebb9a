"""Encapsulated documents: surfaces keep their numbers and nothing else, PDF and CDA are replaced."""

import json
import mmap
import struct
import tracemalloc

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from DeidentifyStudyCore.cleaning import deciding
from DeidentifyStudyCore.cleaning.explain import explain_file
from DeidentifyStudyCore.dicom import byte_range
from DeidentifyStudyCore.dicom.byte_range import ByteRange
from DeidentifyStudyCore.dicom.pixeldata import Generated
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.profile import load_profile, parse_profile, shipped_profiles
from DeidentifyStudyCore.rules import surfaces
from DeidentifyStudyCore.rules.encapsulated import EMPTY_PDF, is_replacement
from DeidentifyStudyCore.rules.surfaces import surface_cleaned

PDF, CDA, STL, OBJ, MTL = (f"1.2.840.10008.5.1.4.1.1.104.{number}" for number in range(1, 6))
MIME = {PDF: "application/pdf", CDA: "text/xml", STL: "model/stl", OBJ: "model/obj", MTL: "model/mtl"}
FACET = np.dtype([("numbers", "<f4", 12), ("attribute", "<u2")])
NUMBERS = np.array(
    [[0, 0, 1, -100.25, 22.4, 300.1, 12.5, 1e-7, 3, 7, 8, 9], [0.6, -0.8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.75]], "<f4"
)
ASCII = b"""solid Zyxwarth of 7391846
 facet normal 0 0 1.0e+00
  outer loop
   vertex -1.25 .5 3
   vertex 0.127391 2 3.
   vertex 1E2 2 3
  endloop
 endfacet
 FACET NORMAL -nan nan 0
  OUTER LOOP\r
\tvertex 1 2 3
   vertex 4 5 6
   vertex 7 8 9
  endloop
 endfacet

endsolid Zyxwarth"""
CLEANED_ASCII = b"""solid
facet normal 0 0 1.0e+00
outer loop
vertex -1.25 .5 3
vertex 0.127391 2 3.
vertex 1E2 2 3
endloop
endfacet
facet normal -nan nan 0
outer loop
vertex 1 2 3
vertex 4 5 6
vertex 7 8 9
endloop
endfacet
endsolid
"""
MESH = """# exported for Zyxwarth, 7391846
mtllib Zyxwarth.mtl
o Zyxwarth
g skin of Zyxwårth
v  -1.25 0.7391846 3
v 4 5 6 1.0 # Quillon
v 7 8 9 0.1 0.2 0.3
vt 0.5 1
vn 0 0 1
usemtl Vandermeersch
s off
f 1/1/1 2/1/1 3/1/1
f -3//-1 -2//-1 -1//-1
f 1 2 3
""".encode()
CLEANED_MESH = b"""v -1.25 0.7391846 3
v 4 5 6 1.0
v 7 8 9 0.1 0.2 0.3
vt 0.5 1
vn 0 0 1
f 1/1/1 2/1/1 3/1/1
f -3//-1 -2//-1 -1//-1
f 1 2 3
"""


def echo_of_the_patient():
    builder = EchoBuilder()
    builder.add_name("Zyxwarth^Quillon")
    builder.add_identifier("MRN-7391846")
    builder.add_identifier("27391")
    builder.add_date("19570312", of_birth=True)
    return builder.built()


def binary_stl(numbers=NUMBERS, header=b"solid Zyxwarth 7391846", attribute=b"Zy"):
    facets = np.zeros(len(numbers), FACET)
    facets["numbers"], facets["attribute"] = numbers, int.from_bytes(attribute, "little")
    return header.ljust(80) + struct.pack("<I", len(numbers)) + facets.tobytes()


def numbers_of(stl):
    (count,) = struct.unpack_from("<I", stl, 80)
    return np.frombuffer(stl, FACET, count, 84)


@pytest.fixture
def document(make_dataset, encode):
    def make(sop_class, content, mime="", number=1, **attributes):
        dataset = make_dataset(sop_class, number, Modality="DOC", BurnedInAnnotation="YES", **attributes)
        del dataset.PixelData
        dataset.MIMETypeOfEncapsulatedDocument = mime or MIME[sop_class]
        dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
        dataset.EncapsulatedDocumentLength = len(content)
        return encode(dataset)

    return make


def cleaned(content, mime=b"model/stl"):
    return surface_cleaned(mime, content, echo_of_the_patient())


def refused(content, mime=b"model/stl"):
    with pytest.raises(Quarantined) as error:
        cleaned(content, mime)
    return error.value.reason == "encapsulated-document"


def cleaned_in_parts(content, mime=b"model/stl"):
    """Clean a range that lies between others, twice, as it is written after a fault."""
    result = surface_cleaned(
        mime, ByteRange(b"before" + content + b"behind", 6, 6 + len(content)), echo_of_the_patient()
    )
    assert isinstance(result, Generated)
    parts = b"".join(result.chunks())
    assert len(parts) == result.size
    assert b"".join(result.chunks()) == parts
    return parts


def profile_with(**changes):
    return parse_profile(json.dumps(load_profile("research-shifted-dates").as_json() | changes), "test")


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_surfaces_lose_their_names_and_keep_their_numbers_with_every_profile(name, document, deidentify):
    files = {
        "binary": document(STL, binary_stl()),
        "ascii": document(STL, ASCII, number=2),
        "obj": document(OBJ, MESH, number=3),
    }
    profile = parse_profile(json.dumps(shipped_profiles()[name].as_json() | {"key": "file"}), "test")
    outcome, destination = deidentify(files, profile)
    assert [result.reason for result in outcome.files] == ["", "", ""]
    written = {outcome.index.files[result.number].path: destination / result.output for result in outcome.files}
    found = {}
    for path, output in written.items():
        raw = output.read_bytes()
        assert b"yxw" not in raw
        assert b"7391846" not in raw or path == "obj"  # a coordinate of it has these digits by chance
        after = pydicom.dcmread(output)
        assert after.EncapsulatedDocumentLength == len(after.EncapsulatedDocument)
        found[path] = after.EncapsulatedDocument
    assert found["binary"][:80] == bytes(80)
    assert numbers_of(found["binary"])["numbers"].tobytes() == NUMBERS.tobytes()
    assert not numbers_of(found["binary"])["attribute"].any()
    assert found["ascii"].rstrip(b"\n") + b"\n" == CLEANED_ASCII
    assert len(found["ascii"]) == len(ASCII) + len(ASCII) % 2
    assert found["obj"].rstrip(b"\n") + b"\n" == CLEANED_MESH


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_every_shipped_profile_replaces_pdf_and_cda_and_refuses_materials(name, document, deidentify):
    files = {
        "cda": document(CDA, b"<name>Zyxwarth</name>"),
        "mtl": document(MTL, b"newmtl Zyxwarth", number=2),
        "pdf": document(PDF, b"%PDF-1.4 Zyxwarth", number=3),
    }
    profile = parse_profile(json.dumps(shipped_profiles()[name].as_json() | {"key": "file"}), "test")
    outcome, destination = deidentify(files, profile)
    assert [result.reason for result in outcome.files] == ["", "encapsulated-document", ""]
    outputs = [pydicom.dcmread(destination / result.output) for result in outcome.files if result.output]
    assert [b"removed" in after.EncapsulatedDocument for after in outputs] == [True, True]
    assert outputs[1].EncapsulatedDocument.rstrip(b"\0") == EMPTY_PDF


def test_surfaces_stay_back_where_faces_go(document, deidentify):
    """A surface may be a face, and nothing here takes it off."""
    files = {
        "a": document(STL, binary_stl()),
        "b": document(OBJ, MESH, "MODEL/OBJ ", 2),
        "c": document(PDF, b"%", "", 3),
    }
    outcome, _ = deidentify(files, load_profile("research-shifted-dates", ("clean_recognizable_visual_features",)))
    assert [result.reason for result in outcome.files] == ["encapsulated-document", "encapsulated-document", ""]


def test_explain_says_that_surfaces_of_faces_are_not_written(document, secret, tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(document(STL, binary_stl()))
    explain_file(path, load_profile("research-shifted-dates"), secret)
    with pytest.raises(Quarantined, match="encapsulated-document"):
        explain_file(path, load_profile("research-shifted-dates", ("clean_recognizable_visual_features",)), secret)


def test_a_profile_may_refuse_documents_of_all_kinds(document, deidentify):
    files = {"a": document(STL, binary_stl()), "b": document(OBJ, MESH, "", 2), "c": document(PDF, b"%", "", 3)}
    outcome, destination = deidentify(files, profile_with(encapsulated_documents="quarantine"))
    assert {result.reason for result in outcome.files} == {"encapsulated-document"}
    assert not list(destination.rglob("*.dcm"))


@given(arrays("<f4", st.tuples(st.integers(0, 40), st.just(12)), elements=st.floats(-999, 999, width=32)))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_binary_coordinates_stay_bit_for_bit(numbers):
    """Whatever coordinates there are, if they are no text; cleaning what is clean changes nothing."""
    after = cleaned(binary_stl(numbers))
    assert numbers_of(after)["numbers"].tobytes() == numbers.tobytes()
    assert cleaned(after) == after


def test_a_trailing_pad_byte_is_allowed_and_emptied():
    after = cleaned(binary_stl() + b"Z")
    assert after == cleaned(binary_stl()) + b"\0\0"


def test_normals_that_are_no_number_stay_in_the_form_that_programs_write():
    numbers = NUMBERS.copy()
    numbers.view("<u4")[0, :3] = 0x7FC00000, 0xFFC00000, 0x7FC00000
    assert numbers_of(cleaned(binary_stl(numbers)))["numbers"].tobytes() == numbers.tobytes()


def with_number(place, pattern):
    numbers = NUMBERS.copy()
    numbers.view("<u4")[0, place] = pattern
    return binary_stl(numbers)


BAD_BINARY = {
    "short": binary_stl()[:-1],
    "long": binary_stl() + b"Zy",
    "header only": b"Zyxwarth".ljust(80),
    "empty": b"",
    "a vertex that is no number": with_number(5, 0x7FC00000),
    "letters in what is no number": with_number(0, 0x7FC00000 | int.from_bytes(b"Zy", "little")),
    "infinite": with_number(5, 0x7F800000),
    "the patient's number": with_number(5, int(np.float32(7391846).view("u4"))),
    "the birth date as a float": with_number(4, int(np.float32(19570312).view("u4"))),
    "the patient's name": binary_stl(np.frombuffer(b"xx".ljust(36, b"\0") + b"Zyxwarth".ljust(12, b"\0"), "<f4")[None]),
    "somebody's name": binary_stl(np.frombuffer(b"Eleonora Mirabelli lives here in Wexham 7 street", "<f4")[None]),
}


@pytest.mark.parametrize("content", BAD_BINARY.values(), ids=BAD_BINARY)
def test_a_binary_stl_that_is_not_plain_is_refused(content):
    assert refused(content)


def test_a_name_across_two_facets_of_two_chunks_is_found(monkeypatch):
    monkeypatch.setattr(surfaces, "_CHUNK", 2)
    monkeypatch.setattr(surfaces, "_LARGEST_SEARCHED", 0)  # as of a large one, which is searched for the patient only
    numbers = np.ones((4, 12), "<f4")
    numbers.view("u1").reshape(-1)[2 * 48 - 4 : 2 * 48 + 4] = list(b"Zyxwarth")
    assert refused(binary_stl(numbers))


def test_large_surfaces_are_searched_for_the_patient_and_huge_ones_refused(monkeypatch):
    numbers = np.random.default_rng(1).normal(0, 80, (25_000, 12)).astype("<f4")
    stl = binary_stl(numbers)
    assert len(stl) > 1 << 20
    assert numbers_of(cleaned(stl))["numbers"].tobytes() == numbers.tobytes()
    numbers[24_000].view("u1")[:8] = list(b"Zyxwarth")
    assert refused(binary_stl(numbers))
    monkeypatch.setattr(surfaces, "LARGEST_SURFACE", len(stl) - 1)
    assert refused(stl)


def test_a_mesh_of_a_sphere_hides_no_text():
    """As many facets as a small anatomical model has: none of their bytes may be taken for words."""
    u, v = np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, 2 * np.pi, 120), indexing="ij")
    points = 40 * np.stack((np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)), -1) + (-100.3, 22.4, 300)
    a, b, c = points[:-1, :-1].reshape(-1, 3), points[1:, :-1].reshape(-1, 3), points[:-1, 1:].reshape(-1, 3)
    numbers = np.concatenate((np.zeros_like(a), a, b, c), 1).astype("<f4")
    assert numbers_of(cleaned(binary_stl(numbers)))["numbers"].tobytes() == numbers.tobytes()


BAD_ASCII = {
    "text behind the end": ASCII + b"\nZyxwarth",
    "a fourth vertex": ASCII.replace(b"  endloop", b"vertex 1 2 3\n  endloop", 1),
    "a line of another kind": ASCII.replace(b"  endloop", b"color 1 2 3\n  endloop", 1),
    "a word for a number": ASCII.replace(b".5 3", b"Zyxwarth 3"),
    "a word beside numbers": ASCII.replace(b".5 3", b".5 3 Zyxwarth"),
    "too few numbers": ASCII.replace(b".5 3", b".5"),
    "a hexadecimal number": ASCII.replace(b".5 3", b"0x5A 3"),
    "a number with underscores": ASCII.replace(b".5 3", b"1_2 3"),
    "digits of another script": ASCII.replace(b".5 3", "١ 3".encode()),
    "an infinite number": ASCII.replace(b".5 3", b"1e400 3"),
    "a vertex that is no number": ASCII.replace(b".5 3", b"nan 3"),
    "the patient's number": ASCII.replace(b".5 3", b"7391846 3"),
    "the patient's number in parts": ASCII.replace(b".5 3", b"7391.846e3 3"),
    "the birth date": ASCII.replace(b".5 3", b"-19570312.0 3"),
    "no end": ASCII.partition(b"endsolid")[0],
    "no solid": b"\n\n",
}


@pytest.mark.parametrize("content", BAD_ASCII.values(), ids=BAD_ASCII)
def test_an_ascii_stl_outside_of_the_grammar_is_refused(content):
    assert refused(content)


BAD_MESH = {
    "a line of another kind": MESH + b"call Zyxwarth\n",
    "a curve": MESH + b"l 1 2\n",
    "a comment that goes on": b"# for \\\nZyxwarth\n" + MESH,
    "a word for a number": MESH + b"v 1 2 Zyxwarth\n",
    "a number too many": MESH + b"vn 1 2 3 4\n",
    "two corners": MESH + b"f 1 2\n",
    "a corner that is not there": MESH + b"f 1 2 7391846\n",
    "a corner before the first": MESH + b"f 1 2 -4\n",
    "corner 0": MESH + b"f 0 1 2\n",
    "a word for a corner": MESH + b"f 1 2 3/Zy\n",
    "the patient's number": MESH + b"v 1 2 7391846.0\n",
    "no vertex": b"# Zyxwarth\n",
}


@pytest.mark.parametrize("content", BAD_MESH.values(), ids=BAD_MESH)
def test_an_obj_with_anything_but_numbers_is_refused(content):
    assert refused(content, b"model/obj")


@pytest.mark.parametrize(
    ("content", "mime"),
    [(ASCII, b"model/stl"), (ASCII + b"\0", b"model/stl"), (MESH, b"model/obj"), (CLEANED_MESH[:-1], b"model/obj")],
)
def test_text_keeps_its_size_and_cleaning_it_again_changes_nothing(content, mime):
    after = cleaned(content, mime)
    assert len(after) == len(content) + len(content) % 2
    assert cleaned(after, mime) == after
    assert is_replacement(after, echo_of_the_patient())


GOOD = {
    "binary": (binary_stl(np.tile(NUMBERS, (9, 1))), b"model/stl"),
    "binary with a pad byte": (binary_stl() + b"Z", b"model/stl"),
    "ascii": (ASCII, b"model/stl"),
    "padded ascii": (ASCII + b"\0" * 9, b"model/stl"),
    "ascii without an end of its line": (CLEANED_ASCII[:-1], b"model/stl"),
    "obj": (MESH, b"model/obj"),
    "obj with much that goes": (b"# Zyxwarth\n" * 40 + MESH, b"model/obj"),
}


@pytest.mark.parametrize("part", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize(("content", "mime"), GOOD.values(), ids=GOOD)
def test_what_is_cleaned_in_parts_is_what_is_cleaned_whole(content, mime, part, monkeypatch):
    whole = cleaned(content, mime)
    monkeypatch.setattr(byte_range, "_PART", part)
    monkeypatch.setattr(surfaces, "_WRITTEN", part)
    monkeypatch.setattr(surfaces, "_CHUNK", min(part, 4))
    monkeypatch.setattr(surfaces, "_LONGEST_LINE", 1 << 10)
    assert cleaned_in_parts(content, mime) == whole


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        *((content, b"model/stl") for content in BAD_ASCII.values()),
        *((mesh, b"model/obj") for mesh in BAD_MESH.values()),
    ],
)
def test_what_is_refused_whole_is_refused_in_parts(content, mime):
    with pytest.raises(Quarantined):
        cleaned_in_parts(content, mime)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=80).map(lambda raw: raw.replace(b"\n\n", b"\n")), st.integers(1, 9))
def test_lines_of_a_range_are_those_of_its_bytes(content, part):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_range, "_PART", part)
        found = list(ByteRange(b"xx" + content + b"yy", 2, 2 + len(content)).lines(b" \0\n"))
    kept = content.rstrip(b" \0\n")
    assert found == (kept.split(b"\n") if kept else [])


def test_a_line_without_end_is_refused_and_never_held(monkeypatch):
    monkeypatch.setattr(byte_range, "_LONGEST_LINE", 1 << 17)
    content = b"solid " + b"x" * (1 << 22)
    assert max(len(line) for line in ByteRange(content, 0, len(content)).lines(b"\0")) < 1 << 19
    with pytest.raises(Quarantined):
        cleaned_in_parts(content)


@pytest.mark.parametrize("document_of", ["binary", "ascii", "obj"])
def test_long_documents_are_written_like_short_ones(document_of, document, deidentify, monkeypatch):
    numbers = np.random.default_rng(1).normal(0, 80, (6_000, 12)).astype("<f4")
    files = {
        "binary": document(STL, binary_stl(numbers)),
        "ascii": document(STL, ASCII + (b"\n" + CLEANED_ASCII) * 900, number=2),
        "obj": document(OBJ, MESH * 4000, number=3),
    }
    files = {document_of: files[document_of]}
    outcome, destination = deidentify(files)
    short = (destination / outcome.files[0].output).read_bytes()
    (destination / outcome.files[0].output).unlink()
    (destination.parent / "report" / "journal.jsonl").unlink()
    for folder in sorted(destination.rglob("*"), reverse=True):
        folder.rmdir()
    monkeypatch.setattr(deciding, "_LONG_DOCUMENT", 0)
    outcome, destination = deidentify(files)
    assert outcome.files[0].reason == ""
    assert (destination / outcome.files[0].output).read_bytes() == short


def test_explain_tells_the_size_of_a_long_document(document, secret, tmp_path, monkeypatch):
    path = tmp_path / "a.dcm"
    path.write_bytes(document(STL, binary_stl()))
    monkeypatch.setattr(deciding, "_LONG_DOCUMENT", 0)
    rows = {row.name: row for row in explain_file(path, load_profile("research-shifted-dates"), secret)}
    size = len(binary_stl())
    assert (rows["EncapsulatedDocument"].action, rows["EncapsulatedDocument"].after) == ("replaced", f"{size} bytes")


@pytest.mark.parametrize("content", [binary_stl(np.tile(NUMBERS, (15_000, 1))), CLEANED_ASCII * 4_000])
def test_a_large_surface_is_never_held(content, tmp_path, monkeypatch):
    """Nor is the map of its file kept open by what will read it again."""
    path = tmp_path / "surface"
    path.write_bytes(content)
    monkeypatch.setattr(byte_range, "_PART", 1 << 12)
    monkeypatch.setattr(surfaces, "_WRITTEN", 1 << 12)
    monkeypatch.setattr(surfaces, "_CHUNK", 1 << 8)
    echo = echo_of_the_patient()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        tracemalloc.start()
        try:
            result = surface_cleaned(b"model/stl", ByteRange(mapped, 0, len(content)), echo)
            size = sum(len(chunk) for chunk in result.chunks())
            assert tracemalloc.get_traced_memory()[1] < len(content) / 2
        finally:
            tracemalloc.stop()
        next(result.chunks())
    assert mapped.closed
    assert size == len(content) + len(content) % 2


def test_only_what_is_clean_passes_for_a_replacement():
    """Digits of coordinates repeat the short number of this patient, which says nothing; words do."""
    echo = echo_of_the_patient()
    assert echo.is_in_bytes(CLEANED_ASCII)
    assert is_replacement(CLEANED_ASCII + b"\n" * (len(CLEANED_ASCII) % 2), echo)
    for content in (
        ASCII,
        MESH,
        CLEANED_ASCII.replace(b"solid\n", b"solid Zyxwarth\n"),
        CLEANED_MESH + b"# Zyxwarth\n",
    ):
        assert not is_replacement(content + b"\n" * (len(content) % 2), echo)
    assert not is_replacement(CLEANED_ASCII.replace(b"-1.25", b"27391"), echo)


def test_a_length_that_says_nothing_is_not_written(make_dataset, encode, deidentify):
    dataset = make_dataset(STL, Modality="M3D", MIMETypeOfEncapsulatedDocument="model/stl")
    del dataset.PixelData
    dataset.EncapsulatedDocument, dataset.EncapsulatedDocumentLength = binary_stl(), None
    outcome, destination = deidentify({"a": encode(dataset)})
    after = pydicom.dcmread(destination / outcome.files[0].output)
    assert "EncapsulatedDocumentLength" not in after
    assert numbers_of(after.EncapsulatedDocument)["numbers"].tobytes() == NUMBERS.tobytes()

"""What the splice engine writes equals what a plain pydicom engine writes that asks the same rules."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from DeidentifyStudyCore.cleaning.engine import Engine
from DeidentifyStudyCore.cleaning.stream import write_object
from DeidentifyStudyCore.dicom.charset import codecs_of
from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.dicom.standard import attribute_types
from DeidentifyStudyCore.errors import MalformedFile, Quarantined
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.index import index_files
from DeidentifyStudyCore.profile import shipped_profiles
from DeidentifyStudyCore.rules.book import MARKERS, RuleBook
from DeidentifyStudyCore.rules.model import Context, Element, Kind, Mode, Subject
from DeidentifyStudyCore.rules.private import safe_vr
from DeidentifyStudyCore.rules.text import vocabulary

Row = tuple[tuple[object, ...], int, str, bytes]
MAIN_PIXELS = {0x7FE00010, 0x7FE00001, 0x7FE00002}


class PlainEngine:
    """Walks pydicom's elements one by one: no spans, no memory of decisions, nothing spliced."""

    def __init__(self, book: RuleBook, pseudonyms: Pseudonyms, subject: Subject) -> None:
        self.book, self.pseudonyms, self.subject = book, pseudonyms, subject

    def rows(self, dataset: Dataset, big: bool) -> list[Row]:
        character_set = raw_value(dataset, 0x00080005).rstrip(b" \0")
        item = {0x00420012: raw_value(dataset, 0x00420012)} if 0x00420012 in dataset else {}
        types = attribute_types(text(raw_value(dataset, 0x00080016)))
        context = Context(self.subject, self.pseudonyms, types, codecs_of(character_set), item=item)
        return list(self._rows(dataset, context, (), big))

    def _rows(  # noqa: C901  # plain on purpose: it is read beside the rules
        self, dataset: Dataset, context: Context, where: tuple[object, ...], big: bool
    ) -> Iterator[Row]:
        tags = sorted(int(tag) for tag in dataset._dict)
        creators = {t: text(raw_value(dataset, t)) for t in tags if t >> 16 & 1 and 0x10 <= t & 0xFFFF <= 0xFF}
        for tag in tags:
            if not where and tag in MAIN_PIXELS:
                continue
            element = dataset.get_item(tag)
            vr = file_vr = element.VR or dictionary_vr(tag).decode()
            private = bool(tag >> 16 & 1)
            if private:
                creator = creators.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF, "")
                vr = safe_vr(creator, tag)
                if self.book.private is None or context.mode is Mode.DUMMY:
                    continue
                if tag in creators:
                    if any(
                        t >> 16 & 1 and t & 0xFFFF0000 | t >> 8 & 0xFF == tag and safe_vr(creators[tag], t)
                        for t in tags
                    ):
                        yield where, tag, file_vr, raw_value(dataset, tag)
                    continue
                if not vr:
                    continue
                if file_vr not in {"UN", vr}:
                    vr = file_vr if file_vr not in {"OB", "SQ"} else ""
            elif vr == "UN":
                vr = dictionary_vr(tag).decode()
            sequence = isinstance(element.value, Sequence) or vr == "SQ"
            content = b"" if sequence else raw_value(dataset, tag)
            filled = bool(element.value)
            rule = self.book.private if private else self.book.rule_for(tag, "SQ" if sequence else vr)
            asked = Element(
                tag, "SQ" if sequence else vr, content or (b"+" if filled else b""), big and file_vr != "UN"
            )
            action = rule.apply(asked, context)
            if action.kind is Kind.REMOVE:
                continue
            if action.kind is Kind.REPLACE and sequence:
                continue  # emptied
            if action.kind is Kind.REPLACE:
                yield where, tag, file_vr, action.value.rstrip(b" \0")
            elif action.kind is Kind.KEEP and not sequence:
                yield where, tag, file_vr, content
            else:
                yield from self._items(dataset[tag].value, tag, context, where, action.mode, big)

    def _items(self, items, tag, context, where, mode, big) -> Iterator[Row]:
        repeated = tag == 0x0040A730 and context.path[-1:] == (tag,)
        path = context.path if repeated else (*context.path, tag)
        for number, item in enumerate(items):
            siblings = {int(t): sibling(item, int(t)) for t in item._dict}
            if tag == 0x0040A300 and 0x0040A043 in context.item:
                siblings[0x0040A043] = context.item[0x0040A043]
            codecs = codecs_of(siblings[0x00080005].rstrip(b" \0")) if 0x00080005 in siblings else context.codecs
            below = Context(self.subject, self.pseudonyms, context.types, codecs, path, siblings, mode)
            yield from self._rows(item, below, (*where, (tag, number)), big)


def text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")


def raw_value(dataset: Dataset, tag: int) -> bytes:
    if tag not in dataset._dict:
        return b""
    value = dataset.get_item(tag).value
    if tag == 0x00080005 and value and not isinstance(value, bytes):  # pydicom decodes this one at once
        return "\\".join([value] if isinstance(value, str) else list(value)).encode()
    return value if isinstance(value, bytes) else b""


def sibling(item: Dataset, tag: int) -> bytes:
    value = item.get_item(tag).value
    if isinstance(value, bytes):
        return value
    return b"\\".join(raw_value(nested, 0x00080100) for nested in value) if value else b""


def rows_of(dataset: Dataset, where: tuple[object, ...] = ()) -> Iterator[Row]:
    """Flatten what was written; raw bytes, as they are in the file."""
    for tag in sorted(int(tag) for tag in dataset._dict):
        if not where and tag in MARKERS | MAIN_PIXELS:
            continue
        element = dataset.get_item(tag)
        vr = element.VR or dictionary_vr(tag).decode()
        opened_here = isinstance(element.value, Sequence) or vr == "SQ"
        if vr == "UN" and element.value:
            opened_here = dictionary_vr(tag) == b"SQ" and isinstance(dataset[tag].value, Sequence)
        if opened_here and not isinstance(element.value, bytes | type(None)):
            for number, item in enumerate(element.value):
                yield from rows_of(item, (*where, (tag, number)))
        elif opened_here:
            for number, item in enumerate(dataset[tag].value or []):
                yield from rows_of(item, (*where, (tag, number)))
        else:
            yield where, tag, vr, raw_value(dataset, tag)


def tidy(rows: list[Row]) -> list[Row]:
    """Padding is the writer's business; pydicom gives an empty UN the VR of the dictionary."""
    return [
        (where, tag, vr if value or vr != "UN" else dictionary_vr(tag).decode(), value.rstrip(b" \0"))
        for where, tag, vr, value in rows
    ]


def compare(path: Path, out: Path, profile, secret) -> bool:
    facts, patients = index_files(path.parent, [(path.name, "")], profile)
    if facts[0].reason or facts[0].is_dicomdir:
        return False
    echo = patients[facts[0].patient].built(vocabulary())
    subject = Subject("SUBJ-00001", -777, echo)
    pseudonyms = Pseudonyms.of(secret, profile.shift_days, retain_uids=False)
    book = RuleBook(profile)
    try:
        with opened(path) as source:
            write_object(source, Engine(book, pseudonyms, subject).rewrite(source), out)
            if source.slack:
                return False
    except (Quarantined, MalformedFile):
        return False
    before = pydicom.dcmread(path, force=True)
    big = not before.original_encoding[1]
    expected = tidy(PlainEngine(book, pseudonyms, subject).rows(before, big))
    assert tidy(list(rows_of(pydicom.dcmread(out)))) == expected, path.name
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "step"), [("hipaa-safe-harbor", 9), ("research-shifted-dates", 1), ("internal-pseudonymous", 10)]
)
def test_every_real_file(name, step, shared_data, tmp_path, secret):
    profile = shipped_profiles()[name]
    own = [Path(found) for found in pydicom.data.get_testdata_files()]
    paths = [path for path in (*own, *sorted((shared_data / "dicom").rglob("*"))) if path.is_file()]
    small = [path for path in paths if path.stat().st_size < 1 << 20][::step]
    compared = sum(compare(path, tmp_path / "out", profile, secret) for path in small)
    assert compared > 200 // step


WORDS = st.sampled_from(
    ["liver", "Zyxwarth", "CT abdomen 5mm", "12.03.1957", "MRN-7391846", "", "Smith", "ARTERIAL\\x"]
)
ELEMENTS = st.one_of(
    st.tuples(st.sampled_from([0x00081030, 0x0008103E, 0x00104000, 0x00204000, 0x00181020, 0x0040A160]), WORDS),
    st.tuples(
        st.sampled_from([0x00100010, 0x00080090, 0x0040A123, 0x00081070]), st.sampled_from(["A^B", "Zyxwarth^Q"])
    ),
    st.tuples(
        st.sampled_from([0x00080020, 0x00080021, 0x0040A121]), st.sampled_from(["20240229", "x", "19570312", ""])
    ),
    st.tuples(st.sampled_from([0x0020000D, 0x00081155, 0x00200052]), st.sampled_from(["1.2.3.4", "1.2.840.10008.1.1"])),
    st.tuples(st.sampled_from([0x00101010]), st.sampled_from(["045Y", "093Y", "x"])),
    st.tuples(st.sampled_from([0x00280010, 0x00280011]), st.integers(0, 65535)),
    st.tuples(st.sampled_from([0x00180050, 0x00201041]), st.sampled_from(["1.5", "7391846", "-3"])),
)


@st.composite
def contents(draw, depth: int = 2) -> Dataset:
    dataset = Dataset()
    for tag, value in draw(st.lists(ELEMENTS, max_size=8)):
        dataset.add_new(tag, dictionary_vr(tag).decode(), value)
    if draw(st.booleans()):
        block = dataset.private_block(0x0019, draw(st.sampled_from(["GEMS_ACQU_01", "ACME"])), create=True)
        block.add_new(0x23, "DS", "1.5")
        block.add_new(0x9E, "LO", draw(WORDS))
    if depth:
        for tag in draw(
            st.lists(st.sampled_from([0x00081140, 0x0040A730, 0x00081115, 0x00082218]), max_size=2, unique=True)
        ):
            dataset.add_new(tag, "SQ", Sequence(draw(st.lists(contents(depth=depth - 1), max_size=2))))
            dataset[tag].is_undefined_length = draw(st.booleans())
    return dataset


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=contents(), name=st.sampled_from(sorted(shipped_profiles())))
def test_every_generated_data_set(syntax, content, name, make_dataset, encode, tmp_path, secret):
    dataset = make_dataset()
    keep = {0x00080016, 0x00080018, 0x0020000E, 0x00280010, 0x00280011}
    for element in content:
        if int(element.tag) not in keep:
            dataset.add(element)
    path = tmp_path / "in"
    path.write_bytes(encode(dataset, syntax))
    assert pydicom.dcmread(BytesIO(path.read_bytes())).SOPInstanceUID == dataset.SOPInstanceUID
    assert compare(path, tmp_path / "out", shipped_profiles()[name], secret)

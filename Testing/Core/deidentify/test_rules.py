"""Each rule does what it says, and the ones that matter do it by published definitions."""

import datetime
import json
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom.charset import codecs_of
from DeidentifyStudyCore.dicom.dictionary import dictionary_vr
from DeidentifyStudyCore.dicom.standard import attribute_types, table_rows
from DeidentifyStudyCore.errors import ProfileError
from DeidentifyStudyCore.identity.dates import capped_age, shifted_date, shifted_datetime, spellings
from DeidentifyStudyCore.identity.echo import Echo, EchoBuilder
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.profile import OPTIONS, load_profile, parse_profile, shipped_profiles
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Context, Element, Kind, Subject
from DeidentifyStudyCore.rules.removal import dummy_value
from DeidentifyStudyCore.rules.text import clean_text, vocabulary

CT = "1.2.840.10008.5.1.4.1.1.2"
bounded = settings(max_examples=80, deadline=None, derandomize=True)


def echo_of() -> Echo:
    builder = EchoBuilder(vocabulary())
    builder.add_name("Zyxwarth^Quillon=山田^太郎")
    builder.add_identifier("MRN-7391846")
    builder.add_date("19570312", of_birth=True)
    return builder.built(vocabulary())


@pytest.fixture
def context(secret):
    pseudonyms = Pseudonyms.of(secret, (-3650, -365), retain_uids=False)
    return Context(Subject("SUBJ-00001", -1000, echo_of()), pseudonyms, attribute_types(CT), codecs_of(b"ISO_IR 192"))


def asked(profile, tag, vr, value, context):
    action = RuleBook(profile).rule_for(tag, vr).apply(Element(tag, vr, value), context)
    return action.kind, action.value


def with_options(*options):
    base = {"format": "deidentify-profile/1", "name": "t", "version": "1", "description": "t"}
    return parse_profile(json.dumps(base | {"options": sorted(options)}), "test")


def test_every_row_of_the_table_is_obeyed_without_options(context):
    book = RuleBook(with_options())
    allowed = {
        "X": {Kind.REMOVE},
        "Z": {Kind.REPLACE},
        "D": {Kind.REPLACE, Kind.ITEMS},
        "U": {Kind.REPLACE, Kind.ITEMS},
    }
    markers = {"00280303", "00120063", "00120064", "00120062"}
    for row in table_rows().values():
        if row.tag in markers or row.tag == "00420011":
            continue
        tag = int(row.tag.replace("x", "0"), 16)
        vr = dictionary_vr(tag).decode()
        action = book.rule_for(tag, vr).apply(Element(tag, vr, b"1.2.3"), context)
        choices = set().union(*(allowed[letter] for letter in re.sub(r"[/*]", "", row.basic)))
        if context.type_of(tag) != "3":  # PS3.15: never less than the row says, never an invalid object
            choices |= {Kind.REPLACE, Kind.ITEMS}
        if tag >> 24 in {0x50, 0x60} or tag >> 16 < 8 or tag >> 16 >= 0xFFFA:
            choices = {Kind.REMOVE}
        if tag == 0x00120081:  # D, but of type 1C: must not be there without the number, which the table removes
            choices = {Kind.REMOVE}
        if tag == 0x00100020:
            assert action.value == b"SUBJ-00001"
        assert action.kind in choices, (row.tag, row.name, row.basic)


@pytest.mark.parametrize(
    ("option", "tag", "vr", "value", "kind"),
    [
        ("clean_descriptors", 0x0008103E, "LO", b"AX T1 liver", Kind.KEEP),
        ("clean_descriptors", 0x0008103E, "LO", b"AX T1 Quillon", Kind.REPLACE),
        ("retain_uids", 0x0020000D, "UI", b"1.2.3", Kind.KEEP),
        ("retain_device_identity", 0x00181000, "LO", b"SN-17", Kind.KEEP),
        ("retain_institution_identity", 0x00080080, "LO", b"St. Anywhere", Kind.KEEP),
        ("retain_patient_characteristics", 0x00101030, "DS", b"70.5", Kind.KEEP),
        ("retain_patient_characteristics", 0x00101010, "AS", b"093Y", Kind.REPLACE),
        ("retain_longitudinal_full_dates", 0x00080020, "DA", b"20240229", Kind.KEEP),
        ("retain_longitudinal_modified_dates", 0x00080020, "DA", b"20240229", Kind.REPLACE),
        ("retain_longitudinal_modified_dates", 0x00080030, "TM", b"101112", Kind.KEEP),
        ("retain_longitudinal_full_dates", 0x00100030, "DA", b"19570312", Kind.REPLACE),
        ("clean_structured_content", 0x0040A730, "SQ", b"+", Kind.ITEMS),
        ("clean_graphics", 0x00700001, "SQ", b"+", Kind.ITEMS),
    ],
)
def test_options(option, tag, vr, value, kind, context):
    assert asked(with_options(option), tag, vr, value, context)[0] is kind


@pytest.mark.parametrize(
    ("vr", "width"),
    [("US", 2), ("AT", 4), ("UL", 4), ("FL", 4), ("OF", 4), ("OL", 4), ("FD", 8), ("OD", 8), ("OV", 8), ("SV", 8),
     ("OB", 2), ("OW", 2)],
)  # fmt: skip
def test_a_dummy_has_the_width_of_its_vr_also_where_the_file_has_the_wrong_one(vr, width, context):
    assert len(dummy_value(Element(0x0072006A, vr, b"Quillon "), context)) == width


def test_uids_are_version_8_uuids_and_depend_on_key_and_value_only(secret):
    pseudonyms = Pseudonyms.of(secret, (-10, 90), retain_uids=False)
    new = pseudonyms.uid("1.2.3.4")
    number = uuid.UUID(int=int(new.removeprefix("2.25.")))
    assert new.startswith("2.25.")
    assert number.version == 8
    assert number.variant == uuid.RFC_4122
    assert len(new) <= 64
    assert new == Pseudonyms.of(Secret(secret.root), (0, 90), retain_uids=False).uid("1.2.3.4")
    assert new != Pseudonyms.of(Secret(bytes(32)), (-10, 90), retain_uids=False).uid("1.2.3.4")
    assert pseudonyms.uid("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"
    assert len({pseudonyms.uid(f"1.2.{n}") for n in range(2000)}) == 2000


@pytest.mark.parametrize("key", [bytes([n]) * 32 for n in range(20)])
def test_offsets_lie_in_their_range_and_are_never_zero(key):
    pseudonyms = Pseudonyms.of(Secret(key), (-30, 30), retain_uids=False)
    offsets = [pseudonyms.date_offset(f"id\0{n}") for n in range(200)]
    assert set(offsets) <= set(range(-30, 31)) - {0}
    assert len(set(offsets)) > 30


@bounded
@given(
    first=st.dates(datetime.date(1900, 1, 1)), second=st.dates(datetime.date(1900, 1, 1)), days=st.integers(-3650, 3650)
)
def test_intervals_survive_the_shift(first, second, days):
    moved = [shifted_date(date.strftime("%Y%m%d"), days) for date in (first, second)]
    if None not in moved:
        then = [datetime.datetime.strptime(text, "%Y%m%d").date() for text in moved]
        assert then[1] - then[0] == second - first


def test_date_values():
    assert shifted_date("20240229", 1) == "20240301"
    assert shifted_date("2024.02.29", -1) == "20240228"
    assert shifted_date("20230229", 1) is None
    assert shifted_date("00010101", -1) is None
    assert shifted_datetime("20240229235959.123456+0100", 1) == "20240301235959.123456+0100"
    assert shifted_datetime("2024", 1) is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("093Y", "090Y"),
        ("999M", "999M"),
        ("1080", None),
        ("45Y", None),
        ("007D", "007D"),
    ],
)
def test_ages_over_89_become_90(age, expected):
    assert capped_age(age) == expected


def test_a_birth_date_is_found_however_it_is_spelled():
    found = spellings(datetime.date(1957, 3, 12))
    assert {"19570312", "12.03.1957", "3/12/1957", "12 mar 1957", "march 12, 1957", "12-mar-1957"} <= found
    echo = echo_of()
    for text in ("born 12.03.1957", "DOB 3/12/1957", "12 MAR 1957", "x19570312y"):
        assert echo.is_in(text), text
    assert not echo.is_in("13.03.1957")


@pytest.mark.parametrize(
    "text",
    [
        "ZYXWARTH",
        "zyxwarth",
        "Zyxwárth",
        "Z-y-x-w-a-r-t-h",
        "quillonzyxwarth",
        "MRN 7391846",
        "mrn_7391846",
        "ID:7391846x",
        "山田太郎",
    ],
)
def test_names_and_numbers_are_found_in_every_spelling(text):
    assert echo_of().is_in(text)


@pytest.mark.parametrize(
    "text",
    ["SN WnlYd2FydGheUXVpbGxvbg==", "x5a7978776172746800", "Zyx%77arth", "&#90;&#121;&#120;warth", "a%20b Quill%6Fn"],
)
def test_names_are_found_in_wrappings(text):
    builder = EchoBuilder()
    builder.add_name("Zyxwarth^Quillon")
    echo = builder.built()
    assert echo.is_in(text.replace("x5a", "5a"))
    assert not echo.is_in("SN QWJjZGVmZ2hpamts 0a0b0c0d0e0f 50% of & Standard")


def test_free_text_keeps_what_science_needs():
    kept = ["CT Abdomen w/ contrast 5.0 mm", "T2 FLAIR ax 3mm", "b1000 DWI 512x512", "AX T1 +C", "Lumbar spine, L4/L5"]
    for text in kept:
        assert clean_text(text, echo_of()) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Dr. Smith: CT abdomen", "CT abdomen"),
        ("call +49 771 5512-33 liver", "liver"),
        ("liver j.doe@x.org", "liver"),
        ("liver https://x.example/a?b=7 ok", "liver"),
        ("seen 12 Mar 1957 at 14:30", "seen at"),
        ("patient 93 yo", "patient"),
        ("ID 4711 brain", "brain"),
        ("192.168.10.20 brain", "brain"),
        ("chest 1.2.826.0.1.3680043.2.1143.5", "chest"),
        ("Müller Straße chest", "chest"),
        ("Zyx warth chest", "chest"),
        ("王小东 chest", "chest"),
        ("line one liver\nHerr Smith\nspleen", "line one liver\nspleen"),
    ],
)
def test_free_text_drops_everything_else(text, left):
    assert clean_text(text, echo_of()) == left


@bounded
@given(text=st.text(max_size=60), name=st.from_regex(r"[A-Z][a-z]{4,9}", fullmatch=True))
def test_no_text_around_a_name_lets_it_through(text, name):
    builder = EchoBuilder(vocabulary())
    builder.add_name(name)
    echo = builder.built(vocabulary())
    for free in (f"{text} {name}", f"{name.upper()}{text}", f"{text}_{name}_liver"):
        assert not echo.is_in(clean_text(free, echo))
        assert name.lower() not in clean_text(free, echo).lower().split()


def test_a_patient_named_like_a_word_of_the_field():
    builder = EchoBuilder(vocabulary())
    builder.add_name("Chest^Liver")
    echo = builder.built(vocabulary())
    assert clean_text("CT chest", echo) == "CT"
    assert not echo.is_in("CHEST")  # a defined term such as Body Part Examined says nothing of the person


def test_class_uids_stay_and_instance_uids_do_not(context):
    profile = with_options()
    assert asked(profile, 0x00080016, "UI", CT.encode(), context)[0] is Kind.KEEP
    assert asked(profile, 0x00081150, "UI", b"1.3.12.2.1107.5.9.1", context)[0] is Kind.KEEP
    assert asked(profile, 0x00081150, "UI", b"1.2.3.7391846", context)[0] is Kind.REPLACE
    assert asked(profile, 0x30060024, "UI", b"1.2.3", context)[0] is Kind.REPLACE


def test_shipped_profiles_are_what_their_names_say():
    profiles = shipped_profiles()
    assert sorted(profiles) == [
        "gdpr-anonymous",
        "hipaa-safe-harbor",
        "internal-pseudonymous",
        "research-shifted-dates",
    ]
    assert profiles["gdpr-anonymous"].ephemeral
    assert not any("dates" in option for option in profiles["hipaa-safe-harbor"].options)
    assert "retain_longitudinal_modified_dates" in profiles["research-shifted-dates"].options
    assert "retain_longitudinal_full_dates" in profiles["internal-pseudonymous"].options
    assert len({profile.digest for profile in profiles.values()}) == 4


def test_pixels_and_faces_are_never_claimed_by_header_work():
    profile = with_options(*set(OPTIONS) - {"retain_longitudinal_full_dates"})
    assert not {"113101", "113102"} & set(profile.method_codes())
    assert "113105" in profile.method_codes()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ('"options": ["nonsense"]', "$.options[0]"),
        ('"options": ["retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"]', "$.options"),
        ('"shift_days": [1]', "$.shift_days"),
        ('"patient_id": "SITE"', "$.patient_id"),
        ('"patient_id": "{n.real}"', "$.patient_id"),
        ('"key": "usb"', "$.key"),
        ('"attributes": {"0009,0010": "K"}', "$.attributes['0009,0010']"),
        ('"attributes": {"0008,0080": "Q"}', "$.attributes['0008,0080']"),
        ('"colour": 1', "$.colour"),
        ('"version": ""', "$.version"),
    ],
)
def test_an_invalid_profile_names_the_path(change, path):
    base = '{"format": "deidentify-profile/1", "name": "t", "version": "1", "description": "t", %s}'
    with pytest.raises(ProfileError, match=re.escape(path)):
        parse_profile(base % change, "p.json")


def test_a_profile_can_override_single_attributes(context):
    profile = parse_profile(
        '{"format": "deidentify-profile/1", "name": "t", "version": "1", "description": "t", '
        '"attributes": {"0008,1090": "X", "0008,0080": "K"}}',
        "test",
    )
    assert asked(profile, 0x00081090, "LO", b"Model", context)[0] is Kind.REMOVE
    assert asked(profile, 0x00080080, "LO", b"House", context)[0] is Kind.KEEP


def test_an_unknown_profile_is_refused():
    with pytest.raises(ProfileError, match="hipaa-safe-harbor"):
        load_profile("nothing")

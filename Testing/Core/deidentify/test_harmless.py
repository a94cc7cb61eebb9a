"""What is kept by its bytes alone is what its rule keeps, whoever the patient is."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.dicom.charset import codecs_of
from DeidentifyStudyCore.dicom.standard import attribute_types
from DeidentifyStudyCore.identity.echo import Echo
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.profile import load_profile, shipped_profiles
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.harmless import harmless
from DeidentifyStudyCore.rules.model import KEEP, Context, Element, Subject

ATTRIBUTES = [(0x00180050, "DS"), (0x00200032, "DS"), (0x00200013, "IS"), (0x00181151, "IS"), (0x00080032, "TM")]
SHAPES = {
    "DS": r" ?[+-]?[0-9]{3,6}(\.[0-9]{0,3})? ?(\\[0-9]{3,6})?",
    "IS": r" ?[+-]?[0-9]{3,6} ?(\\[0-9]{3,6})?",
    "TM": r"([0-9]{2}){1,4}(\.[0-9]{1,6})?[ \x00]?",
}
ANYTHING = r"[0-9 +.\\-]{0,12}"
secret = Secret(bytes(range(32)))


def context_of(numbers: set[str], birth: datetime.date) -> Context:
    echo = Echo(frozenset(numbers), frozenset(), frozenset({birth}), frozenset(), frozenset({birth}))
    pseudonyms = Pseudonyms.of(secret, (-3650, -365), retain_uids=False)
    types = attribute_types("1.2.840.10008.5.1.4.1.1.2")
    return Context(Subject("SUBJ-1", -400, echo), pseudonyms, types, codecs_of(b"ISO_IR 192"))


@pytest.mark.parametrize("name", shipped_profiles())
@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    asked=st.sampled_from(ATTRIBUTES).flatmap(
        lambda attribute: st.tuples(
            st.just(attribute), st.from_regex(SHAPES[attribute[1]], fullmatch=True) | st.from_regex(ANYTHING)
        )
    ),
    numbers=st.sets(st.from_regex(r"[0-9]{1,8}", fullmatch=True), max_size=4),
    birth=st.dates(datetime.date(1900, 1, 1), datetime.date(2025, 1, 1)),
)
def test_what_is_harmless_is_kept_for_every_patient(name, asked, numbers, birth):
    (tag, vr), text = asked
    value = text.encode("ascii", "ignore")
    rule = RuleBook.of(load_profile(name)).rule_for(tag, vr)
    safe = harmless(rule, vr)
    if safe is not None and safe.fullmatch(value):
        digits = {part for part in value.decode().replace(".", "\\").split("\\") if part.isdigit()}
        assert rule.apply(Element(tag, vr, value), context_of(numbers | digits, birth)) == KEEP


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DS", b"-125.3451\\0.5 ", True),
        ("DS", b"12345", False),
        ("DS", b"1e4", False),
        ("DS", b"12..5", False),
        ("IS", b"7 ", True),
        ("IS", b"7.5", False),
        ("IS", b"", False),
        ("TM", b"101112.123456", True),
        ("TM", b"Zyxwarth", False),
        ("TM", b"996112", False),
        ("TM", b"19570312", False),
    ],
)
def test_harmless_values_are_short_numbers_and_times(vr, value, expected):
    rule = RuleBook.of(load_profile("research-shifted-dates")).rule_for(dict(map(reversed, ATTRIBUTES))[vr], vr)
    assert (harmless(rule, vr).fullmatch(value) is not None) is expected


def test_times_that_must_go_are_never_harmless():
    rule = RuleBook.of(load_profile("hipaa-safe-harbor")).rule_for(0x00080032, "TM")
    assert harmless(rule, "TM") is None

"""What a text or a term says stays what it says: negations, descriptors of series, terms of the standard."""

import pytest

from DeidentifyStudyCore.charset import codecs_of
from DeidentifyStudyCore.echo import EchoBuilder
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import KEEP, Context, Element, Subject
from DeidentifyStudyCore.standard import attribute_types
from DeidentifyStudyCore.text import clean_text

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(scope="module")
def echo():
    builder = EchoBuilder()
    builder.add_name("Zyxwarth^Quillon")
    return builder.built()


@pytest.mark.parametrize(
    "text",
    [
        "MRI BRAIN W/O CONTRAST", "CT CHEST w/wo contrast", "LUMBAR SPINE WO/W CONTRAST", "r/o fracture",
        "s/p resection", "NON CON", "kein Infarkt", "sans contraste", "never seen", "denies pain",
        "no evidence of disease", "wasn't enlarged",
    ],
)  # fmt: skip
def test_no_negation_is_lost(text, echo):
    kept = clean_text(text, echo)
    assert kept.split()[0] == text.split()[0]
    assert clean_text(f"{text} Zyxwarth", echo) == kept
    assert ("/" in kept) == ("/" in text)


@pytest.mark.parametrize(
    "text",
    [
        "t1_mprage_sag_p2_iso", "t2_space_dark-fluid_sag_p2_iso", "ep2d_diff_mddw_20_p2", "ep2d_bold_moco",
        "T1W_3D_TFE", "LGE PSIR", "T1 MOLLI native", "DTI 64 directions", "HWS seitlich",
        "Thorax 1.0 B30f", "Prostate VMAT Arc 1", "18F-FDG", "Omnipaque 350", "ADC (10^-6 mm²/s)",
    ],
)  # fmt: skip
def test_names_of_series_stay(text, echo):
    assert clean_text(text, echo) == text


@pytest.mark.parametrize(
    ("tag", "term"),
    [
        (0x00541100, "DLYD"), (0x00282114, "ISO_10918_1"), (0x00282114, "ISO_15444_1"), (0x00186031, "SECTOR_MECH"),
        (0x00189170, "START_RESPIR"), (0x00180022, "CARD_TRIG"), (0x00185101, "PROX LAD"),
    ],
)  # fmt: skip
def test_defined_terms_stay(tag, term, echo, secret):
    pseudonyms = Pseudonyms.of(secret, (-3650, -365), retain_uids=False)
    context = Context(Subject("SUBJ-00001", -1000, echo), pseudonyms, attribute_types(CT), codecs_of(b"ISO_IR 192"))
    rule = RuleBook(load_profile("gdpr-anonymous")).rule_for(tag, "CS")
    assert rule.apply(Element(tag, "CS", term.encode()), context) == KEEP
    for stranger in ("ISO_12345_67", "HUFIGOVOZ", "QUILLON"):
        assert rule.apply(Element(tag, "CS", stranger.encode()), context) != KEEP


@pytest.mark.parametrize(
    "text",
    [
        "93 year old", "93yo", "93-jährige", "93-jähriger", "Alter 93", "age: 93", "aged 101", "93 ans", "93 años",
        "93 anni", "leeftijd 93", "93岁",
    ],
)  # fmt: skip
def test_ages_over_89_are_told_in_no_text(text, echo):
    kept = clean_text(f"chest {text}, nodule 93 mm", echo)
    assert kept.startswith("chest")
    assert kept.endswith("nodule 93 mm")
    assert kept.count("93") == 1
    assert "101" not in kept


@pytest.mark.parametrize("text", ["89 year old", "age 89", "age 9", "image 93", "dose 93", "93 mm"])
def test_other_numbers_stay(text, echo):
    assert clean_text(text, echo) == text

"""Ages over 89, dates, numbers in groups and names with titles go from every text; what only looks like them stays."""

import datetime
import re

import pytest

from DeidentifyStudyCore.identity.dates import spellings
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.rules.text import Allowed, clean_text, has_identifier_pattern

NOTHING = EchoBuilder().built()
EVERY_WAY = pytest.mark.parametrize("allowed", list(Allowed))


@pytest.mark.parametrize(
    "age",
    [
        "94M", "94F", "94 M", "94 m", "M94", "f94", "94/M", "F/94", "94-M", "M, 94", "94 (F)", "94 male", "female 94",
        "male: 94", "94 year-old", "94-year-old", "94-year-old M", "94 yM", "94yM", "94 wF", "94yof",
        "94 y.o.", "94y/o",
        "94 ys", "094Y", "94 år", "patient is 94", "Patient ist 94", "she is 94", "he was now 94", "pt is aged 94",
        "yo 94", "yo:94", "y/o 94", "age is 94", "Age=94", "aged (94", "94 man", "woman 94", "94 Frau", "Mann, 94",
        "94 weiblich", "94 femme", "homme 94", "94 hombre", "donna 94", "94_M", "94男", "９４ M", "94 W", "M 94 yo",
    ],
)  # fmt: skip
@EVERY_WAY
def test_an_age_over_89_is_told_by_its_sex_as_well(age, allowed):
    kept = clean_text(f"chest, {age}, cough", NOTHING, allowed)
    assert "94" not in kept
    assert "９４" not in kept
    assert kept.startswith("chest")
    assert kept.endswith("cough")


@pytest.mark.parametrize("years", [90, 99, 101, 112, 119])
def test_all_ages_over_89_go(years):
    for age in (f"{years}M", f"{years} F", f"M{years}", f"patient is {years}"):
        assert str(years) not in clean_text(age, NOTHING, Allowed.ALL)


@pytest.mark.parametrize(
    "text",
    [
        "94 mm", "94 %", "94 mAs", "94 mL", "94 ms", "94 m/s", "T94", "slice 94", "image 94", "series 94",
        "L5", "S1", "T2",
        "MR head", "M-mode", "F18-FDG", "94 M-mode", "94 F-18", "89M", "89 F", "M89", "male 64", "1.94 m",
        "120 M", "M120",
        "male 94 kg", "female 94 mm", "patient is 94 kg", "patient is 94 mm", "94 w/o contrast", "94 w contrast",
        "94 w/ contrast", "W 100 L 50", "W100 L50", "w 94/l 40", "Tc-99m MDP", "99m-Tc", "B90f", "M94.5",
        "TE 94 TR 900",
    ],
)  # fmt: skip
@pytest.mark.parametrize("allowed", [Allowed.TERMS, Allowed.ALL])
def test_other_numbers_are_no_ages(text, allowed):
    assert clean_text(text, NOTHING, allowed) == text


@pytest.mark.parametrize(
    "date",
    [
        "14. 7. 31", "14. 07. 31", "7/ 14/ 31", "31- 7- 14", "14,07,31", "14, 7, 31", "14;7;31", "14|07|31",
        "7|14|31",
        "07,14,31", "S6.7.14", "s06.07.14", "S 6. 7.14", "H31.4.30", "R1/5/1", "R3.3.17", "T15.12.24", "M45.7.29",
        "昭和6年7月14日", "2021년 3월 17일", "17. März 21", "17 Mär 2021", "Ma\u0308rz 2021", "3 août 31",
        "12 décembre 31",
        "4 févr. 2021", "17 marzo 2021", "17 de marzo de 2021", "17 mrt 2021", "17 maart 21", "17.Mrz.2021",
        "14.VII.31", "14 Juli 31",
    ],
)  # fmt: skip
@EVERY_WAY
def test_a_date_of_anybody_goes(date, allowed):
    kept = clean_text(f"chest {date} axial", NOTHING, allowed)
    assert kept.split() == ["chest", "axial"]
    assert has_identifier_pattern(date)


@pytest.mark.parametrize(
    "text",
    [
        "5.3.1", "5.3.1.0", "R5.7.1", "11.6.2", "2024", "C5/6", "L4/5/S1", "T5/6/7", "T8/9/10", "S1/2/3", "M1/2/3",
        "1,2,3", "TE 10,20,30", "TE 10, 20, 30", "TI 30,20,10", "b 0,50,400,800", "b 100,400,800", "levels 1; 2; 3",
        "14,32,31", "10,20,30,40", "12,5,30,7", "1.5 x 1.5 x 3", "0.5|1.5|2.5", "T2.5", "S66.7.14",
        "H3.14.30", "C5,6,7",
    ],
)  # fmt: skip
def test_versions_levels_and_lists_are_no_dates(text):
    assert clean_text(text, NOTHING, Allowed.ALL) == text


def test_a_list_that_can_be_a_date_and_does_not_rise_is_taken_for_one():
    assert clean_text("12,5,30", NOTHING) == ""
    assert clean_text("5,12,30", NOTHING) == "5,12,30"


@pytest.mark.parametrize(
    "number", ["482,119,330", "482;119;330", "5,918,307", "482|119|330", "482'119'330", "482’119’330", "482, 119, 330"]
)
@EVERY_WAY
def test_a_long_number_in_groups_goes(number, allowed):
    assert clean_text(f"chest {number} axial", NOTHING, allowed).split() == ["chest", "axial"]


@pytest.mark.parametrize("text", ["1,234", "b 0,50,400,800", "b 100,400,800", "images 101, 205, 330", "1,2,3,4,5,6,7"])
def test_lists_of_numbers_stay(text):
    assert clean_text(text, NOTHING, Allowed.ALL) == text


@pytest.mark.parametrize(
    "name",
    [
        "Dr. Stone", "Dr Stone", "Dr.Stone", "dr. stone", "DR. STONE", "Prof. Stone", "Prof. Dr. med. Stone",
        "Mr. Stone",
        "Mr Stone", "Mrs. Stone", "Ms. Stone", "Miss Stone", "Herr Stone", "Herrn Stone", "Frau Stone", "FRAU STONE",
        "Frau Dr. Stone", "Mme Stone", "Sr. Stone", "Sra. Stone", "Dra. Stone", "Nurse Stone", "Dr. J. Stone",
        "Dr. John Stone", "DR. JOHN STONE", "Dr. van der Stone", "Dr. Head-Stone", "Drs. Stone", "Hr. Stone",
    ],
)  # fmt: skip
@EVERY_WAY
def test_a_word_of_the_field_after_a_title_is_a_name(name, allowed):
    kept = clean_text(f"seen by {name}, chest", NOTHING, allowed)
    assert not re.search("stone|john", kept, re.IGNORECASE)
    assert kept.endswith("chest")
    assert not has_identifier_pattern(name)  # a name is no number
    assert clean_text("kidney stone", NOTHING) == "kidney stone"


@pytest.mark.parametrize(
    "text",
    [
        "MR head", "MR HEAD", "mr head", "MR. No lesion", "DR chest", "DR CHEST", "MRS brain",
        "MS. No new lesion", "MS. STABLE",
        "9 Fr. catheter", "24 hr. delayed", "SR report", "bone stone",
    ],
)  # fmt: skip
def test_modalities_are_no_titles(text):
    assert clean_text(text, NOTHING, Allowed.ALL) == text


def test_no_negation_is_taken_for_a_name():
    assert clean_text("reviewed by Dr. No fracture", NOTHING).endswith("No fracture")
    assert clean_text("Frau ohne Thorax", NOTHING) == "ohne Thorax"


@pytest.mark.parametrize(
    ("date", "written"),
    [
        ((1931, 7, 14), "14. 7. 31"), ((1931, 7, 14), "7,14,31"), ((1931, 7, 14), "14 7 31"),
        ((1931, 7, 14), "14.07.31"),
        ((1931, 7, 14), "31-07-14"), ((1931, 7, 14), "14. 7. 1931"), ((1931, 7, 14), "s6.7.14"),
        ((1926, 12, 24), "t15.12.24"),
        ((1926, 12, 25), "s1.12.25"), ((2019, 4, 30), "h31.4.30"), ((2019, 5, 1), "r1/5/1"),
        ((1912, 7, 29), "m45.7.29"),
    ],
)  # fmt: skip
def test_the_patients_dates_are_known_in_few_digits_and_in_japanese_years(date, written):
    assert written in spellings(datetime.date(*date))


def test_spellings_are_few_and_none_is_part_of_common_numbers():
    for date in (datetime.date(1931, 7, 14), datetime.date(2021, 3, 1), datetime.date(1850, 1, 1)):
        found = spellings(date)
        assert len(found) <= 80
        assert all(spelling.isascii() for spelling in found)
        assert min(map(len, found)) >= 6
        assert min(len(spelling) for spelling in found if spelling.isdigit()) == 8


@pytest.mark.parametrize("written", ["14 7 31", "7,14,31", "S6.7.14", "14.07.31"])
def test_the_birth_date_in_few_digits_is_found_in_a_term(written):
    builder = EchoBuilder()
    builder.add_date("19310714", of_birth=True)
    echo = builder.built()
    assert echo.is_in(f"scan {written} chest")
    assert clean_text(f"scan {written} chest", echo, Allowed.ALL) in {"", "scan chest"}
    assert not echo.is_in("scan 15 7 31 chest")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Zyxwarth C- C+", "C- C+"), ("Zyxwarth C+/C-", "C+/C-"), ("Zyxwarth C−", "C−"), ("Zyxwarth KM-", "KM-"),
        ("Zyxwarth Gd+ axial", "Gd+ axial"), ("Zyxwarth T-spine", "T-spine"), ("C- C+", "C- C+"),
        ("Zyxwarth - C", "C"), ("Q+ chest", "chest"),
    ],
)  # fmt: skip
def test_the_sign_that_says_with_or_without_contrast_stays(text, kept):
    assert clean_text(text, NOTHING) == kept


@pytest.mark.parametrize("text", ["Sinus rhythm", "Mammo", "MAMMO bilateral"])
def test_words_of_the_field_stay(text):
    assert clean_text(text, NOTHING) == text


@pytest.mark.parametrize(
    "unit", ["A", "%", "a&", "By: ", "S6.", "1.", "0-0-", "x@", "a.b ", "jan 1", "M 94 ", "12:", "a_", "Dr "]
)
def test_long_texts_take_no_time_without_end(unit):
    assert isinstance(has_identifier_pattern(unit * 20000), bool)
    clean_text("liver " + unit * 20000, EchoBuilder().built())

"""A patient of many years has thousands of spellings of dates: each is found, by looking at few of them."""

import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from DeidentifyStudyCore.identity.dates import spellings
from DeidentifyStudyCore.identity.echo import Echo

DATES = frozenset(datetime.date(1957, 3, 12) + datetime.timedelta(days=371 * number) for number in range(70))
ECHO = Echo(frozenset(), dates=DATES)
SPELLINGS = sorted({spelling for date in DATES for spelling in spellings(date)})

surroundings = st.text("0123456789./-, abcjmrs", max_size=12)
"""Made of what dates are made of, so that there are near misses."""


@settings(max_examples=300, deadline=None, derandomize=True)
@given(surroundings, st.sampled_from(SPELLINGS), st.integers(0, 20), surroundings)
def test_dates_are_found_as_trying_each_spelling_finds_them(before: str, spelling: str, kept: int, after: str) -> None:
    text = before + spelling[:kept] + after
    tried = any(spelling in text for spelling in SPELLINGS)
    assert ECHO.is_in(text) == (tried and any(character.isdigit() for character in text))


def test_every_spelling_of_every_date_is_found() -> None:
    assert [spelling for spelling in SPELLINGS if not ECHO.is_in(f"seen {spelling} last")] == []


def test_no_spelling_is_shorter_than_what_it_is_looked_up_by() -> None:
    years = (datetime.date(year, month, 1) for year in range(1801, 2100) for month in (1, 5, 11))
    assert min(len(spelling) for date in years for spelling in spellings(date)) > 5

"""The phase of a series, from codes or from words."""

from __future__ import annotations

import pytest

from AnnotationQACore.interchange.series.phases import phase_of


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Abdomen arterial 1.25", "arterial"),
        ("ABD LATE ART", "late arterial"),
        ("Liver portal-venous", "portal venous"),
        ("PV 3mm", "portal venous"),
        ("Thorax venös", "venous"),
        ("Kidney delayed 5 min", "delayed"),
        ("HEAD WITHOUT CONTRAST", "non-contrast"),
        ("Schädel nativ", "non-contrast"),
        ("T1 post-contrast", "post-contrast"),
        ("chest", ""),
        ("lateral", ""),
        ("smart", ""),
        ("intravenous access", ""),
    ],
)
def test_words(description, expected):
    assert phase_of(None, "", description) == expected


def test_codes_win_over_words():
    assert phase_of(75.0, "POST_CONTRAST", "arterial") == "cardiac 75%"
    assert phase_of(None, "POST_CONTRAST", "arterial") == "post-contrast"
    assert phase_of(None, "STEADY_STATE") == "steady state"
    assert phase_of(None, "", "chest", "arterial") == "arterial"

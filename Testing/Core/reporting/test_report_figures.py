"""What the report computes beyond the summary, against plain arithmetic."""

import math
from itertools import combinations

import numpy as np
import pytest

from AnnotationQACore.reporting.analysis_records import Estimate, ReaderFigures
from AnnotationQACore.reporting.attention import is_split
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.estimates import Bootstrap
from AnnotationQACore.reporting.item_analysis import found_in
from AnnotationQACore.reporting.naming import coded_names, in_text, subject_words
from AnnotationQACore.reporting.numbers import interval, number, signed

READERS = ("Reader A", "Reader B", "Reader C")


def figures_of(contents: Contents, item: str, name: str) -> dict[str, Estimate]:
    found: ReaderFigures = next(one for one in contents.analyses[item].readers if one.name == name)
    return {one.reader: one.estimate for one in found.readers}


def answers_of(contents: Contents, item: str) -> np.ndarray:
    rows = [row.values for _, one in found_in(contents.agreement, item) for row in one.values if len(row.values) > 1]
    return np.array([[row.get(reader, math.nan) for reader in READERS] for row in rows], dtype=float)


def test_bias_of_a_measurement_is_the_mean_difference_from_the_others(contents: Contents) -> None:
    values = answers_of(contents, "diameter")
    for place, reader in enumerate(READERS):
        others = np.delete(values, place, axis=1).mean(axis=1)
        estimate = figures_of(contents, "diameter", "measurement")[reader]
        assert estimate.value == pytest.approx((values[:, place] - others).mean())
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.n == 8
    assert figures_of(contents, "diameter", "measurement")["Reader C"].low > 0  # who measures 2 mm more


def test_bias_of_volumes_is_a_geometric_mean_ratio(contents: Contents) -> None:
    values = np.log(answers_of(contents, "lung"))
    expected = 100 * math.expm1((values[:, 2] - values[:, :2].mean(axis=1)).mean())
    assert figures_of(contents, "lung", "volume")["Reader C"].value == pytest.approx(expected)
    assert expected > 5


def test_the_outline_of_the_larger_reader_lies_outside(contents: Contents) -> None:
    shifts = figures_of(contents, "lung", "boundary")
    assert shifts["Reader C"].value > 0 > shifts["Reader A"].value


def test_limits_of_agreement(contents: Contents) -> None:
    values = answers_of(contents, "diameter")
    limits = contents.analyses["diameter"].limits
    assert [(pair.a, pair.b) for pair in limits] == list(combinations(READERS, 2))
    differences = values[:, 0] - values[:, 2]
    pair = limits[1]
    assert pair.bias.value == pytest.approx(differences.mean())
    assert pair.lower.value == pytest.approx(differences.mean() - 1.96 * differences.std(ddof=1))
    assert pair.upper.value == pytest.approx(differences.mean() + 1.96 * differences.std(ddof=1))
    assert pair.differences == pytest.approx(differences)


def test_relative_limits_are_per_cent_of_the_mean(contents: Contents) -> None:
    values = answers_of(contents, "lung")
    expected = 200 * (values[:, 0] - values[:, 2]) / (values[:, 0] + values[:, 2])
    assert contents.analyses["lung"].limits[1].differences == pytest.approx(expected)


def test_tables_count_every_pair_once(contents: Contents) -> None:
    tables = contents.analyses["quality"].categories
    assert tables is not None
    assert tables.categories == ("1", "2", "3")
    assert tables.titles == ("1 Level 1", "2 Level 2", "3 Level 3")
    assert np.array_equal(np.array(tables.pooled), np.sum([pair.table for pair in tables.pairs], axis=0))
    assert [pair.n for pair in tables.pairs] == [8, 8, 8]
    assert [sum(used) for used in tables.used] == [8, 8, 8]
    pooled = np.array(tables.pooled)
    margins = pooled.sum(axis=0) + pooled.sum(axis=1)
    assert tables.positive == pytest.approx(2 * np.diag(pooled) / margins)


def test_detection_counts_lesions_by_their_readers(contents: Contents) -> None:
    detection = contents.analyses["nodule"].detection
    assert detection is not None
    # 8 lesions drawn by all but for the three that Ben missed, and the two that Cara did not draw
    assert detection.found_by == (0, 5, 5)
    assert detection.missed == (0, 3, 2)
    assert detection.found == (10, 7, 8)


def test_pairs_show_the_mean_of_the_judged_statistic(contents: Contents) -> None:
    found = found_in(contents.agreement, "points")
    expected = [
        np.mean(
            [pair.figures["landmark_distance"] for _, one in found for pair in one.pairs if (pair.a, pair.b) == names]
        )
        for names in combinations(READERS, 2)
    ]
    assert [one.value for one in contents.analyses["points"].pairs] == pytest.approx(expected)


def test_a_missed_nodule_is_worst_and_a_failed_case_is_named(contents: Contents) -> None:
    worst = contents.worst["nodule"]
    assert {one.case for one in worst[:3]} == {"case-0", "case-3", "case-6"}
    assert worst[0].detail == "drawn by Reader A, Reader C; not by Reader B"
    assert [one.value for one in worst] == sorted(one.value for one in worst)
    failed = contents.agreement.study.failed
    assert [one.case for one in failed] == ["broken"]
    assert failed[0].problem.startswith("readings/broken/Reader B/")
    assert contents.agreement.unread == ("one-reader",)


def test_attention_lists_what_the_protocol_does_not_let_pass(contents: Contents) -> None:
    expected = {case.case: sum(one.agreed is False for one in case.items) for case in contents.agreement.study.cases}
    assert {one.case: len(one.items) for one in contents.attention} == {c: n for c, n in expected.items() if n}
    counts = [len(one.items) for one in contents.attention]
    assert counts == sorted(counts, reverse=True)


def test_only_readings_that_readers_signed_have_a_course(contents: Contents) -> None:
    assert {one.item for one in contents.histories} >= {"diameter", "lung", "quality"}
    for one in contents.histories:
        assert {history.reader for history in one.readers} <= {"Reader A", "Reader B"}  # Cara's were imported


def test_models_and_many_readers_have_codes() -> None:
    names = coded_names([f"r{number:02}" for number in range(28)] + ["model:net"])
    assert (names["r00"], names["r25"], names["r26"], names["r27"]) == (
        "Reader A",
        "Reader Z",
        "Reader AA",
        "Reader AB",
    )
    assert names["model:net"] == "Model A"
    assert in_text("r01 and model@net", names) == "Reader B and Model A"


def test_subjects_in_words() -> None:
    assert subject_words("") == "case"
    assert subject_words("series T1, instance 0012") == "series T1, lesion 12"


@pytest.mark.parametrize(
    ("value", "words"),
    [(math.nan, "–"), (math.inf, "∞"), (0.12345, "0.123"), (-0.0001, "0.000"), (12.3456, "12.35"), (123.46, "123.5"),
     (12345.6, "12\u202f346")],
)  # fmt: skip
def test_numbers(value: float, words: str) -> None:
    assert number(value) == words


def test_signed_numbers_and_intervals() -> None:
    assert (signed(0.5), signed(-0.5), signed(0.001)) == ("+0.50", "-0.50", "0.00")
    assert interval(math.nan, 1.0) == "–"


def test_ties() -> None:
    assert is_split(["a", "a", "b", "b"])
    assert not is_split(["a", "a", "b"])
    assert not is_split(["a"])


def test_one_patient_has_no_interval() -> None:
    estimate = Bootstrap(50, 0).mean([1.0, 3.0, math.nan, math.inf], ["p"] * 4)
    assert (estimate.value, estimate.n) == (2.0, 2)
    assert math.isnan(estimate.low)
    assert math.isnan(Bootstrap(50, 0).mean([math.nan], ["p"]).value)

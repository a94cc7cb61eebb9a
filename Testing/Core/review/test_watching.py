"""Cases with a known answer, cases read twice, and what is proposed for acceptance."""

from dataclasses import replace
from typing import Any

import pytest

from AnnotationQACore.evaluation.case import readings_agreement
from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.state import Action
from AnnotationQACore.review.case_list import case_list, proposals
from AnnotationQACore.review.case_readings import review_readings, scored_readings
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.watching import compare_watched, watched_pairs

NODULE = (slice(3, 7), slice(4, 10), slice(4, 10))
SMALL = (slice(8, 9), slice(12, 13), slice(12, 14))


@pytest.fixture
def watched(study: Any) -> Any:
    """Anna has read a case and its repeat; the case has a known answer for ben."""
    lead = study.as_("lead")
    study.submit("anna", [(NODULE, 3)])
    study.submit("ben", [(NODULE, 5)])
    return lead, study


def test_a_repeat_is_compared_with_the_first_reading(watched: Any) -> None:
    lead, study = watched
    lead.assign([Assignment("case-1", "anna", 2, "repeat", 9)])
    assert watched_pairs(lead.refresh()) == ()
    anna = study.as_("anna")
    first = next(one for one in anna.state.latest_readings("case-1") if one.reader == "anna")
    again = replace(anna.load_reading(first), round=2, revision=1, segmentation=None)
    anna.submit_reading(again, anna.segmentation_path(first))
    (pair,) = watched_pairs(lead.refresh())
    assert (pair.watch, pair.reader, pair.case) == ("repeat", "anna", "case-1")
    rows, problems = compare_watched(lead, [pair])
    assert not problems
    by_item = {row.item: row for row in rows}
    assert by_item["nodule"].value == 1.0
    assert by_item["nodule"].agreed
    assert by_item["malignancy"].value == 1.0
    assert by_item["malignancy"].figure == "identical"


def test_a_gold_case_is_compared_with_what_was_accepted(study: Any) -> None:
    lead = study.as_("lead")
    lead.add_cases([Case("case-3", "patient-3")])
    lead.assign([Assignment("case-3", "anna", 1, "reading", 3), Assignment("case-3", "cleo", 1, "gold", 3)])
    shifted = (NODULE[0], NODULE[1], slice(5, 11))
    study.submit("anna", [(NODULE, 3)], case="case-3")
    study.submit("cleo", [(shifted, 4)], case="case-3")
    assert watched_pairs(lead.refresh()) == (), "nothing is known as long as nothing is accepted"
    adam = study.as_("adam")
    known = next(one for one in adam.state.latest_readings("case-3") if one.reader == "anna")
    adam.decide("case-3", Action.ACCEPT, [known.id], reason="known")
    (pair,) = watched_pairs(lead.refresh())
    rows, _ = compare_watched(lead, [pair])
    by_item = {row.item: row for row in rows}
    assert by_item["nodule"].value == pytest.approx(5 / 6)
    assert by_item["malignancy"].value == 0.0
    assert {row.watch for row in rows} == {"gold"}


def test_a_damaged_reading_is_named_and_stops_no_other(watched: Any) -> None:
    lead, study = watched
    lead.assign([Assignment("case-1", "anna", 2, "repeat", 9)])
    anna = study.as_("anna")
    first = next(one for one in anna.state.latest_readings("case-1") if one.reader == "anna")
    again = replace(anna.load_reading(first), round=2, revision=1, segmentation=None)
    anna.submit_reading(again, anna.segmentation_path(first))
    (pair,) = watched_pairs(lead.refresh())
    path = lead.segmentation_path(first)
    path.write_bytes(b"NRRD0004")
    rows, problems = compare_watched(lead, [pair])
    assert rows == ()
    assert len(problems) == 1


def test_a_missed_lesion_is_never_proposed_although_the_overlap_reaches_the_threshold(study: Any) -> None:
    study.submit("anna", [(NODULE, 3), (SMALL, 3)])
    study.submit("ben", [(NODULE, 3)])
    project = study.as_("rita")
    readings, _, messages = scored_readings(review_readings(project, "case-1").readings)
    compared = readings_agreement(readings, "patient", project.protocol(), messages)
    (row,) = case_list(project.state, project.protocol(), [compared])
    assert row.cells["nodule"].value > row.cells["nodule"].threshold
    assert Kind.MISSED_STRUCTURE in row.cells["nodule"].kinds
    assert not proposals([row])

"""A case from readings to reference standard: list, walk, decisions, send back, conflicts, revoked readers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.evaluation.case import readings_agreement
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.evaluation.study import FailedCase
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Presence, RatingValue, SegmentationValue, Subject
from AnnotationQACore.project.state import Action, CaseStatus, TaskStatus
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.acceptance import accept_proposed, accept_reading
from AnnotationQACore.review.adjudication import Adjudication, sign_off
from AnnotationQACore.review.case_list import CaseFilter, Judgement, case_list, proposals
from AnnotationQACore.review.case_readings import review_readings, scored_readings
from AnnotationQACore.review.conflicts import conflicts_of, keep_decision
from AnnotationQACore.review.consensus_choices import ConsensusChoices
from AnnotationQACore.review.disagreements import find_disagreements
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.labels import review_labels
from AnnotationQACore.review.painting import Painting
from AnnotationQACore.review.reader_names import blinded_names, in_text
from AnnotationQACore.review.revisions import revision_changes
from AnnotationQACore.review.sending_back import Pin, send_back
from AnnotationQACore.segmentation import Mask

NODULE = (slice(3, 7), slice(4, 10), slice(4, 10))
WIDER = (slice(3, 7), slice(4, 10), slice(4, 11))
SMALL = (slice(3, 5), slice(4, 7), slice(4, 7))

Study = Any
MakeStudy = Callable[[Protocol], Study]


def agreement(project: Project, case: str = "case-1") -> CaseAgreement:
    readings, _, messages = scored_readings(review_readings(project, case).readings)
    return readings_agreement(readings, f"patient of {case}", project.protocol(), messages)


def open_case(project: Project, case: str = "case-1") -> Adjudication:
    """As a reviewer opens it: drawn segmentations of those who drew, empty ones of the others."""
    found = review_readings(project, case).readings
    labels = review_labels(found.segmentations)
    regions = find_disagreements(labels)
    consensus = ConsensusChoices(labels) if len(labels.readers) > 1 else None
    return Adjudication(project.protocol(), found, Painting(regions, consensus))


@pytest.fixture
def read(study: Study) -> Study:
    """Three readers: two draw the same, one a little wider and rates higher."""
    study.submit("anna", [(NODULE, 3)])
    study.submit("ben", [(NODULE, 3)])
    study.submit("cleo", [(WIDER, 5)])
    return study


def test_case_list_is_sorted_by_worst_first_and_blinded(read: Study) -> None:
    for reader in ("anna", "ben"):
        read.submit(reader, [(NODULE, 3)], "case-2")
    read.submit("cleo", [(SMALL, 3)], "case-2")
    project = read.as_("rita")
    rows = case_list(project.state, project.protocol(), [agreement(project, c) for c in ("case-1", "case-2")])
    assert [row.case for row in rows] == ["case-2", "case-1"]
    cell = rows[0].cells["nodule"]
    assert cell.judgement is Judgement.DIFFERENT
    assert cell.value < cell.threshold
    assert Kind.BOUNDARY in cell.kinds
    assert set(rows[0].readers.values()) == {"Reader A", "Reader B", "Reader C"}
    assert rows[0].readers.keys() == {"anna", "ben", "cleo"}
    only = case_list(
        project.state, project.protocol(), [agreement(project)], wanted=CaseFilter(kinds=frozenset([Kind.BOX]))
    )
    assert not only


def test_cases_not_compared_yet_are_listed_last_and_failures_say_why(read: Study) -> None:
    project = read.as_("rita")
    (row,) = case_list(project.state, project.protocol())
    assert row.pending
    assert not row.proposed
    (row,) = case_list(project.state, project.protocol(), [FailedCase("case-1", "anna: damaged")])
    assert row.messages == (f"{row.readers['anna']}: damaged",)
    assert not row.pending


def test_acceptance_is_proposed_only_when_every_judged_item_agrees(make_study: MakeStudy, lung: Protocol) -> None:
    items = tuple(
        replace(item, agreement=None) if item.agreement and item.id not in ("nodule",) else item for item in lung.items
    )
    study = make_study(replace(lung, items=items))
    for case, third in (("case-1", NODULE), ("case-2", SMALL)):
        for reader in ("anna", "ben"):
            study.submit(reader, [(NODULE, 3)], case)
        study.submit("cleo", [(third, 3)], case)
    project = study.as_("rita")
    rows = case_list(project.state, project.protocol(), [agreement(project, c) for c in ("case-1", "case-2")])
    assert [row.case for row in proposals(rows)] == ["case-1"]
    assert project.state.case_status("case-1") is CaseStatus.TO_REVIEW  # listed, not done
    with pytest.raises(InputError, match="not proposed"):
        accept_proposed(project, next(row for row in rows if row.case == "case-2"), "seen")
    (row,) = proposals(rows)
    accept_proposed(project, row, "all figures reach their thresholds")
    assert project.state.case_status("case-1") is CaseStatus.DECIDED
    (decision,) = project.state.decisions["case-1"]
    accepted = project.state.reading(decision.readings[0])
    assert accepted.reader == "consensus:majority"
    assert len(accepted.sources) == 3
    assert read_segmentation(project.segmentation_path(accepted)).mask("nodule#1").voxels.sum() == 4 * 6 * 6
    with pytest.raises(ProjectError, match="changed by somebody meanwhile"):
        accept_proposed(project, row, "again")


def test_one_reading_is_accepted_as_it_is(read: Study) -> None:
    project = read.as_("rita")
    accept_reading(project, "case-1", "cleo", "the only one with thin slices")
    (decision,) = project.state.decisions["case-1"]
    assert project.state.reading(decision.readings[0]).reader == "cleo"
    assert decision.reason == "the only one with thin slices"
    with pytest.raises(ProjectError, match="no reading by 'adam'"):
        accept_reading(project, "case-1", "adam")


def test_sign_off_makes_the_reference_standard_and_keeps_minority_opinions(read: Study) -> None:
    project = read.as_("adam")
    adjudication = open_case(project)
    assert adjudication.open_items() == ("nodule", "malignancy")
    with pytest.raises(InputError, match=r"not decided yet: nodule, malignancy; 1 regions"):
        adjudication.result()
    adjudication.accept("nodule", "cleo", "sees the margin")
    adjudication.answer("malignancy", RatingValue(5), "spiculated", Subject(instance=1))
    result = adjudication.result()
    submitted = sign_off(project, "case-1", result, "meeting of 1 March")
    assert submitted.reader == "adjudicated:adam"
    assert project.state.case_status("case-1") is CaseStatus.DECIDED
    (decision,) = project.state.decisions["case-1"]
    assert decision.action == Action.ADJUDICATE
    assert decision.readings == (submitted.id,)
    minority = [c for c in decision.comments if c.get("opinion") == "minority"]
    assert {(c["reader"], c["item"]) for c in minority} == {
        ("anna", "nodule"), ("ben", "nodule"), ("anna", "malignancy"), ("ben", "malignancy")}  # fmt: skip
    assert any("Dice 0.923" in c["text"] for c in minority if c["item"] == "nodule")
    accepted = [c["text"] for c in decision.comments if c.get("opinion") == "accepted"]
    assert accepted == ["nodule: cleo (sees the margin)", "malignancy: cleo (spiculated)"]
    reading = project.load_reading(submitted)
    assert reading.answer("malignancy", Subject(instance=1)).value == RatingValue(5)
    assert reading.answer("nodule", Subject(instance=1)).value == SegmentationValue(Presence.PRESENT)
    voxels = read_segmentation(project.segmentation_path(submitted)).mask("nodule#1").voxels
    assert voxels.sum() == 4 * 6 * 7


def test_regions_edits_and_consensus_make_a_result(read: Study) -> None:
    project = read.as_("adam")
    adjudication = open_case(project)
    painting = adjudication.painting
    adjudication.accept("nodule", "consensus:staple")
    np.testing.assert_array_equal(painting.layers, painting.labels.of("anna"))
    adjudication.take_region(0, "cleo", "one more column")
    np.testing.assert_array_equal(painting.layers, painting.labels.of("cleo"))
    assert adjudication.decisions[0].source == "regions"
    grid = painting.labels.grid
    own = np.zeros(grid.shape, bool)
    own[4, 5, 5] = True
    adjudication.take_edited("nodule#1", Mask(own, grid))
    assert painting.layers.sum() == 1
    assert adjudication.decisions[0].source == "edited"
    with pytest.raises(InputError, match="no region 7"):
        adjudication.take_region(7, "cleo")
    with pytest.raises(InputError, match="no reading by 'nobody'"):
        adjudication.take_region(0, "nobody")
    with pytest.raises(InputError, match="'consensus:staple' has no answer to 'malignancy'"):
        adjudication.accept("malignancy", "consensus:staple")


def test_a_reason_is_required_where_the_protocol_asks(make_study: MakeStudy, lung: Protocol) -> None:
    study = make_study(replace(lung, design=replace(lung.design, reason_required=True)))
    for reader, nodule in (("anna", NODULE), ("ben", WIDER)):
        study.submit(reader, [(nodule, 3)])
    project = study.as_("adam")
    adjudication = open_case(project)
    with pytest.raises(InputError, match="asks for a reason"):
        adjudication.accept("nodule", "anna")
    assert not adjudication.decisions
    adjudication.accept("nodule", "anna", "clearer margin")
    sign_off(project, "case-1", adjudication.result())
    assert project.state.case_status("case-1") is CaseStatus.DECIDED


def test_only_adjudicators_sign_off_and_nothing_is_left_behind(read: Study) -> None:
    project = read.as_("rita")
    adjudication = open_case(project)
    adjudication.accept("nodule", "anna")
    adjudication.accept("malignancy", "anna")
    with pytest.raises(ProjectError):
        sign_off(project, "case-1", adjudication.result())
    assert not project.refresh().decisions.get("case-1")
    assert all(not one.reader.startswith("adjudicated") for one in project.state.readings["case-1"])


def test_sent_back_with_a_pin_it_comes_first_and_returns_as_a_revision(read: Study) -> None:
    project = read.as_("rita")
    pin = Pin("too wide at the pleura", "nodule", (1.0, 2.0, 30.0), (4.0, 2.0, 30.0), "cleo")
    send_back(project, "case-1", [pin], ["cleo"])
    assert project.state.case_status("case-1") is CaseStatus.SENT_BACK
    assert project.state.task("case-1", "anna", 1).status == TaskStatus.SUBMITTED
    cleo = read.as_("cleo")
    first = cleo.worklist("cleo")[0]
    assert (first.case, first.revision) == ("case-1", 2)
    assert Pin.from_json(first.comments[0]) == pin
    read.submit("cleo", [(NODULE, 5)], revision=2)
    project.refresh()
    latest = next(one for one in project.state.latest_readings("case-1") if one.reader == "cleo")
    changes = revision_changes(project, latest)
    assert not changes.answers
    assert [(c.segment, c.gained_mm3, c.lost_mm3) for c in changes.segments] == [("nodule#1", 0.0, 4 * 6 * 2.0)]
    assert [region.kind for region in changes.regions] == [Kind.BOUNDARY]
    former = next(one for one in project.state.latest_readings("case-1") if one.reader == "anna")
    assert revision_changes(project, former) is None


def test_sending_back_needs_words_and_a_reader_who_read(read: Study) -> None:
    project = read.as_("rita")
    with pytest.raises(InputError, match="no text"):
        Pin("  ")
    with pytest.raises(InputError, match="begins"):
        Pin("there", towards=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="without a comment"):
        send_back(project, "case-1", [])
    with pytest.raises(ProjectError, match="no reading by 'adam'"):
        send_back(project, "case-1", [Pin("x")], ["adam"])
    with pytest.raises(InputError, match="not sent back to that reader"):
        send_back(project, "case-1", [Pin("x", reader="anna")], ["ben"])
    assert not project.refresh().decisions.get("case-1")


def test_two_adjudicators_in_conflict_are_seen_and_settled(read: Study) -> None:
    adam, ada = read.as_("adam"), read.as_("ada")
    results = {}
    for project, source in ((adam, "anna"), (ada, "cleo")):
        adjudication = open_case(project)
        adjudication.accept("nodule", source)
        adjudication.accept("malignancy", source)
        results[project] = adjudication.result()
    sign_off(adam, "case-1", results[adam])
    hidden = read.folder / "ledger"
    (theirs,) = hidden.glob("adam.*.jsonl")
    away = theirs.rename(theirs.with_suffix(".away"))  # ada's share has not seen it yet
    lonely = Project.open(read.folder, read.people["ada"])
    sign_off(lonely, "case-1", results[ada])
    away.rename(theirs)
    project = read.as_("adam")
    assert project.state.case_status("case-1") is CaseStatus.CONFLICT
    (row,) = case_list(project.state, project.protocol(), [agreement(project)])
    assert len(row.conflicts) == 1
    (conflict,) = conflicts_of(project, "case-1")
    assert {conflict.first.actor, conflict.second.actor} == {"adam", "ada"}
    assert [change.segment for change in conflict.changes.segments] == ["nodule#1"]
    with pytest.raises(InputError, match="say why"):
        keep_decision(project, "case-1", conflict.first.hash, " ")
    kept = next(d for d in (conflict.first, conflict.second) if d.actor == "ada")
    keep_decision(project, "case-1", kept.hash, "ada saw the prior")
    assert not conflicts_of(project, "case-1")
    (decision,) = project.state.decisions["case-1"]
    assert decision.readings == kept.readings


def test_a_revoked_reader_is_named_and_does_not_count(read: Study) -> None:
    lead = read.as_("lead")
    key = next(k.fingerprint for k in lead.state.keys.values() if k.member == "cleo")
    lead.revoke_key(key, "laptop lost", from_sequence=0)
    project = read.as_("rita")
    found = review_readings(project, "case-1")
    assert set(found.readings.readings) == {"anna", "ben"}
    assert any(message.startswith("cleo: a key was revoked; no reading") for message in found.messages)
    (row,) = case_list(project.state, project.protocol(), [agreement(project)])
    assert "cleo" not in " ".join(row.messages)  # blinded
    assert any("a key was revoked" in message for message in row.messages)


def test_a_reading_from_before_a_revocation_counts_and_it_is_said(read: Study) -> None:
    lead = read.as_("lead")
    key = next(k.fingerprint for k in lead.state.keys.values() if k.member == "cleo")
    lead.revoke_key(key, "left the hospital")
    found = review_readings(read.as_("rita"), "case-1")
    assert set(found.readings.readings) == {"anna", "ben", "cleo"}
    assert any("signed before that and counts" in message for message in found.messages)


def test_readers_on_different_grids_are_scored_on_the_finest(study: Study) -> None:
    fine = Grid((20, 16, 16), (1.0, 1.0, 1.0), (5.0, -7.0, 29.5))
    study.submit("anna", [(NODULE, 3)])
    study.submit("ben", [((slice(6, 14), slice(4, 10), slice(4, 10)), 3)], grid=fine)
    project = study.as_("rita")
    readings, grid, messages = scored_readings(review_readings(project, "case-1").readings)
    assert grid == fine
    assert messages == (
        "scored on the finest grid of the readers, 1 x 1 x 1 mm; resampled to it by the nearest neighbour: anna.",
    )
    found = agreement(project)
    assert found.item("nodule").pairs[0].figures["dice"] == 1.0
    assert found.messages == messages
    assert readings.segmentations["ben"].grid == fine


def test_one_reading_is_listed_and_says_so(study: Study) -> None:
    study.submit("anna", [(NODULE, 3)])
    project = study.as_("adam")
    (row,) = case_list(project.state, project.protocol(), [agreement(project)])
    assert any("one reading only" in message for message in row.messages)
    assert row.cells["nodule"].judgement is Judgement.ONE_READER
    adjudication = open_case(project)
    assert not adjudication.open_items()
    with pytest.raises(InputError, match="two readings or more"):
        adjudication.accept("nodule", "consensus:majority")
    sign_off(project, "case-1", adjudication.result())


def test_names_are_shown_once_the_case_is_decided(read: Study) -> None:
    project = read.as_("adam")
    accepted = next(one.id for one in project.state.latest_readings("case-1") if one.reader == "anna")
    project.decide("case-1", Action.ACCEPT, [accepted])
    (row,) = case_list(project.state, project.protocol(), [agreement(project)])
    assert row.readers["anna"] == "Dr Anna"


def test_blinded_names_tell_nothing_across_cases() -> None:
    readers = [f"reader-{n}" for n in range(4)]
    orders = {tuple(blinded_names(readers, f"case-{n}").values()) for n in range(20)}
    assert len(orders) > 5
    assert all(sorted(order) == ["Reader A", "Reader B", "Reader C", "Reader D"] for order in orders)
    assert (
        in_text("ann: differs from anna", {"ann": "Reader B", "anna": "Reader A"}) == "Reader B: differs from Reader A"
    )

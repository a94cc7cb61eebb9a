"""Answers, ratings, measurements, boxes and landmarks that differ are rows of the walk."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.readings import (
    CASE_WIDE,
    Answer,
    BoxValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    Reading,
    Subject,
    Value,
)
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import (
    Agreement,
    Box,
    Classification,
    LandmarkPoint,
    Landmarks,
    Measurement,
    Protocol,
)
from AnnotationQACore.review.answer_differences import AnswerDifference, answer_differences
from AnnotationQACore.review.disagreements import find_disagreements
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.labels import review_labels
from AnnotationQACore.review.walk import Walk, WalkFilter, renamed
from AnnotationQACore.segmentation import Segment, Segmentation

SUBJECT = Subject(instance=1)


def protocol(*items: object) -> Protocol:
    return replace(load_shipped("lung_nodule_ct"), items=items)


def case(said: Mapping[str, Sequence[tuple[str, Value]]], subject: Subject = CASE_WIDE) -> CaseReadings:
    readings = {
        reader: Reading("case-1", reader, 1, 1, "0" * 64, tuple(Answer(item, value, subject) for item, value in values))
        for reader, values in said.items()
    }
    return CaseReadings("case-1", readings, {})


FINDING = Classification(id="finding", title="Finding", definition="Whether it is there.", selection="presence")


def presence(value: Presence) -> list[tuple[str, Value]]:
    return [("finding", PresenceValue(value))]


def only(found: Sequence[AnswerDifference]) -> AnswerDifference:
    assert len(found) == 1
    return found[0]


def test_answers_that_differ() -> None:
    one = only(
        answer_differences(case({"a": presence(Presence.PRESENT), "b": presence(Presence.ABSENT)}), protocol(FINDING))
    )
    assert (one.kind, dict(one.answers)) == (Kind.ANSWER, {"a": "present", "b": "absent"})
    alike = case({"a": presence(Presence.PRESENT), "b": presence(Presence.PRESENT)})
    assert not answer_differences(alike, protocol(FINDING))


@pytest.mark.parametrize("other", [[], presence(Presence.NOT_ASSESSABLE)])
def test_not_read_and_not_assessable_are_seen(other: list[tuple[str, Value]]) -> None:
    one = only(answer_differences(case({"a": presence(Presence.PRESENT), "b": other}), protocol(FINDING)))
    assert one.kind is Kind.NOT_READ
    assert one.answers["b"] == ("not assessable" if other else "not read")


def test_not_asked_is_no_difference_to_not_asked() -> None:
    said = {"a": [("finding", NotApplicable())], "b": [("finding", NotApplicable())]}
    assert not answer_differences(case(said), protocol(FINDING))


def test_ratings_within_the_tolerance_of_the_protocol_pass() -> None:
    lung = load_shipped("lung_nodule_ct")
    for other, expected in ((4, 0), (5, 1)):
        said = {"a": [("malignancy", RatingValue(3))], "b": [("malignancy", RatingValue(other))]}
        found = [one for one in answer_differences(case(said, SUBJECT), lung) if one.item == "malignancy"]
        assert len(found) == expected
    assert (found[0].kind, found[0].size, found[0].subject) == (Kind.RATING, 2.0, "instance 1")


def test_measurements_point_to_where_they_were_made() -> None:
    item = Measurement(id="axis", title="Axis", definition="Long axis.", quantity="length",
                       agreement=Agreement(statistic="icc_1_1", threshold=0.9, case_tolerance=2.0))  # fmt: skip
    said = {
        "a": [("axis", MeasurementValue(10.0, "mm", ((0.0, 0.0, 0.0), (10.0, 0.0, 0.0))))],
        "b": [("axis", MeasurementValue(14.0, "mm", ((0.0, 2.0, 0.0), (14.0, 2.0, 0.0))))],
    }
    one = only(answer_differences(case(said), protocol(item)))
    assert (one.kind, one.size, one.position) == (Kind.MEASUREMENT, 4.0, (6.0, 1.0, 0.0))
    assert one.answers["a"] == "10 mm"


def test_boxes_are_matched_and_those_of_one_reader_are_rows() -> None:
    item = Box(id="lesion", title="Lesion", definition="Around it.", dimensions=3, instances=True)
    same = BoxValue((0.0, 0.0, 0.0), (10.0, 10.0, 10.0))
    shifted = BoxValue((6.0, 0.0, 0.0), (10.0, 10.0, 10.0))
    far = BoxValue((100.0, 0.0, 0.0), (4.0, 4.0, 4.0))
    readings = {
        name: Reading("case-1", name, 1, 1, "0" * 64,
                      tuple(Answer("lesion", box, Subject(instance=n)) for n, box in enumerate(boxes, start=1)))
        for name, boxes in {"a": [far, same], "b": [shifted]}.items()
    }  # fmt: skip
    found = answer_differences(CaseReadings("case-1", readings, {}), protocol(item))
    assert [(one.kind, one.position) for one in found] == [(Kind.BOX, (100.0, 0.0, 0.0)), (Kind.BOX, (3.0, 0.0, 0.0))]
    assert found[0].answers["b"] == "no box"
    assert found[1].size == pytest.approx(1 - 4 / 16)


def test_landmarks_that_are_apart_or_not_visible_to_one() -> None:
    item = Landmarks(id="points", title="Points", definition="Named.",
                     points=(LandmarkPoint(id="apex", title="Apex"), LandmarkPoint(id="base", title="Base")),
                     agreement=Agreement(statistic="landmark_distance", threshold=5.0, tolerance_mm=3.0))  # fmt: skip
    near, away = (0.0, 0.0, 0.0), (4.0, 0.0, 0.0)
    said = {
        "a": [("points", LandmarksValue((Landmark("apex", near), Landmark("base", near))))],
        "b": [("points", LandmarksValue((Landmark("apex", away), Landmark("base", None))))],
    }
    apex, base = answer_differences(case(said), protocol(item))
    assert (apex.subject, apex.size, apex.position) == ("landmark apex", 4.0, (2.0, 0.0, 0.0))
    assert (base.subject, base.size, base.answers["b"]) == ("landmark base", math.inf, "not visible")


@pytest.fixture
def walk() -> Walk:
    """Three regions of different sizes and depths, and one answer."""
    grid = Grid((4, 20, 20))
    a = np.zeros((1, *grid.shape), np.uint8)
    a[0, :, 2:10, 2:10] = 1
    b = a.copy()
    b[0, :, 2:10, 10:11] = 1  # flat and large
    b[0, 1, 5:6, 13:16] = 2  # small
    c = a.copy()
    c[0, 2, 14:19, 2:4] = 3
    segments = tuple(Segment(name, name, n) for n, name in enumerate(("liver", "cyst", "node#1"), start=1))
    labels = review_labels({"a": Segmentation(a, grid, segments), "b": Segmentation(b, grid, segments),
                            "c": Segmentation(c, grid, segments)})  # fmt: skip
    said = {"a": presence(Presence.PRESENT), "b": presence(Presence.PRESENT), "c": presence(Presence.ABSENT)}
    return Walk(find_disagreements(labels), answer_differences(case(said), protocol(FINDING)))


def test_the_walk_goes_round_answers_first_then_regions_by_volume(walk: Walk) -> None:
    assert walk.current is None
    seen = [walk.next() for _ in range(5)]
    assert [stop.items for stop in seen] == [("finding",), ("liver",), ("node#1",), ("cyst",), ("finding",)]
    assert walk.previous().items == ("cyst",)
    assert seen[1].volume_mm3 == 32.0
    assert seen[1].who == {"a": "nothing", "b": "liver 32 mm³", "c": "nothing"}
    assert renamed(seen[1], {"b": "Reader A"}).who["Reader A"] == "liver 32 mm³"


def test_ranking_by_distance_follows_the_measuring(walk: Walk) -> None:
    walk.order_by("distance")
    assert math.isnan(walk[1].distance_mm)
    measured = list(walk.measure_distances())
    assert measured == ["liver", "cyst", "node#1"]
    assert [(stop.items, stop.distance_mm) for stop in (walk[1], walk[2], walk[3])] == [
        (("node#1",), math.inf), (("cyst",), math.inf), (("liver",), 1.0)]  # fmt: skip


def test_filters_keep_the_place(walk: Walk) -> None:
    walk.go_to(2)
    walk.filter(WalkFilter(items=frozenset(["node"])))
    assert (len(walk), walk.current.items) == (1, ("node#1",))
    walk.filter(WalkFilter(kinds=frozenset([Kind.EXTRA_STRUCTURE])))
    assert {stop.items for stop in (walk[0], walk[1])} == {("node#1",), ("cyst",)}
    walk.filter(WalkFilter(reader="c"))
    assert [walk[n].items for n in range(len(walk))] == [("finding",), ("node#1",)]
    walk.filter(WalkFilter(minimum_mm3=20.0, kinds=frozenset([Kind.BOUNDARY])))
    assert len(walk) == 1
    walk.filter(WalkFilter(items=frozenset(["nothing"])))
    assert walk.next() is None
    assert walk.previous() is None


def test_nothing_segmented_is_a_walk_through_answers() -> None:
    assert Walk(None).next() is None
    assert json.dumps(list(Walk(None).measure_distances())) == "[]"

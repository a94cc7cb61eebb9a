"""Readings: lossless JSON, and errors that name the path."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.project import readings as r

settings.register_profile("project", max_examples=60, deadline=None, derandomize=True)
bounded = settings(settings.get_profile("project"))

HASH = "ab" * 32
finite = st.floats(allow_nan=False, allow_infinity=False)
points = st.tuples(finite, finite, finite)
names = st.text(min_size=1, max_size=8)
values = st.one_of(
    st.builds(r.ChoiceValue, st.lists(names, max_size=3).map(tuple)),
    st.builds(r.PresenceValue, st.sampled_from(r.Presence)),
    st.builds(r.SegmentationValue, st.sampled_from(r.Presence)),
    st.builds(r.BoxValue, points, st.tuples(*[st.floats(0, 1e6)] * 3)),
    st.builds(r.PolygonValue, st.lists(points, min_size=3, max_size=5).map(tuple)),
    st.lists(names, unique=True, max_size=3).flatmap(
        lambda ids: st.tuples(*[st.builds(r.Landmark, st.just(i), st.none() | points) for i in ids]).map(
            r.LandmarksValue
        )
    ),
    st.builds(r.MeasurementValue, finite, names, st.lists(points, max_size=4).map(tuple), st.none() | finite),
    st.builds(r.RatingValue, st.none() | st.integers(-5, 10)),
    st.builds(r.TextValue, st.text(max_size=20)),
    st.just(r.NotApplicable()),
)
subjects = st.builds(
    r.Subject, st.none() | names, st.none() | names, st.none() | st.integers(1, 9), st.none() | st.integers(1, 99)
)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
activities = st.builds(lambda i, t, s: r.Activity(i, t, t + timedelta(seconds=s)), names, times, st.integers(0, 9999))
readings = st.builds(
    r.Reading,
    case=st.just("case-7"),
    reader=st.sampled_from(["anna", "model:net.2"]),
    round=st.integers(1, 3),
    revision=st.integers(1, 3),
    protocol=st.just(HASH),
    answers=st.lists(
        st.builds(r.Answer, names, values, subjects, st.text(max_size=5), st.text(max_size=5)),
        max_size=5,
        unique_by=lambda a: (a.item, a.subject),
    ).map(tuple),
    segmentation=st.none() | st.just(r.FileReference("readings/case-7/anna/x.seg.nrrd", HASH)),
    started_from=st.none() | st.builds(r.StartedFrom, names, st.integers(0, 10**9)),
    activity=st.lists(activities, max_size=3).map(tuple),
    flags=st.lists(names, max_size=2).map(tuple),
    comment=st.text(max_size=10),
)


@bounded
@given(readings)
def test_json_is_lossless(reading: r.Reading) -> None:
    assert r.Reading.from_json(json.loads(json.dumps(reading.to_json()))) == reading


def _reading(*answers: object) -> dict[str, object]:
    plain = r.Reading("case-7", "anna", 1, 1, HASH).to_json()
    return plain | {"answers": list(answers)}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "reading: must be a JSON object"),
        (_reading({"item": "x"}), r"reading\.answers\[0\]\.kind: is missing"),
        (_reading({"item": "x", "kind": "rating", "level": 1.5}), r"reading\.answers\[0\]\.level"),
        (_reading({"item": "x", "kind": "text", "text": "a", "colour": 1}), r"answers\[0\]: unknown field 'colour'"),
        (_reading({"item": "x", "kind": "shape"}), r"answers\[0\]\.kind: 'shape' is none of"),
        (_reading({"item": "x", "kind": "polygon", "points": [[0, 0, 0], [1, 2]]}), r"reading\.answers\[0\]"),
        (_reading({"item": "x", "kind": "presence", "presence": "maybe"}), r"answers\[0\]\.presence: 'maybe'"),
        (_reading({"item": "x", "kind": "measurement", "value": float("nan"), "unit": "mm"}), r"\.value"),
        (_reading() | {"round": 0}, "reading: "),
        (_reading() | {"case": "../etc"}, r"case '\.\./etc'"),
        (_reading() | {"format": "else"}, r"reading\.format"),
    ],
)
def test_errors_name_the_path_in_one_line(value: object, path: str) -> None:
    with pytest.raises(InputError, match=path) as caught:
        r.Reading.from_json(value)
    assert "\n" not in str(caught.value)


def test_absent_not_assessable_not_asked_and_not_read_are_four_things() -> None:
    absent = r.Answer("nodule", r.SegmentationValue(r.Presence.ABSENT))
    unclear = r.Answer("margin", r.RatingValue(None))
    not_asked = r.Answer("spiculation", r.NotApplicable())
    reading = r.Reading("c", "anna", 1, 1, HASH, (absent, unclear, not_asked))
    back = r.Reading.from_json(reading.to_json())
    assert back.answers == (absent, unclear, not_asked)
    assert back.answer("texture") is None
    assert len({type(a.value) for a in back.answers}) == 3


def test_the_same_subject_is_answered_once() -> None:
    twice = (r.Answer("a", r.TextValue("x")), r.Answer("a", r.TextValue("y")))
    with pytest.raises(InputError, match="answered twice"):
        r.Reading("c", "anna", 1, 1, HASH, twice)
    apart = tuple(r.Answer("a", r.TextValue("x"), r.Subject(instance=n)) for n in (1, 2))
    assert r.Reading("c", "anna", 1, 1, HASH, apart).answers_to("a") == apart


def test_2d_points_name_their_image() -> None:
    box = r.BoxValue((10, 20), (4, 4))
    with pytest.raises(InputError, match="2D points"):
        r.Answer("fracture", box)
    assert r.Answer("fracture", box, r.Subject(image="1.2.3")).value == box


@pytest.mark.parametrize("name", ["", "a/b", "..", "nul", "a" * 101, "ends.", "a b", "Model:x:y"])
def test_identifiers_are_safe_folder_names(name: str) -> None:
    with pytest.raises(InputError, match="identifier"):
        r.check_identifier(name, "case")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a//b", "C:/x", "a\\b"])
def test_file_references_stay_inside_the_project(path: str) -> None:
    with pytest.raises(InputError, match="inside the project"):
        r.FileReference(path, HASH)

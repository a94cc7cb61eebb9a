"""Landmarks of five raters against independent figures, and swaps, shifts and visibility that are known."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from AnnotationQACore.agreement.drawn.landmarks import LandmarkReadings, agree_on_landmarks
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.markups import read_markups

LPS_FROM_RAS = np.array([-1, -1, 1])


def afids(shared_data):
    return json.loads((shared_data / "agreement" / "landmarks.json").read_text())["cases"]


def read_case(shared_data, case):
    folder = shared_data / "agreement" / "landmarks" / case["subject"]
    return LandmarkReadings.from_points(
        {
            rater: {
                point.label: point.position
                for point in read_markups(folder / f"{case['subject']}_{rater}.fcsv")[0].points
            }
            for rater in case["raters"]
        },
        names=[str(number) for number in range(1, case["n_landmarks"] + 1)],
    )


def test_anatomical_fiducials_of_five_raters(shared_data):
    for case in afids(shared_data):
        found = agree_on_landmarks(read_case(shared_data, case))
        assert len(found.landmarks) == case["n_landmarks"]
        assert found.mean_error_mm == pytest.approx(case["afle_mean_mm"], abs=1e-9)
        assert found.mean_pairwise_mm == pytest.approx(case["inter_rater_pairwise_mean_mm"], abs=1e-9)
        for reader in found.per_reader:
            assert reader.mean_mm == pytest.approx(case["afle_per_rater"][reader.reader], abs=1e-9)
            bias = np.array(case["bias_xyz_per_rater"][reader.reader]) * LPS_FROM_RAS
            assert reader.shift == pytest.approx(bias, abs=1e-6)
        centroid = [landmark.mean_mm for landmark in found.per_landmark]
        assert centroid == pytest.approx(case["per_landmark_mean_to_centroid"], abs=1e-6)
        assert found.swaps == ()
        json.dumps(found.to_json(), allow_nan=False)


@pytest.fixture
def spine():
    """Twelve vertebrae 30 mm apart, by three readers with 1 mm of noise."""
    generator = np.random.default_rng(0)
    truth = {f"V{level}": np.array([0.0, 2.0 * level, 30.0 * level]) for level in range(1, 13)}
    return truth, {
        reader: {name: tuple(point + generator.normal(size=3)) for name, point in truth.items()} for reader in "abc"
    }


def test_swapped_names_are_found_and_named(spine):
    _, readings = spine
    b = readings["b"]
    b["V3"], b["V7"] = b["V7"], b["V3"]
    (swap,) = agree_on_landmarks(LandmarkReadings.from_points(readings)).swaps
    assert (swap.reader, swap.kind) == ("b", "swap")
    assert dict(zip(swap.placed, swap.fits, strict=True)) == {"V3": "V7", "V7": "V3"}
    assert swap.saved_mm == pytest.approx(2 * np.hypot(8, 120), abs=10)


def test_miscounted_vertebrae_are_found_and_named(spine):
    truth, readings = spine
    names = list(truth)
    readings["c"] = {name: readings["c"][later] for name, later in pairwise(names[3:])}
    (shift,) = agree_on_landmarks(LandmarkReadings.from_points(readings, names)).swaps
    assert (shift.reader, shift.kind) == ("c", "shift")
    assert shift.placed == tuple(names[3:-1])
    assert shift.fits == tuple(names[4:])


def test_with_two_readers_both_are_named(spine):
    _, readings = spine
    del readings["c"]
    readings["b"]["V3"], readings["b"]["V4"] = readings["b"]["V4"], readings["b"]["V3"]
    swaps = agree_on_landmarks(LandmarkReadings.from_points(readings)).swaps
    assert [swap.reader for swap in swaps] == ["a", "b"]


def test_a_systematic_shift_is_told_from_noise(spine):
    truth, readings = spine
    readings["a"] = {name: tuple(np.add(point, (3.0, 0.0, -2.0))) for name, point in readings["a"].items()}
    found = agree_on_landmarks(
        LandmarkReadings.from_points(readings), {name: tuple(point) for name, point in truth.items()}
    )
    shifted, still = found.per_reader[0], found.per_reader[1]
    assert found.centre == "reference"
    assert shifted.shift == pytest.approx((3, 0, -2), abs=1)
    assert shifted.shift_p < 1e-5 < 0.01 < still.shift_p
    assert shifted.shift_low[0] < 3 < shifted.shift_high[0]


def test_missing_is_not_the_same_as_not_visible():
    readings = LandmarkReadings.from_points(
        {
            "a": {"apex": (0, 0, 0), "base": (0, 0, 10), "tip": None},
            "b": {"apex": (0, 0, 2), "base": None, "tip": None},
            "c": {"apex": (0, 0, 4)},
        }
    )
    found = agree_on_landmarks(readings)
    ab, ac, _ = found.pairs
    assert (ab.both_visible, ab.only_a_visible, ab.only_b_visible, ab.both_not_visible) == (1, 1, 0, 1)
    assert ab.disputed == ("base",)
    assert (ac.both_visible, ac.only_a_visible, ac.both_not_visible) == (1, 0, 0)
    base = found.per_landmark[1]
    assert (base.placed, base.not_visible, base.not_read) == (1, 1, 1)
    assert math.isnan(base.mean_mm)  # one point has nothing to be compared with
    assert found.per_reader[2].not_read == 2
    assert found.mean_error_mm == pytest.approx((2 + 0 + 2) / 3)
    assert found.per_reader[0].leave_one_out_mean_mm == pytest.approx(3)
    assert found.per_reader[0].within_mm["2"] == 1.0
    assert found.to_json()["per_landmark"][1]["centre"] == [None, None, None]


@pytest.mark.parametrize(
    ("readings", "message"),
    [
        ({"a": {"x": (0, 0, 0)}}, "at least two readers"),
        ({"a": {}, "b": {}}, "no reader has a point"),
        ({"a": {"x": (0, 0, math.inf)}, "b": {}}, "not finite"),
    ],
)
def test_bad_landmarks_are_refused(readings, message):
    with pytest.raises(InputError, match=message):
        agree_on_landmarks(LandmarkReadings.from_points(readings))


def test_moving_and_turning_the_patient_changes_no_error(spine):
    _, readings = spine
    before = agree_on_landmarks(LandmarkReadings.from_points(readings))
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    moved = {
        reader: {name: tuple(turn @ np.array(point) + 50) for name, point in points.items()}
        for reader, points in readings.items()
    }
    after = agree_on_landmarks(LandmarkReadings.from_points(moved))
    assert after.mean_error_mm == pytest.approx(before.mean_error_mm)
    assert [r.shift_p for r in after.per_reader] == pytest.approx([r.shift_p for r in before.per_reader])

"""`annotation-qa measure` over time, of a heart, and of landmarks."""

import json
import math

import numpy as np
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation, write_volume
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, write_markups
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

GRID = Grid((10, 30, 30), (1.0, 1.0, 1.0))
SEGMENTS = (Segment("a", "First", 1), Segment("b", "Second", 2))


@pytest.fixture
def time_point(tmp_path):
    """Write an image and a segmentation of two boxes of given sizes (k, j, i); returns their paths."""
    write_volume(tmp_path / "image.nrrd", Volume(np.zeros(GRID.shape, np.int16), GRID))

    def write(name, first, second):
        layers = np.zeros((1, *GRID.shape), np.uint8)
        for value, start, (k, j, i) in ((1, 0, first), (2, 15, second)):
            layers[0, :k, start : start + j, start : start + i] = value
        path = tmp_path / f"{name}.seg.nrrd"
        write_segmentation(path, Segmentation(layers, GRID, SEGMENTS))
        return tmp_path / "image.nrrd", path

    return write


def run(*arguments):
    return main(["measure", *map(str, arguments)])


def test_growth_doubling_time_and_response(time_point, tmp_path, capsys):
    before = time_point("before", (2, 5, 5), (4, 4, 4))
    after = time_point("after", (4, 5, 5), (4, 4, 4))
    assert run(*after, "--baseline", *before, "--days", 90, "--json", tmp_path / "out.json") == 0
    change = json.loads((tmp_path / "out.json").read_text())["change"]
    first, second = change["segments"].values()
    assert (first["volume_before_mm3"], first["volume_after_mm3"], first["volume_percent"]) == (50, 100, 100)
    assert first["doubling_days"] == pytest.approx(90)
    assert first["nodule_growth"] == "growing, doubling time below 400 days"
    assert (second["doubling_days"], second["nodule_growth"]) == ("inf", "no significant growth")
    targets = change["targets"]
    assert targets["baseline_mm"] == targets["current_mm"] == targets["nadir_mm"]
    assert (targets["response"], targets["volume_response"], targets["new_lesion"]) == ("SD", "SD", False)
    assert "RECIST 1.1 SD" in capsys.readouterr().out


def test_what_appears_is_a_new_lesion_and_what_vanishes_a_response(time_point, tmp_path, capsys):
    first, both = time_point("first", (4, 8, 8), (0, 0, 0)), time_point("both", (4, 8, 8), (2, 3, 3))
    out = tmp_path / "out.json"
    assert run(*both, "--baseline", *first, "--json", out) == 0
    change = json.loads(out.read_text())["change"]
    assert [row["state"] for row in change["segments"].values()] == ["present", "appeared"]
    assert change["segments"]["b"]["volume_percent"] == "inf"
    assert (change["targets"]["response"], change["targets"]["new_lesion"]) == ("PD", True)
    assert run(*first, "--baseline", *both, "--json", out) == 0
    change = json.loads(out.read_text())["change"]
    assert [row["state"] for row in change["segments"].values()] == ["present", "vanished"]
    assert change["segments"]["b"]["doubling_days"] is None
    assert "vanished since the baseline" in capsys.readouterr().out


def test_progression_is_counted_from_the_nadir(time_point, tmp_path):
    before, after = time_point("before", (2, 20, 2), (0, 0, 0)), time_point("after", (2, 18, 2), (0, 0, 0))
    out = tmp_path / "out.json"
    assert run(*after, "--baseline", *before, "--nadir", 12, "--segments", "a", "--json", out) == 0
    assert json.loads(out.read_text())["change"]["targets"]["response"] == "PD"
    assert run(*after, "--baseline", *before, "--segments", "a", "--json", out) == 0
    assert json.loads(out.read_text())["change"]["targets"]["response"] == "SD"


def test_ejection_fraction_of_every_segment_that_both_have(time_point, tmp_path, capsys):
    diastole, systole = time_point("ed", (8, 10, 10), (4, 5, 5)), time_point("es", (4, 10, 10), (3, 5, 5))
    out = tmp_path / "out.json"
    assert run(*diastole, "--end-systole", systole[1], "--json", out) == 0
    ejection = json.loads(out.read_text())["ejection"]
    assert ejection["a"] == pytest.approx(
        {"end_diastolic_ml": 0.8, "end_systolic_ml": 0.4, "stroke_ml": 0.4, "fraction": 0.5}
    )
    assert ejection["b"]["fraction"] == pytest.approx(0.25)
    assert "ejection fraction 50.0 %" in capsys.readouterr().out


@pytest.fixture
def landmarks(tmp_path):
    """Four points of a spine whose end plates include 30 degrees seen from the front, a line, and an angle."""
    slope = math.tan(math.radians(30))
    places = {"u1": (0, 0, 100), "u2": (-10, 3, 100), "l1": (0, 0, 0), "l2": (-10, -4, 10 * slope)}
    points = tuple(MarkupPoint(name, tuple(map(float, place))) for name, place in places.items())
    line = tuple(MarkupPoint(str(n), place) for n, place in enumerate([(0.0, 0.0, 0.0), (3.0, 4.0, 0.0)]))
    angle = (*line, MarkupPoint("2", (3.0, 9.0, 0.0)))
    path = tmp_path / "spine.mrk.json"
    write_markups(
        path,
        (
            Markup(MarkupKind.FIDUCIAL, "spine", points),
            Markup(MarkupKind.LINE, "axis", line),
            Markup(MarkupKind.ANGLE, "bend", angle),
        ),
    )
    return path


def test_landmarks_give_cobb_angle_distances_and_angles(landmarks, tmp_path, capsys):
    out = tmp_path / "out.json"
    asked = ["--cobb", "u1", "u2", "l1", "l2", "--distance", "u1", "l1", "--angle", "u1", "l1", "l2"]
    assert run("--landmarks", landmarks, *asked, "--between", "u1", "u2", "l1", "l2", "--json", out) == 0
    rows = {(row["kind"], *row["of"]): row["value"] for row in json.loads(out.read_text())["measurements"]}
    assert rows["Cobb angle, coronal", "u1", "u2", "l1", "l2"] == pytest.approx(30)
    assert rows["distance", "u1", "l1"] == pytest.approx(100)
    assert rows["length", "axis"] == pytest.approx(5)
    assert rows["angle", "bend"] == pytest.approx(180 - math.degrees(math.atan2(3, 4)))
    assert rows["angle between lines", "u1", "u2", "l1", "l2"] > 30
    assert "Cobb angle, coronal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cobb", "u1", "u2", "l1", "x"], "no landmark 'x'; there are u1, u2, l1, l2"),
        (["--days", "3"], "--days has no meaning with --landmarks"),
        (["--distance", "u1", "u1"], None),
    ],
)
def test_bad_requests_of_landmarks(landmarks, capsys, options, message):
    assert run("--landmarks", landmarks, *options) == (2 if message else 0)
    assert (message or "") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--days", "90"], "--days has no meaning without --baseline"),
        (["--plane", "axial"], "--plane has no meaning without --landmarks"),
        (["--baseline", "IMAGE", "SEG", "--days", "-1"], "-1 days between the scans"),
        (["--baseline", "IMAGE", "SEG", "--nadir", "500"], "nadir is above the baseline"),
        (["--end-systole", "none.nrrd"], "none.nrrd"),
    ],
)
def test_bad_requests_of_change(time_point, tmp_path, capsys, options, message):
    image, segmentation = time_point("one", (4, 5, 5), (4, 4, 4))
    given = [{"IMAGE": image, "SEG": segmentation}.get(option, option) for option in options]
    out = tmp_path / "out.json"
    assert run(image, segmentation, *given, "--json", out) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert not out.exists()


def test_nothing_given_is_one_line(capsys):
    assert run() == 2
    assert "give IMAGE and SEG" in capsys.readouterr().err

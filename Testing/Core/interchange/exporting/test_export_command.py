"""Which readings are exported, where to, and how the command says what went wrong."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest

from AnnotationQACore.cli import export
from AnnotationQACore.errors import Cancelled
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.exporting.choosing import readings_of, reference_readings
from AnnotationQACore.interchange.exporting.formats import FORMATS
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import load_identity
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import Action, Role
from AnnotationQACore.segmentation import Segmentation


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_format_writes_something_of_some_reading(lung, wrist, spine):
    """None of the formats is a name only."""
    written = set()
    for study in (lung, wrist, spine):
        assert study.export("out", *FORMATS) in (0, 1)
        written |= {path.name.partition(".")[2] for path in (study.home / "out").iterdir()}
    suffixes = {"dcm", "nii.gz", "nrrd", "mha", "seg.nrrd", "mrk.json", "stl", "obj", "ply", "glb", "coco.json", "csv"}
    assert written == suffixes | {"json"}


def test_without_a_format_it_is_seg_where_the_images_are(lung):
    out = lung.home / "out"
    assert lung.run("export", lung.folder, "-o", out, "--reader", "anna", "--images", lung.images) == 0
    assert listed(out) == ["c1_anna.dcm", "export.json"]
    other = lung.home / "other"
    assert lung.run("export", lung.folder, "-o", other, "--reader", "anna") == 0
    assert listed(other) == ["c1_anna.seg.nrrd", "export.json"]


def test_dicom_without_images_is_a_problem_that_is_said(lung, capsys):
    out = lung.home / "out"
    argv = ["export", lung.folder, "-o", out, "--reader", "anna", "--format", "seg", "nifti"]
    assert lung.run(*argv) == 1
    shown = capsys.readouterr().out
    assert "not written: c1_anna, seg: its DICOM images are not at hand; name their folder with --images." in shown
    assert listed(out) == ["c1_anna.nii.gz", "export.json"]


def test_what_overlaps_is_refused_where_one_array_cannot_hold_it(lung, capsys):
    reading, path = lung.only_reading()
    voxels = np.zeros((2, 6, 16, 16), np.uint8)
    voxels[0, 2:4, 2:6, 2:6] = 1
    voxels[1, 2:4, 4:8, 4:8] = 2
    drawn = read_segmentation(path)
    overlapping = Segmentation(voxels, drawn.grid, (drawn.segments[0], replace(drawn.segments[1], layer=1)))
    lung.submit(replace(reading, reader="ben", segmentation=None), overlapping)
    assert lung.export("out", "seg", "seg-labelmap", "nifti", "seg.nrrd", reader="ben") == 1
    shown = capsys.readouterr().out
    assert "not written: c1_ben, nifti:" in shown
    assert "not written: c1_ben, seg-labelmap:" in shown
    assert "overlap" in shown
    assert listed(lung.home / "out") == ["c1_ben.dcm", "c1_ben.seg.nrrd", "export.json"]
    stored = read_dicom_seg(lung.home / "out" / "c1_ben.dcm").segmentation
    assert int(stored.mask("nodule#1").voxels.sum()) == int(stored.mask("nodule#2").voxels.sum()) == 32


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--format", "docx"], "format 'docx': is unknown; there are seg, "),
        (["--cases", "nobody"], "case 'nobody': is not in the project"),
        (["--reader", "nobody"], "reader 'nobody': has no reading in this project; those who have one: anna"),
        (["--reader", "anna", "--round", "3"], "has no reading of round 3"),
        (["--reference"], "has no such readings (case c1: has no reference standard; nobody accepted"),
        (["--reference", "--round", "1"], "leave the option out"),
        (["--reader", "anna", "--images", "no-such-folder"], "no-such-folder"),
    ],
)
def test_wrong_questions_leave_nothing_behind(lung, capsys, options, expected):
    before = listed(lung.home)
    assert lung.run("export", lung.folder, "-o", lung.home / "out", *options) == 2
    assert expected in capsys.readouterr().err
    assert listed(lung.home) == before


def test_a_folder_with_something_in_it_is_left_alone(lung, capsys):
    out = lung.home / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    assert lung.run("export", lung.folder, "-o", out, "--reader", "anna") == 2
    assert "is not empty; name a new folder" in capsys.readouterr().err
    assert listed(out) == ["precious.txt"]
    assert lung.run("export", lung.folder, "-o", out / "precious.txt", "--reader", "anna") == 2
    assert "is a file" in capsys.readouterr().err


def test_an_interrupted_export_leaves_nothing(lung, monkeypatch):
    class Cancelling:
        def __init__(self, _title):
            pass

        def __call__(self, done, total, message=""):
            if done == total:
                raise Cancelled

    monkeypatch.setattr(export, "ConsoleProgress", Cancelling)
    before = listed(lung.home)
    assert lung.run("export", lung.folder, "-o", lung.home / "out", "--reader", "anna") == 130
    assert listed(lung.home) == before


def test_a_changed_reading_is_named_and_the_others_are_written(lung, capsys):
    reading, path = lung.only_reading()
    lung.submit(replace(reading, reader="ben", segmentation=None), read_segmentation(path))
    path.write_bytes(path.read_bytes() + b"x")
    out = lung.home / "out"
    assert lung.run("export", lung.folder, "-o", out, "--all-readers", "--format", "nifti", "csv") == 1
    shown = capsys.readouterr().out
    assert "not written: c1_anna:" in shown
    assert "was changed after it was submitted" in shown
    assert listed(out) == ["c1_ben.csv", "c1_ben.nii.gz", "export.json"]


def test_the_reference_standard_is_what_was_accepted(lung, capsys):
    reading, _ = lung.only_reading()
    lung.submit(replace(reading, reader="ben", segmentation=None), None)
    project = Project.open(lung.folder, load_identity("lung"))
    project.change_member("lung", "Lung", [Role.LEAD, Role.REVIEWER])
    assert reference_readings(project.state).readings == ()
    project.decide("c1", Action.ACCEPT, ["c1/ben/round-1/revision-1"], reason="agreed")
    assert [one.reader for one in reference_readings(project.state).readings] == ["ben"]
    assert [one.reader for one in readings_of(project.state, None).readings] == ["anna", "ben"]
    project.close()
    assert lung.run("export", lung.folder, "-o", lung.home / "out", "--reference", "--format", "csv", "nifti") == 0
    assert listed(lung.home / "out") == ["c1_ben.csv", "export.json"]
    assert "nothing to write: c1_ben, nifti: has no segments." in capsys.readouterr().out


def test_excluded_cases_are_exported_only_when_they_are_named(lung):
    project = Project.open(lung.folder, load_identity("lung"))
    project.exclude_case("c1", "motion")
    project.close()
    out = lung.home / "out"
    assert lung.run("export", lung.folder, "-o", out, "--all-readers") == 2
    assert lung.run("export", lung.folder, "-o", out, "--all-readers", "--cases", "c1") == 0


def test_a_consensus_has_shares_and_says_what_computed_it(lung):
    reading, path = lung.only_reading()
    drawn = read_segmentation(path)
    half = Segmentation(drawn.layers * (drawn.layers == 1), drawn.grid, drawn.segments[:1])
    lung.submit(replace(reading, reader="ben", segmentation=None), half)
    project = Project.open(lung.folder, load_identity("lung"))
    sources = [one.id for one in project.state.latest_readings("c1")]
    project.add_consensus(Reading("c1", "consensus:majority", 1, 1, project.state.protocol), sources, path)
    project.close()
    assert lung.export("out", "seg", "seg-fractional", reader="consensus:majority") == 0
    segment = pydicom.dcmread(lung.home / "out" / "c1_consensus-majority.dcm").SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert segment.SegmentAlgorithmName == "consensus by majority"
    shares = read_dicom_seg(lung.home / "out" / "c1_consensus-majority-fractional.dcm")
    assert shares.fractions is not None
    assert sorted({round(float(x), 2) for x in np.unique(shares.fractions)}) == [0.0, 0.5, 1.0]

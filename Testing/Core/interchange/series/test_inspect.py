"""`annotation-qa inspect`: everything is counted and named, nothing names a patient, the second look is remembered."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.interchange.series import header_cache
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.inspection import InspectionFilter, inspect_folder, inspection_json
from AnnotationQACore.interchange.series.scanning import scan_folder


@pytest.fixture(autouse=True)
def cache_home(tmp_path, monkeypatch):
    """Keep the user's own cache out of the tests."""
    monkeypatch.setattr(header_cache, "user_cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def inspect(*arguments):
    return main(["inspect", *map(str, arguments), "--quiet", "--jobs", "1"])


def listed(folder, **admitted):
    reports = inspect_folder(folder, InspectionFilter(**admitted)).series
    return {one.description for one in reports}


@pytest.fixture
def three_series(tmp_path, studio_in):
    """CT of a woman of 61, thick; MR of a man of 30, thin; X-ray of somebody of unknown age."""
    folder = tmp_path / "data"
    studio_in(folder / "a").stack(4, SeriesDescription="abdomen portal venous", BodyPartExamined="ABDOMEN")
    mr = {"Modality": "MR", "PatientID": "B", "PatientSex": "M", "PatientAge": "030Y", "SliceThickness": 1.0}
    studio_in(folder / "b").stack(3, SeriesDescription="brain", BodyPartExamined="BRAIN", **mr)
    dx = {"Modality": "DX", "PatientID": "C", "PatientSex": "", "PatientAge": "", "SliceThickness": None}
    studio_in(folder / "c").slice(SeriesDescription="hand", BodyPartExamined="HAND", ImagePositionPatient=None, **dx)
    return folder


@pytest.mark.parametrize(
    ("admitted", "expected"),
    [
        ({}, {"abdomen portal venous", "brain", "hand"}),
        ({"modalities": ("ct", "DX")}, {"abdomen portal venous", "hand"}),
        ({"body_parts": ("abdo",)}, {"abdomen portal venous"}),
        ({"sexes": ("M",)}, {"brain"}),
        ({"min_age": 30}, {"abdomen portal venous", "brain"}),
        ({"min_age": 31}, {"abdomen portal venous"}),
        ({"max_age": 60.9}, {"brain"}),
        ({"max_slice_thickness": 2.4}, {"brain"}),
        ({"phases": ("venous",)}, {"abdomen portal venous"}),
        ({"phases": ("arterial",)}, set()),
    ],
)
def test_filters(three_series, admitted, expected):
    assert listed(three_series, **admitted) == expected


def test_filters_on_the_command_line(three_series, capsys):
    assert inspect(three_series, "--modality", "CT", "MR", "--max-age", 60) == 0
    out = capsys.readouterr().out
    assert "brain" in out
    assert "abdomen" not in out
    assert "2 further series left out by the filters." in out


def test_table_and_findings_in_words(studio, capsys):
    paths = studio.stack(6)
    paths[2].unlink()
    assert inspect(studio.folder) == 0
    out = capsys.readouterr().out
    row = out.splitlines()[2].split()
    assert row[:5] == ["1", "1", "1", "CT", "chest"]
    assert "irregular" in row
    assert "1 slice is missing (1 after slice 2 of 5; slices are 2.5 mm apart)." in out


def test_strict_ends_with_1_on_errors(studio, capsys):
    paths = studio.stack(6)
    assert inspect(studio.folder, "--strict") == 0
    paths[2].unlink()
    assert inspect(studio.folder, "--strict") == 1


def test_nothing_names_the_patient(studio, tmp_path, capsys, cache_home):
    studio.stack(3, PatientBirthDate="19630101")
    assert inspect(studio.folder, "--json", tmp_path / "out.json") == 0
    (cache_file,) = cache_home.iterdir()
    for text in (capsys.readouterr().out, (tmp_path / "out.json").read_text(), cache_file.read_text()):
        for secret in (*studio.patient_name.split("^"), studio.patient_id, "19630101"):
            assert secret not in text
    assert str(studio.folder) not in cache_file.read_text()
    if os.name != "nt":
        assert stat.S_IMODE(cache_file.stat().st_mode) == 0o600


def test_one_bad_file_among_many(studio, another_studio, tmp_path, capsys):
    for k in range(150):
        studio.slice(ImagePositionPatient=[0, 0, 2.0 * k])
    bad = studio.slice(ImagePositionPatient=[0, 0, 300.0])
    bad.write_bytes(bad.read_bytes()[:-20])
    headless = studio.slice()
    headless.write_bytes(headless.read_bytes()[:300])
    (studio.folder / "notes.txt").write_text("a note")
    another_studio.stack(2)
    assert inspect(studio.folder, "--json", tmp_path / "out.json") == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["files"] == 155
    first = report["series"][0]
    assert [series["slices"] for series in report["series"]] == [150, 2]
    assert first["broken_files"] == [{"path": "0151.dcm", "reason": "the file ends inside its pixel data"}]
    assert [file["path"] for file in report["broken_files"]] == ["0152.dcm"]
    assert report["other_files"] == ["notes.txt"]
    out = capsys.readouterr().out
    assert "0151.dcm: the file ends inside its pixel data; it is left out." in out
    assert "1 broken DICOM file:" in out


def test_json_says_all_of_a_series(studio, tmp_path):
    for time in range(2):
        studio.stack(3, AcquisitionTime=f"10150{5 * time}", Modality="MR")
    (series,) = inspection_json(inspect_folder(studio.folder))["series"]
    assert series["matrix"] == {"rows": 6, "columns": 5}
    assert (series["slices"], series["volumes"], series["dimension"]) == (3, 2, "time")
    assert series["times_s"] == [0.0, 5.0]
    assert series["spacing_mm"] == pytest.approx({"slice": 2.5, "row": 0.7, "column": 0.6})
    assert (series["geometry"], series["spacing_kind"], series["slice_thickness_mm"]) == ("regular", "patient", 2.5)
    assert (series["sex"], series["age_years"], series["body_part"]) == ("F", 61.0, "CHEST")
    assert [finding["code"] for finding in series["findings"]] == ["four_dimensional"]


def test_copies_of_other_patients_are_shouted(studio, another_studio, capsys):
    studio.stack(3)
    another_studio.stack(3, PatientID="OTHER")
    assert inspect(studio.folder) == 0
    assert "Series 1 and 2 have the same images, to the bit; THEY ARE FILED UNDER DIFFERENT PATIENTS." in (
        capsys.readouterr().out
    )


def test_look_alikes_only_where_asked(studio, another_studio, capsys):
    wave = (np.add.outer(np.sin(np.arange(64) / 9), np.cos(np.arange(64) / 7)) * 500 + 1000).astype(np.uint16)
    studio.slice(wave)
    another_studio.slice(wave + 1)
    assert inspect(studio.folder) == 0
    assert "look alike" not in capsys.readouterr().out
    assert inspect(studio.folder, "--duplicates") == 0
    assert "Series 1 and 2 look alike" in capsys.readouterr().out


def test_missing_phases_of_a_dataset(tmp_path, studio_in, capsys):
    for study in range(4):
        for phase in ("arterial", "portal venous", "delayed")[: 2 if study == 2 else 3]:
            studio_in(tmp_path / "data" / f"{study}" / phase[:3]).slice(
                np.full((6, 5), study * 10 + len(phase), np.uint16),
                StudyInstanceUID=f"1.2.3.{study}",
                SeriesDescription=f"liver {phase}",
            )
    (missing,) = inspect_folder(tmp_path / "data").missing_phases
    assert missing[1] == "delayed"
    assert inspect(tmp_path / "data") == 0
    assert f"Study {missing[0]}: no series of phase 'delayed'." in capsys.readouterr().out


def test_second_run_reads_no_header_again(studio, tmp_path, monkeypatch):
    studio.stack(3)
    (studio.folder / "notes.txt").write_text("a note")
    cache = HeaderCache(tmp_path / "c.json")
    first = scan_folder(studio.folder, cache=cache)
    cache.save()
    again = HeaderCache(tmp_path / "c.json")
    asked = []
    monkeypatch.setattr(
        "AnnotationQACore.interchange.series.scanning.read_headers", lambda jobs, _: asked.extend(jobs) or []
    )
    second = scan_folder(studio.folder, cache=again)
    assert asked == []
    assert second == first


def test_changed_new_and_gone_files_are_noticed(studio, tmp_path):
    paths = studio.stack(4)
    cache = HeaderCache(tmp_path / "c.json")
    scan_folder(studio.folder, cache=cache)
    cache.save()
    paths[3].unlink()
    studio.slice(ImagePositionPatient=[-10, -20, 37.5], Rows=3, file=paths[1].name)
    os.utime(paths[1], ns=(1, 1))
    studio.slice(ImagePositionPatient=[-10, -20, 40.0])
    again = HeaderCache(tmp_path / "c.json")
    _, pending = again.look_up([(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in studio.folder.iterdir()])
    assert {Path(path).name for path, _, _ in pending} == {"0002.dcm", "0006.dcm"}
    fresh = scan_folder(studio.folder)
    cached = scan_folder(studio.folder, cache=again)
    assert [one.findings for one in cached.series] == [one.findings for one in fresh.series]
    assert cached.series[0].files[0].rows == fresh.series[0].files[0].rows


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"layout": "other"}', b"\xff\xfe"])
def test_a_broken_cache_counts_as_empty(studio, tmp_path, content):
    studio.stack(2)
    path = tmp_path / "c.json"
    path.write_bytes(content)
    cache = HeaderCache(path)
    assert len(scan_folder(studio.folder, cache=cache).series) == 1
    cache.save()
    assert HeaderCache(path).look_up([])[0] == []


def test_the_fields_that_the_cache_restores_apart_are_the_last():
    fields = [field.name for field in dataclasses.fields(FileHeader)]
    assert tuple(fields[-len(header_cache._TAIL) :]) == header_cache._TAIL


def test_every_header_survives_the_cache(shared_data, tmp_path):
    cache = HeaderCache(tmp_path / "c.json")
    first = scan_folder(shared_data / "dicom", cache=cache)
    cache.save()
    assert scan_folder(shared_data / "dicom", cache=HeaderCache(tmp_path / "c.json")) == first


def test_processes_give_the_same(studio, tmp_path, capsys):
    studio.stack(5)
    assert main(["inspect", str(studio.folder), "--quiet", "--no-cache", "--jobs", "2"]) == 0
    parallel = capsys.readouterr().out
    assert inspect(studio.folder, "--no-cache") == 0
    assert capsys.readouterr().out == parallel


def test_bad_use_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert inspect(tmp_path / "nowhere") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "there is no such folder" in error
    assert main(["inspect", str(tmp_path), "--jobs", "0"]) == 2


def test_json_needs_its_folder(studio, tmp_path, capsys):
    studio.stack(2)
    assert inspect(studio.folder, "--json", tmp_path / "no" / "out.json") == 2
    assert "its folder is not there" in capsys.readouterr().err


def test_a_folder_without_images_is_one_line(tmp_path, capsys):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert inspect(folder) == 2
    message = f"annotation-qa: {folder}: holds no files; name the folder with the images.\n"
    assert capsys.readouterr() == ("", message)
    (folder / "notes.txt").write_text("Nothing to see.")
    assert inspect(folder, "--json", tmp_path / "out.json") == 2
    assert "holds no images, but 1 file of other kinds" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_the_folder_one_stands_in_is_like_any_other(three_series, monkeypatch, capsys):
    monkeypatch.chdir(three_series)
    assert inspect(".") == 0
    first = capsys.readouterr().out
    assert inspect(".") == 0  # now out of the cache
    assert capsys.readouterr().out == first
    assert inspect(three_series) == 0
    assert capsys.readouterr().out == first

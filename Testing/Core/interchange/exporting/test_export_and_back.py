"""In to out to in is the identity, through the commands; what a format cannot hold is said."""

import json
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.project.readings import Answer, MeasurementValue, Reading, SegmentationValue, TextValue


def said(reading: Reading) -> dict[tuple[object, ...], object]:
    return {(answer.item, answer.subject): answer.value for answer in reading.answers}


def same_voxels(first: Path | None, second: Path | None) -> None:
    assert first is not None
    assert second is not None
    one, other = read_segmentation(first), read_segmentation(second)
    grid = joint_grid({"one": one.grid, "other": other.grid})
    one, other = placed_on(one, grid), placed_on(other, grid)
    assert {s.id for s in one.segments} == {s.id for s in other.segments}
    for segment in one.segments:
        assert np.array_equal(one.mask(segment.id).voxels, other.mask(segment.id).voxels), segment.id


def test_a_ct_reading_survives_report_segmentation_and_key_objects(lung, capsys):
    assert lung.export("out", "seg", "sr", "kos") == 0
    written = capsys.readouterr().out
    assert "left out: c1_anna, sr: comment: text, and reports" in written
    other = lung.twin("second")
    assert other.take("out") == 0
    (before, voxels), (after, again) = lung.only_reading(), other.only_reading()
    expected = {key: value for key, value in said(before).items() if not isinstance(value, TextValue)}
    assert said(after) == expected
    assert after.flags == before.flags == ("poor quality",)
    same_voxels(voxels, again)
    assert other.export("out-2", "seg", "sr", "kos") == 0
    capsys.readouterr()
    third = lung.twin("third")
    assert third.take("out-2") == 0
    assert said(third.only_reading()[0]) == expected
    assert other.take("out-2") == 0  # nothing new, and nothing differs
    assert "0 readings imported, 1 were there" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["seg", "seg-labelmap", "rtstruct", "seg.nrrd", "coco"])
def test_voxels_survive_every_format_that_holds_instances(lung, kind, capsys):
    assert lung.export("out", kind) == 0
    assert "malignancy" in capsys.readouterr().out
    other = lung.twin("second")
    assert other.take("out") == 0
    reading, voxels = other.only_reading()
    same_voxels(lung.only_reading()[1], voxels)
    assert {type(answer.value) for answer in reading.answers} == {SegmentationValue}


@pytest.mark.parametrize("kind", ["nifti", "nrrd", "mha"])
def test_label_maps_come_back_by_the_legend_that_is_printed(lung, kind, capsys):
    assert lung.export("out", kind) == 0
    assert "its label values are 1 = nodule#1, 2 = nodule#2" in capsys.readouterr().out
    other = lung.twin("second")
    assert other.take("out", "--map", "1=nodule#1", "2=nodule#2") == 0
    same_voxels(lung.only_reading()[1], other.only_reading()[1])


def test_words_and_numbers_survive_the_table(lung):
    assert lung.export("out", "csv") == 0
    other = lung.twin("second")
    assert other.take("out") == 0
    before, after = said(lung.only_reading()[0]), said(other.only_reading()[0])
    for key, value in after.items():
        whole = before[key]
        if isinstance(whole, MeasurementValue):
            assert value == MeasurementValue(whole.value, whole.unit)
        else:
            assert value == whole
    assert {item for item, _ in after} == {"malignancy", "calcification", "texture", "nodule_volume",
                                           "nodule_diameters", "comment"}  # fmt: skip


def test_all_formats_together_are_one_reading_again(lung, capsys):
    assert lung.export("out", "seg.nrrd", "mrk.json", "csv", "sr", "kos", "coco", "stl", "gltf") == 0
    other = lung.twin("second")
    assert other.take("out") == 0, capsys.readouterr().out
    (before, voxels), (after, again) = lung.only_reading(), other.only_reading()
    assert said(after) == said(before)
    same_voxels(voxels, again)


def test_points_boxes_and_choices_survive(spine, capsys):
    assert spine.export("out", "mrk.json", "sr") == 0
    written = capsys.readouterr().out
    assert "fractured_vertebra#1: is a box in space" in written
    assert "not visible, which a report does not say" in written
    other = spine.twin("second")
    assert other.take("out") == 0, capsys.readouterr().out
    before, after = said(spine.only_reading()[0]), said(other.only_reading()[0])
    assert before.keys() == after.keys()
    for key, value in before.items():
        if key[0] == "fractured_vertebra":
            np.testing.assert_allclose(after[key].directions, value.directions, atol=1e-9)  # type: ignore[attr-defined]
            np.testing.assert_allclose(after[key].size, value.size)  # type: ignore[attr-defined]
        else:
            assert after[key] == value


@pytest.mark.parametrize("kind", ["sr", "coco"])
def test_boxes_on_radiographs_survive(wrist, kind, capsys):
    assert wrist.export("out", kind) == 0
    written = capsys.readouterr().out
    other = wrist.twin("second")
    assert other.take("out") == 0
    before, after = said(wrist.only_reading()[0]), said(other.only_reading()[0])
    if kind == "sr":
        assert after == before
    else:
        assert "bone, certainty: no box or outline on an image." in written
        boxes = {key: value for key, value in before.items() if key[0] == "fracture"}
        assert {(i, s.image, s.instance): v for (i, s), v in after.items()} == {
            (i, s.image, s.instance): v for (i, s), v in boxes.items()
        }


def test_what_another_mapping_makes_of_the_same_files_is_said(lung, capsys):
    assert lung.export("out", "nifti") == 0
    other = lung.twin("second")
    assert other.take("out", "--map", "1=nodule#1", "2=nodule#2") == 0
    capsys.readouterr()
    assert other.take("out", "--map", "1=nodule#2", "2=nodule#1") == 1
    shown = capsys.readouterr().out
    assert "not imported: c1/anna/round-1/revision-1: the files differ from it in nodule#1, nodule#2" in shown
    assert "0 readings imported, 0 were there" in shown
    assert other.take("out", "--map", "1=nodule#2", "2=nodule#1", "--revise") == 0
    assert "1 reading imported" in capsys.readouterr().out
    project = other.project()
    assert [one.revision for one in project.state.latest_readings("c1")] == [2]
    path = project.segmentation_path(project.state.latest_readings("c1")[0])
    assert path is not None
    assert read_segmentation(path).mask("nodule#2").voxels.sum() == 5 * 5 * 3 - 1


def test_a_file_that_was_changed_since_the_export_is_refused(lung, capsys):
    assert lung.export("out", "csv") == 0
    table = lung.home / "out" / "c1_anna.csv"
    table.write_text(table.read_text().replace("malignancy,1,4", "malignancy,1,1"))
    assert lung.twin("second").take("out") == 2
    assert "was changed since it was exported" in capsys.readouterr().err


def test_two_files_that_contradict_each_other_are_refused(lung, capsys):
    assert lung.export("out", "csv") == 0
    (lung.home / "out" / "c1_anna.more.csv").write_text("case,reader,item,instance,value\nc1,anna,malignancy,1,1\n")
    other = lung.twin("second")
    assert other.take("out", "--pattern", "{case}_{reader}.*csv") == 1
    assert "two files answer 'malignancy#1' differently" in capsys.readouterr().out
    assert not list(other.project().state.all_readings())
    assert "anna" not in other.project().state.members


def test_the_list_of_an_export_names_readings_and_what_is_left_out(lung):
    assert lung.export("out", "nifti", "sr") == 0
    listing = json.loads((lung.home / "out" / "export.json").read_text())
    assert {file["reading"] for file in listing["files"]} == {"c1/anna/round-1/revision-1"}
    assert sorted(file["format"] for file in listing["files"]) == ["nifti", "seg", "sr", "sr"]
    assert any("holds no names, colours and codes" in line for line in listing["left out"])


def test_an_answer_type_never_leaves_unsaid(spine, capsys):
    """Whatever is not in a format's files stands in what is left out."""
    reading, _ = spine.only_reading()
    for kind in ("mrk.json", "csv", "sr"):
        assert spine.export("out", kind) == 0
        shown = capsys.readouterr().out
        other = spine.twin(f"after-{kind.replace('.', '-')}")
        assert other.take("out") == 0
        back = said(other.only_reading()[0])
        missing: list[Answer] = [a for a in reading.answers if (a.item, a.subject) not in back]
        capsys.readouterr()
        for answer in missing:
            assert any(answer.item in line for line in shown.splitlines() if line.startswith("left out")), answer.item


def test_a_folder_that_is_no_export_needs_a_pattern(lung, capsys):
    other = lung.twin("second")
    (lung.home / "plain").mkdir()
    assert other.take("plain") == 2
    assert "is no folder that annotation-qa export wrote; say --pattern or --table." in capsys.readouterr().err
    for content in ("[]", '{"files": [{"path": "../x", "sha256": "", "format": "", "reading": ""}]}'):
        (lung.home / "plain" / "export.json").write_text(content)
        assert other.take("plain") == 2
        assert "is no list of an export" in capsys.readouterr().err


def test_a_structure_set_without_its_images_is_named(lung, capsys):
    assert lung.export("out", "rtstruct") == 0
    other = lung.twin("second")
    argv = ["import", "folder", other.folder, lung.home / "out", "--as", "second"]
    assert other.run(*argv) == 1
    assert "c1_anna-rtstruct.dcm: its DICOM images are not at hand; name their folder with --images." in (
        capsys.readouterr().out
    )

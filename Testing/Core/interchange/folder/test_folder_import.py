"""Files of a folder become submitted readings; what matches nothing is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import InputError, ProjectError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.folder.importing import import_folder
from AnnotationQACore.interchange.folder.listing import list_by_pattern, list_by_table
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import create_identity
from AnnotationQACore.project.readings import Presence, RatingValue, SegmentationValue, Subject
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.segmentation import Mask, Segment, Segmentation

GRID = Grid((4, 8, 8), (3.0, 1.0, 1.0))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def project(home: Path) -> Project:
    return Project.create(home / "project", create_identity("lead"), load_shipped("lung_nodule_ct"))


def write_mask(path: Path, *boxes: tuple[slice, slice, slice]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.zeros((1, *GRID.shape), np.uint8)
    segments = []
    for value, box in enumerate(boxes, start=1):
        voxels[(0, *box)] = value
        segments.append(Segment(f"label-{value}", f"Label {value}", value))
    write_segmentation(path, Segmentation(voxels, GRID, tuple(segments)))


FIRST = (slice(0, 2), slice(1, 4), slice(1, 4))
SECOND = (slice(2, 4), slice(5, 8), slice(5, 8))


def test_masks_and_ratings_of_a_folder_become_readings(project: Project, home: Path) -> None:
    files = home / "files"
    write_mask(files / "c1" / "anna_nodule.nii.gz", FIRST, SECOND)
    write_mask(files / "c1" / "ben_nodule.nii.gz", FIRST)
    (files / "c1" / "anna_ratings.csv").write_text("item,instance,value\nmalignancy,1,4\nmalignancy,2,2\n")
    (files / "notes.md").write_text("not for import")
    masks = list_by_pattern(files, "{case}/{reader}_{item}.nii.gz")
    tables = list_by_pattern(files, "{case}/{reader}_ratings.csv")
    both = type(masks)(masks.files + tables.files, ())
    result = import_folder(project, both, add_cases=True)
    assert result.problems == ()
    assert result.readings == ("c1/anna/round-1/revision-1", "c1/ben/round-1/revision-1")
    anna = project.state.latest_readings("c1")[0]
    reading = project.load_reading(anna)
    assert reading.answer("malignancy", Subject(instance=2)).value == RatingValue(2)  # type: ignore[union-attr]
    assert reading.answer("nodule", Subject(instance=1)).value == SegmentationValue(Presence.PRESENT)  # type: ignore[union-attr]
    path = project.segmentation_path(anna)
    assert path is not None
    voxels = read_segmentation(path)
    assert voxels.mask("nodule#1").voxels[FIRST].all()
    assert voxels.mask("nodule#2").voxels.sum() == 2 * 3 * 3
    again = import_folder(project, both)
    assert (again.readings, again.already_there) == ((), 2)


def test_dicom_seg_is_imported_by_its_codes(project: Project, home: Path) -> None:
    protocol = project.protocol()
    nodule = protocol.segmentations[0]
    voxels = np.zeros((1, *GRID.shape), np.uint8)
    voxels[(0, *FIRST)] = 1
    drawn = Segmentation(voxels, GRID, (replace(Segment("x", "Something", 1), type=nodule.codes.type),))
    images = home / "images"
    images.mkdir()
    sources = write_phantom_series(images, Mask(voxels[0] > 0, GRID), "c1", "1.2.3")
    (home / "files").mkdir()
    write_dicom_seg(home / "files" / "c1_anna.dcm", drawn, sources, ObjectInfo(description="made elsewhere"))
    result = import_folder(project, list_by_pattern(home / "files", "{case}_{reader}.dcm"), add_cases=True)
    assert not result.problems
    path = project.segmentation_path(project.state.latest_readings("c1")[0])
    assert path is not None
    assert read_segmentation(path).mask("nodule#1").voxels.sum() == 2 * 3 * 3


def test_what_matches_nothing_is_said(project: Project, home: Path) -> None:
    files = home / "files"
    path = files / "c1" / "anna.seg.nrrd"
    path.parent.mkdir(parents=True)
    voxels = np.zeros((1, *GRID.shape), np.uint8)
    voxels[(0, *FIRST)] = 1
    voxels[(0, *SECOND)] = 2
    segments = (Segment("nodule#1", "Nodule", 1), Segment("heart", "Heart", 2))
    write_segmentation(path, Segmentation(voxels, GRID, segments))
    (files / "c1" / "ben.seg.nrrd").write_bytes(b"NRRD0004\ntruncated")
    (files / "readme.txt").write_text("x")
    result = import_folder(project, list_by_pattern(files, "{case}/{reader}.seg.nrrd"), add_cases=True)
    assert [line for line in result.mismatches if "Heart" in line]
    assert len(result.problems) == 1
    assert "ben.seg.nrrd" in result.problems[0]
    assert [unmatched.name for unmatched in result.unmatched] == ["readme.txt"]
    assert result.readings == ("c1/anna/round-1/revision-1",)


def test_a_mapping_gives_names_a_meaning(project: Project, home: Path) -> None:
    write_mask(home / "files" / "c1" / "anna.nrrd", FIRST)
    listing = list_by_pattern(home / "files", "{case}/{reader}.nrrd")
    result = import_folder(project, listing, mapping={"label-1": "nodule#1"}, add_cases=True)
    path = project.segmentation_path(project.state.latest_readings("c1")[0])
    assert path is not None
    assert not result.problems
    assert read_segmentation(path).mask("nodule#1").voxels.sum() == 2 * 3 * 3


def test_a_table_names_files(home: Path) -> None:
    write_mask(home / "files" / "x.nii.gz", FIRST)
    table = home / "files" / "list.csv"
    table.write_text("file,case,reader,round\nx.nii.gz,c1,anna,2\n")
    listing = list_by_table(home / "files", table)
    assert [(file.case, file.reader, file.round) for file in listing.files] == [("c1", "anna", 2)]
    assert listing.unmatched == ()
    table.write_text("file,case,reader\ny.nii.gz,c1,anna\n")
    with pytest.raises(InputError, match=r"row 2: .*y\.nii\.gz is not there"):
        list_by_table(home / "files", table)


def test_cases_are_not_added_unasked(project: Project, home: Path) -> None:
    write_mask(home / "files" / "c1" / "anna.nrrd", FIRST)
    with pytest.raises(ProjectError, match="'c1': is not in the project"):
        import_folder(project, list_by_pattern(home / "files", "{case}/{reader}.nrrd"))
    assert not project.state.cases


@pytest.mark.parametrize(
    "pattern", ["{case}/{who}.nrrd", "{case}/{case}.nrrd", "{case/{reader}.nrrd", "{case}/{reader", "{a case}.nrrd"]
)
def test_an_impossible_pattern_is_refused(home: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="pattern"):
        list_by_pattern(home, pattern)


def test_the_command_says_what_it_did(project: Project, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_mask(home / "files" / "c1" / "anna.nii.gz", FIRST)
    project.close()
    argv = ["import", "folder", str(home / "project"), str(home / "files"), "--pattern", "{case}/{reader}.nii.gz"]
    assert main([*argv, "--map", "label-1=nodule", "--add-cases"]) == 0
    assert "1 reading imported" in capsys.readouterr().out
    assert main([*argv, "--map", "nonsense"]) == 2
    assert "is not NAME=ITEM" in capsys.readouterr().err
    assert main([*argv[:-1], "{case}.zip"]) == 2
    assert "no file fits" in capsys.readouterr().err

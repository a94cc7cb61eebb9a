"""PNG and COCO datasets, read back by Pillow and pycocotools."""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.project.answers import Answer, BoxValue, Subject
from AnnotationQACore.release.exporters.coco import CocoExporter
from AnnotationQACore.release.exporters.png import PngExporter
from AnnotationQACore.release.exporters.png_bytes import png_bytes
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.image_facts import release_image
from AnnotationQACore.release.options import Crop, ExportOptions, Labels, Pictures, Resampling
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))
MakeDataset = Callable[..., Dataset]


def options(overlaps: Any = "layers", **pictures: Any) -> ExportOptions:
    return ExportOptions(labels=Labels(overlaps=overlaps), pictures=Pictures(**pictures))


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(("shape", "dtype"), [((5, 7), np.uint8), ((5, 7), np.uint16), ((5, 7, 3), np.uint8)])
def test_pillow_reads_our_png(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    (tmp_path / "a.png").write_bytes(png_bytes(pixels))
    np.testing.assert_array_equal(picture(tmp_path / "a.png"), pixels)


class TestPng:
    def test_slices_in_the_window_of_the_protocol(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = dataset_of("reference", "probability")
        assert PngExporter().check(dataset, options()) == []
        files = PngExporter().write(dataset, tmp_path, options())
        hu = dataset.cases[0].images[0].open().volume().voxels
        expected = np.rint(np.clip((hu[2] - (-600 - 750)) / 1500, 0, 1) * 255)
        np.testing.assert_array_equal(picture(tmp_path / "train/case-1/images/ct_0003.png"), expected)
        lesion = picture(tmp_path / "train/case-1/labels/reference/lesion/ct_0003.png")
        assert lesion.dtype == np.uint8
        assert set(np.unique(lesion)) == {0, 9}
        np.testing.assert_array_equal(lesion[LESION[1:]], 9)
        share = picture(tmp_path / "train/case-1/probability/probability/lesion/ct_0004.png")
        assert share[SECOND[1:]].tolist() == np.full((3, 3), 128).tolist()
        assert picture(tmp_path / "train/case-1/instances/reference/lesion/ct_0004.png")[SECOND[1:]].min() == 2
        document = json.loads((tmp_path / "dataset.json").read_text())
        entry = document["cases"][0]["pictures"][2]
        assert entry["image"] == "images/ct_0003.png"
        np.testing.assert_allclose(entry["position_lps"], GRID.to_world([2, 0, 0]), atol=1e-5)
        assert entry["image_uid"]
        assert document["cases"][0]["window"] == {"ct": [-1350, 150]}
        assert "train/case-1/images/ct_0003.png" in files

    def test_sixteen_bits_in_another_window_inverted(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = dataset_of()
        PngExporter().write(dataset, tmp_path, options(bits=16, window="soft"))
        hu = dataset.cases[0].images[0].open().volume().voxels
        expected = np.rint((1 - np.clip((hu[2] + 160) / 400, 0, 1)) * 65535)
        found = picture(tmp_path / "train/case-1/images/ct_0003.png")
        assert found.max() > 255
        np.testing.assert_array_equal(found, expected)

    def test_only_labeled_slices(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        PngExporter().write(dataset_of(), tmp_path, options(only_labeled=True))
        names = sorted(path.name for path in (tmp_path / "train/case-1/images").iterdir())
        assert names == ["ct_0002.png", "ct_0003.png", "ct_0004.png", "ct_0005.png"]

    def test_what_is_wrong_is_named(self, dataset_of: MakeDataset) -> None:
        dataset = dataset_of()
        assert "share voxels" in PngExporter().check(dataset, options("refuse"))[0]
        problems = PngExporter().check(dataset, options(window="bone"))
        assert problems == ["export options: pictures.window: 'bone' is no preset of the protocol; it has lung, soft."]


@pytest.fixture
def radiograph(dataset_of: MakeDataset, tmp_path: Path) -> Dataset:
    """A case with a picture without place in the patient, a drawn segment and a box in pixels."""
    dataset = dataset_of()
    pixels = np.tile(np.arange(40, dtype=np.uint8) * 5, (30, 1))
    Image.fromarray(pixels).save(tmp_path / "ray.png")
    layers = np.zeros((1, 1, 30, 40), np.uint8)
    layers[0, 0, 10:20, 5:15] = 1
    segmentation = Segmentation(layers, Grid((1, 30, 40)), (Segment("organ", "Organ", 1),))
    write_segmentation(tmp_path / "ray.seg.nrrd", segmentation)
    case = dataset.cases[0]
    box = Answer("region", BoxValue((10.0, 15.0), (10.0, 8.0)), Subject(series="ct"))
    reading = replace(case.readings[0], segmentation_file=tmp_path / "ray.seg.nrrd", answers=(box,))
    files = (tmp_path / "ray.png",)
    image = release_image("ct", files, modality="DX")
    return replace(dataset, cases=(replace(case, images=(image,), readings=(reading,)),))


def test_a_picture_without_geometry_is_released_as_it_is(radiograph: Dataset, tmp_path: Path) -> None:
    facts = radiograph.cases[0].images[0].facts
    assert (facts.geometry, facts.modality, facts.shape) == ("none", "DX", (1, 30, 40))
    (tmp_path / "png").mkdir()
    PngExporter().write(radiograph, tmp_path / "png", options())
    mask = picture(tmp_path / "png/train/case-1/labels/reference/organ/ct_0001.png")
    assert (mask[10:20, 5:15] == 5).all()
    assert mask.sum() == 5 * 100
    (tmp_path / "coco").mkdir()
    CocoExporter().write(radiograph, tmp_path / "coco", options())
    document = json.loads((tmp_path / "coco/annotations/train_reference.json").read_text())
    assert [one["bbox"] for one in document["annotations"]] == [[5, 10, 10, 10], [5, 11, 10, 8]]


@pytest.mark.parametrize("wrong", [{"resampling": Resampling(scale=2)}, {"crop": Crop()}, {"orientation": "RAS"}])
def test_a_picture_without_geometry_cannot_be_turned_or_resampled(radiograph: Dataset, wrong: dict[str, Any]) -> None:
    problems = PngExporter().check(radiograph, replace(options(), **wrong))
    assert problems[0].startswith("case case-1: series 'ct' is no 3D volume, so that ")


class TestCoco:
    @pytest.fixture
    def folder(self, dataset_of: MakeDataset, tmp_path: Path) -> Path:
        dataset = dataset_of("reference", "readers")
        assert CocoExporter().check(dataset, ExportOptions()) == []  # overlapping structures are objects of their own
        files = CocoExporter().write(dataset, tmp_path, ExportOptions())
        on_disk = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        assert list(files) == on_disk
        return tmp_path

    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools with NumPy 2
    def test_pycocotools_reads_masks_pixel_by_pixel(self, folder: Path) -> None:
        tools = pytest.importorskip("pycocotools.coco", reason="needs pycocotools (extra: test)")
        with contextlib.redirect_stdout(io.StringIO()):
            coco = tools.COCO(str(folder / "annotations" / "train_reference.json"))
        assert {one["name"] for one in coco.loadCats(coco.getCatIds())} == {
            "Organ", "Lesion", "Region", "Outline", "Points",
        }  # fmt: skip
        (lesion,) = coco.getCatIds(catNms=["Lesion"])
        assert lesion == 9
        volume = np.zeros(GRID.shape, int)
        for image_id in coco.getImgIds():
            image = coco.loadImgs(image_id)[0]
            assert picture(folder / "images" / image["file_name"]).shape == (image["height"], image["width"])
            for one in coco.loadAnns(coco.getAnnIds(imgIds=image_id, catIds=[lesion])):
                mask = coco.annToMask(one)
                assert mask.sum() == one["area"]
                rows, columns = np.nonzero(mask)
                left, top, width, height = one["bbox"]
                assert (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1) == (left, top, width, height)
                volume[image["number"]] += mask * one["instance"]
        expected = np.zeros(GRID.shape, int)
        expected[LESION], expected[SECOND] = 1, 2
        np.testing.assert_array_equal(volume, expected)

    def test_images_on_which_nothing_was_drawn_are_listed(self, folder: Path) -> None:
        document = json.loads((folder / "annotations/train_reference.json").read_text())
        assert [image["number"] for image in document["images"]] == list(range(6))
        drawn = {one["image_id"] for one in document["annotations"]}
        assert 1 not in drawn

    def test_boxes_outlines_and_landmarks_lie_where_they_were_drawn(self, folder: Path) -> None:
        document = json.loads((folder / "annotations/train_reference.json").read_text())
        numbers = {image["id"]: image["number"] for image in document["images"]}
        found = {category["item"]: category["id"] for category in document["categories"]}

        def of(item: str) -> list[dict[str, Any]]:
            return [one for one in document["annotations"] if one["category_id"] == found[item]]

        boxes = of("region")  # centre at k 2.5, j 10, i 8; 3 slices, 6 rows, 4 columns
        assert [numbers[one["image_id"]] for one in boxes] == [1, 2, 3, 4]
        np.testing.assert_allclose(boxes[0]["bbox"], [6.5, 7.5, 4, 6], atol=1e-4)
        (outline,) = of("outline")
        assert numbers[outline["image_id"]] == 3
        np.testing.assert_allclose(outline["segmentation"], [[5.5, 6.5, 15.5, 6.5, 15.5, 18.5, 5.5, 18.5]], atol=1e-4)
        (points,) = of("points")
        np.testing.assert_allclose(points["keypoints"], [5.5, 6.5, 2, 0, 0, 0], atol=1e-4)
        assert points["num_keypoints"] == 1

    def test_what_lies_on_no_picture_is_told(self, dataset_of: MakeDataset, folder: Path, tmp_path: Path) -> None:
        assert json.loads((folder / "annotations/train_reference.json").read_text())["info"]["left_out"] == []
        dataset = dataset_of()
        case = dataset.cases[0]
        far = Answer("region", BoxValue((500.0, 500.0, 500.0), (3.0, 3.0, 3.0)))
        reading = replace(case.readings[0], answers=(far,))
        (tmp_path / "far").mkdir()
        far_away = replace(dataset, cases=(replace(case, readings=(reading,)),))
        CocoExporter().write(far_away, tmp_path / "far", ExportOptions())
        document = json.loads((tmp_path / "far/annotations/train_reference.json").read_text())
        assert document["info"]["left_out"] == ["case case-1: 'region' lies on none of the pictures."]

    def test_each_split_and_reading_has_its_file(self, folder: Path) -> None:
        names = {path.stem for path in (folder / "annotations").iterdir()}
        assert names == {f"{split}_{name}" for split in ("train", "validation", "test")
                         for name in ("reference", "reader1", "reader2")}  # fmt: skip

    def test_probability_maps_are_refused(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="COCO holds no probability maps"):
            CocoExporter().write(dataset_of("probability"), tmp_path, ExportOptions())
        assert list(tmp_path.iterdir()) == []

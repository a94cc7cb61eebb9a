"""A case on its way to arrays: one grid for all, labels by the protocol's hierarchy, values as asked for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.errors import GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.nifti import write_nifti
from AnnotationQACore.release.exporters.checks import array_format_problems
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.image_facts import release_image
from AnnotationQACore.release.label_table import label_layers, label_table
from AnnotationQACore.release.lattice import Turn, oriented
from AnnotationQACore.release.options import Crop, ExportOptions, Intensity, Labels, LabelValue, Resampling
from AnnotationQACore.release.preparation import Form, PreparedCase, prepare_case
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
ORGAN = (slice(1, 5), slice(4, 20), slice(3, 16))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))
MakeDataset = Callable[..., Dataset]


def prepared(dataset: Dataset, options: ExportOptions, case: int = 0, **form: bool) -> PreparedCase:
    table = label_table(dataset.protocol, options.labels)
    return prepare_case(dataset.cases[case], dataset.protocol, options, table, Form(**form))


def lesions() -> np.ndarray:
    voxels = np.zeros(GRID.shape, bool)
    voxels[LESION] = voxels[SECOND] = True
    return voxels


def organ() -> np.ndarray:
    voxels = np.zeros(GRID.shape, bool)
    voxels[ORGAN] = True
    return voxels


def test_layers_have_a_label_each_and_nothing_is_lost(dataset_of: MakeDataset) -> None:
    one = prepared(dataset_of(), ExportOptions(labels=Labels(overlaps="layers")), layered=True, instances=True)
    layers = one.readings[0].layers
    assert layers is not None
    np.testing.assert_array_equal(layers, np.stack([5 * organ(), 9 * lesions()]))
    instances = one.readings[0].instances["lesion"]
    assert instances[LESION].tolist() == np.full((2, 4, 4), 1).tolist()
    assert (instances[SECOND] == 2).all()
    assert not one.grid.differences(GRID)


def test_overlaps_are_refused_never_flattened(dataset_of: MakeDataset) -> None:
    with pytest.raises(InputError, match=r"case case-1: 'organ' and 'lesion' share voxels.*labels.overlaps"):
        prepared(dataset_of(), ExportOptions())
    assert prepared(dataset_of(), ExportOptions(), case=1).readings[0].layers is not None  # nothing overlaps there


def test_labels_are_merged_by_the_hierarchy(dataset_of: MakeDataset) -> None:
    one = prepared(dataset_of(), ExportOptions(labels=Labels(merge_into=("organ",))))
    assert one.readings[0].layers is not None
    np.testing.assert_array_equal(one.readings[0].layers[0], 5 * (organ() | lesions()))
    merged = label_table(dataset_of().protocol, Labels(merge_into=("organ",)))
    assert [(label.id, label.value, label.members) for label in merged.labels] == [("organ", 5, ("organ", "lesion"))]


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        (Labels(), {"organ": 5, "lesion": 9}),
        (Labels(items=("lesion",)), {"lesion": 9}),
        (Labels(consecutive=True), {"organ": 1, "lesion": 2}),
        (Labels(values=(LabelValue(item="lesion", value=700),)), {"organ": 5, "lesion": 700}),
        (Labels(items=("lesion",), merge_into=("organ",)), {"organ": 5}),
    ],
)
def test_label_values(dataset_of: MakeDataset, labels: Labels, values: dict[str, int]) -> None:
    assert label_table(dataset_of().protocol, labels).values == values


def test_choosing_a_part_below_a_merged_label_leaves_the_rest_out(dataset_of: MakeDataset) -> None:
    one = prepared(dataset_of(), ExportOptions(labels=Labels(items=("lesion",), merge_into=("organ",))), case=1)
    assert one.readings[0].layers is not None
    np.testing.assert_array_equal(one.readings[0].layers[0] == 5, lesions())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Labels(items=("liver",)), r"labels.items\[0\]: 'liver' is no segmentation .* it has organ, lesion"),
        (Labels(merge_into=("lesion",)), r"labels.merge_into\[0\]: nothing is below 'lesion'"),
        (Labels(values=(LabelValue(item="lesion", value=5),)), "'organ' and 'lesion' both have the value 5"),
    ],
)
def test_labels_that_do_not_fit_the_protocol(dataset_of: MakeDataset, labels: Labels, message: str) -> None:
    with pytest.raises(InputError, match=message):
        label_table(dataset_of().protocol, labels)


def test_a_segment_of_no_item_is_not_dropped_in_silence(dataset_of: MakeDataset) -> None:
    table = label_table(dataset_of().protocol, Labels())
    stray = Segmentation(np.ones((1, 1, 1, 2), np.uint8), Grid((1, 1, 2)), (Segment("label-1", "?", 1),))
    with pytest.raises(InputError, match=r"case x: segment 'label-1' is none of the protocol's"):
        label_layers(stray, table, layered=True, case="x")


@pytest.mark.parametrize("orientation", ["RAS", "SLP", "AIR"])
def test_images_and_labels_turn_together(dataset_of: MakeDataset, orientation: str) -> None:
    plain = prepared(dataset_of(), ExportOptions(), case=1)
    turned = prepared(dataset_of(), ExportOptions(orientation=orientation), case=1)
    assert oriented(turned.grid) == orientation
    for world_of in (lambda one: one.images["ct"], lambda one: one.readings[0].layers[0]):
        before = plain.grid.to_world(np.argwhere(world_of(plain) == world_of(plain).max()))
        after = turned.grid.to_world(np.argwhere(world_of(turned) == world_of(turned).max()))
        np.testing.assert_allclose(np.sort(before, axis=0), np.sort(after, axis=0), atol=1e-6)


def test_cropping_around_labels_takes_the_margin_and_moves_the_origin(dataset_of: MakeDataset) -> None:
    one = prepared(dataset_of(), ExportOptions(crop=Crop(margin_mm=1.6), labels=Labels(items=("lesion",))), case=1)
    # the organ of case-2 is drawn too, so the box is that of all segments: k 1-4, j 4-19, i 3-15, and the margin
    assert one.grid.shape == (6, 20, 19)
    np.testing.assert_allclose(one.grid.origin, GRID.to_world([0, 2, 0]), atol=1e-9)
    layers = one.readings[0].layers
    assert layers is not None
    np.testing.assert_array_equal(layers[0] == 9, lesions()[:, 2:22, 0:19])


def test_cropping_around_the_foreground(dataset_of: MakeDataset) -> None:
    whole = prepared(dataset_of(), ExportOptions(), case=1)
    one = prepared(dataset_of(), ExportOptions(crop=Crop(to="foreground", margin_mm=0, threshold=-300)), case=1)
    bright = np.argwhere(whole.images["ct"] > -300)
    np.testing.assert_array_equal(one.grid.shape, np.ptp(bright, axis=0) + 1)
    nothing = prepared(dataset_of(), ExportOptions(crop=Crop(to="foreground", threshold=30000)), case=1)
    assert nothing.grid.shape == GRID.shape


def test_resampling_puts_image_and_labels_on_the_new_grid(dataset_of: MakeDataset) -> None:
    options = ExportOptions(resampling=Resampling(spacing_mm=(2.5, 0.4, 0.35)), labels=Labels(items=("lesion",)))
    one = prepared(dataset_of(), options, case=1, instances=True)
    layers = one.readings[0].layers
    assert layers is not None
    assert one.images["ct"].shape == layers[0].shape == one.readings[0].instances["lesion"].shape == (6, 48, 40)
    assert (layers[0] == 9).sum() == 4 * lesions().sum()
    np.testing.assert_array_equal(layers[0] == 9, one.readings[0].instances["lesion"] > 0)


def test_intensities(dataset_of: MakeDataset) -> None:
    dataset = dataset_of()

    def image(*rules: Intensity) -> np.ndarray:
        return prepared(dataset, ExportOptions(intensity=rules), case=1).images["ct"]

    plain = image()
    assert plain.dtype == np.int16
    clipped = image(Intensity(clip=(-900, 100)))
    assert clipped.dtype == np.int16
    np.testing.assert_array_equal(clipped, np.clip(plain, -900, 100))
    np.testing.assert_allclose(image(Intensity(clip=(-900.5, 100), normalization="unit")),
                               (np.clip(plain, -900.5, 100) + 900.5) / 1000.5, atol=1e-6)  # fmt: skip
    scored = image(Intensity(normalization="zscore"))
    assert scored.dtype == np.float32
    assert abs(float(scored.mean())) < 1e-4
    assert abs(float(scored.std()) - 1) < 1e-4
    np.testing.assert_array_equal(image(Intensity(series=("mr",), clip=(0, 1))), plain)


def test_probabilities_are_the_fraction_of_readers(dataset_of: MakeDataset) -> None:
    one = prepared(dataset_of("probability"), ExportOptions(), layered=False)
    found = one.readings[0].probabilities
    assert set(np.unique(found["organ"])) == {0.0, 0.5, 1.0}
    assert (found["organ"][ORGAN] == 1).all()
    assert (found["organ"][1:5, 4:20, 16] == 0.5).all()  # Ben's column
    assert (found["lesion"][SECOND] == 0.5).all()


@pytest.fixture
def two_channels(dataset_of: MakeDataset, tmp_path: Path) -> Dataset:
    """Case-2 with a second series, a ramp on a coarser, turned grid that holds the field of view of the first."""
    dataset = dataset_of()
    other = Turn(Grid((9, 12, 12), (2.5, 2.0, 1.6), (-12.0, 3.0, 96.0)), "RAI").grid
    place = other.to_world(np.stack(np.indices(other.shape), -1))
    write_nifti(tmp_path / "pet.nii.gz", Volume(ramp(place), other))
    case = dataset.cases[1]
    pet = release_image("pet", (tmp_path / "pet.nii.gz",), modality="PT")
    return replace(dataset, cases=(replace(case, images=(*case.images, pet)),))


def ramp(place: np.ndarray) -> np.ndarray:
    return (place @ np.array([2.0, -3.0, 0.5])).astype(np.float32)


def test_other_series_are_put_on_the_grid_of_the_first(two_channels: Dataset) -> None:
    one = prepared(two_channels, ExportOptions())
    assert list(one.images) == ["ct", "pet"]
    assert not one.grid.differences(GRID)
    expected = ramp(GRID.to_world(np.stack(np.indices(GRID.shape), -1)))
    np.testing.assert_allclose(one.images["pet"], expected, atol=1e-3)  # linear interpolation of a ramp is exact
    alone = prepared(two_channels, ExportOptions(series=("pet",), resampling=Resampling(scale=1)))
    assert alone.grid.shape == (9, 12, 12)


def test_a_case_that_lacks_a_channel_is_named(dataset_of: MakeDataset, two_channels: Dataset) -> None:
    mixed = replace(two_channels, cases=(*two_channels.cases, dataset_of().cases[0]))
    problems = array_format_problems(mixed, ExportOptions(series=("ct", "pet"), labels=Labels(items=("lesion",))))
    assert any(line.startswith("case case-1: lacks the series pet, and every case has the same") for line in problems)


def test_a_reading_on_another_lattice_needs_a_resampling(dataset_of: MakeDataset, tmp_path: Path) -> None:
    dataset = dataset_of()
    other = Grid((12, 48, 40), (1.25, 0.4, 0.35), tuple(GRID.to_world([-0.25] * 3).tolist()))
    layers = np.zeros((1, *other.shape), np.uint8)
    layers[0, 2:10, 8:40, 6:32] = 1
    write_segmentation(path := tmp_path / "fine.seg.nrrd", Segmentation(layers, other, (Segment("organ", "O", 1),)))
    case = dataset.cases[1]
    reading = replace(case.readings[0], segmentation_file=path)
    dataset = replace(dataset, cases=(replace(case, readings=(reading,)),))
    with pytest.raises(GridMismatch, match=r"case case-2: reading 'reference' lies on another grid.*give a resampling"):
        prepared(dataset, ExportOptions())
    one = prepared(dataset, ExportOptions(resampling=Resampling(scale=1)))
    assert one.readings[0].layers is not None
    np.testing.assert_array_equal(one.readings[0].layers[0] == 5, organ())

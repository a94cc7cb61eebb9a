"""Frames at one position become volumes along a named dimension."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.dimensions import DimensionName
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series

SLICES = 3


def write(studio, volumes, **elements):
    """Write slices slice by slice, so that instance numbers do not sort them to volumes."""
    numbers = itertools.count(1)
    for k in range(SLICES):
        for v, values in enumerate(volumes):
            own = {name: value(k) if callable(value) else value for name, value in values.items()}
            studio.slice(
                np.full((6, 5), 10 * v + k, np.uint16),
                **{
                    "Modality": "MR",
                    "RescaleIntercept": 0,
                    "ImagePositionPatient": [0, 0, 2.0 * k],
                    "InstanceNumber": next(numbers),
                    **elements,
                    **own,
                },
            )


def assert_ordered(image, count):
    expected = np.array([[10 * v + k for k in range(SLICES)] for v in range(count)])
    np.testing.assert_array_equal(image.voxels[:, :, 0, 0], expected)
    assert image.grid.shape == (SLICES, 6, 5)
    assert image.has(FindingCode.FOUR_DIMENSIONAL)


@pytest.mark.parametrize(
    ("keyword", "values", "name", "unit"),
    [
        ("EchoTime", (4.6, 9.2, 13.8), DimensionName.ECHO, "ms"),
        ("DiffusionBValue", (0.0, 400.0, 800.0), DimensionName.B_VALUE, "s/mm²"),
        ("TemporalPositionIdentifier", (1.0, 2.0, 3.0), DimensionName.TIME, ""),
        ("NominalPercentageOfCardiacPhase", (0.0, 35.0, 75.0), DimensionName.CARDIAC_PHASE, "%"),
    ],
)
def test_dimension_is_named_with_its_values(studio, keyword, values, name, unit):
    write(studio, [{keyword: int(value) if keyword.startswith("Temporal") else value} for value in values])
    image = load_series(studio.folder)
    assert_ordered(image, 3)
    assert image.dimension.name is name
    assert image.dimension.values == values
    assert image.dimension.unit == unit


def test_time_in_seconds_though_each_slice_has_its_own(studio):
    volumes = [{"AcquisitionTime": lambda k, v=v: f"1015{20 * v + 2 * k:02}.500"} for v in range(3)]
    write(studio, volumes)
    image = load_series(studio.folder)
    assert_ordered(image, 3)
    assert (image.dimension.name, image.dimension.unit) == (DimensionName.TIME, "s")
    assert image.dimension.values == (0.0, 20.0, 40.0)
    assert [source.time - image.sources[0][0].time for source in image.sources[1]] == [20, 22, 24]


def test_trigger_time_is_a_cardiac_phase(studio):
    write(studio, [{"TriggerTime": lambda k, v=v: 50.0 * v + k} for v in range(4)])
    image = load_series(studio.folder)
    assert_ordered(image, 4)
    assert (image.dimension.name, image.dimension.unit) == (DimensionName.CARDIAC_PHASE, "ms")
    assert image.dimension.values == (1.0, 51.0, 101.0, 151.0)


def test_magnitude_and_phase(studio):
    write(studio, [{"ImageType": ["ORIGINAL", "PRIMARY", part, "NONE"]} for part in ("M", "P")])
    image = load_series(studio.folder)
    assert_ordered(image, 2)
    assert image.dimension.values == ("magnitude", "phase")


def test_parts_of_a_dixon_series(studio):
    write(studio, [{"ImageType": ["DERIVED", "PRIMARY", "DIXON", part]} for part in ("FAT", "WATER")])
    image = load_series(studio.folder)
    assert_ordered(image, 2)
    assert image.dimension.name is DimensionName.IMAGE_TYPE
    assert image.dimension.values == ("DIXON FAT", "DIXON WATER")


def test_two_things_at_once(studio):
    volumes = [
        {"EchoTime": echo, "ImageType": ["ORIGINAL", "PRIMARY", part]} for echo in (5.0, 10.0) for part in ("M", "P")
    ]
    write(studio, volumes)
    image = load_series(studio.folder)
    assert_ordered(image, 4)
    assert image.dimension.name is DimensionName.COMBINED
    assert image.dimension.values == ("5 ms, magnitude", "5 ms, phase", "10 ms, magnitude", "10 ms, phase")


def test_diffusion_directions(studio):
    gradients = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    volumes = [{"DiffusionBValue": 0.0, "DiffusionGradientOrientation": [0, 0, 0]}]
    volumes += [{"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": gradient} for gradient in gradients[::-1]]
    write(studio, volumes)
    image = load_series(studio.folder)
    assert_ordered(image, 4)
    assert image.dimension.name is DimensionName.B_VALUE


def test_incomplete_volume_is_left_out_and_said(studio):
    write(studio, [{"EchoTime": echo} for echo in (5.0, 10.0, 15.0)])
    sorted(studio.folder.iterdir())[-1].unlink()
    image = load_series(studio.folder)
    assert_ordered(image, 2)
    assert image.has(FindingCode.INCOMPLETE_DIMENSION)
    assert image.dimension.values == (5.0, 10.0)


def test_stopped_acquisition_without_any_times(studio):
    for number in range(8):
        studio.slice(ImagePositionPatient=[0, 0, number % 3], InstanceNumber=number + 1, Modality="MR")
    image = load_series(studio.folder)
    assert image.voxels.shape == (2, 3, 6, 5)
    assert [f.code for f in image.findings if f.severity == "error"] == [FindingCode.INCOMPLETE_DIMENSION]


def test_hole_that_nothing_explains_makes_no_volume(studio):
    for number in range(12):
        if number != 4:
            studio.slice(ImagePositionPatient=[0, 0, number % 3], InstanceNumber=number + 1, Modality="MR")
    image = load_series(studio.folder)
    assert image.grid is None
    assert image.has(FindingCode.INCOMPLETE_DIMENSION)
    with pytest.raises(InputError, match="which belong together"):
        image.volume()


def test_missing_time_points_against_the_header(studio):
    write(studio, [{"TemporalPositionIdentifier": v} for v in (1, 2)], NumberOfTemporalPositions=5)
    image = load_series(studio.folder)
    (error,) = [finding for finding in image.findings if finding.severity == "error"]
    assert error.message == "2 of 5 time points are there; the rest is missing."


def test_volumes_share_one_grid(studio):
    write(studio, [{"EchoTime": echo} for echo in (5.0, 10.0)])
    image = load_series(studio.folder)
    first, second = image.volume(0), image.volume(1)
    assert first.grid is second.grid
    assert second.voxels[0, 0, 0] == 10

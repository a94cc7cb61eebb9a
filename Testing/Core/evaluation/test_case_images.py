"""The image of a case in the grey levels of the protocol."""

from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case_images import CaseImage, case_image, window_of
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.project.cases import Case, SeriesReference
from AnnotationQACore.protocol.imaging import WindowPreset
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.segmentation import Mask, Volume

GRID = Grid((3, 24, 40), (2.5, 0.7, 0.7), (5.0, -7.0, 11.0))
WINDOW = WindowPreset(id="w", title="W", center=100.0, width=200.0)


def ramp() -> Volume:
    return Volume(np.arange(3 * 24 * 40, dtype=np.int16).reshape(GRID.shape) % 300, GRID)


def test_grey_levels_are_those_of_the_window() -> None:
    part = (slice(1, 2), slice(4, 9), slice(10, 30))
    shown = CaseImage(ramp(), "").slice_on(GRID.cropped(part), WINDOW)
    expected = np.clip(ramp().voxels[1, 4:9, 10:30] / 200.0, 0, 1) * 255
    np.testing.assert_allclose(shown, expected, atol=1)
    inverted = CaseImage(ramp(), "").slice_on(
        GRID.cropped(part), WindowPreset(id="i", title="I", center=100.0, width=200.0, inverted=True)
    )
    np.testing.assert_allclose(inverted, 255 - expected, atol=1)


def test_what_is_outside_the_image_is_black() -> None:
    beside = Grid((1, 24, 40), GRID.spacing, (5.0, -7.0, 200.0))
    assert not CaseImage(ramp(), "").slice_on(beside, WINDOW).any()


def test_without_a_window_the_image_fills_the_range(lung: Protocol) -> None:
    shown = CaseImage(ramp(), "").slice_on(GRID.cropped((slice(0, 1), slice(0, 24), slice(0, 40))), None)
    assert (shown.min(), shown.max()) == (0, 255)
    window = window_of(lung, lung.segmentations[0])
    assert window is not None
    assert window in lung.windows


def test_images_are_found_where_they_are(tmp_path: Path) -> None:
    write_volume(tmp_path / "ct.nii.gz", ramp())
    here = Case("c", "p", series=(SeriesReference("ct", "ct.nii.gz"),))
    found = case_image(tmp_path, here, "ct", {})
    assert found is not None
    np.testing.assert_array_equal(found.volume.voxels, ramp().voxels)
    assert case_image(tmp_path, here, "pet", {}) is None
    assert case_image(tmp_path, Case("c", "p", series=(SeriesReference("ct", uid="1.2"),)), "ct", {}) is None
    folder = tmp_path / "series"
    folder.mkdir()
    files = write_phantom_series(folder, Mask(np.zeros(GRID.shape, bool), GRID), "c", "1.2")
    elsewhere = case_image(tmp_path, Case("c", "p", series=(SeriesReference("ct", uid="1.2"),)), "ct", {"1.2": files})
    assert elsewhere is not None
    assert "PHANTOM" in elsewhere.description
    assert not elsewhere.volume.grid.differences(GRID)


def test_images_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(InputError, match=r"ct\.nii\.gz"):
        case_image(tmp_path, Case("c", "p", series=(SeriesReference("ct", "ct.nii.gz"),)), "ct", {})

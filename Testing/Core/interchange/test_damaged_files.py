"""Files with flipped bytes are read or refused with one clear line: no reader fails in any other way."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.coco import CocoAnnotation, CocoImage, read_coco, write_coco
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.dicom_sr import GraphicType, MeasurementGroup, SpatialShape, read_measurement_report
from AnnotationQACore.interchange.dicom_sr_writer import write_measurement_report
from AnnotationQACore.interchange.key_objects import read_key_objects, write_key_objects
from AnnotationQACore.interchange.label_images import read_segmentation, write_segmentation
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, read_markups, write_markups
from AnnotationQACore.interchange.rtstruct import read_rtstruct, write_rtstruct
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((4, 5, 6), (2.5, 0.7, 0.7))
INFO = ObjectInfo(description="x", creator="anna", when=datetime(2026, 1, 2), key="k")


def _segmentation() -> Segmentation:
    layers = np.zeros((1, *GRID.shape), np.uint8)
    layers[0, 1:3, 1:4, 2:5] = 1
    return Segmentation(layers, GRID, (Segment("a", "A", 1),))


READERS: dict[str, Callable[[Path], object]] = {
    "seg.dcm": read_dicom_seg,
    "sr.dcm": read_measurement_report,
    "rt.dcm": read_rtstruct,
    "ko.dcm": read_key_objects,
    "m.mrk.json": read_markups,
    "c.json": read_coco,
    "a.seg.nrrd": read_segmentation,
    "a.nii": read_segmentation,
    "a.nii.gz": read_segmentation,
    "a.mha": read_segmentation,
}


@pytest.fixture(scope="module")
def good(series_on, tmp_path_factory) -> Path:
    """Folder with a good file of each format."""
    folder, series = tmp_path_factory.mktemp("good"), series_on(GRID)
    point = SpatialShape(GraphicType.POINT, ((1.0, 2.0, 3.0),), str(series[0].FrameOfReferenceUID))
    write_dicom_seg(folder / "seg.dcm", _segmentation(), series, INFO)
    write_measurement_report(folder / "sr.dcm", [MeasurementGroup("a", "1.2", point)], series, INFO)
    write_rtstruct(folder / "rt.dcm", _segmentation(), series, INFO)
    write_key_objects(folder / "ko.dcm", series, INFO)
    write_markups(folder / "m.mrk.json", [Markup(MarkupKind.FIDUCIAL, "m", (MarkupPoint("a", (1.0, 2.0, 3.0)),))])
    write_coco(folder / "c.json", [CocoAnnotation(CocoImage("a.png", 9, 9), "x", (1.0, 2.0, 3.0, 4.0))])
    for name in ("a.seg.nrrd", "a.nii", "a.nii.gz", "a.mha"):
        write_segmentation(folder / name, _segmentation())
    return folder


@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::UserWarning:highdicom")
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes(good, tmp_path, name, places):
    damaged = bytearray((good / name).read_bytes())
    for place, byte in places:
        damaged[int(place * len(damaged))] = byte
    (tmp_path / name).write_bytes(bytes(damaged))
    try:
        READERS[name](tmp_path / name)
    except InputError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message

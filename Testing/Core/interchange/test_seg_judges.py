"""Software that no one here wrote finds our DICOM segmentations valid, and reads the same voxels."""

import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import (
    Algorithm,
    AlgorithmType,
    ProbabilityMap,
    SegmentationType,
    SegmentOrigin,
)
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg, write_fractional_segs
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

INFO = ObjectInfo(description="Läsionen", creator="anna", when=datetime(2026, 1, 2, 3, 4, 5))
OBLIQUE = Grid((5, 9, 11), (2.5, 0.7, 0.5), (-10.0, 20.0, 30.0), ((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)))
KIND = {
    "category": Code("SCT", "49755003", "Morphologically Abnormal Structure"),
    "type": Code("SCT", "4147007", "Mass"),
}
REGION = {"region": Code("SCT", "39607008", "Lung"), "region_modifier": Code("SCT", "24028007", "Right")}
STAPLE = SegmentOrigin(Algorithm(AlgorithmType.AUTOMATIC, "STAPLE", "1.0", Code("DCM", "123107", "Cluster Analysis")))


def _apart() -> Segmentation:
    layers = np.zeros((1, *OBLIQUE.shape), np.uint8)
    layers[0, 1, 1:4, 2:8] = 3
    layers[0, 3:5, 5:9, 4:11] = 7
    return Segmentation(layers, OBLIQUE, (Segment("lesion#1", "Läsion 1", 3, **KIND, **REGION), Segment("b", "B", 7)))


def _overlapping() -> Segmentation:
    apart = _apart()
    layers = np.concatenate([apart.layers, np.zeros_like(apart.layers)])
    layers[1, 0:4, 2:6, 3:5] = 1
    return Segmentation(layers, OBLIQUE, (*apart.segments, Segment("lung", "Lung", 1, 1, **KIND)))


def _write(name: str, folder: Path, series_on) -> Segmentation:
    path, series = folder / "object.dcm", series_on(OBLIQUE)
    segmentation = _overlapping() if name == "overlapping" else _apart()
    if name == "fractional":
        maps = [
            ProbabilityMap(s, Volume(segmentation.mask(s.id).voxels * np.float32(1), OBLIQUE))
            for s in segmentation.segments
        ]
        write_fractional_segs(path, maps, series, INFO)
    else:
        kind = SegmentationType.LABELMAP if name == "labelmap" else SegmentationType.BINARY
        write_dicom_seg(path, segmentation, series, INFO, kind, {"b": STAPLE})
    return segmentation


@pytest.mark.parametrize("name", ["apart", "overlapping", "fractional"])
def test_dciodvfy_finds_no_error(judge, series_on, tmp_path, name):
    _write(name, tmp_path, series_on)
    said = judge("dciodvfy", tmp_path / "object.dcm", package="dicom3tools")
    assert "Segmentation" in said
    assert "Error" not in said


def test_dciodvfy_finds_no_error_on_a_radiograph(judge, shared_data, tmp_path):
    source = shared_data / "dicom" / "dx_mono1" / "dx_image.dcm"
    layers = np.zeros((1, 1, 169, 211), np.uint8)
    layers[0, 0, 3:9, 2:7] = 1
    segmentation = Segmentation(layers, Grid((1, 169, 211)), (Segment("a", "A", 1, **KIND),))
    write_dicom_seg(tmp_path / "object.dcm", segmentation, [source], INFO)
    assert "Error" not in judge("dciodvfy", tmp_path / "object.dcm", package="dicom3tools")


@pytest.mark.parametrize("name", ["apart", "overlapping", "fractional", "labelmap"])
def test_dcmqi_reads_the_same_voxels(dcmqi, series_on, tmp_path, name):
    segmentation = _write(name, tmp_path, series_on)
    out = tmp_path / "out"
    out.mkdir()
    command = [
        dcmqi / "segimage2itkimage",
        "--inputDICOM",
        tmp_path / "object.dcm",
        "--outputDirectory",
        out,
        "-t",
        "nrrd",
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    files = sorted(out.glob("*.nrrd"))
    assert files, done.stdout + done.stderr
    found: dict[int, set[tuple[int, ...]]] = {}
    for number, file in enumerate(files, start=1):
        image = sitk.ReadImage(str(file))
        voxels = sitk.GetArrayFromImage(image)
        for index in np.argwhere(voxels):
            point = image.TransformIndexToPhysicalPoint([int(x) for x in index[::-1]])
            ours = OBLIQUE.to_index(point)
            assert np.abs(ours - np.rint(ours)).max() < 1e-3
            segment = int(voxels[tuple(index)]) if name == "labelmap" else number
            found.setdefault(segment, set()).add(tuple(np.rint(ours).astype(int)))
    assert set(found) == set(range(1, len(segmentation.segments) + 1))
    for number, segment in enumerate(segmentation.segments, start=1):
        assert found[number] == {tuple(index) for index in np.argwhere(segmentation.mask(segment.id).voxels)}

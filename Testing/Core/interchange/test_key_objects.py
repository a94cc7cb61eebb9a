from datetime import datetime

import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.key_objects import QUALITY_ISSUE, KeyObjects, read_key_objects, write_key_objects

INFO = ObjectInfo(description="Flags", creator="anna", when=datetime(2026, 1, 2, 3, 4, 5), key="reading 1")


@pytest.fixture
def flagged(series_on):
    return series_on(Grid((4, 5, 6)))[1:3]


def test_flagged_images_come_back(flagged, tmp_path):
    write_key_objects(tmp_path / "ko.dcm", flagged, INFO, QUALITY_ISSUE, "Bewegung über alles")
    read = read_key_objects(tmp_path / "ko.dcm")
    assert read.title == QUALITY_ISSUE
    assert read.description == "Bewegung über alles"
    assert set(read.images) == {header.SOPInstanceUID for header in flagged}


def test_dciodvfy_and_dsrdump_find_no_error(judge, flagged, tmp_path):
    write_key_objects(tmp_path / "ko.dcm", flagged, INFO, QUALITY_ISSUE, "motion")
    said = judge("dciodvfy", tmp_path / "ko.dcm", package="dicom3tools")
    assert "KeyObjectSelectionDocument" in said
    assert "Error" not in said
    assert "Quality Issue" in judge("dsrdump", tmp_path / "ko.dcm", package="dcmtk")


def test_nothing_flagged_and_other_files_are_refused(shared_data, tmp_path):
    with pytest.raises(InputError, match="none are given"):
        write_key_objects(tmp_path / "ko.dcm", [], INFO)
    with pytest.raises(InputError, match="is not a Key Object"):
        read_key_objects(shared_data / "dicom" / "sr_highdicom" / "sr_document.dcm")
    assert list(tmp_path.iterdir()) == []


def test_radiograph_can_be_flagged(shared_data, tmp_path):
    source = shared_data / "dicom" / "dx_mono1" / "dx_image.dcm"
    write_key_objects(tmp_path / "ko.dcm", [source], INFO)
    assert isinstance(read_key_objects(tmp_path / "ko.dcm"), KeyObjects)

"""Fetch and publish against a real Orthanc, by DICOMweb and by DIMSE."""

import os
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
from AnnotationQACore.interchange.network.addresses import MoveTo
from AnnotationQACore.interchange.network.connecting import ConnectionOptions, connected
from AnnotationQACore.interchange.network.fetching import fetch
from AnnotationQACore.interchange.network.patience import Patience
from AnnotationQACore.interchange.network.publishing import gather, publish
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

STUDY = "1.2.826.0.1.3680043.2.1125.1"


def data_set_bytes(path):
    """The file after its meta information, which servers write anew, and its transfer syntax."""
    meta = dcmread(path, stop_before_pixels=True).file_meta
    length = meta.FileMetaInformationGroupLength
    return str(meta.TransferSyntaxUID), Path(path).read_bytes()[128 + 4 + 12 + length :]


def same_objects(sent, folder):
    def contents(paths):
        return {dcmread(path, stop_before_pixels=True).SOPInstanceUID: data_set_bytes(path) for path in paths}

    return contents(sent) == contents(folder.rglob("*.dcm"))


@pytest.fixture(params=["dicomweb", "c-get", "c-move"])
def server_address(request, orthanc):
    """Each way to talk to Orthanc: its address, and options."""
    if request.param == "dicomweb":
        return orthanc.url, ConnectionOptions(timeout=20)
    need_pynetdicom()
    move = MoveTo(orthanc.move_port) if request.param == "c-move" else None
    return orthanc.dicom_url, ConnectionOptions(timeout=20, move_to=move)


def need_pynetdicom():
    if os.environ.get("CI"):
        import pynetdicom  # noqa: F401
    else:
        pytest.importorskip("pynetdicom")


def test_what_goes_in_comes_out_byte_by_byte(server_address, orthanc, make_series, tmp_path):
    address, options = server_address
    sent = make_series(3, series=1) + make_series(2, series=2, syntax=RLELossless)
    with connected(address, options) as server:
        published = publish(server, gather([tmp_path / "made"]).objects)
        assert (len(published.sent), published.present, published.failures) == (5, (), ())
        assert orthanc.count == 5
        again = publish(server, gather([tmp_path / "made"]).objects)
        assert (again.sent, len(again.present)) == ((), 5)
        assert orthanc.count == 5

        found = server.find_series(Query(patients=("PSEUDO-7",), modalities=("CT",), dates="20240101-20240131"))
        assert {one.series_uid for one in found} == {f"{STUDY}.1", f"{STUDY}.2"}
        assert {one.modality for one in found} == {"CT"}
        outcomes = fetch(server, found, tmp_path / "fetched")
    assert [(one.fetched, one.missing, one.problem) for one in outcomes] in (
        [(3, 0, ""), (2, 0, "")],
        [(2, 0, ""), (3, 0, "")],
    )
    assert same_objects(sent, tmp_path / "fetched")
    assert {path.name for path in (tmp_path / "fetched").iterdir()} == {f"{STUDY}.1", f"{STUDY}.2"}


def test_a_damaged_file_is_fetched_again_and_the_others_are_not(server_address, orthanc, make_series, tmp_path):
    address, options = server_address
    sent = make_series(4)
    orthanc.upload(sent)
    folder = tmp_path / "fetched"
    with connected(address, options) as server:
        found = server.find_series(Query(studies=(STUDY,)))
        fetch(server, found, folder)
        files = sorted(folder.rglob("*.dcm"))
        kept = files[0].stat()
        files[1].write_bytes(files[1].read_bytes()[:-100])
        files[2].unlink()
        (outcome,) = fetch(server, found, folder)
    assert (outcome.fetched, outcome.present, outcome.missing) == (2, 2, 0)
    assert files[0].stat().st_mtime_ns == kept.st_mtime_ns
    assert files[0].stat().st_ino == kept.st_ino
    assert same_objects(sent, folder)


def test_queries_find_what_they_ask_for(server_address, orthanc, make_series):
    address, options = server_address
    orthanc.upload(make_series(1, series=1, study=1) + make_series(1, series=1, study=2, patient="OTHER"))
    other = "1.2.826.0.1.3680043.2.1125.2"
    with connected(address, options) as server:

        def studies(**criteria):
            return {one.study_uid for one in server.find_series(Query(**criteria))}

        assert studies() == {STUDY, other}
        assert studies(patients=("OTHER",)) == {other}
        assert studies(patients=("PSEUDO*",)) == {STUDY}
        assert studies(patients=("PSEUDO-7", "OTHER")) == {STUDY, other}
        assert studies(series=(f"{other}.1",)) == {other}
        assert studies(studies=(STUDY,), series=(f"{other}.1",)) == set()
        assert studies(dates="20240102") == {other}
        assert studies(dates="-20240101") == {STUDY}
        assert studies(modalities=("MR",)) == set()


def test_real_images_keep_every_byte(orthanc, shared_data, tmp_path):
    names = ["cr_mono1_j2k", "us_cine_jpeg", "ct_enhanced_2f", "seg_dcmqi_liver"]
    sources = [path for name in names for path in sorted((shared_data / "dicom" / name).rglob("*")) if path.is_file()]
    gathered = gather([path for path in sources if path.suffix != ".md"])
    assert len(gathered.objects) >= 7
    with connected(orthanc.url) as server:
        published = publish(server, gathered.objects)
        assert not published.failures
        fetch(server, server.find_series(Query()), tmp_path / "fetched")
    assert same_objects([one.path for one in gathered.objects], tmp_path / "fetched")


def test_goes_on_after_the_line_is_cut(cutting_proxy, orthanc, make_series, tmp_path, waits):
    sent = make_series(6, rows=256)
    orthanc.upload(sent)
    address, cuts = cutting_proxy
    cuts.append(3 * sent[0].stat().st_size)  # within the third object of the series
    with connected(address) as server:
        (outcome,) = fetch(
            server, server.find_series(Query(studies=(STUDY,))), tmp_path / "out", Patience(wait=waits.append)
        )
    assert not cuts
    assert waits == [1.0]
    assert (outcome.fetched, outcome.missing) == (6, 0)
    assert same_objects(sent, tmp_path / "out")


def test_a_run_that_was_killed_is_resumed(cutting_proxy, orthanc, make_series, tmp_path, capsys):
    sent = make_series(5, rows=256)
    orthanc.upload(sent)
    address, cuts = cutting_proxy
    cuts.extend([3 * sent[0].stat().st_size, 50])
    command = ["fetch", address, "--study", STUDY, "-o", str(tmp_path / "out"), "--attempts", "1", "--quiet"]
    assert main(command) == 1
    first = set((tmp_path / "out").rglob("*.dcm"))
    assert len(first) == 2
    assert f"series {STUDY}.1: 3 objects missing" in capsys.readouterr().out
    cuts.clear()
    assert main(command) == 0
    assert "3 objects fetched, 2 were there before" in capsys.readouterr().out
    assert same_objects(sent, tmp_path / "out")


def test_a_wrong_password_is_said_and_not_shown(orthanc, make_series, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_PASSWORD", "wr0ng-one")
    paths = make_series(1)
    assert main(["publish", orthanc.url, str(paths[0]), "--quiet"]) == 2
    assert main(["fetch", orthanc.url, "--all", "-o", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("HTTP 401") == 2
    assert "wr0ng-one" not in printed.err + printed.out
    assert not (tmp_path / "out").exists()


def test_a_wrong_path_is_said(orthanc, capsys):
    assert main(["fetch", orthanc.url.replace("dicom-web", "no-such"), "--all", "--list"]) == 2
    assert "HTTP 404" in capsys.readouterr().err
    assert main(["fetch", orthanc.url.removesuffix("dicom-web") + "instances/..", "--all", "--list"]) == 2


def test_the_commands_from_end_to_end(orthanc, make_series, tmp_path, capsys):
    sent = make_series(3)
    (tmp_path / "made" / "notes.txt").write_text("no DICOM")
    assert main(["publish", orthanc.url, str(tmp_path / "made"), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "3 objects sent, 0 were there before" in out
    assert "notes.txt" in out
    assert main(["publish", orthanc.url, str(tmp_path / "made"), "--quiet"]) == 0
    assert "0 objects sent, 3 were there before" in capsys.readouterr().out
    assert main(["fetch", orthanc.url, "--patient", "PSEUDO-7", "--list"]) == 0
    assert f"{STUDY}.1" in capsys.readouterr().out
    assert main(["fetch", orthanc.url, "--patient", "PSEUDO-7", "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert "1 of 1 series complete" in capsys.readouterr().out
    assert same_objects(sent, tmp_path / "out")


def test_the_wrong_ae_title_is_said(orthanc, capsys):
    need_pynetdicom()
    address = orthanc.dicom_url.replace("ORTHANC", "NOBODY")
    for _ in range(10):  # how pynetdicom tells it depends on which of its threads comes first
        assert main(["fetch", address, "--all", "--list"]) == 2
        assert "rejects us" in capsys.readouterr().err


def test_an_unknown_destination_of_a_move_is_said(orthanc, make_series, tmp_path, capsys):
    need_pynetdicom()
    orthanc.upload(make_series(1))
    command = ["fetch", orthanc.dicom_url, "--all", "-o", str(tmp_path / "out"), "--quiet", "--attempts", "1"]
    assert main([*command, "--move", str(orthanc.move_port), "--calling-ae", "STRANGER"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_our_own_objects_are_published_once(orthanc, series_on, tmp_path):
    """Two exports of the same reading have the same UIDs."""
    grid = Grid((3, 8, 8), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros((1, 3, 8, 8), np.uint8)
    labels[0, 1, 2:5, 2:5] = 1
    code = Code("SCT", "4147007", "Mass")
    segmentation = Segmentation(labels, grid, (Segment("mass", "Mass", 1, category=code, type=code),))
    source = series_on(grid)
    paths = [tmp_path / "first.dcm", tmp_path / "second.dcm"]
    for path in paths:
        write_dicom_seg(path, segmentation, source, ObjectInfo(description="Reading", key="hash of the reading"))
    with connected(orthanc.url) as server:
        assert len(publish(server, gather(paths[:1]).objects).sent) == 1
        assert len(publish(server, gather(paths[1:]).objects).present) == 1
    assert orthanc.count == 1

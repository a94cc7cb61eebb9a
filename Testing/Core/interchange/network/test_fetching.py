"""Fetching from a server that fails in every way."""

import errno
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from AnnotationQACore import atomic
from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import Cancelled, DestinationError, NetworkError
from AnnotationQACore.interchange.network.connecting import connected
from AnnotationQACore.interchange.network.fetching import fetch
from AnnotationQACore.interchange.network.instance_file import read_instance_file, safe_name
from AnnotationQACore.interchange.network.patience import Patience, Transient
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.interchange.network.series_folder import MANIFEST
from AnnotationQACore.interchange.network.server import RemoteSeries

SERIES = "1.2.826.0.1.3680043.2.1125.1.1"


@pytest.fixture
def fetch_all(fake, tmp_path, waits):
    def run(**changes):
        patience = Patience(wait=waits.append, **changes)
        with connected(fake.url, patience=patience) as server:
            return fetch(server, server.find_series(Query()), tmp_path / "out", patience)

    return run


def files(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}


def originals(paths):
    return {f"{read_instance_file(path).sop_uid}.dcm": path.read_bytes() for path in paths}


def test_files_arrive_byte_by_byte_with_a_manifest(fake, fetch_all, make_series, tmp_path):
    paths = make_series(3)
    fake.hold(paths)
    (outcome,) = fetch_all()
    assert files(tmp_path) == originals(paths)
    manifest = json.loads((outcome.folder / MANIFEST).read_text())
    assert outcome.folder.name == manifest["series"] == SERIES
    for path in paths:
        entry = manifest["instances"][read_instance_file(path).sop_uid]
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry["size"] == path.stat().st_size


def test_nothing_is_fetched_twice(fake, fetch_all, make_series):
    fake.hold(make_series(3))
    fetch_all()
    before = fake.count("GET", "series/" + SERIES)
    (outcome,) = fetch_all()
    assert (outcome.fetched, outcome.present) == (0, 3)
    assert fake.count("GET", "series/" + SERIES) == before == 1


@pytest.mark.parametrize("manifest", ["absent", "damaged", "of another", "no object"])
def test_files_are_looked_at_when_the_manifest_is_no_help(fake, fetch_all, make_series, manifest, tmp_path):
    fake.hold(make_series(3))
    (outcome,) = fetch_all()
    path = outcome.folder / MANIFEST
    if manifest == "absent":
        path.unlink()
    else:
        path.write_text(
            {"damaged": '{"format": ', "of another": path.read_text().replace(SERIES, "1.2"), "no object": "7"}[
                manifest
            ]
        )
    first = min(outcome.folder.glob("*.dcm"))
    first.write_bytes(first.read_bytes()[:-10])
    (again,) = fetch_all()
    assert (again.fetched, again.present) == (1, 2)
    assert len(json.loads(path.read_text())["instances"]) == 3


def test_a_changed_byte_is_found(fake, fetch_all, make_series, tmp_path):
    paths = make_series(2)
    fake.hold(paths)
    (outcome,) = fetch_all()
    first = min(outcome.folder.glob("*.dcm"))
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    assert fetch_all()[0].fetched == 1
    assert files(tmp_path) == originals(paths)


@pytest.mark.parametrize("tell_sizes", [True, False])
def test_goes_on_where_the_line_was_cut(fake, fetch_all, make_series, tmp_path, waits, tell_sizes):
    paths = make_series(5, rows=200)
    fake.hold(paths)
    fake.tell_sizes = tell_sizes
    fake.cut_after.extend([int(2.9 * paths[0].stat().st_size), 1000, 1000])
    (outcome,) = fetch_all()
    assert (outcome.fetched, outcome.problem) == (5, "")
    assert files(tmp_path) == originals(paths)
    assert waits == [1.0, 2.0, 4.0]
    asked = [path.split("/")[-1] for _, path in fake.requests if "/instances/" in path]
    assert len(set(asked)) == 3, "those that were complete are not asked for again"


def test_gives_up_after_so_many_tries_and_keeps_what_came(fake, fetch_all, make_series, tmp_path, waits):
    paths = make_series(3, rows=200)
    fake.hold(paths)
    fake.cut_after.extend([int(1.9 * paths[0].stat().st_size), *[100] * 9])
    (outcome,) = fetch_all(attempts=3)
    assert (outcome.fetched, outcome.missing) == (1, 2)
    assert "connection" in outcome.problem
    assert waits == [1.0, 2.0]
    assert len(files(tmp_path)) == 1
    fake.cut_after.clear()
    assert fetch_all()[0].present == 1
    assert files(tmp_path) == originals(paths)


def test_waits_get_longer_and_have_a_bound(waits):
    patience = Patience(attempts=9, longest_wait=10.0, wait=waits.append)

    def always():
        raise Transient("no")

    with pytest.raises(Transient):
        patience.run(always)
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]


def test_the_server_says_how_long_to_wait(fake, fetch_all, make_series, waits):
    fake.hold(make_series(1))
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    answers = [(503, "7"), (429, "100000"), (503, soon), (503, past), (500, "soonish")]
    fake.failures.extend((status, {"Retry-After": value}, b"") for status, value in answers)
    assert fetch_all(attempts=9)[0].problem == ""
    assert waits[:2] == [7.0, 60.0]
    assert 0 < waits[2] <= 30
    assert waits[3:] == [0.0, 16.0]


def test_other_series_go_on_when_one_fails(fake, fetch_all, make_series, tmp_path):
    fake.hold(make_series(2, series=1) + make_series(2, series=2))
    with connected(fake.url) as server:
        found = server.find_series(Query())
        gone = RemoteSeries("1.2.3", "1.2.3.4", instances=7)
        outcomes = fetch(server, [gone, *found], tmp_path / "out", Patience(attempts=1))
    assert [bool(one.problem) for one in outcomes] == [True, False, False]
    assert len(files(tmp_path)) == 4
    assert not (tmp_path / "out" / "1.2.3.4").exists()


def test_an_object_that_is_broken_on_the_server_is_named_and_the_rest_comes(
    fake, fetch_all, make_series, tmp_path, waits
):
    paths = make_series(3)
    fake.hold(paths)
    uid = read_instance_file(paths[0]).sop_uid
    header, content = fake.instances[uid]
    fake.instances[uid] = (header, content[:-30])
    (outcome,) = fetch_all(attempts=2)
    assert (outcome.fetched, outcome.missing) == (2, 1)
    assert "cut or no DICOM" in outcome.problem
    assert files(tmp_path) == originals(paths[1:])


def test_an_object_that_was_not_asked_for_is_not_kept(fake, fetch_all, make_series, tmp_path):
    fake.hold(make_series(2, series=1) + make_series(1, series=2))
    uids = [uid for uid in fake.instances if uid.startswith(SERIES)]
    foreign = next(uid for uid in fake.instances if not uid.startswith(SERIES))
    fake.instances[uids[0]] = (fake.instances[uids[0]][0], fake.instances[foreign][1])
    outcomes = {one.series.series_uid: one for one in fetch_all(attempts=1)}
    assert "not asked for" in outcomes[SERIES].problem
    assert outcomes[SERIES].missing >= 1
    assert all(SERIES in path.name for path in outcomes[SERIES].folder.glob("*.dcm"))


def test_a_server_that_passes_over_criteria_does_not_make_us_fetch_all(fake, make_series):
    fake.hold(make_series(1, study=1) + make_series(1, study=2, patient="OTHER"))
    fake.ignore_filters = True
    with connected(fake.url) as server:
        found = server.find_series(Query(patients=("OTHER",)))
    assert [one.study_uid for one in found] == ["1.2.826.0.1.3680043.2.1125.2"]


def test_many_objects_are_asked_for_page_by_page(fake, make_series, monkeypatch):
    from AnnotationQACore.interchange.network import web_server

    monkeypatch.setattr(web_server, "_PAGE", 2)
    fake.hold(make_series(5))
    with connected(fake.url) as server:
        assert len(server.find_instances(SERIES.removesuffix(".1"), SERIES)) == 5


def test_cancelling_leaves_what_is_complete(fake, make_series, tmp_path):
    paths = make_series(4, rows=200)
    fake.hold(paths)

    def cancel(done, total, message=""):
        if done >= 2:
            raise Cancelled("cancelled")

    with connected(fake.url) as server:
        (series,) = server.find_series(Query())
        series = RemoteSeries(series.study_uid, series.series_uid, instances=4)
        with pytest.raises(Cancelled):
            fetch(server, [series], tmp_path / "out", progress=cancel)
    kept = files(tmp_path)
    assert len(kept) == 2
    assert set(kept.items()) <= set(originals(paths).items())
    assert len(json.loads((tmp_path / "out" / SERIES / MANIFEST).read_text())["instances"]) == 2
    assert {path.name for path in (tmp_path / "out" / SERIES).iterdir()} == {*kept, MANIFEST}


def test_a_full_disk_is_said(fake, make_series, tmp_path, monkeypatch, capsys):
    fake.hold(make_series(1))

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    assert main(["fetch", fake.url, "--all", "-o", str(tmp_path / "out"), "--quiet"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not files(tmp_path)


def test_the_output_folder_cannot_be_made(fake, make_series, tmp_path):
    fake.hold(make_series(1))
    (tmp_path / "out").write_text("in the way")
    with connected(fake.url) as server, pytest.raises(DestinationError, match="cannot be made"):
        fetch(server, server.find_series(Query()), tmp_path / "out")


def test_leftovers_of_a_killed_run_are_cleared(fake, fetch_all, make_series, tmp_path):
    fake.hold(make_series(1))
    folder = tmp_path / "out" / SERIES
    folder.mkdir(parents=True)
    (folder / ".tmp-abc-arriving.dcm").write_bytes(b"half")
    (folder / "arriving.dcm").write_bytes(b"half")
    fetch_all()
    assert {path.name for path in folder.iterdir()} == {f"{SERIES}.1.dcm", MANIFEST}


@pytest.mark.parametrize("uid", ["../../etc/passwd", "", "..", "1" * 65, "1.2\n", "a", "1..2", "/1.2", "CON"])
def test_names_from_a_server_stay_in_their_folder(uid):
    name = safe_name(uid)
    assert name.startswith("uid-")
    assert name.isascii()
    assert not set(name) & set("./\\\n")
    assert safe_name("1.2.3") == "1.2.3"


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        ((401, {}, b"who"), "HTTP 401"),
        ((403, {}, b""), "HTTP 403"),
        ((404, {}, b""), "HTTP 404"),
        ((406, {}, b""), "HTTP 406"),
        ((200, {}, b"<html>login</html>"), "not as a DICOMweb server"),
        ((200, {"Content-Type": "application/json"}, b'["x"]'), "not as a DICOMweb server"),
        ((200, {"Content-Type": "application/json"}, b"7"), "not as a DICOMweb server"),
        ((418, {}, b""), "HTTP 418"),
    ],
)
def test_what_the_server_does_wrong_is_one_line_without_what_was_searched_for(fake, failure, text, capsys, tmp_path):
    fake.failures.append(failure)
    assert main(["fetch", fake.url, "--patient", "PSEUDO-7", "-o", str(tmp_path / "out"), "--quiet"]) == 2
    printed = capsys.readouterr()
    assert text in printed.err
    assert len(printed.err.splitlines()) == 1
    assert "PSEUDO-7" not in printed.err
    assert printed.out == ""


def test_redirects_in_circles_and_unreachable_servers(fake, capsys, tmp_path):
    fake.failures.extend([(302, {"Location": "/dicom-web/studies"}, b"")] * 40)
    assert main(["fetch", fake.url, "--all", "--list"]) == 2
    assert "circles" in capsys.readouterr().err
    fake.failures.clear()
    for address, text in (
        ("http://127.0.0.1:1/dicom-web", "connection refused"),
        ("http://no-such-host.invalid/dicom-web", "no machine of this name"),
    ):
        assert main(["fetch", address, "--all", "--list"]) == 2
        printed = capsys.readouterr().err
        assert text in printed
        assert len(printed.splitlines()) == 1


def test_a_criterion_and_a_folder_are_needed(fake, capsys):
    assert main(["fetch", fake.url, "--list"]) == 2
    assert main(["fetch", fake.url, "--all"]) == 2
    assert main(["fetch", fake.url, "--patient", "NOBODY", "--list"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_part_of_it_is_exit_code_1_with_the_list(fake, make_series, tmp_path, capsys):
    paths = make_series(2)
    fake.hold(paths)
    uid = read_instance_file(paths[1]).sop_uid
    header, content = fake.instances[uid]
    fake.instances[uid] = (header, content[:-30])
    command = ["fetch", fake.url, "--all", "-o", str(tmp_path / "out"), "--quiet", "--attempts", "1"]
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "0 of 1 series complete" in printed
    assert f"not complete: series {SERIES}: 1 objects missing" in printed


def test_credentials_are_sent_and_are_nowhere_else(fake, make_series, tmp_path, monkeypatch, basic, capsys, caplog):
    secret = "pä55:w0rd-s3cr3t"
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_USER", "reader-99")
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_PASSWORD", secret)
    caplog.set_level(logging.DEBUG)
    fake.credentials = basic("reader-99", secret)
    paths = make_series(2)
    fake.hold(paths[:1])
    out = tmp_path / "out"
    assert main(["fetch", fake.url, "--all", "-o", str(out), "--quiet"]) == 0
    assert main(["publish", fake.url, str(paths[1]), "--quiet"]) == 0
    fake.failures.append((500, {}, secret.encode()))
    assert main(["fetch", fake.url, "--all", "-o", str(out), "--attempts", "1"]) == 2
    fake.credentials = "other"
    assert main(["fetch", fake.url, "--all", "-o", str(out)]) == 2
    assert main(["fetch", fake.url.replace("//", f"//reader-99:{secret}@"), "--all", "-o", str(out)]) == 2
    printed = capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file()).decode("latin-1")
    for text in (printed.out, printed.err, caplog.text, kept):
        for hidden in ("reader-99", secret, fake.credentials if fake.credentials != "other" else secret):
            assert hidden not in text
        assert basic("reader-99", secret) not in text


def test_credentials_do_not_follow_a_redirect_to_another_host(fake, make_series, monkeypatch, basic):
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_TOKEN", "t0k3n")
    fake.credentials = "Bearer t0k3n"
    fake.hold(make_series(1))
    elsewhere = fake.url.replace("127.0.0.1", "localhost") + "/studies"
    with connected(fake.url) as server:
        fake.failures.append((307, {"Location": elsewhere}, b""))
        with pytest.raises(NetworkError, match="HTTP 401"):
            server.check()


def test_a_netrc_file_is_not_read(fake, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fake.credentials = "anything"
    with pytest.raises(NetworkError), connected(fake.url, patience=Patience(attempts=1)):
        pass
    assert fake.authorizations == [None]

"""Publishing: what is checked before, what is sent, and what the server says to it."""

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import Cancelled, InputError, NetworkError
from AnnotationQACore.interchange.network.connecting import connected
from AnnotationQACore.interchange.network.instance_file import NotDicom, read_instance_file
from AnnotationQACore.interchange.network.patience import Patience
from AnnotationQACore.interchange.network.publishing import BatchSize, gather, publish
from AnnotationQACore.interchange.network.status_words import status_words


@pytest.fixture
def publish_all(fake, waits):
    def run(paths, batch=None, **changes):
        patience = Patience(wait=waits.append, **changes)
        with connected(fake.url, patience=patience) as server:
            return publish(server, gather(paths).objects, patience, batch)

    return run


def test_bytes_arrive_as_they_are(fake, publish_all, make_series):
    paths = make_series(3)
    done = publish_all(paths)
    assert len(done.sent) == 3
    held = {uid: content for uid, (_, content) in fake.instances.items()}
    assert held == {read_instance_file(path).sop_uid: path.read_bytes() for path in paths}


def test_nothing_is_sent_twice(fake, publish_all, make_series):
    paths = make_series(4)
    fake.hold(paths[:2])
    done = publish_all(paths)
    assert (len(done.sent), len(done.present)) == (2, 2)
    posts = fake.count("POST")
    again = publish_all(paths)
    assert (len(again.sent), len(again.present)) == (0, 4)
    assert fake.count("POST") == posts == 1


@pytest.mark.parametrize(("batch", "requests"), [(BatchSize(objects=2), 3), (BatchSize(bytes=1), 5), (BatchSize(), 1)])
def test_requests_are_bounded(fake, publish_all, make_series, batch, requests):
    assert len(publish_all(make_series(5), batch).sent) == 5
    assert fake.count("POST") == requests


def test_series_are_sent_apart(fake, publish_all, make_series):
    publish_all(make_series(1, series=1) + make_series(1, series=2) + make_series(1, study=2))
    assert fake.count("POST") == 3


def test_what_arrived_before_the_answer_was_lost_is_not_sent_again(fake, publish_all, make_series, waits):
    fake.failures.extend([None, None, "cut"])  # the check and the search succeed, the answer to the first batch is lost
    done = publish_all(make_series(4), BatchSize(objects=2))
    assert (len(done.sent), done.failures) == (4, ())
    assert waits == [1.0]
    assert fake.count("POST") == 3, "the second batch was halved, the first not repeated"
    assert len(fake.instances) == 4


def test_server_errors_are_waited_out_or_given_up(fake, publish_all, make_series, waits):
    paths = make_series(1)
    uid = read_instance_file(paths[0]).sop_uid
    fake.refuse_sop[uid] = 0xA700  # nothing gets in
    fake.failures.extend([None, None, *[(503, {"Retry-After": "3"}, b"")] * 20])
    done = publish_all(paths, attempts=3)
    assert waits == [3.0, 3.0]
    assert [failure.path for failure in done.failures] == paths
    assert "HTTP 503" in done.failures[0].reason


def test_requests_that_are_too_large_are_made_smaller(fake, publish_all, make_series):
    paths = make_series(5)
    fake.largest_body = 2 * paths[0].stat().st_size + 1000
    assert len(publish_all(paths).sent) == 5


def test_an_object_that_is_too_large_alone_is_named(fake, publish_all, make_series):
    small, large = make_series(1, series=1), make_series(1, series=2, rows=200)
    fake.largest_body = 20_000
    done = publish_all(small + large)
    assert [one.path for one in done.sent] == small
    assert [(failure.path, "413" in failure.reason) for failure in done.failures] == [(large[0], True)]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0xA700, "out of resources"), (0xA9FF, "does not match"), (0xC000, "cannot understand"),
        (0x0124, "not allowed"), (0x0122, "SOP class"), (0xC122, "transfer syntax"), (0x9999, "no reason (9999H)"),
    ],
)  # fmt: skip
def test_failures_are_reported_for_each_object(fake, publish_all, make_series, status, words):
    paths = make_series(3)
    fake.refuse_sop[read_instance_file(paths[1]).sop_uid] = status
    done = publish_all(paths)
    assert [one.path for one in done.sent] == [paths[0], paths[2]]
    assert [(failure.path, failure.reason) for failure in done.failures] == [(paths[1], status_words(status))]
    assert words in done.failures[0].reason


def test_a_duplicate_is_no_failure(fake, publish_all, make_series):
    paths = make_series(1)
    fake.refuse_sop[read_instance_file(paths[0]).sop_uid] = 0x0111
    assert not publish_all(paths).failures


def test_a_success_that_is_not_confirmed_is_looked_up(fake, publish_all, make_series):
    paths = make_series(2)
    fake.failures.extend([None, None, (200, {"Content-Type": "application/dicom+json"}, b"{}")])
    assert len(publish_all(paths).sent) == 2, "stored, though the answer does not say so"
    fake.instances.clear()
    fake.refuse_sop = {read_instance_file(path).sop_uid: 1 for path in paths}
    fake.failures.extend([None, None, (200, {"Content-Type": "application/dicom+json"}, b"")])
    assert [failure.reason for failure in publish_all(paths).failures] == ["the server does not say that it has it"] * 2


def test_a_denied_store_ends_it(fake, publish_all, make_series):
    fake.failures.extend([None, None, (403, {}, b"")])
    with pytest.raises(NetworkError, match="HTTP 403"):
        publish_all(make_series(2, series=1) + make_series(1, series=2))


def test_cancelling_stops_between_batches(fake, make_series):
    def cancel(done, total, message=""):
        if done == 2:
            raise Cancelled("cancelled")

    with connected(fake.url) as server, pytest.raises(Cancelled):
        publish(server, gather(make_series(5)).objects, batch=BatchSize(objects=2), progress=cancel)
    assert len(fake.instances) == 2


def test_what_is_no_dicom_is_left_out_or_refused(make_series, tmp_path):
    paths = make_series(2)
    folder = paths[0].parent
    notes, empty = folder / "notes.txt", folder / "empty.dcm"
    notes.write_text("no DICOM")
    empty.touch()
    gathered = gather([folder])
    assert [one.path for one in gathered.objects] == paths
    assert set(gathered.skipped) == {notes, empty}
    assert not gathered.failures
    named = gather([notes, folder])
    assert [failure.path for failure in named.failures] == [notes]
    with pytest.raises(InputError, match="is not there"):
        gather([folder / "absent"])


@pytest.mark.parametrize("syntax", [None, RLELossless, DeflatedExplicitVRLittleEndian])
def test_a_cut_file_is_found_wherever_it_is_cut(make_series, syntax, tmp_path):
    (path,) = make_series(1, rows=300, **({"syntax": syntax} if syntax == RLELossless else {}))
    if syntax == DeflatedExplicitVRLittleEndian:
        one = dcmread(path)
        one.file_meta.TransferSyntaxUID = syntax
        one.save_as(path)
    whole = path.read_bytes()
    assert read_instance_file(path).size == len(whole)
    for left in (len(whole) - 1 - (syntax is not None) * 8, len(whole) - 5000, 1000, 300, 200, 140):
        path.write_bytes(whole[:left])
        with pytest.raises(InputError):
            read_instance_file(path)
    for left in (131, 1, 0):
        path.write_bytes(whole[:left])
        with pytest.raises(NotDicom):
            read_instance_file(path)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID"])
def test_objects_without_identifiers_are_refused(make_series, keyword):
    (path,) = make_series(1)
    one = dcmread(path)
    delattr(one, keyword)
    one.save_as(path, enforce_file_format=False)
    (failure,) = gather([path]).failures
    assert keyword in failure.reason


def test_two_contents_of_one_uid_are_both_refused(make_series, tmp_path):
    paths = make_series(2)
    copy, changed = tmp_path / "copy.dcm", tmp_path / "changed.dcm"
    copy.write_bytes(paths[0].read_bytes())
    one = dcmread(paths[1])
    one.InstanceNumber = 77
    one.save_as(changed)
    gathered = gather([*paths, copy, changed])
    assert [found.path for found in gathered.objects] == paths[:1]
    assert {failure.path for failure in gathered.failures} == {paths[1], changed}


def test_the_command_tells_what_it_did(fake, make_series, capsys):
    paths = make_series(3)
    paths[2].write_bytes(paths[2].read_bytes()[:-50])
    command = ["publish", fake.url, str(paths[0].parent), "--quiet"]
    assert main([*command, "--check"]) == 1
    assert "2 objects can be sent" in capsys.readouterr().out
    assert not fake.requests
    fake.refuse_sop[read_instance_file(paths[1]).sop_uid] = 0xC000
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "1 object sent, 0 were there before" in printed
    assert f"not sent: {paths[1]}: the server cannot understand it" in printed
    assert f"not sent: {paths[2]}: ends within an element" in printed


def test_nothing_taken_is_exit_code_2(fake, make_series, capsys, tmp_path):
    paths = make_series(1)
    fake.refuse_sop[read_instance_file(paths[0]).sop_uid] = 0xC000
    assert main(["publish", fake.url, str(paths[0]), "--quiet"]) == 2
    (tmp_path / "none").mkdir()
    assert main(["publish", fake.url, str(tmp_path / "none"), "--quiet"]) == 2
    assert main(["publish", fake.url, str(paths[0]), "--batch-mb", "0"]) == 2
    assert main(["publish", fake.url, str(paths[0]), "--timeout", "0"]) == 2
    assert main(["publish", fake.url, str(paths[0]), "--attempts", "0"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 5

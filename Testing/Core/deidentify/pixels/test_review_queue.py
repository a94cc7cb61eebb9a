"""The queue: nothing at risk leaves without a person, what a person decides is what happens, and nobody is named."""

import json
import os
import re
import stat
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.pixels import cine
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.search import Found
from DeidentifyStudyCore.review import ReviewQueue


@pytest.fixture
def queue_path(tmp_path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def waiting(ink, make_capture, encode, deidentify, cleaning, finds_white, queue_path):
    """Run to a queue with one object whose name was found; returns the run, its frame and the destination."""
    frame = np.random.default_rng(1).integers(10, 180, (1, 80, 320), np.uint8)
    frame[0][ink((80, 320))] = 255
    profile = cleaning()

    def again():
        return deidentify({}, profile, queue=ReviewQueue.load(queue_path))[0]

    outcome, destination = deidentify(
        {"Zyxwarth^Quillon": encode(make_capture(frame))}, profile, queue=ReviewQueue.load(queue_path)
    )
    assert [result.reason for result in outcome.files] == ["burned-in-risk"]
    assert not list(destination.rglob("*.dcm"))
    return again, frame[0], destination


def only(queue_path: Path):
    return next(iter(ReviewQueue.load(queue_path).entries.items()))


def output(destination: Path) -> pydicom.Dataset:
    (path,) = destination.rglob("*.dcm")
    return pydicom.dcmread(path)


def test_what_was_found_is_proposed_with_a_picture(waiting, queue_path):
    digest, entry = only(queue_path)
    assert entry.decision == "pending"
    assert entry.boxes == entry.found
    assert entry.sources == ["ocr"]
    (frame, row, column, height, width) = entry.boxes[0]
    assert frame == -1
    assert (row, column) < (10, 10)
    assert 10 < height < 30 < 150 < width
    (picture,) = (queue_path / "queue-pictures").iterdir()
    assert picture.name == f"{digest}-frame-0.png"
    with Image.open(picture) as image:
        assert image.size == (320, 80)


def test_an_accepted_object_is_written_with_its_boxes_filled(waiting, queue_path, ink, capsys):
    again, frame, destination = waiting
    digest, _ = only(queue_path)
    assert main(["review", str(queue_path), "list"]) == 3
    assert main(["review", str(queue_path), "accept", digest[:8]]) == 0
    assert main(["review", str(queue_path), "list"]) == 0
    outcome = again()
    assert outcome.quarantined == 0
    after = output(destination)
    assert (after.pixel_array[ink(frame.shape)] == frame.min()).all()
    assert after.BurnedInAnnotation == "NO"
    assert "113101" in {item.CodeValue for item in after.DeidentificationMethodCodeSequence}
    assert outcome.files[0].pixels[:2] == ("reviewed by a person", "searched again after filling")


def test_boxes_are_added_and_taken_out_by_hand(waiting, queue_path, capsys):
    again, frame, destination = waiting
    digest, _ = only(queue_path)
    assert main(["review", str(queue_path), "add", digest[:8], "60", "300", "15", "100"]) == 0
    assert main(["review", str(queue_path), "remove", digest[:8], "1"]) == 0
    assert "added by a person" in capsys.readouterr().out
    assert main(["review", str(queue_path), "accept", "all-pending"]) == 0
    assert again().quarantined == 0
    pixels = output(destination).pixel_array
    assert (pixels[60:75, 300:] == frame.min()).all()
    np.testing.assert_array_equal(pixels[:60], frame[:60])  # the person saw the other box, and let it stay


def test_a_rejected_object_stays_out(waiting, queue_path, capsys):
    again, _, destination = waiting
    main(["review", str(queue_path), "reject", only(queue_path)[0][:8]])
    assert [result.reason for result in again().files] == ["rejected-by-reviewer"]
    assert not list(destination.rglob("*.dcm"))


def test_text_that_nobody_has_seen_goes_back_to_the_person(waiting, queue_path, monkeypatch):
    again, frame, destination = waiting
    queue = ReviewQueue.load(queue_path)
    next(iter(queue.entries.values())).decision = "accepted"
    queue.save()
    late = Box(50, 20, 12, 60)

    def find(view: np.ndarray, method: str) -> list[Found]:
        there = view[late.row : late.bottom, late.column : late.right]
        return [Found(late, "ocr", 0.8)] if len(np.unique(there)) > 1 else []

    monkeypatch.setattr(cine, "find_text", find)
    assert [result.reason for result in again().files] == ["burned-in-risk"]
    _, entry = only(queue_path)
    assert entry.decision == "pending"
    assert entry.boxes[1:] == [[-1, 50, 20, 12, 60]]
    queue = ReviewQueue.load(queue_path)
    next(iter(queue.entries.values())).decision = "accepted"
    queue.save()
    assert again().quarantined == 0
    assert (output(destination).pixel_array[50:62, 20:80] == frame.min()).all()


def test_a_box_that_does_not_fit_the_object_is_refused(waiting, queue_path):
    again, _, destination = waiting
    queue = ReviewQueue.load(queue_path)
    entry = next(iter(queue.entries.values()))
    entry.decision, entry.boxes = "accepted", [[5, 0, 0, 4, 4]]
    queue.save()
    assert [result.reason for result in again().files] == ["review-does-not-fit"]
    assert not list(destination.rglob("*.dcm"))


def test_a_new_queue_gets_objects_that_an_earlier_run_left_out(waiting, tmp_path, deidentify, cleaning):
    other = tmp_path / "other"
    outcome, _ = deidentify({}, cleaning(), queue=ReviewQueue.load(other))
    assert outcome.quarantined == 1
    assert only(other)[1].boxes
    assert len(list((other / "queue-pictures").iterdir())) == 1


def test_nothing_names_the_patient(waiting, queue_path, capsys, tmp_path):
    main(["review", str(queue_path), "list"])
    main(["review", str(queue_path), "show", only(queue_path)[0]])
    main(["review", str(queue_path), "page"])
    printed = capsys.readouterr()
    texts = [printed.out, printed.err, (queue_path / "queue.json").read_text(), (queue_path / "queue.html").read_text()]
    texts += [str(path.relative_to(tmp_path)) for path in queue_path.rglob("*")]
    texts += [path.read_text() for path in (tmp_path / "report").iterdir()]
    for secret in ("Zyxwarth", "ZYXWARTH", "Quillon", "1957", "7391846"):
        assert not any(secret in text for text in texts)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_folder_is_for_its_owner_only(waiting, queue_path):
    for folder in (queue_path, queue_path / "queue-pictures"):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_the_page_shows_boxes_over_the_pictures(waiting, queue_path, capsys):
    digest, entry = only(queue_path)
    main(["review", str(queue_path), "remove", digest, "1"])
    main(["review", str(queue_path), "add", digest, "1", "2", "3", "4", "--frame", "1"])
    main(["review", str(queue_path), "page"])
    page = (queue_path / "queue.html").read_text()
    assert f'href="queue-pictures/{digest}-frame-0.png"' in page
    assert "<figcaption>frame 1</figcaption>" in page
    assert '<rect class="kept" x="2" y="1" width="4" height="3"/>' in page
    _, row, column, height, width = entry.found[0]
    assert f'<rect class="dropped" x="{column}" y="{row}" width="{width}" height="{height}"/>' in page
    assert "<script" not in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"decision": "maybe"}, r"\.decision must be one of pending, accepted, rejected"),
        ({"boxes": [[0, 0, 0, 1]]}, r"\.boxes\[0\] must be \[frame, row, column, height, width\]"),
        ({"boxes": [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]}, r"\.boxes\[1\]"),
        ({"boxes": "none"}, r"\.boxes must be a list"),
        ({"sources": []}, r"\.sources must say"),
    ],
)
def test_a_queue_that_was_edited_badly_names_the_place(change, match, waiting, queue_path):
    path = queue_path / "queue.json"
    content = json.loads(path.read_text())
    next(iter(content["objects"].values())).update(change)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=match):
        ReviewQueue.load(queue_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other", "objects": {}}', '{"format": "deidentify-review/1"}'])
def test_a_file_that_is_no_queue_is_refused(text, tmp_path):
    (tmp_path / "q.json").write_text(text)
    with pytest.raises(InputError, match="is not a review queue"):
        ReviewQueue.load(tmp_path / "q.json")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["show", "ffff"], "no object of the queue"),
        (["remove", "", "1"], "objects? of the queue"),
        (["page", "--output", "elsewhere/page.html"], "into the same folder"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, match, waiting, queue_path, capsys):
    assert main(["review", str(queue_path), *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert re.search(match, message)


def test_a_box_outside_the_frame_is_not_added(waiting, queue_path, capsys):
    digest, _ = only(queue_path)
    assert main(["review", str(queue_path), "add", digest, "500", "0", "4", "4"]) == 2
    assert "lies outside the frame of 80 x 320 pixels" in capsys.readouterr().err


def test_an_absent_queue_is_not_made_by_looking_at_it(tmp_path, capsys):
    assert main(["review", str(tmp_path / "none"), "list"]) == 2
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("place", ["source", "destination"])
def test_the_queue_must_not_lie_where_data_are_given_away(place, make_dataset, encode, deidentify, tmp_path):
    with pytest.raises(InputError, match="must lie outside source and destination"):
        deidentify({"a": encode(make_dataset())}, queue=ReviewQueue.load(tmp_path / place / "queue"))

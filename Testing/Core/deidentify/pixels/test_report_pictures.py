"""Pictures of what was redacted: outlines on the written file, nothing of what was there, vouched for by the report."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.reporting.picture_sections import face_section, redaction_section
from DeidentifyStudyCore.reporting.report import build_report, write_report
from DeidentifyStudyCore.review import ReviewQueue


def _reported(outcome, secret, folder):
    report = build_report(outcome, load_profile("research-shifted-dates"), secret, {"checked": 0, "new_errors": []})
    write_report(report, folder)
    return report


@pytest.mark.parametrize("size", [(120, 200), (900, 1600)])
def test_a_redacted_object_is_shown_as_it_was_written(
    size, make_capture, encode, deidentify, ink, secret, tmp_path, capsys
):
    frame = np.full((1, *size), 60, np.uint8)
    text = ink(size, place=(6, 8))
    frame[0][text] = 255
    rows, columns = np.flatnonzero(text.any(axis=1)), np.flatnonzero(text.any(axis=0))
    box = [-1, int(rows[0]) - 1, int(columns[0]) - 1, int(np.ptp(rows)) + 3, int(np.ptp(columns)) + 3]
    deidentify({"object": encode(make_capture(frame))}, queue=ReviewQueue.load(tmp_path / "queue"))
    queue = ReviewQueue.load(tmp_path / "queue")
    (entry,) = queue.entries.values()
    entry.decision, entry.boxes = "accepted", [box]
    queue.save()
    outcome, _ = deidentify({}, queue=ReviewQueue.load(tmp_path / "queue"))
    report = _reported(outcome, secret, tmp_path / "report")

    (row,) = report["files"]
    path = tmp_path / "report" / "pictures" / f"{row['picture_sha256']}.png"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    picture = np.asarray(Image.open(path)).astype(int)
    assert max(picture.shape[:2]) <= 360
    outline = picture[..., 0] - picture[..., 2] > 100
    scale = picture.shape[1] / size[1]
    assert abs(np.flatnonzero(outline.any(axis=1))[0] - box[1] * scale) <= 1
    assert abs(np.flatnonzero(outline.any(axis=0))[-1] - (box[2] + box[4]) * scale) <= 2
    grey = picture[~outline]
    assert (grey.max(axis=1) - grey.min(axis=1)).max() == 0
    assert len(np.unique(grey)) == 1  # neither the white of the text, nor a trace of it
    assert f'src="pictures/{path.name}"' in (tmp_path / "report" / "report.html").read_text()


def test_an_object_without_boxes_has_no_picture(make_dataset, encode, deidentify, secret, tmp_path):
    outcome, _ = deidentify({"object": encode(make_dataset())})
    (row,) = _reported(outcome, secret, tmp_path / "report")["files"]
    assert row["picture_sha256"] == ""
    assert not (tmp_path / "report" / "pictures").exists()
    assert redaction_section([row]) == ""


def test_a_report_says_whether_faces_were_sought():
    assert face_section(None) == ""
    assert "No images that may show a face" in face_section([])


def test_names_of_reviewers_are_text_and_no_markup():
    row = {
        "files": 3,
        "done": "altered",
        "confirmed_by": "<b>A</b>",
        "alters": True,
        "digest": "a" * 64,
        "reason": "",
        "reason_code": "",
        "picture_sha256": "",
        "gates": [],
    }
    assert "&lt;b&gt;A&lt;/b&gt;" in face_section([row])

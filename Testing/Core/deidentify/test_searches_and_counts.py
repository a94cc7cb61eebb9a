"""Reports say how files and pixels were searched; people read right numbers of things, and frames counted from 1."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from DeidentifyStudyCore.canonical import canonical_bytes
from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.identity.keyfile import open_key
from DeidentifyStudyCore.pixels import ocr, search
from DeidentifyStudyCore.reporting.html_report import as_html

PASSPHRASE = "correct horse battery staple"
RESEARCH = ("--profile", "research-shifted-dates", "--key", "key.json", "--conformance", "none")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_dataset: Callable, encode: Callable) -> Path:
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(encode(make_dataset()))
    assert main(["key", "new", "key.json"]) == 0
    return tmp_path


def at_risk(make_dataset: Callable, encode: Callable) -> bytes:
    return encode(make_dataset(sop_class="1.2.840.10008.5.1.4.1.1.7", number=2, Modality="OT", ConversionType="DV"))


def report_of(folder: Path) -> dict:
    return json.loads((folder / "out-report" / "report.json").read_text())


def test_a_report_says_that_headers_were_searched_and_no_pixels(folder: Path) -> None:
    assert main(["run", "in", "out", *RESEARCH]) == 0
    assert report_of(folder)["search"] == {
        "whole_files_asked_for": False, "written_files": ["headers"], "pixels": [], "text_recognition": [],
    }  # fmt: skip
    page = (folder / "out-report" / "report.html").read_text()
    assert "headers; whole files were searched on request (--search-pixels) only" in page
    assert "of no object" in page
    assert main(["verify", "out-report", "--key", "key.json"]) == 0


def test_a_report_says_that_whole_files_were_searched(folder: Path, make_dataset: Callable, encode: Callable) -> None:
    (folder / "in" / "b").write_bytes(at_risk(make_dataset, encode))
    main(["run", "in", "out", *RESEARCH, "--search-pixels"])
    searches = report_of(folder)["search"]
    assert searches["whole_files_asked_for"] is True
    assert searches["written_files"] == ["whole files"]
    assert searches["pixels"] == ["classical"]
    page = (folder / "out-report" / "report.html").read_text()
    assert "whole files, pixel data included (--search-pixels)</td>" in page
    assert "by strokes alone, since text recognition was not installed</td>" in page


def test_text_recognition_is_named_with_its_version(
    folder: Path, make_dataset: Callable, encode: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: True)
    monkeypatch.setattr(ocr, "version", lambda: "rapidocr 3.1")
    monkeypatch.setattr(ocr, "read_lines", lambda _: [])
    monkeypatch.setattr(ocr, "read_boxes", lambda *_: [])
    (folder / "in" / "b").write_bytes(at_risk(make_dataset, encode))
    main(["run", "in", "out", *RESEARCH])
    assert report_of(folder)["search"]["pixels"] == ["union"]
    assert report_of(folder)["search"]["text_recognition"] == ["rapidocr 3.1"]
    assert "by text recognition and by strokes (rapidocr 3.1)" in (folder / "out-report" / "report.html").read_text()


def test_a_resumed_run_tells_the_ways_of_both_parts(folder: Path, make_dataset: Callable, encode: Callable) -> None:
    main(["run", "in", "out", *RESEARCH])
    (folder / "in" / "b").write_bytes(encode(make_dataset(number=2)))
    main(["run", "in", "out", *RESEARCH, "--search-pixels"])
    assert report_of(folder)["search"]["written_files"] == ["headers", "whole files"]


def test_a_journal_of_an_older_version_is_gone_on_with(folder: Path) -> None:
    main(["run", "in", "out", *RESEARCH])
    journal = folder / "out-report" / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert lines[1].pop("searched") == [["written_files", "headers"]]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["run", "in", "out", *RESEARCH]) == 0
    assert report_of(folder)["search"]["written_files"] == []


def test_reports_of_older_versions_are_still_verified(folder: Path, capsys: pytest.CaptureFixture) -> None:
    main(["run", "in", "out", *RESEARCH])
    report = report_of(folder)
    del report["search"], report["signature"]
    key = Ed25519PrivateKey.from_private_bytes(open_key(folder / "key.json", PASSPHRASE).derive("report"))
    signature = {"public_key": key.public_key().public_bytes_raw().hex()}
    signature["ed25519"] = key.sign(canonical_bytes(report)).hex()
    (folder / "out-report" / "report.json").write_text(json.dumps(report | {"signature": signature}))
    capsys.readouterr()
    assert main(["verify", "out-report", "--key", "key.json"]) == 0
    assert capsys.readouterr().out.startswith("1 file checked, 0 problems\n")
    (folder / "out" / "stray").touch()
    assert main(["verify", "out-report", "--key", "key.json"]) == 3
    assert "1 file checked, 1 problem\n" in capsys.readouterr().out


def test_every_way_of_searching_has_words(folder: Path) -> None:
    main(["run", "in", "out", *RESEARCH])
    report = report_of(folder)
    report["search"]["written_files"] = ["headers", "whole files"]
    report["search"]["pixels"] = [method for method in search.METHODS if method in {"classical", "union"}]
    assert "headers or whole files" in as_html(report)
    assert {search.best_method()} <= set(report["search"]["pixels"])


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (2, ("file",), "2 files"),
        (1, ("waits", "wait"), "1 waits"),
        (3, ("waits", "wait"), "3 wait"),
        (1, ("box", "boxes"), "1 box"),
    ],
)
def test_one_is_one(number: int, words: tuple[str, ...], expected: str) -> None:
    assert count_of(number, *words) == expected


def test_a_page_of_one_object_speaks_of_one(folder: Path, make_dataset: Callable, encode: Callable) -> None:
    main(["run", "in", "out", *RESEARCH])
    page = (folder / "out-report" / "report.html").read_text()
    assert "The only object was written and verified." in page
    assert "<summary>1 file</summary>" in page
    assert re.search(r'<td class="number">1</td><td>\S+/IM\w+\.dcm</td>', page)
    (folder / "in" / "notes.txt").write_text("nothing" * 40)
    main(["run", "in", "out", *RESEARCH])
    page = (folder / "out-report" / "report.html").read_text()
    assert "1 object was written and verified; 1 file was not written" in page
    plural = r">1 [a-z ]*(objects|files|attributes|texts|pictures|errors)\b"
    assert not re.search(plural, page)


@pytest.fixture
def queue(tmp_path: Path) -> tuple[Path, str]:
    digest = "ab" * 32
    entry = {"reason": "burned-in-risk", "risks": ["declared"], "decision": "pending"}
    entry |= {"boxes": [[4, 1, 2, 3, 4]], "found": [[4, 1, 2, 3, 4]], "sources": ["ocr"]}
    path = tmp_path / "queue.json"
    path.write_text(json.dumps({"format": "deidentify-review/1", "objects": {digest: entry}}))
    return path, digest


def test_people_count_frames_from_1_and_the_queue_from_0(
    queue: tuple[Path, str], capsys: pytest.CaptureFixture
) -> None:
    path, digest = queue
    assert main(["review", str(path), "show", digest]) == 0
    assert "frame 5, row 1, column 2" in capsys.readouterr().out
    assert main(["review", str(path), "add", digest, "0", "0", "1", "1", "--frame", "5"]) == 0
    assert main(["review", str(path), "add", digest, "0", "0", "1", "1"]) == 0
    boxes = json.loads(path.read_text())["objects"][digest]["boxes"]
    assert [box[0] for box in boxes] == [4, 4, -1]
    capsys.readouterr()
    assert main(["review", str(path), "add", digest, "0", "0", "1", "1", "--frame", "0"]) == 2
    assert "frames are counted from 1" in capsys.readouterr().err


def test_a_list_of_one_speaks_of_one(queue: tuple[Path, str], capsys: pytest.CaptureFixture) -> None:
    assert main(["review", str(queue[0]), "list"]) == 3
    out = capsys.readouterr().out
    assert "  1 box  " in out
    assert "1 object, 1 waits for a decision" in out

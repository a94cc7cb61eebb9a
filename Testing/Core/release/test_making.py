"""A release is there whole, signed and recorded, or not at all."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from AnnotationQACore import atomic
from AnnotationQACore.errors import Cancelled, DestinationError, ProjectError, ReleaseRefused
from AnnotationQACore.project.folder import Project
from AnnotationQACore.release import making
from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQACore.release.making import make_release, unfinished_folder
from AnnotationQACore.release.manifest import verify_release
from AnnotationQACore.release.selection import Selection


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_release_is_made_recorded_and_verified(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    project = ready_study.as_("lead")
    made = make_release(project, ready_study.request(), tmp_path / "out", exporters, screen, resamples=50)
    assert made.cases == 7
    files = contents(tmp_path / "out")
    assert {"README.md", "card.html", "croissant.json", "cases.csv", "manifest.json", "protocol.json"} <= set(files)
    assert files["data/labels/train/case-1.txt"] == b"1320\n"
    assert not unfinished_folder(tmp_path / "out").exists()
    recorded = ready_study.as_("lead").state.releases[-1]
    assert (recorded.name, recorded.manifest_sha256) == ("release-1", made.manifest.sha256)
    assert verify_release(tmp_path / "out", [project.identity.public_key]).is_sound


def test_every_label_leads_to_who_said_it_under_which_protocol(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path
) -> None:
    project = ready_study.as_("lead")
    make_release(project, ready_study.request(), tmp_path / "out", exporters, screen, resamples=50)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/provenance/readings.csv").read_text())))
    assert len(rows) == 7
    state = project.state
    for row in rows:
        (submitted,) = [one for one in state.all_readings() if one.sha256 == row["sha256"]]
        assert submitted.case == row["case"]
        assert row["protocol"] == state.protocol
        assert row["time"] == submitted.time
        assert row["signed_by"] == "reader1"
        assert row["decided_by"] == "adjudicator1"
        assert row["decision_sha256"] == state.decisions[row["case"]][-1].hash
    words = b"".join(contents(tmp_path / "out").values()).lower()
    assert not [name for name in (b"anna", b"rita", b'"lea"') if name in words]


def test_readers_are_named_when_asked(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    request = ready_study.request(selection=Selection(coded_readers=False))
    make_release(ready_study.as_("lead"), request, tmp_path / "out", exporters, screen, resamples=50)
    assert "anna" in (tmp_path / "out" / "provenance" / "readings.csv").read_text()
    assert "| anna |" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("content", ["file", "folder"])
def test_a_destination_that_is_not_empty_is_left_alone(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path, content: str
) -> None:
    out = tmp_path / "out"
    if content == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(DestinationError, match="is not empty; choose a new folder"):
        make_release(ready_study.as_("lead"), ready_study.request(), out, exporters, screen)
    assert (out if content == "file" else out / "mine.txt").read_text() == "mine"
    assert not ready_study.as_("lead").state.releases


def test_a_refused_release_leaves_nothing(study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    with pytest.raises(ReleaseRefused) as refused:
        make_release(study.as_("lead"), study.request(), tmp_path / "out", exporters, screen)
    assert len(refused.value.problems) > 5
    assert not (tmp_path / "out").exists()
    assert not unfinished_folder(tmp_path / "out").exists()


def test_only_a_lead_releases(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="a lead releases"):
        make_release(ready_study.as_("anna"), ready_study.request(), tmp_path / "out", exporters, screen, resamples=50)
    assert not (tmp_path / "out").exists()
    assert not unfinished_folder(tmp_path / "out").exists()


def test_what_lies_in_the_way_of_the_unfinished_release_is_not_removed(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path
) -> None:
    building = unfinished_folder(tmp_path / "out")
    building.mkdir()
    (building / "thesis.txt").write_text("mine")
    with pytest.raises(DestinationError, match="is in the way"):
        make_release(ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen)
    assert (building / "thesis.txt").exists()


class Killed(BaseException):
    """As by power failure: nobody catches it."""


def test_killed_at_any_step_it_resumes_to_the_same_release(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every file that is written, before the ledger's entry, and before the last rename."""
    out = tmp_path / "out"
    steps = 0
    allowed = 0

    def counted(function: Any) -> Any:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > allowed:
                raise Killed
            return function(*arguments, **options)

        return step

    for name in ("write_text", "write_bytes"):
        monkeypatch.setattr(atomic, name, counted(getattr(atomic, name)))
    monkeypatch.setattr(Project, "release", counted(Project.release))
    monkeypatch.setattr(making, "_finish", counted(making._finish))
    write = type(exporters["labels"]).write
    monkeypatch.setattr(type(exporters["labels"]), "write", counted(write))
    kills = 0
    while True:
        steps, allowed = 0, allowed + 1
        try:
            made = make_release(ready_study.as_("lead"), ready_study.request(), out, exporters, screen, resamples=20)
            break
        except Killed:
            kills += 1
            assert not out.exists()
    assert kills > 10
    assert len(ready_study.as_("lead").state.releases) == 1
    assert verify_release(out, [made.manifest.public_key]).is_sound
    assert [p.name for p in tmp_path.iterdir() if "unfinished" in p.name or p.name.startswith(".tmp")] == []


def test_cancelled_in_the_middle_it_resumes(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    calls: list[str] = []

    def progress(done: int, total: int, message: str = "") -> None:
        calls.append(message)
        if message == "README.md" and calls.count("README.md") == 1:
            raise Cancelled

    arguments = (ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen)
    with pytest.raises(Cancelled):
        make_release(*arguments, resamples=20, progress=progress)
    assert not (tmp_path / "out").exists()
    begun = json.loads((unfinished_folder(tmp_path / "out") / "plan.json").read_text())["begun"]
    made = make_release(*arguments, resamples=20, progress=progress)
    assert made.manifest.made == begun


def test_a_recorded_release_that_was_not_moved_is_not_overwritten_by_another(
    ready_study: Any, screen: Any, exporters: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(making, "_finish", killed)
        with pytest.raises(Killed):
            make_release(
                ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen, resamples=20
            )
    other = ready_study.request(name="release-2")
    with pytest.raises(DestinationError, match=r"holds the release 'release-1'.*finish it with --name release-1"):
        make_release(ready_study.as_("lead"), other, tmp_path / "out", exporters, screen, resamples=20)
    made = make_release(ready_study.as_("lead"), ready_study.request(), tmp_path / "out", exporters, screen)
    assert verify_release(tmp_path / "out", [made.manifest.public_key]).is_sound


@pytest.mark.parametrize("stop_at", [3, 14, 25])
def test_cancelled_within_a_real_export_it_gives_the_same_files(
    ready_study: Any, screen: Any, tmp_path: Path, stop_at: int
) -> None:
    formats = ("bids", "nnunet", "tables")
    written = 0

    def stop(done: int, total: int, message: str = "") -> None:
        nonlocal written
        written += (unfinished_folder(tmp_path / "out") / "content").exists()
        if written == stop_at:
            raise Cancelled

    arguments = (ready_study.as_("lead"), ready_study.request(formats=formats), tmp_path / "out", EXPORTERS, screen)
    with pytest.raises(Cancelled):
        make_release(*arguments, resamples=20, progress=stop)
    assert not (tmp_path / "out").exists()
    make_release(*arguments, resamples=20)
    other = ready_study.request(formats=formats, name="release-2")
    make_release(ready_study.as_("lead"), other, tmp_path / "whole", EXPORTERS, screen, resamples=20)
    resumed, whole = (data_of(tmp_path / folder) for folder in ("out", "whole"))
    assert len(resumed) > 30
    assert resumed == whole


def data_of(folder: Path) -> dict[str, bytes]:
    """Files of the formats, whatever the release is called."""
    return {
        name.replace("release2", "release1"): re.sub(rb"release(-?)2", rb"release\g<1>1", content)
        for name, content in contents(folder / "data").items()
    }


def test_another_request_begins_anew(ready_study: Any, screen: Any, exporters: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def stop(done: int, total: int, message: str = "") -> None:
        if message == "README.md":
            raise Cancelled

    with pytest.raises(Cancelled):
        make_release(
            ready_study.as_("lead"), ready_study.request(), out, exporters, screen, resamples=20, progress=stop
        )
    stale = unfinished_folder(out) / "content" / "data" / "labels" / "train" / "case-1.txt"
    stale.write_text("of another request\n")
    request = ready_study.request(name="release-2")
    make_release(ready_study.as_("lead"), request, out, exporters, screen, resamples=20)
    assert (out / "data" / "labels" / "train" / "case-1.txt").read_text() == "1320\n"

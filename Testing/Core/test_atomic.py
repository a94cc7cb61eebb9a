"""A file is there whole or not at all."""

import os
from pathlib import Path

import pytest

from AnnotationQACore import atomic
from AnnotationQACore.errors import DestinationError


def test_replaces_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    atomic.write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_failing_writer_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic.replacing(path) as temporary:  # noqa: PT012 (the block is what is tested)
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_is_one_line_and_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def no_space(*args: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", no_space)
    else:
        monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(DestinationError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        atomic.write_text(path, "new")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="No such file or directory"):
        atomic.write_text(tmp_path / "nowhere" / "a.txt", "x")

"""What stands on a terminal after progress, errors and notes: each on a line of its own."""

import io
import re
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.cli import console
from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.main import main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.segmentation import Segment, Segmentation


class Terminal(io.StringIO):
    """A terminal that is as wide as need be."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What one reads on it: a line that is cleared is gone, one that is begun again is written over."""
        lines = []
        for written in self.getvalue().split("\n"):
            shown = ""
            for part in written.split("\r"):
                cleared = part.rpartition("\x1b[2K")
                text, shown = cleared[2], "" if cleared[1] else shown
                shown = text + shown[len(text) :]
            lines.append(shown)
        assert "\x1b" not in "".join(lines)
        return lines


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in place of the standard error; not in a fixture, as pytest puts its own there after them."""
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("COLUMNS", "80")
    return shown


def test_a_line_after_half_a_progress_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    progress = ConsoleProgress("reading")
    progress(0, 2, "a name that is much longer than what is said after it")
    say("note: short")
    progress(1, 2, "second")
    assert terminal.lines()[0] == "note: short"
    assert terminal.lines()[1].startswith("reading: 1/2")
    progress(2, 2)
    say("note: done")
    assert terminal.lines()[1].startswith("reading: 2/2")
    assert terminal.lines()[2:] == ["note: done", ""]


def test_a_line_that_would_be_wrapped_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    ConsoleProgress("reading")(1, 3, "x" * 200)
    assert len(terminal.lines()[-1]) == 79


def test_elsewhere_nothing_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    ConsoleProgress("reading")(0, 2, "first")
    say("note: short")
    assert file.getvalue() == "reading: 0/2 in 0.0 s first\nnote: short\n"


def test_without_a_standard_error_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    say("note: short")
    assert capsys.readouterr().out == ""


def test_a_command_that_is_refused_while_it_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = on_terminal(monkeypatch)
    whole, broken = tmp_path / "whole.nrrd", tmp_path / "broken.nrrd"
    labels = np.ones((1, 4, 4, 4), dtype=np.uint8)
    write_segmentation(whole, Segmentation(labels, Grid((4, 4, 4)), (Segment("one", "One", 1),)))
    broken.write_bytes(whole.read_bytes()[:-20])
    assert main(["agreement", str(whole), str(broken)]) == 2
    assert re.search(r"reading: 1/2 .*broken", terminal.getvalue())  # else nothing was there to give way
    assert [line.partition(" ")[0] for line in terminal.lines()] == ["annotation-qa:", ""]


def test_commands_say_all_they_say_by_way_of_the_console() -> None:
    """Whoever writes by another way begins in the middle of a line."""
    folder = Path(console.__file__).parent
    others = [path.name for path in folder.glob("*.py") if path != Path(console.__file__)]
    assert others
    assert [name for name in others if "sys.stderr" in (folder / name).read_text(encoding="utf-8")] == []

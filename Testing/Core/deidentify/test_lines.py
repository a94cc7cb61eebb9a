"""An error after half a line of progress stands on a line of its own."""

import io
from argparse import Namespace

import pytest

from DeidentifyStudyCore.cli import main as entry
from DeidentifyStudyCore.cli.console import progress_of
from DeidentifyStudyCore.errors import InputError


class Terminal(io.StringIO):
    """A terminal that was not written to."""

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in place of the standard error; not in a fixture, as pytest puts its own there after them."""
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("COLUMNS", "60")
    return shown


def test_an_error_clears_the_progress_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)

    def refused(_: list[str]) -> int:
        progress_of(Namespace(progress="text", cancel_file=None))(1, 3, "indexing")
        raise InputError("a folder is not there; name another.")

    monkeypatch.setattr(entry, "_run", refused)
    assert entry.main(["run"]) == entry.BAD_USE
    progress, error = terminal.getvalue().split("\r\x1b[2K")[1:]
    assert progress == "indexing: 1/3"
    assert error == "deidentify-study: a folder is not there; name another.\n"


def test_a_line_that_would_be_wrapped_is_cut_and_the_last_one_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    progress = progress_of(Namespace(progress="text", cancel_file=None))
    progress(1, 3, "x" * 200)
    progress(3, 3, "reading")
    first, last = terminal.getvalue().split("\r\x1b[2K")[1:]
    assert first == "x" * 59
    assert last == "reading: 3/3\n"


def test_elsewhere_an_error_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["no-such-command"]) == entry.BAD_USE
    assert capsys.readouterr().err.startswith("deidentify-study: no such command")

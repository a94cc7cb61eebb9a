"""One run of the command line: started, watched, cancelled."""

import contextlib
import enum
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyCore.identity.keyfile import create_key
from DeidentifyStudyLib.logic.command import environment_of, run_command
from DeidentifyStudyLib.logic.progress_lines import RunProgress, parsed
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.logic.staging import set_aside, stage

__all__ = ["Launch", "Run", "RunState"]

_CLEAN, _BAD_USE, _SOME_QUARANTINED, _CANCELLED = 0, 2, 3, 130
_PREFIX = "deidentify-study: "
_PATIENCE = 3
"""Seconds that a process has to stop by itself when Slicer ends."""


class RunState(enum.Enum):
    """Where a run stands."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Launch(Protocol):
    """Starts a process and returns at once; its output and its end are told later."""

    def __call__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
    ) -> Any:
        """Start it in a folder; return something with ``kill()`` and ``wait(seconds)``, or None when it has ended."""


class Run:
    """A run; `changed` is called whenever there is something new to show.

    Attributes
    ----------
    state : RunState
    progress : RunProgress
    message : str
        One line, when the run failed or was cancelled.
    settings : RunSettings or None
        Of the run that was started last, without its passphrase.
    """

    def __init__(self, launch: Launch, python: str, temporary_folder: Path, changed: Callable[[], None]) -> None:
        self._launch = launch
        self._python = python
        self._temporary = temporary_folder
        self._changed = changed
        self._process: Any = None
        self._working_folder: Path | None = None
        self._staged: Path | None = None
        self._last_line = ""
        self.state = RunState.IDLE
        self.progress = RunProgress()
        self.message = ""
        self.settings: RunSettings | None = None

    @property
    def is_active(self) -> bool:
        """Whether a process is at work."""
        return self.state in {RunState.RUNNING, RunState.CANCELLING}

    def start(self, settings: RunSettings) -> None:
        """Start; what goes wrong beforehand ends in the state FAILED with its message."""
        if self.is_active:
            raise ValueError("a run is at work already")
        self.progress, self.message, self._last_line = RunProgress(), "", ""
        self.settings = replace(settings, passphrase="", repeated="")
        try:
            if settings.key_is_new and settings.profile is not None and not settings.profile.ephemeral:
                create_key(settings.key, settings.passphrase)
            source = self._source_of(settings)
            if settings.starts_anew:
                set_aside(settings.destination, settings.report)
            self._working_folder = Path(tempfile.mkdtemp(prefix="deidentify-", dir=self._temporary))
            command = run_command(self._python, settings, self._working_folder)
        except DeidentifyError as error:
            self._end(RunState.FAILED, str(error))
            return
        except OSError as error:
            problem = _("Slicer's temporary folder cannot be used ({reason}).").format(reason=error.strerror)
            self._end(RunState.FAILED, problem)
            return
        self.state = RunState.RUNNING
        self._changed()
        try:
            self._process = self._launch(command, environment_of(settings), source, self._on_line, self._on_end)
        except OSError as error:
            self._end(RunState.FAILED, _("Python cannot be started ({reason}).").format(reason=error.strerror))

    def cancel(self) -> None:
        """Ask the process to stop after the present file."""
        if self.state is RunState.RUNNING and self._working_folder is not None:
            (self._working_folder / "cancel").touch()
            self.state = RunState.CANCELLING
            self._changed()

    def kill(self) -> None:
        """Stop the process; the cancel file stops what a launcher may have left behind."""
        if self.is_active:
            self.cancel()
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Stop for good: nothing is told any more, and no study stays in the temporary folder."""
        self._changed = lambda: None
        if not self.is_active:
            return
        self.cancel()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
            self._process.kill()
        self._remove(self._staged)

    def _source_of(self, settings: RunSettings) -> Path:
        if not settings.from_database:
            return settings.source  # type: ignore[return-value]  # problem() has made sure of it
        name = hashlib.sha256(str(settings.destination).encode()).hexdigest()[:16]
        self._staged = self._temporary / f"deidentify-studies-{name}"
        stage(settings.files, self._staged)
        return self._staged

    def _on_line(self, line: str) -> None:
        said = parsed(line)
        if isinstance(said, RunProgress):
            self.progress = said
            self._changed()
        elif said:
            self._last_line = said

    def _on_end(self, code: int) -> None:
        stream = getattr(self._process, "stdout", None)
        if stream is not None:
            stream.close()
        if code in {_CLEAN, _SOME_QUARANTINED}:
            self._end(RunState.DONE, "")
        elif code == _CANCELLED or self.state is RunState.CANCELLING:
            self._end(RunState.CANCELLED, self._cancelled())
        elif code == _BAD_USE:
            self._end(RunState.FAILED, self._last_line.removeprefix(_PREFIX))
        else:
            self._end(
                RunState.FAILED,
                _("The program ended unexpectedly (code {code}). Start again to go on where it stopped.").format(
                    code=code
                ),
            )

    def _end(self, state: RunState, message: str) -> None:
        self.state, self.message, self._process = state, message[:1].upper() + message[1:], None
        self._remove(self._staged)
        if state is not RunState.CANCELLED:  # a process that outlives its launcher still looks for the cancel file
            self._remove(self._working_folder)
        self._staged = self._working_folder = None
        self._changed()

    def _cancelled(self) -> str:
        if self.settings is not None and self.settings.profile is not None and self.settings.profile.ephemeral:
            return _("Cancelled. The key of this result is gone: starting again begins anew.")
        return _("Cancelled. Start again with the same choices to go on where it stopped.")

    @staticmethod
    def _remove(folder: Path | None) -> None:
        if folder is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)

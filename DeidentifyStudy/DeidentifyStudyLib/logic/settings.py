"""What a person chose for a run, and the one reason why it cannot start."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from slicer.i18n import tr as _

from DeidentifyStudyCore.profile import Profile

__all__ = ["RunSettings"]

_SHORTEST_PASSPHRASE = 8  # what key files ask for


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything a run needs.

    Attributes
    ----------
    source : Path or None
        Folder with the studies; None when `files` come from the DICOM database.
    files : tuple of str
        Files of the studies that were chosen in the DICOM database.
    destination : Path or None
        Folder for the result; report and review queue go beside it.
    profile : Profile or None
        None when it is invalid; `profile_problem` says why.
    key : Path or None
        Key file; one that does not exist yet is made.
    passphrase, repeated : str
        Never shown, logged or stored; `repeated` counts only for a new key.
    ids : Path or None
        Table of pseudonyms to use.
    """

    source: Path | None = None
    files: tuple[str, ...] = ()
    from_database: bool = False
    destination: Path | None = None
    profile: Profile | None = None
    profile_problem: str = ""
    key: Path | None = None
    passphrase: str = field(default="", repr=False)
    repeated: str = field(default="", repr=False)
    ids: Path | None = None
    workers: int = 1
    search_pixels: bool = False

    @property
    def report(self) -> Path:
        """Folder of the report, beside the destination."""
        return self._beside("report")

    @property
    def queue(self) -> Path:
        """Folder of the review queue, beside the destination."""
        return self._beside("review")

    @property
    def key_is_new(self) -> bool:
        """Whether a key file must be made first."""
        try:
            return self.key is not None and not self.key.exists()
        except OSError:  # `problem` says it
            return False

    @property
    def begun(self) -> bool:
        """Whether the destination and its report are those of an earlier run."""
        try:
            return (self.report / "journal.jsonl").is_file()
        except OSError:  # `problem` says it
            return False

    @property
    def starts_anew(self) -> bool:
        """Whether the destination holds a result of this profile whose key is gone: nothing can be added to it."""
        if self.profile is None or not self.profile.ephemeral or self.destination is None or not self.begun:
            return False
        try:
            with (self.report / "journal.jsonl").open(encoding="utf-8") as journal:
                return bool(json.loads(journal.readline())["profile"] == self.profile.digest)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def problem(self) -> str:
        """Why the run cannot start, in one line; empty when it can."""
        checks = (
            (self._source_problem, _("The source folder")),
            (self._destination_problem, _("The folder for the result")),
            (self._profile_problem, _("The profile")),
            (self._key_problem, _("The key file")),
            (self._ids_problem, _("The table of pseudonyms")),
        )
        for check, what in checks:
            try:
                found = check()
            except OSError as error:  # its own message holds the path
                return _("{what} cannot be looked at ({reason}): choose another.").format(
                    what=what, reason=error.strerror
                )
            if found:
                return found
        return ""

    def _ids_problem(self) -> str:
        if self.ids is not None and not self.ids.is_file():
            return _("The table of pseudonyms does not exist: choose a CSV file, or leave the field empty.")
        return ""

    def _source_problem(self) -> str:
        if self.from_database:
            return "" if self.files else _("Tick the studies of the DICOM database that should be de-identified.")
        if self.source is None:
            return _("Choose the folder that holds the studies.")
        if not self.source.is_dir():
            return _("The source folder does not exist: choose the folder that holds the studies.")
        if not os.access(self.source, os.R_OK | os.X_OK):
            return _("You may not read the source folder: ask for access, or choose another.")
        return ""

    def _destination_problem(self) -> str:
        if self.destination is None:
            return _("Choose a folder for the result.")
        if self.destination.exists() and not self.destination.is_dir():
            return _("The destination is a file: choose a folder.")
        if not self.destination.parent.is_dir():
            return _("The folder that should hold the result does not exist: choose another place.")
        if self.source is not None and not self.from_database:
            source, destination = self.source.resolve(), self.destination.resolve()
            if source.is_relative_to(destination) or destination.is_relative_to(source):
                return _("Source and destination lie inside each other: choose a destination elsewhere.")
        if self.destination.is_dir() and any(self.destination.iterdir()) and not self.begun:
            return _("The destination is not empty: choose a new or an empty folder.")
        if not os.access(self.destination.parent, os.W_OK | os.X_OK):
            return _("You may not write beside the result, where its report goes: choose another place.")
        return ""

    def _profile_problem(self) -> str:
        if self.profile is None:
            return self.profile_problem or _("Choose a profile.")
        return ""

    def _key_problem(self) -> str:
        if self.profile is None or self.profile.ephemeral:
            return ""
        if self.key is None:
            return _("Choose a key file, or a name for a new one.")
        if self.destination is not None and self.key.resolve().is_relative_to(self.destination.resolve()):
            return _("The key lies inside the destination, which is given away: choose another place for it.")
        if not self.key.parent.is_dir():
            return _("The folder of the key file does not exist: choose another place.")
        if not self.passphrase:
            return _("Type the passphrase of the key.")
        if self.key_is_new and len(self.passphrase) < _SHORTEST_PASSPHRASE:
            return _("The passphrase of a new key must have at least 8 characters.")
        if self.key_is_new and self.passphrase != self.repeated:
            return _("Type the passphrase of the new key twice: the two are not the same.")
        return ""

    def _beside(self, what: str) -> Path:
        if self.destination is None:
            raise ValueError("there is no destination yet")
        return self.destination.with_name(f"{self.destination.name}-{what}")

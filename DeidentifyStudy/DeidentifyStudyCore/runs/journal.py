"""What a run has done so far, in a file that only grows, so that a killed run goes on where it stopped."""

import json
import operator
import os
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.atomic import write_text
from DeidentifyStudyCore.cleaning.writing import SEARCHES, ChunkResult, FileResult
from DeidentifyStudyCore.errors import DestinationError

__all__ = ["Journal"]


class Journal:
    """The journal of one run.

    The first line says what the run is: a run with another profile, key or destination must not go on with it. Every
    other line is one finished chunk; a line that a crash cut short is ignored.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self._path = path
        self.done: dict[str, FileResult] = {}
        self.tally: Counter[tuple[tuple[int, ...], int, str, str]] = Counter()
        self.retained: set[tuple[int, str]] = set()
        self.searched: set[tuple[str, str]] = set()
        self.resumed = path.exists()
        if self.resumed:
            self._read(header)
        else:
            write_text(path, json.dumps(header, sort_keys=True) + "\n")

    def withdraw(self) -> None:
        """Undo the beginning of a run that had nothing to do, so that its places are free for the right source."""
        if not self.resumed:
            self._path.unlink()

    def _read(self, header: dict[str, Any]) -> None:
        lines = self._path.read_text(encoding="utf-8").split("\n")
        try:
            found = json.loads(lines[0])
        except ValueError:
            found = {}
        for key, what in (("profile", "profile"), ("key", "key"), ("destination", "destination"), ("source", "source")):
            if found.get(key) != header[key]:
                raise DestinationError(
                    f"{self._path.parent}: was begun with another {what}; go on with that one, or name a new "
                    "destination and report."
                )
        for line in lines[1:]:
            try:
                chunk = json.loads(line)
            except ValueError:
                continue
            for key, row in chunk["files"].items():
                row["risks"], row["pixels"] = tuple(row["risks"]), tuple(row["pixels"])
                self.done[key] = FileResult(**row)
            self._count(chunk)

    def _count(self, chunk: dict[str, Any]) -> None:
        for path, tag, rule, action, count in chunk["tally"]:
            self.tally[(tuple(path), tag, rule, action)] += count
        self.retained.update((tag, text) for tag, text in chunk["retained"])
        self.searched.update((kind, way) for kind, way in chunk.get("searched", ()))  # older ones do not tell

    def searches(self) -> dict[str, list[str]]:
        """How written files and pixels were searched: the ways of all runs that had a part in it, by `SEARCHES`."""
        return {name: sorted(way for kind, way in self.searched if kind == name) for name in SEARCHES}

    def add(self, keys: list[str], chunk: ChunkResult) -> None:
        """Record a finished chunk; `keys` name its files. It is on the disk when this returns."""
        row = {
            "files": dict(zip(keys, map(_as_row, chunk.files), strict=True)),
            "tally": [[list(key[0]), *key[1:], count] for key, count in chunk.tally.items()],
            "retained": sorted(chunk.retained - self.retained),
            "searched": sorted(chunk.searched - self.searched),
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{self._path.parent}: cannot be written ({reason}); free space.") from error
        self.done.update(zip(keys, chunk.files, strict=True))
        self.tally.update(chunk.tally)
        self.retained |= chunk.retained
        self.searched |= chunk.searched


_FIELDS = tuple(field.name for field in fields(FileResult))
_values = operator.attrgetter(*_FIELDS)


def _as_row(result: FileResult) -> dict[str, Any]:
    return dict(zip(_FIELDS, _values(result), strict=True))

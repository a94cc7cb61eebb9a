"""Cases: the image series of one patient at one time point that are read together."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.fields import Fields
from AnnotationQACore.project.layout import sha256_of
from AnnotationQACore.project.readings import check_identifier

__all__ = ["Case", "SeriesReference", "cases_from_folder", "cases_from_table", "hash_series"]

COLUMNS = ("case", "patient", "time_point", "role", "series_uid", "location")
DEFAULT_ROLE = "image"


@dataclass(frozen=True, slots=True)
class SeriesReference:
    """One image series of a case.

    Attributes
    ----------
    role : str
        Its role in the protocol, such as ``CT`` or ``T1 post contrast``.
    location : str
        File or folder, absolute or relative to the project folder, with forward slashes; empty when the images are
        not at hand.
    uid : str
        Series Instance UID; empty for formats without one.
    files : int
        Number of files.
    sha256 : str
        Hash of the files' contents, see `hash_series`; empty when the images are not at hand.
    """

    role: str
    location: str = ""
    uid: str = ""
    files: int = 0
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON object; fields that say nothing are left out."""
        names = ("role", "location", "uid", "files", "sha256")
        return {name: value for name in names if (value := getattr(self, name))}

    @classmethod
    def from_json(cls, value: object, path: str = "series") -> SeriesReference:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        series = cls(
            fields.text("role"),
            fields.text("location", ""),
            fields.text("uid", ""),
            fields.integer("files", 0),
            fields.text("sha256", ""),
        )
        fields.finish()
        return series


@dataclass(frozen=True, slots=True)
class Case:
    """The unit of work.

    Attributes
    ----------
    id : str
    patient : str
        Pseudonym, the same for all cases of a patient; never a name or a hospital number.
    time_point : str
        Such as ``baseline`` or ``week 8``.
    series : tuple of SeriesReference
        Every role once.
    """

    id: str
    patient: str
    time_point: str = ""
    series: tuple[SeriesReference, ...] = ()

    def __post_init__(self) -> None:
        check_identifier(self.id, "case")
        if ":" in self.id:
            raise InputError(f"case '{self.id}': ':' is not usable in an identifier; replace it.")
        if not self.patient:
            raise InputError(
                f"case '{self.id}': has no patient; give a pseudonym, so that no patient gets into two splits."
            )
        roles = [series.role for series in self.series]
        for role in roles:
            if roles.count(role) > 1:
                raise InputError(f"case '{self.id}': has two series of role '{role}'; give each its own role.")

    def to_json(self) -> dict[str, Any]:
        """JSON object."""
        plain: dict[str, Any] = {"id": self.id, "patient": self.patient}
        if self.time_point:
            plain["time point"] = self.time_point
        return plain | {"series": [series.to_json() for series in self.series]}

    @classmethod
    def from_json(cls, value: object, path: str = "case") -> Case:
        """Read what `to_json` wrote; raises `InputError` naming the path."""
        fields = Fields(value, path)
        case = cls(
            fields.text("id"),
            fields.text("patient"),
            fields.text("time point", ""),
            fields.items("series", SeriesReference.from_json),
        )
        fields.finish()
        return case


def hash_series(location: Path | Sequence[Path], progress: Progress = silent) -> tuple[int, str]:
    """Number of files of a series and the SHA-256 of their sorted SHA-256s, so that names and order do not matter.

    Parameters
    ----------
    location : Path or sequence of Path
        A file, a folder, or the files themselves, such as those that a DICOM database knows.
    progress : Progress

    Raises
    ------
    InputError
        There is no such file or folder, it cannot be read, or it is empty.
    """
    if not isinstance(location, Path):
        files = list(location)
    else:
        files = sorted(p for p in location.rglob("*") if p.is_file()) if location.is_dir() else [location]
    if not files:
        place = f"{location}: holds" if isinstance(location, Path) else "series: has"
        raise InputError(f"{place} no files; check the location of the series.")
    hashes = []
    for done, file in enumerate(files):
        progress(done, len(files))
        hashes.append(sha256_of(file))
    return len(files), hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def cases_from_table(path: Path, project: Path, progress: Progress = silent) -> tuple[Case, ...]:
    """Read cases from a CSV table with a row for each series, or from a JSON list of cases.

    The columns are ``case``, ``patient``, and if wished ``time_point``, ``role``, ``series_uid``, ``location`` (file or
    folder, relative to the table). Where there is a location the images are read for their hash.

    Raises
    ------
    InputError
        The table or an image cannot be read, or a row is wrong; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}); check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text at byte {error.start}; save it as CSV or JSON in UTF-8.") from error
    cases = _from_json(text, path) if path.suffix.lower() == ".json" else _from_csv(text, path)
    if not cases:
        raise InputError(f"{path}: names no case; give a row for each series.")
    located = []
    for done, case in enumerate(cases):
        progress(done, len(cases), case.id)
        located.append(_locate(case, path.parent, project))
    progress(len(cases), len(cases))
    return tuple(located)


def cases_from_folder(folder: Path, project: Path, progress: Progress = silent) -> tuple[Case, ...]:
    """Make a case of every folder in `folder`, and a series of every folder (or else all files) in that.

    The folders' names are the IDs of the cases, which stand for patients too, and the roles of the series.
    """
    try:
        parts = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check the path.") from error
    if not parts:
        raise InputError(f"{folder}: holds no folders; give a folder with a folder for each case.")
    cases = []
    for done, part in enumerate(parts):
        progress(done, len(parts), part.name)
        inner = sorted(p for p in part.iterdir() if p.is_dir() and not p.name.startswith("."))
        places = {p.name: p for p in inner} or {DEFAULT_ROLE: part}
        series = [SeriesReference(role, str(place.relative_to(folder))) for role, place in places.items()]
        cases.append(_locate(Case(part.name, part.name, series=tuple(series)), folder, project))
    progress(len(parts), len(parts))
    return tuple(cases)


def _from_json(text: str, path: Path) -> list[Case]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); correct it there.") from error
    if isinstance(value, Mapping):
        value = value.get("cases")
    if not isinstance(value, list):
        raise InputError(f"{path}: must be a list of cases, or an object with the field 'cases'.")
    return [Case.from_json(entry, f"{path}: cases[{index}]") for index, entry in enumerate(value)]


def _from_csv(text: str, path: Path) -> list[Case]:
    rows = csv.DictReader(text.splitlines(), delimiter=_delimiter(text), strict=True)
    try:
        columns = set(rows.fieldnames or ())
        if not {"case", "patient"} <= columns or not columns <= set(COLUMNS):
            known = ", ".join(COLUMNS[2:])
            raise InputError(f"{path}: columns must be case, patient and any of {known}; correct its first line.")
        grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"{path}: line {rows.line_num} has not as many values as there are columns.")
            grouped[row["case"].strip()].append({key: value.strip() for key, value in row.items()})
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num} is not CSV ({error}); correct it.") from error
    return [_case_of_rows(case, entries, path) for case, entries in grouped.items()]


def _delimiter(text: str) -> str:
    """Comma, or what spreadsheets of many countries put in its place."""
    return max(",;\t", key=text.partition("\n")[0].count)


def _case_of_rows(case: str, rows: Iterable[Mapping[str, str]], path: Path) -> Case:
    rows = list(rows)
    for column in ("patient", "time_point"):
        if len({row.get(column, "") for row in rows}) > 1:
            raise InputError(f"{path}: case '{case[:100]}' has two values of {column}; all rows of a case must agree.")
    series = [
        SeriesReference(row.get("role") or DEFAULT_ROLE, row.get("location", ""), row.get("series_uid", ""))
        for row in rows
        if any(row.get(column) for column in ("role", "location", "series_uid"))
    ]
    try:
        return Case(case, rows[0]["patient"], rows[0].get("time_point", ""), tuple(series))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _locate(case: Case, base: Path, project: Path) -> Case:
    series = []
    for entry in case.series:
        if not entry.location:
            series.append(entry)
            continue
        place = (base / entry.location).resolve()
        files, sha256 = hash_series(place)
        if entry.sha256 and entry.sha256 != sha256:
            raise InputError(f"case '{case.id}': the images of '{entry.role}' are not those of the table (their hash).")
        root = project.resolve()
        stored = place.relative_to(root) if place.is_relative_to(root) else place
        series.append(SeriesReference(entry.role, stored.as_posix(), entry.uid, files, sha256))
    return Case(case.id, case.patient, case.time_point, tuple(series))

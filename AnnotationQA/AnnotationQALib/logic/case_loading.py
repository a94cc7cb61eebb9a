"""Reads the images of a case: voxels only, no MRML, so that it can run while the reader works on another case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.images import ImageSeries
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.cases import Case, SeriesReference, hash_series
from AnnotationQACore.protocol.model import Protocol, WindowPreset
from AnnotationQACore.wording import Wording, worded

__all__ = ["DisplayRange", "LoadedCase", "LoadedSeries", "Locate", "display_ranges", "load_case"]

Locate = Callable[[str], Sequence[Path | str]]
"""Finds the files of a series by its Series Instance UID, such as in Slicer's DICOM database."""

SAMPLED_VOXELS = 1_000_000
STEPS = 1000

USUAL_SUV = 7.0
"""Upper end of the grey levels of PET, usual for FDG; a protocol that wants another has a window preset."""


@dataclass(frozen=True, slots=True)
class DisplayRange:
    """Values shown black and white; `inverted` shows low values white."""

    low: float
    high: float
    inverted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSeries:
    """A series of a case in memory.

    Attributes
    ----------
    role : str
        ID of the series role in the protocol.
    series : ImageSeries
    windows : mapping of window preset ID to DisplayRange
        Every preset of the protocol in values of the voxels, those by percentiles computed from them; and ``""`` for a
        view without preset.
    """

    role: str
    series: ImageSeries
    windows: Mapping[str, DisplayRange] = field(default_factory=dict)

    @property
    def is_flat(self) -> bool:
        """Whether it has no place in the patient, so that points on it are pixels."""
        return self.series.grid is None


@dataclass(frozen=True, slots=True, eq=False)
class LoadedCase:
    """The images of a case in memory, in the order of the protocol's roles."""

    case: Case
    series: tuple[LoadedSeries, ...]

    def of_role(self, role: str) -> LoadedSeries | None:
        """The series of a role; None when the case has none."""
        return next((loaded for loaded in self.series if loaded.role == role), None)


def load_case(
    case: Case, protocol: Protocol, project: Path, *, locate: Locate | None = None, progress: Progress = silent
) -> LoadedCase:
    """Read all series of a case, after a check that the files are those that were added to the project.

    Parameters
    ----------
    case : Case
    protocol : Protocol
    project : Path
        Relative locations are relative to this folder.
    locate : callable, optional
        For series that are known by their UID only.
    progress : Progress

    Raises
    ------
    InputError
        Files are missing, have moved, were changed, or cannot be read; or the case lacks a required series.
    """
    references = _by_role(case, protocol)
    loaded = []
    for number, (role, reference) in enumerate(references.items()):
        source = _source(case, role, reference, project, locate)
        _check_hash(case, role, reference, source, _part(progress, role, 2 * number, 2 * len(references)))
        series = open_series(source, _part(progress, role, 2 * number + 1, 2 * len(references)))
        loaded.append(LoadedSeries(role, series, display_ranges(protocol, series)))
    progress(STEPS, STEPS)
    return LoadedCase(case, tuple(loaded))


def _part(progress: Progress, role: str, number: int, parts: int) -> Progress:
    """Progress of one of several parts of a whole of `STEPS`; names the role, never a file."""

    def report(done: int, total: int, message: str = "") -> None:  # noqa: ARG001 - messages may name files
        share = done / total if total else 0.0
        progress(int(STEPS * (number + share) / parts), STEPS, role)

    return report


def _by_role(case: Case, protocol: Protocol) -> dict[str, SeriesReference]:
    """Series of the case by role of the protocol; a single series of another name is the reference series."""
    roles = [role.id for role in protocol.imaging.series]
    given = {series.role: series for series in case.series}
    if len(given) == 1 and not given.keys() & set(roles):
        given = {protocol.imaging.reference_series: case.series[0]}
    missing = [role.id for role in protocol.imaging.series if role.required and role.id not in given]
    if missing:
        raise InputError(
            worded(
                "case '{case}': has no series of role '{role}', which the protocol requires; ask the lead to "
                "add the case with it, or to exclude it.",
                case=case.id,
                role=missing[0],
            )
        )
    return {role: given[role] for role in roles if role in given}


def _source(
    case: Case, role: str, reference: SeriesReference, project: Path, locate: Locate | None
) -> Path | list[Path]:
    if reference.location:
        place = Path(reference.location)
        place = place if place.is_absolute() else project / place
        if not place.exists():
            raise InputError(
                worded(
                    "case '{case}': the images of '{role}' are not at their place; connect the drive or share, or "
                    "ask the lead where they have moved to.",
                    case=case.id,
                    role=role,
                )
            )
        return place
    files = sorted(Path(file) for file in locate(reference.uid)) if locate is not None and reference.uid else []
    if not files or not all(file.is_file() for file in files):
        raise InputError(
            worded(
                "case '{case}': the images of '{role}' are not on this computer; import them into the DICOM database.",
                case=case.id,
                role=role,
            )
        )
    return files


def _check_hash(
    case: Case, role: str, reference: SeriesReference, source: Path | list[Path], progress: Progress
) -> None:
    if not reference.sha256:
        return
    files, sha256 = hash_series(source, progress)
    if sha256 != reference.sha256:
        raise InputError(_changed(case.id, role, files, reference.files))


def _changed(case: str, role: str, files: int, wanted: int) -> Wording:
    if files == wanted:
        return worded(
            "case '{case}': the images of '{role}' are not those that were added to the project; restore them from the "
            "original, or ask the lead to add the case anew.",
            case=case,
            role=role,
        )
    return worded(
        "case '{case}': the images of '{role}' are not those that were added to the project ({files} files instead of "
        "{wanted}); restore them from the original, or ask the lead to add the case anew.",
        case=case,
        role=role,
        files=files,
        wanted=wanted,
    )


def display_ranges(protocol: Protocol, series: ImageSeries) -> dict[str, DisplayRange]:
    """Values of the voxels that each window preset shows, by its ID; see `LoadedSeries`. None for colour."""
    if series.is_color:
        return {}
    sample = _sample(series.voxels)
    own = _own_range(series, sample)
    return {"": own} | {preset.id: _range(preset, series, sample, own) for preset in protocol.windows}


def _own_range(series: ImageSeries, sample: NDArray[np.float64]) -> DisplayRange:
    """Grey levels of a series without a preset; those of PET begin at no activity, and high uptake is black."""
    if series.modality != "PT":
        return _percentile_range(sample, (1.0, 99.0), series.shown_inverted)
    if series.suv is not None:
        return DisplayRange(0.0, USUAL_SUV / series.suv.factor, True)
    return replace(_percentile_range(np.append(sample, 0.0), (0.0, 99.5), True), low=0.0)


def _range(preset: WindowPreset, series: ImageSeries, sample: NDArray[np.float64], own: DisplayRange) -> DisplayRange:
    """Values of voxels that a preset shows; one in SUV cannot be applied where SUV is not known."""
    inverted = preset.inverted != series.shown_inverted
    if preset.percentiles is not None:
        return _percentile_range(sample, preset.percentiles, inverted)
    if series.modality == "PT" and series.suv is None:
        return own
    factor = series.suv.factor if series.suv is not None else 1.0
    center, width = (preset.center or 0.0) / factor, (preset.width or 1.0) / factor
    return DisplayRange(center - width / 2, center + width / 2, inverted)


def _percentile_range(sample: NDArray[np.float64], percentiles: tuple[float, float], inverted: bool) -> DisplayRange:
    if not len(sample):
        return DisplayRange(0.0, 1.0, inverted)
    low, high = np.percentile(sample, percentiles).tolist()
    return DisplayRange(low, high if high > low else low + 1.0, inverted)


def _sample(voxels: NDArray[np.generic]) -> NDArray[np.float64]:
    """At most a million finite values, taken at even distances."""
    flat = voxels.reshape(-1)
    values = flat[:: max(1, flat.size // SAMPLED_VOXELS)].astype(np.float64)
    return values[np.isfinite(values)]

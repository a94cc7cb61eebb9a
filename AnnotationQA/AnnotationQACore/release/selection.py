"""Which cases and readings of a project are released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from AnnotationQACore.canonical import canonical_hash
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import CaseRecord, SubmittedReading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporting import ReadingKind, ReleaseCase, ReleaseReading
from AnnotationQACore.release.filters import Filters, check_filters, why_left_out
from AnnotationQACore.release.image_facts import case_images

__all__ = ["CaseFacts", "LeftOut", "Selected", "Selection", "select_cases"]

REFERENCE = "reference"
READERS = "readers"
MODELS = "models"
PROBABILITY = "probability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is released.

    Attributes
    ----------
    readings : tuple of str
        ``reference`` (standard), ``readers`` (each person's), ``models`` (each model's), ``probability`` (fraction of
        the people who marked a voxel), or the ID of one reader or consensus such as ``consensus:staple``.
    coded_readers : bool
        Whether readers are called ``reader1``, ``reader2``, ``model1``... in place of their IDs, the same one in all
        cases.
    filters : Filters
    """

    readings: tuple[str, ...] = (REFERENCE,)
    coded_readers: bool = True
    filters: Filters = field(default_factory=Filters)

    def __post_init__(self) -> None:
        if not self.readings:
            raise InputError("selection: readings: is empty; name reference, readers, models or probability.")


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is known of a case from elsewhere than its images; it wins over their headers."""

    site: str = ""
    scanner: str = ""
    sex: str = ""
    age_years: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that is not released, and why."""

    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection gives.

    Attributes
    ----------
    cases : tuple of ReleaseCase
    left_out : tuple of LeftOut
        Excluded in the project, or by a filter.
    problems : tuple of str
        What is asked for and missing, such as a reference standard, each with the case and the remedy.
    """

    cases: tuple[ReleaseCase, ...]
    left_out: tuple[LeftOut, ...]
    problems: tuple[str, ...]


def select_cases(
    project: Project,
    selection: Selection,
    *,
    images: Mapping[str, Sequence[Path]] | None = None,
    facts: Mapping[str, CaseFacts] | None = None,
    progress: Progress = silent,
) -> Selected:
    """Collect the cases of a project that a selection admits, with their images and readings.

    Parameters
    ----------
    project : Project
    selection : Selection
    images : mapping of Series Instance UID to files, optional
        Images that lie elsewhere than the project says.
    facts : mapping of case ID to CaseFacts, optional
    progress : Progress

    Raises
    ------
    InputError
        The selection names what the project does not have, or a file is missing, changed or unreadable.
    """
    protocol = project.protocol()
    check_filters(selection.filters, protocol)
    _check_cases(project, selection.filters.cases)
    names = _names(project, selection)
    cases, left_out, problems = [], [], []
    records = list(project.state.cases.values())
    for done, record in enumerate(records):
        progress(done, len(records), record.id)
        if record.excluded:
            left_out.append(LeftOut(record.id, f"excluded: {record.excluded}"))
            continue
        wanted = selection.filters.cases
        if wanted and record.id not in wanted:
            left_out.append(LeftOut(record.id, "is not among the cases asked for"))
            continue
        known = (facts or {}).get(record.id, CaseFacts())
        case = _case(project, record, protocol, images or {}, known)
        reference, flagged = _reference(project, record.id), _flags(project, record.id)
        judged = replace(case, readings=(*((reference,) if reference else ()), *flagged))
        agreement = _agreement(project, record.id, protocol) if selection.filters.agreement else None
        reason = why_left_out(selection.filters, judged, protocol.imaging.reference_series, agreement, protocol)
        if reason:
            left_out.append(LeftOut(record.id, reason))
            continue
        readings, missing = _readings(project, record.id, selection, names, reference)
        problems += missing
        cases.append(replace(case, readings=readings))
    progress(len(records), len(records))
    return Selected(tuple(cases), tuple(left_out), tuple(problems))


def _check_cases(project: Project, wanted: Iterable[str]) -> None:
    for place, case in enumerate(wanted):
        if case not in project.state.cases:
            raise InputError(f"filters: cases[{place}]: '{case[:100]}' is no case of the project; correct it.")


def _case(
    project: Project,
    record: CaseRecord,
    protocol: Protocol,
    images: Mapping[str, Sequence[Path]],
    known: CaseFacts,
) -> ReleaseCase:
    case: Case = record.case
    found = case_images(project, case, protocol, images)
    first = found[0].facts if found else None
    age = known.age_years
    if age is None and first is not None:
        age = first.age_years
    return ReleaseCase(
        id=case.id,
        patient=case.patient,
        time_point=case.time_point,
        images=found,
        site=known.site,
        scanner=known.scanner or (first.manufacturer if first is not None else ""),
        sex=known.sex or (first.sex if first is not None else ""),
        age_years=age,
    )


def _is_person(reader: str) -> bool:
    return ":" not in reader


def _names(project: Project, selection: Selection) -> dict[str, str]:
    """What each reader is called in the release."""
    readers = sorted({reading.reader for reading in project.state.all_readings()})
    special = {REFERENCE, READERS, MODELS, PROBABILITY}
    for place, name in enumerate(selection.readings):
        if name not in special and name not in readers:
            raise InputError(
                f"selection: readings[{place}]: '{name[:60]}' has no reading in this project; "
                "name reference, readers, models, probability or a reader."
            )
    people = [reader for reader in readers if _is_person(reader)]
    models = [reader for reader in readers if reader.startswith("model:")]
    plain = {reader: reader.replace(":", "-") for reader in readers}
    if not selection.coded_readers:
        return plain
    coded = {reader: f"reader{place}" for place, reader in enumerate(people, start=1)}
    return plain | coded | {reader: f"model{place}" for place, reader in enumerate(models, start=1)}


def _latest(project: Project, case: str) -> dict[str, SubmittedReading]:
    """Newest revision of each reader's reading in the first round."""
    return {one.reader: one for one in project.state.latest_readings(case) if one.round == 1}


def _reference(project: Project, case: str) -> ReleaseReading | None:
    submitted = reference_standard(project.state, case)
    return None if submitted is None else _loaded(project, submitted, REFERENCE, ReadingKind.REFERENCE)


def _flags(project: Project, case: str) -> tuple[ReleaseReading, ...]:
    """The readings of a case as bearers of flags."""
    return tuple(_loaded(project, one, one.reader, ReadingKind.READER) for one in _latest(project, case).values())


def _loaded(project: Project, submitted: SubmittedReading, name: str, kind: ReadingKind) -> ReleaseReading:
    reading = project.load_reading(submitted)
    return ReleaseReading(
        name=name,
        kind=kind,
        id=submitted.id,
        sha256=submitted.sha256,
        protocol=submitted.protocol,
        answers=reading.answers,
        segmentation_file=project.segmentation_path(submitted),
        time=submitted.time,
        flags=reading.flags,
    )


def _readings(
    project: Project, case: str, selection: Selection, names: Mapping[str, str], reference: ReleaseReading | None
) -> tuple[tuple[ReleaseReading, ...], list[str]]:
    latest = _latest(project, case)
    found: dict[str, ReleaseReading] = {}
    problems = []
    for wanted in selection.readings:
        if wanted == REFERENCE:
            if reference is None:
                why = "two decisions are in conflict" if project.state.conflicts(case) else "no reference standard"
                problems.append(f"case {case}: {why}; accept or adjudicate it, or exclude it with a reason.")
            else:
                found[REFERENCE] = reference
            continue
        if wanted == PROBABILITY:
            people = [one for reader, one in latest.items() if _is_person(reader)]
            if len(people) < 2:
                problems.append(f"case {case}: a probability map needs two readers or more; exclude it with a reason.")
            else:
                found[PROBABILITY] = _probability(project, people)
            continue
        for reader, submitted in latest.items():
            if _is_wanted(reader, wanted):
                found[names[reader]] = _loaded(project, submitted, names[reader], _kind(reader))
        if wanted not in (READERS, MODELS) and wanted not in latest:
            problems.append(f"case {case}: has no reading by '{wanted}'; make it, or exclude it with a reason.")
    return tuple(found.values()), problems


def _is_wanted(reader: str, wanted: str) -> bool:
    if wanted == READERS:
        return _is_person(reader)
    if wanted == MODELS:
        return reader.startswith("model:")
    return reader == wanted


def _kind(reader: str) -> ReadingKind:
    if reader.startswith("model:"):
        return ReadingKind.MODEL
    return ReadingKind.READER if _is_person(reader) else ReadingKind.CONSENSUS


def _probability(project: Project, people: Sequence[SubmittedReading]) -> ReleaseReading:
    files = [project.segmentation_path(one) for one in people]
    return ReleaseReading(
        name=PROBABILITY,
        kind=ReadingKind.PROBABILITY,
        sha256=canonical_hash(sorted(one.sha256 for one in people)),
        protocol=people[0].protocol,
        sources=tuple(path for path in files if path is not None),
        voters=len(people),
        time=max(one.time for one in people),
    )


def _agreement(project: Project, case: str, protocol: Protocol) -> CaseAgreement | None:
    files = case_files(project, case)
    return case_agreement(files, protocol) if len(files.readings) > 1 else None

"""The gate: all checks of a release, done together, so that a lead sees everything at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.verification import Verification, verify
from AnnotationQACore.protocol.difference import protocol_diff
from AnnotationQACore.protocol.items import Segmentation
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.coding import uncoded
from AnnotationQACore.release.duplicates import Link, pair_hash
from AnnotationQACore.release.exporting import Exporter, ReadingKind
from AnnotationQACore.release.gate.deidentification import check_images_listed, retained_texts
from AnnotationQACore.release.gate.problems import Check, GateReport, Problem
from AnnotationQACore.release.gate.remedies import (
    CHOOSE_FORMAT,
    CHOOSE_NAME,
    NAME_IMAGES,
    PART_PAIR,
    PLACE_CASES,
    READ_AGAIN,
    RESTORE_LEDGER,
    SIGN_IDENTIFIER,
    SIGN_IMAGES,
)
from AnnotationQACore.release.gate.texts import (
    FoundText,
    TextScreen,
    check_names,
    check_signed,
    check_texts,
    exclusion_texts,
    reading_texts,
    shortened,
    text_hash,
)
from AnnotationQACore.release.request import Gathered, ReleaseRequest
from AnnotationQACore.release.rounds.redo import needed_again
from AnnotationQACore.release.sheet import REQUIRED, missing_fields
from AnnotationQACore.wording import count_of

__all__ = ["check_crossings", "check_gate", "file_names", "identifiers", "signed_identifiers"]

_PLACEHOLDER = re.compile(
    r"(unknown|anon(ym(ous|i[sz]ed))?|none|null|n\.?/?a\.?|patient|test|no ?name|unbekannt|[0?x._ -]+)", re.IGNORECASE
)


def check_gate(
    project: Project,
    request: ReleaseRequest,
    gathered: Gathered,
    exporters: Mapping[str, Exporter],
    screen: TextScreen,
    *,
    verification: Verification | None = None,
    progress: Progress = silent,
) -> GateReport:
    """Do all checks.

    Parameters
    ----------
    project : Project
    request : ReleaseRequest
    gathered : Gathered
        What `request.gather` gave for it.
    exporters : mapping of name to Exporter
    screen : TextScreen
        The patterns of de-identification.
    verification : Verification, optional
        Of the project as it is now; made here when it is not given.
    progress : Progress

    Raises
    ------
    InputError
        A file cannot be read.
    Cancelled
        `progress` cancelled.
    """
    verified = verification or verify(project.folder, progress=progress)
    cases = gathered.dataset.cases
    signed_texts = project.state.signed_off("text")
    passed = signed_identifiers(project, gathered)
    checks = [
        _ledger(verified),
        _name(project, request),
        _references(gathered),
        _versions(project, gathered),
        _patients(gathered),
        check_images_listed(cases, request.reports, request.sheet.images_without_report, progress),
        check_signed("retained text was signed off", retained_texts(request.reports), signed_texts),
        _pictures(project, gathered),
        check_texts("free text holds nothing that identifies", _free_texts(project, gathered), screen, signed_texts),
        check_names(
            "identifiers hold nothing that identifies",
            identifiers(gathered),
            screen,
            passed,
        ),
        _codes(gathered.dataset.protocol, request.sheet.concepts_without_code),
        _split(project, request, gathered),
        _sheet(request),
        _formats(request, gathered, exporters),
    ]
    return GateReport(tuple(checks))


def check_crossings(
    patients: Mapping[str, str], parts: Mapping[str, str], links: Iterable[Link], dismissed: frozenset[str]
) -> tuple[list[Problem], list[str]]:
    """Patients and duplicates that are in two parts, and what a person should look at.

    Parameters
    ----------
    patients, parts : mapping of case ID to patient, and to part
    links : iterable of Link
    dismissed : frozenset of str
        Pairs of cases that a person has found to be different, see `duplicates.pair_hash`.
    """
    problems, notes = [], []
    first: dict[str, str] = {}
    for case, patient in patients.items():
        other = first.setdefault(patient, case)
        if parts.get(case) != parts.get(other):
            what = f"are of one patient and in '{parts.get(other)}' and '{parts.get(case)}'"
            problems.append(Problem(f"cases '{other}' and '{case}'", what, "make a new split under another name"))
    for link in links:
        if pair_hash(link.a, link.b) in dismissed:
            notes.append(f"{link}: signed off as different")
        elif link.binds and parts.get(link.a) != parts.get(link.b):
            what = f"{str(link).partition(', ')[2]}, and are in '{parts.get(link.a)}' and '{parts.get(link.b)}'"
            remedy = PART_PAIR
            problems.append(Problem(f"cases '{link.a}' and '{link.b}'", what, remedy))
        else:
            notes.append(f"{link}; look at them" if not link.binds else f"{link}; they are in one part")
    return problems, notes


def file_names(paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Names of files as `texts.check_names` takes them."""
    remedy = "rename the case; its identifier must not be derived from the patient's"
    return ((f"file {number} of the release", path, remedy) for number, path in enumerate(paths, start=1))


def _free_texts(project: Project, gathered: Gathered) -> Iterator[FoundText]:
    yield from reading_texts(project, gathered.dataset.cases)
    excluded = [(one.case, project.state.cases[one.case].excluded) for one in gathered.selected.left_out]
    yield from exclusion_texts([(case, reason) for case, reason in excluded if reason])


def _ledger(verified: Verification) -> Check:
    remedy = RESTORE_LEDGER
    problems = [Problem(finding.where, finding.problem, remedy) for finding in verified.findings]
    return Check("the ledger is as it was signed", f"{verified.state.events} acts", shortened(problems))


def _name(project: Project, request: ReleaseRequest) -> Check:
    taken = {release.name for release in project.state.releases}
    problems = (
        [Problem(f"release '{request.name}'", "is in the ledger already", CHOOSE_NAME)] if request.name in taken else []
    )
    return Check("the name is new", f"{len(taken)} releases", tuple(problems))


def _references(gathered: Gathered) -> Check:
    problems = [_problem(line) for line in gathered.selected.problems]
    if not gathered.dataset.cases:
        problems.append(Problem("selection", "holds no case", "loosen the filters, or add cases"))
    reasons = Counter(one.reason for one in gathered.selected.left_out)
    notes = tuple(f"{count} left out: {reason}" for reason, count in reasons.most_common(10))
    name = "every case has a reference standard, or is excluded with a reason"
    return Check(name, f"{count_of(len(gathered.dataset.cases), 'case')}", shortened(problems), notes)


def _versions(project: Project, gathered: Gathered) -> Check:
    """A reading under a former version holds only when nothing it answers has another meaning now."""
    protocol = gathered.dataset.protocol
    again: dict[str, tuple[str, ...]] = {}
    problems = []
    count = 0
    for case in gathered.dataset.cases:
        for reading in case.readings:
            count += 1
            if reading.kind is not ReadingKind.REFERENCE or reading.protocol == protocol.hash:
                continue
            if reading.protocol not in again:
                difference = protocol_diff(project.protocol(reading.protocol), protocol)
                again[reading.protocol] = needed_again(difference)
            if items := again[reading.protocol]:
                what = f"its reference standard is of a former protocol, which asked otherwise for {', '.join(items)}"
                problems.append(Problem(f"case '{case.id}'", what, READ_AGAIN))
    return Check("every reference standard follows the protocol in force", f"{count} readings", shortened(problems))


def _patients(gathered: Gathered) -> Check:
    problems = [
        Problem(f"case '{case.id}'", "its patient identifier stands for nobody", "give each patient a pseudonym")
        for case in gathered.dataset.cases
        if not case.patient.strip() or _PLACEHOLDER.fullmatch(case.patient.strip())
    ]
    patients = {case.patient for case in gathered.dataset.cases}
    return Check("every case has a patient identifier", f"{count_of(len(patients), 'patient')}", shortened(problems))


def _pictures(project: Project, gathered: Gathered) -> Check:
    signed = project.state.signed_off("image")
    remedy = SIGN_IMAGES
    problems = [_problem(line) for line in gathered.unread]
    count = 0
    for case in gathered.dataset.cases:
        own = gathered.prints.get(case.id, ())
        count += len(own)
        unseen = sum(one.pixels not in signed for one in own)
        if unseen:
            problems.append(Problem(f"case '{case.id}'", f"{unseen} of {len(own)} images not signed off", remedy))
        if not case.images:
            what = "its images are not at hand"
            problems.append(Problem(f"case '{case.id}'", what, NAME_IMAGES))
    return Check("thumbnails were signed off", f"{count} images", shortened(problems))


def signed_identifiers(project: Project, gathered: Gathered) -> frozenset[str]:
    """Identifiers that somebody looked at and found to be nobody's."""
    signed = project.state.signed_off("text")
    return frozenset(text for _, text, _ in identifiers(gathered) if text_hash(text) in signed)


def identifiers(gathered: Gathered) -> Iterator[tuple[str, str, str]]:
    """Identifiers of cases and patients, time points, sites and scanners: where, text, and remedy."""
    for number, case in enumerate(gathered.dataset.cases, start=1):
        remedy = SIGN_IDENTIFIER
        yield f"identifier of case number {number}", case.id, remedy
        yield f"patient of case number {number}", case.patient, remedy
        for name in ("time_point", "site", "scanner"):
            if value := getattr(case, name):
                yield f"{name.replace('_', ' ')} of case number {number}", value, "write it in other words"


def _codes(protocol: Protocol, excuse: str) -> Check:
    """What is segmented is coded, for DICOM SEG has no place without; for the rest the sheet may say why it is not."""
    problems, notes = [], []
    for item in protocol.items:
        missing = uncoded(item)
        if not missing:
            continue
        words = f"has no code for {', '.join(missing)}"
        if excuse.strip() and not isinstance(item, Segmentation):
            notes.append(f"item '{item.id}' {words}")
            continue
        remedy = "add one to the protocol, where no scheme has it a private one whose scheme begins with 99"
        if not isinstance(item, Segmentation):
            remedy += ", or say in the release sheet (concepts_without_code) why there is none"
        problems.append(Problem(f"item '{item.id}'", words, remedy))
    return Check("codes are present", f"{len(protocol.items)} items", shortened(problems), tuple(notes))


def _split(project: Project, request: ReleaseRequest, gathered: Gathered) -> Check:
    cases = gathered.dataset.cases
    dismissed = project.state.signed_off("pair")
    parts = {case.id: gathered.dataset.splits.get(case.id, "") for case in cases}
    problems: list[Problem] = []
    if request.split:
        remedy = PLACE_CASES
        problems += [
            Problem(f"case '{case}'", f"is in no part of the split '{request.split}'", remedy)
            for case, part in parts.items()
            if not part
        ]
    crossing, notes = check_crossings({case.id: case.patient for case in cases}, parts, gathered.links, dismissed)
    if not request.split:
        notes.insert(0, "there is no split: all cases are in one part")
    name = "no patient and no duplicate is in two parts"
    return Check(
        name,
        f"{count_of(len(cases), 'case')}, {len(gathered.links)} links",
        shortened([*problems, *crossing]),
        tuple(notes),
    )


def _sheet(request: ReleaseRequest) -> Check:
    problems = [
        Problem(f"release sheet, field '{name}'", "says nothing", f"write {REQUIRED[name]}")
        for name in missing_fields(request.sheet)
    ]
    return Check("the release sheet is complete", f"{len(REQUIRED)} fields", tuple(problems))


def _formats(request: ReleaseRequest, gathered: Gathered, exporters: Mapping[str, Exporter]) -> Check:
    problems = []
    for name in request.formats:
        exporter = exporters.get(name)
        if exporter is None:
            problems.append(Problem(f"format '{name[:40]}'", "is unknown", f"choose from {', '.join(exporters)}"))
            continue
        problems += [_problem(line, f"format {name}, ") for line in exporter.check(gathered.dataset, request.options)]
    if not request.formats:
        problems.append(Problem("formats", "none is named", CHOOSE_FORMAT))
    return Check("every format can hold the dataset", ", ".join(request.formats) or "none", shortened(problems))


_LINE = re.compile(r"(?P<where>[^;]+?): (?P<what>.+); (?P<remedy>[^;]+?)\.?")
_SHORT_LINE = re.compile(r"(?P<what>[^;]+); (?P<remedy>[^;]+?)\.?")


def _problem(line: str, prefix: str = "") -> Problem:
    """A line of others, ``where: what; remedy.``, of which the place may be missing."""
    if found := _LINE.fullmatch(line):
        return Problem(f"{prefix}{found['where']}", found["what"], found["remedy"])
    where = prefix.removesuffix(", ") or "dataset"
    if found := _SHORT_LINE.fullmatch(line):
        return Problem(where, found["what"], found["remedy"])
    return Problem(where, line.rstrip("."), "mend it, or leave the case out")

"""A whole folder: index, write, verify, report. One bad file never stops it, a kill loses nothing, any executor will
do."""

import datetime
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from DeidentifyStudyCore.atomic import remove_leftovers
from DeidentifyStudyCore.crosswalk import assign_pseudonyms
from DeidentifyStudyCore.dicomdir import write_dicomdir
from DeidentifyStudyCore.echo import EchoBuilder
from DeidentifyStudyCore.errors import DestinationError, InputError
from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.index import FileFacts, index_files, list_files
from DeidentifyStudyCore.journal import Journal
from DeidentifyStudyCore.keyfile import Secret, load_crosswalk, save_crosswalk
from DeidentifyStudyCore.patients import with_issuers
from DeidentifyStudyCore.pixels.device_rules import DeviceRule, shipped_device_rules
from DeidentifyStudyCore.pixels.policy import Decision, PixelPolicy
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.pseudonyms import Pseudonyms
from DeidentifyStudyCore.report_pictures import PICTURES
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.text import vocabulary
from DeidentifyStudyCore.writing import FileResult, Job, Task, packed, write_chunk

if TYPE_CHECKING:
    from DeidentifyStudyCore.faces.survey import FaceSurvey

__all__ = ["BatchOptions", "Index", "Outcome", "build_index", "run_batch"]

_INDEX_CHUNK = 64
_WRITE_CHUNKS = 16  # of a run at least, so that workers finish together; each is flushed to disk at once
_SMALLEST_WRITE_CHUNK, _LARGEST_WRITE_CHUNK = 8, 128
_WRITE_CHUNK_BYTES = 256 << 20
_IN_FLIGHT = 8
_REVIEWED = frozenset({"burned-in-risk", "rejected-by-reviewer", "review-does-not-fit"})
_FACES = frozenset({"face-unconfirmed", "face-gates-failed", "face-not-examined", "rejected-by-reviewer"})

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Index:
    """What the first pass found.

    Attributes
    ----------
    files : list of FileFacts
        Sorted by path; duplicates carry a reason.
    patients : mapping of str to EchoBuilder
        By the index's key of a patient.
    """

    files: list[FileFacts]
    patients: dict[str, EchoBuilder]

    def counts(self) -> dict[str, int]:
        """Numbers that say nothing of anybody."""
        good = [facts for facts in self.files if not facts.reason and not facts.is_dicomdir]
        instances = {facts.instance for facts in good}
        references = [reference for facts in good for reference in facts.references]
        return {
            "files": len(self.files),
            "objects": len(good),
            "patients": len({facts.patient for facts in good}),
            "studies": len({facts.study for facts in good}),
            "series": len({facts.series for facts in good}),
            "dicomdirs": sum(facts.is_dicomdir for facts in self.files),
            "unusable": sum(bool(facts.reason) for facts in self.files),
            "at_risk_of_burned_in_text": sum(bool(facts.risks) for facts in good),
            "references": len(references),
            "references_to_absent_objects": sum(reference not in instances for reference in references),
        }


@dataclass(frozen=True)
class BatchOptions:
    """How a run is done.

    Attributes
    ----------
    key_file : Path or None
        Where the crosswalk lies; None with an ephemeral key.
    supplied : mapping
        Patient ID to pseudonym, from the user's table.
    whole_bytes : bool
        Search whole files for echoes after writing, pixel data included.
    queue : ReviewQueue or None
        Where objects wait for a person.
    device_rules : tuple of DeviceRule
        Of the house, beside those that are shipped.
    ears : bool
        Alter the ears with the face, where the profile cleans recognizable visual features.
    """

    report: Path
    key_file: Path | None = None
    supplied: dict[str, str] = field(default_factory=dict)
    queue: ReviewQueue | None = None
    whole_bytes: bool = False
    executor: Executor | None = None
    progress: Progress = silent
    device_rules: tuple[DeviceRule, ...] = ()
    ears: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run did: results in the order of the listing, and what reports count; `faces` where they were sought."""

    files: list[FileResult]
    journal: Journal
    index: Index
    started: str
    finished: str
    faces: "FaceSurvey | None" = None

    @property
    def quarantined(self) -> int:
        """Files that were not written and are no duplicates or directories."""
        return sum(bool(result.reason) for result in self.files)


def build_index(source: Path, profile: Profile, executor: Executor | None = None, progress: Progress = silent) -> Index:
    """Run the first pass over a folder."""
    listing = list_files(source)
    chunks = [listing[at : at + _INDEX_CHUNK] for at in range(0, len(listing), _INDEX_CHUNK)]
    results: dict[int, list[FileFacts]] = {}
    patients: dict[str, EchoBuilder] = {}
    done = 0
    progress(0, len(listing), "indexing")
    calls = ((number, (source, chunk, profile)) for number, chunk in enumerate(chunks))
    for number, (facts, found) in _completed(executor, index_files, calls):
        results[number] = facts
        for patient, builder in found.items():
            patients.setdefault(patient, EchoBuilder(vocabulary())).merge(builder)
        done += len(facts)
        progress(done, len(listing), "indexing")
    files = [facts for number in sorted(results) for facts in results[number]]
    return Index(_with_duplicates(source, with_issuers(files, patients)), patients)


def run_batch(source: Path, destination: Path, profile: Profile, secret: Secret, options: BatchOptions) -> Outcome:
    """De-identify a folder.

    Raises
    ------
    InputError
        The source is missing, or lies inside the destination or the other way round.
    DestinationError
        The destination is not empty and was not begun by the same run, or cannot be written.
    """
    started = _now()
    _check_places(source, destination, options.report, options.key_file, options.queue)
    made = [folder for folder in (destination, options.report) if not folder.exists()]
    journal = _journal(source, destination, profile, secret, options)
    index = build_index(source, profile, options.executor, options.progress)
    if not any(not facts.reason for facts in index.files):
        journal.withdraw()
        for folder in made:
            folder.rmdir()
        raise InputError("the source holds no DICOM object that can be read; name the folder that holds the studies.")
    pseudonyms = Pseudonyms.of(secret, profile.shift_days, retain_uids="retain_uids" in profile.options)
    subjects = _subjects(index, profile, secret, pseudonyms, options)
    queue = options.queue
    job = Job(
        source,
        destination,
        profile,
        pseudonyms,
        _decisions(queue),
        queue.decided("rejected") if queue else frozenset(),
        options.whole_bytes,
        PixelPolicy(
            clean="clean_pixel_data" in profile.options,
            review=profile.burned_in_risk == "quarantine",
            everything=profile.pixel_search == "all",
            rules=(*shipped_device_rules(), *options.device_rules),
            pictures=queue.pictures.resolve() if queue else None,
        ),
        options.report.resolve() / PICTURES,
    )
    faces = _survey(source, index, profile, options)
    states = faces.states if faces else {}
    results = _write_all(job, index, subjects, journal, secret, options, states)
    if any(facts.is_dicomdir for facts in index.files):
        write_dicomdir(destination, [result.output for result in results if result.output], pseudonyms)
    if queue is not None:
        _fill(queue, results)
    return Outcome(results, journal, index, started, _now(), faces)


def _survey(source: Path, index: Index, profile: Profile, options: BatchOptions) -> "FaceSurvey | None":
    if "clean_recognizable_visual_features" not in profile.options:
        return None
    from DeidentifyStudyCore.faces.survey import survey_faces  # loads SimpleITK, which most runs do not need

    paths = {
        number: facts.path for number, facts in enumerate(index.files) if not facts.reason and not facts.is_dicomdir
    }
    run = partial(_completed, options.executor)
    return survey_faces(
        source,
        paths,
        options.queue,
        run,
        pictures=options.report.resolve() / PICTURES,
        ears=options.ears,
        progress=options.progress,
    )


def _check_places(
    source: Path, destination: Path, report: Path, key_file: Path | None, queue: ReviewQueue | None
) -> None:
    if not source.is_dir():
        raise InputError("the source is not a folder; name the folder that holds the studies.")
    real_source, real_destination, real_report = source.resolve(), destination.resolve(), report.resolve()
    if real_destination.is_relative_to(real_source) or real_source.is_relative_to(real_destination):
        raise InputError("source and destination lie inside each other; choose a destination elsewhere.")
    if real_report.is_relative_to(real_source) or real_report.is_relative_to(real_destination):
        raise InputError("the report must lie outside source and destination; choose another folder with --report.")
    if key_file and key_file.resolve().is_relative_to(real_destination):
        raise InputError("the key lies inside the destination, which is given away; move it elsewhere.")
    if queue and any(queue.path.resolve().is_relative_to(place) for place in (real_source, real_destination)):
        raise InputError("the review queue must lie outside source and destination; choose another place.")


def _journal(source: Path, destination: Path, profile: Profile, secret: Secret, options: BatchOptions) -> Journal:
    report = options.report
    path = report / "journal.jsonl"
    if destination.exists() and not destination.is_dir():
        raise DestinationError(f"{destination}: is not a folder; choose another destination.")
    if not path.exists() and destination.exists() and any(destination.iterdir()):
        raise DestinationError(
            f"{destination}: is not empty; choose an empty folder, or the report of the run to resume."
        )
    if path.exists() and secret.ephemeral:
        raise DestinationError(
            f"{report}: holds a run whose ephemeral key is gone; remove it and the destination, and begin anew."
        )
    try:
        destination.mkdir(parents=True, exist_ok=True)
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationError(f"{destination}: cannot be made ({error.strerror}); choose another folder.") from error
    if not os.access(destination, os.W_OK):
        raise DestinationError(f"{destination}: is read-only; choose a folder you may write to.")
    key = secret.derive("places")
    header = {
        "format": "deidentify-journal/1",
        "profile": f"{profile.digest}+ears" if options.ears else profile.digest,
        "key": secret.fingerprint(),
        "source": hmac.digest(key, str(source.resolve()).encode(), hashlib.sha256).hex(),
        "destination": hmac.digest(key, str(destination.resolve()).encode(), hashlib.sha256).hex(),
    }
    journal = Journal(path, header)
    if journal.resumed:
        remove_leftovers(destination, report)
    return journal


def _with_duplicates(source: Path, files: list[FileFacts]) -> list[FileFacts]:
    """Mark files whose SOP Instance UID another file has: copies are left out, contradictions go to quarantine."""
    first: dict[str, FileFacts] = {}
    result = []
    for facts in files:
        if facts.reason or facts.is_dicomdir:
            result.append(facts)
            continue
        other = first.setdefault(facts.instance, facts)
        if other is not facts:
            same = other.size == facts.size and _same_bytes(source / other.path, source / facts.path)
            facts = replace(facts, reason="duplicate-copy" if same else "duplicate-uid")
        result.append(facts)
    return result


def _same_bytes(first: Path, second: Path) -> bool:
    with first.open("rb") as one, second.open("rb") as two:
        return hashlib.file_digest(one, "sha256").digest() == hashlib.file_digest(two, "sha256").digest()


def _subjects(
    index: Index, profile: Profile, secret: Secret, pseudonyms: Pseudonyms, options: BatchOptions
) -> dict[str, Subject]:
    crosswalk: dict[str, Any] = {}
    if options.key_file and not secret.ephemeral:
        crosswalk = load_crosswalk(options.key_file, secret)
    patients = {facts.patient for facts in index.files if facts.patient}
    assigned = assign_pseudonyms(patients, profile.patient_id, secret, crosswalk, options.supplied)
    if options.key_file and not secret.ephemeral:
        save_crosswalk(options.key_file, secret, crosswalk)
    return {
        patient: Subject(
            assigned[patient],
            pseudonyms.date_offset(patient),
            index.patients.get(patient, EchoBuilder()).built(vocabulary()),
        )
        for patient in patients
    }


def _write_all(
    job: Job,
    index: Index,
    subjects: dict[str, Subject],
    journal: Journal,
    secret: Secret,
    options: BatchOptions,
    faces: Mapping[int, FaceState],
) -> list[FileResult]:
    key = secret.derive("journal")
    tasks, keys = _tasks(job, index, subjects, key, faces)
    total = len(tasks)
    waiting = [task for task in tasks if keys[task.number] not in journal.done]
    # objects that wait for a reviewer are looked at again when the reviewer has decided
    decided = job.decisions.keys() | job.rejected
    queued = options.queue.entries.keys() if options.queue else None
    waiting += [
        task
        for task in tasks
        if keys[task.number] in journal.done
        and journal.done[keys[task.number]].reason in _REVIEWED
        and (
            journal.done[keys[task.number]].input_header in decided
            or (queued is not None and journal.done[keys[task.number]].input_header not in queued)
        )
    ]
    again = {task.number for task in waiting}
    waiting += [
        task
        for task in tasks
        if task.number not in again and _face_is_decided_anew(journal.done[keys[task.number]], task)
    ]
    done = total - len(waiting)
    options.progress(done, total, "writing")
    chunks = list(_chunks(waiting))
    calls = ((number, (work, chunk)) for number, (work, chunk) in enumerate(_with_work(job, subjects, chunks)))
    for number, result in _completed(options.executor, write_chunk, calls):
        journal.add([keys[task.number] for task in chunks[number]], result)
        done += len(result.files)
        options.progress(done, total, "writing")
    return [journal.done[keys[task.number]] for task in tasks]


def _face_is_decided_anew(done: FileResult, task: Task) -> bool:
    """Whether a person has confirmed since, or taken back what an earlier run had written."""
    if done.output:
        return bool(task.face.reason)
    return done.reason in _FACES and done.reason != task.face.reason


def _with_work(job: Job, subjects: dict[str, Subject], chunks: list[list[Task]]) -> Iterator[tuple[bytes, list[Task]]]:
    """Chunks with what their patient's share, which is encoded once a patient."""
    patient, work = None, b""
    for chunk in chunks:
        if work == b"" or chunk[0].facts.patient != patient:
            patient = chunk[0].facts.patient
            work = packed(job, subjects.get(patient) or Subject("", 0, EchoBuilder().built()))
        yield work, chunk


def _tasks(
    job: Job, index: Index, subjects: dict[str, Subject], key: bytes, faces: Mapping[int, FaceState]
) -> tuple[list[Task], dict[int, str]]:
    """Tasks in the order of the listing, and the journal's key of each."""
    media = any(facts.is_dicomdir for facts in index.files)
    taken: set[str] = set()
    tasks, keys = [], {}
    for number, facts in enumerate(index.files):
        if facts.is_dicomdir or facts.reason == "duplicate-copy":
            continue
        output = "" if facts.reason else _output_name(job, facts, subjects[facts.patient].pseudonym, media, taken)
        tasks.append(Task(number, facts, output, faces.get(number, FaceState())))
        described = f"{facts.path}\0{facts.size}\0{facts.modified}\0{facts.reason}".encode("utf-8", "surrogateescape")
        keys[number] = hmac.digest(key, described, hashlib.sha256).hex()[:32]
    return tasks, keys


def _output_name(job: Job, facts: FileFacts, pseudonym: str, media: bool, taken: set[str]) -> str:
    name = job.pseudonyms.name
    patient = name("patient", facts.patient, "P") if media else pseudonym
    folder = f"{patient}/{name('study', facts.study, 'ST')}/{name('series', facts.series, 'SE')}"
    attempt = 0
    while True:
        output = f"{folder}/{name(f'instance{attempt}', facts.instance, 'IM')}{'' if media else '.dcm'}"
        if output not in taken:
            taken.add(output)
            return output
        attempt += 1


def _chunks(tasks: list[Task]) -> Iterator[list[Task]]:
    """Chunks of one patient each, in the order of patients and series, so that workers remember what they decided."""
    chunk: list[Task] = []
    size = 0
    most = min(max(len(tasks) // _WRITE_CHUNKS, _SMALLEST_WRITE_CHUNK), _LARGEST_WRITE_CHUNK)
    for task in sorted(
        tasks, key=lambda task: (task.facts.patient, task.facts.study, task.facts.series, task.facts.path)
    ):
        full = len(chunk) >= most or size + task.facts.size > _WRITE_CHUNK_BYTES
        if chunk and (full or chunk[0].facts.patient != task.facts.patient):
            yield chunk
            chunk, size = [], 0
        chunk.append(task)
        size += task.facts.size
    if chunk:
        yield chunk


def _completed(
    executor: Executor | None, function: Callable[..., _Result], calls: Iterable[tuple[int, tuple[Any, ...]]]
) -> Iterator[tuple[int, _Result]]:
    """Results as they come, with a bounded number of calls under way; without an executor, one after the other."""
    if executor is None:
        for number, arguments in calls:
            yield number, function(*arguments)
        return
    running: dict[Future[_Result], int] = {}
    remaining = iter(calls)
    exhausted = False
    try:
        while running or not exhausted:
            while not exhausted and len(running) < _IN_FLIGHT:
                call = next(remaining, None)
                if call is None:
                    exhausted = True
                    break
                running[executor.submit(function, *call[1])] = call[0]
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield running.pop(future), future.result()
    except BrokenExecutor:
        raise InputError("a worker process died (out of memory?); run the same command again to resume.") from None
    finally:
        for future in running:
            future.cancel()


def _decisions(queue: ReviewQueue | None) -> dict[str, Decision]:
    if queue is None:
        return {}
    entries = queue.entries.items()
    return {digest: Decision(e.boxes, e.found) for digest, e in entries if e.decision == "accepted"}


def _fill(queue: ReviewQueue, results: list[FileResult]) -> None:
    for result in results:
        if result.reason == "burned-in-risk" and result.input_header:
            queue.add(result.input_header, result.reason, result.risks, result.found, result.sources)
    queue.save()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

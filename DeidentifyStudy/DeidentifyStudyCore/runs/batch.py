"""A whole folder: index, write, verify, report. One bad file never stops it, a kill loses nothing, any executor will
do."""

import datetime
import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from DeidentifyStudyCore.atomic import remove_leftovers
from DeidentifyStudyCore.cleaning.task import Task
from DeidentifyStudyCore.cleaning.writing import FileResult, Job, packed, write_chunk
from DeidentifyStudyCore.errors import DestinationError, InputError
from DeidentifyStudyCore.executors import completed
from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.indexing.folder_index import Index, build_index
from DeidentifyStudyCore.pixels.device_rules import DeviceRule, shipped_device_rules
from DeidentifyStudyCore.pixels.policy import Decision, PixelPolicy
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.progress import Progress, silent
from DeidentifyStudyCore.report_pictures import PICTURES
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.runs.dicomdir import write_dicomdir
from DeidentifyStudyCore.runs.journal import Journal
from DeidentifyStudyCore.runs.subjects import pseudonyms_of, subjects_of
from DeidentifyStudyCore.runs.tasks import chunks_of, tasks_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from DeidentifyStudyCore.faces.survey import FaceSurvey

__all__ = ["BatchOptions", "Outcome", "run_batch"]

_REVIEWED = frozenset({"burned-in-risk", "rejected-by-reviewer", "review-does-not-fit"})
_FACES = frozenset({"face-unconfirmed", "face-gates-failed", "face-not-examined", "rejected-by-reviewer"})


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
    executor: "Executor | None" = None
    progress: Progress = silent
    device_rules: tuple[DeviceRule, ...] = ()
    ears: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run did: results in the order of the listing, and what reports count; `faces` where they were sought.

    Attributes
    ----------
    directory : str
        SHA-256 of the DICOMDIR; empty where none was written.
    whole_files : bool
        Whether whole files were to be searched (`BatchOptions.whole_bytes`).
    """

    files: list[FileResult]
    journal: Journal
    index: Index
    started: str
    finished: str
    faces: "FaceSurvey | None" = None
    directory: str = ""
    whole_files: bool = False

    @property
    def quarantined(self) -> int:
        """Files that were not written and are no duplicates or directories."""
        return sum(bool(result.reason) for result in self.files)


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
    if not any(not facts.reason and not facts.is_dicomdir for facts in index.files):
        journal.withdraw()
        for folder in made:
            folder.rmdir()
        raise InputError(
            "the source holds no DICOM object that can be used ('deidentify-study index' says why); name the folder "
            "that holds the studies."
        )
    pseudonyms = pseudonyms_of(secret, profile)
    subjects = subjects_of(index, profile, secret, pseudonyms, options.key_file, options.supplied)
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
    directory = ""
    if any(facts.is_dicomdir for facts in index.files):
        directory = write_dicomdir(destination, [result.output for result in results if result.output], pseudonyms)
    if queue is not None:
        _fill(queue, results)
    return Outcome(results, journal, index, started, _now(), faces, directory, options.whole_bytes)


def _survey(source: Path, index: Index, profile: Profile, options: BatchOptions) -> "FaceSurvey | None":
    if "clean_recognizable_visual_features" not in profile.options:
        return None
    from DeidentifyStudyCore.faces.survey import survey_faces  # loads SimpleITK, which most runs do not need

    paths = {
        number: facts.path for number, facts in enumerate(index.files) if not facts.reason and not facts.is_dicomdir
    }
    run = partial(completed, options.executor)
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
        "source": hmac.digest(key, os.fsencode(source.resolve()), hashlib.sha256).hex(),
        "destination": hmac.digest(key, os.fsencode(destination.resolve()), hashlib.sha256).hex(),
    }
    journal = Journal(path, header)
    if journal.resumed:
        remove_leftovers(destination, report)
    return journal


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
    tasks, keys = tasks_of(job, index, subjects, key, faces)
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
    chunks = list(chunks_of(waiting, shared=options.executor is not None))
    calls = ((number, (work, chunk)) for number, (work, chunk) in enumerate(_with_work(job, subjects, chunks)))
    for number, result in completed(options.executor, write_chunk, calls):
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

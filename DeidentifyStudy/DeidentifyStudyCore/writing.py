"""Writing a chunk of one patient's objects: the work of one worker process."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from DeidentifyStudyCore.atomic import flush_files, replacing
from DeidentifyStudyCore.engine import Engine, TallyKey
from DeidentifyStudyCore.errors import DestinationError, MalformedFile, Quarantined
from DeidentifyStudyCore.index import FileFacts
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.source import DEFLATED, Source, opened
from DeidentifyStudyCore.stream import write_object
from DeidentifyStudyCore.verification import Verifier

__all__ = ["ChunkResult", "FileResult", "Job", "Task", "write_chunk"]


@dataclass(frozen=True)
class Job:
    """What all chunks of a run share; it travels to the workers.

    Attributes
    ----------
    accepted, rejected : frozenset of str
        SHA-256 of source files on which a reviewer has decided.
    whole_bytes : bool
        Search whole files for echoes, pixel data included.
    """

    source: Path
    destination: Path
    profile: Profile
    pseudonyms: Pseudonyms
    accepted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    whole_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One file: what the index knows of it, its number in the listing, and where it goes."""

    number: int
    facts: FileFacts
    output: str


@dataclass(slots=True)
class FileResult:
    """What became of a file; nothing in it identifies a patient.

    Attributes
    ----------
    reason : str
        Why it was not written (`quarantine.REASONS`); empty when it was.
    references_removed : int
        References that a rule removed together with their sequence.
    """

    number: int
    input_sha256: str
    output: str = ""
    output_sha256: str = ""
    reason: str = ""
    risks: tuple[str, ...] = ()
    pixels: tuple[str, ...] = ()
    references: int = 0
    references_removed: int = 0


@dataclass(slots=True)
class ChunkResult:
    """What became of a chunk."""

    files: list[FileResult] = field(default_factory=list)
    tally: Counter[TallyKey] = field(default_factory=Counter)
    retained: set[tuple[int, str]] = field(default_factory=set)


def write_chunk(job: Job, subject: Subject, tasks: list[Task]) -> ChunkResult:
    """Write and verify some objects of one patient; one bad object never stops the others.

    Raises
    ------
    DestinationError
        The destination cannot be written: full, read-only or gone.
    """
    writer = _Writer(job, subject)
    result = ChunkResult(retained=writer.engine.retained)
    for task in tasks:
        result.files.append(writer.write(task, result.tally))
    flush_files(job.destination / done.output for done in result.files if done.output)
    return result


class _Writer:
    def __init__(self, job: Job, subject: Subject) -> None:
        self._job = job
        self._uid = job.pseudonyms.uid
        self.engine = Engine(RuleBook(job.profile), job.pseudonyms, subject)
        retained = job.pseudonyms.retain_uids
        self._verifier = Verifier(subject, uids_retained=retained, whole_bytes=job.whole_bytes)

    def write(self, task: Task, tally: Counter[TallyKey]) -> FileResult:
        path = self._job.source / task.facts.path
        result = FileResult(task.number, "", risks=task.facts.risks)
        try:
            if task.facts.reason:
                result.input_sha256 = _digest(path)
                raise Quarantined(task.facts.reason)
            with opened(path) as source:
                result.input_sha256 = _digest(path) if source.transfer_syntax == DEFLATED else _sha256(source.buffer)
                self._check_decision(task, result.input_sha256)
                self._write(source, task, result, tally)
        except (Quarantined, MalformedFile) as error:
            result.reason = error.reason
        except DestinationError:
            raise
        except OSError:
            result.reason = "unreadable"
        except Exception:
            # one object must never stop a batch, and its error must not be shown: it may quote values
            result.reason = "internal-error"
        return result

    def _check_decision(self, task: Task, digest: str) -> None:
        if digest in self._job.rejected:
            raise Quarantined("rejected-by-reviewer")
        if task.facts.risks and self._job.profile.burned_in_risk == "quarantine" and digest not in self._job.accepted:
            raise Quarantined("burned-in-risk")

    def _write(self, source: Source, task: Task, result: FileResult, tally: Counter[TallyKey]) -> None:
        rewritten = self.engine.rewrite(source)
        path = self._job.destination / task.output
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{path.parent}: cannot be written ({reason}); choose another folder.") from error
        with replacing(path, flush=False) as temporary:
            write_object(source, rewritten, temporary)
            facts = task.facts
            expected = (self._uid(facts.study), self._uid(facts.series), self._uid(facts.instance))
            found = self._verifier.check(
                temporary, source, rewritten, expected, {self._uid(r) for r in facts.references}
            )
            result.output_sha256 = _digest(temporary)
        result.output = task.output
        result.pixels = tuple(sorted(rewritten.pixels_changed))
        result.references = found
        result.references_removed = len(task.facts.references) - found
        tally.update(rewritten.tally)


def _sha256(content: object) -> str:
    return hashlib.sha256(content).hexdigest()  # type: ignore[arg-type]  # bytes or mmap, both buffers


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty when it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

"""Writing a chunk of one patient's objects: the work of one worker process."""

import pickle
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from DeidentifyStudyCore.atomic import flush_files, replacing
from DeidentifyStudyCore.digests import digests_of, digests_of_file, header_digest
from DeidentifyStudyCore.engine import Engine, TallyKey
from DeidentifyStudyCore.errors import DestinationError, MalformedFile, Quarantined
from DeidentifyStudyCore.index import FileFacts
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.pseudonyms import Pseudonyms
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.source import Source, opened
from DeidentifyStudyCore.stream import write_object
from DeidentifyStudyCore.verification import Verifier

__all__ = ["ChunkResult", "FileResult", "Job", "Task", "packed", "write_chunk"]


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
    input_header, input_pixels, output_header, output_pixels : str
        SHA-256 of the two parts of the files (`digests`).
    reason : str
        Why it was not written (`quarantine.REASONS`); empty when it was.
    references_removed : int
        References that a rule removed together with their sequence.
    """

    number: int
    input_header: str = ""
    input_pixels: str = ""
    output: str = ""
    output_header: str = ""
    output_pixels: str = ""
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


def packed(job: Job, subject: Subject) -> bytes:
    """Encode what the chunks of a patient share, once."""
    return pickle.dumps((job, subject))


def write_chunk(work: bytes, tasks: list[Task]) -> ChunkResult:
    """Write and verify some objects of one patient; one bad object never stops the others.

    Parameters
    ----------
    work : bytes
        From `packed`; a process remembers what it decided for as long as it stays the same.

    Raises
    ------
    DestinationError
        The destination cannot be written: full, read-only or gone.
    """
    return _writer(work).chunk(tasks)


@lru_cache(maxsize=1)
def _writer(work: bytes) -> "_Writer":
    return _Writer(*pickle.loads(work))  # noqa: S301  # made by `packed` in this run, as executors do themselves


class _Writer:
    def __init__(self, job: Job, subject: Subject) -> None:
        self._job = job
        self._uid = job.pseudonyms.uid
        self.engine = Engine(RuleBook(job.profile), job.pseudonyms, subject)
        retained = job.pseudonyms.retain_uids
        self._verifier = Verifier(subject, uids_retained=retained, whole_bytes=job.whole_bytes)

    def chunk(self, tasks: list[Task]) -> ChunkResult:
        result = ChunkResult()
        for task in tasks:
            result.files.append(self.write(task, result.tally))
        result.retained = set(self.engine.retained)
        self.engine.retained.clear()
        flush_files(self._job.destination / done.output for done in result.files if done.output)
        return result

    def write(self, task: Task, tally: Counter[TallyKey]) -> FileResult:
        path = self._job.source / task.facts.path
        result = FileResult(task.number, risks=task.facts.risks)
        try:
            if task.facts.reason:
                result.input_header, result.input_pixels = digests_of_file(path)
                raise Quarantined(task.facts.reason)
            with opened(path) as source:
                result.input_header = header_digest(source, path)
                self._check_decision(task, result.input_header)
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
        target = self._job.destination / task.output
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{target.parent}: cannot be written ({reason}); choose another folder.") from error
        with replacing(target, flush=False) as temporary:
            write_object(source, rewritten, temporary)
            facts = task.facts
            expected = (self._uid(facts.study), self._uid(facts.series), self._uid(facts.instance))
            references = {self._uid(reference) for reference in facts.references}
            try:
                with opened(temporary) as output:
                    found, shared = self._verifier.check(output, source, rewritten, expected, references)
                    result.output_header = header_digest(output, temporary)
                    result.output_pixels = shared or digests_of(output, temporary, result.output_header).pixels
            except MalformedFile:
                raise Quarantined("verification-failed") from None
        result.input_pixels = (
            shared or digests_of(source, self._job.source / task.facts.path, result.input_header).pixels
        )
        result.output = task.output
        result.pixels = tuple(sorted(rewritten.pixels_changed))
        result.references = found
        result.references_removed = len(task.facts.references) - found
        tally.update(rewritten.tally)

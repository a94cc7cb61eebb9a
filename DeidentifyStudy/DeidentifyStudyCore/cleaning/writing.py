"""Writing a chunk of one patient's objects: the work of one worker process."""

import contextlib
import gc
import os
import pickle
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from DeidentifyStudyCore.atomic import flush_files, replacing
from DeidentifyStudyCore.cleaning.engine import Engine, Rewritten
from DeidentifyStudyCore.cleaning.in_step import groups_of, in_step
from DeidentifyStudyCore.cleaning.patterns import Tally, TallyKey
from DeidentifyStudyCore.cleaning.stream import write_object
from DeidentifyStudyCore.cleaning.task import Task
from DeidentifyStudyCore.cleaning.verification import Verifier
from DeidentifyStudyCore.dicom.digests import digests_of, digests_of_file, header_digest
from DeidentifyStudyCore.dicom.memory import Memory
from DeidentifyStudyCore.dicom.pixeldata import as_they_are, plan_pixels
from DeidentifyStudyCore.dicom.source import SHORT_RANGE, Source, opened
from DeidentifyStudyCore.dicom.tokenizer import PIXEL_DATA
from DeidentifyStudyCore.errors import DestinationError, MalformedFile, Quarantined
from DeidentifyStudyCore.faces.state import FaceState
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.index import FileFacts
from DeidentifyStudyCore.pixels.device_rules import KnownDevices
from DeidentifyStudyCore.pixels.peaks import has_peak_print
from DeidentifyStudyCore.pixels.policy import Cleaned, Decision, NeedsReview, PixelPolicy
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.report_pictures import save_picture
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Subject

if TYPE_CHECKING:
    from DeidentifyStudyCore.pixels.redaction import Area
    from DeidentifyStudyCore.pixels.step import PixelStep

__all__ = ["SEARCHES", "ChunkResult", "FileResult", "Job", "packed", "write_chunk"]

SEARCHES = ("written_files", "pixels", "text_recognition")
"""Search of written files for what identifies (``headers``, ``whole files``), of pixels for text (`search.METHODS`),
and the text recognition that took part."""


@dataclass(frozen=True)
class Job:
    """What all chunks of a run share; it travels to the workers.

    Attributes
    ----------
    decisions : mapping of str to Decision
        What a reviewer accepted, by the digest of the object.
    rejected : frozenset of str
        Digests of the objects that a reviewer rejected.
    whole_bytes : bool
        Search whole files for echoes, pixel data included.
    pictures : Path or None
        Folder for pictures of what was redacted, for the report.
    """

    source: Path
    destination: Path
    profile: Profile
    pseudonyms: Pseudonyms
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()
    whole_bytes: bool = False
    pixels: PixelPolicy = field(default_factory=lambda: PixelPolicy(clean=False, review=True))
    pictures: Path | None = None


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
    found : list of list of int
        Boxes that a person must look at, see `review.QueueEntry`; `sources` says what found each.
    picture : str
        SHA-256, and name, of the picture of what was redacted (`report_pictures`).
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
    found: list[list[int]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    picture: str = ""


@dataclass(slots=True)
class ChunkResult:
    """What became of a chunk.

    Attributes
    ----------
    searched : set of (str, str)
        One of `SEARCHES`, and a way in which it was done.
    """

    files: list[FileResult] = field(default_factory=list)
    tally: Counter[TallyKey] = field(default_factory=Counter)
    retained: set[tuple[int, str]] = field(default_factory=set)
    searched: set[tuple[str, str]] = field(default_factory=set)


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


@contextlib.contextmanager
def _cycles_kept() -> Iterator[None]:
    """Put off the collection of cycles, which would go through all that is remembered again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Writer:
    def __init__(self, job: Job, subject: Subject) -> None:
        self._job = job
        # joined as text: a Path takes longer to join than a file to be found
        self._source, self._destination = os.fspath(job.source), os.fspath(job.destination)
        self._uid = job.pseudonyms.uid
        self.engine = Engine(RuleBook.of(job.profile), job.pseudonyms, subject)
        retained = job.pseudonyms.retain_uids
        self._verifier = Verifier(subject, uids_retained=retained, whole_bytes=job.whole_bytes)
        self._pixels: PixelStep | None = None
        self._folder = ""
        self._devices = KnownDevices(job.pixels.rules)
        self._memory = Memory(SHORT_RANGE)

    def chunk(self, tasks: list[Task]) -> ChunkResult:
        result = ChunkResult()
        tally = Tally()
        self._folder = ""
        with _cycles_kept():
            for group in groups_of(tasks):
                found = [FileResult(task.number, risks=task.facts.risks) for task in group]
                in_step([self._written(task, one, tally) for task, one in zip(group, found, strict=True)])
                result.files += found
        result.tally = tally.total()
        result.retained = set(self.engine.retained)
        self.engine.retained.clear()
        result.searched = self._searched(result)
        flush_files(self._job.destination / done.output for done in result.files if done.output)
        return result

    def _searched(self, result: ChunkResult) -> set[tuple[str, str]]:
        files, pixels, recognition = SEARCHES
        found = set()
        if any(done.output for done in result.files):
            found.add((files, "whole files" if self._job.whole_bytes else "headers"))
        if self._pixels is not None and self._pixels.has_searched:
            found.add((pixels, self._pixels.method))
            if self._pixels.recognition:
                found.add((recognition, self._pixels.recognition))
        return found

    def _written(self, task: Task, result: FileResult, tally: Tally) -> Generator[None]:
        """Write and verify an object, pausing between the steps; fills in its result."""
        path = f"{self._source}/{task.facts.path}"
        try:
            if task.facts.reason:
                result.input_header, result.input_pixels = digests_of_file(path)
                raise Quarantined(task.facts.reason)
            with opened(path, whole=True, memory=self._memory) as source:
                result.input_header = header_digest(source, path)
                self._stop_at_a_refusal(task, result.input_header)
                decision = self._job.decisions.get(result.input_header)
                is_looked_at = self._is_looked_at(source, task.facts.risks)
                if is_looked_at and self._devices.has(source):
                    result.risks += ("known-device",)
                likely = None
                if not (task.face.digest or self._job.pixels.concerns(result.risks, decision)):
                    likely = self.engine.rewrite(source, as_they_are(source))
                yield
                if is_looked_at and has_peak_print(source, decode=bool(task.facts.risks)):
                    result.risks += ("print-in-pixels",)
                if task.face.digest or self._job.pixels.concerns(result.risks, decision):
                    face = self._face(Path(path), task.face)
                    cleaned = self._step().prepare(source, result.input_header, result.risks, decision, face)
                    likely = None
                else:
                    cleaned = Cleaned(steps=["reviewed by a person"] if decision else [])
                yield from self._write(source, cleaned, likely, task, result, tally)
        except NeedsReview as error:
            result.reason, result.found, result.sources = error.reason, error.rows, error.sources
        except (Quarantined, MalformedFile) as error:
            result.reason = error.reason
        except DestinationError:
            raise
        except OSError:
            result.reason = "unreadable"
        except Exception:
            # one object must never stop a batch, and its error must not be shown: it may quote values
            result.reason = "internal-error"

    def _stop_at_a_refusal(self, task: Task, digest: str) -> None:
        """Quarantine what a person rejected or did not confirm."""
        if digest in self._job.rejected:
            raise Quarantined("rejected-by-reviewer")
        if task.face.reason:
            (self._job.destination / task.output).unlink(missing_ok=True)  # of an earlier run, taken back
            raise Quarantined(task.face.reason)

    def _step(self) -> "PixelStep":
        """Return the step that looks at pixels, which is loaded when the first object needs it."""
        if self._pixels is None:
            from DeidentifyStudyCore.pixels.step import PixelStep

            self._pixels = PixelStep(self._job.pixels)
        return self._pixels

    def _is_looked_at(self, source: Source, risks: tuple[str, ...]) -> bool:
        """Whether there may be risks that the header does not tell of, where it gives little reason to look."""
        pixels = self._job.pixels
        return risks in {(), ("projection",)} and (pixels.clean or pixels.review) and bool(source.first(PIXEL_DATA))

    def _picture(self, cleaned: Cleaned, written: Source) -> str:
        folder = self._job.pictures
        if folder is None or not any(cleaned.boxes.values()):
            return ""
        from DeidentifyStudyCore.pixels.thumbnail import thumbnail

        return save_picture(folder, thumbnail(written, cleaned.boxes))

    @staticmethod
    def _face(path: Path, state: FaceState) -> "dict[int, Area] | None":
        if not state.digest:
            return None
        from DeidentifyStudyCore.faces.survey import face_areas

        return face_areas(path, state)

    def _write(
        self,
        source: Source,
        cleaned: Cleaned,
        likely: Rewritten | None,
        task: Task,
        result: FileResult,
        tally: Tally,
    ) -> Generator[None]:
        """Write what the engine makes of an object; `likely` is that if its pixels stay as they are."""
        target = f"{self._destination}/{task.output}"
        self._make_folder(target.rpartition("/")[0])
        with replacing(target, flush=False) as temporary:
            while True:
                plan = cleaned.plan or plan_pixels(source)
                if likely is not None and plan == likely.plan:
                    rewritten = likely
                else:
                    rewritten = self.engine.rewrite(source, plan, cleaned.claims)
                write_object(source, rewritten, temporary)
                try:
                    with opened(temporary) as output:
                        shared = self._verifier.compare(source, rewritten, output)
                        if cleaned.plan is None:
                            yield
                        references = self._checked(output, task.facts)
                        again = None
                        if cleaned.plan is not None:
                            again = self._step().check(cleaned, source, output, result.input_header)
                        if again is None:
                            result.picture = self._picture(cleaned, output)
                            result.output_header = header_digest(output, temporary)
                            result.output_pixels = (
                                shared[1] or digests_of(output, temporary, result.output_header).pixels
                            )
                            break
                except MalformedFile:
                    raise Quarantined("verification-failed") from None
                cleaned = again
        result.input_pixels = (
            shared[0] or digests_of(source, f"{self._source}/{task.facts.path}", result.input_header).pixels
        )
        result.output = task.output
        result.pixels = (*cleaned.report(), *sorted(plan.changed if plan else ()))
        result.references = references
        result.references_removed = len(task.facts.references) - references
        tally.add(rewritten.uses)

    def _checked(self, output: Source, facts: FileFacts) -> int:
        """Check what was written; returns how many references it has."""
        identity = (self._uid(facts.study), self._uid(facts.series), self._uid(facts.instance))
        return self._verifier.check(output, identity, {self._uid(reference) for reference in facts.references})

    def _make_folder(self, folder: str) -> None:
        if folder == self._folder:
            return
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise DestinationError(f"{folder}: cannot be written ({reason}); choose another folder.") from error
        self._folder = folder

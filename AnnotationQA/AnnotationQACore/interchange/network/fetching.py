"""Fetch series from a server into a folder, and go on where an earlier run broke off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import NetworkError
from AnnotationQACore.interchange.network.patience import Patience, Transient, Unreachable
from AnnotationQACore.interchange.network.series_folder import BrokenObject, SeriesFolder
from AnnotationQACore.interchange.network.server import RemoteSeries, Server
from AnnotationQACore.progress import Progress, silent

__all__ = ["FetchedSeries", "fetch"]


@dataclass(frozen=True, slots=True)
class FetchedSeries:
    """What became of one series.

    Attributes
    ----------
    series : RemoteSeries
    folder : Path or None
        None when nothing of it was asked for any more.
    fetched, present : int
        Objects that came now, and that were complete before.
    missing : int
        Objects that did not come.
    problem : str
        Why not all came; empty when all are here.
    """

    series: RemoteSeries
    folder: Path | None
    fetched: int = 0
    present: int = 0
    missing: int = 0
    problem: str = ""


def fetch(
    server: Server,
    wanted: Sequence[RemoteSeries],
    folder: Path,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> tuple[FetchedSeries, ...]:
    """Fetch series, each into a folder of its own, named by its UID.

    Objects are written as the server stores them. What is complete on disk is not fetched again; what is there and
    not as the manifest says, is. A series that fails does not stop the others, an unreachable server does: what was
    not tried then is in the result, too.

    Parameters
    ----------
    server : Server
    wanted : sequence of RemoteSeries
    folder : Path
        Made when it is not there.
    patience : Patience, optional
        Attempts without a single new object after which a series is given up.
    progress : Progress
        Steps are objects, as the server counts them; also called, with the same step, while one arrives, so that it
        can cancel at any time.

    Raises
    ------
    AnnotationQAError
        Nothing further can be kept (`DestinationError`), or the user cancelled. What has arrived stays.
    """
    patience = patience or Patience()
    outcomes: list[FetchedSeries] = []
    lost = ""
    weights = [max(series.instances or 1, 1) for series in wanted]
    for number, series in enumerate(wanted):
        if lost:
            outcomes.append(FetchedSeries(series, None, missing=series.instances or 0, problem=lost))
            continue
        work = _SeriesWork(server, series, folder, patience, _steps(progress, number, weights))
        outcome, lost = work.run()
        outcomes.append(outcome)
    progress(sum(weights), sum(weights))
    return tuple(outcomes)


Step = Callable[[int, int], None]


def _steps(progress: Progress, number: int, weights: Sequence[int]) -> Step:
    before, total = sum(weights[:number]), sum(weights)

    def step(done: int, of: int) -> None:
        progress(before + weights[number] * done // max(of, 1), total, f"series {number + 1} of {len(weights)}")

    return step


class _SeriesWork:
    """Fetching of one series."""

    def __init__(self, server: Server, series: RemoteSeries, root: Path, patience: Patience, step: Step) -> None:
        self._server = server
        self._series = series
        self._patience = patience
        self._step = step
        self._folder = SeriesFolder(root, series.series_uid)
        self._wanted: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._broken: BrokenObject | None = None

    def run(self) -> tuple[FetchedSeries, str]:
        """Outcome, and why the server is lost, if it is."""
        problem, lost, present = "", "", 0
        try:
            self._step(0, self._series.instances or 0)
            self._wanted = self._patience.run(self._find)
            self._folder.look(self._wanted)
            present = len(self._wanted) - len(self._folder.missing(self._wanted))
            self._retrieve_missing()
        except NetworkError as error:
            problem = str(error)
            lost = problem if isinstance(error, Unreachable) else ""
        finally:
            self._folder.save(self._series.study_uid)
        missing = self._folder.missing(self._wanted)
        if missing and not problem:
            problem = next((self._refused[uid] for uid in missing if uid in self._refused), "")
        fetched = len(self._wanted) - len(missing) - present
        return FetchedSeries(self._series, self._folder.path, fetched, present, len(missing), problem), lost

    def _find(self) -> dict[str, str]:
        found = self._server.find_instances(self._series.study_uid, self._series.series_uid)
        if not found:
            raise NetworkError(f"{self._server.name}: names no object of this series; it may have been deleted.")
        return found

    def _retrieve_missing(self) -> None:
        """Ask for the whole series when nothing is here, else for each object that is missing."""
        failures = 0
        as_whole = not self._folder.instances
        while missing := [uid for uid in self._folder.missing(self._wanted) if uid not in self._refused]:
            try:
                if as_whole:
                    as_whole = False
                    self._retrieve(None)
                else:
                    self._retrieve_each(missing)
            except Transient as error:
                if len(self._folder.missing(self._wanted)) < len(missing):
                    failures = 0  # it goes on, if slowly
                failures += 1
                self._patience.pause(failures, error)

    def _retrieve_each(self, missing: Iterable[str]) -> None:
        broken: BrokenObject | None = None
        for uid in missing:
            try:
                self._retrieve(uid)
            except BrokenObject as error:
                broken = error
            except Transient:
                raise
            except NetworkError as error:
                self._refused[uid] = str(error)
            else:
                if uid not in self._folder.instances:
                    self._refused[uid] = f"{self._server.name}: does not send every object that it names."
        if broken is not None:
            raise broken

    def _retrieve(self, sop_uid: str | None) -> None:
        self._broken = None
        self._server.retrieve(self._series, sop_uid, self._keep)
        if self._broken is not None:
            raise self._broken

    def _keep(self, chunks: Iterable[bytes]) -> None:
        try:
            self._folder.keep(self._told(chunks), self._wanted, self._server.name)
        except BrokenObject as error:  # the others still come
            self._broken = error

    def _told(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._step(len(self._folder.instances), len(self._wanted))
            yield chunk

"""Computes the consensus of the cases of a project and records it in the ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.result import LabelConsensus
from AnnotationQACore.errors import AnnotationQAError, Cancelled
from AnnotationQACore.evaluation.case_consensus import case_consensus
from AnnotationQACore.evaluation.case_files import CaseFiles, case_files
from AnnotationQACore.evaluation.study import FailedCase
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import Reading
from AnnotationQACore.project.state import SubmittedReading

__all__ = ["ComputedConsensus", "compute_consensus"]


@dataclass(frozen=True, slots=True)
class ComputedConsensus:
    """What was computed.

    Attributes
    ----------
    computed : tuple of str
        Cases with a new consensus.
    up_to_date : int
        Cases whose consensus rests on the readings as they are.
    open_items : mapping of case to items
        On which the readers are split: they need a person.
    failed : tuple of FailedCase
    """

    computed: tuple[str, ...]
    up_to_date: int
    open_items: dict[str, tuple[str, ...]]
    failed: tuple[FailedCase, ...]


def compute_consensus(
    project: Project,
    method: Callable[[Decisions], LabelConsensus],
    name: str = "majority",
    parameters: str = "",
    progress: Progress = silent,
) -> ComputedConsensus:
    """Compute the consensus of every case that two readers or more have read, by reader ``consensus:<name>``.

    Case by case, so that an interrupted run is taken up where it stopped. Readings that were revised since, or other
    parameters, give the next revision of the consensus.

    Parameters
    ----------
    project : Project
    method : callable
    name : str
        Of the method.
    parameters : str
        Of the method, in words; kept as the comment of the reading.
    progress : Progress

    Raises
    ------
    ProjectError
        Whoever acts may not record a consensus.
    DestinationError
        The project cannot be written.
    """
    protocol = project.protocol()
    cases = [
        files
        for case, record in project.state.cases.items()
        if not record.excluded and len((files := case_files(project, case)).readings) > 1
    ]
    computed: list[str] = []
    open_items: dict[str, tuple[str, ...]] = {}
    failed: list[FailedCase] = []
    for done, files in enumerate(cases):
        progress(done, len(cases), files.case)
        sources = tuple(entry.id for entry in files.readings)
        former = _former(project, files, f"consensus:{name}")
        if former is not None and _is_up_to_date(project, former, sources, parameters):
            continue
        try:
            result = case_consensus(files, protocol, method)
        except Cancelled:
            raise
        except AnnotationQAError as error:
            failed.append(FailedCase(files.case, str(error)))
            continue
        revision = 1 if former is None else former.revision + 1
        reading = Reading(
            files.case, f"consensus:{name}", 1, revision, project.state.protocol, result.answers, comment=parameters
        )
        with tempfile.TemporaryDirectory() as folder:
            path = None
            if result.segmentation is not None:
                path = Path(folder) / "consensus.seg.nrrd"
                write_segmentation(path, result.segmentation)
            project.add_consensus(reading, sources, path)
        computed.append(files.case)
        if result.open_items:
            open_items[files.case] = result.open_items
    progress(len(cases), len(cases))
    up_to_date = len(cases) - len(computed) - len(failed)
    return ComputedConsensus(tuple(computed), up_to_date, open_items, tuple(failed))


def _former(project: Project, files: CaseFiles, reader: str) -> SubmittedReading | None:
    return next((r for r in project.state.latest_readings(files.case) if r.reader == reader), None)


def _is_up_to_date(project: Project, former: SubmittedReading, sources: tuple[str, ...], parameters: str) -> bool:
    same = former.sources == sources and former.protocol == project.state.protocol
    return same and project.load_reading(former).comment == parameters

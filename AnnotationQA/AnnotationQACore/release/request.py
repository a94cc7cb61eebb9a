"""What somebody wants released, and what the project has for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.readings import check_identifier
from AnnotationQACore.release.duplicates import Link, find_links
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.fingerprints import Fingerprint
from AnnotationQACore.release.gate.deidentification import DeidentificationReport
from AnnotationQACore.release.kept_fingerprints import case_fingerprints, fingerprint_folder
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.selection import CaseFacts, Selected, Selection, select_cases
from AnnotationQACore.release.sheet import ReleaseSheet

__all__ = ["Gathered", "ReleaseRequest", "gather"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is to be released, and how.

    Attributes
    ----------
    name : str
        Of the release; unique in the project.
    sheet : ReleaseSheet
    formats : tuple of str
        Names of exporters.
    options : ExportOptions
    selection : Selection
    split : str
        Name of the split in the ledger; empty for one part.
    reports : tuple of DeidentificationReport
    images : mapping of Series Instance UID to files
        Images that lie elsewhere than the project says.
    facts : mapping of case ID to CaseFacts
    """

    name: str
    sheet: ReleaseSheet
    formats: tuple[str, ...]
    options: ExportOptions = field(default_factory=ExportOptions)
    selection: Selection = field(default_factory=Selection)
    split: str = ""
    reports: tuple[DeidentificationReport, ...] = ()
    images: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    facts: Mapping[str, CaseFacts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_identifier(self.name, "release")
        if ":" in self.name:
            raise InputError(f"release '{self.name}': ':' is not usable in a name; replace it.")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the project has for a request.

    Attributes
    ----------
    selected : Selected
    dataset : Dataset
        With the split of the ledger.
    prints : mapping of case ID to fingerprints
    unread : tuple of str
        Images that could not be read, one line each.
    links : tuple of Link
        Duplicates and suspects among the cases.
    """

    selected: Selected
    dataset: Dataset
    prints: Mapping[str, tuple[Fingerprint, ...]]
    unread: tuple[str, ...]
    links: tuple[Link, ...]


def gather(project: Project, request: ReleaseRequest, progress: Progress = silent) -> Gathered:
    """Collect cases, readings and splits, and compare the images with each other.

    Raises
    ------
    InputError
        The request names what the project does not have, or a reading cannot be read.
    Cancelled
        `progress` cancelled.
    """
    state = project.refresh()
    if request.split and request.split not in state.splits:
        known = ", ".join(state.splits) or "none yet"
        raise InputError(f"split '{request.split[:60]}': is not in the ledger ({known}); make it first.")
    selected = select_cases(project, request.selection, images=request.images, facts=request.facts, progress=progress)
    prints, unread = case_fingerprints(selected.cases, fingerprint_folder(project.id), progress)
    links = find_links({case.id: case.patient for case in selected.cases}, prints, progress)
    assigned = state.splits[request.split].assignments if request.split else {}
    dataset = Dataset(
        request.name,
        project.protocol(),
        selected.cases,
        {case.id: assigned[case.id] for case in selected.cases if case.id in assigned},
        request.sheet.version,
        request.sheet.summary,
        request.sheet.licence,
    )
    return Gathered(selected, dataset, prints, unread, links)

"""The first pass over a whole folder: what is in it, in numbers, and who the patients are."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from DeidentifyStudyCore.executors import completed
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.indexing.index import NO_PATIENT, FileFacts, index_files, list_files
from DeidentifyStudyCore.indexing.patients import with_issuers
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.progress import Progress, silent

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Index", "build_index"]

_CHUNK = 64


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
            "patients": len({facts.patient for facts in good} - {NO_PATIENT}),
            "studies": len({facts.study for facts in good} - {""}),
            "series": len({facts.series for facts in good} - {""}),
            "dicomdirs": sum(facts.is_dicomdir for facts in self.files),
            "unusable": sum(bool(facts.reason) for facts in self.files),
            "at_risk_of_burned_in_text": sum(bool(facts.risks) for facts in good),
            "references": len(references),
            "references_to_absent_objects": sum(reference not in instances for reference in references),
        }


def build_index(
    source: Path, profile: Profile, executor: "Executor | None" = None, progress: Progress = silent
) -> Index:
    """Run the first pass over a folder."""
    listing = list_files(source)
    chunks = [listing[at : at + _CHUNK] for at in range(0, len(listing), _CHUNK)]
    results: dict[int, list[FileFacts]] = {}
    patients: dict[str, EchoBuilder] = {}
    done = 0
    if listing:
        progress(0, len(listing), "indexing")
    calls = ((number, (source, chunk, profile)) for number, chunk in enumerate(chunks))
    for number, (facts, found) in completed(executor, index_files, calls):
        results[number] = facts
        for patient, builder in found.items():
            patients.setdefault(patient, EchoBuilder()).merge(builder)
        done += len(facts)
        progress(done, len(listing), "indexing")
    files = [facts for number in sorted(results) for facts in results[number]]
    return Index(_with_duplicates(source, with_issuers(files, patients)), patients)


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

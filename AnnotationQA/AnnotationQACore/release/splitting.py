"""Places the cases of a project in the parts of a split, and proves of a received release that the split holds."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.release.choices import STRATA
from AnnotationQACore.release.composition import Count, characteristics, count_by, split_case
from AnnotationQACore.release.duplicates import Link, binding_pairs, find_links
from AnnotationQACore.release.fingerprints import Fingerprint
from AnnotationQACore.release.gate.checking import check_crossings
from AnnotationQACore.release.gate.problems import Check
from AnnotationQACore.release.kept_fingerprints import case_fingerprints, fingerprint_folder
from AnnotationQACore.release.selection import CaseFacts, Selection, select_cases
from AnnotationQACore.release.split import blocks, parts_of, place

__all__ = ["SplitPlan", "check_received", "plan_split", "record_split"]


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """A split, not recorded yet.

    Attributes
    ----------
    name : str
    parts : mapping of part to share
    by, stratified : tuple of str
    seed : int
    assignments : mapping of case ID to part
        All cases, those of the former split too.
    new : tuple of str
        Cases that were in no part before.
    links : tuple of Link
        Duplicates and suspects; those that bind are in one part.
    unread : tuple of str
        Images that could not be read, and so not compared.
    findings : tuple of Count
        Cases with each finding of the reference standard, in all and by part.
    """

    name: str
    parts: Mapping[str, float]
    by: tuple[str, ...]
    stratified: tuple[str, ...]
    seed: int
    assignments: Mapping[str, str]
    new: tuple[str, ...]
    links: tuple[Link, ...]
    unread: tuple[str, ...]
    findings: tuple[Count, ...] = ()

    def sizes(self) -> Mapping[str, int]:
        """Cases in each part."""
        counts = Counter(self.assignments.values())
        return {part: counts[part] for part in self.parts}


def plan_split(
    project: Project,
    name: str,
    shares: Mapping[str, float] | None,
    seed: int,
    *,
    by: Sequence[str] = (),
    stratified: Sequence[str] = ("findings", "modality"),
    images: Mapping[str, Sequence[Path]] | None = None,
    facts: Mapping[str, CaseFacts] | None = None,
    progress: Progress = silent,
) -> SplitPlan:
    """Plan a split of all cases that are not excluded; cases that a split of this name has placed stay.

    Parameters
    ----------
    project : Project
    name : str
    shares : mapping of part to float, or None
        None for those of the split in the ledger.
    seed : int
    by : sequence of str
        What stays together beside patients and duplicates: ``site``, ``scanner``. Of a split in the ledger its own.
    stratified : sequence of str
        Of `choices.STRATA`.
    images, facts
        As for `selection.select_cases`.
    progress : Progress

    Raises
    ------
    InputError
        There is nothing to place, a share or name is unknown, a case lacks a site or scanner, or two cases that belong
        together were placed in two parts.
    """
    state = project.refresh()
    former = state.splits.get(name)
    unknown = [one for one in stratified if one not in STRATA]
    if unknown:
        raise InputError(f"split: cannot be balanced by '{unknown[0][:40]}'; choose from {', '.join(STRATA)}.")
    if shares is None and former is None:
        raise InputError(f"split '{name[:60]}': is new; give its parts, such as train=0.7 validation=0.1 test=0.2.")
    parts = dict(former.parts) if former is not None else parts_of(shares or {})
    if former is not None and shares is not None and set(parts_of(shares)) != set(parts):
        raise InputError(f"split '{name}': has the parts {', '.join(parts)}; give another name to a split with others.")
    kept_by = former.by if former is not None else tuple(dict.fromkeys(["patient", *by]))
    selected = select_cases(project, Selection(), images=images, facts=facts, progress=progress)
    if not selected.cases:
        raise InputError("split: the project has no case to place; add cases first.")
    prints, unread = case_fingerprints(selected.cases, fingerprint_folder(project.id), progress)
    links = find_links({case.id: case.patient for case in selected.cases}, prints, progress)
    known = [split_case(case, project.protocol(), stratified) for case in selected.cases]
    grouped = blocks(known, by=kept_by, links=binding_pairs(links, state.signed_off("pair")))
    if former is None and len(grouped) < len(parts):
        raise InputError(
            f"split: there are {len(parts)} parts but only {len(grouped)} patients or groups that stay together; "
            "give fewer parts, or keep less together."
        )
    placed = dict(former.assignments) if former is not None else {}
    of_patient = {state.cases[case].patient: part for case, part in placed.items()}
    placed |= {one.id: of_patient[one.patient] for one in known if one.patient in of_patient}
    result = place(grouped, parts, seed, placed)
    before = former.assignments if former is not None else {}
    new = tuple(case for case in result if case not in before)
    found = count_by(selected.cases, result, characteristics(project.protocol())["findings"])
    return SplitPlan(name, parts, kept_by, tuple(stratified), seed, result, new, links, unread, found)


def record_split(project: Project, plan: SplitPlan) -> None:
    """Write the new cases of a plan to the ledger; raises `ProjectError` when somebody placed them meanwhile."""
    new = {case: plan.assignments[case] for case in plan.new}
    project.assign_split(plan.name, plan.parts, new, plan.seed, by=plan.by, stratified=plan.stratified)


def check_received(folder: Path, progress: Progress = silent) -> Check:
    """Show of a received release, by the fingerprints in it, that no patient and no duplicate is in two parts.

    Verify the release first: otherwise the fingerprints prove nothing.

    Raises
    ------
    InputError
        It is no release, or a file of it is damaged.
    """
    patients, parts = _cases_of(folder / "cases.csv")
    path = folder / "provenance" / "fingerprints.json"
    try:
        document = json.loads(path.read_bytes())
        dismissed = frozenset(document["signed off as different"])
        prints = {
            case: tuple(Fingerprint.from_json(one, f"{path.name}: {case}") for one in own)
            for case, own in document["cases"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: cannot be read; name the folder of a release, or get it again.") from None
    if set(prints) != set(patients):
        raise InputError(f"{path}: is not of the cases in cases.csv; get the release again.")
    links = find_links(patients, prints, progress)
    problems, notes = check_crossings(patients, parts, links, dismissed)
    counts = Counter(part or "one part" for part in parts.values())
    looked_at = ", ".join(f"{part} {count}" for part, count in sorted(counts.items()))
    bare = [case for case, own in prints.items() if not own]
    if bare:
        notes.append(f"{len(bare)} cases have no image that could be compared")
    return Check("no patient and no duplicate is in two parts", looked_at, tuple(problems), tuple(notes))


def _cases_of(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        return {row["case"]: row["patient"] for row in rows}, {row["case"]: row["split"] for row in rows}
    except (OSError, ValueError, KeyError, csv.Error):
        raise InputError(f"{path}: cannot be read; name the folder of a release, or get it again.") from None

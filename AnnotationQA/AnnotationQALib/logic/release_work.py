"""The long steps of a release in Slicer: each opens the project anew, so that it may run on any thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.cli.release_screen import text_screen
from AnnotationQACore.errors import InputError, ReleaseRefused
from AnnotationQACore.progress import Progress
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.composition import Count
from AnnotationQACore.release.desk import ReleaseDesk
from AnnotationQACore.release.gate.problems import GateReport
from AnnotationQACore.release.looking import ToLookAt
from AnnotationQACore.release.making import Made
from AnnotationQACore.release.manifest import ReleaseVerification, verify_release
from AnnotationQACore.release.request import ReleaseRequest
from AnnotationQACore.release.sheet import sheet_from_json
from AnnotationQACore.release.split import fold_parts
from AnnotationQACore.release.splitting import SplitPlan, check_received
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.project_work import ProjectWork
from AnnotationQALib.logic.release_form import ReleaseForm, Sources, release_request, sheet_document

__all__ = ["Received", "ReleaseWork", "SplitForm", "SplitRow", "received", "split_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitForm:
    """How cases are to be placed; shares in per cent.

    Attributes
    ----------
    name : str
    train, validation, test : int
        Used where there are no folds.
    folds : int
        0 for three parts.
    fold_test : int
        Share outside of the folds.
    by, balanced : tuple of str
    seed : int
    sources : Sources
    """

    name: str
    train: int = 70
    validation: int = 10
    test: int = 20
    folds: int = 0
    fold_test: int = 0
    by: tuple[str, ...] = ()
    balanced: tuple[str, ...] = ("findings", "modality")
    seed: int = 1
    sources: Sources = field(default_factory=Sources)

    def shares(self) -> Mapping[str, float]:
        """Share of each part; raises `InputError` when there is none, or they are more than all."""
        if self.folds:
            return fold_parts(self.folds, self.fold_test / 100)
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        if sum(given.values()) != 100:
            raise InputError(
                worded(
                    "split: the parts make {total} %; change them so that they make 100 %.", total=sum(given.values())
                )
            )
        return {part: share / 100 for part, share in given.items() if share}


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A row of the table of a split: all cases, or those with a finding; no case or patient is named."""

    what: str
    cases: int
    by_part: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Received:
    """What the look at a received release has found.

    Attributes
    ----------
    verification : ReleaseVerification
    split : GateReport or None
        The proof of the split; None when the release is not as it was signed, for nothing in it is believed then.
    """

    verification: ReleaseVerification
    split: GateReport | None


class ReleaseWork(ProjectWork):
    """The steps of a release for one project and one lead."""

    def plan_split(self, form: SplitForm, progress: Progress) -> SplitPlan:
        """Plan a split; one that is in the ledger keeps its parts. Nothing is recorded."""
        desk = self._desk(progress)
        return desk.plan_split(
            form.name,
            None if form.name in desk.splits() else form.shares(),
            form.seed,
            by=form.by,
            stratified=form.balanced,
            images=form.sources.images_found(progress),
            facts=form.sources.facts_found(),
            progress=progress,
        )

    def record_split(self, plan: SplitPlan, progress: Progress) -> SplitPlan:
        """Write a plan to the ledger."""
        self._desk(progress).record_split(plan)
        return plan

    def check(self, form: ReleaseForm, progress: Progress) -> GateReport:
        """All checks of the gate."""
        return self._desk(progress).check(self._request(form, progress), progress)

    def look(self, form: ReleaseForm, folder: Path, progress: Progress) -> tuple[Path, ToLookAt]:
        """Write the page of what somebody must look at."""
        return self._desk(progress).look(self._request(form, progress), folder, progress)

    def sign_off(self, found: ToLookAt, reason: str, progress: Progress) -> ToLookAt:
        """Record that the page was looked at."""
        self._desk(progress).sign_off(found, texts=True, images=True, reason=reason)
        return found

    def dismiss(self, a: str, b: str, reason: str, progress: Progress) -> tuple[str, str]:
        """Record that two cases are of two patients."""
        desk = self._desk(progress)
        for case in (a, b):
            if case not in desk.project.state.cases:
                raise InputError(worded("case '{case}': is no case of the project; correct it.", case=case[:100]))
        desk.dismiss(a, b, reason)
        return a, b

    def draft(self, form: ReleaseForm, folder: Path, progress: Progress) -> Path:
        """Write the card as it would be now; returns the page."""
        html = self._desk(progress).card_draft(self._request(form, progress), progress)
        make_folder(folder, mode=0o700)
        path = folder / "card.html"
        atomic.write_text(path, html)
        return path

    def make(self, form: ReleaseForm, destination: Path, progress: Progress) -> Made | GateReport:
        """Make the release, or give what the gate says against it; after a cancellation the same call goes on."""
        desk, request = self._desk(progress), self._request(form, progress)
        try:
            return desk.make(request, destination, progress)
        except ReleaseRefused:
            report = desk.check(request, progress)
            if report.is_open:
                raise
            return report

    def _desk(self, progress: Progress) -> ReleaseDesk:
        return ReleaseDesk(self._project(progress), text_screen())

    def _request(self, form: ReleaseForm, progress: Progress) -> ReleaseRequest:
        sheet = sheet_from_json(sheet_document(form.sheet))
        return release_request(form, sheet, progress)


def received(folder: Path, keys: str, progress: Progress) -> Received:
    """Verify a received release with public keys, in base64 with spaces between or in a file, and prove its split."""
    path = Path(keys.strip())
    if not keys.strip():
        raise InputError(worded("verify: no public key is given; take it from the study, never from the release."))
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if is_file and path.resolve().is_relative_to(folder.resolve()):
        raise InputError(worded("verify: a key from the release itself proves nothing; take it from the study."))
    words = (path.read_text(encoding="utf-8") if is_file else keys).split()
    verification = verify_release(folder, words, progress)
    sound = verification.manifest is not None and verification.is_sound
    return Received(verification, GateReport((check_received(folder, progress),)) if sound else None)


def split_rows(plan: SplitPlan) -> tuple[SplitRow, ...]:
    """Counts by part: all cases, patients, and each finding of the reference standard."""
    sizes = Counter(plan.assignments.values())
    rows = [SplitRow("cases", len(plan.assignments), sizes)]
    return (*rows, *(_row(one) for one in plan.findings))


def _row(count: Count) -> SplitRow:
    return SplitRow(count.value, count.cases, count.by_part)

"""All steps of a release for a panel or a script: each takes a progress callback that may cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Release, Split
from AnnotationQACore.release.card.html_page import card_html
from AnnotationQACore.release.card.sections import dataset_card
from AnnotationQACore.release.card.sources import card_sources
from AnnotationQACore.release.duplicates import pair_hash
from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQACore.release.exporting import Exporter
from AnnotationQACore.release.gate.checking import check_gate
from AnnotationQACore.release.gate.problems import GateReport
from AnnotationQACore.release.gate.texts import TextScreen
from AnnotationQACore.release.looking import ToLookAt, to_look_at, write_look_page
from AnnotationQACore.release.making import Made, make_release
from AnnotationQACore.release.request import ReleaseRequest, gather
from AnnotationQACore.release.selection import CaseFacts
from AnnotationQACore.release.splitting import SplitPlan, plan_split, record_split

__all__ = ["ReleaseDesk"]


@dataclass(frozen=True, slots=True)
class ReleaseDesk:
    """What a lead does to release a dataset.

    Attributes
    ----------
    project : Project
        Opened with the identity of a lead.
    screen : TextScreen
        The patterns of de-identification.
    exporters : mapping of name to Exporter
    """

    project: Project
    screen: TextScreen
    exporters: Mapping[str, Exporter] = field(default_factory=lambda: EXPORTERS)

    def formats(self) -> Mapping[str, str]:
        """Formats, and what each is, for people."""
        return {name: exporter.describe() for name, exporter in self.exporters.items()}

    def splits(self) -> Mapping[str, Split]:
        """Splits of the ledger."""
        return self.project.refresh().splits

    def releases(self) -> Sequence[Release]:
        """Releases of the ledger, the newest last."""
        return self.project.refresh().releases

    def plan_split(
        self,
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
        """Plan a split, see `splitting.plan_split`; nothing is recorded."""
        return plan_split(
            self.project,
            name,
            shares,
            seed,
            by=by,
            stratified=stratified,
            images=images,
            facts=facts,
            progress=progress,
        )

    def record_split(self, plan: SplitPlan) -> None:
        """Write the new cases of a plan to the ledger; a plan without new cases changes nothing."""
        if plan.new:
            record_split(self.project, plan)

    def look(self, request: ReleaseRequest, folder: Path, progress: Progress = silent) -> tuple[Path, ToLookAt]:
        """Write the page of what waits to be looked at; returns its path, and what `sign_off` then records."""
        found = to_look_at(self.project, request, gather(self.project, request, progress), self.screen)
        return write_look_page(folder, found, progress), found

    def sign_off(self, found: ToLookAt, *, texts: bool, images: bool, reason: str) -> None:
        """Record that the page was looked at.

        Raises
        ------
        InputError
            No reason is given.
        """
        if not reason.strip():
            raise InputError("sign-off: say who looked and how; the reason is empty.")
        for subject, hashes in (("text", found.text_hashes() if texts else ()),
                                ("image", found.image_hashes() if images else ())):  # fmt: skip
            if hashes:
                self.project.sign_off(subject, hashes, reason)

    def dismiss(self, a: str, b: str, reason: str) -> None:
        """Record that two cases that look like one patient's are not; raises `InputError` without reason."""
        if not reason.strip():
            raise InputError("sign-off: say how you know that the cases are of two patients; the reason is empty.")
        self.project.sign_off("pair", [pair_hash(a, b)], reason)

    def check(self, request: ReleaseRequest, progress: Progress = silent) -> GateReport:
        """Do all checks of the gate; nothing is written."""
        gathered = gather(self.project, request, progress)
        return check_gate(self.project, request, gathered, self.exporters, self.screen, progress=progress)

    def card_draft(self, request: ReleaseRequest, progress: Progress = silent) -> str:
        """The card as HTML, as it would be now."""
        gathered = gather(self.project, request, progress)
        return card_html(
            dataset_card(card_sources(self.project, request, gathered, datetime.now(UTC), progress=progress))
        )

    def make(self, request: ReleaseRequest, destination: Path, progress: Progress = silent) -> Made:
        """Make the release, see `making.make_release`; after `Cancelled` the same call goes on."""
        return make_release(self.project, request, destination, self.exporters, self.screen, progress=progress)

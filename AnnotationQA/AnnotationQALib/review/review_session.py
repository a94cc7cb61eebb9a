"""A reviewer's session in a project: the list fills in while the reviewer looks at a case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import slicer

from AnnotationQACore.errors import AnnotationQAError, ProjectError
from AnnotationQACore.evaluation.project import project_agreement
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.exporting.exporting import Exported, export_readings
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import CaseStatus, Role, SubmittedReading
from AnnotationQACore.reporting.contents import collect
from AnnotationQACore.reporting.writing import require_own_folder, write_report
from AnnotationQACore.review.watching import WatchedRow, compare_watched, watched_pairs
from AnnotationQACore.wording import Wording, worded
from AnnotationQALib.logic.case_images import CaseImages, PreparedCase, prepare_images
from AnnotationQALib.logic.case_loading import Locate, load_case
from AnnotationQALib.logic.presentation import apply_window, item_view
from AnnotationQALib.review.background import Background
from AnnotationQALib.review.case_work import GROUP
from AnnotationQALib.review.loose_readings import volume_grid
from AnnotationQALib.review.project_review import ComparedCase, OpenReview, PreparedReview, ProjectReview

__all__ = ["ReviewSession"]

LIST = "list"


class ReviewSession:
    """One reviewer at work in one project; one case is open at a time.

    Parameters
    ----------
    scene : vtkMRMLScene
    project : Project
        Opened with the reviewer's identity.
    background : Background
        For the open case.
    listing : Background
        For the list and for reports.
    locate : callable, optional
        Finds the files of a series by its UID, such as in Slicer's DICOM database.

    Attributes
    ----------
    reviews : ProjectReview
    case : OpenReview or None
    images : CaseImages or None
        Of the open case; None where they are not at hand.
    notice : Wording or str
        Why there are no images; empty when there are.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        project: Project,
        background: Background,
        listing: Background,
        locate: Locate | None = None,
    ) -> None:
        self.reviews = ProjectReview(project)
        self.case: OpenReview | None = None
        self.images: CaseImages | None = None
        self.notice: Wording | str = ""
        self._scene = scene
        self._background = background
        self._listing = listing
        self._locate = locate

    @property
    def project(self) -> Project:
        """The project."""
        return self.reviews.project

    @property
    def member(self) -> str:
        """Who reviews."""
        return self.project.identity.member if self.project.identity is not None else ""

    @property
    def may_review(self) -> bool:
        """Whether the member may decide or send back."""
        roles = (Role.REVIEWER, Role.ADJUDICATOR)
        return any(self.project.state.has_role(self.member, role) for role in roles)

    @property
    def may_adjudicate(self) -> bool:
        """Whether the member may sign off."""
        return self.project.state.has_role(self.member, Role.ADJUDICATOR)

    @property
    def progress(self) -> tuple[int, int]:
        """Number of cases that are decided, and of those that were read or are being read."""
        states = [self.project.state.case_status(case) for case in self.project.state.cases]
        counted = [state for state in states if state not in (CaseStatus.NEW, CaseStatus.EXCLUDED)]
        return sum(state is CaseStatus.DECIDED for state in counted), len(counted)

    def compare_all(self, compared: Callable[[], None]) -> None:
        """Compare the cases that are not compared yet, one after the other; `compared` is called after each."""
        pending = self.reviews.pending()
        if not pending:
            return
        case = pending[0]

        def keep(found: ComparedCase) -> None:
            self.reviews.keep_comparison(found)
            compared()
            self.compare_all(compared)

        self._listing.run(LIST, worded("Comparing the cases"), lambda: self.reviews.comparison(case), keep)

    def refresh(self, compared: Callable[[], None]) -> None:
        """Read what others did meanwhile, and compare what is new."""
        self._listing.forget(LIST)
        self.reviews.refresh()
        self.compare_all(compared)

    def open(self, case: str, opened: Callable[[OpenReview], None], failed: Callable[[str], None]) -> None:
        """Open a case: images and readings are read in the background, then `opened` is called.

        A case whose images are not at hand is opened without them, and `notice` says why.
        """
        self.close_case()
        self.notice = ""
        record = self.project.state.cases[case]
        locate = self.located([case])

        def load() -> PreparedCase | Wording | str:
            try:
                loaded = load_case(record.case, self.reviews.protocol, self.project.folder, locate=locate)
                return prepare_images(loaded)
            except AnnotationQAError as error:
                return error.wording or str(error)

        def show_images(found: PreparedCase | Wording | str) -> None:
            grid: Grid | None = None
            volume = None
            if not isinstance(found, PreparedCase):
                self.notice = found
            else:
                volume = self._show_images(found)
                grid = volume_grid(volume)
            self._background.run(
                GROUP,
                worded("Reading what the readers drew"),
                lambda: self.reviews.prepare(case, grid),
                lambda prepared: show(prepared, volume),
                give_up,
            )

        def show(prepared: PreparedReview, volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
            plane = self.images.plane(self._role(self.images)) if self.images is not None else None
            self.case = self.reviews.show(self._scene, prepared, volume, plane)
            opened(self.case)

        def give_up(line: str) -> None:
            self.close_case()
            failed(line)

        self._background.run(GROUP, worded("Loading the images"), load, show_images, give_up)

    def show_window(self, window: str) -> None:
        """Show the images in a window preset of the protocol."""
        if self.images is not None:
            apply_window(self.images, self._role(self.images), window)

    def close_case(self) -> None:
        """Take the open case out of the scene."""
        self._background.forget(GROUP)
        if self.case is not None:
            self.case.close()
            self.case = None
        if self.images is not None:
            self.images.remove()
            self.images = None

    def close(self) -> None:
        """Close case and project."""
        self.close_case()
        self._listing.forget(LIST)
        self.project.close()

    def related_cases(self, case: str) -> tuple[str, ...]:
        """Other cases of the same patient that were read: other time points."""
        state = self.project.state
        patient = state.cases[case].patient
        return tuple(
            other
            for other, record in state.cases.items()
            if other != case and record.patient == patient and state.readings.get(other) and not record.excluded
        )

    def export(self, submitted: SubmittedReading, folder: Path, report: bool, locate: Locate) -> tuple[Exported, Path]:
        """Write a reference standard as DICOM SEG and, if wished, SR, into a new folder; may run on any thread.

        `locate` is what `located` returned for the case.

        Returns
        -------
        Exported
            What was written and what was not.
        Path
            The new folder, below `folder`.
        """
        series = self.project.state.cases[submitted.case].case.series
        found = {one.uid: [Path(file) for file in locate(one.uid)] for one in series if one.uid}
        images = {uid: files for uid, files in found.items() if files}
        target = folder / f"{submitted.case}_revision-{submitted.revision}"
        formats = ["seg", "sr"] if report else ["seg"]
        return export_readings(self.project, [submitted], formats, target, images), target

    def write_report(self, folder: Path, show_names: bool = False) -> Path:
        """Write the HTML report on agreement; may run on any thread; returns the page to be opened.

        Raises
        ------
        DestinationError
            The folder holds something else, or cannot be written.
        ProjectError
            No case was read by two readers.
        """
        require_own_folder(folder)
        agreement = project_agreement(self.project)
        contents = collect(self.project, agreement, made=datetime.now(UTC), show_names=show_names)
        write_report(folder, self.project, contents)
        return folder / "index.html"

    def watched(self) -> tuple[tuple[WatchedRow, ...], tuple[str, ...]]:
        """Gold-standard cases and repeats, compared; may run on any thread.

        Raises
        ------
        ProjectError
            There are none yet.
        """
        pairs = watched_pairs(self.project.state)
        if not pairs:
            raise ProjectError(
                f"{self.project.state.name or 'project'}: no case with a known answer and no repeat was read yet; "
                "the lead assigns them."
            )
        return compare_watched(self.project, pairs)

    def located(self, cases: Sequence[str]) -> Locate:
        """Where the files of cases are; a DICOM database is asked here, on the main thread, to which it belongs."""
        series = [one for case in cases for one in self.project.state.cases[case].case.series]
        locate = self._locate
        files = {one.uid: tuple(locate(one.uid)) for one in series if one.uid} if locate is not None else {}
        return lambda uid: files.get(uid, ())

    def load_other(self, case: str, locate: Locate) -> tuple[PreparedCase | None, PreparedReview]:
        """Another case, such as another time point, ready to be shown; may run on any thread, see `located`."""
        record = self.project.state.cases[case]
        try:
            images = prepare_images(load_case(record.case, self.reviews.protocol, self.project.folder, locate=locate))
        except AnnotationQAError:
            images = None
        return images, self.reviews.prepare(case)

    def titles(self) -> dict[str, str]:
        """Titles of the series roles."""
        return {role.id: role.title for role in self.reviews.protocol.imaging.series}

    def readings_of(self, case: str) -> Sequence[SubmittedReading]:
        """The newest readings of a case."""
        return self.project.state.latest_readings(case)

    def _show_images(self, prepared: PreparedCase) -> slicer.vtkMRMLScalarVolumeNode:
        self.images = CaseImages(self._scene, prepared, self.titles())
        role = self._role(self.images)
        window = item_view(self.reviews.protocol).window
        if window:
            apply_window(self.images, role, window)
        return self.images.node(role)

    def _role(self, images: CaseImages) -> str:
        wanted = self.reviews.protocol.imaging.reference_series
        return wanted if wanted in images.roles else images.roles[0]

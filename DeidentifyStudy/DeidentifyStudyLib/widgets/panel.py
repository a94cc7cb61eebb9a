"""The panel of the module: its sections, and what one tells the others."""

from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError, InputError
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyLib.logic.database import studies_of
from DeidentifyStudyLib.logic.face_review import FaceReview, waiting_faces
from DeidentifyStudyLib.logic.outcome import read_outcome
from DeidentifyStudyLib.logic.review import Review, find_sources, source_files
from DeidentifyStudyLib.logic.run import Launch, Run, RunState
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.widgets.common import load_section
from DeidentifyStudyLib.widgets.extras_view import ExtrasView
from DeidentifyStudyLib.widgets.faces_view import FacesView
from DeidentifyStudyLib.widgets.loading import load_results
from DeidentifyStudyLib.widgets.places_view import PlacesView
from DeidentifyStudyLib.widgets.preview_view import PreviewView, first_of
from DeidentifyStudyLib.widgets.process import launch, python_program
from DeidentifyStudyLib.widgets.profile_view import ProfileView
from DeidentifyStudyLib.widgets.result_view import ResultView
from DeidentifyStudyLib.widgets.review_view import ReviewView
from DeidentifyStudyLib.widgets.run_view import RunView
from DeidentifyStudyLib.widgets.slice_display import SliceDisplay
from DeidentifyStudyLib.widgets.source_view import SourceView
from DeidentifyStudyLib.widgets.texts_view import TextsView
from DeidentifyStudyLib.widgets.three_d_display import ThreeDDisplay

__all__ = ["DeidentifyStudyPanel"]


class DeidentifyStudyPanel:
    """Everything that the person sees.

    Parameters
    ----------
    resources : Path
        Folder with the `.ui` files.
    start : Launch
        Starts the process that does the work.
    load : callable
        Loads a folder of results into Slicer.

    Attributes
    ----------
    widget : qMRMLWidget
        To be placed into the module's layout.
    """

    def __init__(self, resources: Path, start: Launch = launch, load: Callable[[Path], str] = load_results) -> None:
        self.widget = slicer.util.loadUI(str(resources / "UI" / "DeidentifyStudy.ui"))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self._is_built = False
        sections = {
            name: load_section(resources, f"{name}Section", getattr(self.ui, holder).layout())
            for name, holder in (
                ("Source", "sourceSection"),
                ("Profile", "profileSection"),
                ("Places", "placesSection"),
                ("Preview", "previewSection"),
                ("Run", "runHolder"),
                ("Result", "resultSection"),
                ("Review", "reviewSection"),
                ("Faces", "facesSection"),
                ("Texts", "textsSection"),
            )
        }
        self.run = Run(start, python_program(), Path(slicer.app.temporaryPath), self._run_changed)
        self.source = SourceView(
            sections["Source"], lambda: studies_of(getattr(slicer, "dicomDatabase", None)), self._check_can_apply
        )
        self.profile = ProfileView(sections["Profile"], self._check_can_apply)
        self.extras = ExtrasView(sections["Profile"])
        self.places = PlacesView(sections["Places"], self._check_can_apply)
        self.preview = PreviewView(
            sections["Preview"],
            lambda: first_of(self.source.folder, self.source.files),
            lambda: self.profile.profile,
        )
        self.run_view = RunView(sections["Run"], self.run, self.settings)
        self.result = ResultView(sections["Result"], load)
        self.review = ReviewView(sections["Review"], self._begin_review, SliceDisplay())
        self.faces = FacesView(sections["Faces"], self._begin_faces, ThreeDDisplay())
        self.texts = TextsView(sections["Texts"])
        self._is_built = True
        self.run_view.show()
        self._check_can_apply()

    def settings(self) -> RunSettings:
        """What the person has chosen."""
        return RunSettings(
            source=self.source.folder,
            files=self.source.files,
            from_database=self.source.from_database,
            destination=self.places.destination,
            profile=self.profile.profile,
            profile_problem=self.profile.problem,
            key=self.places.key,
            passphrase=self.places.ui.passphraseEdit.text,
            repeated=self.places.ui.repeatEdit.text,
            ids=self.places.ids,
            workers=self.places.ui.workersSpin.value,
            search_pixels=self.places.ui.wholeFilesCheck.checked,
        )

    def enter(self) -> None:
        """The module is shown."""
        self.source.refresh()
        self._check_can_apply()

    def exit(self) -> None:
        """Another module is shown: the views are its."""
        self._end_reviews()

    def scene_closed(self) -> None:
        """The scene was closed: a review loses what it shows, choices stay."""
        self.review.forget_scene()
        self.faces.forget_scene()

    def cleanup(self) -> None:
        """The module goes away: stop the process, and forget all that identifies anybody."""
        self.run_view.stop()
        self._end_reviews()
        self.places.forget()
        self.preview.forget()
        self.source.forget()

    def _end_reviews(self) -> None:
        self.review.end()
        self.faces.end()

    def _check_can_apply(self) -> None:
        if not self._is_built:
            return
        settings = self.settings()
        ephemeral = settings.profile is not None and settings.profile.ephemeral
        self.places.show_key(ephemeral=ephemeral, is_new=settings.key_is_new)
        self.run_view.check_can_apply()

    def _run_changed(self) -> None:
        self.run_view.show()
        for section in ("sourceSection", "profileSection", "placesSection"):
            getattr(self.ui, section).enabled = not self.run.is_active
        if self.run.state is RunState.RUNNING and self.run.progress.total == 0:
            self._end_reviews()
            self.result.show(None)
            self.texts.show(None)
        elif self.run.state is RunState.DONE:
            self._show_result()

    def _show_result(self) -> None:
        settings = self.run.settings
        if settings is None or settings.destination is None:
            return
        try:
            outcome = read_outcome(settings.destination, settings.report)
            queue = ReviewQueue.load(settings.queue)
        except DeidentifyError as error:
            self.result.show(None, str(error))
            return
        self.result.show(outcome)
        self.texts.show(outcome)
        texts, faces = len(queue.pending_texts()), waiting_faces(queue)
        self.review.waiting(texts)
        self.faces.waiting(faces)
        self.ui.resultSection.collapsed = False
        self.ui.reviewSection.collapsed = texts == 0
        self.ui.facesSection.collapsed = faces == 0
        for section in ("sourceSection", "profileSection", "placesSection", "previewSection"):
            getattr(self.ui, section).collapsed = True

    def _begin_review(self) -> Review:
        settings = self.run.settings
        if settings is None or settings.destination is None:
            raise InputError(_("run first: the review shows what a run found."))
        queue = ReviewQueue.load(settings.queue)
        if all(entry.is_face for entry in queue.entries.values()):
            raise InputError(_("no object waits for a review."))
        self.faces.end()
        numbers = read_outcome(settings.destination, settings.report).numbers
        return Review(queue, find_sources(source_files(settings.source, settings.files), queue.entries, numbers))

    def _begin_faces(self) -> FaceReview:
        settings = self.run.settings
        if settings is None or settings.destination is None:
            raise InputError(_("run first: the review shows what a run found."))
        review = FaceReview(ReviewQueue.load(settings.queue))
        self.review.end()
        return review

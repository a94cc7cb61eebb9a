"""The panel of the module: its sections, and what one tells the others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from DeidentifyStudyCore.errors import DeidentifyError, InputError
from DeidentifyStudyCore.review import ReviewQueue
from DeidentifyStudyLib.logic.database import studies_of
from DeidentifyStudyLib.logic.face_review import FaceReview, waiting_faces
from DeidentifyStudyLib.logic.outcome import read_outcome
from DeidentifyStudyLib.logic.review import Review, find_sources, names_of, source_files
from DeidentifyStudyLib.logic.run import Launch, Run, RunState
from DeidentifyStudyLib.logic.settings import RunSettings
from DeidentifyStudyLib.widgets.common import load_section
from DeidentifyStudyLib.widgets.extras_view import ExtrasView
from DeidentifyStudyLib.widgets.faces_view import FacesView
from DeidentifyStudyLib.widgets.guard import guarded
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
        self._shown: RunSettings | None = None  # whose result and reviews are shown
        self._pending = {"texts": 0, "faces": 0}
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
        self.places = PlacesView(sections["Places"], self._check_can_apply, self._show_earlier)
        self.preview = PreviewView(
            sections["Preview"],
            lambda: first_of(self.source.folder, self.source.files),
            lambda: self.profile.profile,
        )
        self.run_view = RunView(sections["Run"], self.run, self.settings)
        self.result = ResultView(sections["Result"], load, self._names)
        self.review = ReviewView(sections["Review"], self._begin_review, SliceDisplay())
        self.faces = FacesView(sections["Faces"], self._begin_faces, ThreeDDisplay())
        self.review.tell(lambda pending: self._decided("texts", pending))
        self.faces.tell(lambda pending: self._decided("faces", pending))
        self.texts = TextsView(sections["Texts"], self._remove)
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

    @guarded
    def enter(self) -> None:
        """The module is shown."""
        self.source.refresh()
        self._check_can_apply()

    @guarded
    def exit(self) -> None:
        """Another module is shown: the views are its."""
        self._end_reviews()

    @guarded
    def scene_closed(self) -> None:
        """The scene was closed: a review loses what it shows, choices stay."""
        self.review.forget_scene()
        self.faces.forget_scene()

    @guarded
    def cleanup(self) -> None:
        """The module goes away: stop the process, and forget all that identifies anybody."""
        self.run_view.stop()
        self._end_reviews()
        self.places.forget()
        self.preview.forget()
        self.source.forget()
        self.result.forget()

    def _end_reviews(self) -> None:
        self.review.end()
        self.faces.end()

    def _check_can_apply(self) -> None:
        if not self._is_built:
            return
        settings = self.settings()
        self.places.show_key(settings)
        self.places.offer(earlier=self._is_earlier(settings))
        self.run_view.check_can_apply()

    def _run_changed(self) -> None:
        self.run_view.show()
        if not self.run.is_active or self.run.progress.total == 0:  # looks at folders: not for every line of progress
            self._check_can_apply()
        for section in ("sourceSection", "profileSection", "placesSection"):
            getattr(self.ui, section).enabled = not self.run.is_active
        if self.run.state is RunState.RUNNING and self.run.progress.total == 0:
            self.review.reset()
            self.faces.reset()
            self._shown = None
            self.result.show(None)
            self.texts.show(None)
            self.run_view.waiting(0)
        elif self.run.state is RunState.DONE and self.run.settings is not None:
            self._show_result(self.run.settings)

    def _is_earlier(self, settings: RunSettings) -> bool:
        """Whether the folder that was chosen holds a result that is not shown."""
        if self.run.is_active or settings.destination is None:
            return False
        if self._shown is not None and self._shown.destination == settings.destination:
            return False
        try:
            return (settings.report / "report.json").is_file()
        except OSError:
            return False

    def _show_earlier(self) -> None:
        """Show the result that lies in the chosen folder, to go on with its reviews."""
        self._end_reviews()
        self._show_result(replace(self.settings(), passphrase="", repeated=""))

    def _show_result(self, settings: RunSettings) -> None:
        if settings.destination is None:
            return
        self.ui.resultSection.collapsed = False
        self._shown = settings
        try:
            outcome = read_outcome(settings.destination, settings.report)
            queue = ReviewQueue.load(settings.queue)
        except DeidentifyError as error:
            self.result.show(None, _sentence(str(error)))
            return
        self.result.show(outcome)
        self.texts.show(outcome)
        texts, faces = len(queue.pending_texts()), waiting_faces(queue)
        queued = sum(entry.is_face for entry in queue.entries.values())
        self.review.waiting(texts, len(queue.entries) - queued)
        self.faces.waiting(faces, queued)
        self._pending = {"texts": texts, "faces": faces}
        self.run_view.waiting(texts + faces)
        self.ui.reviewSection.collapsed = texts == 0
        self.ui.facesSection.collapsed = faces == 0
        for section in ("sourceSection", "profileSection", "placesSection", "previewSection"):
            getattr(self.ui, section).collapsed = True
        self._check_can_apply()

    def _names(self, files: Sequence[tuple[int, str]]) -> list[str]:
        """Names of files that the shown run left out."""
        if self._shown is None:
            return []
        return names_of(files, source_files(self._shown.source, self._shown.files), self._shown.source)

    def _decided(self, what: str, pending: int) -> None:
        """Something was decided in a review."""
        self._pending[what] = pending
        waiting = sum(self._pending.values())
        self.run_view.waiting(waiting, decided=not waiting)

    def _remove(self, attributes: dict[str, str]) -> None:
        """Take attributes out of the next run; its places are asked for."""
        self.profile.remove(attributes)
        for section in ("profileSection", "placesSection"):
            getattr(self.ui, section).collapsed = False

    def _begin_review(self) -> Review:
        settings = self._shown
        if settings is None or settings.destination is None:
            raise InputError(_("run first: the review shows what a run found."))
        if settings.source is None and not settings.files:  # of an earlier session: chosen since, perhaps
            settings = self._shown = replace(settings, source=self.source.folder, files=self.source.files)
        queue = ReviewQueue.load(settings.queue)
        if all(entry.is_face for entry in queue.entries.values()):
            raise InputError(_("no object waits for a review."))
        self.faces.end()
        numbers = read_outcome(settings.destination, settings.report).numbers
        return Review(queue, find_sources(source_files(settings.source, settings.files), queue.entries, numbers))

    def _begin_faces(self) -> FaceReview:
        settings = self._shown
        if settings is None or settings.destination is None:
            raise InputError(_("run first: the review shows what a run found."))
        review = FaceReview(ReviewQueue.load(settings.queue))
        self.review.end()
        return review


def _sentence(line: str) -> str:
    return line[:1].upper() + line[1:]

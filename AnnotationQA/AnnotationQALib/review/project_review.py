"""Review of a project: the list of cases, a case opened on the scene, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import slicer

from AnnotationQACore.errors import AnnotationQAError, InputError
from AnnotationQACore.evaluation.case import readings_agreement
from AnnotationQACore.evaluation.records import CaseAgreement
from AnnotationQACore.evaluation.study import FailedCase
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import SubmittedReading
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.review.adjudication import Adjudication, sign_off
from AnnotationQACore.review.answer_differences import AnswerDifference, answer_differences
from AnnotationQACore.review.case_list import CaseFilter, CaseRow, case_list
from AnnotationQACore.review.case_readings import ReviewReadings, review_readings, scored_readings
from AnnotationQACore.review.conflicts import Conflict, conflicts_of, keep_decision
from AnnotationQACore.review.disagreements import find_disagreements
from AnnotationQACore.review.kinds import Kind
from AnnotationQACore.review.labels import ReviewLabels, review_labels
from AnnotationQACore.review.reader_names import in_text, names_in_review
from AnnotationQACore.review.revisions import Changes, revision_changes
from AnnotationQACore.review.sending_back import send_back
from AnnotationQACore.segmentation import Segmentation
from AnnotationQACore.wording import worded
from AnnotationQALib.logic.image_plane import ImagePlane
from AnnotationQALib.review.case_review import CaseReview
from AnnotationQALib.review.loose_readings import volume_grid
from AnnotationQALib.review.reader_markups import ReaderMarkups
from AnnotationQALib.review.review_pins import ReviewPins

__all__ = ["ComparedCase", "OpenReview", "PreparedReview", "ProjectReview"]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedReview:
    """A case that is ready to be shown; made on any thread.

    Attributes
    ----------
    found : ReviewReadings
    labels : ReviewLabels
        On the grid of the reference series where there is one.
    differences : tuple of AnswerDifference
    names : mapping of reader to str
        What the readers are called, blinded where the protocol says so.
    """

    found: ReviewReadings
    labels: ReviewLabels
    differences: tuple[AnswerDifference, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """How far the readers of a case agree, and the kinds of the regions in which their voxels differ, item by item."""

    result: CaseAgreement | FailedCase
    kinds: Mapping[str, frozenset[Kind]]


class OpenReview:
    """One case of a project in review.

    Attributes
    ----------
    case : str
    review : CaseReview
        Views, walk and result.
    pins : ReviewPins
        Comments to be sent back.
    names : mapping of reader to str
    markups : ReaderMarkups
        Boxes, outlines, landmarks and measured points of the readers.
    """

    def __init__(
        self,
        project: Project,
        found: ReviewReadings,
        review: CaseReview,
        protocol: Protocol,
        names: Mapping[str, str],
        plane: ImagePlane | None = None,
    ) -> None:
        self.case = found.case
        self.review = review
        self.pins = ReviewPins(review.scene)
        self.names = names
        grid = review.labels.grid if review.volume is None else volume_grid(review.volume)
        self.markups = ReaderMarkups(review.scene, protocol, found.readings, names, grid, plane)
        self._told = [*found.messages]
        self._project = project
        self._protocol = protocol
        self._found = found
        self._adjudication: Adjudication | None = None

    @property
    def messages(self) -> tuple[str, ...]:
        """What the reviewer must know, one line each, with the names the reviewer sees."""
        told = [in_text(message, self.names) for message in self._told]
        return tuple(dict.fromkeys([*told, *(in_text(message, self.names) for message in self.review.messages)]))

    @property
    def readers(self) -> tuple[str, ...]:
        """Who has submitted a reading of the case, in the order of the views."""
        return self.review.labels.readers

    def revision(self, reader: str) -> int:
        """Revision of the reading in review."""
        return self._found.submitted[reader].revision

    @property
    def adjudication(self) -> Adjudication:
        """Decisions under the protocol; made when first asked for, so that the views open before regions are found."""
        if self._adjudication is None:
            painting = self.review.painting if self._found.readings.segmentations else None
            self._adjudication = Adjudication(self._protocol, self._found.readings, painting)
        return self._adjudication

    def sign_off(self, reason: str = "") -> SubmittedReading:
        """Make the result the reference standard of the case; see `adjudication.sign_off`."""
        return sign_off(self._project, self.case, self.adjudication.result(), reason)

    def send_back(self, readers: Sequence[str] = ()) -> None:
        """Send the case back with the pins as they are in the scene; to all readers without names."""
        send_back(self._project, self.case, self.pins.pins, readers)
        self.pins.clear()

    def changes(self, reader: str) -> Changes | None:
        """What a reader changed since the revision before; None when this is the first."""
        if reader not in self._found.submitted:
            raise InputError(worded("case '{case}': there is no reading of '{reader}'.", case=self.case, reader=reader))
        return revision_changes(self._project, self._found.submitted[reader])

    def show_markups(self) -> None:
        """Show what readers drew beside segmentations in the views that are open now."""
        if self.review.views is not None:
            self.markups.show(self.review.views)

    def close(self) -> None:
        """Take everything out of the scene."""
        self.pins.clear()
        self.markups.close()
        self.review.close()


class ProjectReview:
    """Cases of a project for a reviewer.

    Parameters
    ----------
    project : Project
        Opened with the reviewer's identity.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.protocol = project.protocol()
        self._compared: dict[str, tuple[tuple[str, ...], CaseAgreement | FailedCase]] = {}
        self._kinds: dict[str, Mapping[str, frozenset[Kind]]] = {}

    def rows(self, wanted: CaseFilter | None = None) -> tuple[CaseRow, ...]:
        """Cases, the worst first, with what has been compared so far."""
        compared = [result for _, result in self._compared.values()]
        return case_list(self.project.state, self.protocol, compared, kinds=self._kinds, wanted=wanted)

    def refresh(self) -> None:
        """Read what others did meanwhile; what was compared before and has changed is compared anew."""
        self.project.refresh()
        self.protocol = self.project.protocol()
        for case in list(self._compared):
            if self._compared[case][0] != self._ids(case):
                del self._compared[case]

    def pending(self) -> tuple[str, ...]:
        """Cases that are not compared yet; call `compare` on one whenever there is time."""
        return tuple(row.case for row in self.rows() if row.case not in self._compared)

    def compare(self, case: str) -> CaseAgreement | FailedCase:
        """Compare the readings of a case; a case that cannot be compared says why, and stops no other."""
        found = self.comparison(case)
        self.keep_comparison(found)
        return found.result

    def comparison(self, case: str) -> ComparedCase:
        """Compare the readings of a case, and keep nothing, so that it may run on any thread."""
        try:
            readings, _, messages = scored_readings(review_readings(self.project, case).readings)
            patient = self.project.state.cases[case].patient
            result = readings_agreement(readings, patient, self.protocol, messages)
            return ComparedCase(result, _kinds_of_voxels(readings.segmentations))
        except AnnotationQAError as error:
            return ComparedCase(FailedCase(case, str(error)), {})

    def keep_comparison(self, found: ComparedCase) -> None:
        """Show in the list what `comparison` found."""
        self._compared[found.result.case] = (self._ids(found.result.case), found.result)
        self._kinds[found.result.case] = found.kinds

    @property
    def compared(self) -> tuple[CaseAgreement, ...]:
        """What has been compared so far, in the order of the project."""
        found = (self._compared.get(case, ((), None))[1] for case in self.project.state.cases)
        return tuple(one for one in found if isinstance(one, CaseAgreement))

    def open(
        self, scene: slicer.vtkMRMLScene, case: str, volume: slicer.vtkMRMLScalarVolumeNode | None = None
    ) -> OpenReview:
        """Open a case on the scene.

        Parameters
        ----------
        scene : vtkMRMLScene
        case : str
        volume : vtkMRMLScalarVolumeNode, optional
            The reference series; its grid is the reference grid.

        Raises
        ------
        InputError
            Nobody has read the case, or a file is missing, changed or unreadable.
        """
        return self.show(scene, self.prepare(case, volume_grid(volume) if volume is not None else None), volume)

    def prepare(self, case: str, grid: Grid | None = None) -> PreparedReview:
        """Read a case and bring its readings together; may run on any thread.

        Parameters
        ----------
        case : str
        grid : Grid, optional
            That of the reference series.

        Raises
        ------
        InputError
            As `open`.
        """
        found = review_readings(self.project, case)
        if not found.submitted:
            raise InputError(worded("case '{case}': nobody has read it yet.", case=case))
        names = names_in_review(self.protocol, self.project.state, case, self._people(case))
        given = self._with_empty(found, grid)
        # by the names that the reviewer sees: the order of the views must not tell who is who
        labels = review_labels({reader: given[reader] for reader in sorted(given, key=lambda one: names[one])}, grid)
        _, compared = self._compared.get(case, ((), None))
        lesions = {one.item: one.instances for one in compared.items} if isinstance(compared, CaseAgreement) else {}
        return PreparedReview(found, labels, answer_differences(found.readings, self.protocol, lesions), names)

    def show(
        self,
        scene: slicer.vtkMRMLScene,
        prepared: PreparedReview,
        volume: slicer.vtkMRMLScalarVolumeNode | None = None,
        plane: ImagePlane | None = None,
    ) -> OpenReview:
        """Put a prepared case on the scene; `plane` is that of an image without patient geometry."""
        review = CaseReview(scene, {}, volume, prepared.names, prepared.differences, labels=prepared.labels)
        return OpenReview(self.project, prepared.found, review, self.protocol, prepared.names, plane)

    def conflicts(self, case: str) -> tuple[Conflict, ...]:
        """Decisions on a case that were made without knowledge of each other."""
        return conflicts_of(self.project, case)

    def keep(self, case: str, decision_hash: str, reason: str) -> None:
        """Settle the conflicts of a case in favour of one decision."""
        keep_decision(self.project, case, decision_hash, reason)

    def _ids(self, case: str) -> tuple[str, ...]:
        return tuple(one.id for one in self.project.state.latest_readings(case))

    def _people(self, case: str) -> tuple[str, ...]:
        readers = [one.reader for one in self.project.state.latest_readings(case)]
        assigned = [task.reader for task in self.project.state.tasks.get(case, ())]
        return tuple(dict.fromkeys([*readers, *assigned]))

    def _with_empty(self, found: ReviewReadings, grid: Grid | None) -> dict[str, Segmentation]:
        """Every reader has a view: one who drew nothing has an empty segmentation."""
        drawn = found.readings.segmentations
        empty: Segmentation | None = None
        if drawn:
            first = next(iter(drawn.values()))
            empty = Segmentation(first.layers[:1] * 0, first.grid, ())
        elif grid is not None:
            empty = Segmentation(np.zeros((1, *grid.shape), np.uint8), grid, ())
        if empty is None:
            raise InputError(
                worded("case '{case}': nothing was segmented; load its images to see it.", case=found.case)
            )
        return {reader: drawn.get(reader, empty) for reader in found.submitted}


def _kinds_of_voxels(segmentations: Mapping[str, Segmentation]) -> dict[str, frozenset[Kind]]:
    """Kinds of the regions in which the voxels of two readers or more differ, by item."""
    if len(segmentations) < 2:
        return {}
    found = find_disagreements(review_labels(segmentations))
    kinds: dict[str, set[Kind]] = {}
    for number in range(len(found)):
        for segment in found.structures(number):
            kinds.setdefault(segment.partition("#")[0], set()).add(found.kind(number))
    return {item: frozenset(of_item) for item, of_item in kinds.items()}

"""How a study is read: readers, blinding, repeats, and when they agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from AnnotationQACore.protocol.constraints import PRESENTATION, Count, Fraction, Interval, Positive

__all__ = ["Agreement", "Blinding", "Statistic", "StudyDesign"]

Statistic = Literal[
    "dice",
    "jaccard",
    "volume_similarity",
    "nsd",
    "hd95",
    "assd",
    "detection_f1",
    "panoptic_quality",
    "box_iou",
    "landmark_distance",
    "percent_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "weighted_kappa_linear",
    "weighted_kappa_quadratic",
    "krippendorff_alpha",
    "gwet_ac1",
    "gwet_ac2",
    "icc_1_1",
    "icc_2_1",
    "icc_3_1",
    "lin_ccc",
    "limits_of_agreement",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """When readers agree on an item.

    Attributes
    ----------
    statistic : str
        The statistic that judges the item. Overlaps, distances and detection are figures of one case; kappas, alpha,
        AC1, AC2, ICCs, CCC and limits of agreement are figures of all cases together.
    threshold : float
        Value from which readers agree: at least this for overlaps and coefficients, at most this for distances (mm) and
        limits of agreement (unit of the measurement). A figure of one case that reaches it has the case accepted
        automatically; a figure of all cases is what the study must reach.
    tolerance_mm : float or None
        Distance that does not count as a difference: of surfaces for the normalized surface distance, which is shown
        beside every overlap, of centres that match for detection, of points for landmarks.
    case_tolerance : float or None
        Largest difference between the readers of one case that is accepted automatically, in levels of a rating or the
        unit of a measurement; 0 asks for identical answers. Only with figures of all cases; without it no case is
        accepted automatically.
    """

    statistic: Statistic
    threshold: float
    tolerance_mm: Positive | None = None
    case_tolerance: Annotated[float, Interval(0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blinding:
    """What readers must not see.

    Attributes
    ----------
    other_readings : bool
        Whether readers do not see each other's readings before they submitted theirs.
    patient_identity : bool
        Whether names, identifiers and file paths are hidden.
    clinical_information : bool
        Whether history and reports are hidden.
    prior_studies : bool
        Whether earlier studies of the patient are hidden.
    model_results : bool
        Whether results of models are hidden.
    reader_names_in_review : bool
        Whether reviewers do not see who made a reading before they have decided.
    """

    other_readings: bool = True
    patient_identity: bool = True
    clinical_information: bool = True
    prior_studies: bool = True
    model_results: bool = True
    reader_names_in_review: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyDesign:
    """How the cases are read.

    Attributes
    ----------
    readers_per_case : int
        Number of independent readers of each case.
    reader_qualification : str
        Who may read.
    training : str
        What a reader does before the first case.
    blinding : Blinding
        What readers must not see.
    order : str
        Whether each reader's cases come in a random order of their own (`random`) or all in the same (`fixed`).
    repeat_fraction : float
        Fraction of the cases that a reader reads twice, without knowing, to measure agreement with oneself.
    washout_days : int
        Least number of days between a reading and its repeat.
    gold_fraction : float
        Fraction of the cases whose reference standard is known, to watch readers over time.
    adjudication : str
        Who settles what readers disagree on: one `expert` not among the readers, a `meeting` of the readers, the
        `majority`, or `none`.
    reason_required : bool
        Whether a reviewer has to give a reason for each decision.
    start_from : list of str
        What a reader may start from instead of an empty drawing; nothing unless listed.
    show_time : bool
        Whether readers see the time they have spent.
    idle_seconds : float
        Pause after which time no longer counts as work.
    """

    readers_per_case: Annotated[int, Interval(1)]
    reader_qualification: str = ""
    training: str = ""
    blinding: Blinding = Blinding()
    order: Literal["random", "fixed"] = "random"
    repeat_fraction: Fraction = 0.0
    washout_days: Count = 0
    gold_fraction: Fraction = 0.0
    adjudication: Literal["expert", "meeting", "majority", "none"] = "expert"
    reason_required: bool = False
    start_from: tuple[Literal["model", "former_revision", "earlier_time_point"], ...] = ()
    show_time: bool = field(default=False, metadata=PRESENTATION)
    idle_seconds: Positive = 60.0

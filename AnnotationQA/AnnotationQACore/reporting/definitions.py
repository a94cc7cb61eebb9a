"""Definitions of all statistics of a report, with their sources, and how edge cases are treated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from AnnotationQACore.agreement.statistics.results import Result
from AnnotationQACore.evaluation.figure_names import figure_name

__all__ = ["DEFINITIONS", "POLICIES", "Definition", "definitions_of"]


@dataclass(frozen=True, slots=True)
class Definition(Result):
    """What a statistic is."""

    name: str
    title: str
    words: str
    source: str


def _rows(*rows: tuple[str, str, str]) -> dict[str, Definition]:
    return {name: Definition(name, _title(name), words, source) for name, words, source in rows}


def _title(name: str) -> str:
    return _OWN_TITLES.get(name) or figure_name(name).title.removesuffix(", mm")


_OWN_TITLES = {
    "bland_altman": "Bias and limits of agreement",
    "bias": "Difference from the others",
    "specific_agreement": "Specific agreement",
    "prevalence_bias_index": "Prevalence and bias index",
    "ewma": "Control chart",
}
"""Of what is no figure of two readers."""


_NIKOLOV = "Nikolov et al. 2018, arXiv:1809.04430"
_SHROUT = "Shrout and Fleiss 1979, Psychol Bull 86:420"
_MAIER = "Maier-Hein et al. 2024, Nat Methods 21:195"

DEFINITIONS = _rows(
    ("dice", "Twice the common volume by the sum of both volumes; 1 is identity.",
     "Dice 1945, Ecology 26:297"),
    ("jaccard", "Common volume by the volume of the union.", "Jaccard 1912, New Phytol 11:37"),
    ("volume_similarity", "1 minus the absolute difference of the volumes by their sum; says "
     "nothing of where they lie.", "Taha and Hanbury 2015, BMC Med Imaging 15:29"),
    ("nsd", "Share of both surfaces that lies within the tolerance of the other one. "
     "Surface elements are those between voxel corners, weighted by area; the border of the image counts as surface; a "
     "distance counts as within up to the tolerance plus 1e-6 mm.", _NIKOLOV),
    ("hd95", "The larger of the two directed 95th percentiles of the distances between the "
     "surfaces, weighted by area; the two are never pooled.", _NIKOLOV),
    ("assd", "Mean of the distances of all surface elements of both to the other "
     "surface, weighted by area.", f"{_NIKOLOV}; {_MAIER}"),
    ("hausdorff_mm", "The largest distance from a point of one outline to the other.",
     "Huttenlocher et al. 1993, IEEE PAMI 15:850"),
    ("boundary_shift_mm", "Signed mean distance by which the surface of one reader lies outside "
     "(positive) or inside (negative) that of another.", "this software"),
    ("detection_f1", "Twice the lesions that both readers drew by the sum of the lesions of both; "
     "two are the same when their intersection over union is above 0.5.", _MAIER),
    ("panoptic_quality", "Sum of the intersections over union of matched lesions by matched plus "
     "half of the unmatched ones.", "Kirillov et al. 2019, CVPR, p 9404"),
    ("box_iou", "Sum over matched boxes by the larger number of boxes of the two "
     "readers, in mm, matched so that the sum is greatest.", _MAIER),
    ("landmark_distance", "Mean distance in mm of the points that both readers placed.",
     "this software"),
    ("percent_agreement", "Share of pairs of readers with the same answer, mean over "
     "subjects; not corrected for chance.", "Gwet 2014, Handbook of Inter-Rater Reliability"),
    ("cohen_kappa", "Agreement beyond chance, where chance follows from how often each reader gives "
     "each answer; for several readers as generalized by Conger. Low when one answer prevails, however often readers "
     "agree.", "Cohen 1960, Educ Psychol Meas 20:37; Conger 1980, Psychol Bull 88:322"),
    ("weighted_kappa_linear", "Agreement beyond chance (Cohen); disagreement "
     "counts by the distance of the levels.",
     "Cohen 1968, Psychol Bull 70:213"),
    ("weighted_kappa_quadratic", "Agreement beyond chance (Cohen); "
     "disagreement counts by the squared distance of the levels.", "Cohen 1968, Psychol Bull 70:213"),
    ("fleiss_kappa", "Agreement beyond chance, where chance follows from how often the answer is "
     "given by all readers together.", "Fleiss 1971, Psychol Bull 76:378"),
    ("krippendorff_alpha", "1 minus observed by expected disagreement; takes missing readers. "
     "Ordinal differences for ordered levels, otherwise nominal.", "Krippendorff 2011, Computing Krippendorff's "
     "alpha-reliability"),
    ("gwet_ac1", "Agreement beyond chance, where chance is that of guessing readers; stable when one "
     "answer prevails.", "Gwet 2008, Br J Math Stat Psychol 61:29"),
    ("gwet_ac2", "Agreement beyond chance as AC1, with quadratic weights for ordered levels.",
     "Gwet 2014, Handbook of Inter-Rater Reliability"),
    ("icc_1_1", "Share of the variance that lies between subjects; single readings, one-way random "
     "effects, absolute agreement.", _SHROUT),
    ("icc_2_1", "Share of the variance that lies between subjects; single readings, two-way random "
     "effects (readers stand for all readers), absolute agreement.",
     _SHROUT),
    ("icc_3_1", "Share of the variance that lies between subjects; single readings, two-way mixed "
     "effects (these readers only), consistency: biases of readers do not count.",
     _SHROUT),
    ("lin_ccc", "Pearson's correlation times what bias and unequal spread leave of it; mean over "
     "pairs of readers.", "Lin 1989, Biometrics 45:255"),
    ("limits_of_agreement", "1.96 times the square root of 2 times the "
     "within-subject standard deviation: two readings of a subject differ by less in 95 % of cases.",
     "Bland and Altman 1999, Stat Methods Med Res 8:135"),
    ("bland_altman", "Mean of the differences of two readers, and that mean plus and "
     "minus 1.96 standard deviations. Differences of volumes and areas are in per cent of the mean of the two, since "
     "they grow with size.", "Bland and Altman 1986, Lancet i:307"),
    ("bias", "A reader's answer minus the mean of the others' on the same subject, mean "
     "over subjects; of volumes and areas the geometric mean of the ratio, in per cent.", "this software"),
    ("specific_agreement", "Probability that a second reader gives an answer, given that the "
     "first did; and that a second does not, given that the first did not.",
     "Cicchetti and Feinstein 1990, J Clin Epidemiol 43:551"),
    ("prevalence_bias_index", "Of two answers: difference of the shares of both-positive "
     "and both-negative; difference of how often the two readers give the positive one.",
     "Byrt et al. 1993, J Clin Epidemiol 46:423"),
    ("ewma", "Exponentially weighted moving average (weight 0.2) of the differences in the order of "
     "time, with limits at 3 standard deviations estimated from moving ranges.",
     "Lucas and Saccucci 1990, Technometrics 32:1"),
)  # fmt: skip
"""By the name of the statistic."""

POLICIES = (
    ("Both readers drew nothing", "Overlap is undefined: counted as undefined, and out of the mean."),
    ("One reader drew, the other did not", "Dice, Jaccard and surface Dice are 0 and in the mean; distances are "
     "infinite, ranked worst and counted, but not in the mean, which is that of the pairs in which both drew."),
    ("Absent and not read", "A reader who answered “absent” drew nothing; a reader who did not answer, or could not "
     "assess, is left out."),
    ("Which lesions are the same", "Lesions of different readers are one when they share a voxel, the most "
     "alike first; detection figures ask for an intersection over union above 0.5. Figures “per lesion” are of lesions "
     "that both readers of a pair drew."),
    ("Intervals", "95 %, by a bootstrap that draws patients with all their cases and lesions; bias-corrected and "
     "accelerated, or percentile where acceleration is undefined. They are not corrected for the number of "
     "comparisons."),
    ("Several pairs of readers", "First the mean over the pairs of a case or lesion, then over cases or lesions."),
    ("Different kinds of items", "Never averaged into one score."),
)  # fmt: skip
"""How edge cases are treated: a name and the rule."""


def definitions_of(names: Iterable[str]) -> tuple[Definition, ...]:
    """Definitions of the statistics that are used, in a fixed order; names of lesions count as those of cases."""
    plain = {name.removeprefix("per lesion ") for name in names}
    return tuple(definition for name, definition in DEFINITIONS.items() if name in plain)

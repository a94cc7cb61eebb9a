"""STAPLE against SimpleITK on real readings, and what it estimates on simulated ones."""

import json
import math

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid

OTHER_OPTIMUM = {"nodule_24"}
"""SimpleITK ends at an optimum of smaller likelihood."""


@pytest.fixture(scope="module")
def lidc(shared_data):
    cases = json.loads((shared_data / "agreement/staple_lidc.json").read_text())["cases"]
    for case in cases:
        case["masks"] = np.load(shared_data / f"lidc/masks/{case['nodule']}.npz")["masks"]
    return cases


def whole(masks):
    return joint_decisions(list(masks), Grid(masks[0].shape), margin_mm=None)


def rates(result, label=1):
    rows = [row for row in result.performance if row.label == label]
    return [row.sensitivity for row in rows], [row.specificity for row in rows]


def test_decision_patterns_are_those_of_the_reference(lidc):
    for case in lidc:
        decisions = whole(case["masks"])
        codes = decisions.patterns @ (1 << np.arange(len(decisions.readers)))
        found = dict(zip(codes.tolist(), decisions.counts.tolist(), strict=True))
        assert found == dict(zip(case["pattern_codes"], case["pattern_counts"], strict=True))


def test_real_nodules_have_the_values_of_simpleitk_or_a_larger_likelihood(lidc):
    for case in lidc:
        result = staple(whole(case["masks"]))
        sensitivity, specificity = rates(result)
        likelihoods = result.parameters["log_likelihood"]
        assert likelihoods["mean votes"] == pytest.approx(case["em_from_mean_vote"]["loglik"], rel=1e-8)
        assert likelihoods["performance 0.99999"] == pytest.approx(case["em_from_p_q_0_99999"]["loglik"], rel=1e-8)
        assert result.parameters["prior"][1] == pytest.approx(case["prior"], rel=1e-12)
        assert result.parameters["converged"]
        if case["nodule"] in OTHER_OPTIMUM:
            assert likelihoods[result.parameters["start"]] > case["em_from_mean_vote"]["loglik"] + 1
        else:
            assert sensitivity == pytest.approx(case["simpleitk"]["sensitivity"], abs=1e-5)
            assert specificity == pytest.approx(case["simpleitk"]["specificity"], abs=1e-5)
            assert int(result.voxels.sum()) == case["simpleitk"]["voxels_p_ge_0_5"]
            assert result.probability(1).sum(dtype=float) == pytest.approx(
                case["simpleitk"]["sum_probability"], abs=2e-3
            )


def test_the_start_of_the_larger_likelihood_is_kept(lidc):
    case = next(case for case in lidc if case["nodule"] == "nodule_24")
    result = staple(whole(case["masks"]))
    likelihoods = result.parameters["log_likelihood"]
    assert result.parameters["start"] == max(likelihoods, key=likelihoods.get) == "performance 0.99999"
    assert rates(result)[0] == pytest.approx(case["em_from_p_q_0_99999"]["sensitivity"], abs=1e-6)


def test_staple_is_seventeen_percent_larger_than_majority_because_of_ties(lidc):
    sizes = {2: [], 3: [], 4: []}
    for case in lidc:
        decisions = whole(case["masks"])
        results = (staple(decisions), majority(decisions), majority(decisions, "include"))
        sizes[len(decisions.readers)].append([int(result.voxels.sum()) for result in results])
    four, three = (np.sum(sizes[number], axis=0) for number in (4, 3))
    assert four[0] / four[1] == pytest.approx(1.173, abs=5e-4)
    assert four[0] / four[2] == pytest.approx(0.982, abs=5e-4)
    assert three[0] / three[1] == pytest.approx(1.000, abs=5e-4)


def test_simpleitk_agrees_on_another_image(shared_data):
    names = ("unet", "resunet")
    folder = shared_data / "raters/labelfusion/data"
    maps = [sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}.nii.gz"))) == 2 for name in names]
    third = np.roll(maps[0], 2, axis=1)
    masks = [mask[60:120, 80:200, 40:140].copy() for mask in (*maps, third)]
    ours = staple(whole(masks))
    judge = sitk.STAPLEImageFilter()
    judge.SetForegroundValue(1)
    theirs = sitk.GetArrayFromImage(judge.Execute([sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]))
    assert rates(ours)[0] == pytest.approx(judge.GetSensitivity(), abs=1e-5)
    assert rates(ours)[1] == pytest.approx(judge.GetSpecificity(), abs=1e-5)
    assert np.array_equal(ours.voxels > 0, theirs >= 0.5)
    assert np.abs(ours.probability(1) - theirs).max() < 5e-5  # the filter stops a little earlier


def simulated(rng, truth, confusions):
    return [
        np.array([rng.choice(len(confusion), p=confusion[label]) for label in truth.reshape(-1)], np.uint8).reshape(
            truth.shape
        )
        for confusion in confusions
    ]


def test_confusion_of_simulated_readers_is_recovered_for_many_labels():
    rng = np.random.default_rng(5)
    truth = rng.choice(3, p=[0.6, 0.25, 0.15], size=(10, 40, 40))
    confusions = [
        np.array([[0.9, 0.06, 0.04], [0.1, 0.85, 0.05], [0.05, 0.15, 0.8]]),
        np.array([[0.95, 0.03, 0.02], [0.2, 0.75, 0.05], [0.1, 0.1, 0.8]]),
        np.array([[0.8, 0.1, 0.1], [0.05, 0.9, 0.05], [0.02, 0.08, 0.9]]),
        np.array([[0.85, 0.1, 0.05], [0.1, 0.8, 0.1], [0.15, 0.05, 0.8]]),
    ]
    decisions = whole(simulated(rng, truth, confusions))
    result = staple(decisions, prior={1: 0.25, 2: 0.15})
    for label in (1, 2):
        assert rates(result, label)[0] == pytest.approx([c[label, label] for c in confusions], abs=0.03)
    assert np.mean(result.voxels == truth) > np.mean(majority(decisions).voxels == truth)
    assert result.support.sum(axis=1) == pytest.approx(1.0)


def test_two_labels_are_the_binary_case(lidc):
    masks = lidc[5]["masks"]
    one, seven = staple(whole(masks)), staple(whole(masks * np.uint8(7)))
    assert np.array_equal(one.voxels * 7, seven.voxels)
    assert rates(one)[1] == rates(seven, 7)[1]


def test_the_order_of_readers_does_not_matter(lidc):
    masks = lidc[8]["masks"]
    forward, backward = staple(whole(masks)), staple(whole(masks[::-1]))
    assert np.array_equal(forward.voxels, backward.voxels)
    assert rates(forward)[0] == pytest.approx(rates(backward)[0][::-1], abs=1e-7)


def test_background_far_away_changes_only_the_specificity_and_prior():
    masks = [np.zeros((20, 20, 20), bool) for _ in range(3)]
    for number, mask in enumerate(masks):
        mask[8:12, 8:12, 8 : 12 + number] = True
    near, far = (staple(joint_decisions(masks, Grid((20, 20, 20)), margin_mm=margin)) for margin in (2.0, None))
    assert near.parameters["domain_voxels"] < far.parameters["domain_voxels"] == 8000
    assert near.parameters["prior"][1] > far.parameters["prior"][1]


def test_a_warning_names_what_misleads(lidc):
    larger = staple(whole(lidc[1]["masks"]))
    assert any("larger than what more than half" in warning for warning in larger.warnings)
    two = staple(whole(lidc[1]["masks"][:2]))
    assert any("two readers" in warning for warning in two.warnings)
    cut_short = staple(whole(lidc[1]["masks"]), max_iterations=1)
    assert not cut_short.parameters["converged"]
    assert any("not converged" in warning for warning in cut_short.warnings)


def test_readers_without_any_label_or_with_nothing_else_have_a_defined_result():
    empty, full = np.zeros((2, 3, 4), np.uint8), np.ones((2, 3, 4), np.uint8)
    assert not staple(whole([empty, empty])).voxels.any()
    result = staple(whole([full, full]))
    assert result.voxels.all()
    assert all(math.isfinite(value) for value in result.parameters["log_likelihood"].values())
    assert not staple(whole([empty, empty, full])).voxels.any()


@pytest.mark.parametrize("prior", [{}, {2: 0.5}, {1: 0.0}, {1: 1.0}, {1: float("nan")}])
def test_priors_that_cannot_be_are_refused(prior):
    with pytest.raises(InputError, match="prior"):
        staple(whole([np.ones((1, 1, 2), bool), np.zeros((1, 1, 2), bool)]), prior)

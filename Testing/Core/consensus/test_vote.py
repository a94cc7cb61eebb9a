"""Majority and weighted vote: ties, and others' results."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.consensus.vote import majority, weighted_vote
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid

FUSION = "raters/labelfusion/data"


def decided(*columns, readers=None):
    """Decisions on a row of voxels; one tuple of labels for each voxel."""
    maps = [np.array(column, np.uint8).reshape(1, 1, -1) for column in zip(*columns, strict=True)]
    return joint_decisions(maps, Grid((1, 1, len(columns))), readers, margin_mm=None)


def row(consensus):
    return consensus.voxels.reshape(-1).tolist()


def read(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_the_label_of_most_readers_wins_and_ties_follow_the_policy():
    votes = decided((1, 1, 1, 1), (1, 1, 1, 0), (1, 1, 0, 0), (1, 1, 2, 2), (0, 0, 1, 2), (3, 3, 1, 0), readers="abcd")
    assert row(majority(votes)) == [1, 1, 0, 0, 0, 3]
    assert row(majority(votes, "include")) == [1, 1, 1, 1, 0, 3]
    assert row(majority(votes, "reader", "a")) == [1, 1, 1, 1, 0, 3]
    assert row(majority(votes, "reader", "d")) == [1, 1, 0, 2, 0, 3]
    assert majority(votes).parameters["tied_voxels"] == 2


def test_a_tie_break_reader_outside_the_tie_leaves_background():
    votes = decided((1, 1, 2, 2, 3), readers="abcde")
    assert row(majority(votes, "reader", "e")) == [0]


def test_support_performance_and_uncertainty_are_counted():
    votes = decided((1, 1, 0, 0), (1, 1, 1, 0), (0, 0, 0, 0), (1, 1, 1, 1), readers="abcd")
    result = majority(votes)
    assert result.probability(1).reshape(-1).tolist() == [0.5, 0.75, 0.0, 1.0]
    entropy = result.uncertainty().reshape(-1)
    assert entropy[[0, 2, 3]] == pytest.approx([1.0, 0.0, 0.0])
    by_reader = {each.reader: each for each in result.performance}
    assert (by_reader["a"].sensitivity, by_reader["a"].specificity) == (1.0, 0.5)
    assert (by_reader["d"].sensitivity, by_reader["d"].specificity, by_reader["d"].dice) == (
        0.5,
        1.0,
        pytest.approx(2 / 3),
    )


def test_weights_decide_and_equal_weights_are_a_majority():
    votes = decided((1, 0, 0), (0, 1, 1), (1, 2, 2), readers="abc")
    assert row(weighted_vote(votes, {"a": 3, "b": 1, "c": 1})) == [1, 0, 1]
    assert row(weighted_vote(votes, {"a": 1, "b": 1, "c": 1})) == row(majority(votes)) == [0, 1, 2]
    assert row(weighted_vote(votes, {"a": 0.2, "b": 0.1, "c": 0.1})) == [0, 0, 0]  # tied, though 0.1 + 0.1 is not 0.2


@pytest.mark.parametrize(
    "weights",
    [{"a": 1, "b": 1}, {"a": 1, "b": -1, "c": 1}, {"a": 0, "b": 0, "c": 0}, {"a": float("nan"), "b": 1, "c": 1}],
)
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        weighted_vote(decided((1, 0, 0), readers="abc"), weights)


@pytest.mark.parametrize(("ties", "reader"), [("coin", None), ("reader", None), ("background", "a"), ("reader", "z")])
def test_ties_policies_that_cannot_be_are_refused(ties, reader):
    with pytest.raises(InputError, match="ti"):
        majority(decided((1, 0, 0), readers="abc"), ties, reader)


def test_no_labels_at_all_are_a_result():
    result = majority(joint_decisions([np.zeros((2, 3, 4), np.uint8)] * 3, Grid((2, 3, 4))))
    assert not result.voxels.any()
    assert result.performance == ()


def test_readers_with_full_masks_agree():
    result = majority(joint_decisions([np.ones((2, 3, 4), bool)] * 2, Grid((2, 3, 4))))
    assert result.voxels.all()
    assert np.isnan(result.performance[0].specificity)


def test_the_published_fusions_of_two_networks_are_reproduced(shared_data):
    maps = [read(shared_data / FUSION / f"{name}.nii.gz") for name in ("unet", "resunet")]
    ours = majority(joint_decisions(maps, Grid(maps[0].shape))).voxels
    for baseline in ("majorityvoting", "itkvoting", "staple"):
        assert np.array_equal(ours, read(shared_data / FUSION / f"baseline_{baseline}.nii.gz")), baseline


def test_real_nodules_have_the_expected_unions_and_majorities(shared_data):
    expected = json.loads((shared_data / "lidc/expected_overlap.json").read_text())
    staple = {
        case["nodule"]: case for case in json.loads((shared_data / "agreement/staple_lidc.json").read_text())["cases"]
    }
    for name, case in staple.items():
        masks = np.load(shared_data / f"lidc/masks/{name}.npz")["masks"]
        votes = joint_decisions(list(masks), Grid(masks.shape[1:]))
        result = majority(votes)
        assert int(result.voxels.sum()) == case["majority_strict_voxels"]
        assert result.parameters["tied_voxels"] == case["label_voting_ties"]
        support = result.probability(1)
        assert (int((support > 0).sum()), int((support == 1).sum())) == (
            expected[name]["union_vox"],
            expected[name]["inter_vox"],
        )

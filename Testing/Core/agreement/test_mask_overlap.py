"""Overlap and voxelwise kappas from confusions, against published figures and the plain definitions."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.agreement.segmentations.confusion import Confusion
from AnnotationQACore.agreement.segmentations.empty_masks import Presence
from AnnotationQACore.agreement.segmentations.overlap import (
    cohen_kappa,
    dice,
    fleiss_kappa,
    jaccard,
    label_kappa,
    precision,
    sensitivity,
    volume_similarity,
)

FEW = settings(max_examples=40, deadline=None, derandomize=True)

counts = st.integers(0, 50)
confusions = st.builds(Confusion, both=counts, only_a=counts, only_b=counts, neither=counts)


def test_overlap_of_a_small_example():
    confusion = Confusion(both=6, only_a=2, only_b=4, neither=88)
    assert dice(confusion) == 12 / 18
    assert jaccard(confusion) == 6 / 12
    assert volume_similarity(confusion) == 1 - 2 / 18
    assert sensitivity(confusion) == 6 / 10
    assert precision(confusion) == 6 / 8
    chance = (8 * 10 + 92 * 90) / 100**2
    assert cohen_kappa(confusion) == pytest.approx((0.94 - chance) / (1 - chance), abs=1e-15)


@FEW
@given(confusions)
def test_dice_and_jaccard_say_the_same(confusion):
    if dice(confusion) is None:
        assert jaccard(confusion) is None
    else:
        assert dice(confusion) == pytest.approx(2 * jaccard(confusion) / (1 + jaccard(confusion)), abs=1e-12)


@FEW
@given(confusions)
def test_exchanging_the_readers(confusion):
    swapped = confusion.swapped()
    for symmetric in (dice, jaccard, volume_similarity, cohen_kappa):
        assert symmetric(confusion) == symmetric(swapped)
    assert sensitivity(confusion) == precision(swapped)


def test_empty_masks_have_no_overlap_to_speak_of():
    nothing = Confusion(0, 0, 0, 10)
    for figure in (dice, jaccard, volume_similarity, sensitivity, precision, cohen_kappa):
        assert figure(nothing) is None
    missed = Confusion(0, 0, 4, 6)
    assert dice(missed) == jaccard(missed) == volume_similarity(missed) == sensitivity(missed) == 0
    assert precision(missed) is None
    assert cohen_kappa(Confusion(10, 0, 0, 0)) is None


@pytest.mark.parametrize(
    ("voxels", "state"), [((1, 2), "both present"), ((0, 0), "both absent"), ((3, 0), "only a"), ((0, 3), "only b")]
)
def test_presence(voxels, state):
    assert Presence.of(*voxels) == state


def test_kappas_of_large_images_keep_their_digits():
    confusion = Confusion(both=900, only_a=50, only_b=70, neither=10**9)
    n = confusion.total
    observed_disagreement = 120 / n
    chance_disagreement = (950 * (n - 970) + 970 * (n - 950)) / n**2
    assert cohen_kappa(confusion) == pytest.approx(1 - observed_disagreement / chance_disagreement, rel=1e-12)


def _votes(readers, n_categories):
    """How often each reader gave each category."""
    return [np.bincount(given, minlength=n_categories).tolist() for given in readers]


@FEW
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 4))
def test_fleiss_kappa_follows_its_definition(seed, n_readers, n_categories):
    votes = np.random.default_rng(seed).integers(0, n_categories, (30, n_readers))
    table = np.stack([(votes == category).sum(axis=1) for category in range(n_categories)], axis=1)
    agreement = ((table**2).sum(axis=1) - n_readers) / (n_readers * (n_readers - 1))
    chance = ((table.sum(axis=0) / table.sum()) ** 2).sum()
    agreed = sum(int((a == b).sum()) for a, b in combinations(votes.T, 2))
    kappa = fleiss_kappa(agreed, _votes(votes.T, n_categories))
    if len(np.unique(votes)) == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx((agreement.mean() - chance) / (1 - chance), abs=1e-12)


@FEW
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_cohen_kappa_over_labels_follows_its_definition(seed, n_labels):
    a, b = np.random.default_rng(seed).integers(0, n_labels, (2, 40))
    table = np.zeros((n_labels, n_labels))
    np.add.at(table, (a, b), 1 / 40)
    chance = float(table.sum(axis=0) @ table.sum(axis=1))
    kappa = label_kappa(int((a == b).sum()), *_votes((a, b), n_labels))
    if len(np.union1d(a, b)) == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx((np.trace(table) - chance) / (1 - chance), abs=1e-12)


def test_published_overlap_of_the_metrics_reloaded_figures(shared_data):
    figures = {
        case["id"]: case
        for case in json.loads((shared_data / "agreement/metricsreloaded_figures.json").read_text())["cases"]
    }
    cross = figures["fig10_cross"]
    reference = np.zeros(cross["shape"], dtype=bool)
    reference[3:8, 3:8] = True
    predicted = reference.copy()
    predicted[5, 1:10] = predicted[1:10, 5] = True
    confusion = Confusion.of_masks(predicted, reference)
    assert jaccard(confusion) == pytest.approx(cross["expected"]["iou"], abs=cross["tol"])
    assert dice(confusion) == pytest.approx(cross["expected"]["dsc"], abs=cross["tol"])

    pitfalls = figures["pitfalls_2_10"]["expected"]
    reference = np.zeros((14, 14), dtype=bool)
    reference[5:9, 5:9] = True
    for place, (first, stop) in enumerate([(6, 8), (4, 10)]):
        predicted = np.zeros_like(reference)
        predicted[first:stop, first:stop] = True
        confusion = Confusion.of_masks(predicted, reference)
        found = (confusion.both, confusion.only_a, confusion.only_b)
        assert found == tuple(pitfalls[name][place] for name in ("tp", "fp", "fn"))

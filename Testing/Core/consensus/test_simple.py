"""SIMPLE: poor readers are discarded, and no label comes from nowhere."""

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.consensus.decisions import joint_decisions
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid


def ball(shift, radius=6.0, shape=(20, 24, 24)):
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return (k - 10 - shift[0]) ** 2 + (j - 12 - shift[1]) ** 2 + (i - 12 - shift[2]) ** 2 < radius**2


def decided(masks, readers=None):
    return joint_decisions(masks, Grid(masks[0].shape), readers)


def test_a_reader_who_is_off_is_discarded_and_does_not_move_the_result():
    good = [ball((0, 0, 0)), ball((0, 1, 0)), ball((0, 0, 1)), ball((1, 0, 0))]
    result = simple(decided([*good, ball((0, 9, 9))], "abcde"))
    assert "e" in result.parameters["discarded"][1]
    weights = {row.reader: row.weight for row in result.performance}
    assert weights["e"] == 0.0
    assert all(weights[name] > 0.85 for name in "abcd" if name not in result.parameters["discarded"][1])
    assert np.array_equal(result.voxels, simple(decided([*good, ball((3, -9, 9))])).voxels)


def test_alike_readers_are_all_kept_with_weight_one():
    result = simple(decided([ball((0, 0, 0))] * 5))
    assert result.parameters["discarded"] == {1: []}
    assert [row.weight for row in result.performance] == [1.0] * 5
    assert np.array_equal(result.voxels > 0, ball((0, 0, 0)))


def test_never_fewer_readers_than_the_minimum():
    masks = [ball((0, shift, 0)) for shift in (0, 1, 3, 5, 8, -4)]
    for minimum in (1, 3, 5):
        found = simple(decided(masks), alpha=0.0, minimum_readers=minimum)
        assert len(found.parameters["discarded"][1]) <= 6 - minimum
    three = simple(decided(masks[:3]))
    assert three.parameters["discarded"] == {1: []}
    assert any("nobody can be discarded" in warning for warning in three.warnings)
    assert np.array_equal(three.voxels, majority(decided(masks[:3])).voxels)


def test_labels_are_decided_each_on_its_own_and_exclude_each_other():
    first, second = ball((0, -4, 0), 5.0), ball((0, 5, 0), 5.0)
    maps = [np.where(np.roll(first, n % 2, 1), 1, np.where(second, 2, 0)).astype(np.uint8) for n in range(4)]
    result = simple(decided(maps))
    assert set(np.unique(result.voxels)) == {0, 1, 2}
    assert np.array_equal(result.voxels == 2, np.all([labels == 2 for labels in maps], axis=0))


def test_no_label_is_where_no_reader_has_it(shared_data):
    folder = shared_data / "raters/labelfusion/data"
    read = [sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}.nii.gz"))) for name in ("unet", "resunet")]
    maps = [*read, np.roll(read[0], 1, axis=2), np.roll(read[1], 1, axis=1)]
    known = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "baseline_simple.nii.gz")))
    assert not np.isin(known, maps).all()  # the published fusion is wrong, and this judge sees it
    for chosen in (maps[:2], maps):
        voxels = simple(decided(chosen)).voxels
        assert set(np.unique(voxels)) <= {0, 1, 2, 4}
        assert np.any([voxels == labels for labels in chosen] + [voxels == 0], axis=0).all()


def test_readers_that_do_not_overlap_leave_nothing():
    masks = [np.zeros((1, 1, 9), bool) for _ in range(4)]
    for number, mask in enumerate(masks):
        mask[0, 0, 2 * number] = True
    assert not simple(decided(masks)).voxels.any()


@pytest.mark.parametrize(
    "options", [{"alpha": -1.0}, {"alpha": float("nan")}, {"minimum_readers": 0}, {"max_iterations": 0}]
)
def test_parameters_that_cannot_be_are_refused(options):
    with pytest.raises(InputError, match="SIMPLE"):
        simple(decided([ball((0, 0, 0))] * 2), **options)

"""One reading out of several."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case_consensus import case_consensus
from AnnotationQACore.evaluation.case_files import CaseFiles
from AnnotationQACore.project.readings import Presence, RatingValue, SegmentationValue, Subject
from AnnotationQACore.protocol.model import Protocol

WriteCase = Callable[..., CaseFiles]

LEFT = (slice(2, 6), slice(2, 8), slice(2, 8))
RIGHT = (slice(2, 6), slice(12, 18), slice(12, 18))
SHIFTED = (slice(2, 6), slice(2, 8), slice(3, 9))


def test_majority_keeps_what_most_drew_and_the_median_rating(write_case: WriteCase, lung: Protocol) -> None:
    files = write_case("c1", {"a": [(LEFT, 2)], "b": [(RIGHT, 5), (LEFT, 3)], "c": [(SHIFTED, 5)]})
    result = case_consensus(files, lung, majority)
    assert result.segmentation is not None
    assert [segment.id for segment in result.segmentation.segments] == ["nodule#1"]
    voxels = result.segmentation.mask("nodule#1").voxels
    expected = np.zeros_like(voxels)
    expected[LEFT] = True
    np.testing.assert_array_equal(voxels, expected)
    answers = {(answer.item, answer.subject): answer.value for answer in result.answers}
    assert answers["nodule", Subject(instance=1)] == SegmentationValue(Presence.PRESENT)
    assert answers["malignancy", Subject(instance=1)] == RatingValue(3)
    assert result.open_items == ()
    sensitivity = {row.reader: row.sensitivity for row in result.performance["nodule"] if row.sensitivity > 0}
    assert sensitivity["a"] == 1.0
    assert sensitivity["c"] == pytest.approx(5 / 6)


def test_nothing_that_a_minority_drew_is_left(write_case: WriteCase, lung: Protocol) -> None:
    result = case_consensus(write_case("c1", {"a": [(LEFT, 2)], "b": [], "c": []}), lung, majority)
    assert result.segmentation is None
    assert [answer.value for answer in result.answers] == [SegmentationValue(Presence.ABSENT)]


def test_any_method_of_the_core_fits(write_case: WriteCase, lung: Protocol) -> None:
    files = write_case("c1", {"a": [(LEFT, 2)], "b": [(LEFT, 3)], "c": [(SHIFTED, 5)]})
    result = case_consensus(files, lung, partial(staple))
    assert result.segmentation is not None
    assert result.segmentation.mask("nodule#1").voxels[LEFT].all()


def test_one_reading_has_no_consensus(write_case: WriteCase, lung: Protocol) -> None:
    with pytest.raises(InputError, match="1 reading; a consensus needs at least two"):
        case_consensus(write_case("c1", {"a": [(LEFT, 2)]}), lung, majority)

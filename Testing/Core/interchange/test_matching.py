from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, PointStatus, Region
from AnnotationQACore.interchange.matching import match_segments
from AnnotationQACore.interchange.matching_answers import match_markups, match_ratings
from AnnotationQACore.interchange.tables import Rating
from AnnotationQACore.project.readings import (
    BoxValue,
    ChoiceValue,
    Landmark,
    MeasurementValue,
    Presence,
    PresenceValue,
    RatingValue,
    TextValue,
)
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

NEOPLASM = Code("SCT", "108369006", "whatever the vendor calls it")
ENHANCING = Code("DCM", "130604", "x")
BRAIN = Code("SCT", "12738006", "x")
LIVER = Code("SRT", "T-62000", "retired code of the liver")


def _segmentation(*segments: Segment) -> Segmentation:
    numbered = tuple(replace(segment, value=n) for n, segment in enumerate(segments, start=1))
    return Segmentation(np.zeros((1, 1, 1, 1), np.uint8), Grid((1, 1, 1)), numbered)


def _match(protocol: str, *segments: Segment, **mapping: str):
    return match_segments(_segmentation(*segments), load_shipped(protocol), mapping)


def test_codes_decide_and_modifiers_tell_items_of_one_type_apart():
    matched = _match(
        "brain_tumour_mr",
        Segment("segment-1", "a", 1, type=NEOPLASM, region=BRAIN, type_modifier=ENHANCING),
        Segment("segment-2", "b", 1, type=NEOPLASM, region=BRAIN),
    )
    assert matched.sources == {"enhancing_tumour": "segment-1", "whole_tumour": "segment-2"}
    assert matched.segmentation.segments[1].name == "Enhancing tumour"


def test_retired_codes_and_words_match():
    for segment in (
        Segment("segment-1", "structure 7", 1, type=LIVER),
        Segment("segment-1", "LIVER", 1),
        Segment("liver", "x", 1),
        Segment("segment-1", "liver", 1, type=Code("SCT", "85756007", "Tissue")),
    ):
        matched = _match("liver_tumour_response_ct", segment)
        assert list(matched.sources) == ["liver"]
        assert matched.segmentation.segments[0].type == Code("SCT", "10200004", "Liver")
        assert matched.mismatches == ("item 'lesion': the file has no segment for it.",)


def test_label_values_match_where_there_are_no_names():
    from AnnotationQACore.interchange.labels import default_segment

    segments = (default_segment(1), default_segment(2), default_segment(9))
    grid = Grid((1, 1, 1))
    matched = match_segments(
        Segmentation(np.zeros((1, 1, 1, 1), int), grid, segments), load_shipped("liver_tumour_response_ct")
    )
    assert matched.sources == {"liver": "label-1", "lesion#1": "label-2"}
    assert [m for m in matched.mismatches if "Label 9" in m]


def test_instances_keep_their_numbers_or_get_them_in_order():
    numbered = _match("lung_nodule_ct", Segment("a", "Nodule 3", 1), Segment("b", "nodule_1", 1))
    assert numbered.sources == {"nodule#3": "a", "nodule#1": "b"}
    plain = _match("lung_nodule_ct", Segment("a", "Nodule", 1), Segment("b", "Nodule 7", 1))
    assert plain.sources == {"nodule#1": "a", "nodule#2": "b"}
    own = _match("lung_nodule_ct", Segment("nodule#5", "x", 1))
    assert own.sources == {"nodule#5": "nodule#5"}


def test_mapping_wins_and_must_name_items():
    matched = _match("liver_tumour_response_ct", Segment("s", "Leber", 1), Leber="liver")
    assert matched.sources == {"liver": "s"}
    matched = _match("liver_tumour_response_ct", Segment("s", "Leber", 1), Leber="spleen")
    assert "no segmentation 'spleen'" in matched.mismatches[0]


def test_every_mismatch_is_listed():
    matched = _match(
        "liver_tumour_response_ct",
        Segment("a", "Spleen", 1, type=Code("SCT", "78961009", "Spleen")),
        Segment("b", "liver", 1),
        Segment("c", "Liver", 1),
    )
    assert matched.sources == {}
    assert len(matched.mismatches) == 3
    assert "segment 'Spleen' (SCT 78961009): matches no item" in matched.mismatches[0]
    assert "item 'liver': several segments match it ('liver', 'Liver')" in matched.mismatches[1]
    conflict = _match("liver_tumour_response_ct", Segment("b", "liver", 1, type=Code("SCT", "78961009", "Spleen")))
    assert "its type is SCT 78961009 in the file, SCT 10200004 in the protocol" in " ".join(conflict.mismatches)


def _rating(item: str, value: str, instance: int | None = None) -> Rating:
    return Rating("case", "anna", item, value, instance, f"table.csv: row 2, column '{item}'")


def test_ratings_become_answers():
    matched = match_ratings(
        [_rating("Malignancy", "4", 2), _rating("malignancy", "4.5", 1), _rating("comment", "near hilus"),
         _rating("colour", "red")], load_shipped("lung_nodule_ct"))  # fmt: skip
    assert [(a.item, a.value, a.subject.instance) for a in matched.answers] == [
        ("malignancy", RatingValue(4), 2),
        ("comment", TextValue("near hilus"), None),
    ]
    assert "column 'malignancy': '4.5' is not one of 1, 2, 3, 4, 5" in matched.mismatches[0]
    assert "'colour' is no item of the protocol" in matched.mismatches[1]


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        ("pneumothorax", "yes", PresenceValue(Presence.PRESENT)),
        ("pneumothorax", "0", PresenceValue(Presence.ABSENT)),
        ("pneumothorax", "not_assessable", PresenceValue(Presence.NOT_ASSESSABLE)),
        ("pneumothorax", "perhaps", "is not present, absent"),
        ("pleural_effusion_side", "Right", ChoiceValue(("right",))),
        ("pleural_effusion_side", "up", "is not one of"),
    ],
)
def test_findings_become_answers(item, text, value):
    matched = match_ratings([_rating(item, text)], load_shipped("chest_xray_findings"))
    if isinstance(value, str):
        assert matched.answers == ()
        assert value in matched.mismatches[0]
    else:
        assert [answer.value for answer in matched.answers] == [value]


def test_landmarks_are_matched_by_label_and_missing_ones_are_not_visible():
    points = (
        MarkupPoint("C1", (1.0, 2.0, 3.0)),
        MarkupPoint("p", (1.0, 2.0, 9.0), description="C2"),
        MarkupPoint("C3", None, PointStatus.MISSING),
        MarkupPoint("nose", (0.0, 0.0, 0.0)),
    )
    markup = Markup(MarkupKind.FIDUCIAL, "vertebral bodies", points)
    matched = match_markups([markup], load_shipped("vertebra_landmarks"))
    (answer,) = matched.answers
    assert answer.item == "vertebral_bodies"
    assert answer.value.landmarks == (
        Landmark("c1", (1.0, 2.0, 3.0)),
        Landmark("c2", (1.0, 2.0, 9.0)),
        Landmark("c3", None),
    )
    assert any("point 'nose' is no landmark" in m for m in matched.mismatches)
    assert any("has no point for c4, c5" in m for m in matched.mismatches)


def test_boxes_become_instances():
    region = Region((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    boxes = [Markup(MarkupKind.ROI, name, (), region) for name in ("R", "R_1")]
    matched = match_markups(boxes, load_shipped("vertebra_landmarks"))
    assert [(a.item, a.subject.instance) for a in matched.answers] == [
        ("fractured_vertebra", 1),
        ("fractured_vertebra", 2),
    ]
    assert matched.answers[0].value == BoxValue(region.center, region.size, region.directions)
    unmatched = match_markups([Markup(MarkupKind.PLANE, "p", ())], load_shipped("vertebra_landmarks"))
    assert "matches no item" in unmatched.mismatches[0]


def test_lines_and_angles_are_measured():
    from AnnotationQACore.interchange.matching_answers import _drawn

    points = tuple(MarkupPoint("", position) for position in ((3.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 4.0)))
    angle, line = _drawn(Markup(MarkupKind.ANGLE, "", points)), _drawn(Markup(MarkupKind.LINE, "", points[:2]))
    assert isinstance(angle, MeasurementValue)
    assert isinstance(line, MeasurementValue)
    assert (angle.value, angle.unit) == (pytest.approx(90.0), "deg")
    assert (line.value, line.unit) == (3.0, "mm")


def test_dcmqis_liver_is_the_liver_of_the_protocol(shared_data: Path):
    from AnnotationQACore.interchange.dicom_seg import read_dicom_seg

    segmentation = read_dicom_seg(shared_data / "dicom" / "seg_dcmqi_liver" / "liver.dcm").segmentation
    matched = match_segments(segmentation, load_shipped("liver_tumour_response_ct"))
    assert matched.sources == {"liver": "segment-1"}
    assert matched.segmentation.mask("liver").voxels.sum() == 107098

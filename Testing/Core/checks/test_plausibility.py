"""Every check finds what it is for, names the place, and says nothing about a reading without fault."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from AnnotationQACore.checks.composition import composed_answers
from AnnotationQACore.checks.derived_measurements import ImageSource, derived_answers
from AnnotationQACore.checks.plain_answers import plain_values
from AnnotationQACore.checks.plausibility import check_reading
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity
from AnnotationQACore.geometry import Grid
from AnnotationQACore.project.readings import (
    Answer,
    BoxValue,
    ChoiceValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    Presence,
    PresenceValue,
    RatingValue,
    Reading,
    SegmentationValue,
    Subject,
)
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import (
    Classification,
    Code,
    Codes,
    Imaging,
    Inside,
    Item,
    LandmarkLimits,
    LandmarkPoint,
    Landmarks,
    Limit,
    Measurement,
    MeasurementLimits,
    Protocol,
    RegionLimits,
    Segmentation,
    SeriesRole,
    StudyDesign,
)
from AnnotationQACore.segmentation import Segment, Volume
from AnnotationQACore.segmentation import Segmentation as Segments

GRID = Grid((20, 40, 60), (2.0, 1.0, 1.0), (-30.0, -20.0, -20.0))
KIDNEY = Code("SCT", "64033007", "Kidney")
LEFT, RIGHT = Code("SCT", "7771000", "Left"), Code("SCT", "24028007", "Right")
PRESENT = SegmentationValue(Presence.PRESENT)


def protocol(*items: Item) -> Protocol:
    return Protocol(
        id="checks",
        title="Checks",
        version="1.0.0",
        change_note="First.",
        purpose="Tests.",
        clinical_decision="None.",
        imaging=Imaging(
            body_region=KIDNEY,
            series=(SeriesRole(id="ct", title="CT", modalities=("CT",), max_slice_thickness_mm=3.0),),
            reference_series="ct",
        ),
        design=StudyDesign(readers_per_case=1),
        items=items,
    )


def segment(name: str, **more: object) -> Segmentation:
    fields = {"title": name.title(), "definition": "It.", "label_value": 1, "required": False} | more
    return Segmentation(id=name, **fields)


def drawn(**regions: tuple[slice, ...] | Sequence[tuple[slice, ...]]) -> Segments:
    """Each segment in a layer of its own; '_2' at the end of a name is an instance."""
    layers = np.zeros((len(regions), *GRID.shape), np.uint8)
    segments = []
    for number, (name, parts) in enumerate(regions.items()):
        for part in parts if isinstance(parts, list) else [parts]:
            layers[number][part] = 1
        segments.append(Segment(re.sub(r"_(\d+)$", r"#\1", name), name, 1, number))
    return Segments(layers, GRID, tuple(segments))


def image(**more: object) -> dict[str, ImageSource]:
    voxels = np.full(GRID.shape, 50, np.int16)
    return {"ct": replace(ImageSource("ct", "CT", (Volume(voxels, GRID),), GRID), **more)}


def check(
    asked: Protocol, answers: Sequence[Answer], segments: Segments | None = None, **more: object
) -> list[ReadingProblem]:
    reading = Reading("case-1", "anna", 1, 1, asked.hash, tuple(answers))
    return list(check_reading(asked, reading, segments, image(**more)))


def only(problems: list[ReadingProblem]) -> ReadingProblem:
    assert len(problems) == 1, [p.message for p in problems]
    assert "\n" not in problems[0].message
    return problems[0]


WHOLE = np.s_[4:8, 10:20, 10:20]


def test_a_reading_without_fault() -> None:
    limits = RegionLimits(volume_ml=Limit(min=0.1, max=1), mean_intensity=Limit(min=40, max=60), max_components=1)
    asked = protocol(segment("organ", limits=limits, required=True))
    assert check(asked, [Answer("organ", PRESENT)], drawn(organ=WHOLE)) == []


def test_required() -> None:
    problem = only(check(protocol(segment("organ", required=True)), []))
    assert (problem.kind, problem.severity, problem.item) == (CheckKind.REQUIRED, Severity.ERROR, "organ")


def test_absent_with_voxels() -> None:
    answers = [Answer("organ", SegmentationValue(Presence.ABSENT))]
    problem = only(check(protocol(segment("organ")), answers, drawn(organ=WHOLE)))
    assert (problem.kind, problem.severity) == (CheckKind.PRESENCE, Severity.ERROR)
    assert problem.spot is not None
    k, j, i = np.rint(GRID.to_index(problem.spot.position)).astype(int)
    assert 4 <= k < 8
    assert 10 <= j < 20
    assert 10 <= i < 20


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        (RegionLimits(volume_ml=Limit(max=0.7)), CheckKind.LIMIT),
        (RegionLimits(longest_diameter_mm=Limit(max=13.0)), CheckKind.LIMIT),
        (RegionLimits(mean_intensity=Limit(min=51)), CheckKind.LIMIT),
    ],
)
def test_limits(limits: RegionLimits, kind: CheckKind) -> None:
    problem = only(check(protocol(segment("organ", limits=limits)), [Answer("organ", PRESENT)], drawn(organ=WHOLE)))
    assert (problem.kind, problem.severity) == (kind, Severity.WARNING)
    assert problem.spot is not None


def test_limits_hold_at_their_ends() -> None:
    limits = RegionLimits(volume_ml=Limit(min=0.8, max=0.8), mean_intensity=Limit(min=50, max=50))
    assert check(protocol(segment("organ", limits=limits)), [Answer("organ", PRESENT)], drawn(organ=WHOLE)) == []


def test_skipped_slices_and_islands() -> None:
    gap = [np.s_[4:6, 10:20, 10:20], np.s_[8:10, 10:20, 10:20]]
    limits = RegionLimits(max_components=1)
    asked = protocol(segment("organ", limits=limits))
    kinds = {p.kind for p in check(asked, [Answer("organ", PRESENT)], drawn(organ=gap))}
    assert kinds == {CheckKind.SKIPPED_SLICES, CheckKind.ISLANDS}
    allowed = protocol(segment("organ", limits=RegionLimits(skipped_slices=True)))
    assert check(allowed, [Answer("organ", PRESENT)], drawn(organ=gap)) == []


def test_a_stray_island_is_shown() -> None:
    asked = protocol(segment("organ", limits=RegionLimits(max_components=1)))
    problem = only(check(asked, [Answer("organ", PRESENT)], drawn(organ=[WHOLE, np.s_[5:6, 30:31, 50:51]])))
    assert problem.spot is not None
    assert GRID.to_index(problem.spot.position) == pytest.approx((5, 30, 50))


@pytest.mark.parametrize(("margin", "count"), [(0.0, 1), (1.5, 1), (2.0, 0)])
def test_outside_its_parent(margin: float, count: int) -> None:
    asked = protocol(
        segment("organ", may_overlap=("lesion",)),
        segment("lesion", label_value=2, limits=RegionLimits(inside=Inside(item="organ", margin_mm=margin))),
    )
    answers = [Answer("organ", PRESENT), Answer("lesion", PRESENT)]
    found = check(asked, answers, drawn(organ=WHOLE, lesion=np.s_[5:6, 15:16, 18:22]))
    assert [p.kind for p in found] == [CheckKind.INSIDE] * count


def test_overlap() -> None:
    answers = [Answer("a", PRESENT), Answer("b", PRESENT)]
    segments = drawn(a=WHOLE, b=np.s_[5:6, 15:16, 18:22])
    problem = only(check(protocol(segment("a"), segment("b", label_value=2)), answers, segments))
    assert (problem.kind, problem.severity) == (CheckKind.OVERLAP, Severity.ERROR)
    assert "2 voxels" in problem.message
    assert check(protocol(segment("a"), segment("b", label_value=2, may_overlap=("a",))), answers, segments) == []


def test_count_and_empty_instances() -> None:
    asked = protocol(segment("lesion", instances=True, limits=RegionLimits(count=Limit(max=1, severity="error"))))
    answers = [Answer("lesion", PRESENT, Subject(instance=n)) for n in (1, 2)]
    two = drawn(lesion_1=WHOLE, lesion_2=np.s_[12:13, 5:8, 5:8])
    problem = only(check(asked, answers, two))
    assert (problem.kind, problem.severity) == (CheckKind.COUNT, Severity.ERROR)
    empty = check(asked, answers[:1], drawn(lesion_1=WHOLE, lesion_2=np.s_[0:0]))
    assert only(empty).message.startswith("Lesion 2: has no voxels")


def test_a_segment_of_nobody() -> None:
    problem = only(check(protocol(segment("organ")), [], drawn(Segment=WHOLE)))
    assert (problem.kind, problem.severity) == (CheckKind.SEGMENTS, Severity.ERROR)


def test_wrong_series_and_thick_slices() -> None:
    problem = only(check(protocol(segment("organ")), [], modality="MR"))
    assert (problem.kind, problem.severity) == (CheckKind.SERIES, Severity.WARNING)
    thick = Grid(GRID.shape, (5.0, 1.0, 1.0), GRID.origin, GRID.directions)
    assert "5 mm apart" in only(check(protocol(segment("organ")), [], grid=thick)).message


def kidney(side: Code) -> dict[str, object]:
    return {"codes": Codes(type=KIDNEY, laterality=side)}


def test_laterality_by_the_counterpart() -> None:
    asked = protocol(segment("left", **kidney(LEFT)), segment("right", label_value=2, **kidney(RIGHT)))
    answers = [Answer("left", PRESENT), Answer("right", PRESENT)]
    on_left, on_right = np.s_[5:8, 10:20, 45:55], np.s_[5:8, 10:20, 5:15]  # x of LPS grows to the left
    assert check(asked, answers, drawn(left=on_left, right=on_right)) == []
    swapped = check(asked, answers, drawn(left=on_right, right=on_left))
    assert [p.kind for p in swapped] == [CheckKind.LATERALITY] * 2


def test_laterality_of_an_answer() -> None:
    protocol_of_brain = load_shipped("brain_tumour_mr")
    side = protocol_of_brain.item("side")
    assert isinstance(side, Classification)
    asked = protocol(
        segment("whole_tumour"),
        replace(side, required=False, group=None),
    )
    left = next(choice.id for choice in side.choices if choice.code is not None and choice.code.value == LEFT.value)
    answers = [Answer("whole_tumour", PRESENT), Answer("side", ChoiceValue((left,)))]
    assert check(asked, answers, drawn(whole_tumour=np.s_[5:8, 10:20, 45:55])) == []
    problem = only(check(asked, answers, drawn(whole_tumour=np.s_[5:8, 10:20, 5:15])))
    assert problem.kind == CheckKind.LATERALITY


def test_landmarks_out_of_order() -> None:
    points = tuple(LandmarkPoint(id=f"l{n}", title=f"L{n}") for n in (1, 2, 3))
    limits = LandmarkLimits(direction="to_inferior", neighbour_distance_mm=Limit(max=15.0))
    asked = protocol(Landmarks(id="spine", title="Spine", definition="Levels.", points=points, limits=limits))
    marks = LandmarksValue(
        (Landmark("l1", (0.0, 0.0, 10.0)), Landmark("l2", (0.0, 0.0, 14.0)), Landmark("l3", (0.0, 0.0, -4.0)))
    )
    found = check(asked, [Answer("spine", marks)])
    assert [(p.kind, p.spot.position[2]) for p in found if p.spot and p.spot.position] == [
        (CheckKind.LANDMARKS, 14.0),
        (CheckKind.LIMIT, -4.0),
    ]
    missing = LandmarksValue((Landmark("l1", (0.0, 0.0, 10.0)),))
    assert "L2, L3 not placed" in only(check(asked, [Answer("spine", missing)])).message


@pytest.mark.parametrize(
    ("short", "wrong"),
    [
        (((0.0, -3.0, 0.0), (0.0, 3.0, 0.0)), ""),
        (((-2.0, -3.0, 0.0), (2.0, 3.0, 0.0)), "56° to the long one"),
        (((0.0, -3.0, 0.0), (0.0, 3.0, 2.0)), "not on one slice"),
    ],
)
def test_bidimensional(short: tuple, wrong: str) -> None:
    asked = protocol(
        Measurement(
            id="size",
            title="Size",
            definition="Both axes.",
            quantity="bidimensional",
            limits=MeasurementLimits(value=Limit(max=100.0)),
        )
    )
    value = MeasurementValue(10.0, "mm", ((-5.0, 0.0, 0.0), (5.0, 0.0, 0.0), *short), 6.0)
    messages = [p.message for p in check(asked, [Answer("size", value)])]
    assert (messages == []) if not wrong else wrong in messages[0]


def test_answers_that_the_protocol_does_not_know() -> None:
    asked = load_shipped("lung_nodule_ct")
    answers = [Answer("nodule", SegmentationValue(Presence.PRESENT), Subject(instance=1))]
    answers.append(Answer("malignancy", RatingValue(9), Subject(instance=1)))
    found = check(asked, answers, drawn(nodule_1=WHOLE))
    assert any(p.kind == CheckKind.ANSWER and p.item == "malignancy" for p in found)


def test_ejection_fraction() -> None:
    asked = load_shipped("left_ventricle_cine_mr")
    names = ("lv_cavity_ed", "lv_cavity_es")
    answers = [Answer(name, PRESENT) for name in names]
    big, small = np.s_[4:8, 10:20, 10:20], np.s_[4:6, 10:20, 10:20]
    derived = {a.item: a.value for a in derived_answers(asked, answers, _named(names, (big, small)), {})}
    assert derived["edv"].value == pytest.approx(0.8)
    assert derived["stroke_volume"].value == pytest.approx(0.4)
    assert derived["ejection_fraction"].value == pytest.approx(50.0)
    turned = {a.item for a in derived_answers(asked, answers, _named(names, (small, big)), {})}
    assert "ejection_fraction" not in turned


def _named(names: Sequence[str], regions: Sequence[tuple[slice, ...]]) -> Segments:
    layers = np.zeros((len(names), *GRID.shape), np.uint8)
    for layer, region in zip(layers, regions, strict=True):
        layer[region] = 1
    return Segments(layers, GRID, tuple(Segment(name, name, 1, n) for n, name in enumerate(names)))


def test_composed_presence() -> None:
    asked = load_shipped("brain_tumour_mr")
    parts = ("necrotic_core", "oedema", "enhancing_tumour")
    absent = [Answer(part, SegmentationValue(Presence.ABSENT)) for part in parts]
    said = {a.item: a.value.presence for a in composed_answers(asked, absent)}
    assert said == {"whole_tumour": Presence.ABSENT, "tumour_core": Presence.ABSENT}
    one = [Answer("oedema", PRESENT), *absent[:1]]
    assert {a.item: a.value.presence for a in composed_answers(asked, one)} == {"whole_tumour": Presence.PRESENT}


def test_conditions_see_what_they_are_about() -> None:
    asked = load_shipped("wrist_fracture_xray")
    answers = [
        Answer("fracture_present", PresenceValue(Presence.PRESENT)),
        Answer("fracture", BoxValue((5.0, 5.0), (2.0, 2.0)), Subject(series="pa", instance=1)),
        Answer("bone", ChoiceValue(("radius",)), Subject(instance=1)),
        Answer("bone", ChoiceValue(("ulna",)), Subject(instance=2)),
    ]
    assert plain_values(asked, answers)["fracture"] == "present"
    assert "bone" not in plain_values(asked, answers)
    assert plain_values(asked, answers, Subject(instance=2))["bone"] == "ulna"
    assert plain_values(asked, answers, Subject(instance=2))["fracture_present"] == "present"

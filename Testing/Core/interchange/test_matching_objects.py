from AnnotationQACore.interchange.coco import CocoAnnotation, CocoImage
from AnnotationQACore.interchange.dicom_sr import (
    CodedEvaluation,
    CodedMeasurement,
    GraphicType,
    ImageShape,
    MeasurementGroup,
    SegmentReference,
    SpatialShape,
)
from AnnotationQACore.interchange.matching_objects import match_coco, match_groups
from AnnotationQACore.project.readings import (
    BoxValue,
    Landmark,
    LandmarksValue,
    MeasurementValue,
    Presence,
    PresenceValue,
)
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Rating
from AnnotationQACore.protocol.terminology import Code

VOLUME = Code("SCT", "118565006", "Volume")
MM3 = Code("UCUM", "mm3", "cubic millimeter")


def test_measurements_and_evaluations_of_an_instance():
    protocol = load_shipped("lung_nodule_ct")
    malignancy = protocol.item("malignancy")
    assert isinstance(malignancy, Rating)
    coded = [level for level in malignancy.levels if level.code]
    evaluations = (CodedEvaluation(malignancy.codes.type, coded[0].code),) if coded else ()
    group = MeasurementGroup(
        "nodule#2",
        "1.2.3",
        SegmentReference("1.2", 1),
        measurements=(CodedMeasurement(VOLUME, 1500.0, MM3), CodedMeasurement(Code("X", "y", "odd"), 1.0, MM3)),
        evaluations=evaluations,
    )
    matched = match_groups([group], protocol)
    volume = matched.answers[0]
    assert (volume.item, volume.subject.instance) == ("nodule_volume", 2)
    assert volume.value == MeasurementValue(1.5, "ml")
    assert len(matched.answers) == 1 + len(evaluations)
    assert any("odd (X y) matches no item" in mismatch for mismatch in matched.mismatches)


def test_wrong_unit_and_unknown_finding_are_named():
    protocol = load_shipped("lung_nodule_ct")
    wrong = MeasurementGroup("nodule#1", "", measurements=(CodedMeasurement(VOLUME, 1.0, Code("UCUM", "s", "second")),))
    unknown = MeasurementGroup("x", "", finding=Code("SCT", "78961009", "Spleen"))
    matched = match_groups([wrong, unknown], protocol)
    assert matched.answers == ()
    assert "is in s instead of ml" in matched.mismatches[0]
    assert "Spleen (SCT 78961009) matches no item" in matched.mismatches[1]


def test_presence_by_code():
    protocol = load_shipped("chest_xray_findings")
    pneumothorax = Code("SCT", "36118008", "Pneumothorax")
    said = CodedEvaluation(pneumothorax, Code("SCT", "2667000", "not there, says the vendor"))
    matched = match_groups([MeasurementGroup("case", "", evaluations=(said,))], protocol)
    assert [(a.item, a.value) for a in matched.answers] == [("pneumothorax", PresenceValue(Presence.ABSENT))]


def test_points_become_landmarks():
    groups = [
        MeasurementGroup(name, "", SpatialShape(GraphicType.POINT, ((1.0, 2.0, z),), "1.2"))
        for z, name in ((3.0, "C1"), (4.0, "c2"), (5.0, "nose"))
    ]
    matched = match_groups(groups, load_shipped("vertebra_landmarks"))
    (answer,) = matched.answers
    assert answer.item == "vertebral_bodies"
    assert answer.value == LandmarksValue((Landmark("c1", (1.0, 2.0, 3.0)), Landmark("c2", (1.0, 2.0, 4.0))))
    assert len(matched.mismatches) == 1
    assert "'nose'" in matched.mismatches[0]


def test_boxes_on_images():
    outline = ((1.0, 2.0), (5.0, 2.0), (5.0, 8.0), (1.0, 8.0), (1.0, 2.0))
    group = MeasurementGroup("fracture#1", "", ImageShape(GraphicType.POLYLINE, outline, "1.2.3"))
    protocol = load_shipped("wrist_fracture_xray")
    coco = CocoAnnotation(CocoImage("a.png", 10, 10), "Fracture", (1.0, 2.0, 4.0, 6.0))
    for matched in (match_groups([group], protocol), match_coco([coco], protocol, "1.2.3")):
        (answer,) = matched.answers
        assert (answer.item, answer.subject.image, answer.subject.instance) == ("fracture", "1.2.3", 1)
        assert answer.value == BoxValue((3.0, 5.0), (4.0, 6.0))
        assert matched.mismatches == ()


def test_coco_categories_that_match_nothing_are_named():
    image = CocoImage("a.png", 10, 10)
    annotations = [CocoAnnotation(image, "dog", (1.0, 2.0, 4.0, 6.0)), CocoAnnotation(image, "fracture")]
    matched = match_coco(annotations, load_shipped("wrist_fracture_xray"), "1.2.3")
    assert matched.answers == ()
    assert "category 'dog' matches no box" in matched.mismatches[0]
    assert "annotation 2: has no outline" in matched.mismatches[1]
    mapped = match_coco(annotations[:1], load_shipped("wrist_fracture_xray"), "1.2.3", {"dog": "fracture"})
    assert len(mapped.answers) == 1

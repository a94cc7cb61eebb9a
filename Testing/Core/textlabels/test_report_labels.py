"""From mentions to the labels of a report: sections, hierarchy, contradictions."""

import pytest

from AnnotationQACore.project.readings import Presence, PresenceValue, SegmentationValue
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.textlabels.labels import label_report
from AnnotationQACore.textlabels.language import SectionKind
from AnnotationQACore.textlabels.mentions import find_mentions
from AnnotationQACore.textlabels.report_reading import report_reading
from AnnotationQACore.textlabels.sentences import sentences_of
from AnnotationQACore.textlabels.vocabulary import Finding, vocabulary_of

REPORT = """CLINICAL HISTORY: Cough. Rule out pneumonia. Known emphysema.

COMPARISON: CT of 2 March showed a pneumothorax.

FINDINGS:
Small left pleural effusion, approx. 1.5 cm. No pneumothorax.
The heart is normal.

IMPRESSION:
1. Small left pleural effusion
2. No lung opacity
"""


@pytest.fixture
def labels(vocabulary, english):
    def label(text):
        found = label_report(find_mentions(text, vocabulary, english), vocabulary)
        return {str(one.finding): one for one in found}

    return label


def test_sentences_know_their_section(english):
    found = [(REPORT[s.start : s.stop], s.section) for s in sentences_of(REPORT, english)]
    assert found == [
        ("Cough.", SectionKind.HISTORY),
        ("Rule out pneumonia.", SectionKind.HISTORY),
        ("Known emphysema.", SectionKind.HISTORY),
        ("CT of 2 March showed a pneumothorax.", SectionKind.COMPARISON),
        ("Small left pleural effusion, approx. 1.5 cm.", SectionKind.FINDINGS),
        ("No pneumothorax.", SectionKind.FINDINGS),
        ("The heart is normal.", SectionKind.FINDINGS),
        ("Small left pleural effusion", SectionKind.CONCLUSION),
        ("No lung opacity", SectionKind.CONCLUSION),
    ]


def test_headings_in_running_text_and_of_organs(english):
    text = "No effusion. IMPRESSION: Normal. Lungs: clear\nHeart: normal"
    assert [(text[s.start : s.stop], s.section) for s in sentences_of(text, english)] == [
        ("No effusion.", SectionKind.UNNAMED),
        ("Normal.", SectionKind.CONCLUSION),
        ("Lungs: clear", SectionKind.CONCLUSION),
        ("Heart: normal", SectionKind.CONCLUSION),
    ]


def test_only_what_is_said_of_this_study_counts(labels):
    found = labels(REPORT)
    assert found["pleural_effusion"].assertion == "present"
    assert len(found["pleural_effusion"].mentions) == 2
    assert found["pneumothorax"].assertion == "absent"
    assert "emphysema" not in found


def test_absence_goes_down_the_hierarchy_and_presence_up(labels):
    found = labels("No lung opacity.")
    assert (found["consolidation"].assertion, str(found["consolidation"].implied_by)) == ("absent", "lung_opacity")
    found = labels("Dense consolidation.")
    assert (found["lung_opacity"].assertion, str(found["lung_opacity"].implied_by)) == ("present", "consolidation")
    assert "atelectasis" not in found
    assert "consolidation" not in labels("Patchy lung opacity.")


def test_a_device_that_is_named_makes_devices_present(labels):
    found = labels("Endotracheal tube in place. No feeding tube.")
    assert found["device_kinds/endotracheal_tube"].assertion == "present"
    assert found["devices"].assertion == "present"
    assert found["device_kinds/feeding_tube"].assertion == "absent"


def test_present_wins_and_the_contradiction_is_said(labels):
    found = labels("No right pneumothorax. Left pneumothorax.")["pneumothorax"]
    assert (found.assertion, found.contradicted) == ("present", True)
    assert labels("Effusion. Possible effusion.")["pleural_effusion"].assertion == "present"
    assert labels("No effusion. Possible effusion.")["pleural_effusion"].assertion == "uncertain"


def test_a_reading_answers_with_spans_and_without_words(labels, chest):
    reading = report_reading("case-1", list(labels("No effusion. Pacemaker. Atelectasis?").values()), chest)
    effusion = reading.answer("pleural_effusion")
    assert effusion.value == PresenceValue(Presence.ABSENT)
    assert effusion.comment == "report text, characters 3-11"
    assert reading.answer("atelectasis").value == PresenceValue(Presence.UNCERTAIN)
    assert reading.answer("device_kinds").value.choices == ("pacemaker",)
    assert reading.protocol == chest.hash
    assert [a.item for a in reading.answers] == sorted(
        (a.item for a in reading.answers), key=list(chest.item_ids).index
    )


def test_words_draw_nothing_but_can_say_that_nothing_is_there(english):
    protocol = load_shipped("lung_nodule_ct")
    vocabulary = vocabulary_of(protocol, english)
    assert set(vocabulary.terms) == {Finding("nodule")}
    for text, answers in (("No pulmonary nodules.", [SegmentationValue(Presence.ABSENT)]), ("A lung nodule.", [])):
        labels = label_report(find_mentions(text, vocabulary, english), vocabulary)
        assert [a.value for a in report_reading("c", labels, protocol).answers] == answers

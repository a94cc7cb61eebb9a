"""Labels of a report as a reading: a pre-annotation to start from, or a reader of its own for agreement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from AnnotationQACore.project.readings import (
    Answer,
    ChoiceValue,
    Presence,
    PresenceValue,
    Reading,
    SegmentationValue,
    Value,
)
from AnnotationQACore.protocol.model import Classification, Protocol, Segmentation
from AnnotationQACore.textlabels.context import Assertion
from AnnotationQACore.textlabels.labels import ReportLabel

__all__ = ["DEFAULT_READER", "report_reading"]

DEFAULT_READER = "model:report-text"

_PRESENCES = {
    Assertion.PRESENT: Presence.PRESENT,
    Assertion.ABSENT: Presence.ABSENT,
    Assertion.UNCERTAIN: Presence.UNCERTAIN,
}


def report_reading(
    case: str, labels: Sequence[ReportLabel], protocol: Protocol, reader: str = DEFAULT_READER
) -> Reading:
    """The reading that the labels of a report make.

    Classifications are answered; of what is drawn only "absent" is, since words draw nothing. Each answer's comment
    names the characters of the report that say so, and none of its words.
    """
    chosen: dict[str, list[ReportLabel]] = defaultdict(list)
    answers = []
    for label in labels:
        item = protocol.item(label.finding.item)
        if label.finding.choice:
            if label.assertion is Assertion.PRESENT:
                chosen[item.id].append(label)
        elif isinstance(item, Classification):
            answers.append(_answer(item.id, PresenceValue(_PRESENCES[label.assertion]), [label]))
        elif isinstance(item, Segmentation) and label.assertion is Assertion.ABSENT:
            answers.append(_answer(item.id, SegmentationValue(Presence.ABSENT), [label]))
    for item_id, present in chosen.items():
        answers.append(_answer(item_id, ChoiceValue(tuple(label.finding.choice for label in present)), present))
    order = {item_id: number for number, item_id in enumerate(protocol.item_ids)}
    answers.sort(key=lambda answer: order[answer.item])
    return Reading(case, reader, 1, 1, protocol.hash, tuple(answers))


def _answer(item: str, value: Value, labels: Sequence[ReportLabel]) -> Answer:
    spans = sorted({(m.span.start, m.span.stop) for label in labels for m in label.mentions})
    places = ", ".join(f"{start}-{stop}" for start, stop in spans)
    return Answer(item, value, comment=f"report text, characters {places}")

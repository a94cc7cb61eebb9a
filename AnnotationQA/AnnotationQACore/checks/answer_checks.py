"""Whether everything that is required was answered, with answers that the protocol knows."""

from __future__ import annotations

from collections.abc import Iterator

from AnnotationQACore.checks.context import CheckContext, problem_of
from AnnotationQACore.checks.plain_answers import is_asked, plain_values
from AnnotationQACore.checks.problems import CheckKind, ReadingProblem, Severity
from AnnotationQACore.project.answers import (
    Answer,
    ChoiceValue,
    LandmarksValue,
    NotApplicable,
    Presence,
    PresenceValue,
    RatingValue,
    SegmentationValue,
    Subject,
    TextValue,
)
from AnnotationQACore.protocol.model import (
    Classification,
    DrawnItem,
    Item,
    Landmarks,
    Measurement,
    Rating,
    Segmentation,
    TextAnswer,
)
from AnnotationQACore.wording import Wording, worded

__all__ = ["answer_problems", "required_problems"]

MOST_POINTS = 3
"""Named in a message."""


def required_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Items that are asked, required, and not answered."""
    for item in context.protocol.items:
        for subject in _subjects(context, item):
            values = plain_values(context.protocol, context.reading.answers, subject)
            if not is_asked(context.protocol, item.id, values) or _is_answered(context, item, subject):
                continue
            if isinstance(item, Measurement) and item.derived:
                yield from _not_derived(context, item, subject)
            elif item.required and not (isinstance(item, Segmentation) and item.composed):
                yield problem_of(item, CheckKind.REQUIRED, Severity.ERROR, _to_do(context, item, subject), subject)


def answer_problems(context: CheckContext) -> Iterator[ReadingProblem]:
    """Answers that are not among those that the protocol allows."""
    for answer in context.reading.answers:
        if answer.item in context.protocol.item_ids:
            item = context.protocol.item(answer.item)
            wrong = _wrong(context.title(item, answer.subject), item, answer)
            if wrong is not None:
                yield problem_of(item, CheckKind.ANSWER, Severity.ERROR, wrong, answer.subject)


def _subjects(context: CheckContext, item: Item) -> Iterator[Subject]:
    match item.scope.level:
        case "series":
            yield from (Subject(series=role) for role in context.images if item.scope.of in (None, role))
        case "image":
            yield from _image_subjects(context, item)
        case "instance":
            yield from (Subject(instance=number) for number in _instances(context, item.scope.of or ""))
        case _:
            yield context.base_subject(item)


def _image_subjects(context: CheckContext, item: Item) -> Iterator[Subject]:
    """Series of one image; of a stack nobody asks every slice, so that one answer is enough."""
    for role in context.images:
        if item.scope.of in (None, role):
            known = {a.subject for a in context.answers_to(item.id) if a.subject.series == role}
            yield next(iter(sorted(known, key=repr)), Subject(series=role))


def _instances(context: CheckContext, item: str) -> list[int]:
    numbers = {a.subject.instance for a in context.answers_to(item) if _is_there(a)}
    if context.regions is not None:
        numbers |= {n for n in context.regions.instances(item) if context.regions.region(f"{item}#{n}") is not None}
    found = context.protocol.item(item)
    if isinstance(found, DrawnItem) and not found.instances:
        return [1] if numbers else []
    return sorted(number for number in numbers if number is not None)


def _is_there(answer: Answer) -> bool:
    if isinstance(answer.value, SegmentationValue | PresenceValue):
        return answer.value.presence == Presence.PRESENT
    return not isinstance(answer.value, NotApplicable)


def _is_answered(context: CheckContext, item: Item, subject: Subject) -> bool:
    for answer in context.answers_to(item.id):
        if isinstance(answer.value, NotApplicable):
            continue
        if (
            isinstance(answer.value, LandmarksValue)
            and isinstance(item, Landmarks)
            and len(answer.value.landmarks) < len(item.points)
        ):
            continue
        same_series = answer.subject.series in (None, subject.series) or subject.series is None
        several = isinstance(item, DrawnItem) and item.instances and subject.instance is None
        same_instance = answer.subject.instance == subject.instance or several
        if same_series and (same_instance or (subject.instance == 1 and answer.subject.instance is None)):
            return True
    return False


def _to_do(context: CheckContext, item: Item, subject: Subject) -> Wording:
    title = context.title(item, subject)
    if isinstance(item, Landmarks):
        given = next((a.value for a in context.answers_to(item.id) if isinstance(a.value, LandmarksValue)), None)
        named = {mark.name for mark in given.landmarks} if given is not None else set()
        return _not_placed(title, [point.title for point in item.points if point.id not in named])
    if isinstance(item, DrawnItem):
        if item.may_be_absent:
            return worded("{title}: nothing is drawn; draw it, or say that it is absent.", title=title)
        return worded("{title}: nothing is drawn; draw it.", title=title)
    return worded("{title}: is not answered; answer it.", title=title)


def _not_placed(title: str, missing: list[str]) -> Wording:
    points, more = ", ".join(missing[:MOST_POINTS]), len(missing) - MOST_POINTS
    if more > 0:
        template = "{title}: {points} and {more} more not placed; place each point, or say that it is not visible."
        return worded(template, title=title, points=points, more=more)
    template = "{title}: {points} not placed; place each point, or say that it is not visible."
    return worded(template, title=title, points=points)


def _not_derived(context: CheckContext, item: Measurement, subject: Subject) -> Iterator[ReadingProblem]:
    """A derived measurement without value, although all is there that it is derived from."""
    for source in item.derived_from:
        answers = [a for a in context.answers_to(source) if subject.instance in (None, a.subject.instance)]
        if not any(_is_there(answer) for answer in answers):
            return
    severity = Severity.ERROR if item.required else Severity.WARNING
    wording = worded(
        "{title}: cannot be computed from {sources}; check those, and which is which.",
        title=context.title(item, subject),
        sources=", ".join(context.protocol.item(source).title for source in item.derived_from),
    )
    yield problem_of(item, CheckKind.ANSWER, severity, wording, subject)


def _wrong(title: str, item: Item, answer: Answer) -> Wording | None:
    value = answer.value
    match item:
        case Classification() if isinstance(value, ChoiceValue):
            known = {choice.id for choice in item.answers}
            if not set(value.choices) <= known or (item.selection == "single" and len(value.choices) != 1):
                return worded("{title}: the answer is not among those of the protocol; choose again.", title=title)
        case Rating() if isinstance(value, RatingValue):
            if value.level is not None and value.level not in {level.value for level in item.levels}:
                return worded("{title}: the level is not among those of the protocol; choose again.", title=title)
        case TextAnswer(max_length=longest) if isinstance(value, TextValue) and longest is not None:
            if len(value.text) > longest:
                template = "{title}: the text has more than {longest} characters; shorten it."
                return worded(template, title=title, longest=longest)
        case Landmarks() if isinstance(value, LandmarksValue):
            must = {point.id: point.title for point in item.points if not point.may_be_invisible}
            hidden = [must[m.name] for m in value.landmarks if m.position is None and m.name in must]
            if hidden:
                template = "{title}: '{point}' must be placed; the protocol does not allow 'not visible'."
                return worded(template, title=title, point=hidden[0])
        case DrawnItem(may_be_absent=False):
            if isinstance(value, PresenceValue | SegmentationValue) and value.presence == Presence.ABSENT:
                return worded("{title}: the protocol does not allow 'absent'; draw it.", title=title)
    return None

"""The report of one case as one page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from AnnotationQACore.evaluation.figure_names import figure_name
from AnnotationQACore.evaluation.loading import CaseReadings
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement, PairFigures, ValueRow
from AnnotationQACore.evaluation.segmentation_items import surface_tolerance_mm
from AnnotationQACore.project.readings import TextValue
from AnnotationQACore.protocol.items import Classification, Item, Rating, Segmentation, TextAnswer
from AnnotationQACore.protocol.words import kind_words
from AnnotationQACore.reporting.answer_analysis import category_titles
from AnnotationQACore.reporting.contents import CaseState, Contents
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.naming import subject_words
from AnnotationQACore.reporting.numbers import number
from AnnotationQACore.reporting.page import Column, figure, heading, page, table, verdict
from AnnotationQACore.reporting.pictures import SlicePicture
from AnnotationQACore.reporting.plots_outlines import outline_legend, outline_picture

__all__ = ["case_page"]

NO_IMAGE = "No image: outlines only. The stronger the grey, the more readers marked it."

_UNITS = {"segmentation": "volume, mm³", "polygon": "area, mm²", "box": "number"}


def case_page(
    contents: Contents,
    case: CaseAgreement,
    state: CaseState,
    readings: CaseReadings | None,
    pictures: Mapping[str, Sequence[SlicePicture]],
    problem: str = "",
) -> str:
    """Write the page of a case.

    Parameters
    ----------
    contents : Contents
    case : CaseAgreement
    state : CaseState
    readings : CaseReadings or None
        For texts, flags and comments; readers under the names of the report.
    pictures : mapping of item ID to SlicePicture
    problem : str
        Why the readings could not be read again.
    """
    items = [(contents.item(one.item), one) for one in case.items]
    main = [*_front(contents, case, state, problem)]
    for item, one in items:
        main.append(_item(item, one, case, contents, pictures.get(item.id, ())))
    if readings is not None:
        main += _texts(contents, case, readings)
    return page(
        f"{case.case}: {contents.project}",
        _navigation(items, contents, case.case, has_notes=readings is not None),
        main,
    )


def _navigation(
    items: Sequence[tuple[Item, ItemAgreement]], contents: Contents, case: str, *, has_notes: bool
) -> Iterator[Node]:
    yield tag("b", "Report")
    yield tag("a", "← All cases", href="../index.html#attention")
    cases = [one.case for one in contents.agreement.study.cases]
    place = cases.index(case)
    if place > 0:
        yield tag("a", f"Before: {cases[place - 1]}", href=f"{cases[place - 1]}.html")
    if place + 1 < len(cases):
        yield tag("a", f"Next: {cases[place + 1]}", href=f"{cases[place + 1]}.html")
    yield tag("b", "This case")
    for item, _ in items:
        yield tag("a", item.title, href=f"#item-{item.id}")
    if has_notes:
        yield tag("a", "Notes", href="#notes")


def _front(contents: Contents, case: CaseAgreement, state: CaseState, problem: str) -> Iterator[Node]:
    facts = [
        ("Patient (pseudonym)", case.patient),
        ("Readers", ", ".join(sorted(case.readers))),
        ("Status", state.status),
        ("Decisions", "; ".join(state.decisions)),
        ("Protocol", f"{contents.protocol.title}, version {contents.protocol.version}"),
    ]
    open_items = [contents.item(one.item).title for one in case.items if one.agreed is False]
    agreed = [contents.item(one.item).title for one in case.items if one.agreed]
    yield tag(
        "header",
        heading(1, case.case),
        tag("div", tag("a", contents.project, href="../index.html"), class_="soft"),
        tag("dl", *(part for name, words in facts if words for part in (tag("dt", name), tag("dd", words)))),
    )
    words = [tag("p", tag("b", "Needs a decision: "), ", ".join(open_items) if open_items else "nothing", ".")]
    if agreed:
        words.append(tag("p", tag("b", "Readers agree: "), ", ".join(agreed), "."))
    words += [tag("p", message) for message in case.messages]
    if problem:
        words.append(tag("p", tag("b", "No notes and pictures: "), problem, class_="bad"))
    yield tag("div", *words, class_="answer")


def _item(
    item: Item, one: ItemAgreement, case: CaseAgreement, contents: Contents, pictures: Sequence[SlicePicture]
) -> Markup:
    asked = item.agreement is not None and len(one.readers) > 1 and one.agreed is not None
    result = verdict(one.agreed, "agree", "for a reviewer") if asked else None
    judged = f"{number(one.judged)} for the two readers who agree least" if not math.isnan(one.judged) else None
    body: list[Node] = [
        tag("div", heading(3, item.title), tag("span", kind_words(item, contents.protocol), class_="tag"), result,
            tag("span", judged, class_="soft") if judged else None, class_="head"),
    ]  # fmt: skip
    readers = sorted(case.readers)
    if one.values:
        body.append(_answers(item, one, readers))
    body += _pictures(item, pictures, readers)
    if one.pairs:
        body.append(_pairs(one.pairs, f"Every two readers, whole case{_tolerance(item)}"))
    lesions = [
        (lesion.number, pair) for lesion in one.instances for pair in lesion.pairs if pair.state == "both present"
    ]
    if lesions:
        title = f"Every two readers, lesion by lesion{_tolerance(item)}"
        body.append(_details(title, _lesion_pairs(lesions)))
    return tag("section", *body, class_="card", id=f"item-{item.id}")


def _tolerance(item: Item) -> str:
    return f"; surface Dice at {surface_tolerance_mm(item):g} mm" if isinstance(item, Segmentation) else ""


def _answers(item: Item, one: ItemAgreement, readers: Sequence[str]) -> Markup:
    rows, marked = [], []
    for place, row in enumerate(one.values):
        cells = [_answer(item, one, row, reader) for reader in readers]
        rows.append((subject_words(row.subject), *cells, _spread(item, row)))
        if _differs(item, row, one):
            marked.append(place)
    numbers = not isinstance(item, (Classification, Rating))
    columns: Sequence[Column | str] = (
        "About",
        *(Column(reader, numbers) for reader in readers),
        Column("Largest difference", True),
    )
    unit = getattr(item, "unit", "") or _UNITS.get(item.kind, "")
    caption = f"Answers{', ' + unit if unit else ''}; marked where readers differ"
    return table(columns, rows, caption=caption, marked=marked, mark="differs")


def _answer(item: Item, one: ItemAgreement, row: ValueRow, reader: str) -> Node:
    if reader not in row.values:
        drawn = isinstance(item, Segmentation) and reader in one.readers
        return tag("span", "not drawn" if drawn else "not answered", class_="soft")
    value = row.values[reader]
    if value is None:
        return tag("span", "not assessable", class_="soft")
    if isinstance(item, (Classification, Rating)):
        return category_titles(item, [str(value)])[0]
    return number(float(value), 1)


def _spread(item: Item, row: ValueRow) -> str:
    if isinstance(item, Classification) or (isinstance(item, Rating) and item.scale == "nominal"):
        return "–"
    return "–" if math.isnan(row.spread) else number(row.spread, 1 if not isinstance(item, Rating) else 0)


def _differs(item: Item, row: ValueRow, one: ItemAgreement) -> bool:
    """Whether answers differ; numbers always do a little, so of what is drawn only lesions that somebody missed.

    Who did not draw a lesion was not asked about it.
    """
    if isinstance(item, (Classification, Rating)):
        unanswered = item.scope.level != "instance" and len(row.values) < len(one.readers)
        return unanswered or len(set(row.values.values())) > 1
    return isinstance(item, Segmentation) and item.instances and len(row.values) < len(one.readers)


def _pictures(item: Item, pictures: Sequence[SlicePicture], readers: Sequence[str]) -> Iterator[Node]:
    if not pictures:
        return
    shown = []
    for picture in sorted(pictures, key=lambda one: -one.differing_mm2):
        name = item.title if picture.lesion is None else f"Lesion {picture.lesion}"
        missing = [reader for reader, mask in picture.masks.items() if not mask.any()]
        words = f"Slice at {picture.axis} {picture.position:.1f} mm; {picture.differing_mm2:.0f} mm² differ"
        if missing:
            words += f"; not on this slice: {', '.join(missing)}"
        on = f"on {picture.image_name or 'an image'}" if picture.image is not None else "no image"
        title = f"{name}: outlines of {len(picture.masks)} readers, {on}"
        shown.append(figure(outline_picture(picture, readers, title), name, words))
    yield heading(4, "The slice on which readers differ most")
    if any(picture.image is None for picture in pictures):
        yield tag("p", NO_IMAGE, class_="soft")
    for image_name in dict.fromkeys(picture.image_name for picture in pictures if picture.image is not None):
        yield tag("p", f"Image: {image_name or 'its series has no description'}", class_="soft")
    yield outline_legend(readers)
    yield tag("div", *shown, class_="pictures")


def _pairs(pairs: Iterable[PairFigures], caption: str) -> Markup:
    several = list(pairs)
    names = _names(several)
    rows = [(f"{pair.a} – {pair.b}", _state(pair), *_cells(pair, names)) for pair in several]
    columns: Sequence[Column | str] = ("Pair", "Drawn by", *(Column(figure_name(name).title, True) for name in names))
    return table(columns, rows, caption=caption)


def _lesion_pairs(lesions: Sequence[tuple[int, PairFigures]]) -> Markup:
    names = _names([pair for _, pair in lesions])
    rows = [(f"Lesion {lesion}", f"{pair.a} – {pair.b}", *_cells(pair, names)) for lesion, pair in lesions]
    columns: Sequence[Column | str] = ("Lesion", "Pair", *(Column(figure_name(name).title, True) for name in names))
    return table(columns, rows, caption="Lesions that both readers of the pair drew")


def _names(pairs: Sequence[PairFigures]) -> list[str]:
    return list(dict.fromkeys(name for pair in pairs for name in pair.figures))


def _cells(pair: PairFigures, names: Sequence[str]) -> list[str]:
    return [number(pair.figures.get(name, math.nan)) for name in names]


def _state(pair: PairFigures) -> str:
    return {"only a": f"only {pair.a}", "only b": f"only {pair.b}", "both absent": "nobody"}.get(pair.state, "both")


def _texts(contents: Contents, case: CaseAgreement, readings: CaseReadings) -> Iterator[Node]:
    """Free texts, flags and comments, which are for people to read."""
    yield heading(2, "Notes", "notes")
    titles = {item.id: item.title for item in contents.protocol.items if isinstance(item, TextAnswer)}
    rows: list[Sequence[Node]] = []
    for reader in sorted(case.readers):
        reading = readings.readings[reader]
        rows += [
            (reader, titles.get(answer.item, answer.item), answer.value.text)
            for answer in reading.answers
            if isinstance(answer.value, TextValue) and answer.value.text
        ]
        rows += [(reader, "Flag", flag) for flag in reading.flags]
        rows += [(reader, "Comment", reading.comment)] if reading.comment else []
    yield table(("Reader", "Of", "Text"), rows) if rows else tag("p", "None.", class_="soft")


def _details(summary: str, *nodes: Node) -> Markup:
    return tag("details", tag("summary", summary), *nodes)

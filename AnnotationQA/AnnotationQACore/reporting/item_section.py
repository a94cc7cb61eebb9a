"""The section of one item in the report of a project."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from AnnotationQACore.evaluation.summary import Figure, ItemSummary
from AnnotationQACore.protocol.items import Item
from AnnotationQACore.protocol.words import agreement_words, kind_words, scope_words
from AnnotationQACore.reporting.analysis_records import CategoryTables, Detection, ItemAnalysis, ReaderFigures
from AnnotationQACore.reporting.attention import SplitAnswer, WorstCase
from AnnotationQACore.reporting.contents import Contents
from AnnotationQACore.reporting.html import Markup, Node, fragment, tag
from AnnotationQACore.reporting.naming import subject_words
from AnnotationQACore.reporting.numbers import count, interval, number, percent, signed
from AnnotationQACore.reporting.page import Column, figure, heading, table, verdict
from AnnotationQACore.reporting.plots_bland_altman import bland_altman_plots
from AnnotationQACore.reporting.plots_detection import detection_bars
from AnnotationQACore.reporting.plots_distribution import strip_plot
from AnnotationQACore.reporting.plots_estimates import forest_plot
from AnnotationQACore.reporting.plots_matrix import confusion_matrix, reader_matrix, small_confusions, usage_bars

__all__ = ["case_link", "item_section", "shown_value", "summary_of"]


def summary_of(contents: Contents, item: Item) -> ItemSummary | None:
    """Summary of an item; None when no case has the answers of two readers."""
    return next((one for one in contents.agreement.summary.items if one.item == item.id), None)


def case_link(case: str) -> Markup:
    """Link to the page of a case."""
    return tag("a", case, href=f"cases/{case}.html", class_="case")


def shown_value(worst: WorstCase) -> str:
    """The figure by which a case is ranked; whole levels without decimals."""
    return f"{worst.value:g}" if worst.value == round(worst.value) and worst.value else number(worst.value)


def item_section(contents: Contents, item: Item) -> Markup:
    """Everything about one item."""
    summary = summary_of(contents, item)
    head = tag(
        "div",
        heading(3, item.title),
        tag("span", kind_words(item, contents.protocol), class_="tag"),
        tag("code", item.id),
        class_="head",
    )
    body: list[Node] = [head, tag("p", item.definition), _judgement(contents, item, summary)]
    if summary is None:
        body.append(tag("p", "No case has answers of two readers to this item.", class_="open"))
    else:
        body += _figures(contents, item, summary)
    return tag("section", *body, class_="card", id=f"item-{item.id}")


def _judgement(contents: Contents, item: Item, summary: ItemSummary | None) -> Markup:
    asked = scope_words(item, contents.protocol)
    unit = "levels" if item.kind == "rating" else getattr(item, "unit", "")
    judged = f"Judged by: {agreement_words(item.agreement, unit)}." if item.agreement else "Not judged by the protocol."
    result = fragment(" ", verdict(summary.reached)) if summary and item.agreement else None
    return tag("p", f"Asked {asked}. {judged}", result, class_="soft")


def _figures(contents: Contents, item: Item, summary: ItemSummary) -> Iterator[Node]:
    analysis = contents.analyses[item.id]
    yield _statistics(summary)
    if analysis.categories is not None:
        yield from _categories(analysis.categories, summary)
    if analysis.detection is not None:
        yield from _detection(analysis.detection)
    for distribution in analysis.distributions:
        judged = distribution.statistic == summary.judged_by and distribution.of == "cases"
        yield figure(
            strip_plot(distribution, summary.threshold if judged else None),
            f"{distribution.title}, one dot for each of the {distribution.of}",
            "Rows are pairs of readers; the bar is the median, the box the middle half."
            + (" ∞: cases in which only one of the two drew anything." if any(distribution.infinite) else ""),
        )
    yield from _readers(analysis)
    yield from _limits(analysis)
    yield from _worst(contents.worst[item.id])
    yield from _splits(contents.splits[item.id])


def _statistics(summary: ItemSummary) -> Markup:
    rows = [_row(one, one.name == summary.judged_by) for one in summary.figures]
    marked = [place for place, one in enumerate(summary.figures) if one.name == summary.judged_by]
    columns: Sequence[Column | str] = (
        "Statistic", Column("Value", True), Column("95 % CI", True), Column("n", True), "of", Column("Patients", True),
        Column("Undefined", True), "Note",
    )  # fmt: skip
    readers, cases = count(len(summary.readers), "reader"), count(summary.n_cases, "case")
    caption = f"Agreement of {readers} in {cases} that two or more read."
    return table(columns, rows, caption=caption, marked=marked)


def _row(one: Figure, judged: bool) -> Sequence[Node]:
    notes = [one.note] if one.note else []
    if one.name.startswith("per lesion ") and one.undefined:
        notes.append("undefined: lesions that one reader only drew")
    if one.undefined_resamples:
        notes.append(f"{one.undefined_resamples} resamples undefined")
    if judged:
        notes.insert(0, "judged by this")
    return (
        one.title,
        number(one.value),
        interval(one.low, one.high),
        str(one.n),
        one.of,
        str(one.n_patients),
        str(one.undefined) if one.undefined else "0",
        "; ".join(notes),
    )


def _categories(tables: CategoryTables, summary: ItemSummary) -> Iterator[Node]:
    yield _paradox(tables, summary)
    total = sum(map(sum, tables.used)) or 1
    rows = [
        (title, percent(sum(used[place] for used in tables.used) / total, 1), number(positive, 2), number(negative, 2))
        for place, (title, positive, negative) in enumerate(
            zip(tables.titles, tables.positive, tables.negative, strict=True)
        )
    ]
    yield tag(
        "div",
        table(
            ("Answer", Column("Share", True), Column("Specific agreement", True), Column("on its absence", True)),
            rows,
            caption="How often each answer is given, and how sure a second reader gives it too",
        ),
        figure(confusion_matrix(tables), "Confusion, all pairs together", "Rows: the reader of a pair named first."),
        class_="row",
    )
    yield figure(usage_bars(tables), "Use of the answers", "Each reader's answers, from the first to the last.")
    yield _details("Confusion matrices of every pair", figure(small_confusions(tables), "Confusion of every pair",
        "Rows: the reader named first. Answers in the order of the table above."), _pair_table(tables))  # fmt: skip


def _paradox(tables: CategoryTables, summary: ItemSummary) -> Markup:
    """Kappa beside what explains it."""
    total = sum(map(sum, tables.used)) or 1
    shares = [sum(used[place] for used in tables.used) / total for place in range(len(tables.titles))]
    most = max(range(len(shares)), key=shares.__getitem__)
    names = ("percent_agreement", "cohen_kappa", "gwet_ac1")
    values = {name: one.value for name in names if (one := summary.figure(name))}
    words = (
        f"Read kappa with prevalence: “{tables.titles[most]}” is {percent(shares[most], 1)} of all answers; "
        f"agreement {percent(values.get('percent_agreement', math.nan), 1)}, "
        f"kappa {number(values.get('cohen_kappa', math.nan))}, AC1 {number(values.get('gwet_ac1', math.nan))}."
    )
    return tag("p", words)


def _pair_table(tables: CategoryTables) -> Markup:
    rows = [
        (f"{pair.a} – {pair.b}", str(pair.n), percent(pair.percent_agreement, 1), number(pair.kappa),
         number(pair.gwet_ac1), number(pair.prevalence_index), number(pair.bias_index))
        for pair in tables.pairs
    ]  # fmt: skip
    names = ("n", "Agreement", "Kappa", "AC1", "Prevalence index", "Bias index")
    return table(("Pair", *(Column(name, True) for name in names)), rows,
                 caption="Unweighted; prevalence and bias index only where there are two answers")  # fmt: skip


def _detection(detection: Detection) -> Iterator[Node]:
    explanation = f"{count(sum(detection.found_by), 'lesion')} that at least one reader drew."
    if detection.partial_cases:
        explanation += f" {count(detection.partial_cases, 'case')} were read by fewer than {detection.n_readers}."
    rows = [
        (reader, str(found), str(alone), str(missed))
        for reader, found, alone, missed in zip(
            detection.readers, detection.found, detection.alone, detection.missed, strict=True
        )
    ]
    yield tag(
        "div",
        figure(detection_bars(detection), "Who saw the lesions", explanation),
        table(
            ("Reader", Column("Drawn", True), Column("Nobody else", True), Column("All others, not this one", True)),
            rows,
            caption="Lesions of each reader",
        ),
        class_="row",
    )


def _readers(analysis: ItemAnalysis) -> Iterator[Node]:
    if any(math.isfinite(one.value) for one in analysis.pairs):
        readers = sorted({reader for one in analysis.pairs for reader in (one.a, one.b)})
        smaller = "mm" in analysis.pair_statistic
        title = f"{analysis.pair_statistic} of every two readers, {analysis.pair_of}"
        yield figure(
            reader_matrix(analysis.pairs, readers, title, larger_is_better=not smaller),
            title,
            "The stronger the colour, the more alike compared with the other pairs of this item.",
        )
    for figures in analysis.readers:
        yield figure(forest_plot(figures), f"Readers: {figures.title}", _biased(figures))


def _biased(figures: ReaderFigures) -> str:
    if figures.name == "agreement with the others":
        return ""
    outside = [one for one in figures.readers if one.estimate.low > 0 or one.estimate.high < 0]
    if not outside:
        return "Every interval contains 0."
    words = [f"{one.reader} ({signed(one.estimate.value)})" for one in outside]
    return f"Interval without 0: {', '.join(words)}."


def _limits(analysis: ItemAnalysis) -> Iterator[Node]:
    if not analysis.limits:
        return
    relative = "%" in analysis.limits_title
    quantity = "volume of the two, mm³" if "volume" in analysis.limits_title else "of the two"
    if "area" in analysis.limits_title:
        quantity = "area of the two, mm²"
    yield figure(
        bland_altman_plots(analysis.limits, analysis.limits_title, f"mean {quantity}", logarithmic=relative),
        f"Bland-Altman: {analysis.limits_title}",
        "Solid: bias. Dashed: 95 % limits of agreement. Bands: their 95 % intervals.",
    )
    rows = [
        (f"{pair.a} minus {pair.b}", str(pair.bias.n), _with_interval(pair.bias.value, pair.bias.low, pair.bias.high),
         _with_interval(pair.lower.value, pair.lower.low, pair.lower.high),
         _with_interval(pair.upper.value, pair.upper.low, pair.upper.high), _p(pair.proportional.p))
        for pair in analysis.limits
    ]  # fmt: skip
    names = ("n", "Bias (95 % CI)", "Lower limit (95 % CI)", "Upper limit (95 % CI)", "p, bias grows with size")
    yield table(("Pair", *(Column(name, True) for name in names)), rows, caption=analysis.limits_title)


def _worst(worst: Sequence[WorstCase]) -> Iterator[Node]:
    if worst:
        rows = [(case_link(one.case), shown_value(one), one.detail) for one in worst]
        yield table(("Case", Column(worst[0].statistic, True), "Detail"), rows, caption="Worst cases")


def _splits(splits: Sequence[SplitAnswer]) -> Iterator[Node]:
    if splits:
        rows = [(case_link(one.case), subject_words(one.subject), one.detail) for one in splits]
        yield _details(
            f"{count(len(splits), 'question')} on which the readers are split evenly",
            table(("Case", "Subject", "Answers"), rows),
        )


def _details(summary: str, *nodes: Node) -> Markup:
    return tag("details", tag("summary", summary), *nodes)


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{signed(value, 1)} ({interval(low, high, 1)})"


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"

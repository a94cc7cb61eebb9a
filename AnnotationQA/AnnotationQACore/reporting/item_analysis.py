"""All that a report shows of the items beyond their summaries."""

from __future__ import annotations

from dataclasses import replace

from AnnotationQACore.evaluation.drawn_statistics import TITLES
from AnnotationQACore.evaluation.project import ProjectAgreement
from AnnotationQACore.evaluation.study_statistics import Found
from AnnotationQACore.evaluation.summary import ItemSummary
from AnnotationQACore.protocol.items import Classification, Item, Measurement, Rating
from AnnotationQACore.reporting.analysis_records import ItemAnalysis, ReaderFigures
from AnnotationQACore.reporting.answer_analysis import (
    AnswerTable,
    answer_table,
    category_tables,
    pair_kappas,
    pair_limits,
    reader_bias,
)
from AnnotationQACore.reporting.drawn_analysis import (
    boundary_shift,
    detection,
    distributions,
    pair_statistic,
    reader_agreement,
)
from AnnotationQACore.reporting.estimates import Bootstrap

__all__ = ["analyse_items", "found_in"]


def analyse_items(agreement: ProjectAgreement) -> dict[str, ItemAnalysis]:
    """Analyse every item that two readers answered in some case, with the bootstrap of the summary."""
    bootstrap = Bootstrap(agreement.summary.resamples, agreement.summary.seed)
    items = {item.id: item for item in agreement.protocol.items}
    return {
        summary.item: _analyse(items[summary.item], summary, found_in(agreement, summary.item), bootstrap)
        for summary in agreement.summary.items
    }


def found_in(agreement: ProjectAgreement, item: str) -> Found:
    """An item in every case in which two readers or more answered it."""
    found = [(case, one) for case in agreement.study.cases if (one := case.item(item)) is not None]
    return [(case, one) for case, one in found if len(one.readers) > 1]


def _analyse(item: Item, summary: ItemSummary, found: Found, bootstrap: Bootstrap) -> ItemAnalysis:
    readers = tuple(sorted(summary.readers))
    analysis = _drawn(item, found, readers, bootstrap)
    table = answer_table(item, found, readers)
    if table is None:
        return analysis
    if isinstance(item, (Classification, Rating)):
        return _categories(item, table, analysis, bootstrap)
    return _numbers(item, table, analysis, bootstrap)


def _drawn(item: Item, found: Found, readers: tuple[str, ...], bootstrap: Bootstrap) -> ItemAnalysis:
    name = pair_statistic(item, found)
    if not name:
        return ItemAnalysis(item.id)
    spread = distributions(name, found, readers)
    figures = [reader_agreement(name, found, readers, "cases", bootstrap)]
    shift = boundary_shift(found, readers, bootstrap)
    return ItemAnalysis(
        item.id,
        pair_statistic=TITLES[name],
        pair_of="mean over cases",
        pairs=spread[0].means if spread else (),
        distributions=spread,
        readers=(*figures, shift) if shift else tuple(figures),
        detection=detection(found, readers),
    )


def _categories(
    item: Classification | Rating, table: AnswerTable, analysis: ItemAnalysis, bootstrap: Bootstrap
) -> ItemAnalysis:
    title, pairs, agreement = pair_kappas(item, table, bootstrap)
    figures: list[ReaderFigures] = [agreement]
    if isinstance(item, Rating) and item.scale == "ordinal":
        figures.append(reader_bias(table, "levels", "Higher (+) or lower (-) than the others, levels", bootstrap))
    return replace(
        analysis,
        pair_statistic=title,
        pair_of=f"over {table.of}",
        pairs=pairs,
        readers=tuple(figures),
        categories=category_tables(item, table),
    )


def _numbers(item: Item, table: AnswerTable, analysis: ItemAnalysis, bootstrap: Bootstrap) -> ItemAnalysis:
    """Volumes and areas are compared by ratio: their differences grow with size."""
    if isinstance(item, Measurement):
        unit = item.unit.replace("2", "²")
        title = f"Larger (+) or smaller (-) than the others, {unit}".rstrip(", ")
        bias = reader_bias(table, "measurement", title, bootstrap)
        return replace(
            analysis,
            readers=(*analysis.readers, bias),
            limits_title=f"Difference, {unit}".rstrip(", "),
            limits=pair_limits(table, bootstrap),
        )
    quantity = {"segmentation": "volume", "polygon": "area"}.get(item.kind)
    if quantity is None:
        return analysis
    title = f"{quantity.capitalize()} larger (+) or smaller (-) than the others, %"
    bias = reader_bias(table, quantity, title, bootstrap, relative=True)
    return replace(
        analysis,
        readers=(*analysis.readers, bias),
        limits_title=f"Difference of {quantity}, % of the mean of the two",
        limits=pair_limits(table, bootstrap, relative=True),
    )

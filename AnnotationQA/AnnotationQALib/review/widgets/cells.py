"""Colours of judgements, and figures in words."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import qt
from slicer.i18n import tr as _

from AnnotationQACore.evaluation.figure_names import figure_name
from AnnotationQACore.protocol.statistics import STATISTICS
from AnnotationQACore.review.case_list import ItemCell, Judgement
from AnnotationQACore.review.kinds import Kind
from AnnotationQALib.widgets.tables import cell

__all__ = [
    "distance_text",
    "figure_text",
    "figure_title",
    "is_dark",
    "judged_cell",
    "judgement_text",
    "kind_text",
    "share_text",
    "short_title",
    "threshold_text",
    "time_text",
    "volume_text",
]

_LIGHT = {
    Judgement.AGREED: "#c9ecd2",
    Judgement.CLOSE: "#fbe7b0",
    Judgement.DIFFERENT: "#f6c4c0",
    Judgement.UNDEFINED: "#e2e4e8",
    Judgement.ONE_READER: "#e2e4e8",
}
_DARK = {
    Judgement.AGREED: "#1f5132",
    Judgement.CLOSE: "#6a4e10",
    Judgement.DIFFERENT: "#7a2b28",
    Judgement.UNDEFINED: "#4b4f57",
    Judgement.ONE_READER: "#4b4f57",
}
_SIGNS = {
    Judgement.AGREED: "✓",
    Judgement.CLOSE: "≈",
    Judgement.DIFFERENT: "✗",
    Judgement.UNDEFINED: "?",
    Judgement.ONE_READER: "1",
    Judgement.NOT_JUDGED: "",
    Judgement.PENDING: "…",
}


def is_dark(widget: Any) -> bool:
    """Whether a widget is shown in a dark theme."""
    return bool(widget.palette.color(qt.QPalette.Window).lightness() < 128)


def judgement_text(judgement: Judgement) -> str:
    """A judgement as the reviewer's word."""
    return {
        Judgement.AGREED: _("agreed"),
        Judgement.CLOSE: _("missed by less than a tenth"),
        Judgement.DIFFERENT: _("below the threshold"),
        Judgement.UNDEFINED: _("undefined"),
        Judgement.ONE_READER: _("one reader only"),
        Judgement.NOT_JUDGED: _("the protocol judges no single case"),
        Judgement.PENDING: _("not compared yet"),
    }[judgement]


def judged_cell(found: ItemCell | None, dark: bool) -> Any:
    """The figure of an item with the colour and the sign of its judgement."""
    if found is None:
        return cell("")
    sign = _SIGNS[found.judgement]
    text = " ".join(filter(None, [figure_text(found.value, ""), sign]))
    statistic = figure_title(found.statistic) if found.statistic else _("no statistic")
    made = cell(text, f"{statistic}: {judgement_text(found.judgement)}")
    made.setTextAlignment(qt.Qt.AlignCenter)
    color = (_DARK if dark else _LIGHT).get(found.judgement)
    if color is not None:
        made.setBackground(qt.QBrush(qt.QColor(color)))
        made.setForeground(qt.QBrush(qt.QColor("#ffffff" if dark else "#111111")))
    return made


def threshold_text(found: ItemCell) -> str:
    """What the figure is and what the protocol asks of it."""
    if not found.statistic:
        return ""
    facts = STATISTICS[found.statistic]
    if facts.of_one_case:
        sign = "≥" if facts.better == "larger" else "≤"
        return f"{short_title(found.statistic)} {sign} {figure_text(found.threshold)}"
    if math.isnan(found.threshold):
        return _("over all cases only")
    return _("apart ≤ {number}").format(number=figure_text(found.threshold))


def kind_text(kind: Kind) -> str:
    """A kind of disagreement as the reviewer's word."""
    return {
        Kind.LATERALITY_SWAP: _("Laterality swap"),
        Kind.MISSED_STRUCTURE: _("Missed structure"),
        Kind.EXTRA_STRUCTURE: _("Extra structure"),
        Kind.OTHER_STRUCTURE: _("Other structure"),
        Kind.SLICE_EXTENT: _("Slice extent at the ends"),
        Kind.BOUNDARY: _("Boundary"),
        Kind.ANSWER: _("Answer"),
        Kind.RATING: _("Rating"),
        Kind.MEASUREMENT: _("Measurement"),
        Kind.BOX: _("Box"),
        Kind.POLYGON: _("Polygon"),
        Kind.LANDMARK: _("Landmark"),
        Kind.NOT_READ: _("Not read or not assessable"),
    }[kind]


def figure_title(name: str) -> str:
    """Name of a figure as reports have it."""
    return str(_(figure_name(name).title))


def short_title(name: str) -> str:
    """Name of a figure where there is little room."""
    return str(_(figure_name(name).short))


def figure_text(value: float, undefined: str = "–") -> str:
    """A figure of agreement."""
    if math.isnan(value):
        return undefined
    return "∞" if math.isinf(value) else f"{value:.3g}"


def share_text(value: float) -> str:
    """A figure between 0 and 1, with as many digits as the ones below it."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def volume_text(mm3: float) -> str:
    """A volume in the unit that suits it."""
    if math.isnan(mm3):
        return ""
    return f"{mm3 / 1000:.3g} ml" if mm3 >= 1000 else f"{mm3:.3g} mm³"


def distance_text(mm: float, is_known: bool = True) -> str:
    """A distance between surfaces; dots while it is measured."""
    if math.isnan(mm):
        return "…" if not is_known else ""
    return "∞" if math.isinf(mm) else f"{mm:.1f} mm"


def time_text(time: str) -> str:
    """A time of the ledger as the clock on the wall shows it."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return time

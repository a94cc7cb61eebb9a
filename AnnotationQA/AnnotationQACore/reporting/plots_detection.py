"""How many readers found the lesions."""

from __future__ import annotations

from AnnotationQACore.reporting.analysis_records import Detection
from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.numbers import count, percent
from AnnotationQACore.reporting.svg import drawing, label

__all__ = ["detection_bars"]


def detection_bars(detection: Detection) -> Markup:
    """One bar for the lesions that 1, 2, ... readers drew."""
    total = sum(detection.found_by)
    most = max(detection.found_by) or 1
    left, width, high = 76.0, 430.0, 24.0
    nodes: list[Node] = []
    for place, lesions in enumerate(detection.found_by):
        y = (high + 6) * place + 2
        who = "all readers" if place + 1 == detection.n_readers else count(place + 1, "reader")
        nodes.append(label(left - 8, y + high / 2 + 4, who, "", "end"))
        length = (width - left - 120) * lesions / most
        nodes.append(tag("rect", x=left, y=y, width=max(length, 1.0), height=high, class_="bar"))
        words = f"{count(lesions, 'lesion')}, {percent(lesions / total)}"
        nodes.append(label(left + length + 8, y + high / 2 + 4, words, "figure"))
    return drawing(
        width, (high + 6) * len(detection.found_by) + 2, "Lesions by the number of readers who drew them", *nodes
    )

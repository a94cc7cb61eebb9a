"""Outlines of all readers on one slice, along the edges of the voxels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from AnnotationQACore.reporting.html import Markup, Node, tag
from AnnotationQACore.reporting.pictures import SlicePicture
from AnnotationQACore.reporting.png import png_data_uri
from AnnotationQACore.reporting.svg import COLORS, drawing, label, line
from AnnotationQACore.segmentation import BoolArray

__all__ = ["outline_legend", "outline_picture", "voxel_outline"]

_SIZE = 300.0
_EDGE = 16.0
_NICE_MM = (1, 2, 5, 10, 20, 50, 100)


def outline_picture(picture: SlicePicture, readers: Sequence[str], title: str) -> Markup:
    """Outlines over the image; without one, over a plain background: the more readers marked a voxel, the darker it is.

    Outlines that coincide stay visible: those of later readers are narrower and lie on top.

    Parameters
    ----------
    picture : SlicePicture
    readers : sequence of str
        All readers of the page, so that everyone has the same colour in every picture.
    title : str
    """
    rows, columns = next(iter(picture.masks.values())).shape
    height_mm, width_mm = rows * picture.spacing[0], columns * picture.spacing[1]
    per_mm = (_SIZE - 2 * _EDGE) / max(height_mm, width_mm)
    step = (picture.spacing[0] * per_mm, picture.spacing[1] * per_mm)
    width, height = columns * step[1], rows * step[0]
    nodes: list[Node] = [tag("rect", x=_EDGE, y=_EDGE, width=width, height=height, class_="ground")]
    if picture.image is None:
        nodes += _votes(picture, step)
    else:
        nodes.append(
            tag("image", x=_EDGE, y=_EDGE, width=width, height=height, preserveaspectratio="none",
                href=png_data_uri(picture.image))
        )  # fmt: skip
    for name, mask in picture.masks.items():
        if mask.any():
            place = readers.index(name)
            nodes.append(
                tag("path", tag("title", name), d=voxel_outline(mask, step, _EDGE), class_="outline",
                    stroke=f"var(--c{place % COLORS})", stroke_width=_stroke(place, len(readers)))
            )  # fmt: skip
    nodes += _sides(picture.sides, width, height)
    nodes += _scale_bar(per_mm, width_mm, height)
    return drawing(width + 2 * _EDGE, height + 2 * _EDGE + 20, title, *nodes)


def outline_legend(readers: Sequence[str]) -> Markup:
    """Which outline is whose."""
    entries = [
        tag(
            "span",
            tag(
                "svg",
                tag("path", d="M1 7H35", class_="outline", fill="none", stroke=f"var(--c{place % COLORS})",
                    stroke_width=_stroke(place, len(readers))),
                viewbox="0 0 36 14", aria_hidden="true",
            ),
            reader,
        )
        for place, reader in enumerate(readers)
    ]  # fmt: skip
    return tag("div", *entries, class_="legend")


def voxel_outline(mask: BoolArray, step: tuple[float, float], offset: float = 0.0) -> str:
    """SVG path along the edges between marked and unmarked pixels.

    Parameters
    ----------
    mask : bool array, shape (row, column)
    step : (float, float)
        Height and width of a pixel.
    offset : float
        Added to both coordinates.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    across = np.diff(padded, axis=0)[:, 1:-1] != 0
    down = np.diff(padded, axis=1)[1:-1] != 0
    height, width = step
    parts = [
        f"M{_short(offset + start * width)} {_short(offset + row * height)}H{_short(offset + stop * width)}"
        for row, start, stop in _runs(across)
    ]
    parts += [
        f"M{_short(offset + column * width)} {_short(offset + start * height)}V{_short(offset + stop * height)}"
        for column, start, stop in _runs(down.T)
    ]
    return "".join(parts)


def _runs(edges: BoolArray) -> Iterator[tuple[int, int, int]]:
    """Row, start and stop of every run of edges."""
    padded = np.pad(edges, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    starts, stops = np.argwhere(change == 1), np.argwhere(change == -1)
    for (row, start), (_, stop) in zip(starts.tolist(), stops.tolist(), strict=True):
        yield row, start, stop


def _votes(picture: SlicePicture, step: tuple[float, float]) -> Iterator[Node]:
    votes = np.sum(list(picture.masks.values()), axis=0)
    for count in range(1, int(votes.max()) + 1):
        cells = "".join(
            f"M{_short(_EDGE + start * step[1])} {_short(_EDGE + row * step[0])}"
            f"h{_short((stop - start) * step[1])}v{_short(step[0])}h{_short((start - stop) * step[1])}z"
            for row, start, stop in _runs(votes >= count)
        )
        yield tag("path", d=cells, class_="votes", fill_opacity=0.28 / len(picture.masks))


def _sides(sides: tuple[str, str, str, str], width: float, height: float) -> Iterator[Node]:
    left, right, top, bottom = sides
    yield label(4, _EDGE + height / 2 + 4, left, "tick", "middle")
    yield label(width + 2 * _EDGE - 6, _EDGE + height / 2 + 4, right, "tick", "middle")
    yield label(_EDGE + width / 2, _EDGE - 4, top, "tick", "middle")
    yield label(_EDGE + width / 2, _EDGE + height + 12, bottom, "tick", "middle")


def _scale_bar(per_mm: float, width_mm: float, height: float) -> Iterator[Node]:
    length = max((mm for mm in _NICE_MM if mm <= width_mm / 3), default=1)
    y = height + 2 * _EDGE + 12
    yield line(_EDGE, y, _EDGE + length * per_mm, y, "scale")
    yield label(_EDGE + length * per_mm + 6, y + 4, f"{length} mm", "tick")


def _stroke(place: int, readers: int) -> float:
    return 1.3 + 1.0 * (readers - 1 - place) if readers <= 5 else 2.0


def _short(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")

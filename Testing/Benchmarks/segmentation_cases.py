"""Label maps for benchmarks: structures of the size of organs and lesions, drawn by readers whose outlines differ.

Each structure is an ellipsoid with bumps of several centimetres that all readers share; each reader adds an error of
his own, smooth over about 5 mm, so that boundaries of two readers differ by one to two millimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Case:
    """Label maps of one image, shape (k, j, i) each, and their spacing in mm."""

    name: str
    title: str
    spacing: Spacing
    readers: list[np.ndarray]


def cases(quick: bool) -> dict[str, Callable[[], Case]]:
    """All cases by name; `quick` makes them about a tenth of the size."""
    ct: Shape = (100, 256, 256) if quick else (300, 512, 512)
    brain: Shape = (96, 96, 96) if quick else (256, 256, 256)
    wide, narrow = ((8.0, 25.0), (5.0, 12.0)) if quick else ((20.0, 60.0), (8.0, 25.0))
    return {
        "ct-2": lambda: _case("ct-2", f"CT {_size(ct)}, 20 labels, 2 readers", ct, (2.0, 0.8, 0.8), 20, 2, wide),
        "ct-4": lambda: _case("ct-4", f"CT {_size(ct)}, 20 labels, 4 readers", ct, (2.0, 0.8, 0.8), 20, 4, wide),
        "brain": lambda: _case("brain", f"brain {_size(brain)}, 36 labels", brain, (1.0, 1.0, 1.0), 36, 2, narrow),
        "lesion": lambda: _case("lesion", f"one lesion in CT {_size(ct)}", ct, (2.0, 0.8, 0.8), 1, 2, (5.0, 8.0)),
        "lesions": lambda: _lesions(f"80 lesions in CT {_size(ct)}", ct, (2.0, 0.8, 0.8)),
    }


def _case(
    name: str, title: str, shape: Shape, spacing: Spacing, n_labels: int, n_readers: int, radii: tuple[float, float]
) -> Case:
    generator = np.random.default_rng(1)
    readers = [np.zeros(shape, dtype=np.uint8) for _ in range(n_readers)]
    for label in range(1, n_labels + 1):
        _draw(readers, label, spacing, radii, generator)
    return Case(name, title, spacing, readers)


def _lesions(title: str, shape: Shape, spacing: Spacing) -> Case:
    """Many small structures that are all one label."""
    generator = np.random.default_rng(2)
    readers = [np.zeros(shape, dtype=np.uint8) for _ in range(2)]
    for _ in range(80):
        _draw(readers, 1, spacing, (3.0, 8.0), generator)
    return Case("lesions", title, spacing, readers)


def _draw(
    readers: list[np.ndarray],
    label: int,
    spacing: Spacing,
    radii: tuple[float, float],
    generator: np.random.Generator,
) -> None:
    """Add one structure to the label maps of all readers."""
    step = np.array(spacing)
    extent = np.array(readers[0].shape) * step
    radius = generator.uniform(*radii, 3)
    centre = generator.uniform(np.minimum(radius + 5, extent / 2), np.maximum(extent - radius - 5, extent / 2))
    low = np.maximum(((centre - radius - 12) / step).astype(int), 0)
    high = np.minimum(((centre + radius + 12) / step).astype(int) + 1, readers[0].shape)
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    k, j, i = np.ogrid[box]
    outside = np.sqrt(
        sum(
            ((index * width - middle) / size) ** 2
            for index, width, middle, size in zip((k, j, i), spacing, centre, radius, strict=True)
        )
    )
    depth = (outside - 1) * radius.min() + _noise(outside.shape, 8 / step, 0.1 * radius.min(), generator)
    for reader in readers:
        reader[box][depth + _noise(outside.shape, 5 / step, 1.1, generator) < 0] = label


def _noise(shape: tuple[int, ...], width: np.ndarray, amount: float, generator: np.random.Generator) -> np.ndarray:
    noise = gaussian_filter(generator.standard_normal(shape).astype(np.float32), width)
    return noise * (amount / noise.std())


def _size(shape: Shape) -> str:
    return "x".join(str(n) for n in reversed(shape))

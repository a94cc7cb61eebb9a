"""How alike altered copies and different images are: `python Testing/Benchmarks/release_duplicates.py [FOLDER]`.

FOLDER holds images in folders (DICOM series) or files; by default the reference data of the tests. Every image is
altered in ways in which copies differ in practice, and compared with itself; then all are compared with each other.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from AnnotationQACore.errors import AnnotationQAError
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.release.duplicates import ALIKE, SAME
from AnnotationQACore.release.fingerprints import fingerprint_of_voxels
from AnnotationQACore.release.similarity import candidates, likeness

Array = NDArray[np.float64]
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"


def cut(voxels: Array, low: float, high: float) -> Array:
    """Rows and columns between two parts of the image."""
    return voxels[:, *(slice(int(low * size), int(high * size)) for size in voxels.shape[1:])]


def windowed(voxels: Array) -> Array:
    """8 bits, from the 1st to the 99th percentile."""
    low, high = np.percentile(voxels, (1, 99))
    return np.round(255 * np.clip((voxels - low) / max(high - low, 1e-9), 0, 1))


def noisy(voxels: Array) -> Array:
    """Noise of 5 % of the range."""
    low, high = np.percentile(voxels, (1, 99))
    return voxels + np.random.default_rng(0).normal(0, 0.05 * (high - low), voxels.shape)


ALTERATIONS: dict[str, Callable[[Array], Array]] = {
    "0.6 of the size": lambda v: ndimage.zoom(v, (1, 0.6, 0.6), order=1),
    "1.2 of the size": lambda v: ndimage.zoom(v, (1, 1.2, 1.2), order=1),
    "8 bits": windowed,
    "noise of 5 %": noisy,
    "padded": lambda v: np.pad(v, ((0, 0), (40, 10), (5, 60)), constant_values=float(v.min())),
    "8 % cut on every side": lambda v: cut(v, 0.08, 0.92),
    "18 % cut on two sides": lambda v: cut(v, 0.0, 0.82),
    "2 and 3 slices cut": lambda v: v[2:-3] if v.shape[0] > 9 else v,
}


def images(folder: Path) -> Iterator[tuple[str, Array]]:
    """Grey images below the folder, of more than 40 different values; the first volume of each."""
    inner = sorted(path for path in (folder / "dicom").iterdir() if path.is_dir())
    files = sorted([*folder.rglob("*.nrrd"), *folder.rglob("*.nii.gz")])
    for path in [*inner, *(path for path in files if "image" in path.name or "subvolume" in path.name)]:
        try:
            series = open_series(path)
        except AnnotationQAError:
            continue
        voxels = series.voxels[..., :3].mean(axis=-1) if series.is_color else series.voxels
        voxels = np.asarray(voxels[0] if series.dimension is not None else voxels, np.float64)
        voxels = voxels.reshape(-1, *voxels.shape[-2:])
        if len(np.unique(voxels[:: max(1, len(voxels) // 3)])) > 40:
            yield path.name, voxels


def main(folder: Path) -> None:
    """Print both tables."""
    found = dict(images(folder))
    prints = {name: fingerprint_of_voxels(voxels) for name, voxels in found.items()}
    print("| alteration | images | same (>= 0.9) | alike (>= 0.8) | lost before the close look | least likeness |")
    print("|---|---:|---:|---:|---:|---:|")
    for title, alter in ALTERATIONS.items():
        values, lost = [], 0
        for name, voxels in found.items():
            looks = fingerprint_of_voxels(alter(voxels)).looks
            lost += not list(candidates([prints[name].looks, looks]))
            values.append(likeness(prints[name].looks, looks))
        same, alike = (sum(value >= limit for value in values) for limit in (SAME, ALIKE))
        print(f"| {title} | {len(values)} | {same} | {alike} | {lost} | {min(values):.2f} |", flush=True)
    pairs = [(likeness(prints[a].looks, prints[b].looks), a, b) for a, b in itertools.combinations(prints, 2)]
    pairs.sort(reverse=True)
    print(
        f"\n{len(pairs)} pairs of different images; the most alike: {pairs[0][0]:.2f} ({pairs[0][1]}, {pairs[0][2]})."
    )
    rng = np.random.default_rng(0)
    many = [prints[name].looks for name in rng.choice(list(prints), 400)]
    begun = time.process_time()
    count = sum(1 for _ in candidates(many))
    spent = time.process_time() - begun
    print(f"Coarse comparison of {len(many)} images (79,800 pairs, {count} left): {spent:.1f} CPU s.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("ANNOTATIONQA_TEST_DATA", DEFAULT)))

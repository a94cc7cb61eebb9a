"""How far the longest diameter of a mask is from that of the ellipse it was drawn from, by the choice of end points.

Prints mean and standard deviation of the error in voxels over ellipses of random size, place and direction.
"""

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

END_POINTS = {
    "voxel centres": [(0.0, 0.0)],
    "half-way to the neighbour outside": [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)],
    "outer corners": [(0.5, 0.5), (0.5, -0.5), (-0.5, 0.5), (-0.5, -0.5)],
}
ELLIPSES = 400


def ellipse(rng: np.random.Generator, aspect: float) -> tuple[np.ndarray, float]:
    """Indices of the pixels whose centre is in a random ellipse, and its longest diameter."""
    radius, (y, x), turn = rng.uniform(5, 15), rng.uniform(-0.5, 0.5, 2), rng.uniform(0, np.pi)
    j, i = np.mgrid[-20:21, -20:21]
    along = np.cos(turn) * (i - x) + np.sin(turn) * (j - y)
    across = np.cos(turn) * (j - y) - np.sin(turn) * (i - x)
    return np.argwhere((along / radius) ** 2 + (across / (aspect * radius)) ** 2 < 1), 2 * radius


def longest(points: np.ndarray) -> float:
    """Longest distance between two of the points."""
    return float(pdist(points[ConvexHull(points).vertices]).max())


def main() -> None:
    """Print the table."""
    for aspect in (1.0, 0.9, 0.6):
        rng = np.random.default_rng(0)
        errors: dict[str, list[float]] = {name: [] for name in END_POINTS}
        for _ in range(ELLIPSES):
            pixels, truth = ellipse(rng, aspect)
            for name, moves in END_POINTS.items():
                errors[name].append(longest(np.concatenate([pixels + np.array(move) for move in moves])) - truth)
        for name, found in errors.items():
            print(f"axes 1 : {aspect:.1f}  {name:34} {np.mean(found):+.2f} +- {np.std(found):.2f} voxels")


if __name__ == "__main__":
    main()

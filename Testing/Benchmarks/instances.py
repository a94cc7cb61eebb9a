"""Matching of instances: `python Testing/Benchmarks/instances.py [--rounds 3] [--lesions 80] [--skip-panoptica]`.

Two readers' masks of scattered lesions in a CT of 512x512x300 voxels: components, overlaps, matching at IoU > 0.5, and
panoptic quality. Processor seconds, interleaved, the median of the rounds, masks in memory. Against

- ``cc3d pipeline``: what scripts do with cc3d: `connected_components` of each mask, the joint histogram of labels by
  `numpy.unique` where both are set, `cc3d.statistics` for volumes and centres;
- ``cc3d only``: nothing but the two calls of `cc3d.connected_components`;
- ``panoptica``: its evaluator with cc3d, matching by threshold, and the metrics IoU and Dice.

All must find the same matches and the same panoptic quality.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SHAPE = (300, 512, 512)
PACKAGES = ["panoptica==2.1.7", "connected-components-3d==3.29.0"]


def draw_masks(lesions: int) -> tuple[np.ndarray, np.ndarray]:
    """Ellipsoids of 3 to 12 voxels radius; the second reader sees most of them, shifted, and some others."""
    generator = np.random.default_rng(0)
    masks = np.zeros((2, *SHAPE), np.uint8)
    for lesion in range(lesions):
        radius = generator.uniform(3, 12, 3)
        centre = np.array([generator.uniform(15, size - 15) for size in SHAPE])
        for reader in range(2):
            if (lesion + reader) % 10 == 0:
                continue
            ellipsoid(masks[reader], centre + reader * generator.uniform(-2, 2, 3), radius)
    return masks[0], masks[1]


def ellipsoid(mask: np.ndarray, centre: np.ndarray, radius: np.ndarray) -> None:
    """Set the voxels inside."""
    low = np.maximum(np.floor(centre - radius).astype(int), 0)
    high = np.minimum(np.ceil(centre + radius).astype(int) + 1, mask.shape)
    axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radius, strict=True)) <= 1
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))][inside] = 1


def ours(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Our way."""
    from AnnotationQACore.agreement.instances.instances import connected_instances
    from AnnotationQACore.agreement.instances.instances_matching import match_instances
    from AnnotationQACore.geometry import Grid

    grid = Grid(SHAPE)
    found = match_instances(connected_instances(a, grid), connected_instances(b, grid))
    return {"matches": len(found.matches), "quality": found.panoptic_quality}


def cc3d_pipeline(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """A script around cc3d."""
    import cc3d

    first, in_first = cc3d.connected_components(a, connectivity=26, return_N=True)
    second, in_second = cc3d.connected_components(b, connectivity=26, return_N=True)
    volumes_a, volumes_b = (cc3d.statistics(labels)["voxel_counts"].astype(int) for labels in (first, second))
    both = (first > 0) & (second > 0)
    pairs, shared = np.unique(np.stack([first[both], second[both]]), axis=1, return_counts=True)
    iou = shared / (volumes_a[pairs[0]] + volumes_b[pairs[1]] - shared)
    matched = iou[iou > 0.5]
    return {"matches": len(matched), "quality": matched.sum() / ((in_first + in_second) / 2)}


def cc3d_only(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Components alone, without any comparison."""
    import cc3d

    for mask in (a, b):
        cc3d.connected_components(mask, connectivity=26)
    return {}


def panoptica(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Panoptica's evaluator."""
    from panoptica import (
        ConnectedComponentsInstanceApproximator,
        InputType,
        Metric,
        NaiveThresholdMatching,
        Panoptica_Evaluator,
    )

    evaluator = Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(),
        instance_metrics=[Metric.IOU, Metric.DSC],
        global_metrics=[],
    )
    result = evaluator.evaluate(b, a, verbose=False)["ungrouped"]
    return {"matches": result.tp, "quality": result.pq}


PEERS: dict[str, Callable[[np.ndarray, np.ndarray], dict[str, float]]] = {
    "cc3d pipeline": cc3d_pipeline,
    "cc3d only": cc3d_only,
    "panoptica": panoptica,
}


def run_peer(name: str, file: Path) -> None:
    """In the peers' environment: print result and processor seconds, after one run to load what is loaded late."""
    import warnings

    warnings.simplefilter("ignore")
    a, b = np.load(file)
    PEERS[name](a[:20], b[:20])
    start = time.process_time()
    result = PEERS[name](a, b)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, **{key: float(value) for key, value in result.items()}}))


def compare(rounds: int, lesions: int, peers: list[str]) -> dict[str, float]:
    """Run all in turn, and print the table; the seconds of each, those of ours first."""
    from peer_environment import peer_python

    python = peer_python("instances", PACKAGES)
    masks = draw_masks(lesions)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "masks.npy"
        np.save(file, np.stack(masks))
        ours(*masks)
        for _ in range(rounds):
            start = time.process_time()
            result = ours(*masks)
            seconds.setdefault("ours", []).append(time.process_time() - start)
            for name in peers:
                command = [python, Path(__file__), "--peer", name, "--file", file]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                answer = json.loads(output.strip().splitlines()[-1])
                seconds.setdefault(name, []).append(answer["seconds"])
                if "matches" in answer and (
                    answer["matches"] != result["matches"] or abs(answer["quality"] - result["quality"]) > 1e-9
                ):
                    sys.exit(f"{name} finds {answer}, we find {result}")
    own = statistics.median(seconds["ours"])
    print(f"{lesions} lesions, 2 readers, {SHAPE}; {result['matches']} matches, PQ {result['quality']:.4f}")
    print(f"{'':16} {'s':>9} {'ratio':>8}")
    for name in ("ours", *peers):
        median = statistics.median(seconds[name])
        print(f"{name:16} {median:9.3f} {median / own:8.1f}")
    return {name: statistics.median(times) for name, times in seconds.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lesions", type=int, default=80)
    parser.add_argument("--skip-panoptica", action="store_true", help="it takes by far the longest")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        run_peer(arguments.peer, arguments.file)
    else:
        chosen = [name for name in PEERS if not (arguments.skip_panoptica and name == "panoptica")]
        compare(arguments.rounds, arguments.lesions, chosen)

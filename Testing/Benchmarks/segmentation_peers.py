"""Measures one package on label maps; run by `segmentation_agreement.py` in the environment of that package.

Reads requests from standard input, one JSON line each, and answers each with one line: processor seconds of the call
(import, loading, masks and crops excluded; all threads and child processes included), the most memory that it took
beyond what was there before, the figures, and, of a short call on a crop, the processor seconds of the same call once
more. Every package is called as its documentation shows, on the masks of one label, for Dice, Hausdorff distance, its
95th percentile, mean surface distance, and surface Dice at 1 and 2 mm, as far as it has them.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TOLERANCES = (1.0, 2.0)

SHORT, REPEATS = 0.02, 5
"""Processor seconds up to which a call on a crop is made again, and how often: cutting out the masks leaves the caches
of the processor empty, and a first call of a millisecond mostly fills them."""


class Ours:
    """All labels and all pairs at once, from the label maps."""

    whole, maps = True, False

    def __init__(self):
        from AnnotationQACore.agreement.segmentations.segmentations import compare_segmentations
        from AnnotationQACore.geometry import Grid

        self._compare, self._grid = compare_segmentations, Grid

    def prepare(self, readers, spacing):
        self._readers, self._geometry = readers, self._grid(readers[0].shape, spacing)

    def measure(self):
        names = {f"reader {place}": array for place, array in enumerate(self._readers)}
        self._result = self._compare(names, self._geometry, tolerances_mm=TOLERANCES)

    def figures(self):
        return {key: label.pairs[0].to_json() for key, label in self._result.labels.items()}


class Reading:
    """Nothing but reading all voxels once: the least that label maps can cost."""

    whole, maps = True, False

    def prepare(self, readers, spacing):
        self._readers = readers

    def measure(self):
        for reader in self._readers:
            reader.max()

    def figures(self):
        return {}


class SurfaceDistance:
    whole = maps = False

    def __init__(self):
        from surface_distance import metrics

        self._metrics = metrics

    def prepare(self, a, b, spacing):
        self._a, self._b, self._spacing = a, b, spacing

    def measure(self):
        m = self._metrics
        distances = m.compute_surface_distances(self._a, self._b, self._spacing)
        self._figures = {
            "dice": m.compute_dice_coefficient(self._a, self._b),
            "hd": m.compute_robust_hausdorff(distances, 100),
            "hd95": m.compute_robust_hausdorff(distances, 95),
            "masd": sum(m.compute_average_surface_distance(distances)) / 2,
            "nsd": {str(tau): m.compute_surface_dice_at_tolerance(distances, tau) for tau in TOLERANCES},
        }

    def figures(self):
        return self._figures


class MedPy(SurfaceDistance):
    def __init__(self):
        from medpy.metric import binary

        self._binary = binary

    def measure(self):
        m, masks = self._binary, (self._a, self._b)
        self._figures = {
            "dice": m.dc(*masks),
            "hd": m.hd(*masks, voxelspacing=self._spacing),
            "hd95": m.hd95(*masks, voxelspacing=self._spacing),
            "assd": m.assd(*masks, voxelspacing=self._spacing),
        }


class Panoptica(SurfaceDistance):
    def __init__(self):
        from panoptica import InputType, Metric, Panoptica_Evaluator

        metrics = [Metric.DSC, Metric.HD, Metric.HD95, Metric.ASSD, Metric.NSD]
        self._evaluator = Panoptica_Evaluator(
            expected_input=InputType.MATCHED_INSTANCE, instance_metrics=metrics, verbose=False, log_times=False
        )

    def prepare(self, a, b, spacing):
        super().prepare(a.astype(np.uint8), b.astype(np.uint8), spacing)

    def measure(self):
        found = self._evaluator.evaluate(self._a, self._b, voxelspacing=self._spacing, verbose=False)
        result = (found.get("ungrouped") or next(iter(found.values()))) if isinstance(found, dict) else found
        result = result[0] if isinstance(result, tuple) else result
        self._figures = {"dice": result.sq_dsc, "hd": result.sq_hd, "hd95": result.sq_hd95, "assd": result.sq_assd}


class PanopticaMetrics(SurfaceDistance):
    """Its metrics called on two masks, as `Metric.__call__` documents; nothing is cut out."""

    def __init__(self):
        from panoptica.metrics import Metric

        self._metric = Metric

    def measure(self):
        m, masks = self._metric, (self._b, self._a)
        self._figures = {
            "dice": m.DSC(*masks),
            "hd": m.HD(*masks, voxelspacing=self._spacing),
            "hd95": m.HD95(*masks, voxelspacing=self._spacing),
            "assd": m.ASSD(*masks, voxelspacing=self._spacing),
            "nsd": {str(tau): m.NSD(*masks, voxelspacing=self._spacing, threshold=tau) for tau in TOLERANCES},
        }


class FormerPanoptica(SurfaceDistance):
    """Panoptica before it cut out each instance (1.1.4); with the metrics that it had then."""

    maps = True

    def __init__(self):
        from panoptica import InputType, Panoptica_Evaluator

        self._evaluator = Panoptica_Evaluator(expected_input=InputType.MATCHED_INSTANCE)

    def measure(self):
        result, *_ = self._evaluator.evaluate(self._a, self._b, verbose=False)["ungrouped"]
        self._figures = {"dice": result.sq_dsc, "assd": result.sq_assd}


class Pymia(SurfaceDistance):
    def __init__(self):
        import SimpleITK as sitk
        from pymia.evaluation import evaluator, metric

        self._sitk = sitk
        metrics = [
            metric.DiceCoefficient(),
            metric.HausdorffDistance(),
            metric.HausdorffDistance(percentile=95, metric="HD95"),
            metric.AverageDistance(),
            *(metric.SurfaceDiceOverlap(tolerance=tau, metric=f"NSD{tau}") for tau in TOLERANCES),
        ]
        self._evaluator = evaluator.SegmentationEvaluator(metrics, {1: "label"})

    def prepare(self, a, b, spacing):
        self._images = []
        for mask in (a, b):
            image = self._sitk.GetImageFromArray(mask.astype(np.uint8))
            image.SetSpacing([float(step) for step in reversed(spacing)])
            self._images.append(image)

    def measure(self):
        self._evaluator.clear()
        self._evaluator.evaluate(*self._images, "case")
        found = {result.metric: float(result.value) for result in self._evaluator.results}
        self._figures = {"dice": found["DICE"], "hd": found["HDRFDST"], "hd95": found["HD95"]}


class SimpleItk(Pymia):
    """As in the SimpleITK notebook on segmentation evaluation."""

    def __init__(self):
        import SimpleITK as sitk

        self._sitk = sitk

    def measure(self):
        sitk, (a, b) = self._sitk, self._images
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(a, b)
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(a, b)
        ways = []
        for one, other in ((a, b), (b, a)):
            distance = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
            surface = sitk.GetArrayFromImage(sitk.LabelContour(one))
            ways.append(sitk.GetArrayFromImage(distance)[surface == 1])
        both = np.concatenate(ways)
        self._figures = {
            "dice": overlap.GetDiceCoefficient(),
            "hd": hausdorff.GetHausdorffDistance(),
            "hd95": float(max(np.percentile(way, 95) for way in ways)),
            "assd": float(both.mean()),
            "nsd": {str(tau): float((both <= tau).mean()) for tau in TOLERANCES},
        }


class Monai(SurfaceDistance):
    def __init__(self):
        import torch
        from monai import metrics

        self._torch, self._metrics = torch, metrics

    def prepare(self, a, b, spacing):
        self._spacing = list(spacing)
        self._a, self._b = (self._torch.from_numpy(mask[None, None].astype(np.uint8)) for mask in (a, b))

    def measure(self):
        m, masks = self._metrics, (self._a, self._b)
        options = {"include_background": True, "spacing": self._spacing}
        self._figures = {
            "dice": float(m.compute_dice(*masks, include_background=True)),
            "hd": float(m.compute_hausdorff_distance(*masks, **options)),
            "hd95": float(m.compute_hausdorff_distance(*masks, percentile=95, **options)),
            "assd": float(m.compute_average_surface_distance(*masks, symmetric=True, **options)),
            "nsd": {str(tau): float(m.compute_surface_dice(*masks, [tau], **options)) for tau in TOLERANCES},
        }


class MeshMetrics(SurfaceDistance):
    def __init__(self):
        import meshmetrics

        self._compute = meshmetrics.compute_metrics

    def measure(self):
        metrics = ["dsc", "hd", "masd", "assd", "nsd"]
        spacing = tuple(reversed(self._spacing))
        # It takes arrays in the order (i, j, k).
        masks = (mask.transpose(2, 1, 0) for mask in (self._b, self._a))
        found = self._compute(*masks, spacing=spacing, taus=TOLERANCES, metrics=metrics)
        self._figures = {"dice": found["DSC"], "hd": found["HD_100"], "hd95": found["HD_95"], "assd": found["ASSD"]}


class MetricsReloaded(SurfaceDistance):
    def __init__(self):
        from MetricsReloaded.metrics.pairwise_measures import BinaryPairwiseMeasures

        self._measures = BinaryPairwiseMeasures

    def prepare(self, a, b, spacing):
        super().prepare(a.astype(np.uint8), b.astype(np.uint8), spacing)

    def measure(self):
        wanted = ["dsc", "hd", "hd_perc", "assd", "masd", "nsd"]
        self._figures = {}
        for tau in TOLERANCES:
            arguments = {"hd_perc": 95, "nsd": tau}
            names = wanted if tau == TOLERANCES[0] else ["nsd"]
            if tau == TOLERANCES[0]:
                case = self._measures(self._a, self._b, measures=names, pixdim=list(self._spacing), dict_args=arguments)
            else:
                # The same object keeps its distances.
                case.measures, case.dict_args = names, arguments
            found = case.to_dict_meas()
            self._figures.update({key: float(value) for key, value in found.items() if key != "nsd"})
        self._figures["dice"] = self._figures.pop("dsc")


class Plastimatch(SurfaceDistance):
    """A program on files; writing them is not measured, reading them is."""

    def __init__(self):
        import SimpleITK as sitk

        self._sitk, self._folder = sitk, tempfile.TemporaryDirectory()

    def prepare(self, a, b, spacing):
        self._files = []
        for name, mask in (("a", a), ("b", b)):
            image = self._sitk.GetImageFromArray(mask.astype(np.uint8))
            image.SetSpacing([float(step) for step in reversed(spacing)])
            self._files.append(str(Path(self._folder.name) / f"{name}.mha"))
            self._sitk.WriteImage(image, self._files[-1])

    def measure(self):
        command = ["plastimatch", "dice", "--all", *self._files]
        self._text = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def figures(self):
        def number(name):
            found = re.search(rf"^{name}[^:=\n]*[:=]\s*([-\d.eE+]+)", self._text, re.MULTILINE)
            return float(found[1]) if found else None

        return {"dice": number("DICE"), "hd": number("Hausdorff distance")}


PEERS = {
    "ours": Ours,
    "reading": Reading,
    "surface-distance": SurfaceDistance,
    "plastimatch": Plastimatch,
    "meshmetrics": MeshMetrics,
    "monai": Monai,
    "pymia": Pymia,
    "simpleitk": SimpleItk,
    "metricsreloaded": MetricsReloaded,
    "medpy": MedPy,
    "panoptica": Panoptica,
    "panoptica-metrics": PanopticaMetrics,
    "panoptica-1.1": FormerPanoptica,
}


def processor_seconds():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def timed(peer):
    start = processor_seconds()
    peer.measure()
    # The time of a child counts once its parent has waited for it.
    for child in multiprocessing.active_children():
        child.join()
    return processor_seconds() - start


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def cropped(a, b, margin=2):
    """Both masks on the box that holds them, with a margin."""
    places = [np.flatnonzero((a | b).any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(slice(max(int(held[0]) - margin, 0), int(held[-1]) + margin + 1) for held in places)
    return a[box].copy(), b[box].copy()


def chosen(reader, labels, as_map):
    """Mask of the labels, or the map without the others."""
    mask = np.isin(reader, labels) if len(labels) > 1 else reader == labels[0]
    return np.where(mask, reader, 0) if as_map else mask


def answer(peer, request, stored):
    """Measure one request; label maps stay loaded between requests."""
    folder = request["folder"]
    if folder not in stored:
        stored.clear()
        stored[folder] = [np.load(name) for name in sorted(Path(folder).glob("*.npy"))]
    readers, spacing = stored[folder], tuple(request["spacing"])
    if peer.whole and not request["cropped"]:
        peer.prepare(readers, spacing)
    else:
        a, b = (chosen(reader, request["labels"], peer.maps) for reader in readers[:2])
        if request["cropped"]:
            a, b = cropped(a, b)
        masks = ((a, b),) if peer.whole else (a, b)
        peer.prepare(*masks, spacing)
        del a, b, masks
    # The highest mark so far is that of this call only if the call raises it; it is reset where the system allows.
    Path("/proc/self/clear_refs").write_text("5")
    before, seconds = resident_mb(), timed(peer)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    short = request["cropped"] and seconds < SHORT
    again = statistics.median(timed(peer) for _ in range(REPEATS)) if short else seconds
    return {"seconds": seconds, "again": again, "megabytes": int(peak[1]) / 1024 - before, "figures": peer.figures()}


def main():
    # Packages print: answers keep the original standard output to themselves.
    replies, sys.stdout = sys.stdout, sys.stderr
    peer = PEERS[sys.argv[1]]()
    stored = {}
    for line in sys.stdin:
        replies.write(json.dumps(answer(peer, json.loads(line), stored), default=float) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()

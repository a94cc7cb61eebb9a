"""DICOM SEG of 20 segments on 512 x 512 x 300: CPU time against highdicom called in its fastest way, and peak memory.

    python Testing/Benchmarks/objects.py [--slices 300] [--runs 3]

Targets: CPU time at most 1.2 times that of highdicom, peak memory under 1 GB. Ends with code 1 when one is missed.
Every measurement has a process of its own, the two ways by turns, because the peak of a process never falls again.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

TISSUE = Code("SCT", "85756007", "Tissue")
TIME_TARGET = 1.2
MEMORY_TARGET = 1000.0


def grid_of(slices: int) -> Grid:
    return Grid((slices, 512, 512), (1.0, 0.7, 0.7), (-179.0, -179.0, 0.0))


def labels_of(slices: int, count: int = 20) -> np.ndarray:
    """Ellipsoids in four columns and five rows, each through most slices, which do not overlap."""
    labels = np.zeros((slices, 512, 512), np.uint8)
    k = np.linspace(-1.05, 1.05, slices)[:, np.newaxis, np.newaxis]
    rows, columns = np.mgrid[-1:1:100j, -1:1:120j]
    ball = k**2 + rows**2 + columns**2 < 1
    for number in range(count):
        row, column = 5 + 100 * (number // 4), 10 + 125 * (number % 4)
        labels[:, row : row + 100, column : column + 120][ball] = number + 1
    return labels


def series_on(grid: Grid) -> list:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, generate_uid

    study, series, frame_of_reference = (generate_uid() for _ in range(3))
    headers = []
    for k in range(grid.shape[0]):
        header = Dataset()
        header.file_meta = FileMetaDataset()
        header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, generate_uid()
        header.StudyInstanceUID, header.SeriesInstanceUID = study, series
        header.FrameOfReferenceUID, header.Modality = frame_of_reference, "CT"
        header.Rows, header.Columns = grid.shape[1:]
        header.PixelSpacing = list(grid.spacing[1:])
        header.SliceThickness = grid.spacing[0]
        header.ImagePositionPatient = grid.to_world((k, 0, 0)).tolist()
        header.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
                        "StudyTime", "AccessionNumber", "ReferringPhysicianName"):  # fmt: skip
            setattr(header, keyword, "")
        headers.append(header)
    return headers


def by_us(path: Path, labels: np.ndarray, headers: list) -> None:
    from AnnotationQACore.interchange.derived import ObjectInfo
    from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg

    segments = tuple(Segment(f"s{n}", f"S{n}", n, category=TISSUE, type=TISSUE) for n in range(1, 21))
    segmentation = Segmentation(labels[np.newaxis], grid_of(len(labels)), segments)
    write_dicom_seg(path, segmentation, headers, ObjectInfo(description="benchmark"))


def by_highdicom(path: Path, labels: np.ndarray, headers: list) -> None:
    """The fastest way: one 3D label array, all type 2 attributes there, no check of ours."""
    import highdicom
    from pydicom.uid import generate_uid

    tissue = highdicom.sr.CodedConcept("85756007", "SCT", "Tissue")
    descriptions = [highdicom.seg.SegmentDescription(n, f"S{n}", tissue, tissue, "MANUAL") for n in range(1, 21)]
    seg = highdicom.seg.Segmentation(
        headers, labels, "BINARY", descriptions, generate_uid(), 1, generate_uid(), 1, "M", "M", "1", "1"
    )
    seg.save_as(path)


WAYS = {"ours": by_us, "highdicom": by_highdicom}


def measure_here(way: str, slices: int) -> dict[str, float]:
    import highdicom  # noqa: F401  loading the library is not what is compared

    warnings.simplefilter("ignore")
    labels, headers = labels_of(slices), series_on(grid_of(slices))
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        WAYS[way](Path(folder) / "seg.dcm", labels, headers)
        seconds = time.process_time() - start
        size = (Path(folder) / "seg.dcm").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "file_mb": size / 2**20}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", choices=list(WAYS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_here(arguments.one, arguments.slices)))
        return 0
    results: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(arguments.runs):
        for way, measured in results.items():
            command = [sys.executable, __file__, "--one", way, "--slices", str(arguments.slices)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
    for way, measured in results.items():
        seconds = ", ".join(f"{one['seconds']:.2f}" for one in measured)
        print(f"{way}: CPU {seconds} s; peak {max(one['peak_mb'] for one in measured):.0f} MB; "
              f"file {measured[0]['file_mb']:.0f} MB")  # fmt: skip
    ratio = statistics.median(
        ours["seconds"] / theirs["seconds"] for ours, theirs in zip(results["ours"], results["highdicom"], strict=True)
    )
    peak = max(one["peak_mb"] for one in results["ours"])
    print(f"ratio of CPU time (median of {arguments.runs}): {ratio:.2f} (target {TIME_TARGET})")
    print(f"peak memory: {peak:.0f} MB (target {MEMORY_TARGET:.0f} MB)")
    return int(ratio > TIME_TARGET or peak > MEMORY_TARGET)


if __name__ == "__main__":
    sys.exit(main())

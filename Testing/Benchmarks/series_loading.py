"""Speed and memory of the series loader: `python Testing/Benchmarks/series_loading.py [load] [inspect] [--files N]`.

``load``: a CT of 300 slices of 512x512, by our loader and by SimpleITK's series reader, interleaved, each in a process
of its own, caches warm; prints the ratio of processor times, of elapsed times, and the peak memory of each.
``inspect``: the headers of N files (10,000) with two processes, then once more from the cache, and by pydicom as other
software does it; prints files per second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROUNDS = 5
FILLER_ELEMENTS = 60
"""Elements beyond the needed ones, as scanners write them."""


def write_series(folder: Path, slices: int, size: int, patient: str) -> None:
    """Write a CT series whose headers are about as long as those of scanners."""
    folder.mkdir(parents=True)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    pixels = np.random.default_rng(0).integers(0, 4096, (size, size), dtype=np.uint16)
    for index in range(slices):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", patient, "Bench^Mark"
        dataset.ImageType, dataset.SeriesDescription = ["ORIGINAL", "PRIMARY", "AXIAL"], "chest"
        dataset.SeriesNumber, dataset.InstanceNumber = 1, index + 1
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-150, -150, index * 1.25], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.7], 1.25
        dataset.Rows = dataset.Columns = size
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        block = dataset.private_block(0x0019, "BENCHMARK", create=True)
        for element in range(FILLER_ELEMENTS):
            block.add_new(element, "LO", f"filler {element}")
        dataset.PixelData = np.roll(pixels, index).tobytes()
        dataset.save_as(folder / f"{index:05}.dcm", enforce_file_format=True)


def ours(folder: Path) -> np.ndarray:
    from AnnotationQACore.interchange.series.loader import load_series

    return load_series(folder).voxels


def simpleitk(folder: Path) -> np.ndarray:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def measured(name: str, folder: str) -> tuple[float, float, float, int]:
    """Processor seconds, elapsed seconds, peak MB and a checksum of one reading, in this process."""
    function: Callable[[Path], np.ndarray] = {"ours": ours, "SimpleITK": simpleitk}[name]
    import SimpleITK  # noqa: F401  # both processes carry its memory

    from AnnotationQACore.interchange.series import loader  # noqa: F401

    start, start_cpu = time.perf_counter(), time.process_time()
    voxels = function(Path(folder))
    elapsed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    return cpu, elapsed, peak, int(voxels.astype(np.int64).sum())


def bench_load(folder: Path) -> None:
    write_series(folder / "ct", 300, 512, "P0")
    context = multiprocessing.get_context("spawn")
    results: dict[str, list[tuple[float, float, float, int]]] = {"ours": [], "SimpleITK": []}
    for _ in range(ROUNDS):
        for name, rounds in results.items():
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                rounds.append(pool.submit(measured, name, str(folder / "ct")).result())
    checksums = {row[3] for rows in results.values() for row in rows}
    print(f"300 slices of 512x512, {ROUNDS} interleaved rounds; same voxels: {len(checksums) == 1}")
    medians = {name: [statistics.median(row[i] for row in rows) for i in range(3)] for name, rows in results.items()}
    for name, (cpu, elapsed, peak) in medians.items():
        print(f"  {name:10} {cpu:6.2f} s processor  {elapsed:6.2f} s elapsed  {peak:6.0f} MB peak")
    cpu, elapsed, peak = (a / b for a, b in zip(medians["ours"], medians["SimpleITK"], strict=True))
    print(f"  ours / SimpleITK: {cpu:.2f} processor, {elapsed:.2f} elapsed, {peak:.2f} memory")


def bench_inspect(folder: Path, files: int) -> None:
    from AnnotationQACore.interchange.series.header_cache import HeaderCache
    from AnnotationQACore.interchange.series.header_reader import read_headers
    from AnnotationQACore.interchange.series.inspection import inspect_folder

    for index in range(files // 100):
        write_series(folder / "many" / f"{index:04}", 100, 64, f"P{index % 50}")
    paths = sorted((folder / "many").rglob("*.dcm"))
    for path in paths:
        path.read_bytes()
    cache_path = folder / "cache.json"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(abs, range(2)))
        start = time.perf_counter()
        inspection = inspect_folder(folder / "many", executor=pool, cache=HeaderCache(cache_path))
        first = time.perf_counter() - start
    print(f"inspect, {len(paths)} files, {len(inspection.series)} series, 2 processes, warm file cache:")
    print(f"  first run   {first:6.2f} s  {len(paths) / first:7.0f} files/s")
    start, start_cpu = time.perf_counter(), time.process_time()
    inspect_folder(folder / "many", cache=HeaderCache(cache_path))
    second, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(f"  second run  {second:6.2f} s  ({cpu:.2f} s processor; cache of {cache_path.stat().st_size / 1e6:.1f} MB)")
    sample = paths[:: max(1, len(paths) // 500)]
    start = time.process_time()
    for path in sample:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        (dataset.get("SeriesInstanceUID"), dataset.get("ImagePositionPatient"), dataset.get("InstanceNumber"))
    print(f"  pydicom   {len(sample) / (time.process_time() - start):7.0f} files per second of one processor")
    start = time.process_time()
    read_headers([(str(path), path.stat().st_size, 0) for path in sample], b"")
    print(f"  ours      {len(sample) / (time.process_time() - start):7.0f} files per second of one processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["load", "inspect"], help="load, inspect or both")
    parser.add_argument("--files", type=int, default=10_000)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, pydicom {pydicom.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        if "load" in arguments.what:
            bench_load(Path(folder))
        if "inspect" in arguments.what:
            bench_inspect(Path(folder), arguments.files)


if __name__ == "__main__":
    main()

"""Time and memory of the examination of a head series, and of writing it: ``python Testing/Benchmarks/defacing.py``.

Heads are phantoms sampled on grids of clinical size; ``--series FOLDER`` measures a DICOM series instead.
"""

import argparse
import dataclasses
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from DeidentifyStudyCore.faces.alteration import FaceMask, write_altered
from DeidentifyStudyCore.faces.finding import examine_series
from DeidentifyStudyCore.faces.stack import read_header
from DeidentifyStudyCore.faces.volume import Volume

CASES = {
    "CT": ("CT", (5.0, 1.0, 1.0), (1, 2, 2)),
    "MR": ("MR", (2.0, 2.0, 2.0), (2, 2, 2)),
}
"""Modality, spacing of the phantom (k, j, i) in mm, and how often each voxel is repeated to reach clinical size."""


def written_phantom(
    folder: Path, modality: str, spacing: tuple[float, float, float], times: tuple[int, int, int]
) -> Path:
    """Write a phantom with the builders of the tests."""
    place = Path(__file__).resolve().parents[1] / "Core" / "deidentify" / "faces" / "conftest.py"
    spec = importlib.util.spec_from_file_location("face_phantoms", place)
    assert spec is not None
    assert spec.loader is not None
    phantoms = importlib.util.module_from_spec(spec)
    sys.modules["face_phantoms"] = phantoms
    spec.loader.exec_module(phantoms)
    phantom = phantoms.phantom_of(modality, spacing=spacing, pose=phantoms.pose_of(6, 5, 3))
    voxels, affine = phantom.volume.voxels, phantom.volume.affine.copy()
    for axis, count in enumerate(times):
        voxels = np.repeat(voxels, count, axis)
        affine[:3, axis] /= count
    phantom = dataclasses.replace(phantom, volume=Volume(voxels, affine))
    phantoms.write_phantom(phantom, folder, modality, 3)
    return folder


def peak_memory() -> float:
    """Peak resident memory of this process in MB; `ru_maxrss` would count what its parent had before."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(series: Path) -> None:
    """Print processor time and peak memory of one series, in a process of its own."""
    start = time.process_time()
    files = [file for path in sorted(series.iterdir()) if (file := read_header(path)) is not None]
    finding = examine_series(files)
    examined = time.process_time()
    written = "not written"
    if finding.mask is not None and finding.affine is not None:
        mask = FaceMask(finding.mask, finding.affine)
        with tempfile.TemporaryDirectory() as output:
            touched = sum(bool(write_altered(file, mask, Path(output) / file.path.name)) for file in files)
        written = f"written and compared in {time.process_time() - examined:.1f} s ({touched} files touched)"
    peak = peak_memory()
    size = "x".join(str(n) for n in (len(files), files[0].rows, files[0].columns))
    print(
        f"{files[0].modality} {size}: {finding.verdict}; examined in {examined - start:.1f} s of processor time, "
        f"{written}; peak memory {peak:.0f} MB"
    )
    values = ", ".join(f"{gate.name} {np.round(gate.value, 3)}" for gate in finding.gates)
    print(f"    {values}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=Path, metavar="FOLDER", help="a DICOM series instead of phantoms")
    parser.add_argument("--only", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        measure(arguments.only)
        return
    with tempfile.TemporaryDirectory() as folder:
        series = [arguments.series] if arguments.series else []
        for name, (modality, spacing, times) in ({} if series else CASES).items():
            series.append(written_phantom(Path(folder) / name, modality, spacing, times))
        for path in series:
            subprocess.run([sys.executable, __file__, "--only", str(path)], check=True)


if __name__ == "__main__":
    main()

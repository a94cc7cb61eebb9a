"""Time and memory of the examination of a head series, and of writing it: ``python Testing/Benchmarks/defacing.py``.

Heads are phantoms sampled on grids of clinical size; ``--series FOLDER`` measures a DICOM series instead.
``--mean-head PICTURE`` examines the mean of real T1-weighted heads that the package pydeface carries (MIT licence; only
its data are fetched), draws it before and after, and compares the region with pydeface's own.
"""

import argparse
import dataclasses
import importlib.util
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nibabel
import numpy as np
from peer_environment import CACHE

from DeidentifyStudyCore.faces.alteration import FaceMask, write_altered
from DeidentifyStudyCore.faces.finding import examine_series, examine_volume
from DeidentifyStudyCore.faces.stack import read_header
from DeidentifyStudyCore.faces.volume import Floats, Volume, sampled, world_of

PEER = "pydeface==2.1.0"
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


def mean_head(picture: Path) -> None:
    """Examine the mean head of pydeface, and save its picture."""
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), PEER]
    subprocess.run(command, check=True)
    (wheel,) = CACHE.glob(f"{PEER.replace('==', '-')}-*.whl")
    with tempfile.TemporaryDirectory() as folder:
        names = [f"pydeface/data/{name}.nii.gz" for name in ("mean_reg2mean", "facemask")]
        with zipfile.ZipFile(wheel) as archive:
            head, kept = (_read_nifti(Path(archive.extract(name, folder))) for name in names)
    start = time.process_time()
    finding = examine_volume(head, "MR")
    seconds = time.process_time() - start
    print(f"mean head {finding.digest[:12]}: {finding.verdict}; examined in {seconds:.1f} s of processor time")
    print("    " + ", ".join(f"{gate.name} {np.round(gate.value, 3)}" for gate in finding.gates))
    if finding.mask is None or finding.head is None or finding.affine is None or finding.picture is None:
        return
    finding.picture.save(picture)
    ours = world_of(finding.affine, np.argwhere(finding.mask & finding.head).astype(np.float64))
    shared = sampled((kept.voxels < 0.5).astype(np.float32), kept.affine, ours) > 0.5
    print(f"    {len(ours) * 8 / 1000:.0f} mL of the head are altered, {shared.mean():.0%} of them by pydeface too")


def _read_nifti(path: Path) -> Volume:
    """Read a volume whose affine is in RAS mm, array order (i, j, k)."""
    image = nibabel.load(path)
    lps: Floats = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    return Volume(np.ascontiguousarray(np.asarray(image.dataobj, np.float32).transpose(2, 1, 0)), lps[:, [2, 1, 0, 3]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=Path, metavar="FOLDER", help="a DICOM series instead of phantoms")
    parser.add_argument("--mean-head", type=Path, metavar="PICTURE", help="the mean of real heads instead of phantoms")
    parser.add_argument("--only", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.mean_head:
        mean_head(arguments.mean_head)
        return
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

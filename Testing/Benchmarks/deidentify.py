"""How fast De-identify Study is, against a copy, against others, and with more workers; how much memory it takes.

    python Testing/Benchmarks/deidentify.py [--ct FILE] [--files N] [--compressed] [--peers PYTHON] [--memory]
        [--workers] [--dask]

CPU times (user and system) of one interleaved run; ratios are what counts. `--peers` names the Python of a virtual
environment in which `dicognito`, `deid` and `dicom-anonymizer` are installed.
"""

import argparse
import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import numpy as np
import pydicom
import pydicom.data

from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.runs.batch import BatchOptions, run_batch

SECRET = Secret(bytes(range(32)))
PROFILE = "research-shifted-dates"
ROUNDS_OF_WORKERS = 3
PR_SET_CHILD_SUBREAPER = 36
SHARED_MEMORY = Path("/dev/shm")

PEERS = {
    "dicognito": """
import sys, pydicom, os
from dicognito.anonymizer import Anonymizer
a = Anonymizer(seed="s")
for name in sorted(os.listdir(sys.argv[1])):
    d = pydicom.dcmread(os.path.join(sys.argv[1], name)); a.anonymize(d); d.save_as(os.path.join(sys.argv[2], name))
""",
    "deid": """
import sys, os
from deid.dicom import get_identifiers, replace_identifiers
from deid.config import DeidRecipe
files = [os.path.join(sys.argv[1], n) for n in sorted(os.listdir(sys.argv[1]))]
r = DeidRecipe(); ids = get_identifiers(files)
replace_identifiers(dicom_files=files, deid=r, ids=ids, save=True, output_folder=sys.argv[2], overwrite=True)
""",
    "dicom-anonymizer": """
import sys, os
from dicomanonymizer import anonymize
anonymize(sys.argv[1], sys.argv[2], {}, False)
""",
}


def cpu(who: int = resource.RUSAGE_SELF) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def with_elements(path: Path, count: int) -> pydicom.Dataset:
    """A CT image whose header has `count` elements, as scanners write them."""
    dataset = pydicom.dcmread(path)
    dataset.remove_private_tags()
    candidates = [
        tag
        for tag, entry in sorted(pydicom.datadict.DicomDictionary.items())
        if tag >> 16 in {0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x0040}
        and entry[0] in {"DS", "IS", "CS", "LO", "SH", "US", "FD", "DA", "TM", "PN", "UI", "ST"}
        and tag not in dataset
        and entry[3] == ""
        and tag not in {0x00280303, 0x00080064, 0x00280301, 0x00280008}
    ]
    values = {
        "DS": "1.5", "IS": "7", "CS": "HEAD", "LO": "CT abdomen", "SH": "B30f", "US": 3, "FD": 2.5, "DA": "20240229",
        "TM": "101112", "PN": "Quillon^Zyx", "UI": "1.2.826.0.1.99.7", "ST": "liver",
    }  # fmt: skip
    for tag in candidates[:: max(1, len(candidates) // (count - len(dataset)))]:
        if len(dataset) >= count:
            break
        vr = pydicom.datadict.dictionary_VR(tag)
        dataset.add_new(tag, vr, values[vr])
    return dataset


def synthetic_ct(path: Path) -> Path:
    """A CT image of 512x512 pixels made from the small one that pydicom brings along."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    pixels = np.kron(dataset.pixel_array, np.ones((4, 4), np.int16))
    dataset.Rows, dataset.Columns = pixels.shape
    noise = np.random.default_rng(0).integers(0, 9, pixels.shape)
    dataset.PixelData = (pixels + noise).astype("<i2").tobytes()
    dataset.save_as(path)
    return path


def series(path: Path, folder: Path, files: int, elements: int) -> int:
    """Write a series of CT images that differ as the slices of one scan do; returns the number of elements.

    Thirteen elements differ, most of them in length too: UIDs, times, positions, the current of the tube, windows, and
    a reference in a sequence of undefined length.
    """
    folder.mkdir(parents=True)
    dataset = with_elements(path, elements - 1)
    pixels = dataset.pixel_array
    random = Random(1)
    for number in range(files):
        position = round(number * 0.625 - 310, 4)
        reference = pydicom.Dataset()
        reference.ReferencedSOPClassUID = dataset.SOPClassUID
        reference.ReferencedSOPInstanceUID = f"1.2.826.0.1.99.2.{random.randrange(10**9)}"
        dataset.SOPInstanceUID = f"1.2.826.0.1.99.1.{random.randrange(10**9)}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number + 1
        dataset.ImagePositionPatient = [-125.5, round(random.uniform(-280, -250), random.randrange(3)), position]
        dataset.SliceLocation = position
        dataset.AcquisitionTime = f"1011{number // 60 % 60:02}.{random.randrange(10**6)}"
        dataset.ContentTime = f"1012{number // 60 % 60:02}.{random.randrange(10**6)}"
        dataset.XRayTubeCurrent = random.randrange(80, 700)
        dataset.Exposure = random.randrange(5, 200)
        dataset.WindowCenter, dataset.WindowWidth = random.choice([(40, 400), (-600, 1500), (300, 2000)])
        dataset.SourceImageSequence = [reference]
        dataset["SourceImageSequence"].is_undefined_length = True
        noise = np.random.default_rng(number).integers(0, 3, pixels.shape, pixels.dtype)
        dataset.PixelData = (pixels + noise).tobytes()
        dataset.save_as(folder / f"{number:05}")
    return len(dataset)


def compressed(source: Path, folder: Path) -> None:
    """Write a series once more, its pixels as JPEG 2000 without loss."""
    folder.mkdir()
    for path in sorted(source.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.compress(pydicom.uid.JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(folder / path.name)


def ours(source: Path, work: Path, executor=None) -> None:
    outcome = run_batch(
        source, work / "out", load_profile(PROFILE), SECRET, BatchOptions(work / "report", executor=executor)
    )
    assert outcome.quarantined == 0, {result.reason for result in outcome.files}


def copy(source: Path, work: Path) -> None:
    work.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, work / path.name)


def measured(function, source: Path, work: Path) -> float:
    os.sync()  # what earlier rounds left to be written is not counted
    before = cpu()
    function(source, work)
    return cpu() - before


def given_back(folder: Path) -> None:
    """Remove what a turn wrote into memory, so that the next takes the same memory again.

    A virtual machine must ask its host for what it has not used for some seconds, which can take longer than a copy.
    On a disk it stays: ext4 is slow to make files where many were deleted a moment ago.
    """
    if folder.is_relative_to(SHARED_MEMORY):
        shutil.rmtree(folder)


def against_copy(source: Path, work: Path, rounds: int = 7) -> float:
    """Compare in turns, each into a new folder; returns the CPU time of a copy, in seconds a file."""
    files = len(list(source.iterdir()))

    def turn(function, name: str) -> float:
        spent = measured(function, source, work / name)
        given_back(work / name)
        return spent

    pairs = [(turn(copy, f"copy-{number}"), turn(ours, f"ours-{number}")) for number in range(rounds)]
    base, own = (min(pair[i] for pair in pairs) / files for i in (0, 1))
    print(f"copy                     {1e6 * base:8.0f} µs CPU a file")
    print(f"ours, all steps          {1e6 * own:8.0f} µs CPU a file, {own / base:.2f} times a copy (best of {rounds})")
    ratios = sorted(own / base for base, own in pairs)
    print(f"median of the ratios of neighbours: {ratios[rounds // 2]:.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")
    return base


def environment(work: Path) -> dict[str, str]:
    """For commands: with a passphrase, and byte code that is kept between them, as an installation keeps it."""
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(work / "byte-code")}
    return os.environ | {"DEIDENTIFY_PASSPHRASE": "a benchmark"} | kept


def command(source: Path, work: Path, files: int, base: float) -> None:
    """The whole command: its start, the key, and the report too."""
    env = environment(work)
    subprocess.run([*PROGRAM, "key", "new", work / "key"], env=env, check=True, capture_output=True)
    spent = []
    for turn in range(ROUNDS_OF_WORKERS):
        os.sync()
        before = cpu(resource.RUSAGE_CHILDREN)
        arguments = ["run", source, work / f"command-{turn}", "--profile", PROFILE, "--key", work / "key"]
        subprocess.run([*PROGRAM, *arguments, "--conformance", "none"], env=env, check=True, capture_output=True)
        spent.append((cpu(resource.RUSAGE_CHILDREN) - before) / files)
        given_back(work / f"command-{turn}")
    own = min(spent)
    print(f"ours, the whole command  {1e6 * own:8.0f} µs CPU a file, {own / base:.2f} times a copy (start and report)")


def peers(python: str, source: Path, work: Path, files: int, base: float) -> None:
    for name, script in PEERS.items():
        out = work / "peer"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        before = cpu(resource.RUSAGE_CHILDREN)
        done = subprocess.run([python, "-W", "ignore", "-c", script, source, out], capture_output=True, check=False)
        spent = (cpu(resource.RUSAGE_CHILDREN) - before) / files
        state = "" if done.returncode == 0 else f"  (failed: {done.stderr.decode()[-120:].strip()!r})"
        print(f"{name:24} {1e6 * spent:8.0f} µs CPU a file, {spent / base:.1f} times a copy{state}")


MEMORY = """
import sys
from pathlib import Path
from DeidentifyStudyCore.runs.batch import BatchOptions, run_batch
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.profile import load_profile
source, work = map(Path, sys.argv[1:])
profile = load_profile("research-shifted-dates")
run_batch(source, work / "out", profile, Secret(bytes(32)), BatchOptions(work / "report"))
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def memory(path: Path, work: Path) -> None:
    """Peak resident memory of a run over one 600 MB multi-frame file; mapped pages of the file are shown apart."""
    source = work / "large"
    source.mkdir(parents=True)
    dataset = with_elements(path, 200)
    frames = 600 * 1000 * 1000 // (dataset.Rows * dataset.Columns * 2)
    dataset.NumberOfFrames = frames
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    dataset.PixelData = bytes(dataset.Rows * dataset.Columns * 2 * frames)
    dataset.save_as(source / "multiframe")
    size = (source / "multiframe").stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, source, work / "m"], capture_output=True, text=True, check=True
    )
    print(f"{size / 1e6:.0f} MB multi-frame: peak {int(done.stdout) / 1024:.0f} MiB resident")
    shutil.rmtree(source)
    shutil.rmtree(work / "m")


def adopt_orphans() -> None:
    """Become the parent of workers whose own parent ends before them, so that their CPU time is counted (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def workers(ct: Path, work: Path, files: int, elements: int) -> None:
    """Wall and CPU time of the command with one process and with two, on a file system in memory where there is one.

    A disk of 200 MB/s is the bottleneck of either. Two processes can be twice as fast only while two processors are
    free: what the machine gave them is printed, and how much faster two commands are that share nothing, each with one
    process and half of the files, at the same time.
    """
    room = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 4 * files * 600_000
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if room else work) as name:
        place = Path(name)
        series(ct, place / "many", files, elements)
        for number, path in enumerate(sorted((place / "many").iterdir())):
            half = place / f"half-{number % 2}"
            half.mkdir(exist_ok=True)
            (half / path.name).hardlink_to(path)
        env = environment(place)
        subprocess.run([*PROGRAM, "key", "new", place / "key"], env=env, check=True, capture_output=True)
        adopt_orphans()
        ways = {"1 worker": [("many", 1)], "2 workers": [("many", 2)], "2 commands": [("half-0", 1), ("half-1", 1)]}
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(ROUNDS_OF_WORKERS):
            for way, commands in ways.items():
                times[way].append(at_once(place, commands, env))
        for way, pairs in times.items():
            wall, spent = min(pairs)
            given = f"{spent / wall:.2f} processors"
            print(f"{way:10}, {files} files: {wall:.2f} s wall, {spent:.2f} s CPU ({given})")
        fastest = {way: min(wall for wall, _ in pairs) for way, pairs in times.items()}
        least = {way: min(spent for _, spent in pairs) for way, pairs in times.items()}
        for way in ("2 workers", "2 commands"):
            more = least[way] / least["1 worker"] - 1
            print(
                f"{way:10} {fastest['1 worker'] / fastest[way]:.2f} times as fast as 1 worker; {more:+.0%} CPU in all"
            )


PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from DeidentifyStudyCore.cli.main import main; sys.exit(main(sys.argv[1:]))",
]


def at_once(place: Path, commands: list[tuple[str, int]], env: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of commands that run at the same time."""
    for folder in place.glob("out-*"):  # all, so that every way finds as much memory that was used before
        shutil.rmtree(folder)
    start, before = time.perf_counter(), cpu(resource.RUSAGE_CHILDREN)
    running = []
    for number, (source, count) in enumerate(commands):
        arguments = ["run", place / source, place / f"out-{number}", "--profile", PROFILE, "--key", place / "key"]
        arguments += ["--workers", str(count), "--conformance", "none"]
        silent = subprocess.DEVNULL
        running.append(subprocess.Popen([*PROGRAM, *arguments], env=env, stdout=silent, stderr=silent))
    codes = [process.wait() for process in running]
    wall = time.perf_counter() - start
    wait_for_orphans()
    assert not any(codes), codes
    return wall, cpu(resource.RUSAGE_CHILDREN) - before


def dask(source: Path, work: Path) -> None:
    """A real LocalCluster with two processes gives the same bytes as one process."""
    from distributed import Client, LocalCluster

    ours(source, work / "one")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        ours(source, work / "two", executor)
    one, two = (
        {p.relative_to(d): p.read_bytes() for p in d.rglob("*.dcm")} for d in (work / "one/out", work / "two/out")
    )
    print(f"Dask LocalCluster: {len(two)} files, {'equal' if one == two else 'DIFFERENT'} to one process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, help="a 512x512 CT image (default: made from pydicom's)")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--elements", type=int, default=200)
    parser.add_argument("--compressed", action="store_true", help="the same series with JPEG 2000, too")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--workers", action="store_true")
    parser.add_argument("--many", type=int, default=3000, help="files of --workers")
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--scratch", type=Path, help="folder for the files (default: the system's)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as name:
        work = Path(name)
        arguments.ct = arguments.ct or synthetic_ct(work / "ct")
        elements = series(arguments.ct, work / "in", arguments.files, arguments.elements)
        print(f"{arguments.files} CT images 512x512, {elements} elements")
        base = against_copy(work / "in", work)
        command(work / "in", work, arguments.files, base)
        if arguments.compressed:
            compressed(work / "in", work / "compressed")
            print("the same, as JPEG 2000:")
            against_copy(work / "compressed", work)
        if arguments.peers:
            peers(arguments.peers, work / "in", work, arguments.files, base)
        if arguments.memory:
            memory(arguments.ct, work)
        if arguments.workers:
            workers(arguments.ct, work, arguments.many, arguments.elements)
        if arguments.dask:
            dask(work / "in", work)


if __name__ == "__main__":
    main()

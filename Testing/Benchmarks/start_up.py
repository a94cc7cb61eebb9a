"""How long commands take to start: CPU seconds of each `--help`, and of usual work on files that take no time.

    python Testing/Benchmarks/start_up.py [--runs 5] [--other CHECKOUT] [--only WORD ...]

Each figure is the least of several runs, user and system time of a process of its own, as the system counts it for
children that ended. `--other` measures another checkout in turns with this one. Linux and macOS.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file

from AnnotationQACore.cli.main import COMMANDS
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_volume
from AnnotationQACore.segmentation import Volume
from DeidentifyStudyCore.cli.main import COMMANDS as DEIDENTIFY_COMMANDS

HERE = Path(__file__).resolve().parents[2]
GRID = Grid((16, 48, 48), (2.0, 1.0, 1.0))
PROGRAMS = {"annotation-qa": "AnnotationQACore", "deidentify-study": "DeidentifyStudyCore"}
PREPARATION = ("identity new lead", "init study --protocol lung_nodule_ct --lead lead")
WORK = (
    ("annotation-qa", "agreement ana.nrrd ben.nrrd"),
    ("annotation-qa", "agreement --ratings ratings.csv --case case --reader reader --value category"),
    ("annotation-qa", "agreement --ratings ratings.csv --case case --reader reader --value size --level ratio"),
    ("annotation-qa", "consensus ana.nrrd ben.nrrd -o majority.nrrd"),
    ("annotation-qa", "measure image.nrrd ana.nrrd"),
    ("annotation-qa", "power icc --expected 0.8 --width 0.2"),
    ("annotation-qa", "inspect ct --jobs 1 --no-cache"),
    ("annotation-qa", "status study"),
    ("annotation-qa", "verify study"),
    ("deidentify-study", "index ct --progress none"),
    ("deidentify-study", "explain ct/CT_small.dcm --profile gdpr-anonymous"),
    ("deidentify-study", "run ct out --profile gdpr-anonymous --conformance none --progress none"),
)
BARE = (("nothing", "pass"), ("numpy", "import numpy"))


def prepare(folder: Path) -> None:
    """Label maps, ratings, a DICOM file and a project."""
    k, j, i = np.indices(GRID.shape)
    write_volume(folder / "image.nrrd", Volume((k + j + i).astype(np.int16), GRID))
    for number, reader in enumerate(("ana", "ben")):
        labels = (4 * (k - 8) ** 2 + (j - 24 - number) ** 2 + (i - 24) ** 2 <= 144).astype(np.uint8)
        write_volume(folder / f"{reader}.nrrd", Volume(labels, GRID))
    rows = ["case,reader,category,size"]
    for reader, more in (("ana", 0.1), ("ben", 0.2)):
        rows += [f"{case},{reader},{case % 3},{case * (1 + more)}" for case in range(9)]
    (folder / "ratings.csv").write_text("\n".join(rows))
    (folder / "ct").mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "ct")
    for line in PREPARATION:
        argv = command(HERE, "annotation-qa", line)
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, env=environment())


def environment() -> dict[str, str]:
    """The same for all; keys lie in the folder where the command is run."""
    return {"PATH": "", "ANNOTATIONQA_HOME": "home", "HOME": "home", "LC_ALL": "C.UTF-8"}


def command(checkout: Path, program: str, line: str) -> list[str]:
    """The program of a checkout, whatever is installed."""
    folders = [str(checkout / name) for name in ("AnnotationQA", "DeidentifyStudy")]
    code = f"import sys; sys.path[:0] = {folders}; from {PROGRAMS[program]}.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", code, *line.split()]


def cpu_seconds(argv: Sequence[str], folder: Path) -> float:
    """User and system time of one run."""
    for name in ("out", "out-report"):
        shutil.rmtree(folder / name, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=False, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(argv)}: {done.stderr.decode()}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--other", type=Path, metavar="CHECKOUT", help="measured in turns with this one")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="lines with one of these words")
    arguments = parser.parse_args()
    checkouts = [*([arguments.other.resolve()] if arguments.other else []), HERE]
    helps = [("annotation-qa", f"{name} --help") for name in COMMANDS]
    helps += [("deidentify-study", f"{name} --help") for name in DEIDENTIFY_COMMANDS]
    print("".join(f"{name:>10}" for name in (["other"] if arguments.other else []) + ["CPU s"]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for words, code in BARE:
            bare = min(cpu_seconds([sys.executable, "-c", code], folder) for _ in range(arguments.runs))
            print(f"{bare:10.2f}" * len(checkouts), f" python, {words} loaded", flush=True)
        for program, line in (*WORK, *helps):
            if not any(word in f"{program} {line}" for word in arguments.only):
                continue
            turns = [
                [cpu_seconds(command(checkout, program, line), folder) for checkout in checkouts]
                for _ in range(arguments.runs)
            ]
            least = [min(own) for own in zip(*turns, strict=True)]
            print("".join(f"{seconds:10.2f}" for seconds in least), f" {program} {line}", flush=True)


if __name__ == "__main__":
    main()

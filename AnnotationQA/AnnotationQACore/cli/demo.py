"""Show the whole way on real readings: import, agreement, consensus, objects, report, ledger."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from AnnotationQACore import atomic
from AnnotationQACore.cli import main
from AnnotationQACore.cli.numbers import count
from AnnotationQACore.cli.output import require_folder_place
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.evaluation.loading import load_case
from AnnotationQACore.interchange.lidc import CREDIT
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.segmentation import Mask

__all__ = ["add_arguments", "run"]

SCANS = 40
MARKER = "made-by-annotation-qa-demo"
PHANTOM_NOTE = (
    "The images of LIDC-IDRI are not in this database. For one case a phantom takes their place: noise with blobs\n"
    "where the readers drew, named PHANTOM in every file and in every picture."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `demo`."""
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="new, or made by an earlier demo, which is replaced"
    )
    parser.add_argument("--scans", type=count, default=SCANS, metavar="N", help=f"scans to import; default: {SCANS}")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; every step is a command that anyone can type."""
    started = time.monotonic()
    folder = _fresh(arguments.folder)
    os.environ[USER_FOLDER_VARIABLE] = str((folder / "user").absolute())
    project = folder / "project"
    workers = str(os.cpu_count() or 1)
    _say("A project under the protocol for lung nodules, and the readings of four radiologists for each scan")
    _command("init", project, "--protocol", "lung_nodule_ct", "--lead", "demo", "--title", "Lung nodules (demo)")
    _command("import", "lidc", project, "--limit", arguments.scans)
    _command("status", project)
    _say("How far do the readers agree, and what would the majority say?")
    _command("agreement", project, "--workers", workers, "--json", folder / "agreement.json")
    _command("consensus", project, "--method", "majority")
    _say("The consensus as objects that other software reads", PHANTOM_NOTE)
    _write_phantom(project, folder / "phantom-images")
    _command("export", project, "--images", folder / "phantom-images", "-o", folder / "objects")
    _say("A report for people, and the handbook that readers work by")
    _command("report", project, "--images", folder / "phantom-images", "-o", folder / "report")
    _command("protocol", "show", "lung_nodule_ct", "-o", folder / "handbook.html")
    _say("Is everything as it was signed?")
    _command("verify", project)
    _say("And if somebody changes one voxel of one reading in a copy?")
    _tamper(project, folder / "tampered-copy")
    if _command("verify", folder / "tampered-copy", expected=1) != 1:
        raise InputError("the demo's tampering was not found out; please report this.")
    _deidentify(folder)
    print(_goodbye(folder, time.monotonic() - started))
    return 0


def _fresh(folder: Path) -> Path:
    require_folder_place(folder)
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise DestinationError(f"{folder}: is there and was not made by a demo; name another folder.")
        shutil.rmtree(folder)
    make_folder(folder)
    atomic.write_text(folder / MARKER, f"{CREDIT}\n{PHANTOM_NOTE}\n")
    return folder


def _say(*lines: str) -> None:
    print("\n" + "\n".join(lines))


def _command(*words: object, expected: int = 0) -> int:
    """Show a command and run it."""
    argv = [str(word) for word in words]
    print(f"\n$ annotation-qa {' '.join(argv)}", flush=True)
    code = main.main(argv)
    if code != expected:
        raise InputError(f"demo: 'annotation-qa {argv[0]}' ended with {code}; what it printed says why.")
    return code


def _write_phantom(folder: Path, images: Path) -> None:
    """A phantom in the place of the CT of the first case in which the majority drew something."""
    from AnnotationQACore.interchange.phantom import write_phantom_series  # loads pydicom and Pillow

    project = Project.open(folder)
    for case, record in project.state.cases.items():
        if not any(r.reader == "consensus:majority" and r.segmentation_sha256 for r in project.state.readings[case]):
            continue
        drawn = list(load_case(case_files(project, case)).segmentations.values())
        union = np.any([np.any(one.layers > 0, axis=0) for one in drawn], axis=0)
        make_folder(images)
        write_phantom_series(images, Mask(union, drawn[0].grid), case, record.case.series[0].uid)
        print(f"\nphantom for {case} in {images}")
        return


def _tamper(project: Path, copy: Path) -> None:
    shutil.copytree(project, copy)
    victim = sorted(copy.rglob("lidc-1/*.seg.nrrd"))[0]
    content = bytearray(victim.read_bytes())
    content[-20] ^= 1
    victim.write_bytes(bytes(content))
    print(f"\nchanged one bit of {victim}")


def _deidentify(folder: Path) -> None:
    """Send a small real series through de-identification, where that package is installed."""
    pydicom = find_spec("pydicom")
    if find_spec("DeidentifyStudyCore") is None or pydicom is None or pydicom.origin is None:
        return
    incoming = folder / "incoming"
    make_folder(incoming)
    shutil.copy(Path(pydicom.origin).parent / "data" / "test_files" / "CT_small.dcm", incoming)
    _say("A real CT image goes through de-identification")
    environment = {**os.environ, "DEIDENTIFY_PASSPHRASE": secrets.token_urlsafe()}
    for words in _deidentification(folder, incoming):
        print(f"\n$ deidentify-study {' '.join(map(str, words))}", flush=True)
        program = "import sys; from DeidentifyStudyCore.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", program, *map(str, words)]
        done = subprocess.run(command, env=environment, check=False)  # noqa: S603 (our own program)
        if done.returncode != 0:
            raise InputError(f"demo: deidentify-study ended with {done.returncode}; what it printed says why.")


def _deidentification(folder: Path, incoming: Path) -> Sequence[Sequence[object]]:
    key = folder / "user" / "deidentification.key"
    return (
        ("key", "new", key),
        ("run", incoming, folder / "de-identified", "--profile", "research-shifted-dates", "--key", key,
         "--report", folder / "de-identification-report"),
    )  # fmt: skip


def _goodbye(folder: Path, seconds: float) -> str:
    return f"""
Done in {seconds:.0f} s. Look at

  {folder}/report/index.html            agreement of the readers, item by item and case by case
  {folder}/handbook.html                the protocol as readers see it
  {folder}/objects                      the consensus as DICOM SEG and .seg.nrrd
  {folder}/agreement.json               every figure, for machines
  {folder}/de-identification-report     what was done to the one real image

Next: write your own protocol (annotation-qa protocol new --from lung_nodule_ct -o mine.json), make a project
with it (annotation-qa init), and import your readings (annotation-qa import folder).
Documentation/tutorial.md goes on from here.

{CREDIT}"""

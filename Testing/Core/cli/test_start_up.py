"""A command loads only what its work needs: labs call it in loops over thousands of cases."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from AnnotationQACore.cli.main import COMMANDS, main
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation, write_volume
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

sys.path.append(str(Path(__file__).resolve().parents[2]))

from release_study import PROTOCOL

FORMATS = frozenset({"pydicom", "highdicom", "PIL", "SimpleITK", "requests", "dicomweb_client", "pynetdicom"})
SLOW = frozenset({"scipy.stats", "scipy.optimize", "matplotlib", "pandas"})
ALL = FORMATS | {"scipy"}
"""What no command on label files loads, however they are compared."""

PROGRAM = """
import json, sys
from AnnotationQACore.cli.main import main
try:
    code = main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
HELPS = """
import contextlib, io, sys
from AnnotationQACore.cli.main import main
unwanted = set(sys.argv[1].split())
for words in sys.argv[2:]:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as shown:
        main([*words.split(), "--help"])
    assert "usage:" in shown.getvalue(), words
    assert not unwanted & set(sys.modules), f"{words} loads {unwanted & set(sys.modules)}"
"""
STEPS = ("accept", "split", "sheet", "look", "sign-off", "check", "make", "card", "verify", "drift", "rank", "rereads")
POINTS = """# Markups fiducial file version = 4.11
# CoordinateSystem = LPS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
1,0,0,0,0,0,0,1,1,1,0,upper,,
2,0,0,12.5,0,0,0,1,1,1,0,lower,,
"""
GRID = Grid((8, 24, 24), (2.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Label maps and ratings of two readers, and a project with their readings."""
    folder = tmp_path_factory.mktemp("desk")
    k, j, i = np.indices(GRID.shape)
    write_volume(folder / "image.nrrd", Volume((k + j + i).astype(np.int16), GRID))
    for number, reader in enumerate(("ana", "ben")):
        labels = (4 * (k - 4) ** 2 + (j - 12 - number) ** 2 + (i - 12) ** 2 <= 36).astype(np.uint8)
        write_volume(folder / f"{reader}.nrrd", Volume(labels, GRID))
        write_volume(folder / f"{reader}.nii.gz", Volume(labels, GRID))
        drawn = Segmentation(labels[np.newaxis], GRID, (Segment("lung", "Lung", 1, 0, (1.0, 0.0, 0.0)),))
        for case in ("1", "2"):
            (folder / "readings" / case).mkdir(parents=True, exist_ok=True)
            write_segmentation(folder / "readings" / case / f"{reader}.seg.nrrd", drawn)
    rows = ["case,reader,category,size"]
    for reader, more in (("ana", 0.1), ("ben", 0.2)):
        rows += [f"{case},{reader},{case % 3},{case * (1 + more)}" for case in range(9)]
    (folder / "ratings.csv").write_text("\n".join(rows))
    (folder / "ct").mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "ct")
    (folder / "points.fcsv").write_text(POINTS)
    (folder / "reports").mkdir()
    (folder / "reports" / "1.txt").write_text("FINDINGS: No pneumothorax.")
    (folder / "cases.csv").write_text("case,patient\n1,P1\n2,P2\n")
    (folder / "protocol.json").write_text(json.dumps(PROTOCOL))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ANNOTATIONQA_HOME", str(folder / "home"))
        for line in (
            "identity new lead",
            "init study --protocol protocol.json --lead lead --roles lead reviewer",
            "add-cases study cases.csv",
            "import folder study readings --pattern {case}/{reader}.seg.nrrd",
        ):
            assert main(line.split()) == 0, line
    return folder


def loaded(folder: Path, line: str) -> set[str]:
    """Modules that a command loaded."""
    command = [sys.executable, "-c", PROGRAM, *shlex.split(line)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment(folder))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "ANNOTATIONQA_HOME": str(folder / "home")}


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("agreement ana.nrrd ben.nrrd --json -", ALL),
        ("agreement ana.nrrd ben.nii.gz", ALL),
        ("agreement ana.nrrd ben.nrrd --instances given", ALL),
        ("agreement ana.nrrd ben.nrrd --definition subvoxel", FORMATS | SLOW),
        ("agreement --ratings ratings.csv --case case --reader reader --value category", FORMATS | SLOW),
        ("agreement --ratings ratings.csv --case case --reader reader --value size --level ratio", FORMATS | SLOW),
        ("consensus ana.nrrd ben.nrrd -o majority.nrrd", ALL),
        ("consensus ana.nrrd ben.nii.gz --method staple -o staple.nii.gz --json staple.json", ALL),
        ("measure image.nrrd ana.nrrd", FORMATS | SLOW),
        ("measure --landmarks points.fcsv --distance upper lower", ALL),
        ("power icc --expected 0.8 --width 0.2", FORMATS | SLOW | {"scipy.ndimage", "scipy.spatial"}),
        ("status study", ALL | {"numpy"}),
        ("verify study", ALL | {"numpy"}),
        ("history study 1", ALL | {"numpy"}),
        ("agreement study", FORMATS | SLOW),
        ("consensus study", FORMATS | SLOW),
        ("report study -o report --resamples 20", FORMATS | SLOW),
        ("export study -o objects --format csv nrrd seg.nrrd --all-readers", ALL),
        ("release rank study", FORMATS | SLOW),
        ("textlabels read reports --protocol chest_xray_findings", ALL | {"numpy"}),
        ("inspect ct --jobs 1 --no-cache", ALL),
    ],
)
def test_commands_load_what_their_work_needs(desk: Path, line: str, unwanted: frozenset[str]) -> None:
    needless = loaded(desk, line) & unwanted
    assert not needless


def test_help_waits_for_nothing() -> None:
    words = [*COMMANDS, *(f"release {step}" for step in STEPS)]
    subprocess.run([sys.executable, "-c", HELPS, " ".join(ALL), *words], check=True)


def test_the_check_itself_can_fail(desk: Path) -> None:
    assert "scipy.spatial" in loaded(desk, "measure image.nrrd ana.nrrd")
    assert "scipy.special" in loaded(desk, "agreement --ratings ratings.csv --case case --reader reader --value size")

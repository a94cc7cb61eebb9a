"""The examples of `--help`: one whole study without Slicer, from images to a release that somebody else verifies."""

import csv
import json
import shlex
import sys
from pathlib import Path

import pydicom
import pytest

from AnnotationQACore.cli.examples import EXAMPLES, examples_of
from AnnotationQACore.cli.main import COMMANDS, main
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.lidc.database import find_database
from AnnotationQACore.protocol.loading import load_protocol
from DeidentifyStudyCore.cli.main import main as deidentify

sys.path.append(str(Path(__file__).resolve().parents[2]))

from release_study import PROTOCOL, SHEET, make_reading, write_images

CASES = ("case-1", "case-2", "case-3", "case-4")
NEEDS_A_SERVER = "annotation-qa fetch"
"""It is run against a server of its own in the tests of the network."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What somebody has before a study begins: images, a protocol, readings, tables, reports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNOTATIONQA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", "phantom-phantom")
    Path("protocol.json").write_text(json.dumps(PROTOCOL))
    changed = json.loads(json.dumps(PROTOCOL)) | {"version": "1.1.0", "change_note": "Vessels count."}
    changed["items"][0]["definition"] = "All of it, with its vessels."
    Path("protocol-2.json").write_text(json.dumps(changed))
    write_clean_images()
    write_readings()
    write_tables()
    return tmp_path


def write_clean_images() -> None:
    for number, case in enumerate(CASES, start=1):
        write_images(Path("incoming") / case, case, number)
    first = {pixels_of(min(Path("incoming", case).iterdir(), key=instance_number)): case for case in CASES}
    assert deidentify(["key", "new", "secret.key"]) == 0
    words = "run incoming out --profile research-shifted-dates --key secret.key --report clean-report --progress none"
    assert deidentify(words.split()) == 0
    series: dict[Path, list[Path]] = {}
    for path in Path("out").rglob("*.dcm"):
        series.setdefault(path.parent, []).append(path)
    rows = []
    for folder, files in series.items():
        header = pydicom.dcmread(files[0], stop_before_pixels=True)
        case = first[pixels_of(min(files, key=instance_number))]
        Path("clean").mkdir(exist_ok=True)
        folder.rename(Path("clean") / case)
        rows.append((case, header.PatientID, header.SeriesInstanceUID, "ct", f"clean/{case}"))
    write_csv("cases.csv", ("case", "patient", "series_uid", "role", "location"), sorted(rows))


def instance_number(path: Path) -> int:
    return int(pydicom.dcmread(path, stop_before_pixels=True).InstanceNumber)


def pixels_of(path: Path) -> bytes:
    return bytes(pydicom.dcmread(path).PixelData)


def write_readings() -> None:
    protocol = load_protocol(Path("protocol.json"))
    rows = []
    for case in CASES:
        for reader, shift in (("ben", 0), ("cleo", 1), ("net", 3)):
            folder = Path("models" if reader == "net" else "readings") / case
            folder.mkdir(parents=True, exist_ok=True)
            _, path = make_reading(Path(), protocol, case, reader, shift=shift)
            path.rename(folder / f"{reader}.seg.nrrd")
        rows.append((f"{case}/net.seg.nrrd", case, "model:net"))
    write_csv("models/files.csv", ("file", "case", "reader"), rows)


def write_tables() -> None:
    ratings = [(case, reader, 1 + (int(case[-1]) + (reader == "cleo" and case == "case-2")) % 3)
               for case in CASES for reader in ("ben", "cleo")]  # fmt: skip
    write_csv("ratings.csv", ("case", "reader", "value"), ratings)
    Path("points.fcsv").write_text(
        "# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        "1,0,0,0,0,0,0,1,1,1,0,upper,,\n2,0,0,12.5,0,0,0,1,1,1,0,lower,,\n"
    )
    write_csv("chest-cases.csv", ("case", "patient"), [("chest-1", "P1"), ("chest-2", "P2")])
    Path("reports").mkdir()
    Path("reports/chest-1.txt").write_text("FINDINGS: No pneumothorax. Small left pleural effusion.")
    Path("reports/chest-2.txt").write_text("FINDINGS: No pleural effusion. Possible consolidation.")


def write_csv(name: str, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def fill_in_the_sheet() -> None:
    values = {name: getattr(SHEET, name) for name in SHEET.__slots__}
    said = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value}
    Path("sheet.json").write_text(json.dumps(said))


def key_of_dora(capsys: pytest.CaptureFixture[str]) -> str:
    """Public key as a reader shows hers to the lead."""
    assert main(["identity", "new", "dora", "--key-dir", "keys-of-dora"]) == 0
    return capsys.readouterr().out.split("public key")[1].split()[0]


@pytest.mark.usefixtures("desk")
def test_they_run_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    key = key_of_dora(capsys)
    for line in EXAMPLES:
        if line.startswith(NEEDS_A_SERVER) or (" lidc" in line or " demo" in line):
            continue
        words = shlex.split(line)[1:]
        code = main([key if word == "KEY" else word for word in words])
        said = capsys.readouterr()
        assert code == 0, f"{line}\n{said.out}\n{said.err}"
        if "release sheet" in line:
            fill_in_the_sheet()
        if "release make" in line:
            key = said.out.strip().splitlines()[-1]
    assert {path.name for path in Path("dataset-1/data").iterdir()} == {"bids", "nnunet", "tables"}
    assert json.loads(Path("drift.json").read_text())["n_cases"] == len(CASES)


def test_those_with_real_readings_run_too(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_database()
    except MissingExtra as missing:
        pytest.skip(str(missing))
    assert main(["identity", "new", "ana"]) == 0
    for line in EXAMPLES:
        if " lidc" in line:
            assert main(shlex.split(line)[1:]) == 0, f"{line}\n{capsys.readouterr().err}"
    assert "3 cases with 12 readings imported" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_shows_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = examples_of(f"annotation-qa {name}")
    assert own, f"annotation-qa {name} has no example"
    with pytest.raises(SystemExit):
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert f"examples:\n  {own[0]}\n" in shown

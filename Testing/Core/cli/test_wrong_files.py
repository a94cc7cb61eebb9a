"""Files of the wrong kind where a command reads one: one line and exit code 2, or it is listed; never a traceback."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from AnnotationQACore.cli.main import main

PROGRESS = re.compile(r"^[a-z ]+: \d+/\d+ in ")
WRONG: dict[str, bytes] = {
    "empty": b"",
    "bytes": bytes(range(256)) * 40,
    "text": b"hello\n",
    "open.json": b"{",
    "deep.json": b"[" * 100_000,
    "list.json": b"[]",
    "object.json": b"{}",
    "empty.csv": b"",
    "heading.csv": b"case,reader,value\n",
    "spreadsheet.csv": b"\xef\xbb\xbfa;b;c\r\n1,5;2;3\r\n",
    "bytes.nrrd": bytes(range(256)),
    "bytes.nii.gz": bytes(range(256)),
    "bytes.seg.nrrd": bytes(range(256)),
    "bytes.mrk.json": bytes(range(256)),
    "bytes.dcm": bytes(128) + b"DICM" + bytes(range(256)),
}
READERS = (
    "agreement {} ct.dcm",
    "agreement {} {} --readers a b --reference {}",
    "agreement --ratings {} --case case --reader reader --value value",
    "agreement --matrix {}",
    "agreement --landmarks {} {} --readers a b",
    "consensus {} ct.dcm -o out.nrrd",
    "measure {} ct.dcm",
    "measure ct.dcm {}",
    "measure --landmarks {} --distance a b",
    "protocol show {}",
    "protocol diff {} lung_nodule_ct",
    "init new --protocol {} --lead ana",
    "add-cases study {} --dry-run",
    "adopt study {} --as ana",
    "status {}",
    "verify {}",
    "verify study --against {}",
    "inspect {} --jobs 1 --quiet --no-cache",
    "export {} -o out",
    "report {} -o out",
    "import folder study {} --as ana",
    "import folder study . --table {} --as ana",
    "import lidc study --database {} --as ana",
    "textlabels read {} --protocol chest_xray_findings",
    "textlabels read reports --protocol {}",
    "textlabels read reports --protocol chest_xray_findings --language {}",
    "release check study --sheet {}",
    "release check study --options {}",
    "release check study --filters {}",
    "release check study --facts {}",
    "release check study --deidentification {}",
    "release check study --images {}",
    "release check {}",
    "release verify {} --key abc",
    "publish https://localhost/none {} --check",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a project, an image, a report, and files of every wrong kind."""
    folder = tmp_path_factory.mktemp("wrong files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ANNOTATIONQA_HOME", str(folder / "home"))
        assert main(["init", "study", "--protocol", "lung_nodule_ct", "--lead", "ana"]) == 0
        shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), "ct.dcm")
        Path("reports").mkdir()
        Path("reports/c1.txt").write_text("No nodule.")
        Path("folder").mkdir()
        for name, content in WRONG.items():
            Path(name).write_bytes(content)
        yield folder


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("words", READERS)
def test_it_is_one_line_or_it_is_listed(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused = 0
    for name in (*WRONG, "folder", "none", "/dev/null"):
        code = main(words.replace("{}", name).split())
        said = [line for line in capsys.readouterr().err.splitlines() if not PROGRESS.match(line)]
        assert code in (0, 1, 2), f"{name}: {said}"
        assert code != 2 or len(said) == 1, f"{name}: {said}"
        refused += code == 2
    assert refused

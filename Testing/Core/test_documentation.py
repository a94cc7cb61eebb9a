"""What the documentation shows is run: a command that does not work, or a link that leads nowhere, fails here."""

import importlib
import json
import keyword
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import COMMANDS, main
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.lidc.database import find_database

SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
FENCED_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
PROGRAMS = {
    "annotation-qa": "AnnotationQACore.cli.main",
    "deidentify-study": "DeidentifyStudyCore.cli.main",
}


def shell_commands(text: str) -> list[str]:
    """Commands in the ``sh`` blocks of a page, one a line; a backslash joins lines."""
    blocks = "\n".join(SHELL_BLOCK.findall(text)).replace("\\\n", " ")
    return [line.strip() for line in blocks.splitlines() if line.strip() and not line.startswith("#")]


def pages(repository: Path) -> list[Path]:
    return [
        repository / "README.md",
        repository / "CONTRIBUTING.md",
        *sorted((repository / "Documentation").glob("*.md")),
    ]


def test_the_tutorial_works_as_written(repository: Path, tmp_path: Path) -> None:
    try:
        find_database()
    except MissingExtra as missing:
        pytest.skip(str(missing))
    home = {**os.environ, "ANNOTATIONQA_HOME": str(tmp_path / "home")}
    commands = shell_commands((repository / "Documentation" / "tutorial.md").read_text(encoding="utf-8"))
    ran = 0
    for command in commands:
        program, *words = shlex.split(command)
        if program == "pip":
            continue
        call = [sys.executable, "-c", f"import sys; from {PROGRAMS[program]} import main; sys.exit(main())", *words]
        done = subprocess.run(call, cwd=tmp_path, env=home, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran >= 12
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000
    assert list((tmp_path / "objects").glob("*.seg.nrrd"))


def test_what_the_page_for_scripts_shows_works(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    power, schema = shell_commands((repository / "Documentation" / "scripting.md").read_text(encoding="utf-8"))
    assert main(shlex.split(power)[1:]) == 0
    assert json.loads(capsys.readouterr().out)["statistic"] == "icc"
    assert main(shlex.split(schema)[1:]) == 0
    assert json.loads(Path("protocol.schema.json").read_text())["$schema"].startswith("https://json-schema.org/")


def test_the_two_commands_of_the_readme_exist(repository: Path) -> None:
    commands = shell_commands((repository / "README.md").read_text(encoding="utf-8"))
    assert commands[:2] == ["make demo", "make test"]
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, re.M)
    assert re.search(r"^test:", makefile, re.M)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_is_in_the_readme(repository: Path, name: str) -> None:
    call = [sys.executable, "-c", "import sys; from AnnotationQACore.cli.main import main; sys.exit(main())"]
    done = subprocess.run([*call, name, "--help"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "usage: annotation-qa" in done.stdout
    documented = "".join(page.read_text(encoding="utf-8") for page in pages(repository))
    assert re.search(rf"annotation-qa {name}\b|`{name}`", documented), f"{name} is in no page"


def shown_commands(text: str) -> list[list[str]]:
    """Words of every command of ours in the fenced blocks of a page, comments and output left out."""
    blocks = "\n".join(FENCED_BLOCK.findall(text)).replace("\\\n", " ")
    lines = [line.strip().removeprefix("$ ") for line in blocks.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.split(" ")[0] in PROGRAMS]


def test_every_command_that_a_page_shows_can_be_typed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, steps and options are there as they are written; placeholders stand for any word."""
    wrong, seen = [], 0
    for page in pages(repository):
        for program, *words in shown_commands(page.read_text(encoding="utf-8")):
            package, seen = PROGRAMS[program].rpartition(".main")[0], seen + 1
            if words[0] not in importlib.import_module(PROGRAMS[program]).COMMANDS:
                wrong.append(f"{page.name}: {program} {words[0]}: is no command")
                continue
            name = words[0].replace("-", "_") + ("_" if keyword.iskeyword(words[0]) else "")
            parser = importlib.import_module(f"{package}.parsing").CommandParser(f"{program} {words[0]}")
            importlib.import_module(f"{package}.{name}").add_arguments(parser)
            try:
                parser.parse_args(words[1:])
            except SystemExit:
                wrong.append(f"{page.name}: {' '.join((program, *words))}: {capsys.readouterr().err.strip()}")
    assert not wrong
    assert seen > 60


def test_links_lead_somewhere(repository: Path) -> None:
    missing = [
        f"{page.relative_to(repository)}: {target}"
        for page in pages(repository)
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing

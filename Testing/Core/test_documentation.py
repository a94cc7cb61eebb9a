"""What the documentation shows is run: a command that does not work, or a link that leads nowhere, fails here."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from AnnotationQACore.cli.main import COMMANDS
from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.lidc.database import find_database

SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
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


def test_links_lead_somewhere(repository: Path) -> None:
    missing = [
        f"{page.relative_to(repository)}: {target}"
        for page in pages(repository)
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing

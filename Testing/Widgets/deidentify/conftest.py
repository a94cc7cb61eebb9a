"""The panel of De-identify Study, and what is needed to drive it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import qt
from sample_studies import make_studies

from DeidentifyStudyCore.cli.main import main
from DeidentifyStudyLib.widgets import common
from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel


@pytest.fixture(autouse=True)
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A slot that fails is told by `guard` instead of raising: here it fails the test."""
    yield
    assert "This could not be done" not in caplog.text


@pytest.fixture(autouse=True)
def dialog_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """What Qt's dialogs remember, in a file of the test's own."""

    def settings() -> Any:
        return qt.QSettings(str(tmp_path / "QtProject.ini"), qt.QSettings.IniFormat)

    monkeypatch.setattr(common, "dialog_settings", settings)
    return settings


@pytest.fixture
def resources(repository: Path) -> Path:
    """Folder with the .ui files."""
    return repository / "DeidentifyStudy" / "Resources"


@pytest.fixture
def loaded() -> list[Path]:
    """Folders that the panel was asked to load into Slicer."""
    return []


@pytest.fixture
def panel(resources: Path, loaded: list[Path]) -> Iterator[DeidentifyStudyPanel]:
    """The panel as the person finds it; its process is a real one."""

    def load(folder: Path) -> str:
        loaded.append(folder)
        return "2 nodes were loaded."

    made = DeidentifyStudyPanel(resources, load=load)
    made.widget.show()
    yield made
    made.cleanup()


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """A folder with small studies; its name identifies the patient, as folders of hospitals do."""
    return make_studies(tmp_path / "Zyxwarth_Quillon")


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts the command in this process, which is quicker; test_run_by_clicks starts real ones."""

    def here(command: list[str], environment: Any, folder: Path, on_line: Any, on_end: Any) -> None:
        with monkeypatch.context() as changed:
            for name, value in environment.items():
                changed.setenv(name, value)
            changed.chdir(folder)
            code = main(command[command.index("run") :])
        on_end(code)

    return here


@pytest.fixture
def ready(panel: Any, studies: Path, tmp_path: Path) -> Any:
    """The panel with everything chosen."""
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.places.ui.destinationEdit.text = str(tmp_path / "out")
    panel.places.ui.keyEdit.text = str(tmp_path / "project.key")
    panel.places.ui.passphraseEdit.text = "correct horse battery"
    panel.places.ui.repeatEdit.text = "correct horse battery"
    return panel

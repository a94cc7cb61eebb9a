"""Optional packages: what is said where they are missing, and the button that asks for them."""

import tomllib
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from DeidentifyStudyLib.logic import extras
from DeidentifyStudyLib.logic.extras import missing_extras, summary
from pythonqt import packaging


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names that can be imported: none, until a test adds some."""
    names: set[str] = set()
    monkeypatch.setattr(extras, "find_spec", lambda name: object() if name in names else None)
    return names


def test_what_is_missing_is_said_and_asked_for_by_one_button(installed: set[str], panel: Any) -> None:
    ui = panel.extras.ui
    assert "Text recognition is not installed" in ui.extrasStatus.text
    assert "Lossless JPEG is not installed" in ui.extrasStatus.text
    ui.extrasButton.click()
    assert packaging.requests == [["onnxruntime>=1.19", "rapidocr>=3.4", "python-gdcm>=3.0.24"]]
    assert ui.extrasButton.visible  # nothing was installed: the line still says so


def test_only_what_is_missing_is_asked_for_and_the_line_follows(
    installed: set[str], panel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui = panel.extras.ui
    installed.add("gdcm")

    def install(requirements: list[str], requester: str) -> None:
        assert requirements == ["onnxruntime>=1.19", "rapidocr>=3.4"]
        assert requester == "De-identify Study"
        installed.update(("rapidocr", "onnxruntime"))

    monkeypatch.setattr(packaging, "pip_ensure", install)
    ui.extrasButton.click()
    assert ui.extrasStatus.text == summary(()) == "Text recognition and lossless JPEG are installed."
    assert not ui.extrasButton.visible


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("User declined package installation"), "Text recognition is not installed"),
        (CalledProcessError(1, "pip"), "ask your administrator for: onnxruntime>=1.19"),
    ],
)
def test_who_declines_or_has_no_internet_goes_on_without(
    error: Exception, said: str, installed: set[str], panel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(packaging, "pip_ensure", fail)
    panel.extras.ui.extrasButton.click()
    assert said in panel.extras.ui.extrasStatus.text
    assert panel.extras.ui.extrasButton.visible


def test_slicer_asks_for_what_the_package_declares(installed: set[str], repository: Path) -> None:
    declared = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recognition, jpeg = missing_extras()
    assert sorted(recognition.requirements) == declared["optional-dependencies"]["ocr"]
    assert set(jpeg.requirements) <= set(declared["optional-dependencies"]["codecs"])

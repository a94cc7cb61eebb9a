"""What an error misses is asked for once, by the words of Slicer; who declines sees the error."""

import pickle
import tomllib
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange import video
from AnnotationQACore.interchange.series import codecs
from AnnotationQACore.interchange.series.codecs import CODECS
from AnnotationQACore.release.exporters import tables
from AnnotationQALib.widgets.missing_packages import text_or_remedy
from pythonqt import packaging

HTJ2K = "1.2.840.10008.1.2.4.201"


def missing() -> MissingExtra:
    return MissingExtra(f"CT series: {codecs.install_hint(HTJ2K)}", CODECS)


def test_other_errors_ask_for_nothing() -> None:
    assert text_or_remedy(InputError("a.nrrd: is empty.")) == "a.nrrd: is empty."
    assert text_or_remedy(MissingExtra("pylidc: not installed.")) == "pylidc: not installed."
    assert not packaging.requests


def test_what_is_installed_when_asked_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: set[str] = set()
    monkeypatch.setattr(codecs.importlib.util, "find_spec", lambda name: object() if name in installed else None)
    monkeypatch.setattr(codecs, "_decoder", lambda *_: object())
    codecs.look_again()
    assert codecs.decoder_for(HTJ2K) is None

    def install(requirements: list[str], requester: str) -> None:
        packaging.requests.append(requirements)
        installed.update(("pylibjpeg", "openjpeg"))

    monkeypatch.setattr(packaging, "pip_ensure", install)
    monkeypatch.setattr(packaging, "pip_check", lambda _: bool(installed))
    assert text_or_remedy(missing()) == "The packages are installed now; do it once more."
    assert packaging.requests == [list(CODECS)]
    assert codecs.decoder_for(HTJ2K) == "pylibjpeg"
    codecs.look_again()


@pytest.mark.parametrize("error", [RuntimeError("User declined"), CalledProcessError(1, "pip")])
def test_who_declines_or_has_no_internet_sees_the_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(packaging, "pip_ensure", fail)
    assert "which nothing here decodes" in text_or_remedy(missing())


def test_in_testing_mode_nothing_is_installed_and_the_error_stays() -> None:
    assert "which nothing here decodes" in text_or_remedy(missing())
    assert packaging.requests == [list(CODECS)]


def test_the_requirements_are_those_of_the_package_and_reach_other_processes(repository: Path) -> None:
    extras = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(CODECS) == set(extras["codecs"])
    assert extras["video"] == [video.OPENCV]
    assert extras["parquet"] == [tables.PYARROW]
    sent = pickle.loads(pickle.dumps(missing()))
    assert (str(sent), sent.requirements) == (str(missing()), CODECS)

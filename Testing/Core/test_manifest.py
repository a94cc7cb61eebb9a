"""Every installed file is listed in its module's CMakeLists.txt."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def manifest(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("manifest", repository / ".ci" / "manifest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", ["AnnotationQA", "DeidentifyStudy"])
def test_lists_equal_the_disk(manifest: ModuleType, repository: Path, folder: str) -> None:
    text = (repository / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    scripts, resources = manifest.installed_files(repository / folder)
    assert text == manifest.with_lists(text, scripts, resources), "run: python .ci/manifest.py --write"


def test_a_missing_file_is_seen(manifest: ModuleType, tmp_path: Path) -> None:
    text = "set(MODULE_PYTHON_SCRIPTS\n  a.py\n  )\nset(MODULE_PYTHON_RESOURCES\n  )\n"
    (tmp_path / "a.py").touch()
    (tmp_path / "b.py").touch()
    (tmp_path / "c.json").touch()
    updated = manifest.with_lists(text, *manifest.installed_files(tmp_path))
    assert updated == ("set(MODULE_PYTHON_SCRIPTS\n  a.py\n  b.py\n  )\nset(MODULE_PYTHON_RESOURCES\n  c.json\n  )\n")

"""A study that can be released, the patterns of de-identification, and an exporter that writes little."""

import shutil
import sys
from pathlib import Path

import pytest

from AnnotationQACore.cli.release_screen import text_screen
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, Identity
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.gate.texts import TextScreen
from AnnotationQACore.release.options import ExportOptions

sys.path.append(str(Path(__file__).resolve().parents[2]))

from release_study import Study, make_study


class LabelsExporter:
    """Writes the label image of each case as a text of its voxels: small, and enough to see what a release does."""

    name = "labels"

    def describe(self) -> str:
        return "Labels as text."

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        return [
            f"case {case.id}: has no voxels; draw something."
            for case in dataset.cases
            if all(reading.segmentation_file is None for reading in case.readings)
        ]

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        names = []
        for done, case in enumerate(dataset.cases):
            progress(done, len(dataset.cases), case.id)
            part = folder / dataset.split_of(case)
            part.mkdir(exist_ok=True)
            path = part / f"{case.id}.txt"
            if not path.exists():
                drawn = case.readings[0].segmentation()
                if drawn is None:
                    raise InputError(f"case {case.id}: has no voxels; draw something.")
                path.write_text(f"{int((drawn.layers > 0).sum())}\n")
            names.append(path.relative_to(folder).as_posix())
        return tuple(sorted(names))


@pytest.fixture(scope="session")
def made_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Identity]]:
    """Made once; tests work on copies."""
    base = tmp_path_factory.mktemp("study")
    return base, make_study(base)


@pytest.fixture
def study(made_study: tuple[Path, dict[str, Identity]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Seven cases of six patients, read by Anna and Ben, accepted by Rita; nothing is split or signed off yet."""
    base, people = made_study
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    for name in ("project", "report", "keys"):
        shutil.copytree(base / name, tmp_path / name)
    return Study(tmp_path, people)


@pytest.fixture
def ready_study(study: Study, screen: TextScreen) -> Study:
    """The same, split and signed off: nothing stands in the way of its release."""
    parts = {"case-1": "train", "case-2": "train", "case-3": "train", "case-4": "train", "case-5": "validation",
             "case-6": "test", "case-7": "test"}  # fmt: skip
    study.as_("lead").assign_split("main", {"train": 0.6, "validation": 0.1, "test": 0.3}, parts, 1)
    study.sign_off(screen)
    return study


@pytest.fixture(scope="session")
def screen() -> TextScreen:
    """The patterns of de-identification."""
    return text_screen()


@pytest.fixture
def exporters() -> dict[str, LabelsExporter]:
    return {"labels": LabelsExporter()}

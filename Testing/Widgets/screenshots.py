"""Pictures of the panels as people see them.

python Testing/Widgets/screenshots.py           those that pages show, into Resources/Screenshots
python Testing/Widgets/screenshots.py FOLDER    every state, light and dark, to be looked at
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"
HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(HERE), str(REPOSITORY / "AnnotationQA"), str(REPOSITORY / "DeidentifyStudy")]

from pythonqt import application, modules  # noqa: E402  # the path comes first

modules.install()

import qt  # noqa: E402  # made by install
from head_picture import head_picture  # noqa: E402
from labeling_screenshots import labeling_states  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from review_screenshots import review_states  # noqa: E402
from review_views_picture import review_views_pictures  # noqa: E402
from sample_studies import head_series, make_studies, screen_shot  # noqa: E402
from shown_pictures import shown_pictures  # noqa: E402
from slice_picture import review_picture  # noqa: E402

from DeidentifyStudyCore.dicom.source import opened  # noqa: E402
from DeidentifyStudyCore.pixels.boxes import ALL_FRAMES  # noqa: E402
from DeidentifyStudyCore.pixels.frames import frames_of, views_of  # noqa: E402
from DeidentifyStudyCore.pixels.search import find_text  # noqa: E402
from DeidentifyStudyCore.profile import OPTIONS  # noqa: E402
from DeidentifyStudyLib.widgets.panel import DeidentifyStudyPanel  # noqa: E402

WIDTH = 470
"""Pixels that Slicer gives to a panel on a screen of 1366 x 768."""


def save(panel: Any, path: Path, only: tuple[str, ...]) -> None:
    """Save the panel with these sections open, as high as they need."""
    sections = [name for name in vars(panel.ui) if name.endswith("Section")]
    for name in sections:
        getattr(panel.ui, name).collapsed = name not in only
    widget = panel.widget
    for _ in range(3):
        QApplication.processEvents()
        widget.resize(WIDTH, max(widget.minimumSizeHint.height(), widget.layout().heightForWidth(WIDTH)))
    QApplication.processEvents()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(path)):
        raise SystemExit(f"{path}: cannot be written; choose another folder.")


def deidentify_states(work: Path, shoot: Callable[[str, Any, tuple[str, ...]], None]) -> None:
    """Go through the panel of De-identify Study as a person does."""
    panel = DeidentifyStudyPanel(REPOSITORY / "DeidentifyStudy" / "Resources", load=lambda _folder: "")
    panel.widget.show()
    choices = ("sourceSection", "profileSection", "placesSection")
    shoot("deidentify-start", panel, choices)
    studies = make_studies(work / "studies")
    panel.source.ui.sourceFolderEdit.text = str(studies)
    panel.places.ui.destinationEdit.text = str(work / "result")
    panel.places.ui.keyEdit.text = str(work / "project.key")
    panel.places.ui.passphraseEdit.text = "correct horse battery"
    panel.places.ui.repeatEdit.text = "correct horse"
    shoot("deidentify-reason", panel, choices)
    panel.places.ui.repeatEdit.text = "correct horse battery"
    panel.profile.ui.profileCombo.currentText = "research-shifted-dates"
    panel.profile.ui.optionsTable.item(0, 0).setCheckState(qt.Qt.Checked)
    panel.profile.ui.optionsTable.selectRow(6)
    shoot("deidentify-ready", panel, choices)
    panel.profile.ui.effectsButton.checked = True
    panel.profile.ui.effectsSearch.text = "patient"
    shoot("deidentify-attributes", panel, ("profileSection",))
    panel.profile.ui.effectsButton.checked = False
    panel.preview.ui.previewFileEdit.text = str(studies / "CT_small.dcm")
    panel.preview.ui.previewButton.click()
    shoot("deidentify-preview", panel, ("previewSection",))
    panel.run_view.ui.applyButton.click()
    application.process(lambda: panel.run.progress.total > 0 or not panel.run.is_active, 60)
    shoot("deidentify-running", panel, choices[2:])
    application.process(lambda: not panel.run.is_active, 120)
    shoot("deidentify-results", panel, ("resultSection",))
    panel.review.ui.beginReviewButton.click()
    shoot("deidentify-review", panel, ("reviewSection",))
    panel.review.end()
    panel.texts.ui.signerEdit.text = "A. Reader"
    panel.texts.ui.textsTable.item(1, 0).setCheckState(qt.Qt.Unchecked)
    panel.texts.ui.signButton.click()
    shoot("deidentify-texts", panel, ("textsSection",))
    panel.cleanup()


def face_states(work: Path, folder: Path | None, shoot: Callable[[str, Any, tuple[str, ...]], None]) -> None:
    """Review a face; the 3D view is drawn into `folder` as Slicer's own libraries do."""
    head_series(work / "studies")
    panel = DeidentifyStudyPanel(REPOSITORY / "DeidentifyStudy" / "Resources", load=lambda _folder: "")
    panel.widget.show()
    panel.source.ui.sourceFolderEdit.text = str(work / "studies")
    panel.places.ui.destinationEdit.text = str(work / "result")
    panel.profile.ui.profileCombo.currentText = "gdpr-anonymous"
    faces = list(OPTIONS).index("clean_recognizable_visual_features")
    panel.profile.ui.optionsTable.item(faces, 0).setCheckState(qt.Qt.Checked)
    panel.profile.ui.optionsTable.selectRow(faces)
    shoot("deidentify-faces-option", panel, ("profileSection",))
    panel.run_view.ui.applyButton.click()
    application.process(lambda: not panel.run.is_active, 120)
    shoot("deidentify-faces-results", panel, ("resultSection", "facesSection"))
    panel.faces.ui.beginFacesButton.click()
    shoot("deidentify-faces-unnamed", panel, ("facesSection",))
    panel.faces.ui.reviewerEdit.text = "A. Reader"
    shoot("deidentify-faces", panel, ("facesSection",))
    if folder is not None:
        pictures = work / "result-review" / "queue-pictures"
        digest = next(pictures.glob("*-face.npz")).name.split("-")[0]
        Image.fromarray(head_picture(pictures.absolute(), digest)).save(folder / "deidentify-faces-view.png")
    panel.faces.ui.confirmButton.click()
    shoot("deidentify-faces-confirmed", panel, ("facesSection",))
    panel.cleanup()


def review_in_slice_view(path: Path) -> None:
    """Draw the red view of a review as Slicer's own libraries do."""

    with tempfile.TemporaryDirectory() as work:
        screen_shot(Path(work) / "screen.dcm")
        with opened(Path(work) / "screen.dcm") as source:
            pixels = views_of(*frames_of(source).cells(0))[0].copy()
    lines = [line.box for line in find_text(pixels, "classical")]
    boxes = [[ALL_FRAMES, box.row, box.column, box.height, box.width] for box in lines]
    Image.fromarray(review_picture(pixels, boxes)).save(path)


def main() -> int:
    """Write the pictures."""
    if len(sys.argv) > 1:
        draw_all(Path(sys.argv[1]).absolute())
        return 0
    target = REPOSITORY / "Resources" / "Screenshots"
    wanted = shown_pictures(REPOSITORY)
    with tempfile.TemporaryDirectory() as made:
        draw_all(Path(made))
        if missing := [name for name in wanted if not (Path(made) / name).exists() and not (target / name).exists()]:
            raise SystemExit(f"{', '.join(missing)}: a page shows it, and nothing draws it.")
        for name in wanted:
            if (Path(made) / name).exists():
                shutil.copyfile(Path(made) / name, target / name)
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    return 0


def draw_all(folder: Path) -> None:
    """Write a picture of every state, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        application.start()
        native = QApplication.instance()
        light = native.style().standardPalette()
        native.setPalette(application.dark_palette() if theme == "dark" else light)
        suffix = "" if theme == "light" else "-dark"
        with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):  # so that pictures show short paths
            deidentify_states(
                Path("hospital"), lambda name, panel, only, end=suffix: save(panel, folder / f"{name}{end}.png", only)
            )
            face_states(
                Path("faces"),
                None if suffix else folder,
                lambda name, panel, only, end=suffix: save(panel, folder / f"{name}{end}.png", only),
            )
            labeling_states(Path(work), folder, suffix)
            review_states(Path(work), folder, suffix)
        application.stop()
    review_in_slice_view(folder / "deidentify-review-view.png")
    review_views_pictures(folder)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # outside of an application Qt's and VTK's objects do not survive each other's end

"""The tutorial names the keys and buttons that there are."""

from __future__ import annotations

import re
from pathlib import Path

from AnnotationQALib.widgets.keys import descriptions

DOCUMENTATION = Path(__file__).resolve().parents[2] / "Documentation"


def test_every_key_is_in_the_tutorial_and_every_picture_is_there() -> None:
    text = (DOCUMENTATION / "labeling.md").read_text(encoding="utf-8")
    for key, _text in descriptions():
        assert key in text
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert len(pictures) >= 7
    assert not [picture for picture in pictures if not (DOCUMENTATION / picture).is_file()]


SEGMENT_EDITOR = {
    *"0123456789", *(f"Shift+{digit}" for digit in "0123456789"), *"ZYQWI", *"/*,.<>",
    "Esc", "Space", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z",
}  # fmt: skip
"""Keys that ``qMRMLSegmentEditorWidget::installKeyboardShortcuts`` puts on the main window (Slicer 5.12)."""

MAIN_WINDOW = {
    *(f"Ctrl+{key}" for key in "OSWZYXCVHF0123456`"), "Ctrl+Left", "Ctrl+Right", "Alt+Left", "Alt+Right",
}  # fmt: skip
"""Keys of Slicer's menus and tool bars."""

VIEWS = {*"RGBFVTXYHPESDL", "Left", "Right", "Up", "Down", "PgUp", "PgDown", "Home", "End", "Del", "Backspace"}
"""Keys of slice and 3D views and of markups."""


def test_no_key_is_one_of_the_segment_editor_or_of_slicer() -> None:
    ours = {part.strip() for key, _text in descriptions()[1:] for part in key.split(",")}
    assert len(ours) == len(descriptions()) - 1  # the digits of the form are off while segments are drawn
    assert not ours & (SEGMENT_EDITOR | MAIN_WINDOW | VIEWS)

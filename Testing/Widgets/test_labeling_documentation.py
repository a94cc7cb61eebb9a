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


def test_no_key_is_one_of_the_segment_editor_or_of_slicer() -> None:
    taken = {*"0123456789QWZYI/*,.<>", "Esc", "Space", "Left", "Right", "Ctrl+Z", "Ctrl+Y", "P", "E", "S", "D"}
    taken |= {f"Shift+{digit}" for digit in range(10)} | {f"Ctrl+{letter}" for letter in "OSWXCVHF123456"}
    ours = {key for key, _text in descriptions()[1:]}  # the digits of the form are off while segments are drawn
    assert not ours & taken

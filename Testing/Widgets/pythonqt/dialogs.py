"""Modal dialogs would stop a test for ever: it says beforehand what the person answers; each answer is used once."""

from collections import deque
from typing import Any

from pythonqt.wrapping import OVERRIDES

__all__ = ["answers", "install", "opened"]

answers: deque[Any] = deque()
"""What the next modal dialogs return: a path, a button, a dialog code."""

opened: deque[str] = deque()
"""What was handed to the desktop, which a test must not open."""

_MODAL = {
    "QFileDialog": ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName", "exec"),
    "QMessageBox": ("about", "critical", "information", "question", "warning", "exec"),
    "QInputDialog": ("getDouble", "getInt", "getItem", "getMultiLineText", "getText", "exec"),
    "QDialog": ("exec",),
    "QMenu": ("exec",),
    "QProgressDialog": ("exec",),
}


def install() -> None:
    """Replace everything that waits for a person."""
    for class_name, methods in _MODAL.items():
        for method in methods:
            OVERRIDES[class_name, method] = _answering(f"{class_name}.{method}")
    OVERRIDES["QDesktopServices", "openUrl"] = lambda url: opened.append(url.toString()) is None


def _answering(what: str) -> Any:
    def answer(*arguments: Any) -> Any:
        if not answers:
            raise AssertionError(
                f"{what} waits for a person; the test must put an answer into pythonqt.dialogs.answers"
            )
        return answers.popleft()

    return answer

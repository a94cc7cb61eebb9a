"""The panels on a real Qt, offscreen, inside a stand-in for Slicer's Qt layer (see `pythonqt`)."""

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("ITK_GLOBAL_DEFAULT_THREADER", "Platform")  # as in Testing/Mrml
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1] / "AnnotationQA", HERE.parents[1] / "DeidentifyStudy"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

try:
    from PySide6 import QtCore

    from pythonqt import application, modules

    modules.install()
except ImportError as error:
    if os.environ.get("CI"):
        raise
    pytest.skip(f"needs PySide6 and slicer-core (extras 'test' and 'slicer'): {error}", allow_module_level=True)


def _leave_the_rest() -> None:
    """What failed tests still hold (Qt and VTK objects that point at each other) must not be taken apart at the end."""
    gc.collect()
    gc.freeze()


atexit.register(_leave_the_rest)


@pytest.fixture(autouse=True)
def slicer_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``slicer.app`` with an empty scene. Exceptions in slots and warnings of Qt fail the test."""
    troubles: list[str] = []

    def keep_exception(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        import traceback

        troubles.append("".join(traceback.format_exception(kind, error, trace)))

    def keep_message(kind: QtCore.QtMsgType, context: Any, message: str) -> None:
        if kind != QtCore.QtMsgType.QtDebugMsg and not message.startswith("This plugin does not support"):
            troubles.append(f"Qt: {message}")

    monkeypatch.setattr(sys, "excepthook", keep_exception)
    previous = QtCore.qInstallMessageHandler(keep_message)
    app = application.start()
    yield app
    application.stop()
    QtCore.qInstallMessageHandler(previous)
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def scene(slicer_app: Any) -> Any:
    """``slicer.mrmlScene``, empty but for the nodes of the views."""
    return slicer_app.mrmlScene()

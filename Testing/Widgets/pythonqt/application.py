"""`slicer.app`, `slicer.mrmlScene` and what hangs on them: made for a test, taken away after it."""

import tempfile
import types
from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from pythonqt import dialogs, packaging
from pythonqt.ctk_widgets import ctkDICOMDatabase
from pythonqt.mrml_widgets import qSlicerLayoutManager, qSlicerModuleManager
from pythonqt.wrapping import wrap

__all__ = ["dark_palette", "process", "qSlicerApplication", "start", "stop"]


class qSlicerApplication(QtWidgets.QApplication):
    """The application in testing mode: message boxes are logged, not shown."""

    renderPaused = QtCore.Signal(bool)
    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)

    def begin(self) -> None:
        """Make scene, logics and managers anew."""
        scene = slicer.vtkMRMLScene()
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetMRMLScene(scene)
        segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
        segmentations.SetMRMLApplicationLogic(logic)
        segmentations.SetMRMLScene(scene)
        logic.SetModuleLogic("Segmentations", segmentations)
        self._slice_logics = vtk.vtkCollection()
        logic.SetSliceLogics(self._slice_logics)
        self._scene, self._logic = scene, logic
        self._layout_manager = qSlicerLayoutManager(scene, logic)
        self._module_manager = qSlicerModuleManager()
        self._database = ctkDICOMDatabase()
        self._temporary = tempfile.TemporaryDirectory(prefix="slicer-stand-in-")
        for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
            QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, self._temporary.name)
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        self.loaded: list[str] = []

    def end(self) -> None:
        """Let everything go."""
        for widget in self.topLevelWidgets():
            if shiboken6.isValid(widget):
                widget.close()
                widget.deleteLater()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        self.processEvents()
        self._layout_manager = self._module_manager = self._database = None
        self._scene.Clear(True)
        self._scene = self._logic = None
        self._temporary.cleanup()

    def testingEnabled(self) -> bool:
        return True

    def applicationLogic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return self._scene

    def layoutManager(self) -> Any:
        return self._layout_manager

    def moduleManager(self) -> Any:
        return self._module_manager

    def dicomDatabase(self) -> Any:
        return self._database

    def userSettings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def settings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def translate(self, context: str, text: str) -> str:
        return text

    def setRenderPaused(self, paused: bool) -> None:
        """Nothing is drawn."""

    def pauseRender(self) -> None:
        """Nothing is drawn."""

    def resumeRender(self) -> None:
        """Nothing is drawn."""

    def startupEnvironment(self) -> dict[str, str]:
        return {}

    def openUrl(self, url: str) -> bool:
        return True

    temporaryPath = QtCore.Property(str, lambda self: self._temporary.name)
    slicerHome = QtCore.Property(str, lambda self: self._temporary.name)


def start() -> Any:
    """Give `slicer` its application, scene and DICOM database; returns ``slicer.app``."""
    native = QtWidgets.QApplication.instance()
    if native is None:
        native = qSlicerApplication(["Slicer"])
        native.setApplicationName("Slicer")
        native.setOrganizationName("NA-MIC")
        native.setStyle("Fusion")
    native.begin()
    dialogs.answers.clear()
    dialogs.opened.clear()
    packaging.requests.clear()
    slicer.app = wrap(native)
    slicer.mrmlScene = native.mrmlScene()
    slicer.dicomDatabase = wrap(native.dicomDatabase())
    slicer.modules = types.SimpleNamespace()  # a test puts in those that it needs
    return slicer.app


def stop() -> None:
    """Take away what `start` gave."""
    QtWidgets.QApplication.instance().end()
    for name in ("app", "mrmlScene", "dicomDatabase", "modules"):
        delattr(slicer, name)


def process(until: Any = lambda: True, seconds: float = 30) -> None:
    """Let Qt work until a condition holds; raises AssertionError when it does not in time."""
    loop = QtCore.QDeadlineTimer(int(seconds * 1000))
    while True:
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if until():
            return
        if loop.hasExpired():
            raise AssertionError(f"not within {seconds} s")
        QtCore.QThread.msleep(5)


def dark_palette() -> QtGui.QPalette:
    """A palette like that of Slicer's dark style."""
    palette = QtGui.QPalette(QtGui.QColor(53, 53, 53))
    role = QtGui.QPalette.ColorRole
    for name, colour in {
        role.Window: (53, 53, 53), role.WindowText: (255, 255, 255), role.Base: (35, 35, 35),
        role.AlternateBase: (53, 53, 53), role.Text: (255, 255, 255), role.Button: (53, 53, 53),
        role.ButtonText: (255, 255, 255), role.Highlight: (42, 130, 218), role.HighlightedText: (255, 255, 255),
        role.ToolTipBase: (53, 53, 53), role.ToolTipText: (255, 255, 255), role.PlaceholderText: (140, 140, 140),
    }.items():  # fmt: skip
        palette.setColor(name, QtGui.QColor(*colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, name, QtGui.QColor(120, 120, 120))
    return palette

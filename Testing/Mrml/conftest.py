"""A real MRML scene from the slicer-core wheel, without an application around it.

VTK reports its errors to a text window instead of raising them; here every one of them fails the test.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("ITK_GLOBAL_DEFAULT_THREADER", "Platform")  # the contour interpolator can crash at exit otherwise
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

try:
    import slicer
    import vtk
except ImportError as error:
    if os.environ.get("CI"):
        raise
    pytest.skip(f"needs the slicer-core wheel (pip install 'annotation-qa[slicer]'): {error}", allow_module_level=True)


@pytest.fixture(autouse=True)
def vtk_errors() -> Iterator[list[str]]:
    """Errors that VTK printed during the test; the test fails when there is one."""
    messages: list[str] = []
    window = vtk.vtkStringOutputWindow()
    vtk.vtkOutputWindow.SetInstance(window)

    @vtk.calldata_type(vtk.VTK_STRING)
    def keep(caller: object, event: str, message: str) -> None:
        messages.append(message)

    window.AddObserver(vtk.vtkCommand.ErrorEvent, keep)
    yield messages
    vtk.vtkOutputWindow.SetInstance(None)
    assert not messages, "\n".join(messages)


@pytest.fixture
def application_logic() -> Any:
    """The application logic with a scene, as Slicer sets it up before any module."""
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLApplicationLogic(logic)
    segmentations.SetMRMLScene(scene)
    logic.SetModuleLogic("Segmentations", segmentations)
    return logic


@pytest.fixture
def scene(application_logic: Any) -> Any:
    """An empty scene that knows segmentations."""
    return application_logic.GetMRMLScene()


@pytest.fixture(scope="session")
def rendered_views() -> Any:
    """The module beside this file that renders views offscreen."""
    path = Path(__file__).with_name("rendered_views.py")
    spec = importlib.util.spec_from_file_location("rendered_views", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""What fails in a slot of Annotation QA or Consensus Review is told to the person, and nothing of it is in the log."""

import ast
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import qt
import slicer

from AnnotationQALib.widgets.guard import connect, guarded
from AnnotationQALib.widgets.module_widget import PanelModuleWidget
from pythonqt.application import process, qSlicerApplication

SECRET = "/data/Zyxwarth_Quillon"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the person is told, with the details; Slicer is not in testing mode."""
    lines: list[tuple[str, str]] = []
    monkeypatch.setattr(qSlicerApplication, "testingEnabled", lambda _self: False)
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, detailedText="": lines.append((text, detailedText)))
    return lines


def fail(*_arguments: Any) -> None:
    raise PermissionError(13, "Permission denied", SECRET)


def test_a_slot_that_fails_is_told_by_kind_and_place(told: list[tuple[str, str]], capfd: Any, caplog: Any) -> None:
    button = qt.QPushButton()
    connect(button, "clicked()", fail)
    button.click()
    assert told == [], "the button is still at work"
    process()
    line, details = told[0]
    assert "PermissionError, Permission denied; test_guard.py, line" in line
    assert details.startswith("test_guard.py, line")
    assert details.endswith("fail")
    out, err = capfd.readouterr()
    assert "Zyxwarth" not in line + details + out + err + caplog.text
    button.click()
    process()
    assert len(told) == 2, "a person who tries again is told again"


def test_a_timer_tells_the_same_failure_once(told: list[tuple[str, str]]) -> None:
    timer = qt.QTimer()
    states = [True, True, True, False, True]
    connect(timer, "timeout()", lambda: fail() if states.pop(0) else None)
    timer.setInterval(1)
    timer.start()
    process(lambda: not states)
    timer.stop()
    process()
    assert len(told) == 2, "again only after it has gone well in between"


def test_an_observer_tells_the_same_failure_once(told: list[tuple[str, str]]) -> None:
    node = slicer.vtkMRMLScriptedModuleNode()
    node.AddObserver("ModifiedEvent", guarded(fail, repeats=True))
    for _ in range(3):
        node.Modified()
    process()
    assert len(told) == 1


@pytest.mark.parametrize("action", [lambda: ["none"], lambda row: [row], lambda *cells: list(cells)])
def test_actions_get_as_many_arguments_as_they_take(action: Callable[..., list[Any]]) -> None:
    got: list[list[Any]] = []
    table = qt.QTableWidget(2, 2)

    class Keeper:
        def keep(self) -> None:
            got.append(["method"])

    connect(table, "cellClicked(int,int)", Keeper().keep)
    gc.collect()
    table.cellClicked(1, 0)
    assert got == [["method"]]
    assert guarded(action)(1, 0) in (["none"], [1], [1, 0])
    assert guarded(lambda on, flag="x": [on, flag])(True) == [True, "x"]


def test_a_module_that_cannot_be_left_says_so(told: list[tuple[str, str]]) -> None:
    class Panel:
        def __init__(self) -> None:
            self.widget = qt.QWidget()

        enter = exit = scene_closes = cleanup = fail

    class ModuleWidget(PanelModuleWidget):
        def make_panel(self) -> Any:
            return Panel()

    module = ModuleWidget()
    for happens in (module.enter, module.exit, lambda: slicer.mrmlScene.Clear(), module.cleanup):
        told.clear()
        happens()
        process()
        assert len(told) == 1
        assert "Zyxwarth" not in str(told)


def test_in_testing_mode_failures_go_on() -> None:
    with pytest.raises(PermissionError):
        guarded(fail)()


def test_nothing_of_the_panels_is_called_unguarded(repository: Path) -> None:
    """Slots, observers and single shots of all widgets."""
    library = repository / "AnnotationQA" / "AnnotationQALib"
    bare = []
    for path in (*(library / "widgets").glob("*.py"), *(library / "review" / "widgets").glob("*.py")):
        if path.name == "guard.py":
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                shown = ast.get_source_segment(source, node) or ""
                is_guarded = "guarded(" in shown
                if node.func.attr == "connect" or (node.func.attr in ("AddObserver", "singleShot") and not is_guarded):
                    bare.append(f"{path.name}, line {node.lineno}")
    assert bare == []

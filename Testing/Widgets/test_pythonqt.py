"""The stand-in for Slicer's Qt layer refuses what Slicer would refuse."""

import ast
import json
import sys
from pathlib import Path
from typing import Any

import ctk
import pytest
import qt
import slicer

from pythonqt import dialogs, table
from pythonqt.application import process
from pythonqt.wrapping import NotInStandIn

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Panel</class>
 <widget class="qMRMLWidget" name="Panel">
  <layout class="QVBoxLayout">
   <item>
    <widget class="ctkCollapsibleButton" name="inputsButton">
     <property name="text"><string>Inputs</string></property>
     <layout class="QFormLayout">
      <item row="0" column="0">
       <widget class="QLabel" name="volumeLabel"><property name="text"><string>Volume:</string></property></widget>
      </item>
      <item row="0" column="1">
       <widget class="qMRMLNodeComboBox" name="volumeSelector">
        <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
        <property name="noneEnabled"><bool>true</bool></property>
       </widget>
      </item>
      <item row="1" column="1">
       <widget class="ctkPathLineEdit" name="folderEdit">
        <property name="filters"><set>ctkPathLineEdit::Dirs</set></property>
       </widget>
      </item>
     </layout>
    </widget>
   </item>
  </layout>
 </widget>
 <customwidgets>
  <customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>qMRMLWidget.h</header><container>1</container></customwidget>
  <customwidget><class>ctkCollapsibleButton</class><extends>QWidget</extends><header>ctkCollapsibleButton.h</header><container>1</container></customwidget>
  <customwidget><class>ctkPathLineEdit</class><extends>QWidget</extends><header>ctkPathLineEdit.h</header></customwidget>
  <customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends><header>qMRMLNodeComboBox.h</header></customwidget>
 </customwidgets>
 <connections>
  <connection>
   <sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
   <receiver>volumeSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot>
  </connection>
 </connections>
</ui>
"""


def write_ui(folder: Path, text: str = UI) -> str:
    path = folder / "Panel.ui"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_cut_is_part_of_the_whole_table() -> None:
    if not table.whole_table().is_file():
        pytest.skip(f"needs the whole table at {table.whole_table()}")
    whole = json.loads(table.whole_table().read_text(encoding="utf-8"))
    assert json.loads(table.CUT.read_text(encoding="utf-8")) == table.cut(whole)


def test_every_class_that_panels_name_is_in_the_cut(repository: Path) -> None:
    """A class that is not in the cut would only be missed when the line runs."""
    known = {name for names in table.class_groups().values() for name in names}
    missing = set()
    for module in ("AnnotationQA", "DeidentifyStudy"):
        files = [*(repository / module).glob("*.py"), *(repository / module / f"{module}Lib").rglob("*.py")]
        for path in files:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    of_slicer = node.value.id == "slicer" and node.attr.startswith(("qMRML", "qSlicer"))
                    if (node.value.id in {"qt", "ctk"} or of_slicer) and node.attr not in known:
                        missing.add(f"{path.name}: {node.value.id}.{node.attr}")
    assert not missing


def test_an_unknown_name_is_an_attribute_error() -> None:
    button = qt.QPushButton()
    with pytest.raises(AttributeError):
        button.setTxt("x")
    with pytest.raises(AttributeError):
        button.colour  # noqa: B018
    with pytest.raises(AttributeError):
        qt.QPushButtn  # noqa: B018
    with pytest.raises(AttributeError):
        ctk.ctkNothing  # noqa: B018
    with pytest.raises(AttributeError):
        qt.Qt.AlignMiddle  # noqa: B018


def test_a_name_of_pyside_alone_is_unknown() -> None:
    """PySide6 has them, PythonQt has not."""
    label = qt.QLabel()
    with pytest.raises(AttributeError):
        label.metaObject().nothing  # noqa: B018
    with pytest.raises(AttributeError):
        qt.QWidget().raise_()
    assert not hasattr(qt, "SIGNAL")


def test_a_property_is_not_callable_and_a_method_is_not_a_property() -> None:
    edit = qt.QLineEdit("text")
    assert edit.text == "text"
    with pytest.raises(TypeError):
        edit.text()
    assert callable(edit.isReadOnly)
    with pytest.raises(AttributeError):
        edit.isReadOnly = True
    edit.readOnly = True
    assert edit.isReadOnly() is True
    with pytest.raises(AttributeError):
        edit.hasSelectedText = True  # not writable
    table_widget = qt.QTableWidget(2, 3)
    assert (table_widget.rowCount, table_widget.columnCount) == (2, 3)


def test_objects_of_qt_take_no_new_attributes_but_python_classes_do() -> None:
    with pytest.raises(AttributeError):
        qt.QLabel().caseName = "x"

    class Label(qt.QLabel):  # type: ignore[misc,name-defined]
        pass

    label = Label("t")
    label.caseName = "x"
    assert label.caseName == "x"
    assert label.text == "t"


def test_no_keyword_arguments_and_no_paths(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        qt.QPushButton(text="x")
    with pytest.raises(TypeError):
        qt.QIcon(tmp_path)
    with pytest.raises(TypeError):
        ctk.ctkPathLineEdit().currentPath = tmp_path


def test_signals_connect_by_signature_and_by_name() -> None:
    button = qt.QPushButton()
    button.checkable = True
    got: list[Any] = []
    toggled = got.append

    def nothing() -> None:
        got.append("clicked")

    def by_name(checked: bool) -> None:
        got.append(("c", checked))

        ((lambda: got.append("clicked")),)

    button.connect("clicked()", nothing)
    button.connect("toggled(bool)", toggled)
    button.clicked.connect(by_name)
    button.click()
    assert sorted(map(str, got)) == ["('c', True)", "True", "clicked"]
    button.disconnect("clicked()", nothing)
    button.clicked.disconnect(by_name)
    got.clear()
    button.click()
    assert got == [False]
    with pytest.raises(ValueError, match="no signal klicked"):
        button.connect("klicked()", nothing)
    with pytest.raises(ValueError, match="no signal toggled"):
        button.connect("toggled()", nothing)


def test_a_function_gets_as_many_arguments_as_it_takes() -> None:
    button = qt.QPushButton()
    got: list[Any] = []
    button.clicked.connect(lambda: got.append("none"))
    button.clicked.connect(lambda name="default": got.append(name))
    button.click()
    assert got == ["none", False]


def test_classes_and_children_are_what_slicer_util_wants(tmp_path: Path) -> None:
    panel = slicer.util.loadUI(write_ui(tmp_path))
    ui = slicer.util.childWidgetVariables(panel)
    assert isinstance(ui.volumeSelector, slicer.qMRMLNodeComboBox)
    assert isinstance(ui.volumeSelector, qt.QWidget)
    assert ui.inputsButton.text == "Inputs"
    assert ui.folderEdit.className() == "ctkPathLineEdit"
    assert int(ui.folderEdit.filters) == 1
    assert ui.inputsButton is slicer.util.findChild(panel, "inputsButton")
    panel.show()
    assert ui.folderEdit.visible
    ui.inputsButton.collapsed = True
    assert not ui.folderEdit.visible


def test_the_scene_reaches_children_by_the_signal_of_the_ui_file(tmp_path: Path) -> None:
    panel = slicer.util.loadUI(write_ui(tmp_path))
    ui = slicer.util.childWidgetVariables(panel)
    assert ui.volumeSelector.mrmlScene() is None
    panel.setMRMLScene(slicer.mrmlScene)
    assert ui.volumeSelector.mrmlScene() is slicer.mrmlScene
    got: list[Any] = []
    ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    ui.volumeSelector.setCurrentNode(volume)
    assert ui.volumeSelector.currentNode() is volume
    assert got == [volume]
    slicer.mrmlScene.RemoveNode(volume)
    assert ui.volumeSelector.currentNode() is None


def test_a_ui_file_with_an_unknown_widget_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ctkFancyEdit"):
        slicer.util.loadUI(write_ui(tmp_path, UI.replace("ctkPathLineEdit", "ctkFancyEdit")))


def test_what_has_no_body_says_so() -> None:
    with pytest.raises(NotInStandIn):
        slicer.qSlicerSimpleMarkupsWidget()
    with pytest.raises(NotInStandIn):
        slicer.qMRMLSegmentEditorWidget().undo()
    assert not hasattr(slicer.qMRMLSegmentEditorWidget, "notThere")


def test_virtual_methods_can_be_overridden() -> None:
    class Box(qt.QWidget):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        def resizeEvent(self, event: Any) -> None:
            self.sizes.append(event.size().width())
            super().resizeEvent(event)

    box = Box()
    box.resize(123, 20)
    box.show()
    assert box.sizes[-1] == 123


def test_enumerators_are_numbers_and_flags() -> None:
    assert qt.Qt.AlignLeft == 1
    assert int(qt.Qt.AlignLeft | qt.Qt.AlignTop) == 0x21
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight | qt.Qt.AlignTop
    assert label.alignment & qt.Qt.AlignRight
    item = qt.QTableWidgetItem("x")
    item.setData(qt.Qt.UserRole, 7)
    item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
    assert item.data(qt.Qt.UserRole) == 7
    assert not item.flags() & qt.Qt.ItemIsEditable


def test_a_modal_dialog_needs_an_answer() -> None:
    with pytest.raises(AssertionError, match="waits for a person"):
        qt.QFileDialog.getExistingDirectory(None, "Folder", "")
    dialogs.answers.append("/chosen")
    assert qt.QFileDialog.getExistingDirectory(None, "Folder", "") == "/chosen"


def test_message_boxes_are_logged_as_in_testing_mode(caplog: pytest.LogCaptureFixture) -> None:
    slicer.util.errorDisplay("could not be read")
    assert "could not be read" in caplog.text
    assert slicer.util.confirmYesNoDisplay("sure?") is False  # Slicer's own answer in testing mode


def test_processes_run_and_report_to_the_event_loop() -> None:
    lines: list[str] = []
    codes: list[int] = []
    process_ = slicer.util.launchConsoleProcess(
        [sys.executable, "-c", "print('one'); raise SystemExit(3)"],
        blocking=False,
        logCallback=lines.append,
        completedCallback=codes.append,
    )
    process(lambda: bool(codes))
    process_.stdout.close()  # Slicer leaves it to the garbage collector
    assert (lines, codes) == (["one"], [3])


def test_slice_views_have_real_logic() -> None:
    red = slicer.app.layoutManager().sliceWidget("Red")
    assert red.mrmlSliceNode().GetName() == "Red"
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer.util.setSliceViewerLayers(background=volume)
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()


def test_every_function_of_the_table_is_in_the_wheel() -> None:
    assert not [name for name in table.util_signatures() if not hasattr(slicer.util, name)]
    assert not [name for name in ("pip_ensure", "pip_check") if name not in table.util_signatures("slicer.packaging")]


def test_a_module_class_describes_itself() -> None:
    parent = slicer.qSlicerScriptedLoadableModule()
    parent.title = "Example"
    parent.categories = ["Annotation QA"]
    assert (parent.title, tuple(parent.categories)) == ("Example", ("Annotation QA",))
    with pytest.raises(AttributeError):
        parent.subtitle = "x"

"""What Python sees in Slicer's Qt layer: a cut of the table that was read off a running Slicer 5.12.

``python Testing/Widgets/pythonqt/table.py --write [TABLE]`` makes the cut anew from the whole table.
"""

import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["CUT", "Names", "application_names", "class_groups", "cut", "names_of", "util_signatures", "whole_table"]

CUT = Path(__file__).with_name("slicer-5.12-names.json")
_REPOSITORY = Path(__file__).resolve().parents[3]

QT = """
QAbstractButton QAbstractItemModel QAbstractItemView QAbstractScrollArea QAbstractSlider QAbstractSpinBox QAction
QActionGroup QApplication QBoxLayout QBrush QButtonGroup QByteArray QCheckBox QClipboard QCloseEvent QColor QComboBox
QCompleter QCoreApplication QCursor QDate QDateTime QDesktopServices QDialog QDialogButtonBox QDir QDoubleSpinBox
QDoubleValidator QElapsedTimer QEvent QEventLoop QFile QFileDialog QFileInfo QFocusEvent QFont QFontMetrics QFormLayout
QFrame QGridLayout QGroupBox QGuiApplication QHBoxLayout QHeaderView QHideEvent QIODevice QIcon QImage QInputDialog
QIntValidator QItemSelection QItemSelectionModel QKeyEvent QKeySequence QLabel QLayout QLayoutItem QLineEdit QLineF
QListView QListWidget QListWidgetItem QLocale QMainWindow QMargins QMenu QMessageBox QMetaMethod QMetaObject QModelIndex
QMouseEvent QPaintEvent QPainter QPainterPath QPalette QPen QPixmap QPlainTextEdit QPoint QPointF QPolygonF
QProcess QProgressBar QProgressDialog QPushButton QRadioButton QRect QRectF QRegularExpression
QRegularExpressionValidator QResizeEvent QScreen QScrollArea QScrollBar QSettings QShortcut QShowEvent QSignalBlocker
QSize QSizeF QSizePolicy QSlider QSortFilterProxyModel QSpacerItem QSpinBox QSplitter QStackedLayout QStackedWidget
QStandardItem QStandardItemModel QStandardPaths QStatusBar QStringListModel QStyle QTabBar QTabWidget QTableView
QTableWidget QTableWidgetItem QTextBrowser QTextCharFormat QTextCursor QTextDocument QTextEdit QTime QTimer QToolBar
QToolButton QToolTip QTreeView QTreeWidget QTreeWidgetItem QUiLoader QUrl QVBoxLayout QValidator QWheelEvent
QWidgetAction Qt
"""
CTK = """
ctkCheckBox ctkCollapsibleButton ctkCollapsibleGroupBox ctkComboBox ctkDICOMDatabase ctkDirectoryButton
ctkDoubleSpinBox ctkFittedTextBrowser ctkMessageBox ctkPathLineEdit ctkPushButton ctkSearchBox ctkSliderWidget
"""
SLICER = """
qMRMLCheckableNodeComboBox qMRMLLayoutManager qMRMLNodeComboBox qMRMLSegmentEditorWidget qMRMLSegmentSelectorWidget
qMRMLSegmentsTableView qMRMLSequenceBrowserPlayWidget qMRMLSequenceBrowserSeekWidget qMRMLSliceControllerWidget
qMRMLSliceView qMRMLSliceWidget qMRMLThreeDView qMRMLThreeDWidget qMRMLWidget qSlicerLayoutManager
qSlicerMarkupsPlaceWidget qSlicerModuleManager qSlicerScriptedLoadableModule qSlicerSimpleMarkupsWidget qSlicerWidget
"""
WANTED = {"qt_classes": QT.split(), "ctk_classes": CTK.split(), "slicer_qt_classes": SLICER.split()}
"""The classes that the cut has; one that Slicer lacks is left out, so that code cannot use it."""

_WHOLE_SECTIONS = (
    "what",
    "slicer",
    "qt",
    "QObject",
    "QWidget",
    "slicer.app",
    "slicer.app.layoutManager()",
    "slicer.util",
    "slicer.packaging",
    "slicer.ScriptedLoadableModule",
    "modules",
)


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one class, those of its bases included, by kind."""

    methods: frozenset[str]
    signals: frozenset[str]
    properties: frozenset[str]
    constants: frozenset[str]


def cut(table: dict[str, Any]) -> dict[str, Any]:
    """The part of the whole table that the stand-in carries."""
    result = {section: table[section] for section in _WHOLE_SECTIONS}
    for group, wanted in WANTED.items():
        result[group] = {name: table[group][name] for name in sorted(wanted) if name in table[group]}
    return result


def whole_table() -> Path:
    """Where the whole table may lie; it is not part of the project."""
    data = Path(os.environ.get("ANNOTATIONQA_TEST_DATA", _REPOSITORY.parent / "shared" / "data"))
    return data.parent / "slicer-api" / "slicer-5.12-qt-names.json"


@cache
def _table() -> dict[str, Any]:
    return dict(json.loads(CUT.read_text(encoding="utf-8")))


def class_groups() -> dict[str, list[str]]:
    """Names of the classes of `qt`, `ctk` and `slicer`."""
    groups = {group: list(_table()[group]) for group in WANTED}
    groups["qt_classes"] += ["QObject", "QWidget"]
    return groups


@cache
def names_of(class_name: str) -> Names:
    """Names of a class; raises KeyError for a class that is not in the cut."""
    if class_name in {"QObject", "QWidget"}:
        return _merged(_table()[class_name])
    for group in WANTED:
        if class_name in _table()[group]:
            return _merged(_table()[group][class_name])
    raise KeyError(class_name)


def application_names(section: str) -> Names:
    """Names of ``slicer.app`` or ``slicer.app.layoutManager()``, which were read off the objects."""
    row = _table()[section]
    of_every_object = {"className", "delete", "help", "inherits"}  # the listing has them among the properties
    row = row | {"properties": sorted({*row["properties"]} - of_every_object)}
    return _merged(row | {"inherits": "QObject"})


def util_signatures(module: str = "slicer.util") -> dict[str, str]:
    """Functions of ``slicer.util`` or ``slicer.packaging``, with their signatures."""
    return dict(_table()[module])


def _merged(row: dict[str, Any]) -> Names:
    rows = [row]
    if row.get("inherits"):
        rows.append(_table()[row["inherits"]])
    kinds = {kind: frozenset(name for part in rows for name in part.get(kind, [])) for kind in _KINDS}
    return Names(**kinds)


_KINDS = ("methods", "signals", "properties", "constants")


def main() -> int:
    """Write the cut."""
    if sys.argv[1:2] != ["--write"]:
        print(__doc__)
        return 2
    source = Path(sys.argv[2]) if len(sys.argv) > 2 else whole_table()
    rows = cut(json.loads(source.read_text(encoding="utf-8")))
    lines = []
    for section, content in rows.items():
        if section in WANTED:
            inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in content.items())
            lines.append(f" {json.dumps(section)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(section)}: {json.dumps(content)}")
    CUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

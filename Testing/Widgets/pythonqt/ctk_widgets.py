"""Bodies of the CTK widgets that the panels use: what they look like and the properties and signals that matter."""

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

__all__ = ["ENUMERATORS", "NATIVES"]


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that shows and hides the widgets below it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        title = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        parents = [argument for argument in arguments if isinstance(argument, QWidget)]
        super().__init__(*parents)
        self._collapsed = False
        self._flat = False
        self._shown: dict[QWidget, bool] = {}
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._header_height(), 0, 0)
        self.toggled.connect(lambda opened: self._set_collapsed(not opened))

    def _header_height(self) -> int:
        return self.fontMetrics().height() + 10

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setChecked(not collapsed)
        children = [child for child in self.children() if isinstance(child, QWidget) and not child.isWindow()]
        if collapsed:
            self._shown = {child: not child.isHidden() for child in children}
        for child in children:
            child.setVisible(not collapsed and self._shown.get(child, True))
        self.setMaximumHeight(self._header_height() if collapsed else 16777215)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed, notify=contentsCollapsed)

    def _get_flat(self) -> bool:
        return self._flat

    def _set_flat(self, flat: bool) -> None:
        self._flat = flat

    flat = Property(bool, _get_flat, _set_flat)
    contentsLineWidth = Property(int, lambda self: 1, lambda self, value: None)
    collapsedHeight = Property(int, lambda self: 0, lambda self, value: None)

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.Type.FontChange:
            self.setContentsMargins(0, self._header_height(), 0, 0)
        return bool(super().event(event))

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return bool(position.y() <= self._header_height())

    def sizeHint(self) -> QtCore.QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + 40
        layout = self.layout()
        if layout is None or self._collapsed:
            return QtCore.QSize(width, self._header_height())
        return layout.totalSizeHint().expandedTo(QtCore.QSize(width, self._header_height()))

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if layout is None or self._collapsed:
            return QtCore.QSize(40, self._header_height())
        return layout.totalMinimumSize()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), self._header_height())
        option.state |= QtWidgets.QStyle.StateFlag.State_Raised
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(8, (self._header_height() - 10) // 2, 10, 10)
        element = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(
            element.PE_IndicatorArrowRight if self._collapsed else element.PE_IndicatorArrowDown, arrow
        )
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.ButtonText))
        inside = option.rect.adjusted(26, 0, -6, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        painter.end()


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box whose check box shows and hides what is in it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.toggled.connect(self._show)

    def _show(self, shown: bool) -> None:
        for child in self.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(shown)

    collapsed = Property(bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value))


class _Path(QWidget):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*[argument for argument in arguments if isinstance(argument, QWidget)])
        self._layout = QtWidgets.QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)


class ctkPathLineEdit(_Path):
    """A combo box with a path and a button that opens a file dialog."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._combo = QtWidgets.QComboBox()
        self._combo.setEditable(True)
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._combo.setInsertPolicy(QtWidgets.QComboBox.InsertPolicy.NoInsert)
        self._combo.setMinimumContentsLength(10)
        self._combo.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._browse = QtWidgets.QToolButton()
        self._browse.setText("...")
        self._layout.addWidget(self._combo)
        self._layout.addWidget(self._browse)
        self._combo.editTextChanged.connect(self.currentPathChanged)
        self._filters = 0
        self._name_filters: list[str] = []
        self._setting = ""
        self._label = ""
        self.setFocusProxy(self._combo)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._combo

    def setCurrentPath(self, path: str) -> None:
        self._combo.setEditText(path)

    def addCurrentPathToHistory(self) -> None:
        if self._setting:
            settings = QtCore.QSettings()
            settings.setValue(self._setting, [self._combo.currentText(), *(settings.value(self._setting) or [])])

    def retrieveHistory(self) -> None:
        if self._setting:
            self._combo.addItems(QtCore.QSettings().value(self._setting) or [])

    currentPath = Property(str, lambda self: self._combo.currentText(), setCurrentPath, notify=currentPathChanged)
    filters = Property(int, lambda self: self._filters, lambda self, value: setattr(self, "_filters", value))
    nameFilters = Property(
        "QStringList", lambda self: self._name_filters, lambda self, value: setattr(self, "_name_filters", list(value))
    )
    settingKey = Property(str, lambda self: self._setting, lambda self, value: setattr(self, "_setting", value))
    label = Property(str, lambda self: self._label, lambda self, value: setattr(self, "_label", value))
    showHistoryButton = Property(bool, lambda self: True, lambda self, value: None)
    showBrowseButton = Property(
        bool, lambda self: not self._browse.isHidden(), lambda self, value: self._browse.setVisible(value)
    )


class ctkDirectoryButton(QtWidgets.QPushButton):
    """A button that shows a folder and opens a dialog for another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def _set_directory(self, directory: str) -> None:
        if directory != self.text():
            self.setText(directory)
            self.directoryChanged.emit(directory)

    directory = Property(str, lambda self: self.text(), _set_directory, notify=directoryChanged)


class ctkComboBox(QtWidgets.QComboBox):
    """A combo box with a text while nothing is chosen."""

    defaultText = Property(str, lambda self: self.placeholderText(), lambda self, value: self.setPlaceholderText(value))


class ctkPushButton(QtWidgets.QPushButton):
    """A push button."""


class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


class ctkSearchBox(QtWidgets.QLineEdit):
    """A line edit with a clear button."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setClearButtonEnabled(True)


class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """A text browser as high as its text."""


class ctkDoubleSpinBox(QtWidgets.QDoubleSpinBox):
    """A spin box for numbers."""


class ctkSliderWidget(QWidget):
    """A slider with a spin box."""

    valueChanged = Signal(float)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(Qt.Orientation.Horizontal)
        self._spin = QtWidgets.QDoubleSpinBox()
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._spin.valueChanged.connect(self._spun)
        self._slider.valueChanged.connect(lambda step: self._spin.setValue(self._spin.minimum() + step * self._step()))
        self._rescale()

    def _step(self) -> float:
        return self._spin.singleStep() or 1.0

    def _rescale(self) -> None:
        self._slider.setRange(0, round((self._spin.maximum() - self._spin.minimum()) / self._step()))

    def _spun(self, value: float) -> None:
        self._slider.setValue(round((value - self._spin.minimum()) / self._step()))
        self.valueChanged.emit(value)

    def _set(self, name: str, value: float) -> None:
        getattr(self._spin, name)(value)
        self._rescale()

    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    value = Property(float, lambda self: self._spin.value(), setValue, notify=valueChanged)
    minimum = Property(float, lambda self: self._spin.minimum(), lambda self, value: self._set("setMinimum", value))
    maximum = Property(float, lambda self: self._spin.maximum(), lambda self, value: self._set("setMaximum", value))
    singleStep = Property(
        float, lambda self: self._spin.singleStep(), lambda self, value: self._set("setSingleStep", value)
    )
    decimals = Property(int, lambda self: self._spin.decimals(), lambda self, value: self._set("setDecimals", value))
    suffix = Property(str, lambda self: self._spin.suffix(), lambda self, value: self._spin.setSuffix(value))


class ctkMessageBox(QtWidgets.QMessageBox):
    """A message box; shown by the real `slicer.util.messageBox` only outside testing mode."""


class ctkDICOMDatabase(QObject):
    """Slicer's DICOM database, filled by a test: patient -> study -> series -> files."""

    databaseChanged = Signal()
    opened = Signal()
    closed = Signal()

    def __init__(self, *arguments: Any) -> None:
        super().__init__()
        self.content: dict[str, dict[str, dict[str, list[str]]]] = {}
        self.descriptions: dict[str, str] = {}
        self.values: dict[tuple[str, str], str] = {}
        self._open = True

    isOpen = Property(bool, lambda self: self._open)

    def patients(self) -> list[str]:
        return list(self.content)

    def studiesForPatient(self, patient: str) -> list[str]:
        return list(self.content[patient])

    def seriesForStudy(self, study: str) -> list[str]:
        return [series for studies in self.content.values() for series in studies.get(study, {})]

    def filesForSeries(self, series: str, hits: int = -1) -> list[str]:
        for studies in self.content.values():
            for rows in studies.values():
                if series in rows:
                    return list(rows[series])
        return []

    def nameForPatient(self, patient: str) -> str:
        return self.descriptions.get(patient, "")

    def descriptionForStudy(self, study: str) -> str:
        return self.descriptions.get(study, "")

    def descriptionForSeries(self, series: str) -> str:
        return self.descriptions.get(series, "")

    def fieldForStudy(self, field: str, study: str) -> str:
        return self.values.get((field, study), "")

    def fieldForPatient(self, field: str, patient: str) -> str:
        return self.values.get((field, patient), "")

    def fieldForSeries(self, field: str, series: str) -> str:
        return self.values.get((field, series), "")

    def fileValue(self, path: str, tag: str) -> str:
        return self.values.get((tag, path), "")


NATIVES = {
    native.__name__: native
    for native in (
        ctkCheckBox,
        ctkCollapsibleButton,
        ctkCollapsibleGroupBox,
        ctkComboBox,
        ctkDICOMDatabase,
        ctkDirectoryButton,
        ctkDoubleSpinBox,
        ctkFittedTextBrowser,
        ctkMessageBox,
        ctkPathLineEdit,
        ctkPushButton,
        ctkSearchBox,
        ctkSliderWidget,
    )
}
"""Body of each CTK class."""

ENUMERATORS = {
    "ctkPathLineEdit::Dirs": 0x001,
    "ctkPathLineEdit::Files": 0x002,
    "ctkPathLineEdit::Drives": 0x004,
    "ctkPathLineEdit::NoSymLinks": 0x008,
    "ctkPathLineEdit::Readable": 0x010,
    "ctkPathLineEdit::Writable": 0x020,
    "ctkPathLineEdit::Executable": 0x040,
    "ctkPathLineEdit::Hidden": 0x100,
}
"""Enumerators that `.ui` files name; the numbers are those of QDir::Filter."""

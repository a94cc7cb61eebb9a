"""`qt.QUiLoader`: makes the custom widgets of a `.ui` file, and their connections that carry a scene or a node."""

import io
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtUiTools
from PySide6.QtWidgets import QWidget

from pythonqt.ctk_widgets import ENUMERATORS
from pythonqt.signals import connect_signature

__all__ = ["QUiLoader"]


class QUiLoader(QtUiTools.QUiLoader):
    """Loads a `.ui` file as Slicer's does; a widget class that Slicer lacks is an error, not an empty place."""

    custom: dict[str, Any] = {}  # noqa: RUF012  # filled once, when the classes are made

    def createWidget(self, class_name: str, parent: QWidget | None = None, name: str = "") -> QWidget:
        if class_name not in self.custom:
            return super().createWidget(class_name, parent, name)
        widget = self.custom[class_name](parent) if parent is not None else self.custom[class_name]()
        widget.setObjectName(name)
        return widget

    def load(self, device: QtCore.QIODevice, parent: QWidget | None = None) -> QWidget:
        root = ElementTree.fromstring(bytes(device.readAll().data()))
        known = {*self.availableWidgets(), *(name for name, body in self.custom.items() if body is not None)}
        for element in root.iter("widget"):  # Qt would quietly put a plain widget there
            if element.get("class") not in known:
                raise ValueError(
                    f"the .ui file names the widget class {element.get('class')}, which Slicer or the stand-in lacks"
                )
        for prop in root.iter("property"):
            chosen = prop.find("set")
            if chosen is not None and "ctk" in (chosen.text or ""):
                value = sum(ENUMERATORS[word] for word in (chosen.text or "").split("|"))
                prop.remove(chosen)
                ElementTree.SubElement(prop, "number").text = str(value)
        kept = []
        for connections in root.findall("connections"):
            for connection in list(connections):
                if "vtkMRML" in (connection.findtext("signal") or ""):
                    kept.append([connection.findtext(part) or "" for part in ("sender", "signal", "receiver", "slot")])
                    connections.remove(connection)
        text = io.BytesIO()
        ElementTree.ElementTree(root).write(text, encoding="utf-8", xml_declaration=True)
        buffer = QtCore.QBuffer()
        buffer.setData(text.getvalue())
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        for sender, signal, receiver, slot in kept:
            source, target = _named(widget, sender), _named(widget, receiver)
            connect_signature(source, signal, getattr(target, slot.split("(")[0]), lambda value: value)
        return widget


def _named(widget: QWidget, name: str) -> Any:
    found = widget if widget.objectName() == name else widget.findChild(QtCore.QObject, name)
    if found is None:
        raise ValueError(f"a connection of a .ui file names {name}, which is not there")
    return found

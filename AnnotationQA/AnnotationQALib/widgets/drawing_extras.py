"""Rows above the drawing tools: instances of an item, and the named frame on which it is drawn."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from AnnotationQACore.protocol.model import DrawnItem
from AnnotationQALib.widgets.guard import connect

__all__ = ["DeletedRow", "FrameRow", "InstanceRow"]


class InstanceRow:
    """Add the next instance, or remove the one shown.

    Attributes
    ----------
    widget : QWidget
    addButton : QPushButton
    removeButton : QPushButton or None
        None for the item as a whole.
    """

    def __init__(
        self, item: DrawnItem, instance: int | None, add: Callable[[], None], remove: Callable[[], None]
    ) -> None:
        self.widget = qt.QWidget()
        layout = qt.QHBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self.addButton = qt.QPushButton(_("Add {title}").format(title=item.title.lower()))
        self.addButton.toolTip = _("Begin the next one; it gets a number and rows of its own.")
        connect(self.addButton, "clicked()", add)
        layout.addWidget(self.addButton)
        self.removeButton = None
        if instance is not None:
            title = _("Remove {title} {number}").format(title=item.title.lower(), number=instance)
            self.removeButton = qt.QPushButton(title)
            self.removeButton.toolTip = _("Remove it with all that was drawn and answered for it.")
            connect(self.removeButton, "clicked()", remove)
            layout.addWidget(self.removeButton)
        layout.addStretch(1)


class FrameRow:
    """Which time point is the named frame, such as end-diastole.

    Attributes
    ----------
    widget : QWidget
    chooseButton, goButton : QPushButton
    """

    def __init__(self, title: str, choose: Callable[[], None], go: Callable[[], None]) -> None:
        self._title = title
        self.widget = qt.QWidget()
        layout = qt.QHBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self._label = qt.QLabel()
        self._label.toolTip = _("The time point on which this item is drawn.")
        layout.addWidget(self._label)
        self.goButton = qt.QPushButton(_("Show"))
        self.goButton.toolTip = _("Show this time point.")
        connect(self.goButton, "clicked()", go)
        layout.addWidget(self.goButton)
        self.chooseButton = qt.QPushButton(_("Use the frame shown"))
        self.chooseButton.toolTip = _("Say that the time point that is shown now is {frame}.").format(frame=title)
        connect(self.chooseButton, "clicked()", choose)
        layout.addWidget(self.chooseButton)
        layout.addStretch(1)
        self.show(None)

    def show(self, frame: int | None) -> None:
        """Show which time point was chosen."""
        number = _("not chosen yet") if frame is None else _("frame {number}").format(number=frame)
        self._label.text = f"{self._title}: {number}"
        self.goButton.setVisible(frame is not None)


class DeletedRow:
    """A segment of the protocol was deleted in another module: bring it back, or say that this was meant.

    Attributes
    ----------
    widget : QWidget
    restoreButton, acceptButton : QPushButton
    """

    def __init__(self, restore: Callable[[], None], accept: Callable[[], None]) -> None:
        self.widget = qt.QWidget()
        layout = qt.QHBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        self.restoreButton = qt.QPushButton(_("Restore"))
        self.restoreButton.toolTip = _("Bring the segment back as it was last saved.")
        connect(self.restoreButton, "clicked()", restore)
        self.acceptButton = qt.QPushButton(_("It was meant to be deleted"))
        self.acceptButton.toolTip = _("Go on without the segment.")
        connect(self.acceptButton, "clicked()", accept)
        layout.addWidget(self.restoreButton)
        layout.addWidget(self.acceptButton)
        layout.addStretch(1)

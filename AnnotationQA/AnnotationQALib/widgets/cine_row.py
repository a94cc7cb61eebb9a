"""Play, step and seek through the time points of the series that is shown, by Slicer's own widgets of Sequences."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

__all__ = ["CineRow"]


class CineRow:
    """Hidden for a series with one time point.

    Parameters
    ----------
    layout : QLayout
        Gets the widgets when they are first needed: they come with the module Sequences.

    Attributes
    ----------
    widget : QWidget or None
        None before a cine was shown in this session.
    """

    def __init__(self, layout: Any) -> None:
        self._layout = layout
        self._play: Any = None
        self._seek: Any = None
        self._browser: Any = None
        self.widget: Any = None

    @property
    def is_shown(self) -> bool:
        """Whether a series can be played."""
        return self._browser is not None

    def show(self, scene: Any, browser: Any) -> None:
        """Control a sequence browser; None hides the row."""
        if browser is None:
            self.clear()
            return
        if self.widget is None:
            self._make()
        self._browser = browser
        for control in (self._play, self._seek):
            control.setMRMLScene(scene)
            control.setMRMLSequenceBrowserNode(browser)
        self.widget.setVisible(True)

    def clear(self) -> None:
        """Let go of the browser before it leaves the scene, and hide the row."""
        if self._browser is None:
            return
        self._browser.SetPlaybackActive(False)
        self._browser = None
        for control in (self._play, self._seek):
            control.setMRMLSequenceBrowserNode(None)
        self.widget.setVisible(False)

    def play_or_pause(self) -> None:
        """Play the cine, or stop it."""
        if self._browser is not None:
            self._play.onVcrPlayPause()

    def step(self, forward: bool) -> None:
        """Show the next time point, or the one before."""
        if self._browser is not None:
            self._play.onVcrNext() if forward else self._play.onVcrPrevious()

    def _make(self) -> None:
        self.widget = qt.QWidget()
        column = qt.QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self._play = slicer.qMRMLSequenceBrowserPlayWidget()
        self._play.setRecordingControlsVisible(False)
        self._play.toolTip = _("Play the cine (F5), step by frames (Shift+F3, F3), and set how many per second")
        self._seek = slicer.qMRMLSequenceBrowserSeekWidget()
        self._seek.toolTip = _("The time point that is shown")
        column.addWidget(self._play)
        column.addWidget(self._seek)
        self._layout.addWidget(self.widget)

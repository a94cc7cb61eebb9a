"""The form of every protocol that comes with the software: each row can be shown, and the reading checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labeling_studies import Clock, make_panel, make_study, pause, rows, sign_in

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
from AnnotationQACore.protocol.loading import shipped_protocols


@pytest.mark.parametrize("protocol", shipped_protocols())
def test_every_row_has_a_page(protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slicer_app: Any) -> None:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    clock = Clock()
    panel = make_panel(clock)
    panel.widget.show()
    sign_in(panel, make_study(tmp_path, protocol, ("case-1",)))
    panel.worklist.ui.nextButton.click()
    assert panel.session is not None
    assert panel.session.case is not None, panel.ui.messageLabel.text
    page = panel.case.page
    for entry in panel.case.form.entries:
        panel.case.select(entry.key)
        assert page.entry.key == entry.key
        assert page.ui.titleLabel.text == entry.title
        assert page.widget.visible
        if page._instance is not None:
            before = len(rows(panel))
            page._instance.addButton.click()
            assert len(rows(panel)) > before
            assert page.entry.key.instance == 1
        if page.markups is not None:
            page.markups.placeButton.click()
            page.markups.placeButton.click()
    assert not panel.ui.messageFrame.visible, panel.ui.messageLabel.text
    pause(panel, clock)
    panel.submission.check()
    assert panel.checks.ui.problemsTable.rowCount > 0
    for row in range(panel.checks.ui.problemsTable.rowCount):
        panel.checks.ui.problemsTable.cellClicked(row, 0)
    panel.cleanup()

"""Checks and errors are told in the reader's language, with long words too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labeling_studies import Clock, make_panel, make_study, sign_in
from labeling_study import EVERYTHING

from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity
from AnnotationQALib.widgets import wordings

GERMAN = {
    "{title}: nothing is drawn; draw it, or say that it is absent.": (
        "{title}: Es ist nichts eingezeichnet; bitte einzeichnen oder als nicht vorhanden kennzeichnen."
    ),
    "{title}: is not answered; answer it.": "{title}: noch nicht beantwortet; bitte beantworten.",
    "reader '{reader}': is unknown to the project; give the lead your public key.": (
        "Befunder „{reader}“: dem Projekt nicht bekannt; bitte den öffentlichen Schlüssel an die Studienleitung geben."
    ),
    "the reading cannot be submitted: {problem} ({number} more)": (
        "Die Befundung kann nicht eingereicht werden: {problem} ({number} weitere)"
    ),
}


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "user"))
    monkeypatch.setattr(wordings, "_", lambda text: GERMAN.get(text, text))
    made = make_panel(Clock())
    made.widget.show()
    made.enter()
    yield made
    made.cleanup()


def test_an_error_is_told_in_german(panel: Any, tmp_path: Path) -> None:
    project = make_study(tmp_path / "study", EVERYTHING)
    create_identity("stranger")
    sign_in(panel, project, "stranger")
    assert "dem Projekt nicht bekannt" in str(panel.ui.messageLabel.text)
    assert "„stranger“" in str(panel.ui.messageLabel.text)


def test_problems_are_told_in_german_wherever_they_are_shown(panel: Any, tmp_path: Path) -> None:
    sign_in(panel, make_study(tmp_path / "study", EVERYTHING))
    panel.worklist.ui.nextButton.click()
    panel.submission.submit()
    table = panel.checks.ui.problemsTable
    texts = [table.item(row, 2).text() for row in range(table.rowCount)]
    assert "Organ: Es ist nichts eingezeichnet; bitte einzeichnen oder als nicht vorhanden kennzeichnen." in texts
    assert "Kind: noch nicht beantwortet; bitte beantworten." in texts
    assert "Die Befundung kann nicht eingereicht werden: Organ: Es ist" in str(panel.ui.messageLabel.text)
    entry = next(entry for entry in panel.case.form.entries if entry.item.id == "kind")
    panel.case.select(entry.key)
    assert "bitte beantworten" in str(panel.case.page.ui.problemLabel.text)
    assert [str(problem) for problem in entry.problems] == ["Kind: is not answered; answer it."]  # as it is stored


def test_long_words_leave_the_panel_as_narrow_as_slicer_makes_it(panel: Any, tmp_path: Path) -> None:
    """On a screen of 1366 x 768 Slicer gives it 470 pixels."""
    sign_in(panel, make_study(tmp_path / "study", EVERYTHING))
    panel.worklist.ui.nextButton.click()
    case = panel.case.ui
    for entry in panel.case.form.entries:
        panel.case.select(entry.key)
        case.savedLabel.text = "⚠ Entwurf nur auf diesem Rechner aufbewahrt"
        case.caseLabel.text = "12 von 48 vollständig"
        assert panel.widget.minimumSizeHint.width() <= 470, entry.title

"""Checks and errors are told in the reader's language, with long words too."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from labeling_studies import Clock, make_panel, make_study, sign_in
from labeling_study import EVERYTHING

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE, create_identity, load_identity
from AnnotationQALib.widgets import wordings
from AnnotationQALib.widgets.panel_remedies import panel_remedies

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


def test_no_sentence_of_a_panel_names_a_command() -> None:
    """A person at a panel is told what to click there; the command line says it in its own words."""
    words = ("annotation-qa", "--", "command")
    remedies = panel_remedies()
    assert sorted(remedies) == sorted(one for one in wordings.templates() if any(word in one for word in words))
    for template, shown in remedies.items():
        assert not any(word in shown for word in words), shown
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (template, shown)]
        assert fields[1] <= fields[0], shown


def test_a_remedy_is_the_one_of_the_panel(panel: Any, tmp_path: Path) -> None:
    project = make_study(tmp_path / "study", EVERYTHING)
    (tmp_path / "nothing").mkdir()
    sign_in(panel, tmp_path / "nothing", "lead")
    assert "choose another folder, or create a project in the Lead's corner" in unescape(
        str(panel.ui.messageLabel.text)
    )
    lead = Project.open(project, load_identity("lead"))
    for key in [key.fingerprint for key in lead.state.keys.values() if key.member == "anna"]:
        lead.revoke_key(key, "lost")
    sign_in(panel, project, "lead")
    panel.lead.release.ui.rereadButton.click()
    assert "add readers in the Lead's corner, under People" in unescape(str(panel.ui.messageLabel.text))
    assert "annotation-qa" not in str(panel.ui.messageLabel.text)

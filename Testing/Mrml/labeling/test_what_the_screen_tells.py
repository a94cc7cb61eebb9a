"""Names of cases and lines of errors give away neither repeats nor patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from labeling_study import EVERYTHING, LabelingStudy

from AnnotationQACore.project.assignments import Assignment
from AnnotationQACore.protocol.model import TextAnswer
from AnnotationQALib.logic.display_names import shown_names
from AnnotationQALib.logic.form import ItemKey
from AnnotationQALib.logic.screen_text import without_paths

WORDS = replace(
    EVERYTHING,
    items=(TextAnswer(id="note", title="Note", definition="In words."),),
    design=replace(EVERYTHING.design, repeat_fraction=0.5, washout_days=3),
)


def test_a_repeat_looks_like_any_other_case(
    studies: Callable[..., LabelingStudy], sessions: Callable[..., Any]
) -> None:
    study = studies(WORDS, ("case-1", "gold-2"))
    session = sessions(study)
    session.open_next().editor.write(ItemKey("note"), "first")
    session.submit()
    lead = study.as_("lead")
    lead.assign([Assignment("case-1", "anna", 2, "repeat", 9)])
    session.refresh()
    rows = session.worklist(with_done=True)
    assert len(rows) == 3
    assert len({row.name for row in rows}) == 3
    assert not any(word in row.name for row in rows for word in ("case", "gold", "1", "repeat"))
    repeat = next(row for row in rows if row.item.round == 2)
    case = session.open_case(repeat.item)
    assert session.start_offers() == ()  # a former reading of the same case would tell
    assert case.editor.value(ItemKey("note")) is None
    assert {row.name for row in sessions(study).worklist(with_done=True)} == {row.name for row in rows}


def test_without_repeats_and_gold_cases_the_id_is_shown(
    studies: Callable[..., LabelingStudy], sessions: Callable[..., Any]
) -> None:
    session = sessions(studies(EVERYTHING, ("case-1",)))
    assert [row.name for row in session.worklist()] == ["case-1"]


def test_names_are_unique_and_belong_to_one_reader(studies: Callable[..., LabelingStudy]) -> None:
    cases = [f"c{number}" for number in range(60)]
    state = studies(WORDS, cases).as_("lead").state
    names = shown_names(state, "project", "anna")
    assert len(set(names.values())) == 60
    assert shown_names(state, "another", "anna") != names
    assert shown_names(state, "project", "bert") == {}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/data/Smith John/ct/IM 1.dcm: is no image; replace it.", "file: is no image; replace it."),
        ("C:\\Scans\\Smith John\\1.dcm: is no image.", "file: is no image."),
        ("\\\\server\\Doe^Jane\\1.dcm: is no image.", "file: is no image."),
        ("it cannot be read (/home/doe/x.nrrd); try again.", "it cannot be read (file); try again."),
        ("see '/home/Jane Doe/x' for more", "see file for more"),
        ("Nodule: 3 mm/s and 5/6, and/or 1:2", "Nodule: 3 mm/s and 5/6, and/or 1:2"),
    ],
)
def test_no_place_on_a_disk_is_shown(line: str, shown: str) -> None:
    assert without_paths(line) == shown


def test_lines_about_a_case_name_it_as_the_screen_does(
    studies: Callable[..., LabelingStudy], sessions: Callable[..., Any]
) -> None:
    study = studies(WORDS, ("case-1",))
    session = sessions(study)
    item = session.worklist()[0].item
    line = session.screen_line(f"case 'case-1': not at its place; {study.folder}/drafts/x: gone, case-10 stays", item)
    assert line == f"case '{session.name_of(item)}': not at its place; the project: gone, case-10 stays"


def test_the_washout_is_kept(studies: Callable[..., LabelingStudy], sessions: Callable[..., Any]) -> None:
    study = studies(WORDS, ("case-1",))
    later = (study.clock.now + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    study.as_("lead").assign([Assignment("case-1", "anna", 2, "repeat", 9, later)])
    session = sessions(study)
    assert len(session.worklist()) == 1
    study.clock.go(4 * 86400)
    session.refresh()
    assert len(session.worklist()) == 2

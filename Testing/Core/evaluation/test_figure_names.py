"""Every figure that a person may see has a name, the same in reports and on screens, and never its ID."""

import pytest

from AnnotationQACore.evaluation.drawn_statistics import TITLES
from AnnotationQACore.evaluation.figure_names import FIGURES, figure_name
from AnnotationQACore.protocol.statistics import STATISTICS


def test_every_statistic_of_a_protocol_has_its_names() -> None:
    assert set(STATISTICS) <= set(FIGURES)
    for name, facts in STATISTICS.items():
        assert figure_name(name).title == facts.title


def test_reports_and_screens_use_one_table() -> None:
    assert {name: figure_name(name).title for name in TITLES} == TITLES
    assert figure_name("dice").short == "Dice"
    assert figure_name("hd95").short == "HD95 (mm)"


@pytest.mark.parametrize("name", FIGURES)
def test_a_name_says_its_unit_and_is_no_identifier(name: str) -> None:
    found = figure_name(name)
    assert "_" not in found.title + found.short
    assert ("mm" in found.title) == ("(mm" in found.short)
    assert len(found.short) <= len("Normalized surface Dice")
    for unit in ("_mm3", "_mm"):
        if name.endswith(unit):
            assert unit[1:].replace("3", "³") in found.short
            break


def test_a_figure_without_a_name_is_called_as_it_is() -> None:
    assert figure_name("new_figure").title == figure_name("new_figure").short == "new_figure"

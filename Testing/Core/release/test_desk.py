"""The steps of a release as a panel calls them."""

from pathlib import Path
from typing import Any

import pytest

from AnnotationQACore.errors import Cancelled, InputError
from AnnotationQACore.release.desk import ReleaseDesk


@pytest.fixture
def desk(study: Any, screen: Any, exporters: Any) -> ReleaseDesk:
    return ReleaseDesk(study.as_("lead"), screen, exporters)


def test_a_lead_goes_from_the_split_to_the_release(study: Any, desk: ReleaseDesk, tmp_path: Path) -> None:
    assert desk.formats() == {"labels": "Labels as text."}
    plan = desk.plan_split("main", {"train": 0.7, "test": 0.3}, 1)
    assert not desk.splits()
    desk.record_split(plan)
    assert desk.splits()["main"].assignments == plan.assignments
    request = study.request(split="main")
    assert not desk.check(request).is_open
    page, found = desk.look(request, tmp_path / "look")
    assert page.is_file()
    with pytest.raises(InputError, match="the reason is empty"):
        desk.sign_off(found, texts=True, images=True, reason=" ")
    desk.sign_off(found, texts=True, images=True, reason="looked at all")
    assert desk.check(request).is_open
    assert "<h1>Phantom nodules 1.0.0</h1>" in desk.card_draft(request)
    made = desk.make(request, tmp_path / "out")
    assert [release.name for release in desk.releases()] == [made.manifest.name] == ["release-1"]
    again = desk.plan_split("main", None, 2)
    assert again.new == ()
    desk.record_split(again)


def test_two_cases_are_dismissed_with_a_reason_only(study: Any, desk: ReleaseDesk) -> None:
    with pytest.raises(InputError, match="the reason is empty"):
        desk.dismiss("case-1", "case-3", "")
    desk.dismiss("case-1", "case-3", "two phantoms of one mould")
    assert len(study.as_("lead").state.signed_off("pair")) == 1


@pytest.mark.parametrize("step", ["plan_split", "check", "look", "card_draft", "make"])
def test_every_long_step_can_be_cancelled(study: Any, desk: ReleaseDesk, tmp_path: Path, step: str) -> None:
    def cancel(done: int, total: int, message: str = "") -> None:
        raise Cancelled

    arguments: dict[str, tuple[Any, ...]] = {
        "plan_split": ("main", {"train": 0.5, "test": 0.5}, 1),
        "look": (study.request(), tmp_path / "look"),
        "make": (study.request(), tmp_path / "out"),
    }
    events = study.as_("lead").state.events
    with pytest.raises(Cancelled):
        getattr(desk, step)(*arguments.get(step, (study.request(),)), progress=cancel)
    assert study.as_("lead").state.events == events
    assert not (tmp_path / "out").exists()

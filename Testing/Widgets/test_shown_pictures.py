"""Pictures that no page shows are not kept."""

from pathlib import Path

from shown_pictures import shown_pictures


def test_every_picture_is_on_a_page_and_every_page_has_its_pictures(repository: Path) -> None:
    kept = sorted(path.name for path in (repository / "Resources" / "Screenshots").glob("*.png"))
    assert kept == shown_pictures(repository)

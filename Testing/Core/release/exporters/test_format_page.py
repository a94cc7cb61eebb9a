"""The page on formats says what the code says."""

import dataclasses
import json
from pathlib import Path

from AnnotationQACore.release.exporters.registry import EXPORTERS
from AnnotationQACore.release.filters import Filters, filters_from_json
from AnnotationQACore.release.options import ExportOptions, options_from_json


def page(repository: Path) -> str:
    return (repository / "Documentation" / "release-formats.md").read_text(encoding="utf-8")


def test_every_format_is_described_in_its_own_words(repository: Path) -> None:
    text = page(repository)
    for name, exporter in EXPORTERS.items():
        assert f"| `{name}` | {exporter.describe()} |" in text


def test_every_option_and_filter_is_there(repository: Path) -> None:
    text = page(repository)
    for model in (ExportOptions, Filters):
        missing = [field.name for field in dataclasses.fields(model) if f"`{field.name}`" not in text]
        assert missing == []


def test_the_examples_can_be_read(repository: Path) -> None:
    blocks = [block.split("```")[0] for block in page(repository).split("```json\n")[1:]]
    filters, options = (json.loads(block) for block in blocks)
    assert filters_from_json(filters).max_slice_thickness_mm == 2.5
    assert options_from_json(options).orientation == "RAS"

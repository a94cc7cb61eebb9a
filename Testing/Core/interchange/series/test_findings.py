"""Findings are documented, and every one can occur."""

from __future__ import annotations

from AnnotationQACore.interchange.series.findings import FindingCode


def test_the_documentation_lists_every_finding(repository):
    text = (repository / "Documentation" / "series.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `") and line.count("|") == 3]
    for code in FindingCode:
        assert f"| `{code.value}` | {code.meaning} |" in rows


def test_every_finding_is_used(repository):
    folder = repository / "AnnotationQA" / "AnnotationQACore" / "interchange"
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "images.py")
    assert [code for code in FindingCode if f"FindingCode.{code.name}" not in source] == []


def test_codes_survive_as_text():
    assert FindingCode("gantry_tilt") is FindingCode.GANTRY_TILT
    assert str(FindingCode.GANTRY_TILT) == "gantry_tilt"

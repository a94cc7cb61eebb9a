"""Which pictures the pages of the repository show."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["shown_pictures"]


def shown_pictures(repository: Path) -> list[str]:
    """Names of the files of Resources/Screenshots that the README or a page of Documentation shows, sorted."""
    pages = [repository / "README.md", *(repository / "Documentation").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return sorted(set(re.findall(r"Resources/Screenshots/([\w-]+\.png)", text)))

"""Command lines that every `--help` shows; together they are one study, which a test runs from top to bottom."""

from __future__ import annotations

__all__ = ["EXAMPLES", "examples_of"]

EXAMPLES: tuple[str, ...] = ()


def examples_of(program: str) -> tuple[str, ...]:
    """Examples of a command, such as ``annotation-qa release``, with its steps."""
    return tuple(line for line in EXAMPLES if line.startswith(f"{program} ") or line == program)

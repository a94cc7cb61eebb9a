"""Codes that say what a word means, independent of language."""

from dataclasses import dataclass

__all__ = ["Code"]


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (DICOM PS3.3 section 8, Code Sequence).

    Two codes are the same concept when scheme and value are equal: meanings vary between vendors and languages.
    """

    scheme: str
    value: str
    meaning: str

    def is_same_concept(self, other: "Code") -> bool:
        """Whether both codes name one concept, whatever their meanings say."""
        return (self.scheme, self.value) == (other.scheme, other.value)

    def __str__(self) -> str:
        return f"{self.meaning} ({self.scheme} {self.value})"

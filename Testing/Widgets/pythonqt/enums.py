"""Enumerators as PythonQt has them: whole numbers that also know their Qt value."""

import enum
from typing import Any

__all__ = ["EnumValue"]


class EnumValue(int):
    """An enumerator or a set of flags.

    Attributes
    ----------
    native : enum.Enum
        The value of PySide6.
    """

    native: enum.Enum

    def __new__(cls, native: enum.Enum) -> "EnumValue":
        value = super().__new__(cls, native.value)
        value.native = native
        return value

    def __or__(self, other: Any) -> Any:
        return self._combined(other, "__or__")

    def __and__(self, other: Any) -> Any:
        return self._combined(other, "__and__")

    def __xor__(self, other: Any) -> Any:
        return self._combined(other, "__xor__")

    def __invert__(self) -> Any:
        return EnumValue(~self.native) if isinstance(self.native, enum.Flag) else ~int(self)

    def __repr__(self) -> str:
        return f"{self.native} ({int(self)})"

    def _combined(self, other: Any, operation: str) -> Any:
        if isinstance(other, EnumValue) and isinstance(self.native, enum.Flag):
            combined = getattr(self.native, operation)(other.native)
            if isinstance(combined, enum.Enum):
                return EnumValue(combined)
        return getattr(int(self), operation)(int(other))

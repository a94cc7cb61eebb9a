"""Reading JSON objects with errors that name the path in the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from AnnotationQACore.errors import InputError

__all__ = ["Fields", "format_time", "naming", "parse_time"]

T = TypeVar("T")


class Fields:
    """The fields of one JSON object, each read once and checked.

    Parameters
    ----------
    value : object
        What the JSON holds at `path`.
    path : str
        Where it is, such as ``reading.answers[3].value``; named in errors.
    """

    __slots__ = ("_rest", "path")

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise InputError(f"{path}: must be a JSON object, not {_kind(value)}.")
        self.path = path
        self._rest: dict[str, Any] = dict(value)

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text; `default` when it is absent, an error when that is None."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"must be a text, not {_kind(value)}")
        return value

    def optional_text(self, key: str) -> str | None:
        """Take a text that may be absent or null."""
        value = self._rest.pop(key, None)
        if value is not None and not isinstance(value, str):
            raise self.error(key, f"must be a text, not {_kind(value)}")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """Take a whole number."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, f"must be a whole number, not {_kind(value)}")
        return value

    def optional_integer(self, key: str) -> int | None:
        """Take a whole number that may be absent or null."""
        return None if self._absent(key) else self.integer(key)

    def number(self, key: str) -> float:
        """Take a finite number."""
        return _number(self._take(key, None), f"{self.path}.{key}")

    def optional_number(self, key: str) -> float | None:
        """Take a finite number that may be absent or null."""
        return None if self._absent(key) else self.number(key)

    def truth(self, key: str, default: bool | None = None) -> bool:
        """Take true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {_kind(value)}")
        return value

    def time(self, key: str) -> datetime:
        """Take a UTC time such as ``2026-03-01T09:30:00.000000Z``."""
        text = self.text(key)
        try:
            return parse_time(text)
        except ValueError:
            raise self.error(key, f"'{text}' is not a UTC time such as 2026-03-01T09:30:00.000000Z") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; empty when absent."""
        return self.items(key, lambda value, path: _text(value, path))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Take a list of finite numbers."""
        return self.items(key, _number)

    def items(self, key: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
        """Take a list and read each entry with ``read(value, path)``; empty when absent."""
        value = self._rest.pop(key, [])
        if not isinstance(value, list | tuple):
            raise self.error(key, f"must be a list, not {_kind(value)}")
        return tuple(read(entry, f"{self.path}.{key}[{index}]") for index, entry in enumerate(value))

    def child(self, key: str, read: Callable[[Any, str], T]) -> T:
        """Take a value and read it with ``read(value, path)``."""
        return read(self._take(key, None), f"{self.path}.{key}")

    def optional_child(self, key: str, read: Callable[[Any, str], T]) -> T | None:
        """Take a value that may be absent or null and read it with ``read(value, path)``."""
        return None if self._absent(key) else self.child(key, read)

    def finish(self) -> None:
        """Refuse fields that nobody took: a misspelled or newer field is never dropped in silence."""
        if self._rest:
            names = ", ".join(sorted(map(repr, self._rest)))
            raise InputError(f"{self.path}: unknown field {names}; correct its name or update AnnotationQA.")

    def error(self, key: str, what: str) -> InputError:
        """Error about one field."""
        return InputError(f"{self.path}.{key}: {what}.")

    def _absent(self, key: str) -> bool:
        if self._rest.get(key) is None:
            self._rest.pop(key, None)
            return True
        return False

    def _take(self, key: str, default: Any) -> Any:
        value = self._rest.pop(key, default)
        if value is None:
            raise self.error(key, "is missing")
        return value


def naming(path: str, make: Callable[[], T]) -> T:
    """Make something, and put the path before an error that does not name it yet."""
    try:
        return make()
    except InputError as error:
        message = str(error)
        raise (error if message.startswith(path) else InputError(f"{path}: {message}")) from None


def format_time(time: datetime) -> str:
    """UTC time with microseconds; such texts sort as the times do."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Time of `format_time`; raises `ValueError` for any other form."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{path}: must be a text, not {_kind(value)}.")
    return value


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{path}: must be a finite number, not {_kind(value)}.")
    return float(value)


def _kind(value: object) -> str:
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list | tuple) else "an object")

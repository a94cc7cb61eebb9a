"""Categorical ratings of cases by readers, some of which may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from AnnotationQACore.agreement.statistics.results import FloatArray
from AnnotationQACore.errors import InputError

__all__ = ["NOT_READ", "CategoryRatings", "Level", "reader_overlap", "require_readers"]

Level = Literal["nominal", "ordinal", "interval", "ratio"]
"""Level of measurement (Stevens 1946): what differences between values mean."""

NOT_READ = -1


@dataclass(frozen=True, slots=True, eq=False)
class CategoryRatings:
    """Category that each reader gave to each case.

    Attributes
    ----------
    codes : int array, shape (case, reader)
        Index into `categories`; `NOT_READ` where the reader did not rate the case.
    categories : tuple of str
        All categories of the scale in their order, also those that nobody used.
    scores : array, shape (category,)
        Numeric value of each category, increasing; 1, 2, 3... where categories are words.
    readers : tuple of str
    """

    codes: NDArray[np.int64]
    categories: tuple[str, ...]
    scores: FloatArray
    readers: tuple[str, ...]

    def __post_init__(self) -> None:
        require_readers(self.readers, self.codes.shape)
        if self.codes.size and (self.codes.max() >= len(self.categories) or self.codes.min() < NOT_READ):
            raise InputError("ratings: a code has no category; list all categories of the scale.")

    @classmethod
    def from_values(
        cls,
        values: Sequence[Sequence[Any]] | NDArray[Any],
        readers: Sequence[str],
        categories: Sequence[Any] | None = None,
    ) -> CategoryRatings:
        """Build from a table of values.

        Parameters
        ----------
        values : table, cases x readers
            Numbers or words; None, NaN and empty text are missing.
        readers : sequence of str
        categories : sequence, optional
            The whole scale in its order. Without it, the values found: numbers increasing, words alphabetically.

        Raises
        ------
        InputError
            No value, duplicated readers, fewer than two readers, or a value that is not on the scale.
        """
        numbers = _numbers(values)
        if numbers is not None:
            rows: list[list[float | str | None]] = []
            found: set[float | str] = set(np.unique(numbers[~np.isnan(numbers)]).tolist())
        else:
            rows = [[_normal(value) for value in row] for row in values]
            found = {value for row in rows for value in row if value is not None}
        if not found:
            raise InputError("ratings: there is no rating in the table; check the columns.")
        scale = [_normal(category) for category in categories] if categories is not None else _ordered(found)
        index = {category: code for code, category in enumerate(scale)}
        if len(index) < len(scale):
            raise InputError("ratings: a category is listed twice; list each once.")
        strange = sorted(_label(value) for value in found if value not in index)
        if strange:
            known = ", ".join(map(_label, scale))
            raise InputError(
                f"ratings: '{strange[0]}' is not one of the categories {known}; correct it, or list the whole scale."
            )
        if numbers is not None:
            codes = _codes(numbers, index)
        else:
            codes = np.array(
                [[NOT_READ if value is None else index[value] for value in row] for row in rows], dtype=np.int64
            ).reshape(len(rows), -1)
        return cls(codes, tuple(_label(category) for category in scale), _scores(scale), tuple(readers))

    @classmethod
    def from_counts(cls, counts: ArrayLike) -> CategoryRatings:
        """Build from cases x category counts, where readers are exchangeable and their order does not matter."""
        table = np.asarray(counts, dtype=np.int64)
        readers = int(table.sum(axis=1).max())
        codes = np.full((len(table), readers), NOT_READ, dtype=np.int64)
        for row, case in enumerate(table):
            codes[row, : case.sum()] = np.repeat(np.arange(table.shape[1]), case)
        categories = tuple(str(code + 1) for code in range(table.shape[1]))
        names = tuple(f"reader {reader + 1}" for reader in range(readers))
        return cls(codes, categories, np.arange(1.0, table.shape[1] + 1), names)

    @classmethod
    def from_contingency(cls, table: ArrayLike) -> CategoryRatings:
        """Build from the contingency table of two readers: rows are the first reader, entries count cases."""
        counts = np.asarray(table, dtype=np.int64)
        first, second = np.nonzero(counts)
        codes = np.repeat(np.column_stack([first, second]), counts[first, second], axis=0)
        categories = tuple(str(code + 1) for code in range(len(counts)))
        return cls(codes, categories, np.arange(1.0, len(counts) + 1), ("reader 1", "reader 2"))

    @property
    def counts(self) -> FloatArray:
        """How many readers gave each category to each case, shape (case, category)."""
        cases, categories = len(self.codes), len(self.categories)
        cells = np.arange(cases)[:, None] * categories + self.codes
        counts = np.bincount(cells[self.codes != NOT_READ], minlength=cases * categories)
        return counts.reshape(cases, categories).astype(np.float64)

    def one_hot(self) -> FloatArray:
        """1 where the reader gave the category to the case, shape (case, reader, category)."""
        hot: FloatArray = (self.codes[:, :, None] == np.arange(len(self.categories))).astype(np.float64)
        return hot


def reader_overlap(read: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many cases each two readers both read; the diagonal is what each read.

    Parameters
    ----------
    read : bool array, shape (case, reader)

    Returns
    -------
    int array, shape (reader, reader)
    """
    seen = read.astype(np.int64)
    overlap: NDArray[np.int64] = seen.T @ seen
    return overlap


def require_readers(readers: Sequence[str], shape: tuple[int, ...]) -> None:
    """Raise `InputError` unless the table is cases x readers, not empty, with at least two readers, each named once."""
    if len(shape) != 2 or shape[1] != len(readers):
        raise InputError(f"ratings: a table of shape {shape} does not fit {len(readers)} readers; use cases x readers.")
    if shape[0] == 0:
        raise InputError("ratings: the table has no cases; check the file.")
    duplicated = sorted({name for name in readers if list(readers).count(name) > 1})
    if duplicated:
        raise InputError(f"ratings: reader '{duplicated[0]}' appears more than once; give each reader one name.")
    if len(readers) < 2:
        raise InputError("ratings: agreement needs at least two readers, and there is one; add readings.")


def _numbers(values: Sequence[Sequence[Any]] | NDArray[Any]) -> FloatArray | None:
    """The table as an array where it holds nothing but numbers, shape (case, reader)."""
    try:
        table = np.asarray(values)
    except ValueError:  # rows of different lengths
        return None
    return table.astype(np.float64) if table.ndim == 2 and table.dtype.kind in "iuf" else None


def _codes(numbers: FloatArray, index: Mapping[Any, int]) -> NDArray[np.int64]:
    codes = np.full(numbers.shape, NOT_READ, dtype=np.int64)
    for value, code in index.items():
        codes[numbers == value] = code
    return codes


def _normal(value: Any) -> float | str | None:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    return str(value).strip() or None


def _ordered(found: set[float | str]) -> list[float | str]:
    numbers = [value for value in found if isinstance(value, float)]
    if len(numbers) == len(found):
        return list[float | str](sorted(numbers))
    return sorted(found, key=_label)


def _label(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _scores(scale: Sequence[float | str | None]) -> FloatArray:
    numbers = [value for value in scale if isinstance(value, float)]
    if len(numbers) == len(scale) and all(np.diff(numbers) > 0):
        return np.array(numbers)
    return np.arange(1.0, len(scale) + 1)

"""How often each case is drawn when as many cases are drawn with replacement: the weights of a bootstrap.

Alike cases are counted together, so that a resample is one multinomial draw over the distinct ones. It is drawn by way
of independent Poisson numbers, which come from tables: given their sum, they are multinomial. Their expected sum is a
little below the number of cases, and what is missing is drawn case by case; a resample whose sum is already too large
is drawn anew. Since both depend on the sum only, the result has exactly the multinomial distribution.

Source: Devroye, Non-Uniform Random Variate Generation (1986), chapters III.2 (tables) and XI.1.4 (multinomial numbers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from AnnotationQACore.agreement.statistics.results import FloatArray

__all__ = ["DistinctCases", "Resampling"]

_WORDS = 1024
"""Entries of a table of Poisson numbers."""

_MISSING = 2.0
"""Standard deviations by which the expected sum of the Poisson numbers stays below the number of cases."""


@dataclass(frozen=True, slots=True, eq=False)
class DistinctCases:
    """Cases, those that are alike counted together.

    Attributes
    ----------
    terms : array, shape (distinct, term)
        Each row once, in the order of its first case.
    of_case : integer array, shape (case,)
        Row of each case.
    counts : integer array, shape (distinct,)
        Cases of each row.
    """

    terms: FloatArray
    of_case: NDArray[np.intp]
    counts: NDArray[np.intp]

    @classmethod
    def of(cls, terms: FloatArray) -> DistinctCases:
        """Find the rows that are equal to the last bit."""
        terms = np.ascontiguousarray(terms, dtype=np.float64)
        place: dict[bytes, int] = {}
        of_case = np.array([place.setdefault(row.tobytes(), len(place)) for row in terms], dtype=np.intp)
        distinct = np.frombuffer(b"".join(place)).reshape(-1, terms.shape[1])
        return cls(distinct, of_case, np.bincount(of_case, minlength=len(place)))


@dataclass(frozen=True, slots=True, eq=False)
class _PoissonTables:
    """Poisson distributions by inversion: a word of random bits is looked up, and refined where that is not enough.

    Attributes
    ----------
    of_cell : integer array, shape (cell,)
        Distribution of each cell.
    numbers : int32 array, shape (distribution, word)
        Number that belongs to each word; -1 where the word has a step of the distribution within.
    steps : float64 array, shape (step,)
        Cumulative probabilities of distribution d plus d, ascending.
    before : int64 array, shape (distribution,)
        First number of each distribution, minus the steps before its own.
    """

    of_cell: NDArray[np.intp]
    numbers: NDArray[np.int32]
    steps: FloatArray
    before: NDArray[np.int64]

    @classmethod
    def of(cls, means: FloatArray) -> _PoissonTables:
        distinct, of_cell = np.unique(means, return_inverse=True)
        reach = 8.0 * np.sqrt(distinct) + 12.0
        first = np.maximum(np.floor(distinct - reach), 0.0).astype(np.int64)
        sizes = np.ceil(distinct + reach).astype(np.int64) - first
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(distinct)), sizes)
        possible = np.arange(sizes.sum()) - np.repeat(starts - first, sizes)
        cumulative = special.pdtr(possible.astype(np.float64), distinct[owner])
        word = np.minimum(cumulative * _WORDS, _WORDS).astype(np.int64)
        within = np.bincount(owner * (_WORDS + 1) + word, minlength=len(distinct) * (_WORDS + 1))
        within = within.reshape(len(distinct), _WORDS + 1)[:, :_WORDS]
        numbers = np.cumsum(within, axis=1, dtype=np.int32)
        numbers += first.astype(np.int32)[:, None]
        numbers[within > 0] = -1
        return cls(of_cell.reshape(-1), numbers, cumulative + owner, first - starts)

    def draw(self, generator: np.random.Generator, rows: int) -> NDArray[np.int32]:
        """Independent numbers, shape (row, cell)."""
        words = generator.integers(0, _WORDS, size=(rows, len(self.of_cell)), dtype=np.uint16)
        drawn = self.numbers.reshape(-1).take(words + self.of_cell * _WORDS)
        unsure = np.flatnonzero(drawn < 0)
        distribution = self.of_cell[unsure % len(self.of_cell)]
        uniform = (words.reshape(-1)[unsure] + generator.random(len(unsure))) / _WORDS
        passed = np.searchsorted(self.steps, uniform + distribution, side="right")
        drawn.reshape(-1)[unsure] = passed + self.before[distribution]
        return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Draws all cases with replacement, time and again.

    Attributes
    ----------
    cases : DistinctCases
    """

    cases: DistinctCases
    _tables: _PoissonTables

    @classmethod
    def of(cls, cases: DistinctCases) -> Resampling:
        """Prepare the tables for some cases, at least one."""
        number = len(cases.of_case)
        share = max(0.0, 1.0 - _MISSING / math.sqrt(number))
        return cls(cases, _PoissonTables.of(np.multiply(cases.counts, share, dtype=np.float64)))

    def draw(self, generator: np.random.Generator, resamples: int) -> NDArray[np.int32]:
        """How often any of the cases of each row was drawn, shape (resample, distinct).

        Every resample sums to the number of cases.
        """
        number = len(self.cases.of_case)
        times = self._tables.draw(generator, resamples)
        missing = number - times.sum(axis=1, dtype=np.int32).astype(np.int64)
        while len(too_many := np.flatnonzero(missing < 0)):
            times[too_many] = self._tables.draw(generator, len(too_many))
            missing[too_many] = number - times[too_many].sum(axis=1)
        kind = np.uint16 if number <= 1 << 16 else np.int64
        cells = self.cases.of_case.take(generator.integers(0, number, size=int(missing.sum()), dtype=kind))
        cells += np.repeat(np.arange(resamples) * times.shape[1], missing)
        times += np.bincount(cells, minlength=times.size).reshape(times.shape)
        return times

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

from AnnotationQACore.agreement.statistics.results import FloatArray

__all__ = ["DistinctCases", "Resampling"]

_WORD_BITS = 10
_WORDS = 1 << _WORD_BITS
"""Entries of a table of Poisson numbers, and the bits that choose one."""

_MISSING = 1.3
"""Standard deviations by which the expected sum of the Poisson numbers stays below the number of cases."""

_SPARE = 1.125
"""Rows drawn for each that is needed, so that most often enough are left."""


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
        rows: list[bytes] = terms.view(f"V{terms.itemsize * terms.shape[1]}").reshape(-1).tolist()
        place = {row: number for number, row in enumerate(dict.fromkeys(rows))}
        of_case = np.array([place[row] for row in rows], dtype=np.intp)
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
        from scipy import special  # slow to load, and most who load this module draw no resamples

        distinct, of_cell = np.unique(means, return_inverse=True)
        reach = 8.0 * np.sqrt(distinct) + 12.0
        first = np.maximum(np.floor(distinct - reach), 0.0).astype(np.int64)
        sizes = np.ceil(distinct + reach).astype(np.int64) - first
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(distinct)), sizes)
        possible = (np.arange(sizes.sum()) - np.repeat(starts - first, sizes)).astype(np.float64)
        mean = distinct[owner]
        logarithm = special.xlogy(possible, mean) - mean - special.gammaln(possible + 1.0)
        # each distribution sums to 1, so that the running sum is its cumulative probability plus its place
        steps = np.clip(np.cumsum(np.exp(logarithm)), owner, owner + 1.0)
        word = np.minimum((steps - owner) * _WORDS, _WORDS).astype(np.int64)
        within = np.bincount(owner * (_WORDS + 1) + word, minlength=len(distinct) * (_WORDS + 1))
        within = within.reshape(len(distinct), _WORDS + 1)[:, :_WORDS]
        numbers = np.cumsum(within, axis=1, dtype=np.int32)
        numbers += first.astype(np.int32)[:, None]
        numbers[within > 0] = -1
        return cls(of_cell.reshape(-1), numbers, steps, first - starts)

    def draw(self, generator: np.random.Generator, rows: int) -> FloatArray:
        """Independent numbers, shape (row, cell)."""
        words = _words(generator, rows * len(self.of_cell)).reshape(rows, -1)
        drawn: FloatArray = self.numbers.reshape(-1).take(words + self.of_cell * _WORDS).astype(np.float64)
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

    def draw(self, generator: np.random.Generator, resamples: int) -> FloatArray:
        """How often any of the cases of each row was drawn, shape (resample, distinct); whole numbers.

        Every resample sums to the number of cases.
        """
        number = len(self.cases.of_case)
        times, missing = self._not_too_many(generator, int(resamples * _SPARE) + 4)
        while len(times) < resamples:
            more, missing_more = self._not_too_many(generator, resamples)
            times, missing = np.concatenate([times, more]), np.concatenate([missing, missing_more])
        times, missing = times[:resamples], missing[:resamples]
        kind = np.uint16 if number <= 1 << 16 else np.int64
        drawn = generator.integers(0, number, size=int(missing.sum()), dtype=kind)
        cells = self.cases.of_case.take(drawn.astype(np.intp))
        cells += np.repeat(np.arange(resamples) * times.shape[1], missing)
        times += np.bincount(cells, minlength=times.size).reshape(times.shape)
        return times

    def _not_too_many(self, generator: np.random.Generator, rows: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Rows of Poisson numbers without those whose sum is larger than the number of cases, and what each lacks."""
        times = self._tables.draw(generator, rows)
        missing = (len(self.cases.of_case) - times @ np.ones(times.shape[1])).astype(np.int64)
        kept = missing >= 0
        return times[kept], missing[kept]


def _words(generator: np.random.Generator, number: int) -> NDArray[np.uint16]:
    """Numbers of `_WORD_BITS` random bits, cut from words of 64 bits."""
    whole = generator.bit_generator.random_raw(-(-number // 4)).astype("<u8", copy=False)
    words: NDArray[np.uint16] = whole.view("<u2")[:number] >> np.uint16(16 - _WORD_BITS)
    return words

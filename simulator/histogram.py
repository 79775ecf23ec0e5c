"""Streaming quantiles: whole counts in bins of equal width, so that merging is exact in any order.

A quantile is the middle of the bin that holds the draw of its rank (NumPy's `inverted_cdf`), so it
is off by at most half a bin: for orders of magnitude 0.0005, or 0.12% of the number itself.
Infinite draws are counted apart, and so are finite ones outside the range: a quantile among either
is infinite, and `outside` says what share of the draws the range has missed.
"""

import math
from typing import NamedTuple

import numpy as np


class Bins(NamedTuple):
    """Bins from `low` to `high`, so many to a unit."""

    low: float
    high: float
    per_unit: int

    @property
    def bound(self) -> float:
        """How far at most a quantile is from the exact one, within the range."""
        return 0.5 / self.per_unit


OOM = Bins(-40.0, 60.0, 1000)
YEARS = Bins(0.0, 1000.0, 100)


class Histogram:
    """Counts of draws, of which there may be any number; memory grows with their range alone."""

    def __init__(self, bins: Bins = OOM):
        self.bins = bins
        self.size = self.negative = self.positive = self.under = self.over = 0
        self._first, self._counts = 0, np.zeros(0, np.int64)

    def add(self, draws: np.ndarray, scratch: np.ndarray | None = None) -> None:
        """Count draws of any shape; ValueError where one is not a number.

        `scratch` is one float per draw and spares the making of one.
        """
        low, high, per_unit = self.bins
        draws = draws.ravel()
        if not draws.size:
            return
        place = np.multiply(draws, per_unit, out=None if scratch is None else scratch[: draws.size])
        place -= low * per_unit - 1
        last = round((high - low) * per_unit) + 1
        np.clip(place, 0, last, out=place)  # the ends are for what is outside
        least = place.min()
        if np.isnan(least):
            raise ValueError("a draw is not a number")
        first = int(least)
        place -= first
        counts = np.bincount(place.astype(np.intp))
        self.size += draws.size
        if first == 0:
            self.negative += (infinite := int(np.isneginf(draws).sum()))
            self.under += int(counts[0]) - infinite
            counts[0] = 0
        if first + len(counts) == last + 1:
            self.positive += (infinite := int(np.isposinf(draws).sum()))
            self.over += int(counts[-1]) - infinite
            counts[-1] = 0
        self._count(first, counts)

    def merge(self, other: "Histogram") -> None:
        """Count what another has counted, in the same bins."""
        if other.bins != self.bins:
            raise ValueError(f"{other.bins} are not {self.bins}")
        for name in ("size", "negative", "positive", "under", "over"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._count(other._first, other._counts)

    @property
    def infinite(self) -> float:
        """Share of the draws that are infinite."""
        return (self.negative + self.positive) / self.size

    @property
    def outside(self) -> float:
        """Share of the draws that are finite and outside the range."""
        return (self.under + self.over) / self.size

    def quantile(self, p: float) -> float:
        """The draw of rank p, to half a bin; NaN where there is no draw."""
        if not self.size:
            return math.nan
        place = self._place(max(math.ceil(p * self.size - 1e-9), 1))
        return place if math.isinf(place) else (math.floor(place) + 0.5) / self.bins.per_unit

    def error(self, p: float, spread: float | None = None) -> float:
        """Monte Carlo standard error of a quantile; infinite where a neighbour is.

        Half the distance between the quantiles one standard error of the share p below and above
        it, which is that of independent draws unless `spread` says otherwise.
        """
        spread = math.sqrt(p * (1 - p) / self.size) if spread is None else spread
        below, above = (self._place((p + sign * spread) * self.size) for sign in (-1, 1))
        if math.isinf(below) or math.isinf(above):
            return math.inf
        return 0.5 * (above - below) / self.bins.per_unit

    def _place(self, rank: float) -> float:
        """Where a draw of some rank (a fraction is between two) lies, in bins from zero up."""
        rank = min(max(rank, 1.0), float(self.size)) - (self.negative + self.under)
        if rank <= 0:
            return -math.inf
        upto = np.cumsum(self._counts)
        bin_ = int(np.searchsorted(upto, rank))
        if bin_ == len(upto):
            return math.inf
        within = (
            1 - (upto[bin_] - rank + 0.5) / self._counts[bin_]
        )  # each in the middle of its share
        return self._first + bin_ - 1 + max(within, 0.0) + round(self.bins.low * self.bins.per_unit)

    def _count(self, first: int, counts: np.ndarray) -> None:
        if not counts.size:
            return
        if not self._counts.size:
            self._first = first
        start = min(first, self._first)
        end = max(first + len(counts), self._first + len(self._counts))
        if (start, end) != (self._first, self._first + len(self._counts)):
            wider = np.zeros(end - start, np.int64)
            wider[self._first - start : self._first - start + len(self._counts)] = self._counts
            self._first, self._counts = start, wider
        self._counts[first - start : first - start + len(counts)] += counts

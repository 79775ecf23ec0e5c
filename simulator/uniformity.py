"""Are ranks uniform? The exact probability of their cumulative counts, all bins at once.

The band is that of Säilynoja, Bürkner and Vehtari (2022): as likely to be left at one bin as at
any other. How likely uniform ranks are to stay inside is not simulated but summed: counts in bins
are Poisson given their total, so that the cumulative count is a walk with one step per bin.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, norm, poisson

SLACK = 1e-9  # tail probabilities that are equal but for rounding


class Verdict(NamedTuple):
    """How ranks deviate: largest gap between their and the uniform ECDF, p-value, in words."""

    deviation: float
    p_value: float
    direction: str


def judge(ranks: np.ndarray, bins: int) -> Verdict:
    """Judge ranks from 0 to bins - 1, one per simulation."""
    counts = np.bincount(ranks, minlength=bins).cumsum()[:-1]
    tails = _tails(len(ranks), bins)
    extreme = tails[np.arange(bins - 1), counts].min()
    inside = tails > extreme * (1 + SLACK)
    gap = counts / len(ranks) - np.arange(1, bins) / bins
    deviation = float(gap[np.abs(gap).argmax()])
    return Verdict(deviation, 1 - staying(inside), _direction((ranks + 0.5) / bins))


def staying(inside: np.ndarray) -> float:
    """Probability that cumulative counts of uniform ranks stay inside; shape (bins - 1, n + 1)."""
    checks, n = inside.shape[0], inside.shape[1] - 1
    step = poisson.pmf(np.arange(n + 1), n / (checks + 1))
    mass = np.zeros(n + 1)
    mass[0] = 1.0
    for allowed in inside:
        mass = np.convolve(mass, step)[: n + 1] * allowed
    return float(np.clip(mass @ step[::-1] / poisson.pmf(n, n), 0, 1))


@lru_cache
def _tails(n: int, bins: int) -> np.ndarray:
    """Two-sided tail probability of every cumulative count at every bin but the last."""
    share = np.arange(1, bins)[:, None] / bins
    count = np.arange(n + 1)
    return 2 * np.minimum(binom.cdf(count, n, share), binom.sf(count - 1, n, share))


def _direction(u: np.ndarray) -> str:
    """What a posterior does that ranks its truths so: the plainer of a shift and a wrong width."""
    shift = (u.mean() - 0.5) * np.sqrt(12 * len(u))
    width = (u.var() - 1 / 12) * np.sqrt(180 * len(u))
    if max(abs(shift), abs(width)) < norm.isf(0.025):
        return "no plain direction"
    if abs(shift) > abs(width):
        return "posterior shifted down" if shift > 0 else "posterior shifted up"
    return "posterior too narrow" if width > 0 else "posterior too wide"

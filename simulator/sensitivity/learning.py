"""What learning a belief exactly would bring, and where the answer lies if it is low or high.

`narrower` is the share by which the answer's 90% interval shrinks, on average over what one may
learn: draws are cut into BINS of one belief's ranks, in each bin the trend along the belief is
taken out, and the width from 5% to 95% of what remains is averaged, in OOM or ranks. As beliefs
are dependent, learning one teaches about others, and this counts. Of a belief that tells nothing it
is zero within its error, which is a jackknife over blocks of draws.
"""

from typing import Any

import numpy as np
from scipy.stats import rankdata

from simulator.sensitivity.given import Given, given, scores, title
from simulator.sensitivity.shares import Estimate
from simulator.summary import number

BINS, FEWEST = 20, 50  # at the most, and draws in one at the least
ENDS = 0.05, 0.95
AROUND = 0.04  # of probability, either side of a quantile, in which draws count as being there


def narrower(
    beliefs: dict[str, np.ndarray], outputs: np.ndarray, block: np.ndarray
) -> dict[str, Estimate]:
    """By belief: the share by which the 90% interval of outputs (output, sample) shrinks."""
    kept = [np.flatnonzero(block != one) for one in np.unique(block)]
    outputs = np.ascontiguousarray(outputs, dtype=np.float32)  # twice as fast, and 7 digits do
    base, *left = (_width(np.sort(outputs[:, i])) for i in (slice(None), *kept))
    found = {}
    for name, draws in beliefs.items():
        z = scores(draws)
        order = np.argsort(z, kind="stable")
        every = 1 - _remains(outputs, z, order) / base
        others = []
        for i, width in zip(kept, left, strict=True):
            inside = np.zeros(z.size, dtype=bool)
            inside[i] = True
            others.append(1 - _remains(outputs, z, order[inside[order]]) / width)
        error = np.sqrt((len(kept) - 1) * np.var(others, axis=0))
        found[name] = Estimate(every, error)
    return found


def _remains(outputs: np.ndarray, z: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Mean width of outputs within bins of draws in the order of a belief; (output,)."""
    bins = max(min(BINS, order.size // FEWEST), 1)
    size = order.size // bins
    start = (order.size - size * bins) // 2
    order = order[start : start + size * bins]
    y = outputs[:, order].reshape(-1, bins, size)
    x = z[order].reshape(bins, size).astype(np.float32)
    x = x - x.mean(axis=1, keepdims=True)
    slope = np.einsum("obs,bs->ob", y, x) / np.maximum(np.square(x).sum(axis=1), 1e-12)
    return _width(np.sort(y - slope[..., None] * x, axis=2)).mean(axis=1)


def _width(ordered: np.ndarray) -> np.ndarray:
    """From 5% to 95% of draws in order, along the last axis; median-unbiased quantiles."""
    size = ordered.shape[-1]
    ends = []
    for p in ENDS:
        at = np.clip(p * (size + 1 / 3) - 2 / 3, 0, size - 1)
        below = int(at)
        above = min(below + 1, size - 1)
        part = np.float32(at - below)
        ends.append(ordered[..., below] * (1 - part) + ordered[..., above] * part)
    return ends[1] - ends[0]


def conditional_medians(draws: np.ndarray, belief: np.ndarray) -> list[float]:
    """Median of an output where a belief is at its 5% and its 95% quantile; arrays (sample,).

    That of the draws whose belief lies within 4 points of that quantile. Infinite draws are larger
    than any number.
    """
    place = (rankdata(belief) - 0.5) / belief.size
    return [
        float(np.quantile(draws[abs(place - end) <= AROUND], 0.5, method="inverted_cdf"))
        for end in ENDS
    ]


def conditional_error(draws: np.ndarray, belief: np.ndarray) -> list[float]:
    """Monte Carlo errors of these medians, from the spread of order statistics around them."""
    place = (rankdata(belief) - 0.5) / belief.size
    errors = []
    for end in ENDS:
        own = draws[abs(place - end) <= AROUND]
        reach = 0.5 / np.sqrt(own.size)
        low, high = np.quantile(own, (0.5 - reach, 0.5 + reach), method="inverted_cdf")
        errors.append(float((high - low) / 2) if np.isfinite(high) else np.inf)
    return errors


def tornado_rows(run: Any, output: str = "", known: Given | None = None) -> list[dict[str, Any]]:
    """The bars of a tornado: label, low, base, high of each belief, the longest first.

    `low` and `high` are the output's median where the belief is at its posterior 5% and 95%
    quantile, `base` its median, all in `unit`; infinite ones are None. `output` is a quantity or
    words of its label; by default, and of several, the first.
    """
    found = known or given(run, (output,) if output else ())
    row, draws = found.rows[0], found.draws[0]
    base = float(np.quantile(draws, 0.5, method="inverted_cdf"))
    bars = []
    for name, belief in found.beliefs.items():
        low, high = conditional_medians(draws, belief)
        reach = [(draws <= end).mean() for end in (low, high)]
        bars.append((abs(reach[1] - reach[0]), name, low, high))
    return [
        {"label": name, "low": number(low), "base": number(base), "high": number(high)}
        | {"output": title(row), "unit": row["unit"]}
        for _, name, low, high in sorted(bars, reverse=True)
    ]

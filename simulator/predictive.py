"""Does the model predict what it was given: observations against predictions, by set.

The place of an observation among its predictions is uniform if all is right, its normal score z
standard normal. A set is off where the spread or the mean of its scores is: before the evidence,
against the scores of whole replicated sets, so that what a set shares (a level, a benchmark) is
allowed for; after it, against independent scores of predictions that left the observation out.
Predictions that have seen an observation flatter it, most where it has an effect of its own, so
their coverage is told and never judged. Left-out scores of one set lean on one another a little:
its mean is judged too kindly, its spread about right.

A tail probability calls a set off below ALARM shared among all sets and both figures: of runs with
a right model, about ALARM call anything off, before and after each. It is information and no gate.
"""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import chdtr, chdtrc, ndtr, ndtri

from simulator import streams

ALARM = 0.05  # false alarms per run, before and after the evidence each
LEVELS = (50, 90)  # percent of the probability in a central interval
WORST_K = 0.7  # Pareto k above which an observation left out cannot be had from these draws

type Row = dict[str, Any]


class Figures(NamedTuple):
    """Normal scores of one set, observed: their spread and mean, and how far out each is."""

    spread: float
    mean: float
    spread_tail: float
    mean_tail: float


def check(draws: xr.DataTree, seed: int) -> list[Row]:
    """One row for each set of observations; none for a run without evidence.

    A row holds variable and count, and under `prior`, `posterior` and `left_out` the shares
    inside_50 and inside_90. Before the evidence and left out there are also spread and mean of the
    normal scores, their two-sided tail probabilities, and `said` ("" if nothing is off).
    """
    if "observed_data" not in draws.children:
        return []
    observed = draws["observed_data"].dataset
    budget = ALARM / (2 * len(observed.data_vars))
    rows = []
    for name, variable in observed.data_vars.items():
        came = variable.values
        before, after = (_flat(draws[f"{g}_predictive"][name]) for g in ("prior", "posterior"))
        rng = {use: _stream(seed, use, name) for use in ("prior", "posterior", "left_out")}
        rows.append(
            {
                "variable": str(name),
                "count": came.size,
                "prior": conflict(came, before, budget, rng["prior"]),
                "posterior": _inside(pits(came, after, rng["posterior"])),
                "left_out": left_out(
                    came, after, _flat(draws["log_likelihood"][name]), budget, rng["left_out"]
                ),
            }
        )
    return rows


def conflict(
    came: np.ndarray, replicates: np.ndarray, budget: float, rng: np.random.Generator
) -> Row:
    """A set against replicates of shape (draw, observation) that have not seen it."""
    places = pits(came, replicates, rng)
    found = discrepancies(ndtri(places), ndtri(ranks(replicates, rng)))
    return {**_inside(places), **_plain(found), "said": verdict(found, budget)}


def pits(came: np.ndarray, replicates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each observation among its replicates, in (0, 1); ties are broken by chance."""
    below = (replicates < came).sum(axis=0)
    tied = (replicates == came).sum(axis=0)
    return (below + rng.uniform(size=came.size) * (tied + 1)) / (len(replicates) + 1)


def ranks(replicates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The place of each replicate among those of its observation, in (0, 1), ties by chance."""
    order = np.lexsort((rng.uniform(size=replicates.shape), replicates), axis=0)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(len(order))[:, None], axis=0)
    return (place + 0.5) / len(order)


def discrepancies(came: np.ndarray, replicated: np.ndarray) -> Figures:
    """Spread and mean of normal scores, and two-sided tails among those of replicated sets."""
    mean = float(came.mean())
    mean_tail = _tail(mean, replicated.mean(axis=1))
    if came.size < 2:  # one observation has no spread
        return Figures(float("nan"), mean, 1.0, mean_tail)
    spread = float(came.std(ddof=1))
    return Figures(spread, mean, _tail(spread, replicated.std(axis=1, ddof=1)), mean_tail)


def verdict(found: Figures, budget: float) -> str:
    """What is off, in a word or two: about the predictions, not about the observations."""
    words = []
    if found.spread_tail < budget:
        words.append("too narrow" if found.spread > 1 else "too wide")
    if found.mean_tail < budget:
        words.append("shifted")
    return ", ".join(words)


def left_out(
    came: np.ndarray,
    replicates: np.ndarray,
    likelihood: np.ndarray,
    budget: float,
    rng: np.random.Generator,
) -> Row:
    """A set against predictions that have not seen the observation, by importance sampling.

    `likelihood` is the log likelihood, shape (draw, observation). Observations that the posterior
    leans on too much to be left out are counted under `not_usable`.
    """
    from arviz_stats.base import array_stats

    logs, k = array_stats.psislw(likelihood.T, axis=-1)  # which turns the sign itself
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True)).T
    weights /= weights.sum(axis=0)
    below = (weights * (replicates < came)).sum(axis=0)
    tied = (weights * (replicates == came)).sum(axis=0)
    places = below + rng.uniform(size=came.size) * tied
    finest = 0.5 / len(replicates)
    usable = np.asarray(k) <= WORST_K
    row: Row = {"not_usable": int((~usable).sum())}
    if not usable.any():
        return row | dict.fromkeys(("inside_50", "inside_90"), None) | {"said": ""}
    places = places[usable].clip(finest, 1 - finest)
    found = independent(ndtri(places))
    return row | {**_inside(places), **_plain(found), "said": verdict(found, budget)}


def independent(came: np.ndarray) -> Figures:
    """Spread and mean of normal scores, and their tails if these are independent."""
    size, mean = came.size, float(came.mean())
    mean_tail = float(2 * ndtr(-abs(mean) * np.sqrt(size)))
    if size < 2:
        return Figures(float("nan"), mean, 1.0, mean_tail)
    spread = float(came.std(ddof=1))
    square = (size - 1) * spread**2
    tail = 2 * min(chdtr(size - 1, square), chdtrc(size - 1, square))
    return Figures(spread, mean, float(tail), mean_tail)


def _plain(found: Figures) -> Row:
    return {k: v if np.isfinite(v) else None for k, v in found._asdict().items()}


def _tail(value: float, reference: np.ndarray) -> float:
    above = 1 + np.sum(reference >= value)
    below = 1 + np.sum(reference <= value)
    return float(min(1.0, 2 * min(above, below) / (len(reference) + 1)))


def _inside(places: np.ndarray) -> Row:
    return {f"inside_{n}": float(np.mean(np.abs(places - 0.5) <= n / 200)) for n in LEVELS}


def _flat(variable: xr.DataArray) -> np.ndarray:
    values = variable.transpose("chain", "draw", ...).values
    return values.reshape(values.shape[0] * values.shape[1], -1)


def _stream(seed: int, *name: object) -> np.random.Generator:
    return streams.stream(seed, "predictive", *map(str, name))

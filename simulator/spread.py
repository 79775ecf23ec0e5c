"""Shares of spread: how much of an output's spread its structure, its scenario or neither makes.

Draws can be infinite and then have no variance, so ranks of the pooled draws are split instead:
eta squared, the sum of squares between groups over the whole, structure first and scenarios within
a structure next; what remains is what the evidence leaves open within a run. Ranks of one run are
spread too, so two structures of equal weight that share no value at all reach 3/4, not 1.

Of the spread within a run, a part follows beliefs that no observation moved: that is the prior's,
however much is observed. The rest is what more evidence could narrow, and chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from simulator.diagnostics import elements
from simulator.quantities import OUTPUTS
from simulator.run import Run

SHARES = ("structure", "scenario", "within")
UNMOVED_SD, UNMOVED_MEAN = 0.9, 0.2  # of a standard normal, for what the evidence has not moved

type Row = dict[str, Any]


def shares(
    forecast: xr.Dataset, parents: Sequence[Row], rows: Sequence[Row], prior: Mapping[str, float]
) -> list[Row]:
    """Per row of an output: the shares of `structure`, `scenario` and `within`, of sum one.

    `prior` is the part of `within` that beliefs make which no observation moved. `forecast` has the
    coordinates `structure` and `parent` by draw, `rows` are its summary, `prior` is of
    `prior_shares`. Shares are None where all draws are the same, or `prior` is not known.
    """
    forms = forecast["structure"].values.ravel()
    digests = {parent["id"]: parent["scenario_digest"] for parent in parents}
    scenarios = np.array([digests[one] for one in forecast["parent"].values.ravel()])
    found = []
    for name in [name for name in OUTPUTS if name in forecast]:
        own = [row for row in rows if row["quantity"] == name]
        for row, (element, draws) in zip(own, elements(forecast[name]).items(), strict=True):
            split = nested(draws.ravel(), forms, scenarios)
            about = {key: row[key] for key in ("quantity", "unit", "coords")}
            known = split[2] is not None and element in prior
            about["prior"] = split[2] * prior[element] if known else None
            found.append(about | dict(zip(SHARES, split, strict=True)))
    return found


def prior_shares(runs: Sequence[Run], weights: Sequence[float]) -> dict[str, float]:
    """By output element: the share of a run's spread of ranks that follows unmoved beliefs.

    From a regression of ranks on these beliefs and their squares, adjusted for their number, so
    rather too low than too high. Empty where a run does not hold what its beliefs were drawn from.
    """
    found: dict[str, float] = {}
    for run, weight in zip(runs, weights, strict=True):
        if "unconstrained_posterior" not in run.draws.children:
            return {}
        unmoved = _unmoved(run.draws["unconstrained_posterior"].dataset)
        columns = np.column_stack([np.ones(unmoved.shape[1]), *unmoved, *unmoved**2])
        basis, _ = np.linalg.qr(columns)
        for name in [name for name in OUTPUTS if name in run.forecast]:
            for element, draws in elements(run.forecast[name]).items():
                share = _explained(draws.ravel(), basis)
                found[element] = found.get(element, 0.0) + weight * share
    return found


def _unmoved(normals: xr.Dataset) -> np.ndarray:
    """Draws of the standard normals behind the beliefs that are as they were; (belief, sample)."""
    flat = [v.values.ravel() for v in normals.values() if v.dims == ("chain", "draw")]
    kept = [z for z in flat if z.std() > UNMOVED_SD and abs(z.mean()) < UNMOVED_MEAN]
    return np.array(kept).reshape(len(kept), -1)


def _explained(draws: np.ndarray, basis: np.ndarray) -> float:
    ranks = rankdata(draws)
    ranks = ranks - ranks.mean()
    whole = float(ranks @ ranks)
    size, columns = basis.shape
    if whole == 0 or size <= columns:
        return 0.0
    rest = 1 - float(np.square(basis.T @ ranks).sum()) / whole
    return max(1 - rest * (size - 1) / (size - columns), 0.0)


def nested(
    draws: np.ndarray, outer: np.ndarray, inner: np.ndarray
) -> tuple[float, float, float] | tuple[None, None, None]:
    """Shares of the spread of ranks between outer groups, between inner ones within, and the rest.

    Arrays of shape (sample,); ties share their rank, infinite draws tie with one another.
    """
    ranks = rankdata(draws)
    ranks = ranks - ranks.mean()
    whole = float(ranks @ ranks)
    if whole == 0:
        return None, None, None
    by_outer = _between(ranks, outer) / whole
    by_both = _between(ranks, np.char.add(np.char.add(outer, "\n"), inner)) / whole
    return by_outer, max(by_both - by_outer, 0.0), 1 - by_both


def _between(ranks: np.ndarray, groups: np.ndarray) -> float:
    """Sum of squares between the means of groups, of ranks with mean zero."""
    _, index = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(index, ranks), np.bincount(index)
    return float((sums**2 / counts).sum())

"""Shares of spread: how much of an output's spread its structure, its scenario or neither makes.

Draws can be infinite and then have no variance, so ranks of the pooled draws are split instead:
eta squared, the sum of squares between groups over the whole, structure first and scenarios within
a structure next; what remains is what the evidence leaves open within a run. Ranks of one run are
spread too, so two structures of equal weight that share no value at all reach 3/4, not 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from simulator.diagnostics import elements
from simulator.quantities import OUTPUTS

SHARES = ("structure", "scenario", "within")

type Row = dict[str, Any]


def shares(forecast: xr.Dataset, parents: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Per row of an output: the shares of `structure`, `scenario` and `within`, of sum one.

    `forecast` has the coordinates `structure` and `parent` by draw, `rows` are its summary. Shares
    are None where all draws are the same.
    """
    forms = forecast["structure"].values.ravel()
    digests = {parent["id"]: parent["scenario_digest"] for parent in parents}
    scenarios = np.array([digests[one] for one in forecast["parent"].values.ravel()])
    found = []
    for name in [name for name in OUTPUTS if name in forecast]:
        own = [row for row in rows if row["quantity"] == name]
        for row, draws in zip(own, elements(forecast[name]).values(), strict=True):
            split = nested(draws.ravel(), forms, scenarios)
            about = {key: row[key] for key in ("quantity", "unit", "coords")}
            found.append(about | dict(zip(SHARES, split, strict=True)))
    return found


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

"""Leave-one-out densities of what several runs observed alike, in one measure, with Pareto k.

Runs of different structures score the same published numbers in different coordinates, and some
score different events. The first is put right here, the second is left out by name. PSIS by ArviZ;
observations whose own effects would spoil it have these integrated out first (`marginal.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from simulator.marginal import marginals
from simulator.run import Run


def _score(draws: xr.DataTree) -> np.ndarray:
    score = draws["observed_data"]["score"].values
    return np.log(score * (1 - score))


def _chord(draws: xr.DataTree) -> np.ndarray:
    return np.log(draws["constant_data"]["slope_chord"].values)


# Another name of an observed variable: the common one, and what is added to the log density there.
MEASURES: dict[str, tuple[str, Callable[[xr.DataTree], np.ndarray]]] = {
    "score": ("score_logit", _score),
    "slope_per_oom": ("slope_logit_per_oom", _chord),
}
COSTS = "one structure scores the cost of each record given its date, the other when records come "
COSTS += "and how far they fall: settle that choice with `simulator backtest`"
INCOMPARABLE = dict.fromkeys(("record_oom_usd", "records_in_quarter", "record_fall_oom"), COSTS)


class Scored(NamedTuple):
    """A variable's observations in one run: expected log density, effective parameters and k."""

    elpd: np.ndarray
    p: np.ndarray
    k: np.ndarray


def good_k(draws: int) -> float:
    """The Pareto k above which importance sampling with so many draws is not to be trusted."""
    return min(1 - 1 / np.log10(draws), 0.7)


def names(run: Run) -> dict[str, str]:
    """The observed variables of a run: common name to its own."""
    own = map(str, run.draws["log_likelihood"].data_vars)
    return {MEASURES[name][0] if name in MEASURES else name: name for name in own}


def shared(runs: Sequence[Run]) -> tuple[list[str], list[dict[str, Any]]]:
    """Common names of the variables that all runs observe, and the others with the reason."""
    named = [names(run) for run in runs]
    every = list(dict.fromkeys(name for each in named for name in each))
    kept, left = [], []
    for name in every:
        if missing := [run.id for run, each in zip(runs, named, strict=True) if name not in each]:
            reason = INCOMPARABLE.get(name, "is not observed by every run")
            left.append({"variable": name, "reason": reason, "not_in": missing})
        else:
            kept.append(name)
    return kept, left


def labels(run: Run, name: str) -> list[str]:
    """What tells the observations of a variable from one another."""
    observed = run.draws["observed_data"][names(run)[name]]
    (dim,) = observed.dims
    plain = [str(label) for label in observed[dim].values]
    # Runs of old number points and records through; of later ones, labels say whose they are.
    constant = run.draws["constant_data"].data_vars if "constant_data" in run.draws else {}
    of = {"point": ("point_curve", "drawn_curve"), "record": ("record_series", "series")}
    if observed[dim].dtype.kind != "i" or dim not in of or of[dim][0] not in constant:
        return plain
    index, groups = of[dim]
    group = run.draws["posterior"][groups].values[constant[index].values]
    return [f"{one} {label}" for one, label in zip(group, plain, strict=True)]


def is_reference(run: Run, name: str) -> np.ndarray:
    """Which observations are of the recipe that all others are measured from.

    Without them no gain has a meaning, so that leaving them out asks nothing of a model.
    """
    observed = run.draws["observed_data"][names(run)[name]]
    (dim,) = observed.dims
    family = {"recipe": "recipe_family", "fitted_recipe": "fitted_family"}.get(str(dim))
    if family is None or family not in run.draws["constant_data"]:
        return np.zeros(observed.size, dtype=bool)
    return run.draws["constant_data"][family].values == 0


def score(run: Run, name: str) -> Scored:
    """Leave-one-out scores of a variable, by its common name, in the common measure."""
    own = names(run)[name]
    density = run.draws["log_likelihood"][own].transpose("chain", "draw", ...).values
    found = _scored(density)
    limit = good_k(density[..., 0].size)
    for known in marginals(run, own):
        found = _refined(found, known, density.shape, limit)
    if own in MEASURES:
        found = found._replace(elpd=found.elpd + MEASURES[own][1](run.draws))
    return found


def _refined(plain: Scored, known: Any, shape: tuple, limit: float) -> Scored:
    """Scores with effects integrated out, of the second too where one is not enough.

    All forms have the same expectation, so the first whose weights behave is used.
    """
    best = Scored(*(column.copy() for column in plain))
    group = known.grouped.group
    for one in np.unique(group[group >= 0]):
        members = np.flatnonzero(group == one)
        for both in (False, True) if known.grouped.second else (False,):
            found = _scored(known.densities(members, both).reshape(*shape[:2], -1))
            better = (found.k <= limit) | (found.k < best.k[members])
            better &= (best.k[members] > limit) | (not both)
            for column, new in zip(best, found, strict=True):
                column[members[better]] = new[better]
            if (best.k[members] <= limit).all():
                break
    return best


def _scored(density: np.ndarray) -> Scored:
    """PSIS-LOO of log densities (chain, draw, observation)."""
    columns = [_one(density[..., i]) for i in range(density.shape[2])]
    elpd, k, p = np.array(columns).T.reshape(3, -1)
    return Scored(elpd, p, k)


def _one(density: np.ndarray) -> tuple[float, float, float]:
    if (density == density[0, 0]).all():  # nothing uncertain bears on it: nothing to leave out
        return float(density[0, 0]), 0.0, 0.0
    efficiency = array_stats.ess(np.exp(density - density.max()), method="mean", relative=True)
    elpd, k, p = array_stats.loo(density, r_eff=float(efficiency))
    return float(elpd), float(k), float(p)


def densities(runs: Sequence[Run], kept: Sequence[str]) -> Mapping[str, dict[str, Scored]]:
    """Scores of the shared variables by run id, then by variable."""
    return {run.id: {name: score(run, name) for name in kept} for run in runs}

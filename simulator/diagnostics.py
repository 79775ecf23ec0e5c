"""The gate: named checks on draws, each named by its criterion.

Libraries skip some of these in silence: R-hat is NaN for a constant, which is not above 1.01, and
an infinite draw has a large ESS. So finiteness and variation are checked before anything else, and
a figure that is not a number fails. A run that fails is sealed all the same, and says so first.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import ndtri
from scipy.stats import rankdata

from simulator.quantities import BELIEFS
from simulator.run import Check

ENDLESS = {name for name, belief in BELIEFS.items() if np.inf in belief.may}  # "never" is a value
CHAINS, ESS, R_HAT, E_BFMI = 4, 400, 1.01, 0.3
KNOWN = 4096  # quantities whose figures are kept, those of several runs


class Mixing(NamedTuple):
    """How well the chains of one quantity mixed."""

    r_hat: float
    ess_bulk: float
    ess_tail: float


_known: dict[bytes, Mixing] = {}


def check(draws: xr.DataTree, forecast: xr.Dataset) -> dict[str, Check]:
    """All checks of a run, by name.

    Every element of every posterior variable counts, but for those that the scenario itself fixes:
    they are the ones that have a single value in the prior.
    """
    posterior = draws["posterior"].dataset
    free = _elements(posterior, fixed=_fixed(draws["prior"].dataset))
    checks = {
        "chains_at_least_4": Check(posterior.sizes["chain"] >= CHAINS, posterior.sizes["chain"]),
        "draws_finite": _not_finite(free),
        "draws_vary": _none(free, lambda a: (a == a[0, 0]).all()),
        "r_hat_at_most_1_01": _worst(free, "r_hat", max, lambda v: v <= R_HAT),
        "ess_bulk_at_least_400": _worst(free, "ess_bulk", min, lambda v: v >= ESS),
        "ess_tail_at_least_400": _worst(free, "ess_tail", min, lambda v: v >= ESS),
    }
    if "sample_stats" in draws.children:
        statistics = draws["sample_stats"].dataset
        divergences = int(statistics["diverging"].sum())
        # Of a thinned sample it says nothing: it is about one step to the next.
        energy = statistics.attrs.get("e_bfmi", float(e_bfmi(statistics["energy"].values).min()))
        checks["no_divergences"] = Check(divergences == 0, divergences)
        checks["e_bfmi_at_least_0_3"] = Check(energy >= E_BFMI, energy)
    checks["outputs_not_nan"] = _none(_elements(forecast), np.isnan)
    finite = [name for name, output in forecast.items() if output.attrs.get("finite")]
    checks["outputs_finite"] = _none(_elements(forecast[finite]), np.isinf)
    return checks


def _not_finite(free: dict[str, np.ndarray]) -> Check:
    """Plus infinity is a value of endless beliefs; NaN and minus infinity are of none."""
    numbers = {n: np.where(a == np.inf, 0.0, a) if n in ENDLESS else a for n, a in free.items()}
    return _none(numbers, lambda a: ~np.isfinite(a))


def r_hat(draws: np.ndarray) -> float:
    """Rank-normalised split R-hat, the larger of bulk and folded; draws of shape (chain, draw)."""
    return float(array_stats.rhat(draws, method="rank"))


def ess_bulk(draws: np.ndarray) -> float:
    """Effective sample size for the middle; draws of shape (chain, draw)."""
    return float(array_stats.ess(draws, method="bulk"))


def ess_tail(draws: np.ndarray) -> float:
    """Effective sample size for the 5% and 95% quantiles, the smaller; shape (chain, draw)."""
    return float(array_stats.ess(draws, method="tail", prob=(0.05, 0.95)))


def mixing(draws: np.ndarray) -> Mixing:
    """R-hat and both effective sample sizes; draws of shape (chain, draw).

    Known by their bytes: the retry, the gate and the summary ask for the same ones.
    """
    draws = np.ascontiguousarray(draws, dtype=float)
    key = hashlib.sha256(repr(draws.shape).encode() + draws.tobytes()).digest()
    if key not in _known:
        if len(_known) >= KNOWN:
            _known.clear()
        with np.errstate(invalid="ignore", divide="ignore"):  # of a constant, of infinite draws
            _known[key] = _mixing(draws)
    return _known[key]


def _mixing(draws: np.ndarray) -> Mixing:
    """ArviZ's figures, bit for bit, from one ranking of the draws where ArviZ takes two."""
    half = draws.shape[1] // 2
    if len(draws) < 2 or half < 4 or np.isnan(draws).any():  # which ArviZ judges
        return Mixing(r_hat(draws), ess_bulk(draws), ess_tail(draws))
    split = np.vstack([draws[:, :half], draws[:, -half:]])
    scores, folded = _scores(split), _scores(abs(split - np.median(split)))
    r_hats = [float(array_stats.rhat(z, method="identity")) for z in (scores, folded)]
    return Mixing(max(r_hats), float(array_stats.ess(scores, method="identity")), ess_tail(draws))


def _scores(draws: np.ndarray) -> np.ndarray:
    """Normal scores of ranks among all draws."""
    ranks = rankdata(draws).reshape(draws.shape)
    return ndtri((ranks - 3 / 8) / (draws.size + 1 / 4))


def mixed(draws: np.ndarray) -> bool:
    """Whether the chains of one quantity pass the gate; draws of shape (chain, draw)."""
    found = mixing(draws)
    return found.r_hat <= R_HAT and min(found.ess_bulk, found.ess_tail) >= ESS


def mcse_median(draws: np.ndarray) -> float:
    """Monte Carlo standard error of the median; draws of shape (chain, draw)."""
    return mcse_quantile(draws, 0.5)


def mcse_quantile(draws: np.ndarray, p: float) -> float:
    """Monte Carlo standard error of a quantile; draws of shape (chain, draw)."""
    return float(array_stats.mcse(draws, method="quantile", prob=p))


def mcse_mean(draws: np.ndarray) -> float:
    """Monte Carlo standard error of the mean; draws of shape (chain, draw)."""
    return float(array_stats.mcse(draws, method="mean"))


def e_bfmi(energy: np.ndarray) -> np.ndarray:
    """Energy's Bayesian fraction of missing information, by chain; shape (chain, draw)."""
    return np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1, ddof=1)


def elements(variable: xr.DataArray) -> dict[str, np.ndarray]:
    """The draws of each element of a variable, shape (chain, draw), by name and labels."""
    stacked = variable.transpose("chain", "draw", ...)
    labels = [stacked[dim].values.tolist() for dim in stacked.dims[2:]]
    names = [f"{variable.name}[{', '.join(map(str, label))}]" for label in product(*labels)]
    if not labels:
        names = [str(variable.name)]
    return dict(zip(names, columns([stacked.values]), strict=True))


def columns(arrays: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Each element of arrays of shape (chain, draw, ...), of shape (chain, draw)."""
    for array in arrays:
        flat = array.reshape(*array.shape[:2], -1)
        yield from (flat[..., i] for i in range(flat.shape[2]))


def _elements(group: xr.Dataset, fixed: frozenset[str] = frozenset()) -> dict[str, np.ndarray]:
    every = {k: v for variable in group.values() for k, v in elements(variable).items()}
    return {name: draws for name, draws in every.items() if name not in fixed}


def _fixed(prior: xr.Dataset) -> frozenset[str]:
    return frozenset(n for n, draws in _elements(prior).items() if (draws == draws[0, 0]).all())


def _none(free: dict[str, np.ndarray], bad: Callable[[np.ndarray], np.ndarray]) -> Check:
    counts = {name: int(np.sum(bad(draws))) for name, draws in free.items()}
    worst = max(counts, key=counts.__getitem__, default="")
    total = sum(counts.values())
    return Check(total == 0, total, worst if total else "")


def _worst(
    free: dict[str, np.ndarray],
    figure: str,
    extreme: Callable[..., str],
    good: Callable[[float], bool],
) -> Check:
    """The worst figure of all; one that is not a number is worse than any."""
    figures = {name: getattr(mixing(draws), figure) for name, draws in free.items()}
    if broken := [name for name, value in figures.items() if not np.isfinite(value)]:
        return Check(False, float("nan"), broken[0])
    if not figures:  # the scenario fixes everything
        return Check(True, float("nan"))
    worst = extreme(figures, key=figures.__getitem__)
    return Check(good(figures[worst]), figures[worst], worst)

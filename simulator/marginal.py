"""Likelihoods with one group's own effect integrated out, at every draw of a run.

Where few observations have an effect of their own (a system's slope, a series' level, an
estimator's bias), leaving one out moves that effect far, and importance sampling breaks down. The
density of an observation given the others of its group and all that groups share has the same
expectation and far tamer weights:

    p(y_i | y_rest of the group, shared) = ∫ Π_j p(y_j | e) p(e) de / ∫ Π_(j≠i) p(y_j | e) p(e) de

Each formula of grouped.py is proven on the run itself before it is used: at the drawn effects it
must give the densities that were stored with the draws, of the observations and of the effects.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import gammaln, logsumexp

from simulator.grouped import FORMULAS, Grouped, flat
from simulator.run import Run

REACH = 12.0  # sds of the prior, either side of a drawn effect, over which it is integrated
NODES, COARSE, SECOND = 121, 101, 31  # of one effect alone, and of the first and second of two
TOLERANCE = 1e-6  # in log density; a formula that strays further is not that of this run
TAILS = {
    "score_logit": 4,
    "score": 4,
    "record_oom_usd": 4,
}  # degrees of freedom; the others are normal


class Marginal(NamedTuple):
    """An observed variable of a run whose group effects can be integrated out."""

    grouped: Grouped
    observed: np.ndarray
    tails: int | None

    def densities(self, members: np.ndarray, both: bool = False) -> np.ndarray:
        """Log density of each member of one group given the others; (sample, member).

        The first effect is integrated out, and with `both` the second too.
        """
        found = self.grouped
        by, weight = _nodes(found, members, COARSE if both else NODES)
        steps = np.linspace(-5, 5, SECOND) if both else np.array([np.nan])
        totals, others = [], []
        for at in steps:
            more = np.zeros((len(by), 1))
            own = weight
            if both:
                more = at - found.second.effect[:, members[:1]]
                own = weight + _density(at, 0.0, 1.0, None) + np.log(steps[1] - steps[0])
            each = [
                _density(self.observed[i], *found.moved(i, by, more), self.tails) for i in members
            ]
            whole = own + sum(each)
            totals.append(logsumexp(whole, axis=1))
            others.append([logsumexp(whole - one, axis=1) for one in each])
        return (logsumexp(totals, axis=0) - logsumexp(others, axis=0)).T


def marginals(run: Run, name: str) -> list[Marginal]:
    """How the densities of an observed variable depend on its groups' effects, in all known ways.

    None of them where the formulas are not that of the run.
    """
    draws = run.draws
    stored = flat(draws["log_likelihood"][name])
    observed = draws["observed_data"][name].values
    found = []
    for formula in FORMULAS.get(name, ()):
        try:
            grouped, prior, scale = formula(run)
        except KeyError:  # the model of this run has other names
            continue
        known = Marginal(grouped, observed, TAILS.get(name))
        at_draws = _density(observed, grouped.linked, grouped.sigma, known.tails)
        if _same(at_draws, stored) and _is_standard(draws, grouped, prior, scale):
            found.append(known)
    return found


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=TOLERANCE))


def _is_standard(draws: xr.DataTree, found: Grouped, prior: str, scale: np.ndarray) -> bool:
    """Whether the stored prior density of the effect is that of `scale` times a standard normal."""
    stored = flat(draws["log_prior"][prior])
    stored = stored[:, None] if stored.ndim == 1 else stored
    own = found.group >= 0
    mine = _density(0.0, found.effect[:, own], 1.0, None) - np.log(scale)[:, None]
    return _same(mine, stored[:, found.group[own]])


def _nodes(found: Grouped, members: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Moves of a group's effect and their log weights: dense where the likelihood is narrow.

    Nodes are sinh-spaced around the drawn effect, so that they resolve the likelihood near it and
    still reach over the whole prior.
    """
    pull = np.abs(found.step if found.part is None else found.step * found.part)[:, members]
    with np.errstate(divide="ignore"):
        width = (found.sigma[:, members] / pull).min(axis=1, keepdims=True).clip(1e-3, 1.0)
    reach = np.arcsinh(REACH / width)
    at = np.linspace(-1, 1, count)
    by = width * np.sinh(reach * at)
    spacing = width * reach * np.cosh(reach * at) * (at[1] - at[0])
    effect = found.effect[:, members[:1]]
    return by, _density(effect + by, 0.0, 1.0, None) + np.log(spacing)


def _density(x: np.ndarray | float, mean: object, sigma: object, tails: int | None) -> np.ndarray:
    """Log density of a normal, or of Student's t."""
    z = (x - mean) / sigma
    if tails is None:
        return -0.5 * z**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    norm = gammaln((tails + 1) / 2) - gammaln(tails / 2) - 0.5 * np.log(tails * np.pi)
    return norm - np.log(sigma) - (tails + 1) / 2 * np.log1p(z**2 / tails)

"""Draws under some beliefs as draws under others: densities of beliefs, weights, and what forbids.

Evidence speaks to the values of beliefs and not to what was believed of them, so the posterior of
new beliefs is that of the old ones times the ratio of the two prior densities. Where new beliefs
reach what no draw reaches, or what the draws do not vary in, no weights can help.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import special

from simulator import streams
from simulator.beliefs import cholesky
from simulator.faults import BadInput, Fault
from simulator.prior import FAMILIES, Belief, support, value
from simulator.quantities import BELIEFS, SLOPES
from simulator.scenario import Scenario

MATHS = SimpleNamespace(exp=np.exp, erf=special.erf)
# No observation speaks to these: they can move with what is believed of them, and weigh nothing.
MOVABLE = (
    *("slowdown_half_life_years", "transfer_exponent", "cost_floor_fraction"),
    *("newest_price_factor", "newest_half_life_years"),
)
READ_BY = ("recipes", "progress_rates")  # tables read over the years from the baseline to today
GOOD_K, FEWEST = 0.7, 25  # draws below which no tail can be judged
ROUNDING = 1e-9  # of a support's ends, and of weights that are all the same

type Values = dict[str, np.ndarray]


class Weights(NamedTuple):
    """Smoothed log weights (chain, draw), of which the exponentials add up to one, and how good.

    `pareto_k` is -inf where the largest weights are all alike; `effective_size` is in draws, as if
    these were independent.
    """

    log: np.ndarray
    pareto_k: float
    threshold: float
    effective_size: float

    @property
    def good(self) -> bool:
        """Whether the weights can be relied on."""
        return self.pareto_k <= self.threshold


def weights(draws: xr.Dataset, old: Scenario, new: Scenario) -> Weights:
    """Pareto-smoothed importance weights of a posterior under `old` for that under `new`.

    `draws` need hold no more than the beliefs that differ, dims chain and draw. Raises BadInput
    with every reason why weights do not exist; whether they are good, `pareto_k` says.
    """
    if faults := [*conflicts(old, new)]:
        raise BadInput(faults)
    names = touched(old, new)
    values = {name: draws[name].transpose(*streams.SAMPLE).values for name in names}
    before, after = (log_density(scenario, values) for scenario in (old, new))
    if faults := [
        Fault(old.name, f"prior.{name}", "has draws outside its own belief", "refit")
        for name, log in before.items()
        if not np.isfinite(log).all()
    ]:
        raise BadInput(faults)
    ratio = np.zeros([draws.sizes[dim] for dim in streams.SAMPLE])
    for name in sorted(names):
        ratio = ratio + after.get(name, 0.0) - before.get(name, 0.0)
    return smoothed(ratio)


def smoothed(ratio: np.ndarray) -> Weights:
    """Weights from log ratios (chain, draw), of which -inf is a draw that is not to be had.

    The tail is that of the others, which are draws of the old posterior cut to the new support.
    """
    from arviz_stats.base import array_stats

    inside = np.isfinite(ratio)
    logs, count = ratio[inside], int(inside.sum())
    threshold = min(1 - 1 / np.log10(max(count, 2)), GOOD_K)
    tail = np.sort(logs)[-int(min(count / 5, 3 * count**0.5)) :] if count >= FEWEST else logs
    if count < FEWEST:
        k = np.inf
    elif np.ptp(tail) < ROUNDING:  # no tail: the largest weights are all the same
        k = -np.inf
    else:
        logs, k = array_stats.psislw(-logs)
    whole = np.full(ratio.shape, -np.inf)
    if count:
        whole[inside] = logs - special.logsumexp(logs)
    size = 1 / np.exp(2 * whole).sum() if count else 0.0
    return Weights(whole, float(k), float(threshold), float(size))


def resampled(log_weights: np.ndarray, seed: int) -> np.ndarray:
    """Which draw stands at each place, so that all count alike: places in the flattened sample.

    Systematic, over all chains in their order: a draw of twice the weight comes twice, side by
    side, which autocorrelation feels. A chain of more weight than others takes more than its room.
    """
    ends = np.cumsum(np.exp(log_weights).ravel())
    start = streams.stream(seed, "reweight").uniform()
    places = (np.arange(ends.size) + start) / ends.size
    index = np.searchsorted(ends / ends[-1], places, side="right")
    return index.clip(max=ends.size - 1).reshape(log_weights.shape)


# --- densities ------------------------------------------------------------------------------------


def log_density(scenario: Scenario, values: Values) -> Values:
    """Log density of each stated belief in `values`, given the correlated ones before it.

    In units of the belief, but of its logarithm for slopes: any two of these three say the same of
    the third, and no Jacobian comes between them.
    """
    scores, independent = normals(scenario, values)
    weight = cholesky(scenario.correlations) or {}
    found = {}
    for name, score in scores.items():
        belief, x = scenario.beliefs[name], values[name]
        family = FAMILIES[belief.family]
        log = standard(independent[name]) - np.log(belief.scale)
        if name in weight:
            log = log - np.log(weight[name][name])
        if family.uniform:
            log = log - standard(score)
        with np.errstate(divide="ignore", invalid="ignore"):
            if family.link != "identity":
                log = log - np.log(x)
            if family.link == "logistic":
                log = log - np.log1p(-x)
            if name in SLOPES:
                log = log + np.log(x)
        found[name] = np.where(np.isnan(score), -np.inf, log)
    return found


def normals(scenario: Scenario, values: Values) -> tuple[Values, Values]:
    """Standard normals behind values of stated beliefs: correlated, and the independent ones."""
    stated = {n: b for n, b in scenario.beliefs.items() if n in values and not b.constant}
    scores = {name: _score(belief, values[name]) for name, belief in stated.items()}
    independent = dict(scores)
    for name, row in (cholesky(scenario.correlations) or {}).items():
        if name in stated:
            before = sum(w * independent[k] for k, w in row.items() if k != name)
            independent[name] = (scores[name] - before) / row[name]
    return scores, independent


def _score(belief: Belief, x: np.ndarray) -> np.ndarray:
    """The standard normal that a belief maps to x; NaN outside its support."""
    _, link, uniform = FAMILIES[belief.family]
    with np.errstate(divide="ignore", invalid="ignore"):
        line = {"identity": lambda x: x, "exp": np.log, "logistic": special.logit}[link](x)
        score = (line - belief.location) / belief.scale
        if not uniform:
            return np.where(np.isfinite(score), score, np.nan)
        inside = (score > -ROUNDING) & (score < 1 + ROUNDING)
        return np.where(inside, special.ndtri(score.clip(1e-300, 1 - 1e-16)), np.nan)


def standard(z: np.ndarray) -> np.ndarray:
    """Log density of the standard normal."""
    return -0.5 * z**2 - 0.5 * np.log(2 * np.pi)


def at(belief: Belief, z: np.ndarray) -> np.ndarray:
    """The values of a belief at standard normals, of their shape."""
    return value(belief.family, belief.location, belief.scale, z, MATHS)


# --- what differs, and what must not --------------------------------------------------------------


def changed(old: Scenario, new: Scenario) -> set[str]:
    """Beliefs of which something else is believed, or that only one of both states."""
    lines = [{n: b[1:4] for n, b in one.beliefs.items()} for one in (old, new)]
    return {n for n in lines[0].keys() | lines[1] if lines[0].get(n) != lines[1].get(n)}


def correlated(*scenarios: Scenario) -> set[str]:
    """Beliefs that have a correlation in any of the scenarios."""
    return {n for one in scenarios for c in one.correlations for n in c.between}


def movable(old: Scenario, new: Scenario) -> set[str]:
    """Changed beliefs that no observation speaks to, neither directly nor through another one."""
    both = old.beliefs.keys() & new.beliefs.keys()
    return changed(old, new) & both & {*MOVABLE} - correlated(old, new)


def without(moved: Iterable[str], old: Scenario, new: Scenario) -> Scenario:
    """The new scenario with some beliefs left as they were."""
    return replace(new, beliefs=new.beliefs | {name: old.beliefs[name] for name in moved})


def touched(old: Scenario, new: Scenario) -> set[str]:
    """Beliefs of which the density differs, each with all that is correlated with anything."""
    names, tied = changed(old, new), correlated(old, new)
    weights = [cholesky(one.correlations) for one in (old, new)]
    return names | tied if weights[0] != weights[1] or names & tied else names


def conflicts(old: Scenario, new: Scenario, fix: str = "refit") -> Iterator[Fault]:
    """Every difference that draws under `old` cannot be weighted for."""

    def fault(key: str, rule: str) -> Fault:
        return Fault(new.name, key, rule, fix)

    for section in ("structure", "sampler", "evidence"):
        one, other = (s.spec.get(section, {}) for s in (old, new))
        for key in sorted(k for k in one.keys() | other if one.get(k) != other.get(k)):
            yield fault(f"{section}.{key}", "shaped the draws and cannot change after them")
    rows = [{t: r for t, r in s.evidence.tables.items() if r} for s in (old, new)]
    if rows[0] != rows[1] and old.spec.get("evidence") == new.spec.get("evidence"):
        yield fault("evidence", "is not that of the draws")
    if any(old.evidence.rows(table) for table in READ_BY):
        for key in ("today", "algorithm_baseline"):
            if getattr(old.forecast, key) != getattr(new.forecast, key):
                rule = "dates the evidence on recipes and progress, which the draws are fitted to"
                yield fault(f"forecast.{key}", rule)
    if old.structure == new.structure:
        for key, rule in _beliefs(old, new):
            yield fault(key, rule)


def _beliefs(old: Scenario, new: Scenario) -> Iterator[tuple[str, str]]:
    slopes = [[name for name in SLOPES if name in one.beliefs] for one in (old, new)]
    stated: Iterable[str] = [name for name in BELIEFS if name in changed(old, new)]
    if slopes[0] != slopes[1]:
        stated = [name for name in stated if name not in SLOPES]
        for one, names in zip((old, new), slopes, strict=True):
            for name in names:
                belief = one.beliefs[name]
                if belief.constant:
                    yield f"prior.{name}", "is a constant, in which other slopes do not vary freely"
                elif one is old and _ends(belief) != (0.0, np.inf):
                    yield f"prior.{name}", "kept the draws of the slopes inside its ends"
    for name in stated:
        one, other = old.beliefs[name], new.beliefs[name]
        if one.constant:
            yield f"prior.{name}", "was a constant, and no draw differs from it"
        elif other.constant:
            yield f"prior.{name}", "becomes a constant, which no draw is equal to"
        else:
            low, high = _ends(one)
            least, most = _ends(other)
            room = ROUNDING * max(abs(end) for end in (low, high, 0.0) if np.isfinite(end))
            if least < low - room or most > high + room:
                rule = f"reaches from {least:g} to {most:g}, the draws from {low:g} to {high:g}"
                yield f"prior.{name}", rule


def _ends(belief: Belief) -> tuple[float, float]:
    return support(belief.family, belief.location, belief.scale)

"""The likelihoods of a run as functions of their groups' own effects.

These are the means and scales of the model, written for arrays of draws. They are never trusted:
marginal.py proves each on the run itself before it is used.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from simulator import equations
from simulator.dates import decimal_year
from simulator.observations.recipes import REFERENCE_SCORE, SEED_SE
from simulator.run import Run

type Link = Callable[[int, np.ndarray], np.ndarray]  # observation, and what to make a mean of


class Second(NamedTuple):
    """A second effect of the same groups; arrays of (sample, observation).

    Moving this standard normal by d multiplies `part` of the mean by exp(spread * d), or sigma
    where there is no such part.
    """

    effect: np.ndarray
    spread: np.ndarray
    part: np.ndarray | None


class Grouped(NamedTuple):
    """A likelihood whose observations share effects by group; arrays of (sample, observation).

    Moving the standard normal `effect` by d moves the mean by `step * d`, or multiplies `part` of
    it by exp(step * d). With a `link`, that is done to what the link makes a mean of. A group of -1
    has no effect that is its own.
    """

    mean: np.ndarray
    sigma: np.ndarray
    group: np.ndarray
    effect: np.ndarray
    step: np.ndarray
    part: np.ndarray | None = None
    second: Second | None = None
    link: Link | None = None

    @property
    def linked(self) -> np.ndarray:
        """The mean of every observation at the drawn effects."""
        if self.link is None:
            return self.mean
        each = range(self.mean.shape[1])
        return np.concatenate([self.link(i, self.mean[:, [i]]) for i in each], axis=1)

    def moved(self, i: int, by: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sigma of observation i with its effects moved, of shape (sample, node)."""
        mean, step, sigma = self.mean[:, [i]], self.step[:, [i]], self.sigma[:, [i]]
        if self.part is None:
            mean = mean + step * by
        else:
            mean = mean + self.part[:, [i]] * np.expm1(step * by)
        if self.link is not None:
            mean = self.link(i, mean)
        if self.second is None:
            return mean, sigma
        growth = np.expm1(self.second.spread[:, [i]] * second)
        if self.second.part is None:
            return mean, sigma * (1 + growth)
        return mean + self.second.part[:, [i]] * growth, sigma


type Formula = tuple[Grouped, str, np.ndarray]


def flat(array: xr.DataArray) -> np.ndarray:
    """Draws of shape (sample, ...)."""
    values = array.transpose("chain", "draw", ...).values
    return values.reshape(-1, *values.shape[2:])


def _parts(run: Run) -> tuple[Callable[[str], np.ndarray], Callable[[str], np.ndarray]]:
    """Draws of a posterior variable, scalars as columns; and constant data."""
    posterior, constant = run.draws["posterior"].dataset, run.draws["constant_data"].dataset

    def drawn(name: str) -> np.ndarray:
        values = flat(posterior[name])
        return values[:, None] if values.ndim == 1 else values

    return drawn, lambda name: constant[name].values


def _grouped(
    mean: np.ndarray,
    sigma: np.ndarray,
    group: np.ndarray,
    effect: np.ndarray,
    step: np.ndarray | float,
    part: np.ndarray | None = None,
) -> Grouped:
    shape = mean.shape
    spread = [np.broadcast_to(a, shape) for a in (sigma, effect[:, np.maximum(group, 0)], step)]
    return Grouped(mean, spread[0], group, spread[1], spread[2], part)


def _strayed(
    found: Grouped, name: str, spread: np.ndarray, known: float = equations.KNOWN
) -> Formula:
    """With the scale of what is sampled of a stray, see simulator.model.strays."""
    return found, name, equations.widened(spread[:, 0], known)


def _points(run: Run) -> Formula:
    drawn, constant = _parts(run)
    curve, compute = constant("point_curve"), constant("point_compute_oom")
    level_logit = equations.logit(drawn("curve_level"))
    slope = drawn("curve_slope")
    noise = np.exp(drawn("curve_noise_spread") * drawn("curve_noise_effect"))
    sigma = (drawn("curve_noise") * noise)[:, curve]
    effect = drawn("curve_noise_effect")[:, curve]
    second = Second(effect, np.broadcast_to(drawn("curve_noise_spread"), sigma.shape), None)
    mean, link = level_logit[:, curve], None
    if "score_logit" in run.draws["observed_data"]:
        mean = mean + slope[:, curve] / equations.POINTS_PER_LOGIT * compute
    else:
        sigma = sigma * equations.POINTS_PER_LOGIT / 100
        link = _score(run, slope[:, curve], curve, compute)
    sd = equations.LEVEL_SD
    found = _grouped(mean, sigma, curve, level_logit / sd, sd)
    scale = np.full(len(mean), sd / equations.WELL_KNOWN)
    return found._replace(second=second, link=link), "curve_level", scale


def _score(run: Run, slope: np.ndarray, curve: np.ndarray, compute: np.ndarray) -> Link:
    """From the log odds of a curve's level to the score at an observation's compute."""
    drawn, _ = _parts(run)
    if "curve_asymptote" not in run.draws["posterior"]:
        return lambda i, level: equations.logistic(level) + slope[:, [i]] / 100 * compute[i]
    z = {name: drawn(f"curve_{name}_effect") for name in ("asymptote_share", "start_fraction")}
    spreads = {"asymptote_share": "asymptote_spread", "start_fraction": "start_spread"}
    gain, rest = (
        equations.logistic(equations.logit(drawn(name)) + drawn(spreads[name]) * z[name])[:, curve]
        for name in z
    )

    def score(i: int, level_logit: np.ndarray) -> np.ndarray:
        level = equations.logistic(level_logit)
        low, top = level * rest[:, [i]], level + (1 - level) * gain[:, [i]]
        steepness = equations.saturating_steepness(slope[:, [i]], low, top)
        way = equations.logit((level - low) / (top - low))
        return low + (top - low) * equations.logistic(way + steepness * compute[i])

    return score


def _slopes(run: Run) -> Formula:
    """Systems that are seen in slopes only, and so in nothing but this likelihood."""
    drawn, constant = _parts(run)
    system = constant("curve_system")
    first = len(system) - run.draws["observed_data"].sizes["slope"]
    group = np.where(np.isin(system[first:], system[:first]), -1, system[first:])
    in_score = "slope_chord" in run.draws["constant_data"]
    unit = 100 if in_score else equations.POINTS_PER_LOGIT
    mean = drawn("curve_slope")[:, first:] / unit
    spread = drawn("system_slope_spread")
    own = drawn("system_slope_ln") - drawn("benchmark_slope_ln")[:, constant("system_benchmark")]
    found = _grouped(mean, constant("slope_se"), group, own / spread, spread, mean)
    return _strayed(found, "system_slope_ln", spread)


def _recipe_slopes(run: Run) -> Formula:
    drawn, constant = _parts(run)
    family = constant("recipe_family")
    baseline, gain = np.log(drawn("recipe_slope")[:, [0]]), np.log(drawn("algorithm_slope_factor"))
    spread = drawn("recipe_slope_spread")
    effect = (drawn("recipe_slope_ln_of") - baseline - gain) / spread
    mean = np.log(drawn("recipe_slope"))[:, family]
    found = _grouped(mean, drawn("recipe_variant_spread"), family - 1, effect, spread)
    return _strayed(found, "recipe_slope_ln_of", spread, equations.WELL_KNOWN)


def _recipe_asymptotes(run: Run) -> Formula:
    drawn, constant = _parts(run)
    family = constant("fitted_family")
    ceiling = equations.logit((drawn("recipe_asymptote") - REFERENCE_SCORE) / (1 - REFERENCE_SCORE))
    spread = drawn("recipe_ceiling_spread")
    gained = drawn("recipe_ceiling_logit_of") - ceiling[:, [0]] - drawn("algorithm_ceiling_gain")
    found = _grouped(ceiling[:, family], np.array(SEED_SE), family - 1, gained / spread, spread)

    def asymptote(i: int, log_odds: np.ndarray) -> np.ndarray:
        return REFERENCE_SCORE + (1 - REFERENCE_SCORE) * equations.logistic(log_odds)

    return _strayed(found._replace(link=asymptote), "recipe_ceiling_logit_of", spread)


def _recipe_compute(run: Run) -> Formula:
    drawn, constant = _parts(run)
    family = constant("fitted_family")
    mean = drawn("recipe_reference_oom")[:, family]
    effect, spread = drawn("recipe_shift_effect"), drawn("recipe_shift_spread")
    found = _grouped(mean, constant("reference_se"), family - 1, effect, -spread)
    return _strayed(found, "recipe_shift_effect", spread)


def _progress(run: Run) -> Formula:
    """Rates of algorithms, which share the gap between their subject and ours."""
    drawn, constant = _parts(run)
    hardware, competition = constant("rate_is_hardware"), constant("rate_is_competition")
    forecast = run.spec["forecast"]
    years = decimal_year(forecast["today"]) - decimal_year(forecast["algorithm_baseline"])
    algorithm, spread = drawn("models_progress_oom_per_year"), drawn("progress_transfer_spread")
    effect = (algorithm - drawn("algorithm_shift_oom") / years) / spread
    mean = (
        hardware * np.log10(drawn("hardware_decline_factor"))
        + competition * np.log10(drawn("competition_decline_factor"))
        + (1 - hardware - competition) * algorithm
    )
    sigma = np.hypot(constant("rate_se"), drawn("progress_rate_spread"))
    group = np.where(hardware + competition == 1, -1, 0)
    found = _grouped(mean, sigma, group, effect, spread)
    return _strayed(found, "models_progress_oom_per_year", spread)


def _records(run: Run) -> Formula:
    drawn, constant = _parts(run)
    series = constant("record_series")
    shape = drawn("decline_ageing_years"), drawn("decline_remaining_fraction")
    rate = (drawn("decline_rate_at_debut") * drawn("series_decline"))[:, series]
    level = drawn("series_level")
    fallen = equations.ageing(constant("record_age"), *shape)
    fallen = fallen - equations.ageing(constant("series_middle_age")[series], *shape)
    mean = level[:, series] - rate * fallen
    effect = drawn("series_decline_effect")[:, series]
    spread = np.broadcast_to(drawn("decline_series_spread"), mean.shape)
    found = _grouped(mean, drawn("record_noise_oom"), series, (level + 1) / 2, 2.0)
    found = found._replace(second=Second(effect, spread, -rate * fallen))
    return found, "series_level", np.ones(len(mean))


def _factors(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decline over the ages that each factor covers, mean and sigma."""
    drawn, constant = _parts(run)
    shape = drawn("decline_ageing_years"), drawn("decline_remaining_fraction")
    rate = drawn("decline_rate_at_debut") * drawn("benchmark_decline")
    start, end = constant("factor_age_from"), constant("factor_age_to")
    fallen = equations.ageing(end, *shape) - equations.ageing(start, *shape)
    decline = rate[:, constant("factor_benchmark")] * fallen / (end - start)
    hardware = constant("factor_without_hardware") * np.log10(drawn("hardware_decline_factor"))
    mean = decline + drawn("estimator_bias")[:, constant("factor_estimator")] - hardware
    return decline, mean, np.hypot(constant("factor_se"), drawn("factor_noise_oom"))


def _by_estimator(run: Run) -> Formula:
    drawn, constant = _parts(run)
    _, mean, sigma = _factors(run)
    bias, spread = drawn("estimator_bias"), drawn("estimator_spread_oom")
    group = constant("factor_estimator")
    found = _grouped(mean, sigma, group, bias / spread, spread)
    return _strayed(found, "estimator_bias", spread)


def _by_benchmark(run: Run) -> Formula:
    """Benchmarks whose costs are seen in factors only."""
    drawn, constant = _parts(run)
    decline, mean, sigma = _factors(run)
    benchmark = constant("factor_benchmark")
    recorded = run.draws["constant_data"].dataset.get("series_benchmark", ())
    group = np.where(np.isin(benchmark, recorded), -1, benchmark)
    effect, spread = drawn("benchmark_decline_effect"), drawn("decline_benchmark_spread")
    found = _grouped(mean, sigma, group, effect, spread, decline)
    return _strayed(found, "benchmark_decline_effect", spread)


FORMULAS: dict[str, tuple[Callable[[Run], Formula], ...]] = {
    "score_logit": (_points,),
    "score": (_points,),
    "slope_logit_per_oom": (_slopes,),
    "slope_per_oom": (_slopes,),
    "recipe_slope_ln": (_recipe_slopes,),
    "recipe_asymptote_score": (_recipe_asymptotes,),
    "recipe_compute_oom_hours": (_recipe_compute,),
    "progress_oom_per_year": (_progress,),
    "record_oom_usd": (_records,),
    "annual_factor_oom": (_by_estimator, _by_benchmark),
}

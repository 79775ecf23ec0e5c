"""From draws to answers: the equations at every draw, for the factors, tasks and dates asked for.

Costs and multipliers are in OOM. Infinite draws are kept as infinity: a task that does not exist
yet, a threshold not reached within the horizon. What the model has not seen (the benchmark "new",
a task that resembles no benchmark) gets its own effect from its own stream.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import elementwise

from simulator import equations, streams
from simulator.dates import decimal_year
from simulator.quantities import OUTPUTS
from simulator.scenario import Scenario
from simulator.schema import Task
from simulator.streams import SAMPLE


def project(scenario: Scenario, draws: xr.Dataset, seed: int) -> xr.Dataset:
    """All outputs at every draw of `draws` (a posterior or a prior; dims chain, draw).

    Dims: required_rl_multiplier_oom (inference_factor, benchmark, algorithm), task_cost_oom_usd
    (task, date), years_to_threshold (task, threshold), cost_decline_factor_by_age (age).
    """
    outputs = {
        "required_rl_multiplier_oom": _multiplier(scenario, draws, seed),
        "cost_decline_factor_by_age": _factor_by_age(scenario, draws),
    }
    if scenario.tasks:
        declines = {name: _decline(scenario, draws, seed, name) for name in scenario.tasks}
        outputs["task_cost_oom_usd"] = _over_tasks(scenario, declines, _cost_by_date)
        outputs["years_to_threshold"] = _over_tasks(scenario, declines, _years_to_threshold)
    for name, output in outputs.items():
        output.attrs = {"units": OUTPUTS[name].unit, "long_name": OUTPUTS[name].meaning}
    return xr.Dataset({n: o.transpose(*SAMPLE, ...) for n, o in outputs.items()})


def effect(draws: xr.Dataset, seed: int, *name: str) -> xr.DataArray:
    """A standard normal at every draw, for something the model has not seen."""
    shape = draws.sizes["chain"], draws.sizes["draw"]
    return xr.DataArray(streams.normals(seed, *name, shape=shape), dims=SAMPLE)


# --- the multiplier -------------------------------------------------------------------------------


def _multiplier(scenario: Scenario, draws: xr.Dataset, seed: int) -> xr.DataArray:
    factors = scenario.forecast.inference_factors
    factor = xr.DataArray(factors, {"inference_factor": factors}, "inference_factor")
    ratio = _slope_ratios(draws, seed)
    by_recipe = [
        equations.required_rl_multiplier_oom(factor, ratio),
        equations.required_rl_multiplier_oom(
            factor, ratio, draws["algorithm_slope_factor"], draws["algorithm_shift_oom"]
        ),
    ]
    names = xr.DataArray(np.array(["as_published", "today"], dtype="U"), dims="algorithm")
    joined = xr.concat(by_recipe, names.rename("algorithm"))
    return joined.transpose("inference_factor", "benchmark", "algorithm", ...)


def _slope_ratios(draws: xr.Dataset, seed: int) -> xr.DataArray:
    """Slope ratio of each benchmark seen, of a typical one and of a new one."""
    typical = draws["slope_ratio"]
    strays = draws["benchmark_ratio_spread"] * effect(draws, seed, "benchmark", "new")
    ratios = {"typical": typical, "new": typical * np.exp(strays)}
    if "benchmark_slope_ratio" in draws:
        seen = draws["benchmark_slope_ratio"]
        for name in seen["benchmark"].values.tolist():
            ratios[name] = seen.sel(benchmark=name, drop=True)
    names = xr.DataArray(np.array(list(ratios), dtype="U"), dims="benchmark", name="benchmark")
    return xr.concat(ratios.values(), names)


# --- costs ----------------------------------------------------------------------------------------


class Decline(NamedTuple):
    """How the cost of one task falls with its age, at every draw: the arguments of cost_oom."""

    debut: float  # decimal year
    horizon_age: float
    arguments: tuple[Any, ...]

    def cost(self, age: float) -> xr.DataArray:
        """Cost in OOM USD at an age in years from debut on."""
        return equations.cost_oom(age, *self.arguments)


def _decline(scenario: Scenario, draws: xr.Dataset, seed: int, name: str) -> Decline:
    task, forecast = scenario.tasks[name], scenario.forecast
    debut = decimal_year(task.debut)
    priced_age = decimal_year(task.priced or task.debut) - debut
    today_age = max(decimal_year(forecast.today) - debut, 0.0)
    transfer = draws["transfer_exponent"] if task.kind == "real" else 1.0
    waited = max(debut - decimal_year(forecast.today), 0.0)  # rates slow from today, debut or not
    slowed = 0.5 ** (waited / draws["slowdown_half_life_years"])
    rate = draws["decline_rate_at_debut"] * _relative(task, draws, seed, name) * transfer * slowed
    trend = (
        rate.transpose(*SAMPLE),
        draws["decline_ageing_years"],
        draws["decline_remaining_fraction"],
        draws["slowdown_half_life_years"],
    )
    start = np.log10(task.cost_usd) + equations.fallen_oom(priced_age, today_age, *trend)
    today = start - equations.fallen_oom(today_age, today_age, *trend)
    with np.errstate(divide="ignore"):  # a floor of zero is no floor: minus infinity
        floor = today + np.log10(draws["cost_floor_fraction"])
    horizon_age = decimal_year(forecast.horizon) - debut
    return Decline(debut, horizon_age, (start, floor, today_age, *trend))


def _relative(task: Task, draws: xr.Dataset, seed: int, name: str) -> xr.DataArray:
    """Rate of decline of the task over that of a typical series of a typical benchmark."""
    if task.resembles == "typical":
        return xr.ones_like(draws["decline_rate_at_debut"])
    if task.resembles in draws.get("series", ()):
        return draws["series_decline"].sel(series=task.resembles, drop=True)
    series = draws["decline_series_spread"] * effect(draws, seed, "task", name, "series")
    if task.resembles in draws.get("cost_benchmark", ()):
        benchmark = draws["benchmark_decline"].sel(cost_benchmark=task.resembles, drop=True)
        return benchmark * np.exp(series)
    # "new", or a benchmark of which no cost is among the evidence in use
    stray = draws["decline_benchmark_spread"] * effect(draws, seed, "task", name, "benchmark")
    return np.exp(stray + series)


def _over_tasks(
    scenario: Scenario, declines: dict[str, Decline], one: Callable[..., xr.DataArray]
) -> xr.DataArray:
    names = xr.DataArray(np.array(list(declines), dtype="U"), dims="task", name="task")
    return xr.concat([one(scenario, decline) for decline in declines.values()], names)


def _cost_by_date(scenario: Scenario, decline: Decline) -> xr.DataArray:
    dates = scenario.forecast.dates
    ages = [decimal_year(date) - decline.debut for date in dates]
    never = xr.full_like(decline.arguments[0], np.inf)
    costs = [decline.cost(age) if age >= 0 else never for age in ages]
    labels = np.array(dates, dtype="datetime64[ns]")
    return xr.concat(costs, xr.DataArray(labels, dims="date", name="date"))


def _years_to_threshold(scenario: Scenario, decline: Decline) -> xr.DataArray:
    thresholds = scenario.forecast.thresholds_usd
    names = xr.DataArray(thresholds, dims="threshold", name="threshold", attrs={"units": "USD"})
    return xr.concat([_first_age(decline, np.log10(usd)) for usd in thresholds], names)


def _first_age(decline: Decline, threshold: float) -> xr.DataArray:
    """Age at which the cost first is at the threshold or below; infinite past the horizon."""
    start, floor, *fall = [np.asarray(argument) for argument in decline.arguments]

    # On its floor a cost stands still, and no root is the first: solve for the fall without it.
    def above(age: np.ndarray, start: np.ndarray, *fall: np.ndarray) -> np.ndarray:
        return equations.cost_oom(age, start, -np.inf, *fall) - threshold

    ends = np.zeros(()), np.asarray(decline.horizon_age)
    at_debut, at_horizon = (above(end, start, *fall) for end in ends)
    root = elementwise.find_root(above, ends, args=(start, *fall)).x
    never = (at_horizon > 0) | (floor > threshold + 1e-12)  # a floor in round figures may equal it
    years = np.where(at_debut <= 0, 0.0, np.where(never, np.inf, root))
    return xr.DataArray(years, dims=SAMPLE)


def _factor_by_age(scenario: Scenario, draws: xr.Dataset) -> xr.DataArray:
    ages = scenario.forecast.ages_years
    age = xr.DataArray(ages, {"age": ages}, "age")
    age.attrs["units"] = "years"
    shape = draws["decline_ageing_years"], draws["decline_remaining_fraction"]
    share = equations.rate_share(age, *shape)
    return (10 ** (draws["decline_rate_at_debut"] * share)).transpose("age", ...)

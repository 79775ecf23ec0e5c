"""RL once or inference at every use: when one is cheaper, and how long the burden lasts."""

import math

import numpy as np
import xarray as xr

from simulator import equations
from simulator.dates import decimal_year
from simulator.forecast import costs
from simulator.forecast.effects import per_date
from simulator.scenario import Scenario
from simulator.schema import Task

USE = "one use, of the burden"  # names its stream


def burden(
    scenario: Scenario, draws: xr.Dataset, seed: int, multiplier: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Break-even uses by factor, algorithm and date, and persistence by factor.

    With the spends of the scenario; `multiplier` is today's, of one benchmark.
    """
    forecast = scenario.forecast
    way = costs.path(scenario, draws, seed, USE, use(scenario))
    spend, price = forecast.rl_spend_usd, forecast.cost_per_use_usd
    uses = break_even(scenario, draws, multiplier, way, spend, price)
    lasts = [way.first_age(-math.log10(k)) for k in forecast.inference_factors]
    return {
        "break_even_uses_oom": uses,
        "persistence_years": xr.concat(lasts, multiplier["inference_factor"]),
    }


def use(scenario: Scenario) -> Task:
    """One use of what is new today: a real task unlike any benchmark seen."""
    return Task(cost_usd=1.0, debut=scenario.forecast.today, resembles="new")


def break_even(
    scenario: Scenario,
    draws: xr.Dataset,
    multiplier: xr.DataArray,
    way: costs.Path,
    rl_spend_usd: float,
    cost_per_use_usd: float,
) -> xr.DataArray:
    """Uses, in OOM, at which M times an RL spend costs what k times the inference costs more.

    By date of the choice: until then RL algorithms go on saving compute and chips get cheaper,
    which makes RL cheaper, and a use gets cheaper, which makes inference cheaper. `multiplier` is
    M today in OOM by inference_factor and algorithm.
    """
    forecast = scenario.forecast
    dates = [forecast.today, *forecast.dates]
    so_far = decimal_year(forecast.today) - decimal_year(forecast.algorithm_baseline)
    saving = draws["algorithm_shift_oom"] / so_far
    is_today = xr.where(multiplier["algorithm"] == "today", 1.0, 0.0)
    hardware = np.log10(draws["hardware_decline_factor"])
    with np.errstate(divide="ignore"):  # a factor of one costs nothing at any use
        extra = np.log10(multiplier["inference_factor"] - 1.0)
    uses = []
    for ahead in costs.ahead_years(scenario, dates):
        years = equations.slowed_years(ahead, draws["slowdown_half_life_years"])
        rl = multiplier - years * (is_today * saving + hardware) + math.log10(rl_spend_usd)
        uses.append(rl - extra - way.cost(ahead) - math.log10(cost_per_use_usd))
    return per_date("decision_date", dates, uses)

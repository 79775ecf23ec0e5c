"""What tasks will cost: by date, until a threshold, and what the decline is made of."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import newton

from simulator import equations
from simulator.dates import decimal_year
from simulator.forecast.effects import effect, per_date, side_by_side
from simulator.scenario import Scenario
from simulator.schema import Task
from simulator.streams import SAMPLE

SHAPE = "decline_ageing_years", "decline_remaining_fraction", "slowdown_half_life_years"
ROUNDING = 1e-14  # of a fall, which a float does not tell from none
TINY = 1e-300  # OOM per year, so that a rate that has ended is not divided by
STEPS = 100  # of Newton's to an age: where the fall all but ends each goes a time constant further


class Decline(NamedTuple):
    """How the cost of one task is expected to fall, at every draw. Ages are years from debut."""

    debut: float  # decimal year
    priced_age: float
    today_age: float
    horizon_age: float
    cost_oom_usd: float  # at `priced_age`
    floor_oom: xr.DataArray  # lowest cost over that of today
    arguments: tuple[Any, ...]  # the further ones of equations.fallen_oom, rate first

    def expected(self, age: float) -> xr.DataArray:
        """Expected fall in OOM from debut to an age."""
        # As plain arrays: labels of a dozen small terms would take longer than the terms.
        fallen = equations.fallen_oom(age, self.today_age, *map(np.asarray, self.arguments))
        return xr.DataArray(fallen, dims=SAMPLE)

    def age_of(self, fallen: xr.DataArray) -> xr.DataArray:
        """The age up to the horizon by which the expected fall is so large; infinite if none is."""
        numbers = np.broadcast_arrays(fallen, *self.arguments)
        fallen, *arguments = numbers
        total = equations.fallen_oom(self.horizon_age, self.today_age, *arguments)
        there = fallen <= total * (1 + ROUNDING)  # one that has ended may fall short by a last bit
        years = np.where(fallen <= 0, 0.0, np.inf)
        if (between := there & (fallen > 0)).any():
            years[between] = self._reaching(*(each[between] for each in numbers))
        return xr.DataArray(years, dims=SAMPLE)

    def _reaching(self, fallen: np.ndarray, *arguments: np.ndarray) -> np.ndarray:
        # The fall slows with age, so that no step of Newton's from debut goes past the root, but
        # for rounding where it has all but ended.
        def excess(age: np.ndarray) -> np.ndarray:
            more = equations.fallen_oom(age, self.today_age, *arguments) - fallen
            return np.where(abs(more) < ROUNDING * fallen, 0.0, more)

        def rate(age: np.ndarray) -> np.ndarray:
            return equations.falling_oom(age, self.today_age, *arguments) + TINY

        found = newton(excess, np.zeros(fallen.shape), rate, maxiter=STEPS)
        return np.minimum(found, self.horizon_age)


class Trend:
    """A cost that falls as expected, smoothly."""

    def __init__(self, decline: Decline):
        self.decline = decline
        self.start = decline.cost_oom_usd + decline.expected(decline.priced_age)
        self.floor = self.start - decline.expected(decline.today_age) + decline.floor_oom

    def cost(self, age: float) -> xr.DataArray:
        """Cost in OOM USD at an age in years from debut on."""
        decline = self.decline
        return equations.cost_oom(
            age, self.start, self.floor, decline.today_age, *decline.arguments
        )

    def first_age(self, threshold: float) -> xr.DataArray:
        """Age at which the cost first is at the threshold (OOM USD) or below; may be infinite."""
        # A floor in round figures may equal the threshold, but for the last bit.
        reached = self.decline.age_of(self.start - threshold)
        return reached.where((self.floor <= threshold + 1e-12) | (self.start <= threshold), np.inf)


type Path = Any  # a Trend, or what simulator.forecast.staircase has in its place


def path(
    scenario: Scenario,
    draws: xr.Dataset,
    seed: int,
    name: str,
    task: Task,
    records: list | None = None,
) -> Path:
    """The way down of a task's cost, in the scenario's structure.

    `records` are those of a staircase where they were drawn before.
    """
    decline = _decline(scenario, draws, seed, name, task)
    if scenario.structure.cost == "trend":
        return Trend(decline)
    from simulator.forecast.staircase import Staircase

    drop = draws["record_drop_oom"] * _transfer(task, draws)
    return Staircase(decline, drop, seed, name, records)


def _decline(scenario: Scenario, draws: xr.Dataset, seed: int, name: str, task: Task) -> Decline:
    today, debut = decimal_year(scenario.forecast.today), decimal_year(task.debut)
    waited = max(debut - today, 0.0)  # rates slow from today, debut or not
    slowed = 0.5 ** (waited / draws["slowdown_half_life_years"])
    own = _relative(task, draws, seed, name) * _transfer(task, draws)
    rate = (draws["decline_rate_at_debut"] * own * slowed).transpose(*SAMPLE)
    with np.errstate(divide="ignore"):  # a floor of zero is no floor: minus infinity
        floor = np.log10(draws["cost_floor_fraction"])
    return Decline(
        debut=debut,
        priced_age=decimal_year(task.priced or task.debut) - debut,
        today_age=max(today - debut, 0.0),
        horizon_age=decimal_year(scenario.forecast.horizon) - debut,
        cost_oom_usd=float(np.log10(task.cost_usd)),
        floor_oom=floor,
        arguments=_arguments(rate, draws),
    )


def _arguments(rate: xr.DataArray, draws: xr.Dataset) -> tuple[xr.DataArray, ...]:
    return (rate, *(draws[quantity] for quantity in SHAPE))


def _transfer(task: Task, draws: xr.Dataset) -> xr.DataArray | float:
    """Share of a benchmark's decline that this task sees."""
    return draws["transfer_exponent"] if task.kind == "real" else 1.0


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


def tasks(scenario: Scenario, draws: xr.Dataset, seed: int) -> dict[str, xr.DataArray]:
    """Cost by task and date, and years from debut to each threshold."""
    forecast = scenario.forecast
    costs, years = {}, {}
    for name, task in scenario.tasks.items():
        way = path(scenario, draws, seed, name, task)
        ages = [decimal_year(date) - way.decline.debut for date in forecast.dates]
        never = xr.full_like(draws["decline_rate_at_debut"], np.inf)
        by_date = [way.cost(age) if age >= 0 else never for age in ages]
        costs[name] = per_date("date", forecast.dates, by_date)
        usd = xr.DataArray(forecast.thresholds_usd, dims="threshold", name="threshold")
        usd.attrs["units"] = "USD"
        firsts = [way.first_age(float(np.log10(x))) for x in forecast.thresholds_usd]
        years[name] = xr.concat(firsts, usd)
    return {
        "task_cost_oom_usd": side_by_side("task", costs),
        "years_to_threshold": side_by_side("task", years),
    }


def factor_by_age(scenario: Scenario, draws: xr.Dataset) -> xr.DataArray:
    """Fall per year at an age, typical benchmark, as if rates never slowed."""
    ages = scenario.forecast.ages_years
    age = xr.DataArray(ages, {"age": ages}, "age")
    age.attrs["units"] = "years"
    share = equations.rate_share(
        age, draws["decline_ageing_years"], draws["decline_remaining_fraction"]
    )
    return 10 ** (draws["decline_rate_at_debut"] * share)


def ahead_years(scenario: Scenario, dates: list) -> list[float]:
    """Years from today to each date; none is negative."""
    today = decimal_year(scenario.forecast.today)
    return [max(decimal_year(date) - today, 0.0) for date in dates]


def split(scenario: Scenario, draws: xr.Dataset) -> xr.DataArray:
    """Fall per year by date of what is new today: hardware, competition, and all else.

    What remains of the total is algorithms: smaller models and fewer tokens for the same score.
    The parts multiply to the total, and slow with it.
    """
    dates = scenario.forecast.dates
    arguments = _arguments(draws["decline_rate_at_debut"], draws)
    parts = []
    for ahead in ahead_years(scenario, dates):
        slowed = 0.5 ** (ahead / draws["slowdown_half_life_years"])
        total = equations.falling_oom(ahead, 0.0, *arguments)
        hardware = np.log10(draws["hardware_decline_factor"]) * slowed
        competition = np.log10(draws["competition_decline_factor"]) * slowed
        rest = total - hardware - competition
        named = {"total": total, "hardware": hardware, "competition": competition}
        parts.append(10 ** side_by_side("component", named | {"algorithms": rest}))
    return per_date("date", dates, parts)


def newest_price(scenario: Scenario, draws: xr.Dataset) -> xr.DataArray:
    """Price of the newest capability by date, in OOM over that of today's newest."""
    dates = scenario.forecast.dates
    rise = np.log10(draws["newest_price_factor"])
    half = draws["newest_half_life_years"]
    ahead = ahead_years(scenario, dates)
    return per_date("date", dates, [rise * equations.slowed_years(x, half) for x in ahead])

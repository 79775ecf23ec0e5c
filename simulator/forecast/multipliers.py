"""The RL compute that buys what more inference buys, by link, benchmark and recipe."""

import numpy as np
import xarray as xr

from simulator import equations
from simulator.forecast.effects import effect, side_by_side
from simulator.scenario import Scenario

ALGORITHMS = ("as_published", "today")
MIDDLE = 0.5  # of a curve not seen: the score from which its ends are measured


def multiplier(scenario: Scenario, draws: xr.Dataset, seed: int) -> xr.DataArray:
    """In OOM, by inference_factor, benchmark and algorithm."""
    factors = scenario.forecast.inference_factors
    factor = xr.DataArray(factors, {"inference_factor": factors}, "inference_factor")
    if scenario.structure.response == "saturating":
        by_benchmark = {
            name: _saturating(factor, systems(draws, seed, name), draws, scenario)
            for name in benchmarks(draws)
        }
        return side_by_side("benchmark", by_benchmark)
    ratio = side_by_side(
        "benchmark", {name: slope_ratio(draws, seed, name) for name in benchmarks(draws)}
    )
    return side_by_side(
        "algorithm",
        {
            algorithm: equations.required_rl_multiplier_oom(factor, ratio, *gain)
            for algorithm, gain in gains(draws).items()
        },
    )


def gains(draws: xr.Dataset) -> dict[str, tuple]:
    """Slope factor and compute saved, by algorithm."""
    today = draws["algorithm_slope_factor"], draws["algorithm_shift_oom"]
    return dict(zip(ALGORITHMS, ((1.0, 0.0), today), strict=True))


def benchmarks(draws: xr.Dataset) -> list[str]:
    """A typical benchmark, a new one, and those that were seen."""
    seen = draws["benchmark"].values.tolist() if "benchmark_slope_ratio" in draws else []
    return ["typical", "new", *seen]


def slope_ratio(draws: xr.Dataset, seed: int, benchmark: str) -> xr.DataArray:
    """RL slope over inference slope."""
    if benchmark == "typical":
        return draws["slope_ratio"]
    if benchmark == "new":
        strays = draws["benchmark_ratio_spread"] * effect(draws, seed, "benchmark", "new")
        return draws["slope_ratio"] * np.exp(strays)
    return draws["benchmark_slope_ratio"].sel(benchmark=benchmark, drop=True)


def inference_slope(draws: xr.Dataset, seed: int, benchmark: str) -> xr.DataArray:
    """Points per OOM where steepest, of a typical system."""
    if benchmark == "typical":
        return draws["inference_slope"]
    if benchmark == "new":
        stray = effect(draws, seed, "benchmark", "new", "inference slope")
        return draws["inference_slope"] * np.exp(draws["benchmark_slope_spread"] * stray)
    return np.exp(draws["benchmark_slope_ln"].sel(benchmark=benchmark, drop=True))


def systems(draws: xr.Dataset, seed: int, benchmark: str) -> xr.Dataset:
    """Slopes of a system on a benchmark, and under `saturating` its start and two asymptotes.

    The typical benchmark has the typical ends; elsewhere a system not seen has ends of its own.
    Both kinds of compute start from the same base model.
    """
    slope = inference_slope(draws, seed, benchmark)
    found = xr.Dataset(
        {"inference_slope": slope, "rl_slope": slope * slope_ratio(draws, seed, benchmark)}
    )
    if "asymptote_share" not in draws:
        return found

    def own(name: str, spread: str, what: str) -> xr.DataArray:
        stray = 0.0 if benchmark == "typical" else effect(draws, seed, "benchmark", benchmark, what)
        return equations.logistic(equations.logit(draws[name]) + draws[spread] * stray)

    for kind in ("inference", "rl"):
        share = own("asymptote_share", "asymptote_spread", f"{kind} asymptote")
        found[f"{kind}_asymptote"] = MIDDLE + (1 - MIDDLE) * share
    found["start"] = MIDDLE * own("start_fraction", "start_spread", "start")
    return found


def _saturating(
    factor: xr.DataArray, system: xr.Dataset, draws: xr.Dataset, scenario: Scenario
) -> xr.DataArray:
    """The jump of which this inference factor is capable, from a stated share of its curve up."""
    start, top = system["start"], system["inference_asymptote"]
    below = start + scenario.forecast.from_score * (top - start)
    slope = system["inference_slope"]
    above = equations.saturating_score(np.log10(factor), below, slope, start, top)
    return rl_jump(below, above, system, draws)


def rl_jump(
    below: xr.DataArray | float, above: xr.DataArray | float, system: xr.Dataset, draws: xr.Dataset
) -> xr.DataArray:
    """RL compute, in OOM, from one score to another under saturating curves, by algorithm.

    Today's recipes end higher: by the gain in log odds above the score where the jump starts.
    """
    out = {}
    for algorithm, (slope_factor, shift) in gains(draws).items():
        top = system["rl_asymptote"]
        if algorithm == "today":
            top = equations.raised(top, below, draws["algorithm_ceiling_gain"])
        slope = system["rl_slope"] * slope_factor
        jump = equations.saturating_jump_oom(below, above, slope, system["start"], top)
        out[algorithm] = jump - shift
    return side_by_side("algorithm", out)

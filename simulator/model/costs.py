"""The decline of the cost of a fixed capability: published factors, and records of one structure.

The expected decline is the same under both: a rate that ages from its debut, by benchmark and
series. `trend` scatters records around it; `staircase` has them come at random and fall at random.
"""

import pymc as pm
import pytensor.tensor as pt

from simulator import equations
from simulator.model.curves import TAILS
from simulator.model.strays import around, stray


def costs(belief: dict, data: dict, cost: str) -> None:
    """The rate of decline, conditioned on records and factors where there are any."""
    shape = belief["decline_ageing_years"], belief["decline_remaining_fraction"]
    first_year = pm.Deterministic(
        "cost_decline_oom_per_year", pt.log10(belief["cost_decline_factor"])
    )
    rate = pm.Deterministic("decline_rate_at_debut", equations.rate_at_debut(first_year, *shape))
    if not {"series_benchmark", "factor_benchmark"} & data.keys():
        return
    relative = _benchmarks(belief)
    if "series_benchmark" in data:
        series = _series(belief, data, relative)
        if cost == "trend":
            _trend(belief, data, rate * series, shape)
        else:
            from simulator.model.staircase import staircase

            staircase(belief, data, rate * series, shape)
    if "factor_benchmark" in data:
        _factors(belief, data, rate * relative, shape)


def _benchmarks(belief: dict) -> pt.TensorVariable:
    """Rate of decline of every benchmark over that of a typical one."""
    dims = "cost_benchmark"
    own = stray("benchmark_decline_effect", belief["decline_benchmark_spread"], dims)
    return pm.Deterministic("benchmark_decline", pt.exp(own), dims=dims)


def _series(belief: dict, data: dict, relative: pt.TensorVariable) -> pt.TensorVariable:
    """Rate of decline of every series over that of a typical one."""
    own = stray("series_decline_effect", belief["decline_series_spread"], "series")
    series = relative[data["series_benchmark"]] * pt.exp(own)
    return pm.Deterministic("series_decline", series, dims="series")


def _trend(belief: dict, data: dict, rate: pt.TensorVariable, shape: tuple) -> None:
    """Records scatter around the trend of their series, each in the middle of its reign."""
    level = 2 * pm.Normal("series_level_z", dims="series") - 1
    pm.Deterministic("series_level", level, dims="series")
    start = level + rate * equations.ageing(data["series_middle_age"], *shape)
    series = data["record_series"]
    pm.StudentT(
        "record_oom_usd",
        nu=TAILS,
        mu=start[series] - rate[series] * equations.ageing(data["record_age"], *shape),
        sigma=belief["record_noise_oom"],
        observed=data["record_oom_usd"],
        dims="record",
    )


def _factors(belief: dict, data: dict, rates: pt.TensorVariable, shape: tuple) -> None:
    """Published annual factors: the decline over the ages they cover, plus the estimator's bias."""
    bias = around("estimator_bias", 0.0, belief["estimator_spread_oom"], "estimator")
    pm.Deterministic("estimator_bias", bias, dims="estimator")
    start, end = data["factor_age_from"], data["factor_age_to"]
    fallen = equations.ageing(end, *shape) - equations.ageing(start, *shape)
    hardware = data["factor_without_hardware"] * pt.log10(belief["hardware_decline_factor"])
    pm.Normal(
        "annual_factor_oom",
        rates[data["factor_benchmark"]] * fallen / (end - start)
        + bias[data["factor_estimator"]]
        - hardware,
        pt.sqrt(data["factor_se"] ** 2 + belief["factor_noise_oom"] ** 2),
        observed=data["annual_factor_oom"],
        dims="factor",
    )

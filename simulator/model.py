"""One joint PyMC model of response curves, recipes and costs, from a scenario and its observations.

Every free variable is a normal: a belief `<name>` is a deterministic of the standard normal
`<name>_z`; effects are standard normals times their spread where data are few, and centred on
their mean where each is well measured. What varies between scenarios (beliefs' parameters,
observations) is data of the model, so that scenarios of one shape share one compiled density.
Sums are written out, not as matrix products, which take longer to compile than all the rest.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from simulator import equations
from simulator.beliefs import cholesky
from simulator.dates import decimal_year
from simulator.observations import BASELINE_ERROR, Observations
from simulator.prior import value
from simulator.quantities import SLOPES
from simulator.scenario import Scenario

TAILS = 4  # degrees of freedom: one stray point or record must not move a curve


def build(scenario: Scenario, observations: Observations) -> pm.Model:
    """The model of a scenario, conditioned on the observations (none: the prior alone)."""
    with pm.Model(coords=dict(observations.coords)) as model:
        data = {
            name: pm.Data(name, array, dims=dim)
            for name, (dim, array) in observations.constant.items()
        }
        data |= {
            name: pm.Data(f"observed_{name}", array, dims=dim)
            for name, (dim, array) in observations.observed.items()
        }
        belief = _beliefs(scenario)
        if observations.of("curve"):
            _responses(belief, data, observations)
        if "exchange_ratio_ln" in data:
            _exchange(belief, data)
        years = _progress_years(scenario)
        if "recipe_slope_factor_ln" in data:
            _recipes(belief, data, years)
        if "progress_oom_per_year" in data:
            _progress(belief, data, years)
        _costs(belief, data, observations)
    return model


def _progress_years(scenario: Scenario) -> pt.TensorVariable:
    forecast = scenario.forecast
    span = decimal_year(forecast.today) - decimal_year(forecast.algorithm_baseline)
    return pm.Data("progress_years", np.float64(span))


def _beliefs(scenario: Scenario) -> dict[str, pt.TensorVariable]:
    stated = list(scenario.beliefs.values())
    location = pm.Data("belief_location", np.array([b.location for b in stated]))
    scale = pm.Data("belief_scale", np.array([b.scale for b in stated]))
    z = {b.name: pm.Normal(f"{b.name}_z") for b in stated}
    z |= _correlated(scenario, z)
    belief = {
        b.name: value(b.family, location[i], scale[i], z[b.name], pm.math)
        for i, b in enumerate(stated)
    }
    belief |= _third_slope(belief)
    for name, variable in belief.items():
        pm.Deterministic(name, variable)
    return belief


def _correlated(scenario: Scenario, z: dict) -> dict:
    """Correlated normals from independent ones, by the lower triangle of their correlation."""
    weights = cholesky(scenario.correlations)
    if not weights:
        return {}
    flat = [w for row in weights.values() for w in row.values()]
    weight = pm.Data("belief_weight", np.array(flat))
    place = iter(range(len(flat)))
    return {name: sum(weight[next(place)] * z[k] for k in row) for name, row in weights.items()}


def _third_slope(belief: dict) -> dict:
    missing = next(name for name in SLOPES if name not in belief)
    if missing == "slope_ratio":
        return {missing: belief["rl_slope"] / belief["inference_slope"]}
    if missing == "rl_slope":
        return {missing: belief["slope_ratio"] * belief["inference_slope"]}
    return {missing: belief["rl_slope"] / belief["slope_ratio"]}


def _responses(belief: dict, data: dict, observations: Observations) -> None:
    benchmark, system = data["curve_benchmark"], data["curve_system"]
    typical = pt.log(belief["inference_slope"] / equations.POINTS_PER_LOGIT)
    slope_ln = pm.Normal(
        "benchmark_slope_ln", typical, belief["benchmark_slope_spread"], dims="benchmark"
    )
    ratio_effect = pm.Normal("benchmark_ratio_effect", dims="benchmark")
    system_effect = pm.Normal("system_effect", dims="system")
    ratio_ln = pt.log(belief["slope_ratio"]) + belief["benchmark_ratio_spread"] * ratio_effect
    pm.Deterministic("benchmark_slope_ratio", pt.exp(ratio_ln), dims="benchmark")
    today_ln = pt.log(belief["algorithm_slope_factor"])  # a curve of today's recipes has it already
    slope = pt.exp(
        equations.log_slope(
            slope_ln[benchmark],
            data["curve_is_rl"] * ratio_ln[benchmark] + data["curve_is_today"] * today_ln,
            (belief["system_slope_spread"] * system_effect)[system],
        )
    )
    pm.Deterministic("curve_slope", slope, dims="curve")
    drawn = observations.of("drawn_curve")
    if drawn:
        level = 1.5 * pm.Normal("curve_level_z", dims="drawn_curve")
        pm.Deterministic("curve_level", level, dims="drawn_curve")
        noise_effect = pm.Normal("curve_noise_effect", dims="drawn_curve")
        noise = belief["curve_noise"] * pt.exp(belief["curve_noise_spread"] * noise_effect)
        curve = data["point_curve"]
        pm.StudentT(
            "score_logit",
            nu=TAILS,
            mu=level[curve] + slope[:drawn][curve] * data["point_compute_oom"],
            sigma=noise[curve],
            observed=data["score_logit"],
            dims="point",
        )
    if observations.of("slope"):
        pm.Normal(
            "slope_logit_per_oom",
            slope[drawn:],
            data["slope_se"],
            observed=data["slope_logit_per_oom"],
            dims="slope",
        )


def _exchange(belief: dict, data: dict) -> None:
    """Trades of pre-training for inference; they stray like a benchmark's own ratio."""
    ratio_ln = pt.log(belief["slope_ratio"]) + pt.log(belief["pretraining_slope_factor"])
    error = pt.sqrt(data["exchange_se"] ** 2 + belief["benchmark_ratio_spread"] ** 2)
    pm.Normal(
        "exchange_ratio_ln", ratio_ln, error, observed=data["exchange_ratio_ln"], dims="exchange"
    )


def _recipes(belief: dict, data: dict, years: pt.TensorVariable) -> None:
    family = pm.Normal("family_slope_effect", 0, belief["recipe_slope_spread"], dims="family")
    baseline_effect = pm.Normal("baseline_slope_effect")  # its seed noise is in every ratio
    factor_ln = pt.log(belief["algorithm_slope_factor"]) + BASELINE_ERROR * baseline_effect
    pm.Normal(
        "recipe_slope_factor_ln",
        factor_ln + family[data["recipe_family"]],
        belief["recipe_variant_spread"],
        observed=data["recipe_slope_factor_ln"],
        dims="recipe",
    )
    pm.Normal(
        "recipe_shift_oom",
        belief["algorithm_shift_oom"] / years * data["recipe_years"],
        belief["recipe_shift_spread"],
        observed=data["recipe_shift_oom"],
        dims="shifted_recipe",
    )


def _progress(belief: dict, data: dict, years: pt.TensorVariable) -> None:
    """Published rates: of hardware as they are, of algorithms with the gap between their subject
    (language models at large) and ours (RL), one gap for all studies."""
    gap = belief["progress_transfer_spread"] * pm.Normal("progress_gap_effect")
    algorithm = belief["algorithm_shift_oom"] / years + gap
    hardware = pt.log10(belief["hardware_decline_factor"])
    is_hardware = data["rate_is_hardware"]
    pm.Normal(
        "progress_oom_per_year",
        is_hardware * hardware + (1 - is_hardware) * algorithm,
        pt.sqrt(data["rate_se"] ** 2 + belief["progress_rate_spread"] ** 2),
        observed=data["progress_oom_per_year"],
        dims="rate",
    )


def _costs(belief: dict, data: dict, observations: Observations) -> None:
    shape = belief["decline_ageing_years"], belief["decline_remaining_fraction"]
    first_year = pm.Deterministic(
        "cost_decline_oom_per_year", pt.log10(belief["cost_decline_factor"])
    )
    rate = pm.Deterministic("decline_rate_at_debut", equations.rate_at_debut(first_year, *shape))
    if not observations.of("cost_benchmark"):
        return
    effect = pm.Normal("benchmark_decline_effect", dims="cost_benchmark")
    relative = pt.exp(belief["decline_benchmark_spread"] * effect)
    pm.Deterministic("benchmark_decline", relative, dims="cost_benchmark")
    rates = rate * relative
    if observations.of("series"):
        _records(belief, data, rates, relative, shape)
    if observations.of("factor"):
        _factors(belief, data, rates, shape)


def _records(
    belief: dict,
    data: dict,
    rates: pt.TensorVariable,
    relative: pt.TensorVariable,
    shape: tuple,
) -> None:
    """Records scatter around the trend of their series, each in the middle of its reign."""
    level = 2 * pm.Normal("series_level_z", dims="series") - 1
    pm.Deterministic("series_level", level, dims="series")
    effect = pm.Normal("series_decline_effect", dims="series")
    own = pt.exp(belief["decline_series_spread"] * effect)
    benchmark = data["series_benchmark"]
    pm.Deterministic("series_decline", relative[benchmark] * own, dims="series")
    rate = rates[benchmark] * own
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
    bias = pm.Normal("estimator_bias", 0, belief["estimator_spread_oom"], dims="estimator")
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

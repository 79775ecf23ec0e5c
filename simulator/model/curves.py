"""Response curves under three links, and trades of pre-training for inference.

Slopes are in points per OOM where a curve is steepest, so that one belief serves every link.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from simulator import equations
from simulator.model.strays import around, stray
from simulator.observations import Observations

SLOPE_LN = np.log(25.0)  # points per OOM: of a slope like many
# Degrees of freedom: one stray point or record must not move a curve. Not a whole number's type, of
# which PyMC has the constants in single precision.
TAILS = np.float64(4)
SCORE_PER_LOGIT = equations.POINTS_PER_LOGIT / 100


def responses(belief: dict, data: dict, observations: Observations, response: str) -> None:
    """Slopes of all curves, the points of those that were drawn, the published slopes of others."""
    slope = _slopes(belief, data)
    drawn = observations.of("drawn_curve")
    if drawn:
        _points(belief, data, slope[:drawn], response)
    if observations.of("slope"):
        name = "slope_per_oom" if response == "linear" else "slope_logit_per_oom"
        unit = 100 if response == "linear" else equations.POINTS_PER_LOGIT
        mean = slope[drawn:] / unit
        pm.Normal(name, mean, data["slope_se"], observed=data[name], dims="slope")


def _slopes(belief: dict, data: dict) -> pt.TensorVariable:
    benchmark, system = data["curve_benchmark"], data["curve_system"]
    name, spread = "benchmark_slope_ln", belief["benchmark_slope_spread"]
    mean, known = pt.log(belief["inference_slope"]), equations.WELL_KNOWN
    slope_ln = around(name, mean, spread, "benchmark", known, typical=SLOPE_LN)
    pm.Deterministic(name, slope_ln, dims="benchmark")
    own = stray("benchmark_ratio_effect", belief["benchmark_ratio_spread"], "benchmark")
    ratio_ln = pt.log(belief["slope_ratio"]) + own
    pm.Deterministic("benchmark_slope_ratio", pt.exp(ratio_ln), dims="benchmark")
    today_ln = pt.log(belief["algorithm_slope_factor"])  # a curve of today's recipes has it already
    rl = data["curve_is_rl"] * ratio_ln[benchmark] + data["curve_is_today"] * today_ln
    # Sampled is the slope of the curve that a system is known by, which is well measured; were it
    # that of its inference, ratio and gain would make a narrow ridge with it.
    at = data["system_benchmark"]
    seen_rl = data["system_is_rl"] * ratio_ln[at] + data["system_is_today"] * today_ln
    name, spread = "system_slope_ln", belief["system_slope_spread"]
    seen = around(name, slope_ln[at] + seen_rl, spread, "system", typical=SLOPE_LN)
    system_slope_ln = pm.Deterministic(name, seen - seen_rl, dims="system")
    slope = pt.exp(system_slope_ln[system] + rl)
    return pm.Deterministic("curve_slope", slope, dims="curve")


def _points(belief: dict, data: dict, slope: pt.TensorVariable, response: str) -> None:
    """Points scatter around their curve: in log odds, or in score by as much at mid-scale."""
    curve, compute = data["point_curve"], data["point_compute_oom"]
    known = equations.WELL_KNOWN
    sd = np.float64(equations.LEVEL_SD / known)  # a plain 30.0 would be of single precision
    level_logit = known * pm.Normal("curve_level_z", 0, sd, dims="drawn_curve")
    level = pm.Deterministic("curve_level", pt.sigmoid(level_logit), dims="drawn_curve")
    effect = pm.Normal("curve_noise_effect", dims="drawn_curve")
    noise = belief["curve_noise"] * pt.exp(belief["curve_noise_spread"] * effect)
    if response == "logit":
        name = "score_logit"
        mean = level_logit[curve] + (slope / equations.POINTS_PER_LOGIT)[curve] * compute
    else:
        name, noise = "score", SCORE_PER_LOGIT * noise
        if response == "linear":
            mean = level[curve] + (slope / 100)[curve] * compute
        else:
            mean = _saturating(belief, slope, level, curve, compute)
    pm.StudentT(name, nu=TAILS, mu=mean, sigma=noise[curve], observed=data[name], dims="point")


def _saturating(
    belief: dict,
    slope: pt.TensorVariable,
    level: pt.TensorVariable,
    curve: pt.TensorVariable,
    compute: pt.TensorVariable,
) -> pt.TensorVariable:
    """A logistic curve between a start and an asymptote of its own.

    Both ends are measured from the score in the middle, which is well known whatever they may be
    and always lies between them.
    """
    asymptote = level + (1 - level) * _own(belief, "asymptote_share", "asymptote_spread")
    start = level * _own(belief, "start_fraction", "start_spread")
    pm.Deterministic("curve_asymptote", asymptote, dims="drawn_curve")
    pm.Deterministic("curve_start", start, dims="drawn_curve")
    height = asymptote - start
    way = (level - start) / height
    steepness = equations.saturating_steepness(slope, start, asymptote)
    share = pt.sigmoid(_log_odds(way)[curve] + steepness[curve] * compute)
    return start[curve] + height[curve] * share


def _own(belief: dict, name: str, spread: str) -> pt.TensorVariable:
    """A fraction of each drawn curve, around that of a typical one in log odds."""
    effect = pm.Normal(f"curve_{name}_effect", dims="drawn_curve")
    return pt.sigmoid(_log_odds(belief[name]) + belief[spread] * effect)


def _log_odds(share: pt.TensorVariable) -> pt.TensorVariable:
    return pt.log(share) - pt.log1p(-share)


def exchange(belief: dict, data: dict) -> None:
    """Trades of pre-training for inference; they stray like a benchmark's own ratio."""
    ratio_ln = pt.log(belief["slope_ratio"]) + pt.log(belief["pretraining_slope_factor"])
    error = pt.sqrt(data["exchange_se"] ** 2 + belief["benchmark_ratio_spread"] ** 2)
    pm.Normal(
        "exchange_ratio_ln", ratio_ln, error, observed=data["exchange_ratio_ln"], dims="exchange"
    )

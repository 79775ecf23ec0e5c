"""One joint PyMC model of response curves, recipes and costs, from a scenario and its observations.

A belief `<name>` is a deterministic of a standard normal `<name>_z`; what strays from a mean by a
spread that is unknown as well is sampled as strays.py says. What varies between scenarios (beliefs'
parameters, observations) is data of the model, so that scenarios of one shape share one compiled
density. Sums are written out, not as matrix products, which take longer to compile than all the
rest.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from simulator.beliefs import cholesky
from simulator.dates import decimal_year
from simulator.model import costs, curves, recipes
from simulator.observations import Observations
from simulator.prior import value
from simulator.quantities import SLOPES
from simulator.scenario import Scenario


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
        if "curve_benchmark" in data:
            curves.responses(belief, data, observations, scenario.structure.response)
        if "exchange_ratio_ln" in data:
            curves.exchange(belief, data)
        years = _progress_years(scenario)
        if "recipe_slope_ln" in data:
            recipes.recipes(belief, data, years)
        if "progress_oom_per_year" in data:
            recipes.progress(belief, data, years)
        costs.costs(belief, data, scenario.structure.cost)
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

"""From draws to answers: the equations at every draw, for the factors, tasks and dates asked for.

Costs and multipliers are in OOM. Infinite draws are kept as infinity: a task that does not exist
yet, a threshold not reached within the horizon, a score above an asymptote. What the model has not
seen (the benchmark "new", a task that resembles no benchmark) gets its own effect from its own
stream.
"""

from collections.abc import Mapping

import xarray as xr

from simulator.forecast import burden, costs, multipliers, recipes
from simulator.quantities import QUANTITIES
from simulator.scenario import Scenario
from simulator.streams import SAMPLE

ORDER = ("family", "score", "inference_factor", "benchmark", "algorithm", "decision_date")
ORDER += ("task", "date", "component", "threshold", "age", "tokens")


def project(scenario: Scenario, draws: xr.Dataset, seed: int) -> xr.Dataset:
    """All outputs at every draw of `draws` (a posterior or a prior; dims chain, draw).

    Dims: required_rl_multiplier_oom (inference_factor, benchmark, algorithm), task_cost_oom_usd
    (task, date), years_to_threshold (task, threshold), cost_decline_factor_by_age (age),
    decline_split (component, date), newest_price_oom (date), recipe_compute_oom and
    baseline_compute_factor (family, score), break_even_uses_oom (inference_factor, algorithm,
    decision_date), persistence_years (inference_factor). An output whose attribute `finite` is 1
    has no infinite draw, or the run fails its checks.
    """
    sample = {dim: draws[dim] for dim in SAMPLE if dim in draws.coords}
    draws = draws.drop_vars(sample)  # with them, xarray would align every term with every other
    outputs = {
        "required_rl_multiplier_oom": multipliers.multiplier(scenario, draws, seed),
        "cost_decline_factor_by_age": costs.factor_by_age(scenario, draws),
        "decline_split": costs.split(scenario, draws),
        "newest_price_oom": costs.newest_price(scenario, draws),
    }
    finite = set(outputs)
    if scenario.structure.response == "saturating":
        finite.remove("required_rl_multiplier_oom")
    new = outputs["required_rl_multiplier_oom"].sel(benchmark="new", drop=True)
    outputs |= burden.burden(scenario, draws, seed, new)
    if scenario.tasks:
        outputs |= costs.tasks(scenario, draws, seed)
    if "recipe_slope" in draws:
        outputs |= recipes.by_score(scenario, draws)
    found = described(outputs)
    for name, output in found.items():
        output.attrs["finite"] = int(name in finite)
    return found.assign_coords(sample)


def described(outputs: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Outputs with their units and meanings, chain and draw first and the others in one order."""
    for name, output in outputs.items():
        output.attrs = QUANTITIES[name].attrs
    return xr.Dataset({n: o.transpose(*SAMPLE, *_order(o)) for n, o in outputs.items()})


def _order(output: xr.DataArray) -> list[str]:
    return [dim for dim in ORDER if dim in output.dims]

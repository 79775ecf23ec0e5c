"""What each RL recipe needs to reach a score, and what it saves against the o1-era one."""

import numpy as np
import xarray as xr

from simulator import equations
from simulator.forecast.effects import side_by_side
from simulator.observations.recipes import BASELINE, REFERENCE_SCORE
from simulator.scenario import Scenario


def by_score(scenario: Scenario, draws: xr.Dataset) -> dict[str, xr.DataArray]:
    """Compute and savings by recipe family and score, on the problems that the recipes share."""
    scores = scenario.forecast.recipe_scores
    score = xr.DataArray(scores, {"score": scores}, "score")
    start = _start(scenario)
    compute = side_by_side(
        "family",
        {
            name: _compute(start, score, draws.sel(family=name, drop=True))
            for name in draws["family"].values.tolist()
        },
    )
    baseline = compute.sel(family=BASELINE, drop=True)
    with np.errstate(invalid="ignore"):
        factor = 10 ** (baseline - compute)  # 0 where this recipe alone never gets there
    factor = xr.where(np.isneginf(baseline), 1.0, factor)  # all are there from the start
    return {
        "recipe_compute_oom": compute,
        "baseline_compute_factor": xr.where(np.isposinf(baseline), np.inf, factor),
    }


def _compute(start: float, score: xr.DataArray, recipe: xr.Dataset) -> xr.DataArray:
    """Compute in OOM GPU-hours; infinite from the asymptote on, minus infinity up to the start."""
    further = equations.saturating_jump_oom(
        REFERENCE_SCORE, score, recipe["recipe_slope"], start, recipe["recipe_asymptote"]
    )
    return recipe["recipe_reference_oom"] + further


def _start(scenario: Scenario) -> float:
    rows = scenario.evidence.rows("recipes")
    return float(np.mean([r["start"] for r in rows if r["start"] and r["table"] == "recipes"]))

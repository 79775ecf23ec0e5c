"""What a page is about: one run's draws, its tasks, and records as far as any setting reaches.

`answers` is what the page shows, computed by the forecast itself from changed draws; the page has
to agree with it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from simulator.dates import decimal_year
from simulator.explore import beyond
from simulator.explore.settings import Settings, fastest, overridden
from simulator.faults import BadInput, Fault, nearest
from simulator.forecast import burden, costs, multipliers
from simulator.forecast.staircase import Block
from simulator.run import Run
from simulator.scenario import Scenario, sealed_scenario
from simulator.schema import Task
from simulator.streams import SAMPLE

DRAWS = 4000  # at most; more are thinned
DEEPEST = 12.0  # OOM below today's cost at which a path without a floor ends


class Subject(NamedTuple):
    """The parts of a run that a page needs; draws of dims chain and draw, thinned to DRAWS."""

    run: Run
    scenario: Scenario
    draws: xr.Dataset  # all of them, as the named streams want
    records: dict[str, list[Block] | None]  # by task and burden.USE; None under `trend`
    step: int  # every so many draws of a chain are in the page


def subject(run: Run, tasks: Sequence[str] = ()) -> Subject:
    """Of a run and some of its tasks (all by default); BadInput with every fault."""
    if "parents" in run.record:
        ids = ", ".join(parent["id"] for parent in run.record["parents"])
        rule, fix = "is an average of runs", f"explore one of them: {ids}"
        raise BadInput([Fault(run.id, "run", rule, fix)])
    scenario = sealed_scenario(run.path)
    known = list(scenario.tasks)
    unknown = [
        Fault("--task", name, "is no task of this run", nearest(name, known))
        for name in tasks
        if name not in known
    ]
    if unknown:
        raise BadInput(unknown)
    kept = {name: scenario.tasks[name] for name in dict.fromkeys(tasks or known)}
    scenario = replace(scenario, tasks=kept)
    draws = run.draws["posterior"].dataset.drop_vars(list(SAMPLE), errors="ignore")
    if scenario.structure.cost == "staircase":
        deepest = 10.0**-DEEPEST
        floor = np.maximum(draws["cost_floor_fraction"], deepest)
        draws = draws.assign(cost_floor_fraction=floor)
    found = {
        name: _records(scenario, draws, run.seed, name, task)
        for name, task in followed(scenario).items()
    }
    count = draws.sizes["chain"] * draws.sizes["draw"]
    return Subject(run, scenario, draws, found, -(-count // DRAWS))


def followed(scenario: Scenario) -> dict[str, Task]:
    """Everything whose cost falls: the tasks, and one use of what is new."""
    return {**scenario.tasks, burden.USE: burden.use(scenario)}


def answers(about: Subject, settings: Settings) -> dict[str, np.ndarray]:
    """What the page shows, at every draw of the run; shape (chain, draw).

    In OOM: required_rl_multiplier_oom, break_even_uses_oom at the date and, if the run has tasks,
    task_cost_oom_usd at it. In years: persistence_years and, from the task's debut,
    years_to_threshold.
    """
    scenario, seed = about.scenario, about.run.seed
    draws = overridden(about.draws, settings)
    asked = {"inference_factors": [settings.inference_factor], "dates": [settings.date]}
    scenario = replace(scenario, forecast=scenario.forecast.model_copy(update=asked))
    found = multipliers.multiplier(scenario, draws, seed)
    found = found.sel(benchmark=settings.benchmark, drop=True)
    use = _path(about, draws, burden.USE, burden.use(scenario))
    spend, price = scenario.forecast.rl_spend_usd, scenario.forecast.cost_per_use_usd
    uses = burden.break_even(scenario, draws, found, use, spend, price).isel(decision_date=-1)
    recipe = {"inference_factor": settings.inference_factor, "algorithm": settings.algorithm}
    out = {
        "required_rl_multiplier_oom": found.sel(recipe),
        "break_even_uses_oom": uses.sel(recipe),
        "persistence_years": use.first_age(-float(np.log10(settings.inference_factor))),
    }
    if settings.task in scenario.tasks:
        task = scenario.tasks[settings.task]
        task = task.model_copy(update={"cost_usd": settings.cost_usd})
        way = _path(about, draws, settings.task, task)
        age = decimal_year(settings.date) - way.decline.debut
        never = xr.full_like(draws["decline_rate_at_debut"], np.inf)
        out["task_cost_oom_usd"] = way.cost(age) if age >= 0 else never
        out["years_to_threshold"] = way.first_age(float(np.log10(settings.threshold_usd)))
    return {name: answer.transpose(*SAMPLE).values for name, answer in out.items()}


def _path(about: Subject, draws: xr.Dataset, name: str, task: Task) -> costs.Path:
    return costs.path(about.scenario, draws, about.run.seed, name, task, about.records[name])


def _records(
    scenario: Scenario, draws: xr.Dataset, seed: int, name: str, task: Task
) -> list[Block] | None:
    """The run's own records, and those that follow up to the end of the fastest decline."""
    if scenario.structure.cost == "trend":
        return None
    own = costs.path(scenario, draws, seed, name, task)
    end = costs.path(scenario, fastest(draws), seed, name, task, own.blocks)
    horizon = own.decline.horizon_age
    ends = own.time(horizon), end.time(horizon), own.drop
    span, last, drop = (x.transpose(*SAMPLE).values.ravel() for x in ends)
    return beyond.extended(own.blocks, span, last, drop, beyond.key(seed, name))

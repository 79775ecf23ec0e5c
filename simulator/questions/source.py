"""Where answers come from: the draws of one quantity, at the coordinates that a question names.

They are computed from a run's parameters with the run's own named streams, so at coordinates that
the run has stored they are what it stored, and anywhere else what it would have stored.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from simulator import seal
from simulator.dates import decimal_year
from simulator.faults import BadInput, Fault
from simulator.forecast import burden, costs, multipliers, recipes
from simulator.questions.askable import Askable
from simulator.run import Run, open_run
from simulator.scenario import Scenario, sealed_scenario
from simulator.streams import SAMPLE


class Source:
    """The draws of a run, posterior or prior, as a function of what is asked; paths are kept."""

    def __init__(self, run: Run, group: str = "posterior", scenario: Scenario | None = None):
        self.run, self.group = run, group
        self.scenario = scenario or sealed_scenario(run.path)
        draws = run.draws[group].dataset
        self.draws = draws.drop_vars([dim for dim in SAMPLE if dim in draws.coords])
        self.way = cache(self._way)
        self.sources = [self]

    @property
    def observed(self) -> bool:
        """Whether the run was conditioned on anything."""
        return self.scenario.evidence.size > 0

    def values(self, asked: Askable, coords: Mapping[str, Any]) -> np.ndarray:
        """The quantity as kept, shape (chain, draw)."""
        if not asked.coords:
            found = self.draws[asked.stored]
        else:
            found = getattr(self, f"_{asked.name}")(**coords)
        return np.asarray(found.transpose(*SAMPLE).values, dtype=float)

    # --- one function per quantity, named as it is ------------------------------------------------

    def _required_rl_multiplier(
        self, inference_factor: float, benchmark: str, algorithm: str
    ) -> xr.DataArray:
        found = self._multiplier(inference_factor)
        return found.sel(benchmark=benchmark, algorithm=algorithm).squeeze("inference_factor")

    def _multiplier(self, inference_factor: float) -> xr.DataArray:
        asked = self._with(inference_factors=[float(inference_factor)])
        return multipliers.multiplier(asked, self.draws, self.run.seed)

    def _task_cost(self, task: str, date: Any) -> xr.DataArray:
        way = self.way(task)
        return way.cost(decimal_year(date) - way.decline.debut)

    def _years_to_threshold(self, task: str, threshold_usd: float) -> xr.DataArray:
        return self.way(task).first_age(float(np.log10(threshold_usd)))

    def _year_of_threshold(self, task: str, threshold_usd: float) -> xr.DataArray:
        return self._years_to_threshold(task, threshold_usd) + self.way(task).decline.debut

    def _cost_decline_factor_by_age(self, age: float) -> xr.DataArray:
        return costs.factor_by_age(self._with(ages_years=[float(age)]), self.draws).squeeze("age")

    def _decline_split(self, component: str, date: Any) -> xr.DataArray:
        return costs.split(self._with(dates=[date]), self.draws).sel(component=component).squeeze()

    def _newest_price(self, date: Any) -> xr.DataArray:
        return costs.newest_price(self._with(dates=[date]), self.draws).squeeze("date")

    def _recipe_compute(self, family: str, score: float) -> xr.DataArray:
        return self._recipe("recipe_compute_oom", family, score)

    def _baseline_compute_factor(self, family: str, score: float) -> xr.DataArray:
        return self._recipe("baseline_compute_factor", family, score)

    def _recipe(self, name: str, family: str, score: float) -> xr.DataArray:
        asked = self._with(recipe_scores=[float(score)])
        return recipes.by_score(asked, self.draws)[name].sel(family=family).squeeze("score")

    def _break_even_uses(self, inference_factor: float, algorithm: str, date: Any) -> xr.DataArray:
        asked = self._with(inference_factors=[float(inference_factor)], dates=[date])
        found = self._burden(asked, inference_factor)["break_even_uses_oom"]
        return found.isel(decision_date=-1).sel(algorithm=algorithm).squeeze("inference_factor")

    def _persistence_years(self, inference_factor: float) -> xr.DataArray:
        asked = self._with(inference_factors=[float(inference_factor)])
        found = self._burden(asked, inference_factor)["persistence_years"]
        return found.squeeze("inference_factor")

    def _burden(self, asked: Scenario, inference_factor: float) -> dict[str, xr.DataArray]:
        new = self._multiplier(inference_factor).sel(benchmark="new", drop=True)
        return burden.burden(asked, self.draws, self.run.seed, new)

    def _with(self, **forecast: Any) -> Scenario:
        """The scenario, asked about these factors, dates or scores alone."""
        asked = self.scenario.forecast.model_copy(update=forecast)
        return replace(self.scenario, forecast=asked)

    def _way(self, task: str) -> Any:
        return costs.path(self.scenario, self.draws, self.run.seed, task, self.scenario.tasks[task])


class Mixed:
    """The draws of an average: each is computed from the parent that it came from."""

    def __init__(self, run: Run, group: str, parents: Mapping[str, Run]):
        self.run, self.group = run, group
        self.sources = [Source(parent, group) for parent in parents.values()]
        origin = run.draws["posterior"]["parent"].values
        size = run.draws[group].sizes["draw"]
        self._origin = origin[:, np.arange(size) % origin.shape[1]]

    @property
    def observed(self) -> bool:
        """Whether any parent was conditioned on anything."""
        return any(source.observed for source in self.sources)

    def values(self, asked: Askable, coords: Mapping[str, Any]) -> np.ndarray:
        """The quantity as kept, shape (chain, draw)."""
        found = np.full(self._origin.shape, np.nan)
        for source in self.sources:
            own = self._origin == source.run.id
            found[own] = source.values(asked, coords)[own]
        return found


def source(
    run: Run, group: str = "posterior", scenario: Scenario | None = None
) -> "Source | Mixed":
    """Where a run's answers come from; `scenario` restates its tasks.

    Of an average they come from its parents: raises BadInput where these are not beside it, or
    where the scenario is restated.
    """
    if "parents" not in run.record:
        return Source(run, group, scenario)
    if scenario is not None:
        rule = "is an average, whose tasks cannot be restated"
        raise BadInput([Fault(run.id, "run", rule, "ask its parents one by one")])
    return Mixed(run, group, parents(run))


def stated(run: Run) -> list[dict[str, Any]]:
    """The questions of a run's scenario, as written; of an average, those that all parents have."""
    listed = [one.spec.get("question", []) for one in parents(run).values()]
    return [each for each in listed[0] if all(each in other for other in listed)]


def parents(run: Run) -> dict[str, Run]:
    """The runs that answer for a run, by id: itself, or those that an average was made from.

    Raises BadInput where one of them does not lie beside the average.
    """
    if "parents" not in run.record:
        return {run.id: run}
    found, faults = {}, []
    for parent in run.record["parents"]:
        path = run.path.parent / parent["id"]
        if path.is_dir() and seal.manifest(path)["digest"] == parent["sum"]:
            found[parent["id"]] = open_run(path)
        else:
            rule = f"its parent {parent['id']} is not beside it, and answers come from there"
            fix = "put the average and its parents into one folder"
            faults.append(Fault(run.id, "run", rule, fix))
    if faults:
        raise BadInput(faults)
    return found

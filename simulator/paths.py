"""Many more paths of a run's forecast than it has draws, for what differs from path to path.

Path p has the parameters of posterior draw p mod S and noise of its own: the records of every task,
and what the model has not seen. The first S paths are the run's own forecast. More paths take away
the noise's part of the Monte Carlo error and not the posterior's, so each error is that of both.
"""

import math
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr

from simulator import chunks, diagnostics, forecast, streams, summary
from simulator.faults import BadInput, Fault
from simulator.forecast import burden, costs, multipliers
from simulator.histogram import OOM, YEARS, Histogram
from simulator.prior import TABLED
from simulator.quantities import OUTPUTS
from simulator.run import Run
from simulator.scenario import Scenario, sealed_scenario
from simulator.streams import SAMPLE

SIZE = 24_576  # paths of a chunk, or as many as the run has draws where those are more
CHANGEABLE = ("task", "forecast")
FITTED = ("forecast.today", "forecast.algorithm_baseline")  # the draws themselves depend on these
LABELS = ("series", "cost_benchmark")  # whatever else is labelled owes nothing to a path
ERRORS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}

type Row = dict[str, Any]


def further(
    run: Run,
    paths: int,
    *,
    seed: int | None = None,
    jobs: int = 1,
    overrides: Mapping[str, Any] | None = None,
    watch: chunks.Watch | None = None,
) -> list[Row]:
    """Rows as in a summary, from so many paths, of each output that differs from path to path.

    Quantiles are exact to half a bin (simulator.histogram). `mcse_q05`, `mcse_q50` and `mcse_q95`
    are their Monte Carlo errors from both draws and paths; `mcse_paths_q50` is that of as many
    independent paths; `prob_outside` is the share that is finite and beyond all bins. `ess_bulk`,
    `ess_tail` and `r_hat` are those of the first S paths. `overrides` are dotted keys in task and
    forecast. Numbers do not depend on `jobs`, the number of threads. Raises BadInput.
    """
    scenario, posterior = _asked(run, paths, overrides or {})
    simulated = _Paths(scenario, posterior, run.seed if seed is None else seed, paths)
    bins = {name: YEARS if row["unit"] == "years" else OOM for name, row in simulated.rows.items()}
    simulated.look(bins)
    found = chunks.stream(
        simulated.draw, paths, bins, size=simulated.size, threads=jobs, watch=watch
    )
    return [row | simulated.figures(name, found[name]) for name, row in simulated.rows.items()]


class _Paths:
    """The chunks of a run's paths, and how often each draw's lay below the first quantiles."""

    def __init__(self, scenario: Scenario, posterior: xr.Dataset, seed: int, paths: int):
        self._scenario, self._posterior, self._seed = scenario, posterior, seed
        self._shape = tuple(posterior.sizes[dim] for dim in SAMPLE)
        self._draws = math.prod(self._shape)
        passes = max(SIZE // self._draws, 1)
        self.size = passes * self._draws
        self._passes, self._lock = 0, Lock()
        self._below: dict[str, np.ndarray] = {}
        self._cuts: dict[str, np.ndarray] = {}
        self._first = self._outputs(0, -(-min(paths, self.size) // self._draws))
        own = self._first.isel(chain=slice(self._shape[0]))
        self.rows = dict(zip(_elements(own), summary.rows_of(own, None), strict=True))

    def look(self, bins: Mapping[str, Any]) -> None:
        """Take the quantiles of the first chunk, below which all paths are counted by draw."""
        for name, values in _elements(self._first).items():
            seen = Histogram(bins[name])
            seen.add(values)
            middles = np.array([seen.quantile(p) for p in ERRORS.values()])
            self._cuts[name] = middles + bins[name].bound
            self._below[name] = np.zeros((len(ERRORS), *self._shape), np.int32)

    def draw(self, chunk: int, count: int) -> dict[str, np.ndarray]:
        """The first `count` paths of a chunk by element: pass after pass, chain after chain."""
        outputs = self._outputs(chunk, -(-count // self._draws)) if chunk else self._first
        elements = _elements(outputs)
        whole = count // self._draws
        below = {
            name: (values[: whole * self._shape[0]].reshape(1, whole, *self._shape)
                   <= self._cuts[name][:, None, None, None]).sum(axis=1, dtype=np.int32)
            for name, values in elements.items()
        }  # fmt: skip
        with self._lock:
            self._passes += whole
            for name, counts in below.items():
                self._below[name] += counts
        return {name: values.ravel() for name, values in elements.items()}

    def figures(self, name: str, found: Histogram) -> Row:
        """Quantiles of an element, and how wrong they may be."""
        quantiles = {q: found.quantile(p) for q, p in zip(summary.NAMES, TABLED, strict=True)}
        errors = {
            f"mcse_{q}": found.error(p, self._spread(name, i))
            for i, (q, p) in enumerate(ERRORS.items())
        }
        errors["mcse_paths_q50"] = found.error(0.5)
        figures = {key: x if math.isfinite(x) else None for key, x in (quantiles | errors).items()}
        return figures | {"prob_infinite": found.infinite, "prob_outside": found.outside}

    def _spread(self, name: str, which: int) -> float:
        """Standard error of the share of paths below a quantile, the mean of each draw's share."""
        share = self._below[name][which] / self._passes
        return 0.0 if np.ptp(share) == 0 else diagnostics.mcse_mean(share)

    def _outputs(self, chunk: int, passes: int) -> xr.Dataset:
        """What differs from path to path; dims chain, of each pass in turn, and draw."""
        seed = streams.integer(self._seed, "paths", chunk) if chunk else self._seed
        draws = self._posterior.isel(chain=np.tile(np.arange(self._shape[0]), passes))
        found = multipliers.multiplier(self._scenario, draws, seed).sel(benchmark=["new"])
        outputs = {"required_rl_multiplier_oom": found}
        outputs |= burden.burden(self._scenario, draws, seed, found.sel(benchmark="new", drop=True))
        if self._scenario.tasks:
            outputs |= costs.tasks(self._scenario, draws, seed)
        return forecast.described(outputs)


def _elements(outputs: xr.Dataset) -> dict[str, np.ndarray]:
    ordered = [name for name in OUTPUTS if name in outputs]  # as rows are
    return {k: v for name in ordered for k, v in diagnostics.elements(outputs[name]).items()}


# --- what is asked --------------------------------------------------------------------------------


def _asked(run: Run, paths: int, overrides: Mapping[str, Any]) -> tuple[Scenario, xr.Dataset]:
    """The scenario with its new tasks and dates, and those draws that it uses."""
    if "parents" in run.record:
        rule, fix = "is an average of runs", "ask one of its parents"
        raise BadInput([Fault(run.id, "run", rule, fix)])
    posterior = _posterior(run)
    draws = math.prod(posterior.sizes[dim] for dim in SAMPLE)
    faults = []
    if paths < draws:
        rule = f"must be at least {draws}, as many as the run has draws"
        faults.append(Fault("--paths", str(paths), rule, "simulator show has those"))
    for key in overrides:
        if key.partition(".")[0] not in CHANGEABLE or key in FITTED:
            rule = "would change the draws: only tasks and where the forecast is read can be set"
            faults.append(Fault("--set", key, rule, "make a new run: simulator run --set"))
    try:
        scenario = sealed_scenario(run.path, overrides)
    except BadInput as error:
        faults += error.faults
    if faults:
        raise BadInput(faults)
    return scenario, posterior


def _posterior(run: Run) -> xr.Dataset:
    """Those draws that paths depend on, which are a fraction of all that a run keeps."""
    with xr.open_dataset(run.path / "draws.nc", group="posterior", engine="netcdf4") as stored:
        used = [name for name, draws in stored.items() if {*draws.dims} <= {*SAMPLE, *LABELS}]
        return stored[used].load().drop_vars(SAMPLE)

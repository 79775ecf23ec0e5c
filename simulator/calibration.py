"""Simulation-based calibration: is the posterior that of the model, on data the model itself draws?

Truths are drawn, data are drawn from each truth, and each truth must rank uniformly among the
posterior draws given its data. Ranked are every sampled quantity, every belief, every output, and
the joint log likelihood, which sees posteriors that ignore data (Modrák et al. 2023). One compiled
density serves all simulations, several at a time in threads. A sample that fails its diagnostics is
drawn anew once, as a run's is.

Truths come from the posterior, near the evidence in hand: it then is the prior of a model that sees
the evidence and the new data (Säilynoja et al. 2025). Or they come from the prior, which is a
stress test where that is wide.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import xarray as xr

from simulator import diagnostics, forecast, seal, streams, uniformity
from simulator.compiled import density
from simulator.faults import BadInput, Fault
from simulator.graphs import Draws, completion, densities
from simulator.inference import (
    attempts,
    begin,
    finish,
    finished,
    labelled,
    posterior_draws,
    predictions,
    prior_draws,
)
from simulator.model import build
from simulator.model.replicas import replicated
from simulator.observations import observe
from simulator.quantities import BELIEFS
from simulator.scenario import Scenario

KEPT = 99  # draws that a truth is ranked among, so few as to be nearly independent
SHORT = {"chains": 4, "draws": 400, "tune": 400, "target_accept": 0.8}
R_HAT = 1.05  # of so short a sample; the worst of 200 sound quantities is often above 1.01
BUDGET = 0.01  # false alarms of one calibration, shared among its quantities
LIKELIHOOD = "log likelihood"

type Truths = Literal["prior", "posterior"]


class Observer(Protocol):
    """Told what is going on."""

    def stage(self, name: str) -> None:
        """A stage begins: import, build, compile or simulate."""

    def simulated(self, done: int, total: int, failed: int) -> None:
        """So many simulations are done, of which `failed` failed their own diagnostics."""


class _Silence:
    def stage(self, name: str) -> None: ...

    def simulated(self, done: int, total: int, failed: int) -> None: ...


@dataclass(frozen=True)
class Calibration:
    """Ranks from 0 to KEPT of the truths, by quantity, and each simulation's own diagnostics.

    Quantities that the scenario fixes are left out, as are those ranked exactly like another.
    """

    scenario: str
    seed: int
    truths: Truths
    ranks: dict[str, np.ndarray]
    divergences: np.ndarray
    r_hat: np.ndarray  # the largest of all sampled quantities
    ess: np.ndarray  # the smallest

    @property
    def failed(self) -> np.ndarray:
        """Which simulations fail their own diagnostics; they count like all others."""
        return _Diagnosis(self.divergences, self.r_hat, self.ess).failed

    @property
    def level(self) -> float:
        """The p-value below which a quantity is outside the simultaneous bands."""
        return BUDGET / len(self.ranks)

    @property
    def verdicts(self) -> dict[str, uniformity.Verdict]:
        """Each quantity's verdict, the worst first."""
        found = {name: uniformity.judge(rank, KEPT + 1) for name, rank in self.ranks.items()}
        return dict(sorted(found.items(), key=lambda item: item[1].p_value))

    @property
    def outside(self) -> list[str]:
        """Quantities outside the bands, the worst first."""
        return [name for name, verdict in self.verdicts.items() if verdict.p_value < self.level]

    @property
    def passed(self) -> bool:
        return not self.outside

    def save(self, into: Path) -> Path:
        """Seal the ranks as ranks.nc in a new folder in `into`."""
        about = {"calibration": self.scenario, "seed": self.seed, "truths": self.truths}
        table = xr.Dataset(
            {
                "rank": (("quantity", "simulation"), np.array(list(self.ranks.values()))),
                "divergences": ("simulation", self.divergences),
                "r_hat": ("simulation", self.r_hat),
                "ess": ("simulation", self.ess),
            },
            {"quantity": np.array(list(self.ranks), dtype="U")},
            attrs=about | {"largest_rank": KEPT},
        )
        name = f"calibration-{self.scenario}"[:64]
        return seal.seal(into, name, {"ranks.nc": table.to_netcdf}, about)


def calibrate(
    scenario: Scenario,
    simulations: int = 200,
    seed: int | None = None,
    jobs: int | None = None,
    truths: Truths = "posterior",
    observer: Observer | None = None,
) -> Calibration:
    """Calibrate the sampler on a scenario: many data sets drawn from its own model.

    `jobs` simulations run at a time, one per processor by default, and change no number.
    Raises BadInput where nothing is observed, KeyboardInterrupt with nothing left at work.
    """
    if not scenario.evidence.size:
        fix = "calibrate a scenario with evidence"
        raise BadInput([Fault(scenario.name, "evidence", "is empty: nothing to infer from", fix)])
    seed = scenario.sampler.seed if seed is None else seed
    observer = observer or _Silence()
    experiment = _Experiment(scenario, simulations, seed, truths, observer)
    observer.stage("simulate")
    results: dict[int, tuple[dict[str, int], _Diagnosis]] = {}
    failed = 0
    running: dict[int, Any] = {}
    anew: set[int] = set()
    waiting = iter(range(simulations))
    try:
        while len(results) < simulations:
            while len(running) < (jobs or os.cpu_count() or 1):
                if (i := next(waiting, None)) is None:
                    break
                running[i] = experiment.begin(i)
            done = [i for i, sampler in running.items() if finished(sampler)]
            for i in done:
                draws, statistics = finish(experiment.model, running.pop(i))
                found = _diagnose(draws, statistics)
                if found.failed and i not in anew:
                    anew.add(i)
                    running[i] = experiment.begin(i, attempt=2)
                    continue
                results[i] = experiment.rank(i, draws), found
                failed += found.failed
                observer.simulated(len(results), simulations, failed)
            if not done:
                time.sleep(0.005)
    finally:
        for sampler in running.values():
            sampler.cancel()
    return _collected(scenario, seed, truths, [results[i] for i in range(simulations)])


class _Diagnosis(NamedTuple):
    """How well one simulation was sampled; or each, as arrays."""

    divergences: Any
    r_hat: Any
    ess: Any

    @property
    def failed(self) -> Any:
        """Whether a simulation, or which of several, fails its own diagnostics."""
        mixed = (self.r_hat <= R_HAT) & (self.ess >= KEPT)  # false for what is not a number
        return (self.divergences > 0) | np.logical_not(mixed)


def _diagnose(draws: Draws, statistics: xr.Dataset) -> _Diagnosis:
    every = list(diagnostics.columns(draws.values()))
    return _Diagnosis(
        int(statistics["diverging"].sum()),
        float(np.max([diagnostics.r_hat(a) for a in every])),
        float(np.min([diagnostics.ess_bulk(a) for a in every])),
    )


class _Experiment:
    """What all simulations share: the compiled model, the truths, and the data of each."""

    def __init__(
        self, scenario: Scenario, simulations: int, seed: int, truths: Truths, observer: Observer
    ):
        observer.stage("build")
        self.scenario, self.seed = scenario, streams.integer(seed, "calibration")
        observations = observe(scenario.evidence, scenario.structure)
        self.model = build(scenario, observations)
        self._complete = completion(self.model)
        self._settings = scenario.sampler.model_copy(update=SHORT)
        observer.stage("compile")
        draws = self._truths(truths, simulations)
        data = predictions(self.model, draws, "calibration", self.seed)["calibration"]
        suffix, shape = "", scenario.form
        if truths == "posterior":
            replicated(self.model)
            suffix, shape = "_again", [*shape, "replicated"]
        self._compiled = density(self.model, shape)
        self._data = {
            (name := f"observed_{variable}{suffix}"): values.values[0].astype(
                self.model[name].dtype
            )
            for variable, values in data.items()
        }
        self._densities = densities(self.model, self.model.observed_RVs)
        self._draws = draws
        own = streams.integer(self.seed, "truth")  # no noise shared with any posterior
        self._truth = {n: a[0] for n, a in self._quantities(draws, own).items()}
        self._free = [name for name, a in self._truth.items() if not (a == a[0]).all()]

    def begin(self, i: int, attempt: int = 1) -> Any:
        """Start sampling the posterior of one simulation."""
        data = {name: values[i] for name, values in self._data.items()}
        seed = streams.integer(self.seed, "simulation", i)
        settings = attempts(self._settings)[attempt - 1]
        return begin(self._compiled.with_data(**data), settings, seed, attempt, cores=1)

    def rank(self, i: int, draws: Draws) -> dict[str, int]:
        """Rank each truth among the draws kept, ties broken at random."""
        kept = {name: _thinned(a) for name, a in draws.items()}
        posterior = self._quantities(kept, streams.integer(self.seed, "posterior", i))
        truth = {name: self._truth[name][i] for name in self._free}
        for name, values in self._data.items():
            self.model[name].set_value(values[i])
        posterior[LIKELIHOOD] = self._likelihood(kept)
        true = {name: a[:, i : i + 1] for name, a in self._draws.items()}
        truth[LIKELIHOOD] = self._likelihood(true)[0, 0]
        rng = streams.stream(self.seed, "ties", i)
        return {name: _rank(truth[name], posterior[name], rng) for name in truth}

    def _likelihood(self, draws: Draws) -> np.ndarray:
        return sum(density.sum(axis=-1) for density in self._densities(draws).values())

    def _truths(self, truths: Truths, simulations: int) -> Draws:
        if truths == "prior":
            return prior_draws(self.model, self.seed, (1, simulations), "calibration")
        settings = self.scenario.sampler
        if simulations > settings.chains * settings.draws:
            rule = f"is more than the {settings.chains * settings.draws} draws of the posterior"
            raise BadInput([Fault("--simulations", "usage", rule, "ask for fewer")])
        compiled = density(self.model, self.scenario.form)
        draws, _ = posterior_draws(compiled, self.model, self._complete, settings, self.seed)
        return {rv.name: _thinned(draws[rv.name], simulations) for rv in self.model.free_RVs}

    def _quantities(self, draws: Draws, seed: int) -> dict[str, np.ndarray]:
        """Beliefs, outputs and sampled quantities, shape (chain, draw), by name and labels."""
        named = labelled(self.model, self._complete(draws))
        outputs = forecast.project(self.scenario, named, seed)
        for dim in {"date", "decision_date"} & {*outputs.dims}:
            outputs[dim] = outputs[dim].dt.strftime("%Y-%m-%d")
        beliefs = [named[name] for name in BELIEFS if name in named]
        chosen = [*beliefs, *outputs.values(), *(named[name] for name in draws)]
        return {k: a for variable in chosen for k, a in diagnostics.elements(variable).items()}


def _thinned(array: np.ndarray, size: int = KEPT) -> np.ndarray:
    """Draws of all chains, evenly spaced, as one chain."""
    flat = array.reshape(-1, *array.shape[2:])
    return flat[np.linspace(0, len(flat) - 1, size).round().astype(int)][None]


def _rank(truth: float, draws: np.ndarray, rng: np.random.Generator) -> int:
    """How many draws are below the truth; infinite ones compare like any other."""
    return int((draws < truth).sum() + rng.integers(0, (draws == truth).sum() + 1))


def _collected(
    scenario: Scenario,
    seed: int,
    truths: Truths,
    results: list[tuple[dict[str, int], _Diagnosis]],
) -> Calibration:
    each, diagnoses = zip(*results, strict=True)
    ranks = {name: np.array([of[name] for of in each]) for name in each[0]}
    distinct = {rank.tobytes(): name for name, rank in reversed(ranks.items())}
    ranks = {name: ranks[name] for name in reversed(distinct.values())}
    return Calibration(
        scenario.name, seed, truths, ranks, *map(np.array, zip(*diagnoses, strict=True))
    )

"""The straight line from scenario to sealed run: observe, build, sample, project, check, seal."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simulator import seal
from simulator.outcome import Outcome, seal_run
from simulator.run import Check, Run
from simulator.scenario import Scenario

if TYPE_CHECKING:
    import xarray as xr

DRAW = 20_000  # bytes on disk per draw; the base scenario takes 13,000


class Observer(Protocol):
    """Told what is going on; the default hears nothing."""

    def stage(self, name: str) -> None:
        """A stage begins: import, build, compile, sample, predict, project, check or seal; of
        reweighting also open and weigh."""

    def chains(self, progress: list[Any]) -> None:
        """From another thread while sampling: nutpie's progress of each chain."""


class Silence:
    """An observer that does nothing."""

    def stage(self, name: str) -> None: ...

    def chains(self, progress: list[Any]) -> None: ...


class Stopwatch:
    """Seconds per stage, passed on to an observer as they begin."""

    def __init__(self, observer: Observer):
        self.seconds: dict[str, float] = {}
        self._observer, self._name, self._since = observer, "", time.perf_counter()

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now
        if name:
            self._observer.stage(name)


def simulate(
    scenario: Scenario,
    seed: int | None = None,
    into: str | Path = "runs",
    observer: Observer | None = None,
    *,
    name: str | None = None,
    threads: int | None = None,
) -> Run:
    """Sample a scenario and seal what came out as a new folder in `into`.

    `seed` defaults to the scenario's own, `name` to one that no folder has (FileExistsError for one
    that is taken), `threads` to one per chain; their number changes nothing else. Raises BadInput
    before any sampling where nothing can be written, OSError where the disk fills up at the end,
    KeyboardInterrupt: nothing is left behind then. A run whose checks fail is sealed and marked;
    see `Run.passed`.
    """
    into = Path(into)
    seal.refuse_unwritable(into, DRAW * scenario.sampler.chains * scenario.sampler.draws)
    seed = scenario.sampler.seed if seed is None else seed
    observer = observer or Silence()
    watch = Stopwatch(observer)
    watch.stage("import")
    from simulator import inference, model, observations

    watch.stage("build")
    observed = observations.observe(scenario.evidence, scenario.structure)
    graph = model.build(scenario, observed)
    draws = inference.sample(
        scenario, graph, observed, seed, stage=watch.stage, chains=observer.chains, threads=threads
    )
    return sealed(into, scenario, seed, conclude(scenario, seed, draws, watch), watch, name=name)


def conclude(
    scenario: Scenario,
    seed: int,
    draws: "xr.DataTree",
    watch: Stopwatch,
    checks: Mapping[str, Check] | None = None,
) -> Outcome:
    """Project draws, check and summarise them; `checks` are of how they came."""
    from simulator import diagnostics, forecast, predictive, summary

    watch.stage("project")
    outputs = forecast.project(scenario, draws["posterior"].dataset, seed)
    before = None  # without evidence, the answer is its own prior
    if scenario.evidence.size:
        before = forecast.project(scenario, draws["prior"].dataset, seed)
    watch.stage("check")
    judged = {**(checks or {}), **diagnostics.check(draws, outputs)}
    predicted = predictive.check(draws, seed)
    rows = summary.summarise(draws, outputs, before)
    beliefs = summary.beliefs_table(scenario, rows)
    return Outcome(draws, outputs, judged, rows, beliefs, watch.seconds, predicted)


def sealed(
    into: Path,
    scenario: Scenario,
    seed: int,
    outcome: Outcome,
    watch: Stopwatch,
    more: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Run:
    """Seal what came out, see `seal_run`; the run knows how long that took as well."""
    watch.stage("seal")
    run = seal_run(into, scenario, seed, outcome, more, name)
    watch.stage("")
    run.seconds = watch.seconds  # with the sealing, which a sealed record cannot know
    return run

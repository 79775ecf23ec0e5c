"""From one run to another in steps: by weights on the draws of either, or by sampling between.

A state is what is known of one scenario on the way: draws of the beliefs, weights on them, and the
outputs that follow. Beliefs that no observation speaks to are moved; others, and sources that go,
weigh the first run's draws; sources that come weigh the second's, from the end backwards. A change
that weights do not reach (Pareto k), and any change of structure, is left to a step of its own by
sampling, or to one joint step.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from simulator import importance
from simulator.diagnostics import elements
from simulator.differences.changes import Item, between, items
from simulator.faults import BadInput
from simulator.forecast import project
from simulator.importance import Weights
from simulator.observations import observe
from simulator.pipeline import Observer
from simulator.quantities import OUTPUTS
from simulator.run import Run
from simulator.scenario import Scenario
from simulator.sensitivity import medians, sources
from simulator.sensitivity.given import blocks, group
from simulator.streams import SAMPLE
from simulator.summary import rows_of

type Key = tuple[str, tuple]


class State(NamedTuple):
    """Outputs of a scenario at every draw of a run, by key, with weights of the draws or None."""

    outputs: dict[Key, np.ndarray]
    weights: np.ndarray | None
    block: np.ndarray
    base: str

    def median(self, key: Key) -> float:
        """The median of an output; infinite draws are larger than any number."""
        return medians.quantile(self.outputs[key], self.weights, 0.5)


class Step(NamedTuple):
    """What a step takes and how: "weights", "moved", "questions", "refit" or "joint"."""

    labels: tuple[str, ...]
    by: str
    after: State


def of_run(run: Run) -> State:
    """A run as it is."""
    return _state(run, run.forecast, None)


def _state(run: Run, forecast: xr.Dataset, weights: np.ndarray | None) -> State:
    shape = tuple(forecast.sizes[dim] for dim in SAMPLE)
    return State(keyed(forecast), weights, blocks(*shape), run.id)


def keyed(forecast: xr.Dataset) -> dict[Key, np.ndarray]:
    """Draws of every output by quantity and coordinates; each (sample,)."""
    found = {}
    for name in [name for name in OUTPUTS if name in forecast]:
        rows = rows_coords(forecast[name])
        for coords, draws in zip(rows, elements(forecast[name]).values(), strict=True):
            found[name, coords] = draws.ravel()
    return found


def rows_coords(variable: xr.DataArray) -> list[tuple]:
    """The coordinates of each element as its row of a summary has them."""
    first = xr.Dataset({str(variable.name): variable.isel(draw=[0])})
    return [tuple(row["coords"].items()) for row in rows_of(first, None)]


class Side:
    """One of the two runs, and the changes that its own draws can be taken through, one by one."""

    def __init__(self, run: Run, scenario: Scenario):
        self.run, self.old = run, scenario
        self.fixed = "reweighted" in run.record  # its draws repeat, and k would say too little
        self.posterior = group(run, "posterior")
        self.density: dict[str, np.ndarray] = {}
        if scenario.evidence.size and not self.fixed:
            of = sources.labelled(scenario.evidence, observe(scenario.evidence, scenario.structure))
            self.density = sources.densities(group(run, "log_likelihood"), of)

    def state(self, new: Scenario, gone: Sequence[str]) -> tuple[State, set[str]] | None:
        """The run under a scenario without some of its sources, and beliefs moved for that.

        None where its draws do not reach.
        """
        if self.fixed:
            return None
        beliefs = self._ratio(new)
        if beliefs is None:
            return None
        ratio, moved = beliefs
        if gone and sources.inseparable(self.old, gone):
            return None
        for source in gone:
            ratio = ratio - self.density[source].reshape(ratio.shape)
        found = importance.smoothed(ratio)
        if not found.good:
            return None
        outputs = self.run.forecast
        if moved or _asks(self.old) != _asks(new):
            outputs = project(new, self._moved(new, moved), self.run.seed)
        return _state(self.run, outputs, _plain(found)), moved

    def _ratio(self, new: Scenario) -> tuple[np.ndarray, set[str]] | None:
        """Log ratio of prior densities, and beliefs to be moved; None where there is none."""
        as_new = _with_evidence_of(self.old, new)
        moved = importance.movable(self.old, as_new)
        unmoved = importance.without(moved, self.old, as_new)
        shape = tuple(self.posterior.sizes[dim] for dim in SAMPLE)
        if [*importance.conflicts(self.old, unmoved)]:
            return None
        names = importance.touched(self.old, unmoved)
        if names - {*self.posterior.data_vars}:
            return None
        values = {name: self.posterior[name].transpose(*SAMPLE).values for name in names}
        before, after = (importance.log_density(s, values) for s in (self.old, unmoved))
        ratio = np.zeros(shape)
        for name in sorted(names):
            ratio = ratio + after.get(name, 0.0) - before.get(name, 0.0)
        return None if np.isnan(ratio).any() else (ratio, moved)

    def _moved(self, new: Scenario, names: set[str]) -> xr.Dataset:
        """The posterior with beliefs that stand alone where the new ones have them."""
        normals = group(self.run, "unconstrained_posterior", sorted(names))
        fresh = {
            name: self.posterior[name].copy(
                data=importance.at(new.beliefs[name], normals[name].transpose(*SAMPLE).values)
            )
            for name in names
        }
        return self.posterior.assign(fresh)


def _plain(found: Weights) -> np.ndarray | None:
    weights = np.exp(found.log).ravel()
    return None if np.ptp(weights) < importance.ROUNDING / weights.size else weights


def _asks(scenario: Scenario) -> list[Any]:
    return [scenario.spec.get(key, {}) for key in ("task", "forecast")]


def _with_evidence_of(old: Scenario, new: Scenario) -> Scenario:
    """The new beliefs and questions, as if on the evidence, structure and sampler of the old."""
    kept = {key: old.spec.get(key, {}) for key in ("structure", "sampler", "evidence")}
    return replace(
        new, evidence=old.evidence, sampler=old.sampler, structure=old.structure,
        spec=new.spec | kept,
    )  # fmt: skip


# --- the way --------------------------------------------------------------------------------------

ANEW = "sampling anew"


class Way:
    """The steps from one run to another; `refit` samples the states that weights do not reach.

    `steps` add up: each begins where the one before it ends, the last one ends at the second run.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        scenarios: Sequence[Scenario],
        refit: Path | None = None,
        observer: Observer | None = None,
    ):
        self.runs, self.scenarios = runs, scenarios
        self.todo = items(*scenarios)
        self.begin, self.end = (of_run(run) for run in runs)
        self.sides = [Side(*each) for each in zip(runs, scenarios, strict=True)]
        forward = self._taken(0, ("questions", "belief", "removed"), self.todo)
        taken = [item for item, _, _ in forward]
        left = [item for item in self.todo if item not in taken]
        backward = self._taken(1, ("belief", "added"), left)
        middle = [item for item in left if item not in [one for one, _, _ in backward]]
        self.steps = [Step((item.label,), by, state) for item, state, by in forward]
        states = [state for _, state, _ in backward]
        ends = [self.end, *states]
        self.steps += self._middle(taken, middle, ends[-1], refit, observer)
        for i in reversed(range(len(backward))):
            item, _, by = backward[i]
            self.steps.append(Step((item.label,), by, ends[i]))

    def _taken(
        self, side: int, kinds: Sequence[str], among: Sequence[Item]
    ) -> list[tuple[Item, State, str]]:
        """Changes that a side's own draws reach, one more at a time, with the states reached."""
        found: list[tuple[Item, State, str]] = []
        for item in [item for item in among if item.kind in kinds]:
            moved = [*(one for one, _, _ in found), item]
            gone = [one.names[0] for one in moved if one.kind in ("removed", "added")]
            here = moved if side == 0 else [one for one in self.todo if one not in moved]
            try:
                state = self.sides[side].state(between(self.runs, self.scenarios, here), gone)
            except BadInput:  # such a mixture is no scenario
                continue
            if state:
                exact = item.kind == "belief" and state[1].issuperset(item.names)
                by = "moved" if exact else item.kind if item.kind == "questions" else "weights"
                found.append((item, state[0], by))
        return found

    def _middle(
        self,
        taken: Sequence[Item],
        middle: Sequence[Item],
        end: State,
        refit: Path | None,
        observer: Observer | None,
    ) -> list[Step]:
        """From the first run's draws to the second's: one joint step, or one by one by sampling."""
        if self.runs[0].path == self.runs[1].path:
            return []
        labels = [item.label for item in middle]
        if refit is None or len(middle) < 2:
            by = "joint" if len(middle) > 1 else "sampling"
            return [Step((*labels, ANEW), by, end)]
        steps = []
        for count in range(1, len(middle)):
            mixed = between(self.runs, self.scenarios, [*taken, *middle[:count]])
            run = sources.refitted(mixed, self.runs[1].seed, refit, observer)
            more = () if steps else (ANEW,)
            failed = () if run.passed else (f"{run.id} FAILED its checks",)
            steps.append(Step((labels[count - 1], *more, *failed), "refit", of_run(run)))
        return [*steps, Step((labels[-1],), "refit", end)]


def change(key: Key, before: State, after: State) -> tuple[float | None, float | None]:
    """By how much a median moves from one state to the next, and the Monte Carlo error of that.

    None where a median is infinite or unknown. Draws of one run err together.
    """
    if key not in before.outputs or key not in after.outputs:
        return None, None
    moved = after.median(key) - before.median(key) if _finite(key, before, after) else None
    own = [medians.influence(s.outputs[key], s.weights) for s in (before, after)]
    if moved is None or own[0] is None or own[1] is None:
        return moved, None
    if before.base == after.base:
        return moved, medians.spread(own[1] - own[0], before.block)
    errors = [medians.spread(i, s.block) for i, s in zip(own, (before, after), strict=True)]
    return moved, float(np.hypot(*errors))


def _finite(key: Key, *states: State) -> bool:
    return bool(np.isfinite([state.median(key) for state in states]).all())

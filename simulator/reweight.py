"""New beliefs without new sampling: the draws of a run, weighted, as a run of its own.

Each draw is as likely as its beliefs are under the new ones, against the old ones; so draws are
taken again in proportion (`importance.py`). Beliefs that no observation speaks to need no weights:
they are moved as a whole, which gives what a refit gives. Where the draws are too few for the new
beliefs it says so, and how to refit.
"""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from simulator import importance, seal, streams
from simulator.average import about
from simulator.faults import BadInput, Fault
from simulator.importance import Weights
from simulator.outcome import Outcome
from simulator.overrides import written
from simulator.pipeline import DRAW, Observer, Silence, Stopwatch, conclude, sealed
from simulator.run import Check, Run, open_run
from simulator.scenario import Scenario, sealed_scenario
from simulator.streams import SAMPLE

RESAMPLED = ("posterior", "posterior_predictive", "log_likelihood", "log_prior")
RESAMPLED += ("unconstrained_posterior",)
ENOUGH = 0.5  # of the draws, that weights must leave where sampling anew is as good
KEPT = ("prior", "prior_predictive", "observed_data", "constant_data")

type Groups = dict[str, xr.Dataset]


def reweight(
    run: Run | str | Path,
    overrides: Mapping[str, Any],
    *,
    into: str | Path = "runs",
    observer: Observer | None = None,
) -> Run:
    """Seal what a run says under other beliefs or of other questions, as a new run in `into`.

    `overrides` are dotted keys as in `load_scenario`, on top of the scenario sealed with the run.
    Raises BadInput with every change that needs a refit, and where Pareto k is above its threshold.
    """
    parent, into = run if isinstance(run, Run) else open_run(run), Path(into)
    old, new = _scenarios(parent, overrides)
    seal.refuse_unwritable(into, DRAW * old.sampler.chains * old.sampler.draws)
    watch = Stopwatch(observer or Silence())
    outcome, record = restated(parent, old, new, overrides, refit(parent, overrides), watch)
    return sealed(into, new, parent.seed, outcome, watch, record)


def restated(
    parent: Run,
    old: Scenario,
    new: Scenario,
    changes: Mapping[str, Any],
    fix: str,
    watch: Stopwatch,
) -> tuple[Outcome, dict[str, Any]]:
    """What a run under `old` says under `new`, and the record of how; BadInput where it cannot."""
    moved = importance.movable(old, new)
    unmoved = importance.without(moved, old, new)
    watch.stage("open")
    draws = parent.draws
    watch.stage("weigh")
    found = importance.weights(draws["posterior"].dataset, old, unmoved)
    if not found.good:
        raise BadInput([_refusal(parent, old, unmoved, found, fix)])
    groups = _resampled(draws, importance.resampled(found.log, parent.seed))
    names = importance.touched(old, unmoved)
    _restate(groups, unmoved, names)
    if names:
        _redraw_prior(groups, new, parent.seed, watch)
    _move(groups, new, moved, parent.seed)
    tree = xr.DataTree.from_dict(groups)
    left_out = sorted({*draws.children} - {*groups})
    checks = {
        "parents_passed": Check(
            parent.passed, int(not parent.passed), "" if parent.passed else parent.id
        ),
        "pareto_k": Check(True, found.pareto_k if np.isfinite(found.pareto_k) else np.nan),
    }
    outcome = conclude(new, parent.seed, tree, watch, checks)
    return outcome, {"reweighted": _record(parent, changes, found, sorted(moved), left_out)}


def trusted(run: Run, scenario: Scenario, into: Path, name: str) -> Run | None:
    """Seal what a run says of a scenario of its own seed; None unless it passes every check.

    And unless it passed itself, has sampled draws, and the weights leave half of them: sampling
    anew is always there.
    """
    if not run.passed or {"parents", "reweighted"} & run.record.keys():
        return None
    old, watch = sealed_scenario(run.path), Stopwatch(Silence())
    try:
        outcome, record = restated(run, old, scenario, _changes(old, scenario), "refit", watch)
    except BadInput:
        return None
    size = record["reweighted"]["effective_size"]
    if not outcome.passed or size < ENOUGH * old.sampler.chains * old.sampler.draws:
        return None
    return sealed(into, scenario, run.seed, outcome, watch, record, name)


def _changes(old: Scenario, new: Scenario) -> dict[str, Any]:
    """What a new scenario states otherwise, by dotted key."""
    return {
        f"{section}.{key}": value
        for section in ("prior", "task", "forecast")
        for key, value in new.spec.get(section, {}).items()
        if old.spec.get(section, {}).get(key) != value
    }


# --- what may be asked ----------------------------------------------------------------------------


def _scenarios(parent: Run, overrides: Mapping[str, Any]) -> tuple[Scenario, Scenario]:
    """The parent's scenario and the new one; BadInput with all that forbids it."""
    if "parents" in parent.record:
        fix = "reweight the runs that it mixes, then average these"
        raise BadInput([Fault(parent.id, "run", "is an average", fix)])
    if made := parent.record.get("reweighted"):  # of draws that repeat, k would say too little
        fix = f"reweight what it is made from, {made['parent']['id']}"
        raise BadInput([Fault(parent.id, "run", "is reweighted itself", fix)])
    old, fix = sealed_scenario(parent.path), refit(parent, overrides)

    def forbidding(new: Scenario) -> list[Fault]:
        moved = importance.movable(old, new)
        return [*importance.conflicts(old, importance.without(moved, old, new), fix)]

    try:
        new = sealed_scenario(parent.path, overrides)
    except BadInput as error:
        faults = error.faults
        for key, setting in overrides.items():  # what cannot be read must not hide the rest
            with suppress(BadInput):
                faults += forbidding(sealed_scenario(parent.path, {key: setting}))
        raise BadInput(faults) from None
    if faults := forbidding(new):
        raise BadInput(faults)
    return old, new


def refit(parent: Run, overrides: Mapping[str, Any]) -> str:
    """The command that samples anew what is asked of a run."""
    words = ["simulator", "run", str(parent.path / "scenario.toml"), "--seed", str(parent.seed)]
    for key, setting in overrides.items():
        words += ["--set", written(key, setting)]
    return f"refit: {shlex.join(words)}"


def _refusal(parent: Run, old: Scenario, new: Scenario, found: Weights, fix: str) -> Fault:
    names = importance.changed(old, new) or importance.touched(old, new)
    key = ", ".join(f"prior.{name}" for name in sorted(names))
    rule = f"Pareto k is {found.pareto_k:.2f}, above {found.threshold:.2f}"
    if np.isinf(found.pareto_k):
        inside = int(np.isfinite(found.log).sum())
        rule = f"{inside} draws lie where it is, too few for a Pareto k (infinite, above "
        rule += f"{found.threshold:.2f})"
    return Fault(parent.id, key, f"{rule}: the draws hardly reach it", fix)


def _record(
    parent: Run, overrides: Mapping[str, Any], found: Weights, moved: list[str], left_out: list[str]
) -> dict[str, Any]:
    """From what the run is made, and how."""
    return {
        "parent": about(parent),
        "changes": dict(overrides),
        "moved": moved,
        "pareto_k": found.pareto_k if np.isfinite(found.pareto_k) else None,
        "pareto_k_threshold": found.threshold,
        "effective_size": found.effective_size,
        "left_out": left_out,
    }


# --- draws ----------------------------------------------------------------------------------------


def _resampled(draws: xr.DataTree, index: np.ndarray) -> Groups:
    """Groups of the posterior, each draw where `index` says; those of the prior and data as is.

    Statistics of the sampler are of the walk that it took, and stay with the parent.
    """
    flat = index.ravel()

    def taken(variable: xr.DataArray) -> xr.DataArray:
        values = variable.transpose(*SAMPLE, ...)
        every = values.values.reshape(-1, *values.shape[2:])
        return values.copy(data=every[flat].reshape(values.shape))

    groups = {
        name: draws[name].to_dataset().map(taken, keep_attrs=True)
        for name in RESAMPLED
        if name in draws.children
    }
    return groups | {n: draws[n].to_dataset() for n in KEPT if n in draws.children}


def _restate(groups: Groups, new: Scenario, names: set[str]) -> None:
    """Standard normals and their densities as the new beliefs have them, at the same values."""
    posterior = groups["posterior"]
    values = {n: posterior[n].values for n in names if n in new.beliefs}
    _, independent = importance.normals(new, values)
    for group, of in (("unconstrained_posterior", np.asarray), ("log_prior", importance.standard)):
        if group in groups:
            stale = [name for name in names if name in groups[group]]
            fresh = {name: (SAMPLE, of(z)) for name, z in independent.items()}
            groups[group] = groups[group].drop_vars(stale).assign(fresh)


def _redraw_prior(groups: Groups, new: Scenario, seed: int, watch: Stopwatch) -> None:
    """The prior of the new beliefs and all that follows from it, as a refit draws it."""
    watch.stage("import")
    from simulator import compiled, graphs, inference, model, observations

    watch.stage("build")
    built = model.build(new, observations.observe(new.evidence, new.structure))
    watch.stage("predict")
    shape = tuple(groups["prior"].sizes[dim] for dim in SAMPLE)
    with graphs.lent(built, compiled.shape(built, new.form)) as graph:
        prior = graphs.completion(graph)(inference.prior_draws(graph, seed, shape, "prior"))
        groups |= inference.tree(graph, prior, "prior")
        if "prior_predictive" in groups:
            groups |= inference.predictions(graph, prior, "prior_predictive", seed)


def _move(groups: Groups, new: Scenario, moved: set[str], seed: int) -> None:
    """Beliefs that stand alone, put where the new ones have them at the same standard normals."""
    for name in moved:
        shape = tuple(groups["prior"].sizes[dim] for dim in SAMPLE)
        behind = {
            "posterior": groups["unconstrained_posterior"][name].values,
            "prior": streams.normals(seed, "prior", f"{name}_z", shape=shape),
        }
        for group, z in behind.items():
            variable = groups[group][name]
            values = importance.at(new.beliefs[name], z)
            groups[group] = groups[group].assign({name: variable.copy(data=values)})

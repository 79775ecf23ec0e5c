"""What each source of evidence adds: its densities, and the answer without it.

Without a source the posterior is that of all the others: draws weighted by one over the source's
likelihood (Pareto-smoothed). Where Pareto k is too high the draws do not reach, and only a refit
answers. Taking rows away must also leave the terms of all other rows as they are; where it does not
(a curve or series of two sources), weights do not exist.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from simulator import importance, seal
from simulator.evidence import Evidence, Row, select
from simulator.importance import Weights
from simulator.observations import Observations, observe
from simulator.observations.recipes import BASELINE
from simulator.outcome import key
from simulator.overrides import written
from simulator.pipeline import Observer, simulate
from simulator.run import Run, open_run, runs_in
from simulator.scenario import Scenario, sealed_scenario

type Labels = dict[str, np.ndarray]


class Without(NamedTuple):
    """A run without one source: weights of its draws, or why there are none; or a refit.

    `command` samples it, `scenario` is what is sampled.
    """

    source: str
    rows: int
    weights: Weights | None
    reason: str
    command: str
    scenario: Scenario


def labelled(evidence: Evidence, observed: Observations) -> Labels:
    """The source of each observation, by observed variable, in the order of `observe`."""
    of = evidence.rows
    points, slopes = [*of("response_points")], [*of("response_slopes")]
    found = {
        "score_logit": points,
        "score": points,
        "slope_logit_per_oom": slopes,
        "slope_per_oom": slopes,
        "exchange_ratio_ln": [*of("exchange_rates")],
        **_recipes(of("recipes")),
        "progress_oom_per_year": [*of("progress_rates")],
        **_records(of("cost_records"), observed),
        "annual_factor_oom": [*of("annual_factors")],
    }
    return {name: np.array([row["source"] for row in found[name]]) for name in observed.observed}


def _recipes(rows: Sequence[Row]) -> dict[str, list[Row]]:
    kept = [row for row in rows if row["start"] is not None]
    fitted = [row for row in kept if row["table"] == "recipes"]
    families = {row["family"] for row in fitted}
    if BASELINE not in families or len(families) < 2:
        return {}
    fitted.sort(key=lambda row: row["family"] != BASELINE)
    return {
        "recipe_slope_ln": [row for row in kept if row["family"] in families],
        "recipe_asymptote_score": fitted,
        "recipe_compute_oom_hours": fitted,
    }


def _records(rows: Sequence[Row], observed: Observations) -> dict[str, list[Row]]:
    """Records by series and date; a quarter is of the source that its series begins with."""
    rows = sorted(rows, key=lambda row: (row["series"], row["date"]))
    first: dict[str, Row] = {}
    later = [row for row in rows if first.setdefault(row["series"], row) is not row]
    starts = [*first.values()]
    _, quarters = observed.constant.get("quarter_series", ("", ()))
    return {
        "record_oom_usd": rows,
        "record_fall_oom": later,
        "records_in_quarter": [starts[i] for i in quarters],
    }


def densities(log_likelihood: xr.Dataset, of: Labels) -> dict[str, np.ndarray]:
    """Log likelihood of each source, summed over its observations; (sample,) by source."""
    found: dict[str, np.ndarray] = {}
    for name, variable in log_likelihood.items():
        values = variable.transpose("chain", "draw", ...).values
        flat = values.reshape(values.shape[0] * values.shape[1], -1)
        for source in np.unique(of[name]).tolist():
            part = flat[:, of[name] == source].sum(axis=1)
            found[source] = found.get(source, 0.0) + part
    return dict(sorted(found.items()))


def without(
    run: Run, scenario: Scenario, density: dict[str, np.ndarray], shape: tuple[int, int]
) -> list[Without]:
    """The run without each source in turn."""
    left = sorted(density)
    found = []
    for source in left:
        others = [one for one in used(scenario.evidence) if one != source]
        rows = sum(row["source"] == source for t in scenario.evidence.tables.values() for row in t)
        news = changes(scenario, others)
        command, new = _command(run, others, news), reduced(run, others, news)
        weights, reason = None, inseparable(scenario, [source])
        if "reweighted" in run.record:
            reason = "draws that repeat tell too little of their own weights"
        if not reason:
            weights = importance.smoothed(-density[source].reshape(shape))
            if not weights.good:
                reason = f"Pareto k is {weights.pareto_k:.2f}, above {weights.threshold:.2f}"
        found.append(Without(source, rows, weights, reason, command, new))
    return found


def changes(scenario: Scenario, kept: Sequence[str]) -> dict[str, Any]:
    """What a scenario on these sources only states otherwise, by dotted key.

    A task that resembles what is gone is as any new one, which is what its draws become.
    """
    evidence = select(scenario.evidence, kept)
    known = {"typical", "new"}
    for table in ("cost_records", "annual_factors"):
        known |= {
            row[n] for row in evidence.rows(table) for n in ("benchmark", "series") if n in row
        }
    strange = [name for name, task in scenario.tasks.items() if task.resembles not in known]
    news: dict[str, Any] = {"evidence.sources": [*kept] or "none"}
    return news | {f"task.{name}.resembles": "new" for name in strange}


def reduced(run: Run, kept: Sequence[str], news: dict[str, Any]) -> Scenario:
    """The scenario of a run on these sources of its own only."""
    less = sealed_scenario(run.path, news)
    return replace(less, evidence=select(less.evidence, kept))


def _command(run: Run, kept: Sequence[str], news: dict[str, Any]) -> str:
    words = ["simulator", "run", str(run.path / "scenario.toml"), "--seed", str(run.seed)]
    words += ["--evidence", ",".join(kept) or "none"]
    for name, new in news.items():
        words += ["--set", written(name, new)] if name != "evidence.sources" else []
    return shlex.join(words)


def used(evidence: Evidence) -> list[str]:
    """The sources of its rows, by name."""
    return sorted({row["source"] for rows in evidence.tables.values() for row in rows})


def inseparable(scenario: Scenario, gone: Sequence[str]) -> str:
    """Why other observations' terms would not stay as they are without sources; empty if so."""
    rest = select(scenario.evidence, [s for s in used(scenario.evidence) if s not in gone])
    whole, less = (observe(one, scenario.structure) for one in (scenario.evidence, rest))
    of = labelled(scenario.evidence, whole)
    kept = {dim: ~np.isin(of[name], gone) for name, (dim, _) in whole.observed.items()}
    for name, (dim, array) in [*whole.observed.items(), *whole.constant.items()]:
        if dim not in kept or (name in whole.constant and array.dtype.kind != "f"):
            continue  # counts from where labels start, which is not the same without some
        left = array[kept[dim]]
        _, other = less.observed.get(name) or less.constant.get(name) or ("", left[:0])
        if left.shape != other.shape or not np.allclose(left, other, equal_nan=True):
            return f"{name} of other sources changes without it"
    return ""


def refitted(scenario: Scenario, seed: int, into: Path, observer: Observer | None) -> Run:
    """A run of a scenario: one that is in the folder already, or sampled and sealed there."""
    end = key(scenario.digest, seed)[:8]
    for run in runs_in(into):
        if end in run.id and run.seed == seed and run.status != "damaged":
            try:
                found = open_run(run.path)
            except seal.Damaged:
                continue
            if found.record.get("scenario_digest") == scenario.digest and not (
                {"parents", "reweighted"} & found.record.keys()
            ):
                return found
    return simulate(scenario, seed, into, observer)

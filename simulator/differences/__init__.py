"""What changed between two runs, and what that did to each headline, step by step."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator import seal
from simulator.differences.changes import changes
from simulator.differences.steps import Key, State, Way, change
from simulator.faults import BadInput, Fault
from simulator.labels import heading, headline, label
from simulator.pipeline import DRAW, Observer
from simulator.quantities import OUTPUTS
from simulator.run import Run, open_run
from simulator.scenario import sealed_scenario

__all__ = ["Difference", "diff"]

type Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """What `diff` found.

    `runs` are both (id, scenario, seed, status); `changes` rows of name, unit, before and after, by
    section; `steps` what each takes (`labels`) and how (`by`: "weights" of draws, "moved" where no
    observation speaks to a belief, "questions" asked anew of the same draws, "sampling" between
    the two runs' own draws, "refit", or "joint" where several changes cannot be told apart).
    `outputs` are the headline quantities of both, each with unit, coords, heading, label, before,
    after, total and `steps` (median, change, error), in the quantity's unit: changes add up to the
    total, in OOM where that is the unit. Infinite figures are None. `not_comparable` are the
    headline quantities that only one of them has.
    """

    runs: list[Row]
    changes: dict[str, list[Row]]
    steps: list[Row]
    outputs: list[Row]
    not_comparable: list[Row]

    def to_json(self) -> Row:
        """One plain object."""
        return asdict(self)


def diff(
    one: Run | str | Path,
    other: Run | str | Path,
    *,
    refit: bool = False,
    into: str | Path = "runs",
    observer: Observer | None = None,
) -> Difference:
    """What changed from one run to another, and what each change did to the headline medians.

    Steps are by weights where these can be trusted. What they cannot reach is one joint step, or
    with `refit` one step per change, of which those in between are sampled and sealed in `into`.
    Raises BadInput for an average, whose draws are of different models.
    """
    runs = [run if isinstance(run, Run) else open_run(run) for run in (one, other)]
    rule = "is an average, whose draws come from different models"
    if faults := [
        Fault(run.id, "run", rule, f"name a run that it mixes, as {run.record['parents'][0]['id']}")
        for run in runs
        if "parents" in run.record
    ]:
        raise BadInput(faults)
    scenarios = [sealed_scenario(run.path) for run in runs]
    if refit:
        sampler = scenarios[1].sampler
        seal.refuse_unwritable(Path(into), DRAW * sampler.chains * sampler.draws)
    way = Way(runs, scenarios, Path(into) if refit else None, observer)
    shared, alone = _headlines(runs)
    return Difference(
        [{key: getattr(run, key) for key in ("id", "scenario", "seed", "status")} for run in runs],
        changes(runs, scenarios),
        [{"labels": list(step.labels), "by": step.by} for step in way.steps],
        [_output(row, way) for row in shared],
        alone,
    )


def _headlines(runs: list[Run]) -> tuple[list[Row], list[Row]]:
    """Headline rows of both runs, as either has them, and those that only one of them has."""
    every = [{_key(r): r for r in run.rows if r["quantity"] in OUTPUTS} for run in runs]
    first = {_key(row): row for run in runs for row in reversed([*headline(run.rows)])}
    order = [key for own in every for key in own if key in first]
    shared, alone = [], []
    for key in dict.fromkeys(order):
        row = first[key]
        if all(key in own for own in every):
            shared.append(row)
        else:
            own = next(run.id for run, rows in zip(runs, every, strict=True) if key in rows)
            alone.append({"output": f"{heading(row)}, {label(row)}", "only_in": own})
    return shared, alone


def _key(row: Row) -> Key:
    return row["quantity"], tuple(row["coords"].items())


def _output(row: Row, way: Way) -> Row:
    key, steps, before = _key(row), [], way.begin
    for step in way.steps:
        moved, error = change(key, before, step.after)
        steps.append({"median": _median(key, step.after), "change": moved, "error": error})
        before = step.after
    total, error = change(key, way.begin, way.end)
    return {
        **{name: row[name] for name in ("quantity", "unit", "coords")},
        "heading": heading(row),
        "label": label(row),
        "before": _median(key, way.begin),
        "after": _median(key, way.end),
        "total": total,
        "total_error": error,
        "steps": steps,
    }


def _median(key: Key, state: State) -> float | None:
    if key not in state.outputs:
        return None
    median = state.median(key)
    return median if np.isfinite(median) else None

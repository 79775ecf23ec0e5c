"""What a batch will take before it is begun: counts, what is shared, time and disk by a trial."""

import tempfile
from pathlib import Path
from typing import Any

from simulator.batch.plan import Item, Plan, plan
from simulator.batch.pool import processes
from simulator.scenario import Scenario, variants

SHORT = 100  # draws and tuning steps of a trial
FIXED = ("build", "compile")  # stages that more draws do not lengthen


def check(file: str | Path, trial: bool = True, jobs: int | None = None) -> dict[str, Any]:
    """Counts and faults of a batch file, its compiled models and, after a trial, time and disk.

    Raises BadInput with the faults of the file; those of single scenarios are listed.
    """
    planned = plan(file)
    distinct = planned.distinct
    found: dict[str, Any] = {
        "name": planned.name,
        "scenarios": len(planned.items),
        "to_sample": len(distinct),
        "dims": {name: len(levels) for name, levels in planned.dims.items()},
        "faults": [
            {"scenarios": len(items), "levels": _common(planned, items), "faults": list(faults)}
            for faults, items in _grouped(planned.faulty, "faults").items()
        ],
        "models": [
            {"scenarios": len(items), "levels": _common(planned, items)}
            for items in _grouped(distinct, "shape").values()
        ],
        "estimate": None,
    }
    if trial and distinct:
        jobs = min(processes(jobs), len(distinct))
        found["estimate"] = _estimate(
            planned, max(distinct, key=lambda item: item.observations)
        ) | {"jobs": jobs}
        seconds = found["estimate"]["seconds_each"] * len(distinct) / jobs
        found["estimate"]["minutes"] = seconds / 60
        found["estimate"]["disk_mb"] = found["estimate"]["mb_each"] * len(distinct)
    return found


def _grouped(items: list[Item], by: str) -> dict[Any, list[Item]]:
    groups: dict[Any, list[Item]] = {}
    for item in items:
        groups.setdefault(getattr(item, by), []).append(item)
    return groups


def _common(planned: Plan, items: list[Item]) -> dict[str, list[Any]]:
    """The levels that items have on axes where they do not have them all."""
    used = {axis: list(dict.fromkeys(item.at[axis] for item in items)) for axis in planned.dims}
    named = {axis: levels for axis, levels in used.items() if axis != "point"}
    return {axis: x for axis, x in named.items() if len(x) < len(planned.dims[axis])}


def _estimate(planned: Plan, item: Item) -> dict[str, float]:
    """Seconds and megabytes of one scenario on one thread, from a short sample of it."""
    from simulator.pipeline import simulate

    scenario: Scenario = variants(planned.base)(item.set)
    sampler = scenario.sampler
    few = {"draws": min(sampler.draws, SHORT), "tune": min(sampler.tune, SHORT)}
    with tempfile.TemporaryDirectory() as folder:
        run = simulate(scenario.with_sampler(**few), item.seed, folder, threads=1)
        size = sum(path.stat().st_size for path in run.path.iterdir())
    more = sampler.draws / few["draws"]
    steps = (sampler.draws + sampler.tune) / sum(few.values())
    stages = {
        stage: seconds * (1 if stage in FIXED else steps if stage == "sample" else more)
        for stage, seconds in run.seconds.items()
        if stage != "import"  # once per worker
    }
    return {"seconds_each": sum(stages.values()), "mb_each": size * more / 1e6}

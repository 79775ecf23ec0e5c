"""Scenarios per minute: a batch against a loop of `pm.sample`, and with 1, 2 and 4 processes.

The shipped base model, 4 chains of 1000 draws, one belief varied. The batch runs all checks and
seals every run; the loop builds each model and samples it with PyMC's own sampler. Both count from
the start of their process, with warm caches. So many processes have so many processors, and as
many scenarios each, so that one process uses one processor. Last, the same batch with --reweight,
which samples some and makes the others from them where weights allow.
"""

import sys
import tempfile
from pathlib import Path

import measure
import samplers

PROCESSES = (1, 2, 4)
EACH = 8  # scenarios per process
LOOP = 4  # scenarios of the loop
EFFICIENT = 0.8
FASTER = 10
LOOPED = "loop of pm.sample"


def varied(count: int) -> list[dict]:
    """Settings of scenarios that differ in a belief."""
    return [
        {"prior.rl_slope.quantiles": {"q05": round(5 + 3 * i / count, 4), "q95": 30}}
        for i in range(count)
    ]


def batch_file(path: Path, scenarios: list[dict], common: dict | None = None) -> Path:
    """A batch file of one axis with so many levels."""
    import tomli_w

    levels = [{"name": f"{i}", "set": each} for i, each in enumerate(scenarios)]
    about = {"name": "benchmark", "base": "base", "set": common or {}}
    path.write_text(tomli_w.dumps(about | {"axis": [{"name": "belief", "level": levels}]}), "utf-8")
    return path


def alone(count: int, quick: bool) -> dict:
    """The loop."""
    from simulator import load_scenario

    for settings in varied(count):
        scenario = load_scenario("base", settings)
        scenario = scenario.with_sampler(**(samplers.QUICK if quick else {}))
        sampler = scenario.sampler
        model = samplers.built(scenario)
        samplers.sampled(model, sampler, sampler.seed, nuts_sampler="pymc", cores=4)
    return {}


def loop(quick: bool) -> dict:
    count = 1 if quick else LOOP
    return _per_minute(measure.fresh(__file__, {"count": count, "quick": quick}), count)


def batch(jobs: int, quick: bool, *more: str) -> dict:
    """A batch with so many processes on as many processors; `more` are further options of it."""
    if measure.cores() < jobs:
        return {"skipped": f"there are {measure.cores()} processors"}
    count = jobs * (1 if quick else EACH)
    common = {f"sampler.{name}": n for name, n in samplers.QUICK.items()} if quick else {}
    with tempfile.TemporaryDirectory() as folder:
        file = batch_file(Path(folder, "batch.toml"), varied(count), common)
        words = ["batch", "run", file, "--into", Path(folder, "runs"), "--jobs", str(jobs), *more]
        found = measure.timed(measure.simulator(*words, "--json", cores=jobs), good=(0, 5))
    if "skipped" not in found and found["done"] != count:
        return {"skipped": f"{count - found['done']} of {count} could not be run"}
    return _per_minute(found, count)


def _per_minute(found: dict, count: int) -> dict:
    if "skipped" in found:
        return found
    return found | {"per_minute": 60 * count / found["wall"], "count": count}


def measured(options) -> dict:
    """Rows by way; how much faster the batch is, and how well processes are used."""
    quick = options.quick
    most = max((jobs for jobs in PROCESSES if jobs <= measure.cores()), default=PROCESSES[0])
    names = {jobs: f"batch, {jobs} process{'es' if jobs > 1 else ''}" for jobs in PROCESSES}
    again = f"{names[most]}, --reweight"
    ways = {LOOPED: lambda number: loop(quick)}
    ways |= {name: lambda number, j=jobs: batch(j, quick) for jobs, name in names.items()}
    ways |= {again: lambda number: batch(most, quick, "--reweight")}
    runs = measure.rounds(ways, options)
    claims = [
        _faster("scenarios per minute, against the loop", runs[names[most]], runs[LOOPED]),
        _faster("the same with --reweight", runs[again], runs[LOOPED]),
        *(_efficiency(jobs, runs[names[jobs]], runs[names[1]]) for jobs in PROCESSES[1:]),
    ]
    return {"part": "batch", "rows": [_row(*of) for of in runs.items()], "claims": claims}


def _row(name: str, runs: measure.Rows) -> dict:
    if why := measure.skipped(runs):
        return {"way": name, "skipped": why}
    row = {"way": name, "scenarios": runs[0]["count"]}
    row |= {"per_minute": measure.middle(runs, "per_minute")}
    if "peak_mb" not in runs[0]:
        return row
    made = sum(report["kind"] == "reweighted" for report in runs[0]["reports"])
    row |= {"reweighted": made, "peak_mb": measure.middle(runs, "peak_mb")}
    return row | {"failed": runs[0]["failed"]}


def _faster(says: str, runs: measure.Rows, base: measure.Rows) -> dict:
    if why := measure.skipped(base) or measure.skipped(runs):
        return measure.unmeasured(says, why, f"at least {FASTER}x")
    return measure.at_least(says, measure.ratio(runs, base, "per_minute"), FASTER)


def _efficiency(jobs: int, runs: measure.Rows, alone: measure.Rows) -> dict:
    says = f"efficiency with {jobs} processes"
    if why := measure.skipped(runs) or measure.skipped(alone):
        return measure.unmeasured(says, why, f"at least {EFFICIENT:g}")
    share = measure.ratio(runs, alone, "per_minute") / jobs
    return measure.at_least(says, share, EFFICIENT, unit="")


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured, alone))
